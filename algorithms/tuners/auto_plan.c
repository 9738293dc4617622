#include "algorithms/tuners/auto_plan.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"
#include "algorithms/tuners/tuner_rank.h"

#define STARTUP		  8   /* stratified points, fewer for three parameters and less */
#define SMALL_SPACE	  64  /* points of a space that is tried out whatever the budget */
#define GP_RESULTS	  300 /* results a Gaussian process is worth its time for */
#define GP_OBJECTIVES	  3
#define GP_CONFIGS	  20000 /* points of a space without an order it enumerates */
#define LOCAL_MAX	  40	/* parameters of a local model */
#define MODEL_MAX	  100	/* parameters of CMA-ES and of a Gaussian process */
#define CMAES_RESULTS	  40	/* results that make a warm start */
#define WIDE_SHARE	  0.25	/* of the budget: workers that leave little to learn from */
#define EVOLUTION_RESULTS 100	/* results before mutation beats a model of many categories */

#define LEADERS	 16   /* ranks that earn something */
#define FADE	 0.97 /* of a reward, with every result */
#define PRIOR	 3.0  /* results' worth of a middling reward that each arm begins with */
#define MIDDLING 0.25
#define ZEAL	 4.0 /* exponent of a mean reward of 1 */

static const struct {
	const char *tuner, *label, *startup;
} arms[ARM_COUNT] = {
	[ARM_STARTUP] = { "sobol", "startup" },
	[ARM_SHUFFLED] = { "random", "shuffled" },
	[ARM_GP] = { "gp", "gp", "n_startup" },
	[ARM_TPE] = { "tpe", "tpe", "n_startup" },
	[ARM_CMAES] = { "cmaes", "cmaes" },
	[ARM_TRUSTREGION] = { "trustregion", "trustregion", "startup" },
	[ARM_EVOLUTION] = { "evolution", "evolution" },
	[ARM_NSGA2] = { "nsga2", "nsga2" },
	[ARM_NSGA3] = { "nsga3", "nsga3" },
};

const struct tuner *auto_arm_tuner(enum auto_arm arm)
{
	return tuner_of(catalog_find(tuner_algorithms, arms[arm].tuner));
}

const char *auto_arm_label(enum auto_arm arm)
{
	return arms[arm].label;
}

const char *auto_arm_startup(enum auto_arm arm)
{
	return arms[arm].startup;
}

/* ---- the rules ---- */

struct situation {
	const struct spec *spec;
	size_t results, trials; /* trials: pending ones too */
	double budget;		/* 0: not known */
	double workers;
	size_t dimensions;	   /* parameters that vary */
	size_t numeric, unordered; /* of those: with an order; without, and of > 2 options */
	bool conditional;
};

static void look(struct situation *situation, const struct view *view)
{
	const struct spec *spec = view->spec;
	double pending = (double)view_pending(view);

	*situation = (struct situation){ .spec = spec, .results = view->n_finished };
	situation->trials = view->n_finished + (size_t)view_pending(view);
	situation->budget = (double)spec->limits.max_trials;
	situation->workers = fmax(fmax((double)spec->limits.concurrency, pending), 1);
	for (size_t i = 0; i < spec->space->n; i++) {
		const struct parameter *parameter = &spec->space->parameters[i];

		situation->conditional |= parameter->n_conditions > 0;
		if (parameter->n_values == 1)
			continue;
		situation->dimensions++;
		situation->numeric += !parameter->categorical;
		situation->unordered += parameter->categorical && parameter->n_options > 2;
	}
}

static bool is_small(const struct situation *situation)
{
	const struct space *space = situation->spec->space;

	return space->finite && space->count > 0 &&
	       (double)space->count <= fmax(SMALL_SPACE, situation->budget);
}

/* So many workers that there is little to learn from while it lasts. */
static bool is_wide(const struct situation *situation)
{
	return situation->budget > 0 && situation->workers >= WIDE_SHARE * situation->budget;
}

static double startup_of(const struct situation *situation)
{
	if (is_wide(situation))
		return situation->workers;
	return fmin(STARTUP, AUTO_STARTUP_LEAST + (double)situation->dimensions);
}

static void plan_objectives(const struct situation *situation, double *shares)
{
	size_t n = situation->spec->n_objectives;
	bool model = n <= GP_OBJECTIVES && situation->results < GP_RESULTS &&
		     situation->dimensions <= MODEL_MAX;

	shares[n > GP_OBJECTIVES ? ARM_NSGA3 : ARM_NSGA2] = model ? 0.3 : 1;
	shares[ARM_GP] = model ? 0.7 : 0;
}

static void plan_categories(const struct situation *situation, double *shares)
{
	const struct space *space = situation->spec->space;
	bool enumerable = space->finite && space->count > 0 && space->count <= GP_CONFIGS;

	shares[ARM_TPE] = 0.3;
	if (enumerable && situation->results < GP_RESULTS)
		shares[ARM_GP] = 0.5;
	shares[ARM_EVOLUTION] = situation->results < EVOLUTION_RESULTS ? 0.1 : 0.6;
}

static void plan_mixed(const struct situation *situation, double *shares)
{
	bool few = situation->results < GP_RESULTS;

	shares[ARM_TPE] = 0.5;
	shares[ARM_EVOLUTION] = 0.1;
	shares[ARM_TRUSTREGION] = situation->dimensions <= LOCAL_MAX ? 0.3 : 0;
	shares[ARM_GP] = few && situation->dimensions <= MODEL_MAX ? 0.5 : 0;
}

static void plan_numeric(const struct situation *situation, double *shares)
{
	bool few = situation->results < GP_RESULTS;

	if (situation->dimensions > MODEL_MAX) {
		shares[ARM_TPE] = 0.7;
		shares[ARM_EVOLUTION] = 0.3;
	} else if (situation->dimensions > LOCAL_MAX) {
		shares[ARM_TPE] = 0.3;
		shares[ARM_CMAES] = 0.4;
		shares[ARM_GP] = few ? 0.3 : 0;
	} else {
		shares[ARM_TRUSTREGION] = few ? 0.25 : 0.5;
		shares[ARM_GP] = few ? 0.55 : 0;
		shares[ARM_TPE] = 0.1;
		if (situation->results >= CMAES_RESULTS)
			shares[ARM_CMAES] = few ? 0.1 : 0.4;
	}
}

/* Those that are there, adding up to 1. */
static void normalise(double *shares)
{
	double sum = 0;

	for (size_t a = 0; a < ARM_COUNT; a++)
		sum += shares[a];
	for (size_t a = 0; a < ARM_COUNT; a++)
		shares[a] /= sum;
}

bool auto_plan_divides(const struct view *view)
{
	struct situation situation;

	look(&situation, view);
	return view->spec->n_objectives == 1 && !is_small(&situation) && !is_wide(&situation);
}

void auto_plan_init(struct auto_plan *plan, const struct view *view)
{
	double *shares = plan->shares;
	struct situation situation;

	memset(shares, 0, sizeof(plan->shares));
	look(&situation, view);
	bool wide = is_wide(&situation);
	if (is_small(&situation))
		shares[ARM_SHUFFLED] = 1;
	else if ((double)situation.trials < startup_of(&situation))
		shares[ARM_STARTUP] = 1;
	else if (situation.spec->n_objectives > 1)
		plan_objectives(&situation, shares);
	else if (wide)
		shares[ARM_TPE] = 1;
	else if (situation.numeric == 0)
		plan_categories(&situation, shares);
	else if (situation.unordered > 0 || situation.conditional)
		plan_mixed(&situation, shares);
	else
		plan_numeric(&situation, shares);
	normalise(shares);
}

/* ---- what was earned ---- */

struct leaders {
	size_t n;
	struct rank ranks[LEADERS]; /* best first */
};

/* Takes the result in; 1 for the best so far, less for a later rank, 0 beyond the leaders. */
static double reward(struct leaders *leaders, const struct rank *rank)
{
	size_t at = leaders->n;

	while (at > 0 && rank_better(rank, &leaders->ranks[at - 1]))
		at--;
	if (at == LEADERS)
		return 0;
	if (leaders->n < LEADERS)
		leaders->n++;
	for (size_t i = leaders->n - 1; i > at; i--)
		leaders->ranks[i] = leaders->ranks[i - 1];
	leaders->ranks[at] = *rank;
	return at == 0 ? 1 : 0.5 * (1 - (double)at / LEADERS);
}

/* Every arm that takes part gets AUTO_SHARE_MIN at least. */
static void lift(double *shares)
{
	size_t n = 0;

	for (size_t a = 0; a < ARM_COUNT; a++)
		n += shares[a] > 0;
	for (size_t a = 0; a < ARM_COUNT; a++)
		if (shares[a] > 0)
			shares[a] = AUTO_SHARE_MIN + (1 - AUTO_SHARE_MIN * (double)n) * shares[a];
}

void auto_plan_credit(struct auto_plan *plan, const struct view *view)
{
	double sums[ARM_COUNT] = { 0 }, counts[ARM_COUNT] = { 0 };
	struct leaders leaders = { 0 };

	if (view->spec->n_objectives > 1)
		return;
	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		struct rank rank = rank_of(view, trial);
		double earned = trial->x ? reward(&leaders, &rank) : 0;
		int arm = arm_of(trial);

		for (size_t a = 0; a < ARM_COUNT; a++) {
			sums[a] *= FADE;
			counts[a] *= FADE;
		}
		if (arm < 0 || arm >= ARM_COUNT)
			continue;
		sums[arm] += rank.tier == TIER_FAILED ? 0 : earned;
		counts[arm] += 1;
	}
	for (size_t a = 0; a < ARM_COUNT; a++) {
		double mean = (sums[a] + PRIOR * MIDDLING) / (counts[a] + PRIOR);
		plan->shares[a] *= exp(ZEAL * mean);
	}
	normalise(plan->shares);
	lift(plan->shares);
}
