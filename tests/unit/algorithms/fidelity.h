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

/* One hand-out, which there must be, and one result. */
static inline void crew_turn(struct crew *crew)
{
	assert_int_equal(crew_take(crew), 0);
	crew_finish_one(crew);
}

/* From now on whoever is done next is drawn. */
static inline void crew_shuffle(struct crew *crew)
{
	rng_init(&crew->rng, 5, RNG_TEST, 0);
	crew->shuffle = true;
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

/* And of the fake that it works for. */
static inline void crew_free(struct crew *crew)
{
	fake_release(crew->fake);
	free(crew);
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

/* What the trials of [first, end) cost. */
static inline int64_t crew_steps(const struct crew *crew, int64_t first, int64_t end)
{
	int64_t steps = 0;

	for (size_t i = 0; i < crew->n_out; i++)
		if (crew->out[i].number >= first && crew->out[i].number < end)
			steps += crew->out[i].to - crew->out[i].from;
	return steps;
}

/* The next n trials, and how often they are handed out up to 1, 3, 9, 27 and 81. */
struct bracket_row {
	int64_t n;
	size_t by_level[5];
};

/* The rows are those of the trials from the first one on; answers how many trials they hold. */
static inline int64_t check_brackets(
	const struct crew *crew, const struct bracket_row *rows, size_t n_rows)
{
	int64_t first = 0;

	for (size_t b = 0; b < n_rows; b++) {
		int64_t end = first + rows[b].n, level = 1;
		for (size_t k = 0; k < 5; k++, level *= 3)
			assert_int_equal(crew_count(crew, first, end, level), rows[b].by_level[k]);
		first = end;
	}
	return first;
}

/* The trial of [first, end) whose x is the least. */
static inline int64_t least_x(const struct fake *fake, int64_t first, int64_t end)
{
	int64_t best = first;

	for (int64_t i = first; i < end; i++)
		if (fake_value(fake, i, "x") < fake_value(fake, best, "x"))
			best = i;
	return best;
}

static inline double mean_x(const struct fake *fake, int64_t first, int64_t end)
{
	double sum = 0;

	for (int64_t i = first; i < end; i++)
		sum += fake_value(fake, i, "x");
	return sum / (double)(end - first);
}

/* A number in [0, 1) of (trial, salt). */
static inline double hash_unit(int64_t number, uint64_t salt)
{
	struct rng rng;

	rng_init(&rng, salt, RNG_TEST, (uint64_t)number);
	return rng_uniform(&rng);
}

/* x, whatever the step: the order of the trials never changes. */
static inline double curve_flat(const struct fake *fake, int64_t number, int64_t step)
{
	(void)step;
	return fake_value(fake, number, "x");
}

static inline bool fails_at(int64_t number, int64_t step)
{
	return hash_unit(number, (uint64_t)step) < 0.4;
}

static inline bool is_nan_trial(int64_t number)
{
	return hash_unit(number, 99) < 0.2;
}

/* Some fail on their way to a rung, some report what is no number; the others are flat. */
static inline double curve_failing(const struct fake *fake, int64_t number, int64_t step)
{
	if (fails_at(number, step))
		return HUGE_VAL;
	return is_nan_trial(number) ? (double)NAN : fake_value(fake, number, "x");
}

static inline double curve_dead(const struct fake *fake, int64_t number, int64_t step)
{
	(void)fake;
	(void)number;
	(void)step;
	return HUGE_VAL;
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

/* So many hand-outs and results: nobody ever waits, whoever is done next is drawn, and the log
 * alone tells what comes next. */
static inline void check_crew_replay(struct crew *crew, int turns)
{
	crew_shuffle(crew);
	for (int i = 0; i < turns; i++) {
		if (crew->n_running < crew->workers)
			assert_int_equal(crew_take(crew), 0);
		else
			crew_finish_one(crew);
		if (i % 37 == 0) {
			check_fidelity_replay(crew->fake, false);
			check_fidelity_replay(crew->fake, true);
		}
	}
}

#endif
