/*
 * For tests of algorithms/pruning/: networks, a call a layer. from, from2: what the calls before
 * answered. Layers are named l0, l1 ... until a test names them.
 */
#ifndef TESTS_UNIT_ALGORITHMS_PRUNING_SUPPORT_H
#define TESTS_UNIT_ALGORITHMS_PRUNING_SUPPORT_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/pruning/plan.h"
#include "algorithms/pruning/rule.h"
#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SKETCH_LAYERS 1024

struct sketch {
	struct arena arena;
	struct network network;
	struct network_layer layers[SKETCH_LAYERS];
	struct faults faults;
	struct error err;
	struct plan plan;
};

static inline struct sketch *sketch_new(void)
{
	struct sketch *sketch = calloc(1, sizeof(*sketch));

	assert_non_null(sketch);
	arena_init(&sketch->arena, 256u << 20);
	sketch->network.layers = sketch->layers;
	faults_init(&sketch->faults);
	return sketch;
}

static inline void sketch_free(struct sketch *sketch)
{
	arena_release(&sketch->arena);
	free(sketch);
}

static inline struct network_layer *sketch_layer(
	struct sketch *sketch, const char *type, size_t n, const size_t *from, size_t *index)
{
	*index = sketch->network.n_layers++;
	assert_true(*index < SKETCH_LAYERS);
	struct network_layer *layer = &sketch->layers[*index];
	const char **names = arena_array(&sketch->arena, n, sizeof(*names));
	layer->name = arena_printf(&sketch->arena, "l%zu", *index);
	layer->type = network_type_find(type);
	assert_non_null(layer->type);
	for (size_t i = 0; i < n; i++)
		names[i] = sketch->layers[from[i]].name;
	layer->input_names = n ? names : NULL;
	layer->n_inputs = n;
	layer->options.groups = 1;
	layer->options.bias = true;
	layer->options.affine = !(layer->type->flags & TYPE_NOT_AFFINE);
	for (unsigned i = 0; i < NETWORK_SPATIAL; i++)
		layer->options.kernel[i] = layer->options.stride[i] = layer->options.dilation[i] =
			1;
	return layer;
}

static inline size_t input(struct sketch *sketch, int64_t c, int64_t side)
{
	size_t index;
	struct network_layer *layer = sketch_layer(sketch, "Input", 0, NULL, &index);
	layer->claimed = (struct network_shape){ side ? 3 : 1, { c, side, side } };
	return index;
}

/* Convolution or pooling with a square window. */
static inline size_t window(struct sketch *sketch, const char *type, size_t from, int64_t out,
	int64_t kernel, int64_t stride, int64_t padding)
{
	size_t index;
	struct network_options *o = &sketch_layer(sketch, type, 1, &from, &index)->options;
	o->out_channels = out;
	for (unsigned i = 0; i < NETWORK_SPATIAL; i++) {
		o->kernel[i] = kernel;
		o->stride[i] = stride;
		o->padding[i] = padding;
	}
	return index;
}

static inline size_t conv(struct sketch *sketch, size_t from, int64_t out, int64_t kernel,
	int64_t stride, int64_t padding)
{
	return window(sketch, "Conv2d", from, out, kernel, stride, padding);
}

static inline size_t linear(struct sketch *sketch, size_t from, int64_t out)
{
	size_t index;
	sketch_layer(sketch, "Linear", 1, &from, &index)->options.out_channels = out;
	return index;
}

static inline size_t layer(struct sketch *sketch, const char *type, size_t from)
{
	size_t index;
	sketch_layer(sketch, type, 1, &from, &index);
	return index;
}

static inline size_t join(struct sketch *sketch, const char *type, size_t from, size_t from2)
{
	size_t index, both[] = { from, from2 };
	sketch_layer(sketch, type, 2, both, &index);
	return index;
}

/* Convolution without bias, BatchNorm; in so many groups. */
static inline size_t conv_norm(struct sketch *sketch, size_t from, int64_t out, int64_t kernel,
	int64_t stride, int64_t groups)
{
	size_t index = conv(sketch, from, out, kernel, stride, kernel / 2);
	sketch->layers[index].options.bias = false;
	sketch->layers[index].options.groups = groups;
	return layer(sketch, "BatchNorm2d", index);
}

static inline size_t named(struct sketch *sketch, const char *name, size_t index)
{
	sketch->layers[index].name = name;
	return index;
}

static inline int sketch_try(struct sketch *sketch)
{
	static const struct path at = { .name = "layers" };
	return network_build(&sketch->network, &at, &sketch->arena, &sketch->faults, &sketch->err);
}

static inline void sketch_build(struct sketch *sketch)
{
	int rc = sketch_try(sketch);
	if (rc)
		fail_msg("%s: %s %s", sketch->err.message, sketch->faults.items[0].pointer,
			sketch->faults.items[0].message);
	assert_int_equal(
		plan_init(&sketch->plan, &sketch->network, &sketch->arena, &sketch->err), 0);
}

static inline uint64_t parameters_of(const struct sketch *sketch)
{
	uint64_t parameters, macs;
	plan_total(&sketch->plan, &sketch->network, &parameters, &macs);
	return parameters;
}

static inline uint64_t macs_of(const struct sketch *sketch)
{
	uint64_t parameters, macs;
	plan_total(&sketch->plan, &sketch->network, &parameters, &macs);
	return macs;
}

static inline int64_t layer_out(const struct sketch *sketch, size_t index)
{
	struct network_size size;
	plan_measure(&sketch->plan, &sketch->network, index, &size);
	return size.out_channels;
}

/* The group that holds all channels the layer makes. */
static inline const struct network_group *group_of_layer(const struct sketch *sketch, size_t index)
{
	const struct network_layer *maker = &sketch->network.layers[index];
	assert_true(maker->n_shares > 0);
	uint32_t g = sketch->network.parts[maker->shares[0].part].group;
	for (size_t i = 0; i < maker->n_shares; i++)
		assert_int_equal(sketch->network.parts[maker->shares[i].part].group, g);
	return &sketch->network.groups[g];
}

static inline bool has_fault(const struct sketch *sketch, const char *pointer)
{
	for (size_t i = 0; i < faults_kept(&sketch->faults); i++)
		if (strcmp(sketch->faults.items[i].pointer, pointer) == 0)
			return true;
	return false;
}

/* Plans a config list; the code. */
static inline int sketch_rules(
	struct sketch *sketch, const char *pruner, const struct rule *rules, size_t n)
{
	static const struct path at = { .name = "config_list" };
	const struct plan_bounds bounds = { 1, 1 };
	double targets[SKETCH_LAYERS];
	int rc = rules_resolve(&sketch->network, pruner_find(pruner), rules, n, &at, &sketch->arena,
		targets, &sketch->faults, &sketch->err);
	return rc ? rc
		  : plan_sparsity(&sketch->plan, &sketch->network, pruner_find(pruner), targets,
			    &bounds, &sketch->arena, &sketch->err);
}

/* All convolutions alike. */
static inline void sketch_sparsity(struct sketch *sketch, const char *pruner, double sparsity)
{
	static const char *const types[] = { "default" }, *const norms[] = { "BatchNorm2d" };
	bool slim = strcmp(pruner, "slim") == 0;
	struct rule rule = { .types = { slim ? norms : types, 1 },
		.sparsity = sparsity,
		.total_sparsity = (double)NAN,
		.cap = (double)NAN };
	if (sketch_rules(sketch, pruner, &rule, 1))
		fail_msg("%s", sketch->faults.items[0].message);
}

/*
 * Builds the network that the plan leaves, from its counts, as a network of its own. That it can be
 * built shows that everything fits; its sizes must be those that the plan claims.
 */
static inline void check_rebuilt(const struct sketch *sketch)
{
	struct sketch *again = sketch_new();
	struct network_size size, ours;

	again->network.n_layers = sketch->network.n_layers;
	for (size_t i = 0; i < sketch->network.n_layers; i++) {
		struct network_layer *copy = &again->layers[i];
		*copy = sketch->layers[i];
		plan_measure(&sketch->plan, &sketch->network, i, &size);
		if (network_is_maker(copy->type) && copy->type->role != ROLE_INPUT)
			copy->options.out_channels = size.out_channels;
		if (copy->options.groups > 1)
			copy->options.groups = size.groups;
		if (copy->options.in_channels > 1)
			copy->options.in_channels = size.in_channels;
		copy->claimed = size.shape;
		copy->n_shares = 0;
		copy->spans = NULL;
	}
	sketch_build(again);
	for (size_t i = 0; i < sketch->network.n_layers; i++) {
		plan_measure(&sketch->plan, &sketch->network, i, &size);
		network_measure(&again->network, i, NULL, &ours);
		assert_true(size.parameters == ours.parameters);
		assert_true(size.macs == ours.macs);
		assert_true(size.in_channels == ours.in_channels);
	}
	sketch_free(again);
}

#endif
