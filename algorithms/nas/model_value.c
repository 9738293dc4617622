/* The parameters of an operation: constants, value choices, expressions over their labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

/* One component. False: a fault was added. */
static bool number_read(struct model_reader *reader, const struct op_attribute *attribute,
	const json_t *value, const struct path *at, double *out)
{
	bool whole = attribute->type != ATTRIBUTE_REAL;
	double x = json_is_number(value) ? json_number_value(value) : (double)NAN;
	if (x >= attribute->low && x <= attribute->high && (!whole || x == floor(x))) {
		*out = x;
		return true;
	}
	fault_add(reader->faults, at, "must be %s from %g to %g", whole ? "an integer" : "a number",
		attribute->low, attribute->high);
	return false;
}

static bool constant_read(struct model_reader *reader, const struct operation *op,
	const struct op_attribute *attribute, const json_t *value, const struct path *at,
	struct attribute_value *out)
{
	bool pairs = op->axes == 2 &&
		     (attribute->type == ATTRIBUTE_PAIR || attribute->type == ATTRIBUTE_PADDING);
	if (attribute->type == ATTRIBUTE_FLAG) {
		out->v[0] = out->v[1] = json_is_true(value);
		if (!json_is_boolean(value))
			fault_add(reader->faults, at, "must be true or false");
		return json_is_boolean(value);
	}
	if (attribute->type == ATTRIBUTE_PADDING && json_is_string(value) &&
		strcmp(json_string_value(value), "same") == 0) {
		out->v[0] = out->v[1] = PADDING_SAME;
		return true;
	}
	if (pairs && json_is_array(value) && json_array_size(value) == 2) {
		bool ok = true;
		for (size_t i = 0; i < 2; i++) {
			struct path here = { at, NULL, i };
			ok = number_read(reader, attribute, json_array_get(value, i), &here,
				     &out->v[i]) &&
			     ok;
		}
		return ok;
	}
	if (!number_read(reader, attribute, value, at, &out->v[0]))
		return false;
	out->v[1] = out->v[0];
	return true;
}

static int value_choice_read(struct model_reader *reader, const struct operation *op,
	const struct op_attribute *attribute, json_t *json, const struct path *at,
	const struct scope *scope, struct model_value *out)
{
	static const char *const members[] = { "type", "values", "label", NULL };
	const struct path values_at = { at, "values", 0 };
	json_t *list = json_object_get(json, "values");
	size_t n = json_array_size(list), before = reader->faults->n;
	struct dimension wanted = { .kind = DIMENSION_VALUE, .n_values = n };
	char suffix[64];

	members_check(reader, at, json, members);
	if (n == 0 || n > LIMIT_OPTIONS) {
		fault_add(reader->faults, &values_at, "must be a list of 1 to %d values",
			LIMIT_OPTIONS);
		return 0;
	}
	if (!options_take(reader, n, at))
		return 0;
	struct attribute_value *options = arena_array(reader->arena, n, sizeof(*options));
	const char **texts = arena_array(reader->arena, n, sizeof(*texts));
	if (!options || !texts)
		return model_no_memory(reader);
	for (size_t k = 0; k < n; k++) {
		struct path here = { &values_at, NULL, k };
		const json_t *value = json_array_get(list, k);
		constant_read(reader, op, attribute, value, &here, &options[k]);
		texts[k] = json_keep(reader, value);
		if (!texts[k])
			return model_no_memory(reader);
	}
	snprintf(suffix, sizeof(suffix), "/%s", attribute->name);
	int rc = label_read(reader, json, at, scope, suffix, &wanted.label);
	if (rc || !wanted.label || reader->faults->n > before)
		return rc;
	out->kind = VALUE_CHOICE;
	out->options = options;
	wanted.options = texts;
	return dimension_use(reader, &wanted, at, scope->context, &out->dimension);
}

/* Compiled when the search space is there. */
static int expression_keep(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, struct model_value *out)
{
	static const char *const members[] = { "expression", NULL };
	json_t *text = json_object_get(json, "expression");
	const struct path here = { at, "expression", 0 };

	members_check(reader, at, json, members);
	if (!json_is_string(text) || json_string_length(text) > CONSTRAINT_TEXT_MAX) {
		fault_add(reader->faults, &here, "must be a string of at most %d bytes",
			CONSTRAINT_TEXT_MAX);
		return 0;
	}
	int rc = index_replace(reader, json_string_value(text), scope->index, &here, &out->text);
	if (rc || !out->text)
		return rc;
	out->kind = VALUE_EXPRESSION;
	if (reader->n_values == reader->room_values) {
		size_t room = reader->room_values ? 2 * reader->room_values : 64;
		struct model_value **values = realloc(reader->values, room * sizeof(*values));
		if (!values)
			return model_no_memory(reader);
		reader->values = values;
		reader->room_values = room;
	}
	reader->values[reader->n_values++] = out;
	return 0;
}

static int value_read(struct model_reader *reader, const struct operation *op,
	const struct op_attribute *attribute, json_t *json, const struct path *at,
	const struct scope *scope, struct model_value *out)
{
	const char *type = json_string_value(json_object_get(json, "type"));
	if (json_is_object(json)) {
		out->at = path_keep(reader, at->up, attribute->name, 0);
		if (!out->at)
			return model_no_memory(reader);
		if (type && strcmp(type, "ValueChoice") == 0)
			return value_choice_read(reader, op, attribute, json, out->at, scope, out);
		if (json_object_get(json, "expression"))
			return expression_keep(reader, json, out->at, scope, out);
		fault_add(reader->faults, at,
			"an object here is {\"type\": \"ValueChoice\", \"values\": [...]} or "
			"{\"expression\": \"...\"}");
		return 0;
	}
	constant_read(reader, op, attribute, json, at, &out->constant);
	return 0;
}

static void names_check(struct model_reader *reader, const struct operation *op, json_t *parameters,
	const struct path *at)
{
	const char *name;
	json_t *member;
	json_object_foreach(parameters, name, member)
	{
		struct path here = { at, name, 0 };
		if (op_attribute_find(op, name) < 0)
			fault_add(reader->faults, &here, "is no parameter of %s", op->name);
	}
}

int values_read(struct model_reader *reader, const struct operation *op, json_t *parameters,
	const struct path *at, const struct scope *scope, struct model_value **out)
{
	size_t n = op_n_attributes(op);
	const struct path *kept = path_keep(reader, at->up, at->name, 0);
	struct model_value *values = arena_array(reader->arena, n ? n : 1, sizeof(*values));
	if (!values || !kept)
		return model_no_memory(reader);
	*out = values;
	if (parameters && !json_is_object(parameters)) {
		fault_add(reader->faults, at, "must be an object");
		return 0;
	}
	names_check(reader, op, parameters, at);
	for (size_t i = 0; i < n; i++) {
		const struct op_attribute *attribute = &op->attributes[i];
		json_t *json = json_object_get(parameters, attribute->name);
		struct path here = { kept, attribute->name, 0 };
		values[i].constant.v[0] = values[i].constant.v[1] = attribute->fallback;
		int rc = 0;
		if (json)
			rc = value_read(reader, op, attribute, json, &here, scope, &values[i]);
		else if (attribute->required)
			fault_add(reader->faults, &here, "is required");
		if (rc)
			return rc;
	}
	return 0;
}

int expressions_compile(struct model_reader *reader)
{
	for (size_t i = 0; i < reader->n_values; i++) {
		struct model_value *value = reader->values[i];
		struct path at = { value->at, "expression", 0 };
		if (expression_read(value->text, reader->model->space, &at, reader->arena,
			    &value->expression, reader->faults))
			return model_no_memory(reader);
	}
	return 0;
}

bool value_take(const struct model_space *model, const struct model_value *value,
	const struct op_attribute *attribute, const double *x, struct attribute_value *out,
	char message[FAULT_MESSAGE_MAX])
{
	if (value->kind == VALUE_CONSTANT) {
		*out = value->constant;
		return true;
	}
	if (value->kind == VALUE_CHOICE) {
		*out = value->options[dimension_value(model, value->dimension, x)];
		return true;
	}
	double y = expression_value(value->expression, model->space, x);
	bool whole = attribute->type != ATTRIBUTE_REAL;
	if (y >= attribute->low && y <= attribute->high && (!whole || y == floor(y))) {
		out->v[0] = out->v[1] = y;
		return true;
	}
	if (isnan(y))
		snprintf(message, FAULT_MESSAGE_MAX, "%s = %.60s has no value in this sample",
			attribute->name, value->text);
	else
		snprintf(message, FAULT_MESSAGE_MAX, "%s = %.60s is %g, must be %s from %g to %g",
			attribute->name, value->text, y, whole ? "an integer" : "a number",
			attribute->low, attribute->high);
	return false;
}
