/* For tests of multi-fidelity tuners: workers that train trials on curves, as the engine lets them.
 */
#ifndef TESTS_UNIT_ALGORITHMS_FIDELITY_H
#define TESTS_UNIT_ALGORITHMS_FIDELITY_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/rung.h"
#include "tests/unit/algorithms/support.h"

#include <cmocka.h>

#define LINE "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"

/* Loss of trial number after step steps; HUGE_VAL: it fails before it gets there. */
typedef double curve_fn(const struct fake *fake, int64_t number, int64_t step);

struct crew {
	struct fake *fake;
	size_t workers;
	size_t numbers; /* after that many trials only promotions are asked for */
	curve_fn *curve;
	bool every_step; /* report each step, not only the rung's */
	bool shuffle;	 /* whoever is done next is drawn, not the one who began first */
	struct rng rng;
	int64_t running[256];
	size_t n_running;
	size_t waits;
	/* of each hand-out */
	size_t n_out;
	struct {
		int64_t number, from, to;
	} out[20000];
};

/* Up to its resource; there a report and the pause, or, at the top, the final value. */
static inline void train(struct crew *crew, int64_t number)
{
	struct fake *fake = crew->fake;
	const struct trial *trial = view_trial(&fake->view, number);
	bool pauses = rung_pauses(fake->view.spec, trial);
	int64_t from = rung_reached(fake->view.spec, trial), to = (int64_t)trial->resource;

	for (int64_t step = crew->every_step ? from + 1 : to; step <= to; step++) {
		double loss = crew->curve(fake, number, step);
		if (loss == HUGE_VAL) {
			fake_fail(fake, number);
			return;
		}
		if (step < to || pauses)
			fake_report(fake, number, step, loss);
		else
			fake_observe(fake, number, loss);
	}
	if (pauses)
		fake_pause(fake, number);
}

/* One more hand-out; the tuner's answer. */
static inline int crew_take(struct crew *crew)
{
	struct fake *fake = crew->fake;
	bool spent = fake->view.n_trials >= crew->numbers;
	int64_t number;
	int code = spent ? fake_promote(fake, &number) : fake_suggest(fake, &number);

	if (code != 0)
		return code;
	const struct trial *trial = view_trial(&fake->view, number);
	assert_true(trial->resource > 0);
	assert_true(crew->n_out < sizeof(crew->out) / sizeof(crew->out[0]));
	crew->out[crew->n_out].number = number;
	crew->out[crew->n_out].from = rung_reached(fake->view.spec, trial);
	crew->out[crew->n_out++].to = (int64_t)trial->resource;
	crew->running[crew->n_running++] = number;
	return 0;
}

static inline void crew_finish_one(struct crew *crew)
{
	assert_true(crew->n_running > 0);
	size_t i = crew->shuffle ? (size_t)rng_below(&crew->rng, crew->n_running) : 0;
	int64_t number = crew->running[i];
	memmove(&crew->running[i], &crew->running[i + 1],
		(crew->n_running - i - 1) * sizeof(crew->running[0]));
	crew->n_running--;
	train(crew, number);
}

/* Until the tuner has nothing more to say and nobody is at work. */
static inline void crew_work(struct crew *crew)
{
	rng_init(&crew->rng, 17, RNG_TEST, 0);
	for (;;) {
		int code = crew->n_running < crew->workers ? crew_take(crew) : CODE_WAIT;
		if (code == 0)
			continue;
		if (crew->n_running < crew->workers && code == CODE_WAIT)
			crew->waits++;
		if (crew->n_running == 0) {
			assert_int_equal(code, CODE_EXHAUSTED);
			return;
		}
		crew_finish_one(crew);
	}
}

static inline struct crew *crew_new(
	struct fake *fake, size_t workers, size_t numbers, curve_fn *curve)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	assert_non_null(crew);
	crew->fake = fake;
	crew->workers = workers;
	crew->numbers = numbers;
	crew->curve = curve;
	return crew;
}

/* How often a trial of [first, end) was handed out up to resource. */
static inline size_t crew_count(
	const struct crew *crew, int64_t first, int64_t end, int64_t resource)
{
	size_t n = 0;

	for (size_t i = 0; i < crew->n_out; i++)
		n += crew->out[i].number >= first && crew->out[i].number < end &&
		     crew->out[i].to == resource;
	return n;
}

/* x, whatever the step: the order of the trials never changes. */
static inline double curve_flat(const struct fake *fake, int64_t number, int64_t step)
{
	(void)step;
	return fake_value(fake, number, "x");
}

/* The tuner says the same for the view as it is and as rebuilt from its log. */
static inline void check_fidelity_replay(const struct fake *fake, bool promote_only)
{
	struct proposal said[2];
	double x[2][16];
	struct view again;
	struct arena arena;
	int code[2];

	fake_rebuild(fake, &again);
	arena_init(&arena, 0);
	assert_true(again.spec->space->n <= 16);
	for (int i = 0; i < 2; i++) {
		struct error err = { 0 };
		said[i] = (struct proposal){ .x = x[i] };
		code[i] = tuner_ask(&(struct knowledge){ .view = i ? &again : &fake->view,
					    .promote_only = promote_only },
			&arena, &said[i], &err);
	}
	assert_int_equal(code[0], code[1]);
	if (code[0] == 0) {
		assert_int_equal(said[0].promote, said[1].promote);
		assert_true(said[0].resource == said[1].resource);
		assert_string_equal(said[0].arm, said[1].arm);
		assert_memory_equal(x[0], x[1], again.spec->space->n * sizeof(double));
	}
	arena_release(&arena);
	view_release(&again);
}

/* A number in [0, 1) of (trial, salt). */
static inline double hash_unit(int64_t number, uint64_t salt)
{
	struct rng rng;

	rng_init(&rng, salt, RNG_TEST, (uint64_t)number);
	return rng_uniform(&rng);
}

#endif
