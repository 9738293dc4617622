/* The mutators that are nodes: LayerChoice, InputChoice, Repeat, Cell. */
#include <string.h>

#include "algorithms/nas/model_internal.h"

static int *ints_new(struct model_reader *reader, size_t n)
{
	return arena_array(reader->arena, n ? n : 1, sizeof(int));
}

/* A choice among the numbers 0 .. n-1. */
static int index_dimension(struct model_reader *reader, const char *label, size_t n,
	const struct path *at, const struct context *context, int *out)
{
	*out = -1;
	if (!options_take(reader, n, at))
		return 0;
	const char **options = arena_array(reader->arena, n, sizeof(*options));
	for (size_t k = 0; options && k < n; k++) {
		options[k] = arena_printf(reader->arena, "%zu", k);
		if (!options[k])
			options = NULL;
	}
	if (!options)
		return model_no_memory(reader);
	const struct dimension wanted = {
		.kind = DIMENSION_INPUT, .label = label, .n_values = n, .options = options
	};
	return dimension_use(reader, &wanted, at, context, out);
}

/* ---- LayerChoice ---- */

int layer_choice_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out)
{
	static const char *const members[] = { "type", "candidates", "label", NULL };
	json_t *list = json_object_get(json, "candidates");
	size_t before = reader->faults->n, n;
	struct element *element;
	struct dimension wanted = { .kind = DIMENSION_LAYER };

	members_check(reader, at, json, members);
	if (candidates_count(reader, list, at, &n) || !options_take(reader, n, at))
		return 0;
	int rc = element_new(reader, ELEMENT_LAYER, at, scope, n_inputs, &element);
	if (!rc && element)
		rc = candidate_names(reader, list, n, &wanted.options);
	if (!rc && element)
		rc = label_read(reader, json, at, scope, NULL, &wanted.label);
	if (rc || !element || !wanted.label)
		return rc;
	wanted.n_values = element->n_children = n;
	element->children = arena_array(reader->arena, n, sizeof(*element->children));
	if (!element->children)
		return model_no_memory(reader);
	rc = dimension_use(reader, &wanted, at, scope->context, &element->dimension);
	for (size_t k = 0; k < n && !rc && !reader->full && element->dimension >= 0; k++)
		rc = candidate_read(reader, list, at, k, scope, element->dimension, n_inputs,
			&element->children[k]);
	if (rc || !children_complete(element))
		return rc;
	element->n_outputs = element->children[0]->n_outputs;
	for (size_t k = 1; k < n; k++)
		if (element->children[k]->n_outputs != element->n_outputs)
			fault_add(reader->faults, element->children[k]->at,
				"has another number of outputs than the first candidate");
	if (reader->faults->n == before)
		*out = element;
	return 0;
}

/* ---- InputChoice ---- */

static int input_dimensions(struct model_reader *reader, struct element *element, const char *label,
	const struct scope *scope)
{
	const struct path *at = element->at;
	if (!element->replacement && element->n_chosen == 1)
		return index_dimension(
			reader, label, element->n_inputs, at, scope->context, &element->dimension);
	if (!element->replacement) {
		const struct dimension wanted = {
			.kind = DIMENSION_INPUT,
			.label = label,
			.n_candidates = element->n_inputs,
			.n_chosen = element->n_chosen,
		};
		return dimension_use(reader, &wanted, at, scope->context, &element->dimension);
	}
	int *dimensions = ints_new(reader, element->n_chosen);
	if (!dimensions)
		return model_no_memory(reader);
	element->dimensions = dimensions;
	for (size_t k = 0; k < element->n_chosen; k++) {
		const char *name = arena_printf(reader->arena, "%s_%zu", label, k);
		if (!name)
			return model_no_memory(reader);
		int rc = index_dimension(
			reader, name, element->n_inputs, at, scope->context, &dimensions[k]);
		if (rc)
			return rc;
	}
	return 0;
}

/* n_chosen, replacement, reduction; false: faults were added. */
static bool input_choice_members(
	struct model_reader *reader, json_t *json, const struct path *at, struct element *element)
{
	static const char *const words[] = { "sum", "mean", "concat", "none", NULL };
	const struct path replacement_at = { at, "replacement", 0 },
			  reduction_at = { at, "reduction", 0 };
	json_t *replacement = json_object_get(json, "replacement");
	json_t *chosen = json_object_get(json, "n_chosen");
	size_t before = reader->faults->n, reduction = REDUCE_SUM;

	element->replacement = json_is_true(replacement);
	if (replacement && !json_is_boolean(replacement))
		fault_add(reader->faults, &replacement_at, "must be true or false");
	element->n_chosen = json_is_null(chosen) ? 0 : 1;
	if (!json_is_null(chosen))
		member_integer(reader, at, json, "n_chosen", 1,
			element->replacement ? LIMIT_LAYER_CANDIDATES : element->n_inputs,
			&element->n_chosen);
	else if (element->replacement)
		fault_add(reader->faults, &replacement_at, "needs a number of chosen inputs");
	member_word(reader, at, json, "reduction", words, &reduction);
	element->reduction = (enum reduction)reduction;
	if (element->reduction == REDUCE_NONE && element->n_chosen == 0)
		fault_add(reader->faults, &reduction_at,
			"\"none\" needs a number of chosen inputs: each is an output");
	return reader->faults->n == before;
}

int input_choice_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out)
{
	static const char *const members[] = { "type", "n_chosen", "replacement", "reduction",
		"label", NULL };
	size_t before = reader->faults->n;
	struct element *element;
	const char *label = NULL;

	members_check(reader, at, json, members);
	int rc = element_new(reader, ELEMENT_INPUT, at, scope, n_inputs, &element);
	if (rc || !element)
		return rc;
	if (n_inputs == 0) {
		fault_add(reader->faults, at, "nothing goes into this node");
		return 0;
	}
	if (!input_choice_members(reader, json, at, element))
		return 0;
	if (element->reduction == REDUCE_NONE)
		element->n_outputs = element->n_chosen;
	rc = label_read(reader, json, at, scope, NULL, &label);
	if (!rc && label)
		rc = input_dimensions(reader, element, label, scope);
	if (!rc && reader->faults->n == before)
		*out = element;
	return rc;
}

/* ---- Repeat ---- */

/* depth: a number, [low, high], or absent, then all of blocks. False: a fault was added. */
static bool depth_read(struct model_reader *reader, const json_t *depth, const struct path *at,
	size_t n_blocks, size_t *low, size_t *high)
{
	const struct path here = { at, "depth", 0 };
	const json_t *first = json_is_array(depth) ? json_array_get(depth, 0) : depth;
	const json_t *second = json_is_array(depth) ? json_array_get(depth, 1) : depth;
	json_int_t least = json_integer_value(first), most = json_integer_value(second);

	*low = *high = n_blocks;
	if (!depth && n_blocks)
		return true;
	if (!json_is_integer(first) || !json_is_integer(second) ||
		(json_is_array(depth) && json_array_size(depth) != 2) || least < 0 || most < 1 ||
		least > most || most > LIMIT_REPEAT) {
		fault_add(reader->faults, &here,
			"must be a number of blocks or [least, most], of at most %d", LIMIT_REPEAT);
		return false;
	}
	*low = (size_t)least;
	*high = (size_t)most;
	if (!n_blocks || n_blocks == *high)
		return true;
	fault_add(reader->faults, &here, "there are %zu blocks, so the most is that", n_blocks);
	return false;
}

static int block_read(struct model_reader *reader, struct element *element, json_t *json, size_t i,
	const struct scope *scope)
{
	json_t *blocks = json_object_get(json, "blocks"), *block = json_object_get(json, "block");
	const struct path *at = path_keep(reader, element->at, blocks ? "blocks" : "block", 0);
	char digits[24];
	struct scope inner;

	if (at && blocks)
		at = path_keep(reader, at, NULL, i);
	if (!at)
		return model_no_memory(reader);
	snprintf(digits, sizeof(digits), "%zu", i);
	int rc = scope_enter(reader, scope, digits, &inner, at);
	if (rc)
		return rc == CODE_INVALID ? 0 : rc;
	inner.index = (int)i;
	if (element->dimension >= 0 && i >= element->low) {
		struct context *context = arena_alloc(reader->arena, sizeof(*context));
		if (!context)
			return model_no_memory(reader);
		*context = (struct context){ scope->context, element->dimension,
			i + 1 - element->low, element->n_children - element->low };
		inner.context = context;
	}
	return element_read(reader, blocks ? json_array_get(blocks, i) : block, at, &inner, 1,
		&element->children[i]);
}

static int blocks_read(struct model_reader *reader, struct element *element, json_t *json,
	const struct scope *scope)
{
	size_t before = reader->faults->n;
	element->children =
		arena_array(reader->arena, element->n_children, sizeof(*element->children));
	if (!element->children)
		return model_no_memory(reader);
	for (size_t i = 0; i < element->n_children && reader->faults->n == before; i++) {
		int rc = block_read(reader, element, json, i, scope);
		if (rc)
			return rc;
		const struct element *block = element->children[i];
		if (block && block->n_outputs != 1)
			fault_add(reader->faults, block->at, "a block has one output, not %zu",
				block->n_outputs);
	}
	return 0;
}

int repeat_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out)
{
	static const char *const members[] = { "type", "block", "blocks", "depth", "label", NULL };
	const struct path blocks_at = { at, "blocks", 0 };
	json_t *blocks = json_object_get(json, "blocks"), *block = json_object_get(json, "block");
	struct dimension wanted = { .kind = DIMENSION_DEPTH };
	size_t before = reader->faults->n;
	struct element *element;

	members_check(reader, at, json, members);
	int rc = element_new(reader, ELEMENT_REPEAT, at, scope, n_inputs, &element);
	if (rc || !element)
		return rc;
	if (!blocks == !block || (blocks && json_array_size(blocks) == 0))
		fault_add(reader->faults, blocks ? &blocks_at : at,
			"must have either a block, or a list of blocks");
	else if (n_inputs != 1)
		fault_add(reader->faults, at, "Repeat takes one input, has %zu", n_inputs);
	else
		depth_read(reader, json_object_get(json, "depth"), at, json_array_size(blocks),
			&element->low, &element->n_children);
	if (reader->faults->n > before)
		return 0;
	if (element->n_children > LIMIT_REPEAT) {
		fault_add(reader->faults, &blocks_at, "has more than %d blocks", LIMIT_REPEAT);
		return 0;
	}
	wanted.low = element->low;
	wanted.n_values = element->n_children - element->low + 1;
	if (wanted.n_values > 1) {
		rc = label_read(reader, json, at, scope, NULL, &wanted.label);
		if (!rc && wanted.label)
			rc = dimension_use(
				reader, &wanted, at, scope->context, &element->dimension);
	}
	if (!rc && reader->faults->n == before)
		rc = blocks_read(reader, element, json, scope);
	if (!rc && reader->faults->n == before && children_complete(element))
		*out = element;
	return rc;
}

/* ---- Cell ---- */

/* Operator k of node i: its dimensions, and a child for each candidate. */
static int cell_slot(struct model_reader *reader, struct element *element, json_t *list,
	const char *label, const struct scope *scope, size_t i, size_t k)
{
	size_t at = i * element->n_ops + k, node = element->n_inputs + i;
	int *dimensions = ints_new(reader, 2);
	struct dimension op = { .kind = DIMENSION_LAYER, .n_values = element->n_candidates };
	const char *input = arena_printf(reader->arena, "%s_input_%zu_%zu", label, node, k);
	char name[64];
	struct scope inner;

	op.label = arena_printf(reader->arena, "%s_op_%zu_%zu", label, node, k);
	if (!input || !op.label || !dimensions)
		return model_no_memory(reader);
	if (!options_take(reader, element->n_candidates, element->at))
		return 0;
	int rc = candidate_names(reader, list, element->n_candidates, &op.options);
	if (!rc)
		rc = dimension_use(reader, &op, element->at, scope->context, &dimensions[0]);
	if (!rc)
		rc = index_dimension(
			reader, input, node, element->at, scope->context, &dimensions[1]);
	if (rc || dimensions[0] < 0 || dimensions[1] < 0)
		return rc;
	memcpy(element->dimensions + 2 * at, dimensions, 2 * sizeof(int));
	snprintf(name, sizeof(name), "op_%zu_%zu", node, k);
	rc = scope_enter(reader, scope, name, &inner, element->at);
	for (size_t c = 0; c < element->n_candidates && !rc && !reader->full; c++) {
		struct element **child = &element->children[at * element->n_candidates + c];
		rc = candidate_read(reader, list, element->at, c, &inner, dimensions[0], 1, child);
		if (*child && (*child)->n_outputs != 1)
			fault_add(reader->faults, (*child)->at, "an operator has one output");
	}
	return rc == CODE_INVALID ? 0 : rc;
}

static int cell_slots(struct model_reader *reader, struct element *element, json_t *list,
	const char *label, const struct scope *scope)
{
	size_t n = element->n_nodes * element->n_ops, before = reader->faults->n;
	element->n_children = n * element->n_candidates;
	if (element->n_children > LIMIT_MODEL_ELEMENTS) {
		fault_add(reader->faults, element->at, "has more than %d nodes written out",
			LIMIT_MODEL_ELEMENTS);
		return 0;
	}
	element->children =
		arena_array(reader->arena, element->n_children, sizeof(*element->children));
	element->dimensions = ints_new(reader, 2 * n);
	if (!element->children || !element->dimensions)
		return model_no_memory(reader);
	for (size_t at = 0; at < n && reader->faults->n == before && !reader->full; at++) {
		int rc = cell_slot(reader, element, list, label, scope, at / element->n_ops,
			at % element->n_ops);
		if (rc)
			return rc;
	}
	return 0;
}

int cell_read(struct model_reader *reader, json_t *json, const struct path *at,
	const struct scope *scope, size_t n_inputs, struct element **out)
{
	static const char *const members[] = { "type", "candidates", "nodes", "ops_per_node",
		"merge", "concat_axis", "label", NULL };
	static const char *const merges[] = { "all", "loose_end", NULL };
	json_t *list = json_object_get(json, "candidates");
	size_t before = reader->faults->n, merge = 0;
	struct element *element;
	const char *label = NULL;

	members_check(reader, at, json, members);
	int rc = element_new(reader, ELEMENT_CELL, at, scope, n_inputs, &element);
	if (rc || !element || candidates_count(reader, list, at, &element->n_candidates))
		return rc;
	element->n_nodes = element->n_ops = 1;
	member_integer(reader, at, json, "nodes", 1, LIMIT_CELL_NODES, &element->n_nodes);
	member_integer(reader, at, json, "ops_per_node", 1, LIMIT_CELL_NODES, &element->n_ops);
	member_integer(reader, at, json, "concat_axis", 0, MODEL_RANK - 1, &element->axis);
	member_word(reader, at, json, "merge", merges, &merge);
	element->loose = merge == 1;
	if (n_inputs == 0)
		fault_add(reader->faults, at, "nothing goes into this cell");
	if (reader->faults->n > before)
		return 0;
	rc = label_read(reader, json, at, scope, NULL, &label);
	if (!rc && label)
		rc = cell_slots(reader, element, list, label, scope);
	if (!rc && reader->faults->n == before && label && children_complete(element))
		*out = element;
	return rc;
}
