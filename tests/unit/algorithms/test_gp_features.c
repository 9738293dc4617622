/* Points as features and back. */
#include "algorithms/tuners/gp_features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "core/space.h"

#include <cmocka.h>

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static const char text[] =
	"{\"op\":{\"_type\":\"choice\",\"_value\":["
	"  {\"_name\":\"a\",\"k\":{\"_type\":\"uniform\",\"_value\":[2,4]}},"
	"  {\"_name\":\"b\",\"act\":{\"_type\":\"choice\",\"_value\":[\"x\",\"y\",\"z\"]}}]},"
	" \"one\":{\"_type\":\"choice\",\"_value\":[\"only\"]},"
	" \"lr\":{\"_type\":\"loguniform\",\"_value\":[1e-4,1]},"
	" \"q\":{\"_type\":\"quniform\",\"_value\":[0,1,0.05]},"
	" \"w\":{\"_type\":\"ordinal\",\"_value\":[\"s\",\"m\",\"l\"]},"
	" \"z\":{\"_type\":\"normal\",\"_value\":[1,2]},"
	" \"fixed\":{\"_type\":\"fixed\",\"_value\":3}}";

struct fixture {
	struct arena arena;
	const struct space *space;
	struct gp_features features;
};

static void fixture_init(struct fixture *fixture, const char *json)
{
	static struct faults faults;
	struct error err = { 0 };

	arena_init(&fixture->arena, 0);
	faults_init(&faults);
	assert_int_equal(
		space_parse(json, NULL, NULL, &fixture->arena, &fixture->space, &faults, &err), 0);
	assert_int_equal(gp_features_init(&fixture->features, fixture->space, &fixture->arena), 0);
}

/* op, k, act, lr, q, w, z: neither what has one value. */
static void test_which(void **state)
{
	static const bool category[] = { true, false, true, false, false, false, false };
	static const bool smooth[] = { false, true, false, true, true, false, true };
	static const uint64_t values[] = { 2, 0, 3, 0, 21, 3, 0 };
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, text);
	assert_int_equal(fixture.features.d, 7);
	assert_int_equal(gp_features_count(fixture.space), 7);
	assert_true(fixture.features.conditional);
	assert_false(fixture.features.discrete);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(fixture.features.category[i], category[i]);
		assert_int_equal(gp_feature_smooth(&fixture.features, i), smooth[i]);
		assert_int_equal(gp_feature_values(&fixture.features, i), values[i]);
	}
	arena_release(&fixture.arena);

	fixture_init(&fixture, "{\"a\":{\"_type\":\"bool\"},"
			       "\"b\":{\"_type\":\"randint\",\"_value\":[0,100]}}");
	assert_true(fixture.features.discrete);
	assert_false(fixture.features.conditional);
	arena_release(&fixture.arena);
}

static void test_round_trip(void **state)
{
	double x[9], back[9], z[7], again[7];
	struct fixture fixture;
	struct rng rng;

	(void)state;
	fixture_init(&fixture, text);
	assert_int_equal(fixture.space->n, 9);
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int t = 0; t < 500; t++) {
		space_sample(fixture.space, &rng, x);
		gp_features_encode(&fixture.features, x, z);
		for (size_t i = 0; i < 7; i++)
			assert_true(z[i] >= 0 && z[i] <= (fixture.features.category[i] ? 2 : 1));
		gp_features_decode(&fixture.features, z, back);
		assert_true(space_contains(fixture.space, back));
		for (size_t j = 0; j < 9; j++) {
			assert_int_equal(isnan(back[j]), isnan(x[j]));
			if (!isnan(x[j]))
				assert_near(back[j], x[j], 1e-9 * (1 + fabs(x[j])));
		}
		gp_features_encode(&fixture.features, back, again);
		for (size_t i = 0; i < 7; i++)
			assert_near(again[i], z[i], 1e-9);
	}
	arena_release(&fixture.arena);
}

/* What the other branch would have had does not tell two points of one branch apart. */
static void test_inactive(void **state)
{
	const double a[9] = { 0, 2.5, (double)NAN, 0, 0.01, 0.5, 1, 1, 0 };
	double z[7], x[9];
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture, text);
	gp_features_encode(&fixture.features, a, z);
	assert_near(z[1], 0.25, 1e-12);
	assert_near(z[2], 0, 0);
	z[2] = 2; /* not active: ignored */
	gp_features_decode(&fixture.features, z, x);
	assert_true(isnan(x[2]));
	z[0] = 1; /* the other branch */
	gp_features_decode(&fixture.features, z, x);
	assert_true(isnan(x[1]));
	assert_near(x[2], 2, 0);
	gp_features_encode(&fixture.features, x, z);
	assert_near(z[1], 0.5, 0);
	arena_release(&fixture.arena);
}

/* Any numbers decode to a point; equal shares for categories. */
static void test_any_numbers(void **state)
{
	struct fixture fixture;
	struct rng rng;
	double z[7], x[9];
	int counts[3] = { 0 };

	(void)state;
	fixture_init(&fixture, text);
	rng_init(&rng, 2, RNG_TEST, 0);
	for (int t = 0; t < 500; t++) {
		for (size_t i = 0; i < 7; i++)
			z[i] = 3 * rng_uniform(&rng) - 1;
		gp_features_decode(&fixture.features, z, x);
		assert_true(space_contains(fixture.space, x));
	}
	for (int t = 0; t < 300; t++)
		counts[(int)gp_feature_of_unit(&fixture.features, 2, (t + 0.5) / 300)]++;
	for (int k = 0; k < 3; k++)
		assert_int_equal(counts[k], 100);
	assert_near(gp_feature_of_unit(&fixture.features, 3, 0.3), 0.3, 0);
	arena_release(&fixture.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_inactive),
		cmocka_unit_test(test_any_numbers),
	};
	return cmocka_run_group_tests_name("gp_features", tests, NULL, NULL);
}
