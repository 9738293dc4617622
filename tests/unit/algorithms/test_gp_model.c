/* What the Gaussian-process tuner learns, when, and how it is kept. */
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "algorithms/tuners/gp_model.h"

#include <cmocka.h>

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

#define D    3
#define SIZE (6 + 8 * 2 * (D + 2))

static const char space[] = "{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			    "\"b\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
			    "\"c\":{\"_type\":\"choice\",\"_value\":[1,2,3]}}";

static const double thetas[2 * (D + 2)] = { 1, -2, 0.5, 0.25, -4, 0, 3, -1, -0.5, -13.8155105579 };

static void test_bytes(void **state)
{
	double back[2 * (D + 2)];
	struct buffer packed;

	(void)state;
	buffer_init(&packed, LIMIT_MODEL);
	gp_model_write(thetas, 2, D, &packed);
	struct bytes bytes = { packed.data, packed.size };
	assert_int_equal(packed.size, SIZE);
	assert_true(gp_model_read(&bytes, 2, D, back));
	assert_memory_equal(back, thetas, sizeof(thetas));
	buffer_release(&packed);
}

static void refuse(const char *data, size_t size, size_t n_sets, size_t d)
{
	double back[64] = { 0 }, zero[64] = { 0 };
	struct bytes bytes = { data, size };

	assert_false(gp_model_read(&bytes, n_sets, d, back));
	assert_memory_equal(back, zero, sizeof(zero));
}

static void test_damage(void **state)
{
	static const double bad[] = { (double)NAN, (double)INFINITY, 1e9, -1e9 };
	char data[SIZE];
	struct buffer packed;

	(void)state;
	buffer_init(&packed, LIMIT_MODEL);
	gp_model_write(thetas, 2, D, &packed);
	for (size_t size = 0; size < SIZE; size++)
		refuse(packed.data, size, 2, D);
	refuse(packed.data, SIZE, 1, D);
	refuse(packed.data, SIZE, 2, D + 1);
	for (size_t at = 0; at < 6; at++) {
		memcpy(data, packed.data, SIZE);
		data[at] ^= 0x10;
		refuse(data, SIZE, 2, D);
	}
	for (size_t i = 0; i < 2 * (D + 2); i++)
		for (size_t b = 0; b < 4; b++) {
			memcpy(data, packed.data, SIZE);
			memcpy(data + 6 + 8 * i, &bad[b], 8);
			refuse(data, SIZE, 2, D);
		}
	buffer_release(&packed);
}

static double loss_at(const double *x)
{
	return (x[0] - 0.3) * (x[0] - 0.3) + 0.1 * x[2];
}

/* Results of points from the startup design. */
static void grow(struct fake *fake, size_t n)
{
	while (fake->view.n_finished < n) {
		double x[D];
		struct buffer text;
		struct rng rng;

		rng_init(&rng, 5, RNG_TEST, fake->view.n_trials);
		space_sample(fake->view.spec->space, &rng, x);
		buffer_init(&text, LIMIT_BODY_BYTES);
		space_write(fake->view.spec->space, x, &text);
		fake_observe(fake, fake_place_json(fake, buffer_text(&text)), loss_at(x));
		buffer_release(&text);
	}
}

static void test_due(void **state)
{
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", "{\"n_startup\":5}", 1, space, NULL);
	grow(&fake, 4);
	assert_false(gp_learner.due(&fake.view, 0));
	grow(&fake, 5);
	assert_true(gp_learner.due(&fake.view, 0));
	assert_false(gp_learner.due(&fake.view, 5));
	grow(&fake, 6);
	assert_true(gp_learner.due(&fake.view, 5));
	grow(&fake, 62);
	assert_false(gp_learner.due(&fake.view, 60));
	assert_true(gp_learner.due(&fake.view, 59));
	grow(&fake, 200);
	assert_false(gp_learner.due(&fake.view, 191));
	assert_true(gp_learner.due(&fake.view, 190));
	fake_release(&fake);
}

/* A fit is a function of the results: twice the same bytes, and the length scales tell what
 * matters. */
static void test_fit(void **state)
{
	struct model models[2] = { { 0 } };
	struct buffer storage[2];
	struct error err = { 0 };
	double theta[D + 2];
	struct fake fake;

	(void)state;
	fake_init_tuner(&fake, "gp", NULL, 1, space, NULL);
	grow(&fake, 40);
	for (int k = 0; k < 2; k++) {
		buffer_init(&storage[k], LIMIT_MODEL);
		assert_int_equal(
			tuner_learn(&fake.view, fake_compute(), &models[k], &storage[k], &err), 0);
	}
	assert_int_equal(models[0].n_results, 40);
	assert_int_equal(models[0].bytes.size, models[1].bytes.size);
	assert_memory_equal(models[0].bytes.data, models[1].bytes.data, models[0].bytes.size);
	assert_true(gp_model_read(&models[0].bytes, 1, D, theta));
	assert_true(theta[0] > theta[1] + 1);  /* b does not matter: its scale is longer */
	assert_true(exp(theta[D + 1]) < 1e-3); /* and there is no noise */
	for (int k = 0; k < 2; k++)
		buffer_release(&storage[k]);
	fake_release(&fake);
}

/* All failed, or all the same: hyperparameters all the same. */
static void test_nothing_to_learn(void **state)
{
	struct fake fake;

	(void)state;
	for (int same = 0; same < 2; same++) {
		fake_init_tuner(&fake, "gp", NULL, 1, space, NULL);
		for (int i = 0; i < 12; i++) {
			int64_t number;
			assert_int_equal(fake_suggest(&fake, &number), 0);
			if (same)
				fake_observe(&fake, number, 4);
			else
				fake_fail(&fake, number);
		}
		assert_true(fake.model.bytes.size > 0);
		fake_release(&fake);
	}
}

static void test_prior_mode(void **state)
{
	double theta[D + 2];
	struct bytes bytes;
	struct buffer packed;

	(void)state;
	for (int noiseless = 0; noiseless < 2; noiseless++) {
		gp_prior_mode(D, noiseless, theta);
		assert_near(-0.5 * theta[0], sqrt(2) + 0.5 * log(D) - 3, 1e-12);
		assert_near(exp(theta[D + 1]), noiseless ? 1e-6 : exp(-4), 1e-12);
		buffer_init(&packed, LIMIT_MODEL);
		gp_model_write(theta, 1, D, &packed); /* within the bounds of what is read */
		bytes = (struct bytes){ packed.data, packed.size };
		assert_true(gp_model_read(&bytes, 1, D, theta));
		buffer_release(&packed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_nothing_to_learn),
		cmocka_unit_test(test_prior_mode),
	};
	return cmocka_run_group_tests_name("gp_model", tests, NULL, NULL);
}
