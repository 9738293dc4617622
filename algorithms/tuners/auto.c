/*
 * The portfolio: several tuners, its arms, work on one experiment and learn from each other's
 * results. Which arms take part follows from the space, the objectives and the number of results
 * (auto_plan.h); the share of each grows with the ranks that its trials reach. Every trial says in
 * its meta which arm proposed it, and in its tag, after which comes the arm's own (arm_tag.h).
 *
 * An arm sees the experiment as if it were alone there. In a space with branches (auto_branch.h) it
 * sees one of them, as if there were no other.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"
#include "algorithms/tuners/auto_branch.h"
#include "algorithms/tuners/auto_plan.h"
#include "algorithms/tuners/tuner.h"

/* The experiment as an arm sees it. */
struct guise {
	struct view view;
	struct spec spec;
};

static void set_option(struct option_set *set, const char *name, int64_t value)
{
	size_t i = 0;

	while (i < set->n && strcmp(set->table[i].name, name) != 0)
		i++;
	assert(i < set->n && set->table[i].type == OPTION_INT);
	set->values[i].integer = value;
	set->values[i].real = (double)value;
}

static void guise_init(struct guise *guise, const struct view *view, enum auto_arm arm)
{
	const struct algorithm *algorithm = &auto_arm_tuner(arm)->algorithm;
	const char *startup = auto_arm_startup(arm);

	guise->view = *view;
	guise->spec = *view->spec;
	guise->spec.tuner = algorithm;
	options_init(&guise->spec.tuner_options, algorithm->options);
	if (startup)
		set_option(&guise->spec.tuner_options, startup, AUTO_STARTUP_LEAST);
	guise->view.spec = &guise->spec;
}

static enum auto_arm draw(const struct auto_plan *plan, struct rng *rng)
{
	double left = rng_uniform(rng);
	unsigned last = ARM_STARTUP;

	for (unsigned a = 0; a < ARM_COUNT; a++) {
		if (plan->shares[a] <= 0)
			continue;
		last = a;
		left -= plan->shares[a];
		if (left < 0)
			break;
	}
	return (enum auto_arm)last;
}

static int ask_view(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	struct knowledge own = *know;
	struct auto_plan plan;
	struct guise guise;

	auto_plan_init(&plan, know->view);
	auto_plan_credit(&plan, know->view);
	enum auto_arm arm = draw(&plan, rng);
	guise_init(&guise, know->view, arm);
	own.view = &guise.view;
	int code = auto_arm_tuner(arm)->ask(&own, rng, arena, out, err);
	if (code != 0)
		return code;
	out->arm = auto_arm_label(arm);
	if (arm_tag_wrap(arm, &out->tag, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for the portfolio");
	return 0;
}

/* ---- branches ---- */

static int ask_branch(const struct knowledge *know, const struct branch *branch, struct rng *rng,
	struct arena *arena, struct proposal *out, struct error *err)
{
	struct knowledge own = { .view = &branch->view, .compute = know->compute };
	double *x = out->x;
	struct model model;

	if (know->model && branch_model(branch, know->model, &model, arena))
		own.model = &model;
	out->x = arena_array(arena, branch->space.n + 1, sizeof(*out->x));
	if (!out->x)
		return fail(err, CODE_NO_MEMORY, "no memory for the portfolio");
	for (size_t i = 0; i < branch->space.n; i++)
		out->x[i] = (double)NAN;
	int code = ask_view(&own, rng, arena, out, err);
	if (code == 0)
		branch_embed(branch, out->x, x);
	out->x = x;
	return code;
}

static int auto_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	int parameter = auto_plan_divides(view) ? branch_parameter(view) : -1;
	struct branch branch;

	if (parameter < 0)
		return ask_view(know, rng, arena, out, err);
	uint32_t n = (uint32_t)view->spec->space->parameters[parameter].n_options;
	uint32_t first = branch_choose(view, parameter);
	for (uint32_t k = 0; k < n; k++) {
		if (branch_init(&branch, view, parameter, (first + k) % n, arena) != 0)
			return fail(err, CODE_NO_MEMORY, "no memory for the portfolio");
		bool exhausted = branch_exhausted(&branch);
		int code = exhausted ? 0 : ask_branch(know, &branch, rng, arena, out, err);
		branch_release(&branch);
		if (!exhausted)
			return code;
	}
	return fail(err, CODE_EXHAUSTED, "every point of the search space has been tried");
}

/* ---- what the Gaussian process learns ---- */

static const struct tuner *find_learner(const struct view *view)
{
	const struct tuner *tuner = auto_arm_tuner(ARM_GP);
	struct auto_plan plan;

	auto_plan_init(&plan, view);
	return plan.shares[ARM_GP] > 0 ? tuner : NULL;
}

static bool auto_due(const struct view *view, size_t fitted)
{
	const struct tuner *tuner = find_learner(view);
	struct guise guise;

	if (!tuner)
		return false;
	guise_init(&guise, view, ARM_GP);
	return tuner->learner->due(&guise.view, fitted);
}

static int auto_gather(
	const struct view *view, struct arena *arena, const void **out, struct error *err)
{
	const struct tuner *tuner = auto_arm_tuner(ARM_GP);
	struct guise *guise =
		arena_alloc(arena, sizeof(*guise)); /* what is gathered may point to it */

	if (!guise)
		return fail(err, CODE_NO_MEMORY, "no memory for the portfolio");
	guise_init(guise, view, ARM_GP);
	return tuner->learner->gather(&guise->view, arena, out, err);
}

static int auto_fit(const void *gathered, struct compute *compute, struct rng *rng,
	struct buffer *out, struct error *err)
{
	return auto_arm_tuner(ARM_GP)->learner->fit(gathered, compute, rng, out, err);
}

static const struct learner auto_learner = {
	.due = auto_due,
	.gather = auto_gather,
	.fit = auto_fit,
};

static const struct option auto_options[] = {
	{ .name = NULL },
};

const struct tuner tuner_auto = {
	.algorithm = {
		.name = "auto",
		.aliases = "Auto|AutoSampler",
		.summary = "A portfolio: chooses among the other tuners by the search space, and "
			   "by what their trials achieve; any space, any number of objectives.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_MULTI_OBJECTIVE,
		.options = auto_options,
	},
	.learner = &auto_learner,
	.ask = auto_ask,
};
