#include "algorithms/tuners/gp_search.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/gp_climb.h"
#include "algorithms/tuners/gp_fantasy.h"
#include "algorithms/tuners/unique.h"

/* Bounds on the work of an ask: kernel values of the candidates, and the squares of results that
 * variances cost. */
#define KERNELS	      150000
#define SQUARES	      3.0e7
#define SPREAD	      1024
#define SPREAD_MIN    192
#define NEAR_MOST     50
#define NEAR_LEAST    12
#define VARIANCES_MIN 48

#define STARTS	  5  /* besides the incumbent */
#define FINALISTS 16 /* candidates that stand beside the ends of the local searches */

/* Beyond as many points a local search goes by the nearest NEIGHBOURS of them. */
#define WHOLE_MAX  256
#define NEIGHBOURS 128

struct search {
	struct gp_surrogate *surrogate;
	const struct gp_candidates *candidates;
	const struct view *view;
	const struct gp_box *box;
	struct rng *rng;
	struct arena *arena;
	struct arena scratch;
	double *values;	 /* of the candidates; -HUGE_VAL: not looked at */
	uint32_t *order; /* candidates, the best first */
	double *ends;	 /* rows: ends of the local searches, then finalists */
	size_t n_ends;
};

size_t gp_search_spread(const struct gp_settings *settings, size_t n, size_t d)
{
	size_t wanted = settings->n_candidates, afford = KERNELS / (n + 1);

	if (wanted)
		return wanted;
	wanted = SPREAD * (1 + (d + 9) / 10);
	if (wanted > GP_CANDIDATES_MAX)
		wanted = GP_CANDIDATES_MAX;
	if (afford < SPREAD_MIN)
		afford = SPREAD_MIN;
	return wanted < afford ? wanted : afford;
}

size_t gp_search_near(size_t n)
{
	size_t afford = KERNELS / 10 / (n + 1);

	return afford < NEAR_LEAST ? NEAR_LEAST : afford < NEAR_MOST ? afford : NEAR_MOST;
}

/* The candidates whose variance is worth having: three in four by their means, the others evenly
 * from the rest, so that unknown corners have a chance. Indexes to chosen; how many. */
static int choose(struct search *search, size_t n, uint32_t *chosen, struct error *err)
{
	size_t m = search->candidates->n, by_mean = n - n / 4;
	double *means = arena_array(search->arena, m, sizeof(*means));

	if (!means)
		return fail(err, CODE_NO_MEMORY, "no memory for candidates");
	int code = gp_surrogate_means(search->surrogate, search->candidates->z, m, means, err);
	if (code != 0)
		return code;
	gp_order(means, m, search->order);
	for (size_t k = 0; k < n; k++) {
		size_t rest =
			k < by_mean ? k : by_mean + (k - by_mean) * (m - by_mean) / (n - by_mean);
		chosen[k] = search->order[rest];
	}
	return 0;
}

/* Sets values and order. */
static int score(struct search *search, struct error *err)
{
	size_t m = search->candidates->n, d = search->candidates->d;
	size_t points = search->surrogate->n + search->surrogate->p;
	double afford = SQUARES / ((double)points * (double)points);
	size_t n = afford < VARIANCES_MIN ? VARIANCES_MIN : afford < 1e6 ? (size_t)afford : m;

	search->values = arena_array(search->arena, m, sizeof(double));
	search->order = arena_array(search->arena, m, sizeof(uint32_t));
	if (!search->values || !search->order)
		return fail(err, CODE_NO_MEMORY, "no memory for candidates");
	int code = 0;
	if (n >= m || search->surrogate->aimless) {
		code = gp_surrogate_values(search->surrogate, search->candidates->z, m,
			search->values, search->arena, err);
	} else {
		uint32_t *chosen = arena_array(search->arena, n, sizeof(*chosen));
		double *z = arena_array(search->arena, n * d, sizeof(*z));
		double *values = arena_array(search->arena, n, sizeof(*values));
		if (!chosen || !z || !values)
			return fail(err, CODE_NO_MEMORY, "no memory for candidates");
		code = choose(search, n, chosen, err);
		for (size_t k = 0; k < n && code == 0; k++)
			memcpy(z + k * d, search->candidates->z + chosen[k] * d, d * sizeof(*z));
		if (code == 0)
			code = gp_surrogate_values(
				search->surrogate, z, n, values, search->arena, err);
		for (size_t k = 0; k < m; k++)
			search->values[k] = -HUGE_VAL;
		for (size_t k = 0; k < n && code == 0; k++)
			search->values[chosen[k]] = values[k];
	}
	if (code == 0)
		gp_order(search->values, m, search->order);
	return code;
}

/* One of the candidates, with probability exp(value), except those already drawn; its place in
 * order. */
static size_t roulette(const struct search *search, const bool *drawn)
{
	size_t m = search->candidates->n, last = 0;
	double top = search->values[search->order[0]], sum = 0;

	for (size_t k = 0; k < m; k++)
		if (!drawn[k])
			sum += exp(search->values[search->order[k]] - top);
	double left = rng_uniform(search->rng) * sum;
	for (size_t k = 0; k < m; k++) {
		if (drawn[k])
			continue;
		last = k;
		left -= exp(search->values[search->order[k]] - top);
		if (left <= 0)
			break;
	}
	return last;
}

static int climb_from(struct search *search, const double *start, double value, struct error *err)
{
	size_t d = search->candidates->d;
	double *z = search->ends + search->n_ends * d;
	struct gp_surrogate near;
	struct gp_climb climb = { search->surrogate, search->view, search->box, search->rng,
		&search->scratch };
	int code = 0;

	memcpy(z, start, d * sizeof(*z));
	arena_reset(&search->scratch);
	if (search->surrogate->n + search->surrogate->p > WHOLE_MAX) {
		climb.surrogate = &near;
		code = gp_surrogate_near(
			search->surrogate, start, NEIGHBOURS, &near, &search->scratch, err);
		if (code == 0 && value > -HUGE_VAL)
			code = gp_surrogate_values(&near, start, 1, &value, &search->scratch, err);
	}
	if (code == 0)
		code = gp_climb(&climb, z, &value, err);
	if (climb.surrogate == &near)
		gp_surrogate_release(&near);
	search->n_ends += code == 0;
	return code;
}

/* From the best, some by roulette, and the incumbent (which a discrete search must leave). */
static int climb_all(struct search *search, size_t n_starts, struct error *err)
{
	const struct gp_surrogate *surrogate = search->surrogate;
	size_t m = search->candidates->n, d = search->candidates->d;
	bool *drawn = arena_array(search->arena, m, sizeof(*drawn));
	int code = drawn ? 0 : fail(err, CODE_NO_MEMORY, "no memory for candidates");

	for (size_t s = 0; s < n_starts && s < m && code == 0; s++) {
		size_t k = s == 0 ? 0 : roulette(search, drawn);
		uint32_t c = search->order[k];
		drawn[k] = true;
		code = climb_from(search, search->candidates->z + c * d, search->values[c], err);
	}
	if (code == 0 && surrogate->incumbent != SIZE_MAX) {
		const double *z = surrogate->z + surrogate->incumbent * d;
		double value = -HUGE_VAL;
		if (!surrogate->features->discrete)
			code = gp_surrogate_values(
				search->surrogate, z, 1, &value, search->arena, err);
		if (code == 0)
			code = climb_from(search, z, value, err);
	}
	return code;
}

/* The ends and the best candidates by the whole model; the best that may be proposed. */
static int judge(struct search *search, double *x, struct gp_found *found, struct error *err)
{
	struct gp_surrogate *surrogate = search->surrogate;
	size_t d = search->candidates->d, m = search->candidates->n;
	bool fantasies = surrogate->p > 0 && surrogate->p <= GP_FANTASY_PENDING &&
			 surrogate->n <= GP_FANTASY_RESULTS && !surrogate->aimless &&
			 surrogate->acquisition.utility != GP_UCB;

	for (size_t k = 0; k < FINALISTS && k < m; k++, search->n_ends++)
		memcpy(search->ends + search->n_ends * d,
			search->candidates->z + search->order[k] * d, d * sizeof(double));
	double *values = arena_array(search->arena, search->n_ends, sizeof(*values));
	uint32_t *order = arena_array(search->arena, search->n_ends, sizeof(*order));
	if (!values || !order)
		return fail(err, CODE_NO_MEMORY, "no memory for candidates");
	int code = fantasies ? gp_fantasy_values(surrogate, search->ends, search->n_ends,
				       rng_u64(search->rng), values, search->arena, err)
			     : gp_surrogate_values(surrogate, search->ends, search->n_ends, values,
				       search->arena, err);
	if (code != 0)
		return code;
	gp_order(values, search->n_ends, order);
	for (size_t k = 0; k < search->n_ends && !found->any; k++) {
		gp_features_decode(surrogate->features, search->ends + order[k] * d, x);
		found->any = unique_fresh(search->view, x);
		found->value = values[order[k]];
	}
	return 0;
}

int gp_search(struct gp_surrogate *surrogate, const struct gp_candidates *candidates,
	const struct view *view, const struct gp_settings *settings, const struct gp_box *box,
	struct rng *rng, struct arena *arena, double *x, struct gp_found *found, struct error *err)
{
	size_t n_starts = settings->n_starts ? settings->n_starts : STARTS;
	struct search search = { .surrogate = surrogate,
		.candidates = candidates,
		.view = view,
		.box = box,
		.rng = rng,
		.arena = arena,
		.ends = arena_array(
			arena, (n_starts + 1 + FINALISTS) * candidates->d, sizeof(double)) };

	*found = (struct gp_found){ .any = false };
	if (!search.ends)
		return fail(err, CODE_NO_MEMORY, "no memory for candidates");
	arena_init(&search.scratch, arena->limit);
	int code = score(&search, err);
	if (code == 0)
		code = climb_all(&search, n_starts, err);
	if (code == 0)
		code = judge(&search, x, found, err);
	arena_release(&search.scratch);
	return code;
}
