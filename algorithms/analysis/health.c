#include "algorithms/analysis/health.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/space.h"

#define FEW_TRIALS	   5	/* ended trials before shares of them mean anything */
#define FEW_CHECKS	   10	/* results before a constraint is called out of reach */
#define MANY_FAILED	   0.3	/* share of the ended trials */
#define MANY_LOST	   0.2	/* likewise */
#define BOUND_RESULTS	   20	/* results before the place of the best ones means anything */
#define BOUND_SHARE	   0.6	/* of the best tenth, at the same end of a range */
#define BOUND_NEAR	   0.02 /* of the range */
#define NOISE_RESULTS	   100
#define EFFECT_RESULTS	   100
#define EFFECT_SHARE	   0.01
#define EFFECT_COORDINATES 65536u    /* a forest's: half a second at most */
#define PAIR_WORK	   50000000u /* coordinates compared: a tenth of a second */

struct findings {
	const struct health_facts *facts;
	struct arena *arena;
	struct health_finding *items;
	size_t n, room;
	double *sorted; /* losses of the points */
	bool failed;	/* no memory */
};

static void say(struct findings *out, const char *kind, enum health_severity severity,
	const char *subject, const char *message)
{
	if (!message) {
		out->failed = true;
		return;
	}
	if (out->n < out->room)
		out->items[out->n++] = (struct health_finding){ kind, severity, subject, message };
}

static int64_t ended(const struct health_facts *facts)
{
	const int64_t *by_state = facts->by_state;

	return by_state[TRIAL_SUCCEEDED] + by_state[TRIAL_FAILED] + by_state[TRIAL_STOPPED] +
	       by_state[TRIAL_LOST];
}

/* ---- trials that give no result ---- */

static void find_failures(struct findings *out, const char *kind)
{
	const struct health_facts *facts = out->facts;
	int64_t n = ended(facts), failed = facts->by_state[TRIAL_FAILED];

	if (n < FEW_TRIALS || (double)failed < MANY_FAILED * (double)n)
		return;
	say(out, kind, HEALTH_WARNING, NULL,
		arena_printf(out->arena, "%" PRId64 " of %" PRId64 " ended trials failed%s%s",
			failed, n, facts->message ? "; the last one said: " : "",
			facts->message ? facts->message : ""));
}

static void find_losses(struct findings *out, const char *kind)
{
	int64_t n = ended(out->facts), lost = out->facts->by_state[TRIAL_LOST];

	if (n < FEW_TRIALS || (double)lost < MANY_LOST * (double)n)
		return;
	say(out, kind, HEALTH_WARNING, NULL,
		arena_printf(out->arena,
			"%" PRId64 " of %" PRId64 " ended trials were lost: their workers fell "
			"silent until the lease ran out; ask for a longer lease, or send "
			"heartbeats",
			lost, n));
}

static void find_nan(struct findings *out, const char *kind)
{
	const struct health_facts *facts = out->facts;

	if (facts->not_a_number == 0)
		return;
	say(out, kind, HEALTH_WARNING, NULL,
		arena_printf(out->arena,
			"%" PRId64 " of %" PRId64 " results are not a finite number; the search "
			"takes them for the worst",
			facts->not_a_number, facts->n_results));
}

static void find_unmet(struct findings *out, const char *kind)
{
	for (size_t i = 0; i < out->facts->n_constraints; i++) {
		const struct health_constraint *constraint = &out->facts->constraints[i];
		if (out->facts->n_results < FEW_CHECKS || constraint->met > 0)
			continue;
		say(out, kind, HEALTH_WARNING, constraint->metric,
			constraint->known == 0
				? arena_printf(out->arena,
					  "no result tells the metric %s, which a constraint is "
					  "about: report it with the final values",
					  constraint->metric)
				: arena_printf(out->arena,
					  "none of %" PRId64 " results is within the bounds of %s",
					  constraint->known, constraint->metric));
	}
}

/* ---- results that teach nothing ---- */

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Losses in ascending order, for all rules. */
static bool sort_losses(struct findings *out)
{
	const struct importance_points *points = &out->facts->points;

	out->sorted = arena_array(out->arena, points->n + 1, sizeof(*out->sorted));
	if (!out->sorted)
		return false;
	memcpy(out->sorted, points->loss, points->n * sizeof(*out->sorted));
	qsort(out->sorted, points->n, sizeof(*out->sorted), by_value);
	return true;
}

static bool is_flat(const struct findings *out)
{
	size_t n = out->facts->points.n;

	return n == 0 || !(out->sorted[0] < out->sorted[n - 1]);
}

static void find_flat(struct findings *out, const char *kind)
{
	const struct importance_points *points = &out->facts->points;

	if (points->n < FEW_TRIALS || !is_flat(out))
		return;
	say(out, kind, HEALTH_WARNING, NULL,
		arena_printf(out->arena,
			"all %zu results are equal: nothing can be learnt from them", points->n));
}

static double distance(const struct importance_points *points, size_t a, size_t b)
{
	const double *x = points->u + a * points->d, *y = points->u + b * points->d;
	double sum = 0;

	for (size_t j = 0; j < points->d; j++) {
		if (points->axes[j].dropped || (isnan(x[j]) && isnan(y[j])))
			continue;
		if (isnan(x[j]) || isnan(y[j]))
			sum += 1;
		else if (points->axes[j].n_options)
			sum += x[j] < y[j] || x[j] > y[j];
		else
			sum += (x[j] - y[j]) * (x[j] - y[j]);
	}
	return sum;
}

/* Mean rank, so that ties are worth the same. */
static double rank_of(const double *sorted, size_t n, double value)
{
	size_t below = 0, up_to = 0;

	for (size_t step = n; step > 0; step /= 2) {
		while (below + step <= n && sorted[below + step - 1] < value)
			below += step;
		while (up_to + step <= n && sorted[up_to + step - 1] <= value)
			up_to += step;
	}
	return (double)(below + up_to) / 2;
}

/* Spearman's correlation of a result with that of its nearest neighbour, over the first n. */
static double neighbour_correlation(
	const struct importance_points *points, size_t n, const double *sorted)
{
	double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;

	for (size_t i = 0; i < n; i++) {
		size_t nearest = i == 0;
		double least = HUGE_VAL;
		for (size_t k = 0; k < n; k++) {
			double d = k == i ? HUGE_VAL : distance(points, i, k);
			if (d < least) {
				least = d;
				nearest = k;
			}
		}
		double a = rank_of(sorted, points->n, points->loss[i]);
		double b = rank_of(sorted, points->n, points->loss[nearest]);
		sa += a, sb += b, saa += a * a, sbb += b * b, sab += a * b;
	}
	double m = (double)n, va = saa - sa * sa / m, vb = sbb - sb * sb / m;
	return va > 0 && vb > 0 ? (sab - sa * sb / m) / sqrt(va * vb) : 1;
}

static void find_noise(struct findings *out, const char *kind)
{
	const struct importance_points *points = &out->facts->points;
	size_t n = points->n, d = points->d ? points->d : 1;

	while (n * n > PAIR_WORK / d)
		n /= 2;
	if (n < NOISE_RESULTS || is_flat(out))
		return;
	double correlation = neighbour_correlation(points, n, out->sorted);
	/* Two standard errors; six in ten points have a neighbour whose neighbour they are. */
	if (correlation >= 2 * sqrt(1.6 / (double)n))
		return;
	say(out, kind, HEALTH_INFO, NULL,
		arena_printf(out->arena,
			"results of neighbouring points differ as much as those of distant ones "
			"(rank correlation %.2f over %zu): the metric may be mostly noise, or the "
			"search space may leave out what matters",
			correlation, n));
}

/* ---- ranges ---- */

static void find_bound(struct findings *out, const char *kind)
{
	const struct importance_points *points = &out->facts->points;
	size_t top = points->n / 10 < 5 ? 5 : points->n / 10;

	if (points->n < BOUND_RESULTS || is_flat(out))
		return;
	double limit = out->sorted[top - 1];
	for (size_t j = 0; j < points->d; j++) {
		size_t n = 0, low = 0, high = 0;
		uint64_t few = points->axes[j].n_values;
		if (!out->facts->numeric[j] || points->axes[j].dropped || (few && few < 10))
			continue;
		for (size_t i = 0; i < points->n; i++) {
			double u = points->u[i * points->d + j];
			if (points->loss[i] > limit || isnan(u))
				continue;
			n++;
			low += u < BOUND_NEAR;
			high += u > 1 - BOUND_NEAR;
		}
		size_t most = low > high ? low : high;
		if (n < 5 || (double)most < BOUND_SHARE * (double)n)
			continue;
		say(out, kind, HEALTH_INFO, points->addresses[j],
			arena_printf(out->arena,
				"%zu of the %zu best results are at the %s end of %s: the optimum "
				"may lie beyond; widen its range",
				most, n, low > high ? "lower" : "upper", points->addresses[j]));
	}
}

/* Share of the forest's variance that parameter j has a part in, alone or in a pair. Not the
 * PED-ANOVA share: that one overlooks a parameter whose good values lie all over its range. */
static double part_in(const struct importance *importance, size_t j)
{
	double part = importance->variance[j];

	for (size_t p = 0; p < importance->n_pairs; p++)
		if (importance->pairs[p].a == j || importance->pairs[p].b == j)
			part += importance->pairs[p].variance;
	return part;
}

static void find_idle(struct findings *out, const char *kind)
{
	struct importance_points points = out->facts->points;
	struct importance importance;
	struct rng rng;

	if (points.n < EFFECT_RESULTS || points.d < 2)
		return;
	if (points.n > EFFECT_COORDINATES / points.d) /* the first of them, then */
		points.n = EFFECT_COORDINATES / points.d;
	rng_init(&rng, out->facts->seed, RNG_FIT, out->facts->version);
	if (importance_fanova(&points, &rng, out->arena, &importance)) {
		out->failed = true;
		return;
	}
	for (size_t j = 0; j < points.d && importance.reason == IMPORTANCE_KNOWN; j++) {
		double part = part_in(&importance, j);
		if (points.axes[j].dropped || part >= EFFECT_SHARE)
			continue;
		say(out, kind, HEALTH_INFO, points.addresses[j],
			arena_printf(out->arena,
				"%s has had next to no effect on the results so far (it has a part "
				"in %.1f %% of their variance): fixing it would make the search "
				"easier",
				points.addresses[j], 100 * part));
	}
}

static const struct rule {
	const char *kind;
	void (*find)(struct findings *out, const char *kind);
} rules[] = {
	{ "trials_fail", find_failures },
	{ "trials_lost", find_losses },
	{ "result_not_finite", find_nan },
	{ "constraint_never_met", find_unmet },
	{ "results_all_equal", find_flat },
	{ "metric_looks_like_noise", find_noise },
	{ "optimum_at_bound", find_bound },
	{ "parameter_without_effect", find_idle },
};

int health_find(const struct health_facts *facts, struct arena *arena,
	const struct health_finding **out, size_t *n)
{
	struct findings findings = {
		.facts = facts,
		.arena = arena,
		/* each rule once for the whole, or once for each parameter or constraint */
		.room = sizeof(rules) / sizeof(*rules) + 2 * facts->points.d + facts->n_constraints,
	};

	findings.items = arena_array(arena, findings.room, sizeof(*findings.items));
	findings.failed = !findings.items || !sort_losses(&findings);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules) && !findings.failed; i++)
		rules[i].find(&findings, rules[i].kind);
	*out = findings.items;
	*n = findings.n;
	return findings.failed ? CODE_NO_MEMORY : 0;
}

/* ---- gathering ---- */

static int gather_points(const struct view *view, struct arena *arena, struct health_facts *out)
{
	const struct space *space = view->spec->space;
	bool *numeric = arena_array(arena, space->n + 1, sizeof(*numeric));

	if (!numeric || importance_gather(view, 0, true, HEALTH_POINTS, arena, &out->points))
		return CODE_NO_MEMORY;
	for (size_t j = 0; j < space->n; j++)
		numeric[j] = !space->parameters[j].categorical && !space->parameters[j].normal;
	out->numeric = numeric;
	return 0;
}

/* How often each constraint held: only the sum of the violations is kept with a trial. */
static int gather_constraints(
	const struct view *view, struct arena *arena, struct health_facts *out)
{
	const struct spec *spec = view->spec;
	struct health_constraint *constraints =
		arena_array(arena, spec->n_constraints + 1, sizeof(*constraints));
	struct arena scratch;
	int code = constraints ? 0 : CODE_NO_MEMORY;

	for (size_t k = 0; k < spec->n_constraints && code == 0; k++) {
		constraints[k] = (struct health_constraint){ .metric = arena_strdup(arena,
								     spec->constraints[k].metric) };
		code = constraints[k].metric ? 0 : CODE_NO_MEMORY;
	}
	arena_init(&scratch, 0);
	size_t first = view->n_finished > HEALTH_POINTS ? view->n_finished - HEALTH_POINTS : 0;
	for (size_t i = first; i < view->n_finished && code == 0 && spec->n_constraints; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		const struct metric *metrics;
		size_t n;
		arena_reset(&scratch);
		if (trial->state != TRIAL_SUCCEEDED || !trial->values_json ||
			metrics_read(trial->values_json, strlen(trial->values_json), &scratch,
				&metrics, &n, NULL))
			continue;
		for (size_t k = 0; k < spec->n_constraints; k++)
			for (size_t m = 0; m < n; m++) {
				const struct outcome_constraint *bounds = &spec->constraints[k];
				if (strcmp(metrics[m].name, bounds->metric) != 0 ||
					isnan(metrics[m].value))
					continue;
				constraints[k].known++;
				constraints[k].met += metrics[m].value >= bounds->min &&
						      metrics[m].value <= bounds->max;
			}
	}
	arena_release(&scratch);
	out->constraints = constraints;
	out->n_constraints = spec->n_constraints;
	return code;
}

int health_gather(const struct view *view, struct arena *arena, struct health_facts *out)
{
	*out = (struct health_facts){ 0 };
	memcpy(out->by_state, view->counts.by_state, sizeof(out->by_state));
	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		out->n_results += trial->state == TRIAL_SUCCEEDED;
		out->not_a_number += trial->state == TRIAL_SUCCEEDED && !isfinite(trial->loss);
		if (trial->state == TRIAL_FAILED && trial->message)
			out->message = trial->message;
	}
	if (out->message && !(out->message = arena_strdup(arena, out->message)))
		return CODE_NO_MEMORY;
	out->seed = view->spec->seed;
	out->version = view->counts.version;
	int code = gather_points(view, arena, out);
	return code ? code : gather_constraints(view, arena, out);
}
