#include "core/option_json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

#define EXCERPT_SIZE 64

/* Where NNI nests options; the members count as if they stood one level higher. */
static const char *const groups[] = { "tpe_args" };

/* One reading: given[i] remembers the name under which option i came. */
struct reader {
	struct option_set *set;
	struct option_extra *extras;
	size_t n_extras;
	const char *given[OPTIONS_MAX];
	struct faults *faults;
};

/* An option by its own name or its alias; -1: neither. */
static int find_option(const struct option_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->table[i].name, name) == 0)
			return (int)i;
	for (size_t i = 0; i < set->n; i++)
		if (set->table[i].alias && strcmp(set->table[i].alias, name) == 0)
			return (int)i;
	return -1;
}

static const char *next_choice(const char *choice)
{
	const char *bar = strchr(choice, '|');
	return bar ? bar + 1 : NULL;
}

/* False when text is none of the choices. */
static bool find_choice(const struct option *option, const char *text, unsigned *out)
{
	unsigned k = 0;
	for (const char *c = option->choices; c; c = next_choice(c), k++) {
		size_t n = strcspn(c, "|");
		if (strlen(text) == n && memcmp(c, text, n) == 0) {
			*out = k;
			return true;
		}
	}
	return false;
}

/* "best, worst, mean" */
static void list_choices(const struct option *option, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (const char *c = option->choices; c; c = next_choice(c)) {
		int written = snprintf(
			out + n, size - n, "%s%.*s", n ? ", " : "", (int)strcspn(c, "|"), c);
		n += (size_t)written;
		if (n >= size)
			return;
	}
}

static void read_flag(struct reader *r, const struct path *at, const json_t *value,
	const struct option *option, struct option_value *out)
{
	(void)option;
	if (json_is_boolean(value))
		out->flag = json_is_true(value);
	else
		fault_add(r->faults, at, "must be true or false");
}

static void read_number(struct reader *r, const struct path *at, const json_t *value,
	const struct option *option, struct option_value *out)
{
	bool whole = option->type == OPTION_INT;
	double x = json_number_value(value);

	if (!json_is_number(value) || (whole && floor(x) != x)) {
		fault_add(r->faults, at, "must be %s", whole ? "an integer" : "a number");
	} else if (x < option->low || x > option->high) {
		if (isinf(option->high))
			fault_add(r->faults, at, "must be at least %.15g", option->low);
		else if (isinf(option->low))
			fault_add(r->faults, at, "must be at most %.15g", option->high);
		else
			fault_add(r->faults, at, "must be from %.15g to %.15g", option->low,
				option->high);
	} else if (whole && fabs(x) >= 0x1p53) {
		fault_add(r->faults, at, "must be below 2^53");
	} else {
		out->real = x;
		out->integer = whole ? (int64_t)x : 0;
	}
}

static void read_choice(struct reader *r, const struct path *at, const json_t *value,
	const struct option *option, struct option_value *out)
{
	char list[FAULT_MESSAGE_MAX - 32];
	unsigned k;

	if (json_is_string(value) && find_choice(option, json_string_value(value), &k)) {
		out->choice = k;
		return;
	}
	list_choices(option, list, sizeof(list));
	fault_add(r->faults, at, "must be one of: %s", list);
}

static void read_nothing(struct reader *r, const struct path *at, const json_t *value,
	const struct option *option, struct option_value *out)
{
	(void)r;
	(void)at;
	(void)value;
	(void)option;
	(void)out;
}

static void (*const readers[])(struct reader *, const struct path *, const json_t *,
	const struct option *, struct option_value *) = {
	[OPTION_BOOL] = read_flag,
	[OPTION_INT] = read_number,
	[OPTION_REAL] = read_number,
	[OPTION_CHOICE] = read_choice,
	[OPTION_IGNORED] = read_nothing,
};

static void read_option(
	struct reader *r, const struct path *at, size_t i, const char *name, const json_t *value)
{
	const struct option *option = &r->set->table[i];
	char excerpt[EXCERPT_SIZE];

	if (r->given[i]) {
		fault_add(r->faults, at, "is given twice (also as \"%s\")",
			text_excerpt(r->given[i], excerpt, sizeof(excerpt)));
		return;
	}
	r->given[i] = name;
	if (!json_is_null(value)) {
		readers[option->type](r, at, value, option, &r->set->values[i]);
		return;
	}
	struct option_set fresh;
	options_init(&fresh, r->set->table);
	if (option->type == OPTION_CHOICE)
		find_choice(option, "none", &fresh.values[i].choice);
	r->set->values[i] = fresh.values[i];
}

static bool read_extra(
	struct reader *r, const struct path *at, const char *name, const json_t *value, bool nested)
{
	for (size_t i = 0; i < r->n_extras; i++) {
		if (strcmp(r->extras[i].name, name) != 0)
			continue;
		if (r->extras[i].value)
			fault_add(r->faults, at, "is given twice");
		r->extras[i].value = value;
		r->extras[i].nested = nested;
		return true;
	}
	return false;
}

static void fault_unknown(struct reader *r, const struct path *at)
{
	char list[FAULT_MESSAGE_MAX - 32];
	size_t n = 0;

	if (r->set->n == 0) {
		fault_add(r->faults, at, "is unknown: there are no options");
		return;
	}
	for (size_t i = 0; i < r->set->n && n < sizeof(list); i++) {
		if (r->set->table[i].type == OPTION_IGNORED)
			continue;
		int written = snprintf(
			list + n, sizeof(list) - n, "%s%s", n ? ", " : "", r->set->table[i].name);
		n += (size_t)written;
	}
	fault_add(r->faults, at, "is unknown; the options are: %s", list);
}

static void read_member(
	struct reader *r, const struct path *at, const char *name, const json_t *value, bool nested)
{
	int i = find_option(r->set, name);
	if (i >= 0)
		read_option(r, at, (size_t)i, name, value);
	else if (!read_extra(r, at, name, value, nested))
		fault_unknown(r, at);
}

static bool is_group(const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (strcmp(groups[i], name) == 0)
			return true;
	return false;
}

static void read_group(struct reader *r, const struct path *at, json_t *value)
{
	const char *name;
	json_t *member;

	if (json_is_null(value))
		return;
	if (!json_is_object(value)) {
		fault_add(r->faults, at, "must be an object");
		return;
	}
	json_object_foreach(value, name, member)
	{
		struct path below = { at, name, 0 };
		read_member(r, &below, name, member, true);
	}
}

void options_read(json_t *object, const struct path *at, struct option_set *set,
	struct option_extra *extras, size_t n_extras, struct faults *faults)
{
	struct reader r = { set, extras, n_extras, { NULL }, faults };
	const char *name;
	json_t *value;

	for (size_t i = 0; i < n_extras; i++)
		extras[i].value = NULL;
	if (!json_is_object(object)) {
		fault_add(faults, at, "must be an object");
		return;
	}
	json_object_foreach(object, name, value)
	{
		struct path below = { at, name, 0 };
		if (is_group(name) && find_option(set, name) < 0)
			read_group(&r, &below, value);
		else
			read_member(&r, &below, name, value, false);
	}
}

static void write_choice(const struct option *option, unsigned k, struct buffer *out)
{
	const char *choice = option->choices;
	while (k-- > 0 && choice)
		choice = next_choice(choice);
	assert(choice);
	/* Choices are words of our own: nothing to escape. */
	buffer_add_char(out, '"');
	buffer_add(out, choice, strcspn(choice, "|"));
	buffer_add_char(out, '"');
}

static void write_value(
	const struct option *option, const struct option_value *value, struct buffer *out)
{
	if (option->type == OPTION_BOOL)
		buffer_add_text(out, value->flag ? "true" : "false");
	else if (option->type == OPTION_CHOICE)
		write_choice(option, value->choice, out);
	else if (option->type == OPTION_IGNORED)
		buffer_add_text(out, "null");
	else
		json_write_number(out, value->real, option->type == OPTION_INT);
}

void options_write(const struct option_set *set, struct buffer *out)
{
	const char *between = "";

	buffer_add_char(out, '{');
	for (size_t i = 0; i < set->n; i++) {
		if (set->table[i].type == OPTION_IGNORED)
			continue;
		buffer_add_text(out, between);
		between = ",";
		json_write_string(out, set->table[i].name);
		buffer_add_char(out, ':');
		write_value(&set->table[i], &set->values[i], out);
	}
	buffer_add_char(out, '}');
}

static void write_bound(const char *name, double bound, bool whole, struct buffer *out)
{
	buffer_printf(out, ",\"%s\":", name);
	if (isinf(bound))
		buffer_add_text(out, "null");
	else
		json_write_number(out, bound, whole);
}

static void write_choices(const struct option *option, struct buffer *out)
{
	unsigned k = 0;
	buffer_add_text(out, ",\"choices\":[");
	for (const char *c = option->choices; c; c = next_choice(c), k++) {
		if (k)
			buffer_add_char(out, ',');
		write_choice(option, k, out);
	}
	buffer_add_char(out, ']');
}

void option_table_write(const struct option *table, struct buffer *out)
{
	static const char *const types[] = {
		[OPTION_BOOL] = "bool",
		[OPTION_INT] = "int",
		[OPTION_REAL] = "real",
		[OPTION_CHOICE] = "choice",
		[OPTION_IGNORED] = "ignored",
	};
	struct option_set set;

	options_init(&set, table);
	buffer_add_char(out, '[');
	for (size_t i = 0; i < set.n; i++) {
		const struct option *option = &table[i];
		bool whole = option->type == OPTION_INT;
		buffer_add_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_write_string(out, option->name);
		buffer_printf(out, ",\"type\":\"%s\",\"default\":", types[option->type]);
		write_value(option, &set.values[i], out);
		if (whole || option->type == OPTION_REAL) {
			write_bound("low", option->low, whole, out);
			write_bound("high", option->high, whole, out);
		} else if (option->type == OPTION_CHOICE) {
			write_choices(option, out);
		}
		buffer_add_text(out, ",\"alias\":");
		if (option->alias)
			json_write_string(out, option->alias);
		else
			buffer_add_text(out, "null");
		buffer_add_text(out, ",\"help\":");
		json_write_string(out, option->help ? option->help : "");
		buffer_add_char(out, '}');
	}
	buffer_add_char(out, ']');
}
