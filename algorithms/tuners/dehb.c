/*
 * DEHB (Awad, Mallik, Hutter: "DEHB: evolutionary hyperband for scalable, robust and efficient
 * hyperparameter optimization", IJCAI 2021): Hyperband's brackets of differential evolution, with a
 * population on each rung (dehb_population.h).
 *
 * The first bracket is successive halving: its trials are promoted, and fill the populations. The
 * later ones promote nobody: each of their rungs evaluates new points, bred from the best of the
 * rung below, at that rung's resource from the beginning; one replaces who holds its slot when it
 * is better. A rung starts when the one below has all its results; meanwhile the next bracket does.
 */
#include <math.h>

#include "algorithms/tuners/dehb_population.h"

static const struct option options[] = {
	RUNG_OPTIONS("min_fidelity", "max_fidelity"),
	{ 0 },
};

static struct dehb_standing stand(const struct dehb *dehb, size_t bracket, size_t k)
{
	if (bracket >= dehb->n_brackets)
		return (struct dehb_standing){ 0 };
	return dehb->standings[bracket * dehb->climbers.ladder.n + k];
}

/* The next trial of the first bracket, if there is one now: a promotion, or a new one. */
static bool halve(struct dehb *dehb, const struct knowledge *know, struct proposal *out)
{
	const struct view *view = know->view;
	struct climbers *climbers = &dehb->climbers;
	size_t n_rungs = climbers->ladder.n;
	double eta = option_real(&view->spec->tuner_options, "eta");
	struct dehb_standing at = stand(dehb, 0, 0);
	size_t size = know->promote_only ? at.sent : dehb_rung_size(n_rungs, eta, 0, 0);

	if (at.sent < size) {
		out->resource = (double)climbers->ladder.level[0];
		return true;
	}
	for (size_t k = 0; k + 1 < n_rungs; k++) {
		at = stand(dehb, 0, k);
		if (at.ended < at.sent)
			return false;
		size_t keep = rung_share((double)size, eta, k + 1);
		size_t n = at.passed < keep ? rung_rank(climbers, view, 0, climbers->n, 0, k) : 0;
		for (size_t r = 0; r < n && r < keep; r++) {
			const struct climber *next = &climbers->items[climbers->results[r].climber];
			if (!climber_waits(next, k))
				continue;
			propose_promotion(climbers, next, out);
			return true;
		}
	}
	return false;
}

/* The rung of a later bracket that takes a trial now; n_rungs: none does. */
static size_t open_rung(const struct dehb *dehb, size_t bracket, double eta)
{
	size_t n_rungs = dehb->climbers.ladder.n, bottom = dehb_bottom(n_rungs, bracket);

	for (size_t k = bottom; k < n_rungs; k++) {
		struct dehb_standing at = stand(dehb, bracket, k);
		if (at.sent < dehb_rung_size(n_rungs, eta, bracket, k - bottom))
			return k;
		if (at.ended < at.sent)
			return n_rungs;
	}
	return n_rungs;
}

static int dehb_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	double eta = option_real(&view->spec->tuner_options, "eta");
	struct dehb_tag tag = { 0 };
	struct dehb dehb;
	int code = dehb_init(&dehb, view, arena, err);

	if (code != 0)
		return code;
	if (halve(&dehb, know, out)) {
		if (out->promote >= 0)
			return 0;
		propose_random(view, rng, out);
		return dehb_tag_write(&tag, arena, &out->tag, err);
	}
	if (know->promote_only)
		return rung_wait(view, err);
	size_t n_rungs = dehb.climbers.ladder.n, k = n_rungs;
	while (k == n_rungs)
		k = open_rung(&dehb, ++tag.bracket, eta);
	struct dehb_population *population = &dehb.populations[k];
	tag.rung = (uint16_t)k;
	tag.slot = (uint16_t)(population->issued % population->size);
	out->resource = (double)dehb.climbers.ladder.level[k];
	out->arm = "evolution";
	code = dehb_evolve(&dehb, view, &tag, rng, arena, out->x, err);
	return code ? code : dehb_tag_write(&tag, arena, &out->tag, err);
}

const struct tuner tuner_dehb = {
	.algorithm = {
		.name = "dehb",
		.aliases = "DEHB",
		.summary = "Differential evolution in Hyperband's brackets: a population on each rung, "
			   "bred from the best of the rung below.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS | TUNER_NEEDS_METRICS |
			TUNER_MULTI_FIDELITY,
		.options = options,
	},
	.check = rung_check,
	.ask = dehb_ask,
};
