#include "algorithms/tuners/rung.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "algorithms/tuners/fork.h"
#include "algorithms/tuners/unique.h"

/* A logarithm or quotient that is whole in exact arithmetic may come out a little less. */
#define WHOLE 1e-9

#define DRAWS 64 /* for a point that is new: cheaper than to be asked again by tuner_ask */

static bool is_multi_fidelity(const struct spec *spec)
{
	return (spec->tuner->caps & TUNER_MULTI_FIDELITY) != 0;
}

static void climb_up(struct ladder *ladder, double low, double high, double eta)
{
	for (double level = low; level < high - WHOLE; level *= eta)
		ladder->level[ladder->n++] = (int64_t)floor(level + WHOLE);
	ladder->level[ladder->n++] = (int64_t)high;
}

static void climb_down(struct ladder *ladder, double low, double high, double eta)
{
	double ratio = low < high ? high / low : 1;
	size_t above = (size_t)floor(log(ratio) / log(eta) + WHOLE);

	ladder->n = above + 1;
	for (size_t k = 0; k <= above; k++)
		ladder->level[above - k] = (int64_t)rung_share(high, eta, k);
}

void ladder_init(struct ladder *ladder, const struct spec *spec)
{
	const struct option_set *options = &spec->tuner_options;
	double low = option_real(options, "min_resource");
	double high = option_real(options, "max_resource"), eta = option_real(options, "eta");
	bool up = spec->tuner == &tuner_asha.algorithm || spec->tuner == &tuner_pasha.algorithm;

	ladder->n = 0;
	if (up)
		climb_up(ladder, low, high, eta);
	else
		climb_down(ladder, low, high, eta);
	assert(ladder->n >= 1 && ladder->n <= RUNGS_MAX);
}

size_t rung_share(double n, double eta, size_t k)
{
	return (size_t)floor(n * pow(eta, -(double)k) + WHOLE);
}

double rung_top(const struct spec *spec)
{
	return is_multi_fidelity(spec) ? option_real(&spec->tuner_options, "max_resource")
				       : (double)NAN;
}

bool rung_pauses(const struct spec *spec, const struct trial *trial)
{
	return trial->resource < rung_top(spec); /* false if either is NaN */
}

/* Is step a rung below the last one? Of population based training every interval's end is. */
static bool is_rung(const struct spec *spec, const struct ladder *ladder, int64_t step)
{
	if (spec->tuner == &tuner_pbt.algorithm)
		return step % option_int(&spec->tuner_options, "interval") == 0;
	for (size_t k = 0; k < ladder->n; k++)
		if (step == ladder->level[k])
			return true;
	return false;
}

int64_t rung_reached(const struct spec *spec, const struct trial *trial)
{
	struct ladder ladder = { 0 };

	if (!is_multi_fidelity(spec) || isnan(trial->resource))
		return 0;
	int64_t reached = fork_start(trial);
	if ((double)reached >= trial->resource)
		reached = 0; /* no tuner of ours forks like that, but a log may say so */
	if (spec->tuner != &tuner_pbt.algorithm)
		ladder_init(&ladder, spec);
	for (uint32_t i = 0; i < trial->n_reports; i++) {
		const struct report *report = &trial->reports[i];
		if (report->late || report->attempt >= trial->attempt || report->step <= reached)
			continue;
		if ((double)report->step < trial->resource && is_rung(spec, &ladder, report->step))
			reached = report->step;
	}
	return reached;
}

void rung_check(const struct spec *spec, const struct path *at, struct faults *faults)
{
	const struct option_set *options = &spec->tuner_options;
	int64_t low = option_int(options, "min_resource");
	int64_t high = option_int(options, "max_resource");
	struct path below = { at, "options", 0 }, here = { &below, "min_resource", 0 };

	if (low > high)
		fault_add(faults, &here, "must be at most max_resource, which is %lld",
			(long long)high);
}

/* ---- the trials ---- */

/* The highest rung that is not above its resource: after an edit it may stand between two. */
static uint32_t rung_of(const struct ladder *ladder, double resource)
{
	uint32_t k = 0;

	while (k + 1 < ladder->n && (double)ladder->level[k + 1] <= resource)
		k++;
	return k;
}

int climbers_init(
	struct climbers *climbers, const struct view *view, struct arena *arena, struct error *err)
{
	size_t room = view->n_trials ? view->n_trials : 1;

	ladder_init(&climbers->ladder, view->spec);
	climbers->n = 0;
	climbers->items = arena_array(arena, room, sizeof(*climbers->items));
	climbers->results = arena_array(arena, room, sizeof(*climbers->results));
	if (!climbers->items || !climbers->results)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu trials", view->n_trials);
	for (size_t i = 0; i < view->n_trials; i++) {
		const struct trial *trial = &view->trials[i];
		if (trial->origin != ORIGIN_TUNER || isnan(trial->resource))
			continue;
		bool reached = trial->state == TRIAL_PAUSED || trial->state == TRIAL_SUCCEEDED;
		climbers->items[climbers->n++] = (struct climber){
			.trial = trial,
			.rung = rung_of(&climbers->ladder, trial->resource),
			.reached = reached,
			.dead = !reached && trial_ended(trial),
		};
	}
	return 0;
}

double climber_loss(const struct climbers *climbers, const struct view *view,
	const struct climber *climber, size_t k)
{
	const struct trial *trial = climber->trial;

	if (k == climber->rung && climber->dead)
		return HUGE_VAL;
	if (k == climber->rung && trial->state == TRIAL_SUCCEEDED)
		return isnan(trial->loss) ? HUGE_VAL : trial->loss;
	return rung_loss(view, trial, climbers->ladder.level[k]);
}

double rung_loss(const struct view *view, const struct trial *trial, int64_t level)
{
	double loss = (double)NAN;

	for (uint32_t i = 0; i < trial->n_reports; i++) {
		const struct report *report = &trial->reports[i];
		if (report->late || report->step > level)
			continue;
		loss = objective_loss(&view->spec->objectives[0], report->value);
		if (report->step == level)
			break;
	}
	return isnan(loss) ? HUGE_VAL : loss;
}

static int compare_results(const void *a, const void *b)
{
	const struct rung_result *x = a, *y = b;

	if (x->dead != y->dead)
		return x->dead ? 1 : -1;
	if (x->loss != y->loss)
		return x->loss < y->loss ? -1 : 1;
	return (x->climber > y->climber) - (x->climber < y->climber);
}

size_t rung_rank(struct climbers *climbers, const struct view *view, size_t first, size_t n,
	uint32_t group, size_t k)
{
	size_t found = 0;

	for (size_t i = first; i < first + n; i++) {
		const struct climber *climber = &climbers->items[i];
		bool passed = climber->rung > k;
		bool here = climber->rung == k && (climber->reached || climber->dead);
		if (climber->group != group || !(passed || here))
			continue;
		climbers->results[found++] = (struct rung_result){
			.loss = climber_loss(climbers, view, climber, k),
			.climber = (uint32_t)i,
			.dead = here && climber->dead,
		};
	}
	if (found > 1)
		qsort(climbers->results, found, sizeof(*climbers->results), compare_results);
	return found;
}

bool climber_waits(const struct climber *climber, size_t k)
{
	return climber->rung == k && climber->trial->state == TRIAL_PAUSED && climber->trial->x;
}

/* ---- proposals ---- */

void propose_promotion(
	const struct climbers *climbers, const struct climber *climber, struct proposal *out)
{
	assert(climber->rung + 1 < climbers->ladder.n);
	out->promote = climber->trial->number;
	out->resource = (double)climbers->ladder.level[climber->rung + 1];
	out->arm = "promotion";
}

void propose_random(const struct view *view, struct rng *rng, struct proposal *out)
{
	bool fresh = false;

	for (int i = 0; i < DRAWS && !fresh; i++) {
		space_sample(view->spec->space, rng, out->x);
		fresh = unique_fresh(view, out->x);
	}
	out->arm = "random";
}

int propose_sample(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	if (option_is(&know->view->spec->tuner_options, "sampler", "sobol"))
		return tuner_sobol.ask(know, rng, arena, out, err);
	propose_random(know->view, rng, out);
	return 0;
}

int rung_wait(const struct view *view, struct error *err)
{
	const int64_t *by_state = view->counts.by_state;

	if (by_state[TRIAL_RUNNING] + by_state[TRIAL_WAITING] > 0)
		return fail(err, CODE_WAIT, "the results of a rung are awaited");
	return fail(err, CODE_EXHAUSTED, "no trial is left to be promoted");
}
