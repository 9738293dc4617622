#include "api/catalog.h"

#include <inttypes.h>
#include <math.h>

#include "api/body.h"
#include "api/internal.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"
#include "core/space.h"

#define DEFAULT_SAMPLES 10
#define EXACT_INTEGER	((1ull << 53) - 1) /* more is null: JSON readers would round it */

static const char *const type_names[TYPE_COUNT] = {
	[TYPE_CHOICE] = "choice",
	[TYPE_RANDINT] = "randint",
	[TYPE_UNIFORM] = "uniform",
	[TYPE_QUNIFORM] = "quniform",
	[TYPE_LOGUNIFORM] = "loguniform",
	[TYPE_QLOGUNIFORM] = "qloguniform",
	[TYPE_NORMAL] = "normal",
	[TYPE_QNORMAL] = "qnormal",
	[TYPE_LOGNORMAL] = "lognormal",
	[TYPE_QLOGNORMAL] = "qlognormal",
	[TYPE_LAYER_CHOICE] = "layer_choice",
	[TYPE_INPUT_CHOICE] = "input_choice",
	[TYPE_INT] = "int",
	[TYPE_ORDINAL] = "ordinal",
	[TYPE_BOOL] = "bool",
	[TYPE_FIXED] = "fixed",
};

struct space_body {
	json_t *search_space, *parameter_constraints, *canonical;
	int64_t count, seed;
};

static const struct field validate_fields[] = {
	FIELD(struct space_body, search_space, FIELD_JSON, FIELD_REQUIRED, 0, 0),
	FIELD(struct space_body, parameter_constraints, FIELD_JSON, FIELD_NULLABLE, 0, 0),
	FIELD(struct space_body, canonical, FIELD_JSON, FIELD_NULLABLE, 0, 0),
	{ NULL },
};

static const struct field sample_fields[] = {
	FIELD(struct space_body, search_space, FIELD_JSON, FIELD_REQUIRED, 0, 0),
	FIELD(struct space_body, parameter_constraints, FIELD_JSON, FIELD_NULLABLE, 0, 0),
	FIELD(struct space_body, canonical, FIELD_JSON, FIELD_NULLABLE, 0, 0),
	FIELD(struct space_body, count, FIELD_INT, 0, 1, LIMIT_PAGE),
	FIELD(struct space_body, seed, FIELD_INT, 0, 0, 9007199254740991.0),
	{ NULL },
};

/* ---- reading ---- */

/* The text of a member; *text stays NULL when it is absent. */
static int member_text(struct call *call, const json_t *value, const char **text, struct error *err)
{
	if (value && !(*text = body_text(call, value)))
		return fail(err, CODE_NO_MEMORY, "no memory for the search space");
	return 0;
}

static int parse(struct call *call, const struct space_body *body, const struct space **out,
	struct faults *faults, struct error *err)
{
	const char *space = NULL, *constraints = NULL, *canonical = NULL;

	if (member_text(call, body->search_space, &space, err) ||
		member_text(call, body->parameter_constraints, &constraints, err) ||
		member_text(call, body->canonical, &canonical, err))
		return (int)err->code;
	return space_parse(space, constraints, canonical, &call->arena, out, faults, err);
}

/* Points of one request. They share the draws, so that a narrow constraint cannot keep a worker
 * busy for long. */
struct sampler {
	const struct space *space;
	uint64_t seed;
	size_t draws; /* left */
};

/* Point number n into x; false: the draws are used up. */
static bool sampler_next(struct sampler *sampler, uint64_t n, double *x)
{
	struct rng rng;

	rng_init(&rng, sampler->seed, RNG_SPACE, n);
	for (; sampler->draws; sampler->draws--) {
		space_sample(sampler->space, &rng, x);
		if (space_feasible(sampler->space, x) && space_canonical_ok(sampler->space, x))
			return true;
	}
	return false;
}

/* Is there any point at all? x is room for one. */
static int check_feasible(
	const struct space *space, double *x, struct faults *faults, struct error *err)
{
	struct sampler sampler = { .space = space, .draws = LIMIT_FEASIBLE_DRAWS };
	static const struct path at = { .name = "parameter_constraints" };

	if (sampler_next(&sampler, 0, x))
		return 0;
	fault_add(faults, &at, "none of %d random points is allowed", LIMIT_FEASIBLE_DRAWS);
	return fail(err, CODE_INVALID, "no point of the search space was found to be allowed");
}

/* The space of the body and room for a point. False: replied. */
static bool read_space(struct call *call, const struct field *fields, struct space_body *body,
	const struct space **out, double **x)
{
	struct error err = { 0 };
	struct faults faults;

	json_t *document = body_json(call);
	if (!document)
		return false;
	faults_init(&faults);
	bool complete = body_decode(call, document, NULL, fields, body, &faults);
	/* Faults of the space itself are worth having at once with those of other members. */
	int rc = body->search_space ? parse(call, body, out, &faults, &err) : CODE_INVALID;
	json_decref(document);
	if (!complete || rc == CODE_INVALID) {
		reply_faults(call, &faults);
		return false;
	}
	if (!rc) {
		*x = arena_array(&call->arena, (*out)->n, sizeof(**x));
		rc = *x ? check_feasible(*out, *x, &faults, &err)
			: fail(&err, CODE_NO_MEMORY, "no memory for a point");
	}
	if (rc)
		problem_reply(call, &err, &faults);
	return rc == 0;
}

/* ---- validate ---- */

static void write_exact(struct buffer *out, const char *name, uint64_t value)
{
	if (value && value <= EXACT_INTEGER)
		buffer_printf(out, ",\"%s\":%" PRIu64, name, value);
	else
		buffer_printf(out, ",\"%s\":null", name);
}

static void write_bound(struct buffer *out, const char *name, double value, bool integral)
{
	buffer_printf(out, ",\"%s\":", name);
	if (isfinite(value))
		json_write_number(out, value, integral);
	else
		buffer_add_text(out, "null");
}

static void write_array(struct buffer *out, const char *name, const char *const *texts, size_t n)
{
	buffer_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buffer_add_char(out, ',');
		buffer_add_text(out, texts[i]);
	}
	buffer_add_char(out, ']');
}

static void write_branches(struct buffer *out, const struct parameter *parameter)
{
	buffer_add_text(out, ",\"branches\":[");
	for (size_t i = 0; i < parameter->n_options; i++) {
		if (i)
			buffer_add_char(out, ',');
		json_write_string(out, parameter->branches[i]);
	}
	buffer_add_char(out, ']');
}

/* The option as its JSON text, or a number. */
static void write_value(struct buffer *out, const struct parameter *parameter, double value)
{
	if (parameter->branches)
		json_write_string(out, parameter->branches[(size_t)value]);
	else if (parameter->options)
		buffer_add_text(out, parameter->options[(size_t)value]);
	else
		json_write_number(out, value, parameter->integral);
}

/* [{"parameter":"op","values":["conv"]}]: all must hold. */
static void write_conditions(
	struct buffer *out, const struct space *space, const struct parameter *parameter)
{
	buffer_add_text(out, ",\"active_when\":[");
	for (size_t i = 0; i < parameter->n_conditions; i++) {
		const struct condition *condition = &parameter->conditions[i];
		const struct parameter *parent = &space->parameters[condition->parent];
		buffer_add_text(out, i ? ",{\"parameter\":" : "{\"parameter\":");
		json_write_string(out, parent->address);
		buffer_add_text(out, ",\"values\":[");
		for (size_t k = 0; k < condition->n; k++) {
			if (k)
				buffer_add_char(out, ',');
			double value = parent->n_options
					       ? condition->options[k]
					       : parameter_value(parent, condition->options[k]);
			write_value(out, parent, value);
		}
		buffer_add_text(out, "]}");
	}
	buffer_add_char(out, ']');
}

static void write_numeric(struct buffer *out, const struct parameter *parameter)
{
	write_bound(out, "low", parameter->low, parameter->integral);
	write_bound(out, "high", parameter->high, parameter->integral);
	if (parameter->normal) {
		write_bound(out, "mu", parameter->mu, false);
		write_bound(out, "sigma", parameter->sigma, false);
	}
	if (parameter->q > 0)
		write_bound(out, "q", parameter->q, parameter->integral);
	buffer_add_text(out, parameter->log ? ",\"log\":true" : ",\"log\":false");
}

static void write_parameter(
	struct buffer *out, const struct space *space, const struct parameter *parameter)
{
	buffer_add_text(out, "{\"name\":");
	json_write_string(out, parameter->name);
	write_text_member(out, "address", parameter->address);
	write_text_member(out, "type", type_names[parameter->type]);
	write_exact(out, "n_values",
		parameter->n_values ? parameter->n_values : (uint64_t)parameter->n_options);
	if (parameter->type == TYPE_INPUT_CHOICE) {
		write_array(out, "candidates", parameter->candidates, parameter->n_candidates);
		write_count_member(
			out, "n_chosen", parameter->n_chosen ? (int64_t)parameter->n_chosen : -1);
	} else if (parameter->branches) {
		write_branches(out, parameter);
	} else if (parameter->options) {
		write_array(out, "values", parameter->options, parameter->n_options);
	} else {
		write_numeric(out, parameter);
	}
	bool shown = !isnan(parameter->fallback) && parameter->type != TYPE_INPUT_CHOICE;
	buffer_add_text(out, ",\"default\":");
	if (shown)
		write_value(out, parameter, parameter->fallback);
	else
		buffer_add_text(out, "null");
	write_conditions(out, space, parameter);
	buffer_add_char(out, '}');
}

void space_validate_post(struct api *api, struct session *session, struct call *call)
{
	struct space_body body = { 0 };
	const struct space *space;
	double *x;

	(void)api;
	(void)session;
	if (!read_space(call, validate_fields, &body, &space, &x))
		return;
	buffer_printf(
		&call->out, "{\"valid\":true,\"finite\":%s", space->finite ? "true" : "false");
	write_exact(&call->out, "count", space->count);
	buffer_printf(&call->out, ",\"constraints\":%zu,\"canonical\":%s,\"n_parameters\":%zu",
		space->n_constraints, space->canonical ? "true" : "false", space->n);
	buffer_add_text(&call->out, ",\"parameters\":[");
	for (size_t i = 0; i < space->n; i++) {
		if (i)
			buffer_add_char(&call->out, ',');
		write_parameter(&call->out, space, &space->parameters[i]);
	}
	buffer_add_text(&call->out, "]}");
	reply_json(call, 200);
}

/* ---- sample ---- */

void space_sample_post(struct api *api, struct session *session, struct call *call)
{
	struct space_body body = { .count = DEFAULT_SAMPLES };
	struct sampler sampler = { .draws = LIMIT_FEASIBLE_DRAWS };
	double *x;

	(void)api;
	(void)session;
	if (!read_space(call, sample_fields, &body, &sampler.space, &x))
		return;
	sampler.seed = (uint64_t)body.seed;
	buffer_printf(&call->out, "{\"seed\":%" PRId64 ",\"items\":[", body.seed);
	for (int64_t i = 0; i < body.count && sampler_next(&sampler, (uint64_t)i, x); i++) {
		if (i)
			buffer_add_char(&call->out, ',');
		space_write(sampler.space, x, &call->out);
	}
	buffer_add_text(&call->out, "]}");
	reply_json(call, 200);
}
