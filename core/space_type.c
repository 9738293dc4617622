/* The types of parameters: what _value must look like, and what it makes of a parameter. */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/space_json.h"
#include "core/text.h"

#define INTEGER_MAX  9007199254740992 /* 2^53: every integer up to it is exact in a double */
#define GRID_MAX     0x1p52	      /* k and k + 1/2 are exact up to here */
#define SIGMAS	     8.5	      /* what parameter_from_unit can reach */
#define LOG_EXP_MAX  700.0	      /* exp of it is still finite */
#define RANGE_FIELDS 4

struct type {
	const char *name;
	enum parameter_type type;
	int (*read)(struct parser *parser, const struct type *type, const json_t *value,
		const struct path *at, struct parameter *p);
	bool log, normal;
	unsigned n_fields; /* ranges: how many of fields an array has */
	const char *fields[RANGE_FIELDS];
	const char *shape; /* what _value must be */
};

static void refuse(struct parser *parser, const struct path *at, const struct type *type)
{
	fault_add(parser->faults, at, "_value of %s must be %s", type->name, type->shape);
}

static int field_index(const struct type *type, const char *name)
{
	for (int i = 0; i < RANGE_FIELDS && type->fields[i]; i++)
		if (strcmp(type->fields[i], name) == 0)
			return i;
	return -1;
}

/* Takes [low, high, q] and {"low": ..., "high": ..., "q": ...} apart. An array has exactly
 * n_fields elements; an object may lack those beyond. False: reported. */
static bool fields_split(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, const json_t *out[RANGE_FIELDS])
{
	memset(out, 0, RANGE_FIELDS * sizeof(*out));
	if (json_is_array(value) && json_array_size(value) == type->n_fields) {
		for (size_t i = 0; i < type->n_fields; i++)
			out[i] = json_array_get(value, i);
		return true;
	}
	if (!json_is_object(value)) {
		refuse(parser, at, type);
		return false;
	}
	bool ok = true;
	for (size_t i = 0; i < RANGE_FIELDS && type->fields[i]; i++) {
		out[i] = json_object_get(value, type->fields[i]);
		if (i < type->n_fields && !out[i]) {
			struct path here = { at, type->fields[i], 0 };
			fault_add(parser->faults, &here, "is missing: _value of %s must be %s",
				type->name, type->shape);
			ok = false;
		}
	}
	union { /* iterated, not changed */
		const json_t *in;
		json_t *out;
	} borrowed = { .in = value };
	const char *name;
	json_t *member;
	json_object_foreach(borrowed.out, name, member)
	{
		struct path here = { at, name, 0 };
		if (field_index(type, name) < 0) {
			fault_add(parser->faults, &here, "unknown field: _value of %s must be %s",
				type->name, type->shape);
			ok = false;
		}
	}
	return ok;
}

/* Where field i of a range stands: its index or its name. */
static struct path field_path(
	const struct type *type, const json_t *value, const struct path *at, size_t i)
{
	const char *name = json_is_object(value) ? type->fields[i] : NULL;
	return (struct path){ at, name, i };
}

static bool number_read(struct parser *parser, const struct type *type, const json_t *value,
	const json_t *fields[RANGE_FIELDS], const struct path *at, size_t i, double *out)
{
	struct path here = field_path(type, value, at, i);
	*out = json_number_value(fields[i]);
	if (json_is_number(fields[i]) && isfinite(*out))
		return true;
	fault_add(parser->faults, &here, "%s must be a number", type->fields[i]);
	return false;
}

static bool integer_read(struct parser *parser, const struct type *type, const json_t *value,
	const json_t *fields[RANGE_FIELDS], const struct path *at, size_t i, double *out)
{
	struct path here = field_path(type, value, at, i);
	json_int_t integer = json_integer_value(fields[i]);
	*out = (double)integer;
	if (json_is_integer(fields[i]) && integer <= INTEGER_MAX && integer >= -INTEGER_MAX)
		return true;
	fault_add(parser->faults, &here, "%s must be an integer, at most 2^53 in magnitude",
		type->fields[i]);
	return false;
}

static void normal_check(
	struct parser *parser, const struct path *at, const struct parameter *p, bool quantised)
{
	double reach = fabs(p->mu) + SIGMAS * p->sigma;
	if (p->sigma <= 0)
		fault_add(parser->faults, at, "sigma must be above 0");
	else if (p->log && reach > LOG_EXP_MAX)
		fault_add(parser->faults, at,
			"mu and sigma are of ln x, and this one overflows: |mu| + %g sigma may be "
			"at most %g",
			SIGMAS, LOG_EXP_MAX);
	else if (!isfinite(reach))
		fault_add(parser->faults, at, "mu and sigma are too large");
	else if (quantised && !isfinite((p->log ? exp(reach) : reach) / p->q))
		fault_add(parser->faults, at, "q is too small for this mu and sigma");
}

static void bounds_check(
	struct parser *parser, const struct path *at, const struct parameter *p, bool quantised)
{
	if (p->low == p->high)
		fault_add(parser->faults, at,
			"high must be above low; for a constant say {\"_type\": \"fixed\", "
			"\"_value\": %.15g}",
			p->low);
	else if (p->low > p->high)
		fault_add(parser->faults, at, "high must be above low: swap %g and %g", p->low,
			p->high);
	else if (p->log && p->low <= 0)
		fault_add(parser->faults, at, "low must be above 0 on a logarithmic scale");
	else if (!isfinite(p->high - p->low))
		fault_add(parser->faults, at, "the range is too wide");
	else if (quantised && fmax(fabs(p->low), fabs(p->high)) / p->q > GRID_MAX)
		fault_add(parser->faults, at, "q is too small: a grid has at most 2^52 steps");
}

/* uniform, normal and their log and q variants. */
static int range_read(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, struct parameter *p)
{
	const json_t *fields[RANGE_FIELDS];
	double v[RANGE_FIELDS] = { 0 };
	bool ok = fields_split(parser, type, value, at, fields);
	if (!ok)
		return 0;
	for (size_t i = 0; i < type->n_fields; i++)
		ok = number_read(parser, type, value, fields, at, i, &v[i]) && ok;
	if (!ok)
		return 0;

	bool quantised = type->n_fields == 3;
	p->log = type->log;
	p->normal = type->normal;
	p->q = quantised ? v[2] : 0.0;
	p->low = p->normal ? -(double)INFINITY : v[0];
	p->high = p->normal ? (double)INFINITY : v[1];
	p->mu = p->normal ? v[0] : 0.0;
	p->sigma = p->normal ? v[1] : 0.0;
	size_t before = parser->faults->n;
	struct path q_at = field_path(type, value, at, 2);
	if (quantised && p->q <= 0)
		fault_add(parser->faults, &q_at, "q must be above 0");
	else if (p->normal)
		normal_check(parser, at, p, quantised);
	else
		bounds_check(parser, at, p, quantised);
	if (parser->faults->n == before)
		parameter_derive(p);
	return 0;
}

static int randint_read(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, struct parameter *p)
{
	const json_t *fields[RANGE_FIELDS];
	if (!fields_split(parser, type, value, at, fields))
		return 0;
	bool low = integer_read(parser, type, value, fields, at, 0, &p->low);
	bool high = integer_read(parser, type, value, fields, at, 1, &p->high);
	if (!low || !high)
		return 0;
	if (p->high <= p->low) {
		fault_add(parser->faults, at,
			"high must be above low: randint takes low <= x < high, so [%.0f, %.0f] is "
			"empty",
			p->low, p->high);
		return 0;
	}
	p->high -= 1.0;
	p->q = 1.0;
	p->anchor = p->low;
	parameter_derive(p);
	return 0;
}

static void int_check(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, const struct parameter *p)
{
	struct path step_at = field_path(type, value, at, 2);
	if (p->low > p->high)
		fault_add(parser->faults, at, "high must not be below low: swap %.0f and %.0f",
			p->low, p->high);
	else if (p->q < 1)
		fault_add(parser->faults, &step_at, "step must be at least 1");
	else if (p->log && p->q != 1)
		fault_add(parser->faults, &step_at, "log takes no step but 1");
	else if (p->log && p->low < 1)
		fault_add(parser->faults, at, "low must be at least 1 on a logarithmic scale");
	else if (p->high - p->low > GRID_MAX)
		fault_add(parser->faults, at, "the range is too wide: at most 2^52 values");
}

static int int_read(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, struct parameter *p)
{
	const json_t *fields[RANGE_FIELDS];
	if (!fields_split(parser, type, value, at, fields))
		return 0;
	p->q = 1.0;
	bool ok = integer_read(parser, type, value, fields, at, 0, &p->low);
	ok = integer_read(parser, type, value, fields, at, 1, &p->high) && ok;
	if (fields[2])
		ok = integer_read(parser, type, value, fields, at, 2, &p->q) && ok;
	if (fields[3] && !json_is_boolean(fields[3])) {
		struct path here = field_path(type, value, at, 3);
		fault_add(parser->faults, &here, "log must be true or false");
		ok = false;
	}
	if (!ok)
		return 0;
	p->log = json_is_true(fields[3]);
	size_t before = parser->faults->n;
	int_check(parser, type, value, at, p);
	if (parser->faults->n > before)
		return 0;
	p->anchor = p->low;
	p->high = p->low + floor((p->high - p->low) / p->q) * p->q;
	parameter_derive(p);
	return 0;
}

/* Texts, keys and order of a list of values; equal ones are faults. */
static int values_keep(struct parser *parser, const json_t *list, const struct path *at,
	const char *const **texts, struct parameter *p)
{
	size_t n = json_array_size(list), twin = 0;
	const char **kept = arena_array(parser->arena, n, sizeof(*kept));
	struct key128 *keys = arena_array(parser->arena, n, sizeof(*keys));
	uint32_t *order = arena_array(parser->arena, n, sizeof(*order));
	if (!kept || !keys || !order)
		return no_memory(parser);
	for (size_t k = 0; k < n; k++) {
		const json_t *value = json_array_get(list, k);
		if (p->branches)
			value = json_object_get(value, "_name");
		kept[k] = text_keep(parser, value);
		if (!kept[k])
			return no_memory(parser);
		json_key(value, &keys[k]);
	}
	size_t same = option_sort(keys, order, n, &twin);
	struct path here = { at, NULL, same };
	if (same < n)
		fault_add(parser->faults, &here, "is the same %s as number %zu: remove one",
			p->branches ? "_name" : "value", twin);
	*texts = kept;
	p->keys = keys;
	p->order = order;
	return 0;
}

static int numbers_keep(struct parser *parser, const json_t *list, struct parameter *p)
{
	size_t n = json_array_size(list);
	for (size_t k = 0; k < n; k++)
		if (!json_is_number(json_array_get(list, k)))
			return 0;
	double *numbers = arena_array(parser->arena, n, sizeof(*numbers));
	if (!numbers)
		return no_memory(parser);
	for (size_t k = 0; k < n; k++)
		numbers[k] = json_number_value(json_array_get(list, k));
	p->numbers = numbers;
	return 0;
}

/* NNI's rule: a choice is nested when every option is an object with a _name. */
static bool is_nested(const json_t *list)
{
	for (size_t k = 0; k < json_array_size(list); k++)
		if (!json_object_get(json_array_get(list, k), "_name"))
			return false;
	return true;
}

/* The _name of each branch as people write it: a string without its quotes. */
static int branches_keep(
	struct parser *parser, const json_t *list, const struct path *at, struct parameter *p)
{
	size_t n = json_array_size(list);
	const char **branches = arena_array(parser->arena, n, sizeof(*branches));
	if (!branches)
		return no_memory(parser);
	for (size_t k = 0; k < n; k++) {
		const json_t *name = json_object_get(json_array_get(list, k), "_name");
		struct path option_at = { at, NULL, k }, here = { &option_at, "_name", 0 };
		if (json_is_array(name) || json_is_object(name) || json_is_null(name))
			fault_add(parser->faults, &here, "_name must be a string or a number");
		branches[k] = json_is_string(name)
				      ? arena_strdup(parser->arena, json_string_value(name))
				      : text_keep(parser, name);
		if (!branches[k])
			return no_memory(parser);
	}
	p->branches = branches;
	return 0;
}

static int options_read(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, struct parameter *p)
{
	size_t n = json_array_size(value);
	if (!json_is_array(value) || n == 0) {
		refuse(parser, at, type);
		return 0;
	}
	if (n > LIMIT_OPTIONS) {
		fault_add(parser->faults, at, "at most %d options, not %zu", LIMIT_OPTIONS, n);
		return 0;
	}
	p->n_options = p->n_values = n;
	p->categorical = type->type != TYPE_ORDINAL;
	int rc = 0;
	if (type->type == TYPE_CHOICE && is_nested(value))
		rc = branches_keep(parser, value, at, p);
	else
		rc = numbers_keep(parser, value, p);
	return rc ? rc : values_keep(parser, value, at, &p->options, p);
}

static int bool_read(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, struct parameter *p)
{
	if (value) {
		refuse(parser, at, type);
		return 0;
	}
	json_t *list = json_pack("[bb]", 0, 1);
	if (!list)
		return no_memory(parser);
	p->n_options = p->n_values = 2;
	p->categorical = true;
	int rc = values_keep(parser, list, at, &p->options, p);
	json_decref(list);
	return rc;
}

static int fixed_read(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, struct parameter *p)
{
	if (!value) {
		refuse(parser, at, type);
		return 0;
	}
	json_t *list = json_pack("[O]", value);
	if (!list)
		return no_memory(parser);
	p->n_options = p->n_values = 1;
	int rc = numbers_keep(parser, list, p);
	if (!rc)
		rc = values_keep(parser, list, at, &p->options, p);
	json_decref(list);
	return rc;
}

/* False: reported. */
static bool input_split(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, const json_t **candidates, size_t *n_chosen)
{
	const json_t *fields[RANGE_FIELDS];
	if (!json_is_object(value)) {
		refuse(parser, at, type);
		return false;
	}
	if (!fields_split(parser, type, value, at, fields))
		return false;
	size_t n = json_array_size(fields[0]);
	struct path candidates_at = { at, "candidates", 0 }, chosen_at = { at, "n_chosen", 0 };
	if (n == 0 || n > LIMIT_CANDIDATES) {
		fault_add(parser->faults, &candidates_at,
			"candidates must be a list of 1 to %d values", LIMIT_CANDIDATES);
		return false;
	}
	json_int_t k = json_integer_value(fields[1]);
	bool any = !fields[1] || json_is_null(fields[1]);
	if (!any && (!json_is_integer(fields[1]) || k < 1 || (size_t)k > n)) {
		fault_add(parser->faults, &chosen_at,
			"n_chosen must be null (any number) or an integer from 1 to %zu", n);
		return false;
	}
	*candidates = fields[0];
	*n_chosen = any ? 0 : (size_t)k;
	return true;
}

static int input_read(struct parser *parser, const struct type *type, const json_t *value,
	const struct path *at, struct parameter *p)
{
	const json_t *candidates;
	size_t n_chosen;
	if (!input_split(parser, type, value, at, &candidates, &n_chosen))
		return 0;
	uint64_t n = selection_count(json_array_size(candidates), n_chosen);
	if (n > LIMIT_OPTIONS) {
		fault_add(parser->faults, at,
			"has more than %d subsets: offer fewer candidates, or set n_chosen",
			LIMIT_OPTIONS);
		return 0;
	}
	p->n_candidates = json_array_size(candidates);
	p->n_chosen = n_chosen;
	p->n_options = p->n_values = (size_t)n;
	p->categorical = true;
	struct path here = { at, "candidates", 0 };
	return values_keep(parser, candidates, &here, &p->candidates, p);
}

#define BOUNDS                                                                                     \
	{                                                                                          \
		"low", "high"                                                                      \
	}
#define BOUNDS_Q                                                                                   \
	{                                                                                          \
		"low", "high", "q"                                                                 \
	}
#define NORMAL                                                                                     \
	{                                                                                          \
		"mu", "sigma"                                                                      \
	}
#define NORMAL_Q                                                                                   \
	{                                                                                          \
		"mu", "sigma", "q"                                                                 \
	}

static const struct type types[] = {
	{ "choice", TYPE_CHOICE, options_read, .shape = "a list of at least one option" },
	{ "randint", TYPE_RANDINT, randint_read, false, false, 2, BOUNDS, "[low, high], integers" },
	{ "uniform", TYPE_UNIFORM, range_read, false, false, 2, BOUNDS, "[low, high]" },
	{ "quniform", TYPE_QUNIFORM, range_read, false, false, 3, BOUNDS_Q, "[low, high, q]" },
	{ "loguniform", TYPE_LOGUNIFORM, range_read, true, false, 2, BOUNDS, "[low, high]" },
	{ "qloguniform", TYPE_QLOGUNIFORM, range_read, true, false, 3, BOUNDS_Q, "[low, high, q]" },
	{ "normal", TYPE_NORMAL, range_read, false, true, 2, NORMAL, "[mu, sigma]" },
	{ "qnormal", TYPE_QNORMAL, range_read, false, true, 3, NORMAL_Q, "[mu, sigma, q]" },
	{ "lognormal", TYPE_LOGNORMAL, range_read, true, true, 2, NORMAL, "[mu, sigma]" },
	{ "qlognormal", TYPE_QLOGNORMAL, range_read, true, true, 3, NORMAL_Q, "[mu, sigma, q]" },
	{ "layer_choice", TYPE_LAYER_CHOICE, options_read,
		.shape = "a list of at least one candidate" },
	{ "input_choice", TYPE_INPUT_CHOICE, input_read, false, false, 1,
		{ "candidates", "n_chosen" }, "{\"candidates\": [...], \"n_chosen\": k or null}" },
	{ "int", TYPE_INT, int_read, false, false, 2, { "low", "high", "step", "log" },
		"[low, high] or {\"low\": 1, \"high\": 9, \"step\": 1, \"log\": false}" },
	{ "ordinal", TYPE_ORDINAL, options_read,
		.shape = "a list of at least one option, in order" },
	{ "bool", TYPE_BOOL, bool_read, .shape = "left out" },
	{ "fixed", TYPE_FIXED, fixed_read, .shape = "there: the value" },
};

_Static_assert(sizeof(types) / sizeof(*types) == TYPE_COUNT, "every type has a row");

int type_read(struct parser *parser, const char *name, const json_t *value, const struct path *at,
	struct parameter *p, bool *known)
{
	*known = false;
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		struct path here = { at, "_value", 0 };
		if (strcmp(types[i].name, name) != 0)
			continue;
		*known = true;
		p->type = types[i].type;
		return types[i].read(parser, &types[i], value, value ? &here : at, p);
	}
	struct path here = { at, "_type", 0 };
	char excerpt[40];
	fault_add(parser->faults, &here,
		"there is no type \"%s\"; there are choice, randint, uniform, quniform, "
		"loguniform, "
		"qloguniform, normal, qnormal, lognormal, qlognormal, int, ordinal, bool, fixed, "
		"layer_choice and input_choice",
		text_excerpt(name, excerpt, sizeof(excerpt)));
	return 0;
}
