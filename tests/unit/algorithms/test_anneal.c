#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char plane[] = "{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			    "\"c\":{\"_type\":\"choice\",\"_value\":[1,2,3,4]}}";

/* n results, the best at x = 0.3, c = 2. */
static void fill(struct fake *fake, int n)
{
	char text[64];

	fake_seed(fake, "{\"x\":0.3,\"c\":2}", -1);
	for (int i = 1; i < n; i++) {
		(void)snprintf(text, sizeof(text), "{\"x\":%.9f,\"c\":%d}", (double)i / (double)n,
			1 + i % 4);
		fake_seed(fake, text, (double)i);
	}
}

/* With best_rank 1 the base is the best trial; the window is 1 / (1 + shrink t) wide, uniform, and
 * the option is drawn anew as often. */
static void test_window(void **state)
{
	(void)state;
	const int n = 40, draws = 400;
	const double width = 1 / (1 + 0.1 * n);
	int low = 0, other = 0;
	struct fake fake;
	char options[64];

	for (int seed = 0; seed < draws; seed++) {
		double x[2];

		(void)snprintf(options, sizeof(options), "{\"best_rank\":1,\"startup\":%d}", n);
		fake_init_tuner(&fake, "anneal", options, (uint64_t)seed, plane, NULL);
		fill(&fake, n);
		assert_int_equal(fake_ask(&fake.view, x), 0);
		assert_true(fabs(x[0] - 0.3) <= width / 2);
		low += x[0] < 0.3 - width / 4;
		other += x[1] != 1;
		fake_release(&fake);
	}
	assert_true(fabs(low - draws * 0.25) < 4 * sqrt(draws * 0.25 * 0.75));
	double share = width * 0.75;
	assert_true(fabs(other - draws * share) < 4 * sqrt(draws * share * (1 - share)));
}

/* The window is shifted inside, not cut: at the edge it is as wide. */
static void test_edge(void **state)
{
	(void)state;
	double farthest = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		double x[2];
		struct fake fake;

		fake_init_tuner(&fake, "anneal", "{\"best_rank\":1,\"startup\":0,\"shrink\":1}",
			seed, plane, NULL);
		fake_seed(&fake, "{\"x\":0,\"c\":1}", -1);
		fake_seed(&fake, "{\"x\":1,\"c\":1}", 1);
		fake_seed(&fake, "{\"x\":0.5,\"c\":1}", 1);
		assert_int_equal(fake_ask(&fake.view, x), 0);
		assert_true(x[0] >= 0 && x[0] <= 0.25);
		farthest = fmax(farthest, x[0]);
		fake_release(&fake);
	}
	assert_true(farthest > 0.22);
}

/* Until startup results: draws from the declared distribution, whatever the results. */
static void test_startup(void **state)
{
	(void)state;
	int far = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		double x[2];
		struct fake fake;

		fake_init_tuner(
			&fake, "anneal", "{\"startup\":12,\"shrink\":10}", seed, plane, NULL);
		fill(&fake, 11);
		fake_seed(&fake, "{\"x\":0.9999,\"c\":1}", (double)NAN); /* no result */
		assert_int_equal(fake_ask(&fake.view, x), 0);
		far += fabs(x[0] - 0.3) > 0.25;
		fake_release(&fake);
	}
	assert_true(fabs(far - 50.0) < 20);
}

/* The rank of the base is geometric: with mean 2 half of the draws start from the best, a quarter
 * from the second. */
static void test_rank(void **state)
{
	(void)state;
	const int draws = 400;
	int from[3] = { 0 };

	for (int seed = 0; seed < draws; seed++) {
		double x[2];
		struct fake fake;

		fake_init_tuner(&fake, "anneal", "{\"startup\":0,\"shrink\":10}", (uint64_t)seed,
			plane, NULL);
		fake_seed(&fake, "{\"x\":0.1,\"c\":1}", 3);
		fake_seed(&fake, "{\"x\":0.5,\"c\":1}", 1);
		fake_seed(&fake, "{\"x\":0.9,\"c\":1}", 2);
		assert_int_equal(fake_ask(&fake.view, x), 0);
		from[(int)(x[0] * 3)]++;
		fake_release(&fake);
	}
	assert_true(fabs(from[1] - draws * 0.5) < 4 * sqrt(draws * 0.25));
	assert_true(fabs(from[2] - draws * 0.25) < 4 * sqrt(draws * 0.25 * 0.75));
	assert_true(from[0] > 0);
}

/* A branch that the best trial did not take: its parameters come from the best that did. */
static void test_nested_base(void **state)
{
	(void)state;
	int taken = 0;

	for (uint64_t seed = 0; seed < 300; seed++) {
		double x[2];
		struct fake fake;

		fake_init_tuner(&fake, "anneal", "{\"best_rank\":1,\"startup\":0,\"shrink\":0.5}",
			seed,
			"{\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\"},{\"_name\":"
			"\"b\","
			"\"w\":{\"_type\":\"uniform\",\"_value\":[0,1]}}]}}",
			NULL);
		for (int i = 0; i < 20; i++) {
			char text[64];

			(void)snprintf(text, sizeof(text), "{\"op\":{\"_name\":\"b\",\"w\":%.6f}}",
				0.7 + 0.01 * i);
			fake_seed(&fake, text, i);
		}
		fake_seed(&fake, "{\"op\":{\"_name\":\"a\"}}", -1);
		assert_int_equal(fake_ask(&fake.view, x), 0);
		/* a is taken: the finite branch is used up, so b must be. */
		assert_true(x[0] == 1);
		taken += fabs(x[1] - 0.7) <= 0.5 / (1 + 0.5 * 20);
		fake_release(&fake);
	}
	/* Most proposals were redraws of "a", "a", ..., then b around 0.7. */
	assert_true(taken >= 270);
}

/* Pending trials push the next ones away from where they are. */
static void test_pending(void **state)
{
	(void)state;
	double apart[2] = { 0, 0 };

	for (int pending = 0; pending < 2; pending++)
		for (uint64_t seed = 0; seed < 200; seed++) {
			double x[2];
			struct fake fake;

			fake_init_tuner(&fake, "anneal",
				"{\"best_rank\":1,\"startup\":0,\"shrink\":0.25}", seed, plane,
				NULL);
			fill(&fake, 20);
			if (pending)
				fake_place_json(&fake, "{\"x\":0.29,\"c\":2}");
			else
				fake_seed(&fake, "{\"x\":0.29,\"c\":2}", 1e9);
			assert_int_equal(fake_ask(&fake.view, x), 0);
			apart[pending] += fabs(x[0] - 0.29) / 200;
			fake_release(&fake);
		}
	assert_true(apart[1] > 1.2 * apart[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_edge),
		cmocka_unit_test(test_startup),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_nested_base),
		cmocka_unit_test(test_pending),
	};
	return cmocka_run_group_tests_name("anneal", tests, NULL, NULL);
}
