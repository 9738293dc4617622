/* Options of categorical parameters: finding one by its value, subsets by their number. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/json.h"
#include "core/space_internal.h"

static int key_compare(const struct key128 *a, const struct key128 *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return 0;
}

struct sort_context {
	const struct key128 *keys;
};

/* By key, then by index, so that equal keys stand in the order of their declaration. */
static int order_compare(const void *a, const void *b, void *context)
{
	const struct sort_context *sort = context;
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int by_key = key_compare(&sort->keys[i], &sort->keys[j]);
	return by_key ? by_key : (i > j) - (i < j);
}

size_t option_sort(const struct key128 *keys, uint32_t *order, size_t n, size_t *twin)
{
	struct sort_context context = { keys };
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), order_compare, &context);

	size_t first = n;
	for (size_t i = 1; i < n; i++) {
		bool same = key_equal(&keys[order[i - 1]], &keys[order[i]]);
		if (same && order[i] < first) {
			first = order[i];
			*twin = order[i - 1];
		}
	}
	return first;
}

int64_t option_find(const struct parameter *p, const struct key128 *key)
{
	size_t low = 0, high = p->type == TYPE_INPUT_CHOICE ? p->n_candidates : p->n_options;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int side = key_compare(&p->keys[p->order[middle]], key);
		if (side == 0)
			return p->order[middle];
		if (side < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* n over k; UINT64_MAX when it exceeds LIMIT_OPTIONS. */
static uint64_t binomial(size_t n, size_t k)
{
	if (k > n)
		return 0;
	if (k > n - k)
		k = n - k;
	uint64_t c = 1;
	for (size_t i = 1; i <= k; i++) {
		c = c * (n - k + i) / i; /* exact: c is (n - k + i) over i */
		if (c > LIMIT_OPTIONS)
			return UINT64_MAX;
	}
	return c;
}

uint64_t selection_count(size_t n_candidates, size_t n_chosen)
{
	if (n_chosen > 0)
		return binomial(n_candidates, n_chosen);
	uint64_t subsets = n_candidates < 63 ? UINT64_C(1) << n_candidates : UINT64_MAX;
	return subsets <= LIMIT_OPTIONS ? subsets : UINT64_MAX;
}

/* How many subsets remain once candidate c has been taken as number taken (from 0). */
static uint64_t completions(const struct parameter *p, size_t c, size_t taken)
{
	size_t after = p->n_candidates - c - 1;
	return p->n_chosen > 0 ? binomial(after, p->n_chosen - taken - 1) : UINT64_C(1) << after;
}

void selection_unrank(const struct parameter *p, uint64_t k, struct selection *out)
{
	assert(k < p->n_options);
	bool any_size = p->n_chosen == 0;
	out->n = 0;
	for (size_t c = 0; c < p->n_candidates; c++) {
		if (any_size ? k == 0 : out->n == p->n_chosen)
			return;
		/* With any size, the subset that stops here comes first. */
		uint64_t with_c = completions(p, c, out->n);
		if (k - any_size < with_c) {
			k -= any_size;
			out->picked[out->n++] = (uint32_t)c;
		} else {
			k -= with_c;
		}
	}
}

size_t parameter_subset(const struct parameter *parameter, double value, uint32_t *picked)
{
	struct selection selection;
	selection_unrank(parameter, (uint64_t)value, &selection);
	memcpy(picked, selection.picked, selection.n * sizeof(*picked));
	return selection.n;
}

uint64_t selection_rank(const struct parameter *p, const struct selection *selection)
{
	bool any_size = p->n_chosen == 0;
	uint64_t k = 0;
	size_t c = 0;
	for (size_t i = 0; i < selection->n; i++, c++) {
		for (; c < selection->picked[i]; c++)
			k += completions(p, c, i);
		k += any_size;
	}
	return k;
}

void parameter_key(const struct parameter *p, double x, struct key128 *key)
{
	if (p->n_options == 0) {
		json_number_key(x, key);
		return;
	}
	if (p->type != TYPE_INPUT_CHOICE) {
		*key = p->keys[(size_t)x];
		return;
	}
	struct selection selection;
	selection_unrank(p, (uint64_t)x, &selection);
	key_init(key, TYPE_INPUT_CHOICE);
	for (size_t i = 0; i < selection.n; i++) {
		key_mix(key, p->keys[selection.picked[i]].low);
		key_mix(key, p->keys[selection.picked[i]].high);
	}
}

bool parameter_is_number(const struct parameter *p)
{
	return p->n_options == 0 || p->numbers;
}

double parameter_number(const struct parameter *p, double x)
{
	if (p->n_options == 0 || isnan(x))
		return x;
	return p->numbers[(size_t)x];
}
