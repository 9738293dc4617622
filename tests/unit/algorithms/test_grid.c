#include "algorithms/tuners/grid_axis.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The next proposal's value of a parameter; the trial is answered at once. */
static double next_value(struct fake *fake, const char *address)
{
	int64_t number;

	assert_int_equal(fake_suggest(fake, &number), 0);
	fake_observe(fake, number, 0);
	return fake_value(fake, number, address);
}

/* H1: the LeNet space, 243 points, the last parameter fastest. */
static void test_lenet(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "GridSearch", NULL, 1,
		"{\"filter_size\":{\"_type\":\"choice\",\"_value\":[8,16,32]},"
		"\"kernel_size\":{\"_type\":\"choice\",\"_value\":[2,3,5]},"
		"\"l1_size\":{\"_type\":\"choice\",\"_value\":[32,64,128]},"
		"\"batch_size\":{\"_type\":\"choice\",\"_value\":[256,512,1024]},"
		"\"learning_rate\":{\"_type\":\"choice\",\"_value\":[0.01,0.001,0.0001]}}",
		NULL);
	assert_int_equal(fake_drain(&fake, 4, 243, NULL), 243);
	for (int64_t i = 0; i < 243; i++) {
		const double *x = view_trial(&fake.view, i)->x;
		int64_t number = 0;

		for (size_t j = 0; j < 5; j++)
			number = 3 * number + (int64_t)x[j];
		assert_int_equal(number, i);
	}
	fake_release(&fake);
}

/* H2: nested; NNI's grid cannot walk it. */
static void test_lenet_upgrade(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"activation\":{\"_type\":\"choice\",\"_value\":[\"sigmoid\",\"relu\"]},"
		"\"use_dropout\":{\"_type\":\"choice\",\"_value\":[{\"_name\":0},{\"_name\":1,"
		"\"rate\":{\"_type\":\"choice\",\"_value\":[0.3,0.5,0.7]}}]},"
		"\"filter\":{\"_type\":\"choice\",\"_value\":[16,32]},"
		"\"kernel\":{\"_type\":\"choice\",\"_value\":[5,7]},"
		"\"l1\":{\"_type\":\"choice\",\"_value\":[64,128,256]},"
		"\"batch\":{\"_type\":\"choice\",\"_value\":[512,1024]},"
		"\"lr\":{\"_type\":\"choice\",\"_value\":[0.001,0.0001]}}",
		NULL);
	assert_int_equal(fake_drain(&fake, 0, 384, NULL), 384);
	assert_int_equal(fake_check_replay(&fake), CODE_EXHAUSTED);
	/* Sigmoid without dropout, sigmoid with each rate, then relu: 48 flat points each. */
	for (int64_t i = 0; i < 384; i++) {
		double rate = fake_value(&fake, i, "use_dropout.rate");
		int64_t block = i / 48;

		assert_true(fake_value(&fake, i, "activation") == (double)(block / 4));
		if (block % 4 == 0)
			assert_true(isnan(rate));
		else
			assert_true(rate == (double)(block % 4 - 1));
	}
	fake_release(&fake);
}

/* The median, the quarters, the eighths; endless. */
static void test_bisection(void **state)
{
	(void)state;
	const double uniform[] = { 2, 1, 3, 0.5, 1.5, 2.5, 3.5 };
	const double quantiles[] = { 0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875 };
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,4]}}", NULL);
	for (size_t i = 0; i < 7; i++)
		assert_true(next_value(&fake, "x") == uniform[i]);
	for (size_t i = 7; i < 500; i++)
		(void)next_value(&fake, "x");
	assert_true(next_value(&fake, "x") > 0);
	fake_release(&fake);

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"loguniform\",\"_value\":[0.0001,1]}}", NULL);
	for (size_t i = 0; i < 7; i++)
		assert_true(fabs(log10(next_value(&fake, "x")) - 4 * (quantiles[i] - 1)) < 1e-12);
	fake_release(&fake);

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"normal\",\"_value\":[10,3]}}", NULL);
	for (size_t i = 0; i < 7; i++) {
		double x = next_value(&fake, "x");
		assert_true(fabs(0.5 * erfc((10 - x) / 3 / sqrt(2)) - quantiles[i]) < 1e-12);
	}
	fake_release(&fake);
}

/* Epochs of two axes and a choice: 2, then what the quarters add to it. */
static void test_epochs(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"c\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\"]},"
		"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
		NULL);
	for (int64_t i = 0; i < 2 * (1 + 8 + 40); i++) {
		(void)next_value(&fake, "x");
		double x = fake_value(&fake, i, "x"), y = fake_value(&fake, i, "y");
		/* Epoch e has the multiples of 2^-e: 2 (2^e - 1)^2 points with those before. */
		int epoch = i < 2 ? 1 : i < 18 ? 2 : 3;
		assert_true(fmod(ldexp(x, epoch), 1) == 0 && fmod(ldexp(y, epoch), 1) == 0);
		assert_true(fmod(ldexp(x, epoch), 2) == 1 || fmod(ldexp(y, epoch), 2) == 1);
		for (int64_t j = 0; j < i; j++)
			assert_false(key_equal(&fake.view.trials[j].key, &fake.view.trials[i].key));
	}
	/* Last active axis fastest, old levels before new ones: x stays, y moves. */
	const double epoch2[8][2] = { { 0.5, 0.25 }, { 0.5, 0.75 }, { 0.5, 0.25 }, { 0.5, 0.75 },
		{ 0.25, 0.5 }, { 0.25, 0.25 }, { 0.25, 0.75 }, { 0.25, 0.5 } };
	for (int64_t i = 0; i < 8; i++) {
		assert_true(fake_value(&fake, 2 + i, "x") == epoch2[i][0]);
		assert_true(fake_value(&fake, 2 + i, "y") == epoch2[i][1]);
	}
	fake_release(&fake);
}

/* Quantised values: each once, however uneven their shares; the walk ends. */
static void test_quantised(void **state)
{
	(void)state;
	static const struct {
		const char *space;
		size_t n;
	} cases[] = {
		{ "{\"x\":{\"_type\":\"quniform\",\"_value\":[1,11,2.5]}}", 6 },
		{ "{\"x\":{\"_type\":\"quniform\",\"_value\":[0,100,1]}}", 101 },
		{ "{\"x\":{\"_type\":\"randint\",\"_value\":[-500,500]}}", 1000 },
		{ "{\"x\":{\"_type\":\"qloguniform\",\"_value\":[1,300,1]}}", 300 },
		{ "{\"x\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":700,\"log\":true}}}",
			700 },
		{ "{\"x\":{\"_type\":\"randint\",\"_value\":[0,64]}}", 64 },
		{ "{\"x\":{\"_type\":\"randint\",\"_value\":[0,65]}}", 65 },
		{ "{\"x\":{\"_type\":\"randint\",\"_value\":[0,80]},"
		  "\"y\":{\"_type\":\"quniform\",\"_value\":[0,7,0.1]},"
		  "\"z\":{\"_type\":\"bool\"}}",
			80 * 71 * 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = 0;
		struct fake fake;

		fake_init_tuner(&fake, "gridsearch", NULL, 1, cases[i].space, NULL);
		assert_int_equal(fake.view.spec->space->count, cases[i].n);
		while (fake_suggest(&fake, NULL) == 0) {
			fake_observe(&fake, (int64_t)n, 0);
			n++;
		}
		assert_int_equal(n, cases[i].n);
		assert_int_equal(fake.view.seen.n, n);
		fake_release(&fake);
	}
}

/* Coarse values first: after 15 of 1000 the largest gap is a sixteenth of the range. */
static void test_coarse_first(void **state)
{
	(void)state;
	bool near[16] = { false };
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"randint\",\"_value\":[0,1000]}}", NULL);
	assert_true(fabs(next_value(&fake, "x") - 500) <= 1);
	near[8] = true;
	for (int i = 1; i < 15; i++)
		near[(int)lround(next_value(&fake, "x") / 62.5)] = true;
	for (int i = 1; i < 16; i++)
		assert_true(near[i]);
	fake_release(&fake);
}

/* A countless grid ends where its values' mass does: the integers within 6 sigma. */
static void test_quantised_normal(void **state)
{
	(void)state;
	size_t n = 0;
	double low = 0, high = 0;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"qnormal\",\"_value\":[0,1,1]}}", NULL);
	while (n < 100 && fake_suggest(&fake, NULL) == 0) {
		double x = fake_value(&fake, (int64_t)n++, "x");
		low = fmin(low, x);
		high = fmax(high, x);
	}
	assert_int_equal(n, 13);
	assert_true(low == -6 && high == 6);
	fake_release(&fake);
}

/* A branch without fine axes is walked in epoch 1 only, one with goes on. */
static void test_nested_continuous(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"none\"},{\"_name\":\"a\","
		"\"w\":{\"_type\":\"uniform\",\"_value\":[0,1]}},{\"_name\":\"b\","
		"\"v\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"k\":{\"_type\":\"choice\",\"_value\":[1,2]}}]}}",
		NULL);
	const double op[] = { 0, 1, 2, 2, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2 };
	for (size_t i = 0; i < sizeof(op) / sizeof(op[0]); i++)
		assert_true(next_value(&fake, "op") == op[i]);
	assert_int_equal(fake_check_replay(&fake), 0);
	for (int i = 0; i < 300; i++)
		assert_true(next_value(&fake, "op") > 0);
	fake_release(&fake);
}

/* Constraints on a continuous grid: only feasible points, none twice, none forgotten. */
static void test_constraints(void **state)
{
	(void)state;
	size_t n = 0;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
		",\"parameter_constraints\":[\"x < y\"]");
	/* Of the multiples of 1/8: 7 * 6 / 2 pairs. */
	for (; n < 21; n++)
		(void)next_value(&fake, "y");
	for (size_t i = 0; i < n; i++) {
		double x = fake_value(&fake, (int64_t)i, "x"),
		       y = fake_value(&fake, (int64_t)i, "y");
		assert_true(x < y && fmod(8 * x, 1) == 0 && fmod(8 * y, 1) == 0);
	}
	double y = next_value(&fake, "y");
	assert_true(fmod(16 * fake_value(&fake, 21, "x"), 2) == 1 || fmod(16 * y, 2) == 1);
	fake_release(&fake);
}

/* Fine axes and a corner that takes long to walk to. */
static void test_tight_constraint(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}}",
		",\"parameter_constraints\":[\"x + y <= 0.02\"]");
	for (int i = 0; i < 3; i++)
		assert_true(next_value(&fake, "x") <= 0.02);
	fake_release(&fake);
}

/* Customised trials in between do not move the walk; what they tried is passed over. */
static void test_foreign_trials(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"x\":{\"_type\":\"randint\",\"_value\":[0,6]}}", NULL);
	assert_true(next_value(&fake, "x") == 0);
	fake_enqueue(&fake, "{\"x\":4}");
	fake_seed(&fake, "{\"x\":2}", 1);
	assert_true(next_value(&fake, "x") == 1);
	assert_true(next_value(&fake, "x") == 3);
	assert_true(next_value(&fake, "x") == 5);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_EXHAUSTED);
	/* The space grows: the walk starts again and finds what is new. */
	fake_edit(&fake, "{\"search_space\":{\"x\":{\"_type\":\"randint\",\"_value\":[-2,8]}}}");
	assert_true(next_value(&fake, "x") == -2);
	assert_int_equal(fake_check_replay(&fake), 0);
	assert_true(next_value(&fake, "x") == -1);
	assert_true(next_value(&fake, "x") == 6);
	assert_true(next_value(&fake, "x") == 7);
	assert_int_equal(fake_suggest(&fake, NULL), CODE_EXHAUSTED);
	fake_release(&fake);
}

/* Every place is found again from its value. */
static void test_locate(void **state)
{
	(void)state;
	struct fake fake;

	fake_init_tuner(&fake, "gridsearch", NULL, 1,
		"{\"u\":{\"_type\":\"uniform\",\"_value\":[-1.5,7]},"
		"\"lu\":{\"_type\":\"loguniform\",\"_value\":[1e-6,10]},"
		"\"n\":{\"_type\":\"normal\",\"_value\":[100,0.1]},"
		"\"ln\":{\"_type\":\"lognormal\",\"_value\":[0,1]},"
		"\"qu\":{\"_type\":\"quniform\",\"_value\":[0,900,0.5]},"
		"\"qlu\":{\"_type\":\"qloguniform\",\"_value\":[1,5000,1]},"
		"\"qn\":{\"_type\":\"qnormal\",\"_value\":[0,50,1]},"
		"\"i\":{\"_type\":\"randint\",\"_value\":[0,100]},"
		"\"o\":{\"_type\":\"ordinal\",\"_value\":[1,2,3]}}",
		NULL);
	const struct space *space = fake.view.spec->space;
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];
		struct grid_place place, found;
		double before = 0;
		unsigned level = 0;
		int steps = 0;

		assert_true(grid_axis_first(parameter, 1, 11, &place));
		do {
			double value = grid_axis_value(parameter, &place);

			grid_axis_locate(parameter, value, &found);
			assert_int_equal(found.level, place.level);
			assert_true(found.at == place.at);
			/* Within a level values ascend. */
			assert_true(place.level == level ? steps == 0 || value > before
							 : place.level > level);
			level = place.level;
			before = value;
			steps++;
		} while (grid_axis_next(parameter, 11, &place));
		assert_true(steps == 3 || steps >= 100);
	}
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lenet),
		cmocka_unit_test(test_lenet_upgrade),
		cmocka_unit_test(test_bisection),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_quantised),
		cmocka_unit_test(test_coarse_first),
		cmocka_unit_test(test_quantised_normal),
		cmocka_unit_test(test_nested_continuous),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_tight_constraint),
		cmocka_unit_test(test_foreign_trials),
		cmocka_unit_test(test_locate),
	};
	return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
