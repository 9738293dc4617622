/*
 * How many points a space has, exactly.
 *
 * Where every parameter depends on at most one other, the space is a forest: the points below a
 * parameter are the sum over its values of the product over the children each activates, counted
 * from the leaves up. A parameter that depends on several entangles its component (the parameters
 * tied together by conditions): those are counted by going through the values of its parents, up
 * to a budget. Values that no condition mentions are all alike and go as one.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/space_internal.h"

#define ENTANGLED_BUDGET (1u << 20) /* steps through one component */

struct mentions {
	size_t n;
	uint32_t *options; /* ascending, distinct */
};

struct counter {
	const struct space *space;
	struct mentions mentions[LIMIT_PARAMETERS]; /* by the conditions on that parameter */
	size_t component[LIMIT_PARAMETERS];	    /* its name: one of its members */
	bool entangled[LIMIT_PARAMETERS];	    /* of components */
	uint64_t below[LIMIT_PARAMETERS];	    /* forest: points of the subtree */
};

static bool add_to(uint64_t *sum, uint64_t n)
{
	return !__builtin_add_overflow(*sum, n, sum);
}

static bool multiply_by(uint64_t *product, uint64_t n)
{
	return !__builtin_mul_overflow(*product, n, product);
}

static int option_compare(const void *a, const void *b)
{
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	return (i > j) - (i < j);
}

/* Gathers, for every parameter, the options that conditions mention. */
static bool mentions_gather(struct counter *counter)
{
	const struct space *space = counter->space;
	size_t totals[LIMIT_PARAMETERS] = { 0 };
	for (size_t i = 0; i < space->n; i++)
		for (size_t c = 0; c < space->parameters[i].n_conditions; c++)
			totals[space->parameters[i].conditions[c].parent] +=
				space->parameters[i].conditions[c].n;
	for (size_t i = 0; i < space->n; i++) {
		if (totals[i] == 0)
			continue;
		counter->mentions[i].options = calloc(totals[i], sizeof(uint32_t));
		if (!counter->mentions[i].options)
			return false;
	}
	for (size_t i = 0; i < space->n; i++)
		for (size_t c = 0; c < space->parameters[i].n_conditions; c++) {
			const struct condition *condition = &space->parameters[i].conditions[c];
			struct mentions *mentions = &counter->mentions[condition->parent];
			for (size_t k = 0; k < condition->n; k++)
				mentions->options[mentions->n++] = condition->options[k];
		}
	for (size_t i = 0; i < space->n; i++) {
		struct mentions *mentions = &counter->mentions[i];
		size_t n = 0;
		if (mentions->n == 0)
			continue;
		qsort(mentions->options, mentions->n, sizeof(uint32_t), option_compare);
		for (size_t k = 0; k < mentions->n; k++)
			if (n == 0 || mentions->options[n - 1] != mentions->options[k])
				mentions->options[n++] = mentions->options[k];
		mentions->n = n;
	}
	return true;
}

static void components_find(struct counter *counter)
{
	const struct space *space = counter->space;
	for (size_t i = 0; i < space->n; i++) {
		counter->component[i] = i;
		for (size_t c = 0; c < space->parameters[i].n_conditions; c++) {
			size_t from = counter->component[space->parameters[i].conditions[c].parent];
			for (size_t j = 0; j < i; j++)
				if (counter->component[j] == from)
					counter->component[j] = i;
		}
	}
	for (size_t i = 0; i < space->n; i++)
		if (space->parameters[i].n_conditions > 1)
			counter->entangled[counter->component[i]] = true;
}

/* Multiplies the product of each mentioned option that activates child by the points below it. */
static bool child_count(const struct counter *counter, const struct condition *condition,
	size_t child, uint64_t *products)
{
	const struct mentions *mentions = &counter->mentions[condition->parent];
	size_t at = 0;
	for (size_t k = 0; k < condition->n; k++) { /* both ascend */
		while (mentions->options[at] < condition->options[k])
			at++;
		if (!multiply_by(&products[at], counter->below[child]))
			return false;
	}
	return true;
}

/* below[i], when those of its children are known. False: too many to count, or no memory. */
static bool below_count(struct counter *counter, size_t i, bool *no_memory)
{
	const struct space *space = counter->space;
	const struct mentions *mentions = &counter->mentions[i];
	uint64_t total = space->parameters[i].n_values - mentions->n;
	uint64_t *products = NULL;
	bool ok = true;
	if (mentions->n > 0) {
		products = malloc(mentions->n * sizeof(*products));
		*no_memory = !products;
		if (!products)
			return false;
	}
	for (size_t k = 0; k < mentions->n; k++)
		products[k] = 1;
	for (size_t j = i + 1; j < space->n && mentions->n > 0 && ok; j++) {
		const struct parameter *p = &space->parameters[j];
		if (p->n_conditions > 0 && p->conditions[0].parent == (int)i)
			ok = child_count(counter, &p->conditions[0], j, products);
	}
	for (size_t k = 0; k < mentions->n && ok; k++)
		ok = add_to(&total, products[k]);
	free(products);
	counter->below[i] = total;
	return ok;
}

/* The k-th kind of value of a parent: each mentioned option by itself, the others together. Sets x
 * to one of them and *weight to how many there are, 0 when k is past the end. */
static void kind_take(
	const struct counter *counter, size_t i, size_t k, double *x, uint64_t *weight)
{
	const struct parameter *p = &counter->space->parameters[i];
	const struct mentions *mentions = &counter->mentions[i];
	if (k < mentions->n) {
		*x = parameter_value(p, mentions->options[k]);
		*weight = 1;
		return;
	}
	*weight = k == mentions->n ? p->n_values - mentions->n : 0;
	uint64_t other = 0;
	while (other < mentions->n && mentions->options[other] == other)
		other++;
	*x = *weight > 0 ? parameter_value(p, other) : (double)NAN;
}

/* Goes through all assignments of the parents in one component, depth first. False: too many. */
static bool entangled_count(const struct counter *counter, size_t name, uint64_t *total)
{
	const struct space *space = counter->space;
	size_t members[LIMIT_PARAMETERS], kind[LIMIT_PARAMETERS + 1], n = 0, d = 0;
	uint64_t product[LIMIT_PARAMETERS + 1] = { 1 };
	double x[LIMIT_PARAMETERS];
	for (size_t i = 0; i < space->n; i++)
		if (counter->component[i] == name)
			members[n++] = i;
	*total = 0;
	kind[0] = 0;
	for (size_t step = 0; step < ENTANGLED_BUDGET; step++) {
		uint64_t weight = 0;
		if (d == n) {
			if (!add_to(total, product[d]))
				return false;
		} else if (!space_active(space, x, members[d])) {
			weight = kind[d] == 0;
			x[members[d]] = (double)NAN;
		} else {
			kind_take(counter, members[d], kind[d], &x[members[d]], &weight);
			/* "the others" may be none, but the end comes after them. */
		}
		if (weight > 0) {
			kind[d]++;
			product[d + 1] = product[d];
			if (!multiply_by(&product[d + 1], weight))
				return false;
			kind[++d] = 0;
		} else if (d == 0) {
			return true;
		} else {
			d--;
		}
	}
	return false;
}

/* False: not countable, or no memory. */
static bool all_count(struct counter *counter, uint64_t *total, bool *no_memory)
{
	const struct space *space = counter->space;
	*total = 1;
	for (size_t i = space->n; i-- > 0;) {
		uint64_t points = 0;
		bool is_root = space->parameters[i].n_conditions == 0;
		if (counter->entangled[counter->component[i]]) {
			if (counter->component[i] != i)
				continue;
			if (!entangled_count(counter, i, &points))
				return false;
		} else {
			if (!below_count(counter, i, no_memory))
				return false;
			if (!is_root)
				continue;
			points = counter->below[i];
		}
		if (!multiply_by(total, points))
			return false;
	}
	return true;
}

int space_count(struct space *space, struct error *err)
{
	bool no_memory = false;
	uint64_t total = 0;
	space->finite = true;
	space->count = 0;
	for (size_t i = 0; i < space->n; i++)
		space->finite = space->finite && space->parameters[i].n_values > 0;
	if (!space->finite)
		return 0;

	struct counter *counter = calloc(1, sizeof(*counter));
	if (!counter)
		return fail(err, CODE_NO_MEMORY, "out of memory while counting the search space");
	counter->space = space;
	no_memory = !mentions_gather(counter);
	if (!no_memory) {
		components_find(counter);
		if (all_count(counter, &total, &no_memory))
			space->count = total;
	}
	for (size_t i = 0; i < space->n; i++)
		free(counter->mentions[i].options);
	free(counter);
	if (no_memory)
		return fail(err, CODE_NO_MEMORY, "out of memory while counting the search space");
	return 0;
}
