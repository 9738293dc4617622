/* Mutables: their labels, the places that share them, when they are active, and the search space
 * that they make. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

/* ---- labels ---- */

int index_replace(struct model_reader *reader, const char *text, int index, const struct path *at,
	const char **out)
{
	*out = NULL;
	buffer_clear(&reader->text);
	for (const char *c = text; *c; c++) {
		if (strncmp(c, "{i}", 3) != 0) {
			buffer_add_char(&reader->text, *c);
			continue;
		}
		if (index < 0) {
			fault_add(reader->faults, at, "{i} has a meaning only inside a Repeat");
			return 0;
		}
		buffer_printf(&reader->text, "%d", index);
		c += 2;
	}
	*out = arena_strdup(reader->arena, buffer_text(&reader->text));
	return *out ? 0 : model_no_memory(reader);
}

static bool label_ok(const char *label)
{
	if (!isalpha((unsigned char)*label) || strlen(label) > LIMIT_MUTABLE_LABEL)
		return false;
	for (const char *c = label; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && *c != '/')
			return false;
	return true;
}

int label_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, const char *suffix, const char **out)
{
	const json_t *value = json_object_get(json, "label");
	const char *label = json_string_value(value);
	const struct path here = { at, "label", 0 };
	int rc = 0;

	*out = NULL;
	if (label) {
		rc = index_replace(reader, label, scope->index, &here, &label);
	} else if (!value) {
		label = arena_printf(reader->arena, "%s%s", scope->name, suffix ? suffix : "");
		if (!label)
			return model_no_memory(reader);
		if (strlen(label) > LIMIT_NAME) {
			fault_add(
				reader->faults, at, "needs a label: its path is too long for one");
			return 0;
		}
		*out = label;
		return 0;
	}
	if (rc || (value && json_is_string(value) && !label))
		return rc;
	if (label && label_ok(label))
		*out = label;
	else
		fault_add(reader->faults, &here,
			"must be 1 to %d letters, digits, _, - and /, the first a letter",
			LIMIT_MUTABLE_LABEL);
	return 0;
}

/* ---- activity ---- */

static size_t chain(const struct context *context, const struct context **out)
{
	size_t n = 0;
	for (const struct context *c = context; c; c = c->up)
		n++;
	for (size_t i = n; i-- > 0; context = context->up)
		out[i] = context;
	return n;
}

static int activity_set(
	struct model_reader *reader, struct dimension *dimension, const struct context *context)
{
	dimension->context = context;
	dimension->parent = context ? context->dimension : -1;
	if (!context)
		return 0;
	size_t n = reader->model->dimensions[context->dimension].n_values;
	dimension->active_for = arena_array(reader->arena, n, sizeof(bool));
	if (!dimension->active_for)
		return model_no_memory(reader);
	for (size_t k = context->first; k <= context->last; k++)
		dimension->active_for[k] = true;
	return 0;
}

/* A condition that always holds is none. */
static int activity_simplify(struct model_reader *reader, struct dimension *dimension)
{
	while (dimension->parent >= 0) {
		size_t n = reader->model->dimensions[dimension->parent].n_values;
		for (size_t k = 0; k < n; k++)
			if (!dimension->active_for[k])
				return 0;
		int rc = activity_set(reader, dimension, dimension->context->up);
		if (rc)
			return rc;
	}
	return 0;
}

static bool context_equal(const struct context *a, const struct context *b)
{
	return a->dimension == b->dimension && a->first == b->first && a->last == b->last;
}

/*
 * One more place that uses the dimension. Its values are needed where any place is active, and one
 * condition must say so: the places agree on the outer conditions up to some level; there, values
 * of one parent are put together, and what stands further inside is given up. The dimension may
 * then be active where nothing uses it, which only adds samples that are equal as models.
 */
static int activity_widen(
	struct model_reader *reader, struct dimension *dimension, const struct context *context)
{
	const struct context *mine[LIMIT_MODEL_DEPTH + 1], *other[LIMIT_MODEL_DEPTH + 1];
	size_t n = chain(dimension->context, mine), m = chain(context, other), i = 0;
	int rc = 0;

	while (i + 1 < n && i < m && context_equal(mine[i], other[i]))
		i++;
	if (n == 0)
		return 0;
	if (i == m || mine[i]->dimension != other[i]->dimension)
		return activity_set(reader, dimension, i ? mine[i - 1] : NULL);
	if (i + 1 < n)
		rc = activity_set(reader, dimension, mine[i]);
	for (size_t k = other[i]->first; k <= other[i]->last && !rc; k++)
		dimension->active_for[k] = true;
	return rc ? rc : activity_simplify(reader, dimension);
}

/* ---- dimensions ---- */

static const char *const mutators[DIMENSION_KINDS] = {
	[DIMENSION_LAYER] = "LayerChoice",
	[DIMENSION_INPUT] = "InputChoice",
	[DIMENSION_VALUE] = "ValueChoice",
	[DIMENSION_DEPTH] = "Repeat",
};

static bool alike(const struct dimension *a, const struct dimension *b)
{
	if (a->kind != b->kind || a->n_values != b->n_values || a->low != b->low ||
		a->n_candidates != b->n_candidates || a->n_chosen != b->n_chosen ||
		!a->options != !b->options)
		return false;
	for (size_t k = 0; a->options && k < a->n_values; k++)
		if (strcmp(a->options[k], b->options[k]) != 0)
			return false;
	return true;
}

static int dimension_add(struct model_reader *reader, const struct dimension *wanted,
	const struct context *context, int *out)
{
	struct model_space *model = reader->model;
	if (model->n_dimensions == reader->room_dimensions) {
		size_t room = reader->room_dimensions ? 2 * reader->room_dimensions : 16;
		struct dimension *dimensions =
			arena_array(reader->arena, room, sizeof(*dimensions));
		if (!dimensions)
			return model_no_memory(reader);
		if (model->n_dimensions)
			memcpy(dimensions, model->dimensions,
				model->n_dimensions * sizeof(*dimensions));
		model->dimensions = dimensions;
		reader->room_dimensions = room;
	}
	*out = (int)model->n_dimensions;
	struct dimension *dimension = &model->dimensions[model->n_dimensions++];
	*dimension = *wanted;
	dimension->n_uses = 1;
	return activity_set(reader, dimension, context);
}

int dimension_use(struct model_reader *reader, const struct dimension *wanted,
	const struct path *at, const struct context *context, int *out)
{
	struct model_space *model = reader->model;
	*out = -1;
	for (size_t i = 0; i < model->n_dimensions; i++) {
		struct dimension *dimension = &model->dimensions[i];
		if (strcmp(dimension->label, wanted->label) != 0)
			continue;
		if (!alike(dimension, wanted)) {
			fault_add(reader->faults, at,
				"another %s has the label %s and other choices: mutators that "
				"share a label share its values",
				mutators[dimension->kind], wanted->label);
			return 0;
		}
		dimension->n_uses++;
		*out = (int)i;
		return activity_widen(reader, dimension, context);
	}
	if (model->n_dimensions < LIMIT_PARAMETERS)
		return dimension_add(reader, wanted, context, out);
	if (!reader->full)
		fault_add(reader->faults, at, "is one dimension too many: a space has at most %d",
			LIMIT_PARAMETERS);
	reader->full = true;
	return 0;
}

/* ---- the search space ---- */

static void write_option(const struct dimension *dimension, size_t k, struct buffer *out)
{
	if (dimension->options)
		buffer_add_text(out, dimension->options[k]);
	else
		buffer_printf(out, "%zu", dimension->low + k);
}

static void write_values(const struct dimension *dimension, struct buffer *out)
{
	if (dimension->kind == DIMENSION_DEPTH) {
		buffer_printf(out, "\"int\",\"_value\":{\"low\":%zu,\"high\":%zu}", dimension->low,
			dimension->low + dimension->n_values - 1);
		return;
	}
	buffer_add_text(out, dimension->options ? "\"choice\",\"_value\":["
						: "\"input_choice\",\"_value\":{\"candidates\":[");
	size_t n = dimension->options ? dimension->n_values : dimension->n_candidates;
	for (size_t k = 0; k < n; k++) {
		if (k)
			buffer_add_char(out, ',');
		write_option(dimension, k, out);
	}
	buffer_add_char(out, ']');
	if (!dimension->options && dimension->n_chosen)
		buffer_printf(out, ",\"n_chosen\":%zu}", dimension->n_chosen);
	else if (!dimension->options)
		buffer_add_text(out, ",\"n_chosen\":null}");
}

static void write_condition(
	const struct model_space *model, const struct dimension *dimension, struct buffer *out)
{
	const struct dimension *parent = &model->dimensions[dimension->parent];
	const char *separator = "";
	buffer_add_text(out, ",\"_when\":{");
	json_write_string(out, parent->label);
	buffer_add_text(out, ":[");
	for (size_t k = 0; k < parent->n_values; k++) {
		if (!dimension->active_for[k])
			continue;
		buffer_add_text(out, separator);
		separator = ",";
		write_option(parent, k, out);
	}
	buffer_add_text(out, "]}");
}

static void write_space(const struct model_space *model, struct buffer *out)
{
	buffer_add_char(out, '{');
	for (size_t i = 0; i < model->n_dimensions; i++) {
		const struct dimension *dimension = &model->dimensions[i];
		if (i)
			buffer_add_char(out, ',');
		json_write_string(out, dimension->label);
		buffer_add_text(out, ":{\"_type\":");
		write_values(dimension, out);
		if (dimension->parent >= 0)
			write_condition(model, dimension, out);
		buffer_add_char(out, '}');
	}
	buffer_add_char(out, '}');
}

/* Faults of the space, as faults of the model: those of constraints stay where they are. */
static void faults_take(struct model_reader *reader, const struct faults *found)
{
	static const struct path model_at = { NULL, "model_space", 0 },
				 space_at = { NULL, "search_space", 0 };
	for (size_t f = 0; f < faults_kept(found); f++) {
		const struct fault *fault = &found->items[f];
		const char *label = "";
		if (strncmp(fault->pointer, "/parameter_constraints", 22) == 0) {
			if (reader->faults->n < LIMIT_FAULTS)
				reader->faults->items[reader->faults->n] = *fault;
			reader->faults->n++;
			continue;
		}
		for (size_t i = 0; i < reader->model->n_dimensions; i++) {
			struct path at = { &space_at, reader->model->dimensions[i].label, 0 };
			char pointer[FAULT_POINTER_MAX];
			path_write(&at, pointer, sizeof(pointer));
			size_t size = strlen(pointer);
			if (strncmp(fault->pointer, pointer, size) == 0 &&
				(fault->pointer[size] == '/' || !fault->pointer[size]))
				label = reader->model->dimensions[i].label;
		}
		fault_add(reader->faults, &model_at, "label %.80s: %.160s", label, fault->message);
	}
}

static int listing_make(struct model_reader *reader)
{
	struct model_space *model = reader->model;
	struct model_dimension *listing = arena_array(
		reader->arena, model->n_dimensions ? model->n_dimensions : 1, sizeof(*listing));
	if (!listing)
		return model_no_memory(reader);
	for (size_t i = 0; i < model->n_dimensions; i++) {
		struct dimension *dimension = &model->dimensions[i];
		dimension->parameter = space_find(model->space, dimension->label);
		dimension->n_values = model->space->parameters[dimension->parameter].n_values;
		listing[i] = (struct model_dimension){
			.label = dimension->label,
			.mutator = mutators[dimension->kind],
			.n_values = dimension->n_values,
			.n_uses = dimension->n_uses,
		};
	}
	model->listing = listing;
	return 0;
}

int dimensions_build(struct model_reader *reader, const char *constraints_json)
{
	static const struct path at = { NULL, "model_space", 0 };
	struct model_space *model = reader->model;
	struct faults *found = malloc(sizeof(*found));
	const struct space *space = NULL;
	int rc = 0;

	if (!found)
		return model_no_memory(reader);
	faults_init(found);
	buffer_clear(&reader->text);
	write_space(model, &reader->text);
	model->json = arena_strdup(reader->arena, buffer_text(&reader->text));
	if (!model->json || reader->text.failed)
		rc = model_no_memory(reader);
	else if (model->n_dimensions == 0)
		fault_add(reader->faults, &at, "has nothing to choose: no mutator has a choice");
	else
		rc = space_parse(model->json, constraints_json, NULL, reader->arena, &space, found,
			reader->err);
	if (rc == CODE_INVALID) {
		faults_take(reader, found);
		rc = 0;
	}
	free(found);
	if (rc || !space)
		return rc;
	model->space = space;
	return listing_make(reader);
}

size_t dimension_value(const struct model_space *model, int dimension, const double *x)
{
	int parameter = model->dimensions[dimension].parameter;
	return (size_t)parameter_index(&model->space->parameters[parameter], x[parameter]);
}
