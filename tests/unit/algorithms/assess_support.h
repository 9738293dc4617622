/*
 * Shared by the tests of the assessors: an experiment with one of them, trials with given reports,
 * and a judgement through the registry.
 */
#ifndef TESTS_UNIT_ALGORITHMS_ASSESS_SUPPORT_H
#define TESTS_UNIT_ALGORITHMS_ASSESS_SUPPORT_H

#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/assessors/assessor.h"

#include <cmocka.h>

#define ASSESS_UNUSED __attribute__((unused)) static

static char reason[512]; /* of the last judgement; "": go on */

/* goal: maximize or minimize. options: JSON object. */
static void assess_begin(
	struct fake *fake, const char *assessor, const char *goal, const char *options)
{
	char body[1024];
	snprintf(body, sizeof(body),
		"{\"name\":\"a\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"objectives\":[{\"name\":\"default\",\"goal\":\"%s\"}],"
		"\"tuner\":{\"name\":\"random\",\"seed\":1},"
		"\"assessor\":{\"name\":\"%s\",\"options\":%s}}",
		goal, assessor, options);
	fake_init(fake, body);
}

/* What the assessor says of the trial as it is. */
static enum verdict assess_judge(struct fake *fake, int64_t number)
{
	struct error err = { 0 };
	struct arena arena;
	struct rng rng;
	enum verdict verdict = VERDICT_STOP;

	arena_init(&arena, 0);
	rng_init(&rng, 1, RNG_ASSESS, (uint64_t)number);
	reason[0] = '\0';
	assert_int_equal(assessor_of(fake->view.spec->assessor)
				 ->judge(&fake->view, view_trial(&fake->view, number), &rng, &arena,
					 &verdict, reason, sizeof(reason), &err),
		0);
	arena_release(&arena);
	assert_true((verdict == VERDICT_STOP) == (reason[0] != '\0'));
	return verdict;
}

/* A running trial that has reported values[0 .. n) at steps first, first + 1, ... */
ASSESS_UNUSED int64_t assess_run(struct fake *fake, int64_t first, size_t n, const double *values)
{
	int64_t number;
	assert_int_equal(fake_suggest(fake, &number), 0);
	for (size_t i = 0; i < n; i++)
		fake_report(fake, number, first + (int64_t)i, values[i]);
	return number;
}

/* The verdict on a new trial with these reports. */
ASSESS_UNUSED enum verdict assess_values(struct fake *fake, size_t n, const double *values)
{
	return assess_judge(fake, assess_run(fake, 0, n, values));
}

/* A completed trial whose n <= 64 reports are all value. */
ASSESS_UNUSED void assess_complete(struct fake *fake, size_t n, double value)
{
	double values[64];
	for (size_t i = 0; i < n; i++)
		values[i] = value;
	fake_observe(fake, assess_run(fake, 0, n, values), value);
}

#endif
