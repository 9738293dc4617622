/* How many samples a model space has, exactly; how many models, and how large, as far as they are
 * looked at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

#define MEASURE_SEED  0x5eed
#define MEASURE_WORK  (1u << 25) /* of space_identity, in all: a second or so */
#define LIMB	      1000000000u
#define LIMB_DIGITS   9
#define MEASURE_LEAST 256

/*
 * Natural numbers of any size: limbs of nine decimal digits, the lowest first. A space has at most
 * LIMIT_PARAMETERS dimensions of at most LIMIT_OPTIONS values, so 4932 digits.
 */
struct natural {
	size_t n;
	uint32_t *limbs;
};
#define NATURAL_LIMBS ((LIMIT_PARAMETERS * 5) / LIMB_DIGITS + 2)

static void natural_add(struct natural *sum, const struct natural *term)
{
	uint64_t carry = 0;
	for (size_t i = 0; i < term->n || carry; i++) {
		if (i == sum->n)
			sum->limbs[sum->n++] = 0;
		carry += (uint64_t)sum->limbs[i] + (i < term->n ? term->limbs[i] : 0);
		sum->limbs[i] = (uint32_t)(carry % LIMB);
		carry /= LIMB;
	}
}

/* a becomes a b; scratch has room for the product. */
static void natural_multiply(struct natural *a, const struct natural *b, uint32_t *scratch)
{
	size_t room = a->n + b->n;
	memset(scratch, 0, room * sizeof(*scratch));
	for (size_t i = 0; i < a->n; i++) {
		uint64_t carry = 0;
		for (size_t k = 0; k < b->n || carry; k++) {
			carry += scratch[i + k] +
				 (uint64_t)a->limbs[i] * (k < b->n ? b->limbs[k] : 0);
			scratch[i + k] = (uint32_t)(carry % LIMB);
			carry /= LIMB;
		}
	}
	while (room > 0 && scratch[room - 1] == 0)
		room--;
	memcpy(a->limbs, scratch, room * sizeof(*scratch));
	a->n = room;
}

static void natural_set(struct natural *a, uint64_t value)
{
	for (a->n = 0; value; value /= LIMB)
		a->limbs[a->n++] = (uint32_t)(value % LIMB);
}

static void natural_write(const struct natural *a, struct buffer *out)
{
	if (a->n == 0)
		buffer_add_char(out, '0');
	for (size_t i = a->n; i-- > 0;)
		buffer_printf(out, i + 1 == a->n ? "%u" : "%09u", a->limbs[i]);
}

static bool natural_new(struct arena *arena, struct natural *out)
{
	out->n = 0;
	out->limbs = arena_array(arena, NATURAL_LIMBS + 1, sizeof(*out->limbs));
	return out->limbs;
}

struct counter {
	const struct model_space *model;
	struct arena arena;
	struct natural *below; /* per dimension: samples of it and what depends on it */
	uint32_t *scratch;
};

/*
 * The dimensions are a forest: below one are, summed over its values, the products of what is below
 * the children that the value activates. Values that activate the same children as the one before
 * them, as candidates without mutators do, give the same product.
 */
static bool below_count(struct counter *counter, size_t i)
{
	const struct model_space *model = counter->model;
	const struct dimension *dimension = &model->dimensions[i];
	struct natural product;
	size_t n = 0, *children = arena_array(&counter->arena, model->n_dimensions, sizeof(size_t));
	if (!children || !natural_new(&counter->arena, &product))
		return false;
	for (size_t j = i + 1; j < model->n_dimensions; j++)
		if (model->dimensions[j].parent == (int)i)
			children[n++] = j;
	if (n == 0) {
		natural_set(&counter->below[i], dimension->n_values);
		return true;
	}
	for (size_t k = 0; k < dimension->n_values; k++) {
		bool same = k > 0;
		for (size_t c = 0; c < n && same; c++) {
			const bool *active = model->dimensions[children[c]].active_for;
			same = active[k] == active[k - 1];
		}
		if (!same)
			natural_set(&product, 1);
		for (size_t c = 0; c < n && !same; c++)
			if (model->dimensions[children[c]].active_for[k])
				natural_multiply(
					&product, &counter->below[children[c]], counter->scratch);
		natural_add(&counter->below[i], &product);
	}
	return true;
}

static bool all_count(struct counter *counter, struct natural *total)
{
	size_t n = counter->model->n_dimensions;
	counter->below = arena_array(&counter->arena, n, sizeof(*counter->below));
	counter->scratch =
		arena_array(&counter->arena, 2 * NATURAL_LIMBS + 2, sizeof(*counter->scratch));
	if (!counter->below || !counter->scratch || !natural_new(&counter->arena, total))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!natural_new(&counter->arena, &counter->below[i]))
			return false;
	natural_set(total, 1);
	for (size_t i = n; i-- > 0;) {
		if (!below_count(counter, i))
			return false;
		if (counter->model->dimensions[i].parent < 0)
			natural_multiply(total, &counter->below[i], counter->scratch);
	}
	return true;
}

int model_space_count(const struct model_space *model, struct buffer *out, struct error *err)
{
	struct counter counter = { .model = model };
	struct natural total;
	arena_init(&counter.arena, 0);
	bool ok = all_count(&counter, &total);
	if (ok)
		natural_write(&total, out);
	arena_release(&counter.arena);
	return ok ? 0 : fail(err, CODE_NO_MEMORY, "out of memory while counting the model space");
}

/* ---- measuring ---- */

struct measurer {
	const struct model_space *model;
	struct arena arena;
	struct key_set seen;
	struct model_measure *out;
};

static void range_widen(struct model_range *range, double value, bool first)
{
	range->low = first || value < range->low ? value : range->low;
	range->high = first || value > range->high ? value : range->high;
}

static int point_measure(struct measurer *measurer, const double *x)
{
	struct model_measure *out = measurer->out;
	const struct model_graph *graph;
	struct misfit misfit;

	if (!space_feasible(measurer->model->space, x))
		return 0;
	arena_reset(&measurer->arena);
	int rc = freeze(measurer->model, x, &measurer->arena, &graph, &misfit);
	if (rc)
		return rc == CODE_INVALID ? 0 : rc;
	range_widen(&out->parameters, graph->parameters, out->seen == 0);
	range_widen(&out->flops, graph->flops, out->seen == 0);
	out->seen++;
	if (key_set_has(&measurer->seen, &graph->key))
		return 0;
	out->distinct++;
	return key_set_add(&measurer->seen, &graph->key);
}

static int points_measure(struct measurer *measurer, uint64_t budget, double *x)
{
	const struct space *space = measurer->model->space;
	struct rng rng;
	int rc = 0;

	measurer->out->complete = space->count > 0 && space->count <= budget;
	if (measurer->out->complete) {
		space_first(space, x);
		do
			rc = point_measure(measurer, x);
		while (!rc && space_next(space, x));
		return rc;
	}
	rng_init(&rng, MEASURE_SEED, RNG_SPACE, 1);
	for (uint64_t i = 0; i < budget && !rc; i++) {
		space_sample(space, &rng, x);
		rc = point_measure(measurer, x);
	}
	return rc;
}

int model_space_measure(const struct model_space *model, uint64_t budget, struct model_measure *out,
	struct error *err)
{
	struct measurer measurer = { .model = model, .out = out };
	double x[LIMIT_PARAMETERS];

	*out = (struct model_measure){ 0 };
	arena_init(&measurer.arena, 0);
	key_set_init(&measurer.seen);
	int rc = points_measure(&measurer, budget, x);
	key_set_release(&measurer.seen);
	arena_release(&measurer.arena);
	return rc ? fail(err, CODE_NO_MEMORY, "out of memory while measuring the models") : 0;
}

uint64_t model_space_budget(const struct model_space *model)
{
	uint64_t budget = MEASURE_WORK / (1 + model->space->identity->work);
	return budget < MEASURE_LEAST ? MEASURE_LEAST : budget;
}
