/*
 * For the tests of CMA-ES: boxes to search, runs, and a look at what the trials carry.
 */
#ifndef TESTS_UNIT_ALGORITHMS_CMAES_SUPPORT_H
#define TESTS_UNIT_ALGORITHMS_CMAES_SUPPORT_H

#include "tests/unit/algorithms/support.h" /* before cmocka.h, whose macro fail() is not ours */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/cmaes_tag.h"

#include <cmocka.h>

#define SPACE_MAX  8192
#define LAB_UNUSED __attribute__((unused)) static

/* {"x0": one, "x1": one, ...} */
LAB_UNUSED const char *box(size_t d, const char *one)
{
	static char text[SPACE_MAX];
	size_t at = 0;

	for (size_t i = 0; i < d; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at, "%s\"x%zu\":%s", i ? "," : "{", i, one);
	(void)snprintf(text + at, sizeof(text) - at, "}");
	return text;
}

#define UNIFORM	 "{\"_type\":\"uniform\",\"_value\":[-5,5]}"
#define INTEGERS "{\"_type\":\"int\",\"_value\":{\"low\":-10,\"high\":10}}"

LAB_UNUSED double sphere(const struct fake *fake, int64_t number)
{
	const double *x = fake->view.trials[number].x;
	double sum = 0;

	for (size_t i = 0; i < fake->view.spec->space->n; i++)
		sum += (x[i] - 1.3) * (x[i] - 1.3);
	return sum;
}

/* n more trials, answered in order, pending of them under way at any time. */
LAB_UNUSED void run(struct fake *fake, size_t n, size_t pending,
	double (*value)(const struct fake *fake, int64_t number))
{
	size_t first = fake->view.n_trials;

	for (size_t i = 0; i < n + pending; i++) {
		if (i < n)
			assert_int_equal(fake_suggest(fake, NULL), 0);
		if (i >= pending) {
			int64_t number = (int64_t)(first + i - pending);
			fake_observe(fake, number, value(fake, number));
		}
	}
}

LAB_UNUSED struct cmaes_tag tag_of(const struct fake *fake, size_t number)
{
	struct cmaes_model model;
	struct cmaes_tag tag;
	struct arena arena;
	const char *raw;

	arena_init(&arena, 0);
	assert_int_equal(cmaes_model_init(&model, &fake->view, &arena), 0);
	assert_true(cmaes_tag_read(&model, &fake->view.trials[number], &tag, &raw));
	arena_release(&arena);
	return tag;
}

/* The newest state that the trials carry. */
LAB_UNUSED bool load(const struct fake *fake, struct arena *arena, struct cmaes_model *model,
	struct cmaes *cmaes)
{
	struct cmaes_tag newest;

	assert_int_equal(cmaes_model_init(model, &fake->view, arena), 0);
	assert_int_equal(cmaes_init(cmaes, model, arena), 0);
	assert_non_null(cmaes_tag_newest(model, &newest));
	return cmaes_tag_load(cmaes, newest.start);
}

/* Only the raw coordinates stay on the trials: the state has to be folded from the history. */
LAB_UNUSED void strip_states(struct fake *fake)
{
	size_t size = sizeof(struct cmaes_tag) + fake->view.spec->space->n * sizeof(double);

	for (size_t i = 0; i < fake->view.n_trials; i++)
		if (fake->view.trials[i].tag.size > size)
			fake->view.trials[i].tag.size = size;
}

/* The same again from the log, at every moment; and without the states on the trials, too. */
LAB_UNUSED void check_pure(struct fake *fake, size_t n)
{
	double with[100], without[100];

	assert_int_equal(fake_check_replay(fake), 0);
	assert_int_equal(fake_ask(&fake->view, with), 0);
	struct fake bare = *fake;
	bare.view.trials = malloc(fake->view.n_trials * sizeof(*bare.view.trials));
	assert_non_null(bare.view.trials);
	memcpy(bare.view.trials, fake->view.trials,
		fake->view.n_trials * sizeof(*bare.view.trials));
	strip_states(&bare);
	assert_int_equal(fake_ask(&bare.view, without), 0);
	assert_memory_equal(with, without, n * sizeof(*with));
	free(bare.view.trials);
}

#endif
