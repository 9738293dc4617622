#include "algorithms/tuners/bracket.h"

#include <math.h>

struct bracket {
	size_t s;
	size_t first, n; /* its climbers so far */
	size_t size;	 /* that it starts */
};

enum state { STATE_BUSY, STATE_PROMOTES, STATE_OVER };

size_t bracket_size(size_t n_rungs, double eta, size_t s)
{
	double n = (double)n_rungs * pow(eta, (double)s) / (double)(s + 1);

	return (size_t)ceil(n * (1 - 1e-12)); /* a whole one must not become the next */
}

/* Are there results of all that were sent to rung k? *passed: those sent further. */
static bool rung_complete(
	const struct climbers *climbers, const struct bracket *bracket, size_t k, size_t *passed)
{
	bool complete = true;

	*passed = 0;
	for (size_t i = bracket->first; i < bracket->first + bracket->n; i++) {
		const struct climber *climber = &climbers->items[i];
		*passed += climber->rung > k;
		if (climber->rung == k && !climber->reached && !climber->dead)
			complete = false;
	}
	return complete;
}

/* Rung by rung: one that is complete sends its best on, and only then is the next looked at. */
static enum state bracket_state(struct climbers *climbers, const struct view *view,
	const struct bracket *bracket, const struct climber **next)
{
	double eta = option_real(&view->spec->tuner_options, "eta");
	size_t bottom = climbers->ladder.n - 1 - bracket->s, passed;

	if (bracket->n < bracket->size)
		return STATE_BUSY;
	for (size_t i = 0; i < bracket->s; i++) {
		if (!rung_complete(climbers, bracket, bottom + i, &passed))
			return STATE_BUSY;
		size_t keep = rung_share((double)bracket->size, eta, i + 1);
		if (passed >= keep)
			continue;
		size_t n = rung_rank(climbers, view, bracket->first, bracket->n, 0, bottom + i);
		for (size_t r = 0; r < n && r < keep; r++) {
			*next = &climbers->items[climbers->results[r].climber];
			if (climber_waits(*next, bottom + i))
				return STATE_PROMOTES;
		}
	}
	return rung_complete(climbers, bracket, climbers->ladder.n - 1, &passed) ? STATE_OVER
										 : STATE_BUSY;
}

int bracket_next(const struct knowledge *know, struct climbers *climbers, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	const struct option_set *options = &view->spec->tuner_options;
	double eta = option_real(options, "eta");
	int code = climbers_init(climbers, view, arena, err);

	if (code != 0)
		return code;
	size_t n_rungs = climbers->ladder.n;
	struct bracket bracket = { .s = n_rungs - 1 };
	enum state state = STATE_OVER;
	for (;;) {
		const struct climber *next;
		size_t left = climbers->n - bracket.first;
		bracket.size = bracket_size(n_rungs, eta, bracket.s);
		bracket.n = left < bracket.size ? left : bracket.size;
		if (left == 0)
			break;
		/* No more will join it: it goes on with those it has. */
		if (know->promote_only)
			bracket.size = bracket.n;
		state = bracket_state(climbers, view, &bracket, &next);
		if (state == STATE_PROMOTES) {
			propose_promotion(climbers, next, out);
			return 0;
		}
		if (bracket.n < bracket.size)
			break;
		bracket.first += bracket.n;
		bracket.s = bracket.s ? bracket.s - 1 : n_rungs - 1;
	}
	/* Here bracket is the one that the next new trial would join. */
	bool opens = bracket.n == 0;
	if (know->promote_only ||
		(opens && state == STATE_BUSY && option_is(options, "exec_mode", "serial")))
		return rung_wait(view, err);
	out->resource = (double)climbers->ladder.level[n_rungs - 1 - bracket.s];
	return 0;
}
