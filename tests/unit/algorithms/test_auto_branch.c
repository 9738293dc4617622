/* A branch as an experiment of its own, and which of them has the next turn. */
#include "tests/unit/algorithms/support.h" /* before cmocka.h, whose macro fail() is not ours */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/tuners/auto_branch.h"
#include "algorithms/tuners/gp_features.h"
#include "algorithms/tuners/gp_model.h"

#include <cmocka.h>

#define REAL	 "{\"_type\":\"uniform\",\"_value\":[0,1]}"
#define CATEGORY "{\"_type\":\"choice\",\"_value\":[\"p\",\"q\",\"r\"]}"

/* n, m, u, v, deep, in, w, flag: u and v below "one"; deep below "two", in below deep's "yes". */
static const char nested[] =
	"{\"n\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":64}},"
	"\"m\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"one\",\"u\":" REAL ",\"v\":" CATEGORY "},"
	"{\"_name\":\"two\",\"deep\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"yes\",\"in\":" REAL "},{\"_name\":\"no\"}]},\"w\":" REAL "},"
	"{\"_name\":\"none\"}]}}";

static void open_fake(struct fake *fake, const char *space, const char *more)
{
	fake_init_tuner(fake, "random", NULL, 3, space, more);
}

static void add(struct fake *fake, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(fake, &number), 0);
		if (i % 5 == 0)
			fake_fail(fake, number);
		else if (i % 5 < 4)
			fake_observe(fake, number, (double)i);
	}
}

static int chosen(const char *space, const char *more)
{
	struct fake fake;

	open_fake(&fake, space, more);
	int parameter = branch_parameter(&fake.view);
	const char *name =
		parameter < 0 ? "" : fake.view.spec->space->parameters[parameter].address;
	int found = parameter < 0 ? -1 : name[0];
	fake_release(&fake);
	return found;
}

static void test_parameter(void **state)
{
	(void)state;
	assert_int_equal(chosen(nested, NULL), 'm');
	assert_int_equal(chosen("{\"x\":" REAL ",\"c\":" CATEGORY "}", NULL), -1);
	/* The one with more below it. */
	assert_int_equal(
		chosen("{\"a\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"x\",\"p\":" REAL
		       "},{\"_name\":\"y\"}]},"
		       "\"b\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"x\",\"q\":" REAL
		       ",\"r\":" REAL "},{\"_name\":\"y\"}]}}",
			NULL),
		'b');
	/* Nine branches are too many. */
	assert_int_equal(
		chosen("{\"a\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"1\",\"p\":" REAL
		       "},{\"_name\":\"2\"},{\"_name\":\"3\"},{\"_name\":\"4\"},{\"_name\":\"5\"},"
		       "{\"_name\":\"6\"},{\"_name\":\"7\"},{\"_name\":\"8\"},{\"_name\":\"9\"}]}}",
			NULL),
		-1);
	assert_int_equal(chosen(nested, ",\"parameter_constraints\":[\"n <= 60\"]"), -1);
}

/* Points go in and out; the history is the branch's; conditions inside it stay. */
static void check_branch(const struct fake *fake, uint32_t option, size_t parameters)
{
	const struct space *whole = fake->view.spec->space;
	struct branch branch;
	struct arena arena;
	double x[16];
	size_t inside = 0, pending = 0;

	arena_init(&arena, 0);
	assert_int_equal(branch_init(&branch, &fake->view, 1, option, &arena), 0);
	assert_int_equal(branch.space.n, parameters);
	assert_int_equal(branch.view.n_trials, fake->view.n_trials);
	for (size_t i = 0; i < fake->view.n_trials; i++) {
		const struct trial *trial = &branch.view.trials[i];
		const struct trial *original = &fake->view.trials[i];

		assert_int_equal(trial->number, i);
		if (original->x[1] != (double)option) {
			assert_null(trial->x);
			assert_false(trial_pending(trial));
			continue;
		}
		inside++;
		pending += trial_pending(trial);
		assert_int_equal(trial->state, original->state);
		assert_true(space_contains(&branch.space, trial->x));
		assert_true(key_set_has(&branch.view.seen, &trial->key));
		branch_embed(&branch, trial->x, x);
		for (size_t k = 0; k < whole->n; k++)
			assert_true(
				x[k] == original->x[k] || (isnan(x[k]) && isnan(original->x[k])));
	}
	assert_true(inside > 0);
	assert_int_equal(view_pending(&branch.view), pending);
	for (size_t i = 0; i < branch.view.n_finished; i++)
		assert_non_null(branch.view.trials[branch.view.finished[i]].x);
	/* What is drawn there is a point of the whole. */
	struct rng rng;
	rng_init(&rng, 1, RNG_TEST, 9);
	for (int i = 0; i < 50; i++) {
		double drawn[16];
		space_sample(&branch.space, &rng, drawn);
		branch_embed(&branch, drawn, x);
		assert_true(space_contains(whole, x));
	}
	branch_release(&branch);
	arena_release(&arena);
}

static void test_view(void **state)
{
	struct fake fake;

	(void)state;
	open_fake(&fake, nested, NULL);
	add(&fake, 60);
	check_branch(&fake, 0, 3); /* n, u, v */
	check_branch(&fake, 1, 4); /* n, deep, in, w */
	check_branch(&fake, 2, 1); /* n */
	fake_release(&fake);
}

static void test_exhausted(void **state)
{
	struct branch branch;
	struct arena arena;
	struct fake fake;

	(void)state;
	open_fake(&fake,
		"{\"m\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\",\"c\":" CATEGORY
		"},{\"_name\":\"b\"}]}}",
		NULL);
	for (int i = 0; i < 4; i++) {
		arena_init(&arena, 0);
		for (uint32_t k = 0; k < 2; k++) {
			size_t seen = 0, all = k == 0 ? 3 : 1;
			for (size_t t = 0; t < fake.view.n_trials; t++)
				seen += fake.view.trials[t].x[0] == k;
			assert_int_equal(branch_init(&branch, &fake.view, 0, k, &arena), 0);
			assert_int_equal(branch.space.count, all);
			assert_true(branch.space.finite);
			assert_int_equal(branch_exhausted(&branch), seen == all);
			branch_release(&branch);
		}
		arena_release(&arena);
		assert_int_equal(fake_suggest(&fake, NULL), 0);
	}
	fake_release(&fake);
}

/* The option of the next turn, 200 times; losses fall with the turns of a branch as told. */
static void play(double (*loss)(size_t option, size_t turn), size_t *turns)
{
	static const char two[] = "{\"m\":{\"_type\":\"choice\",\"_value\":["
				  "{\"_name\":\"one\",\"u\":" REAL "},"
				  "{\"_name\":\"two\",\"v\":" REAL "}]}}";
	struct fake fake;

	open_fake(&fake, two, NULL);
	turns[0] = turns[1] = 0;
	for (int i = 0; i < 200; i++) {
		char json[128];
		uint32_t option = branch_choose(&fake.view, 0);

		(void)snprintf(json, sizeof(json), "{\"m\":{\"_name\":\"%s\",\"%s\":%.6f}}",
			option ? "two" : "one", option ? "v" : "u", i / 200.0);
		int64_t number = fake_place_json(&fake, json);
		double value = loss(option, turns[option]++);
		if (isnan(value))
			fake_fail(&fake, number);
		else
			fake_observe(&fake, number, value);
	}
	fake_release(&fake);
}

static double equal(size_t option, size_t turn)
{
	(void)option;
	return 1.0 / (double)(1 + turn);
}

static double stuck(size_t option, size_t turn)
{
	return option ? 1 : 1.0 / (double)(1 + turn);
}

/* Behind for long, but never at rest. */
static double late(size_t option, size_t turn)
{
	return option ? 2 - 0.05 * (double)turn : 1;
}

static double failing(size_t option, size_t turn)
{
	return option ? (double)NAN : 1.0 / (double)(1 + turn);
}

static void test_turns(void **state)
{
	size_t turns[2];

	(void)state;
	play(equal, turns);
	assert_in_range(turns[0], 95, 105);
	play(stuck, turns);
	assert_in_range(turns[1], 38, 42); /* a quarter of the other's */
	play(late, turns);
	assert_true(turns[1] > turns[0]);
	play(failing, turns);
	assert_in_range(turns[1], 38, 42);
}

/* Parallel trials are spread before any has a result. */
static void test_pending(void **state)
{
	struct fake fake;
	size_t turns[3] = { 0 };

	(void)state;
	fake_init_tuner(&fake, "auto", NULL, 3, nested, NULL);
	for (int i = 0; i < 30; i++) {
		int64_t number;
		assert_int_equal(fake_suggest(&fake, &number), 0);
		turns[(size_t)view_trial(&fake.view, number)->x[1]]++;
	}
	for (size_t k = 0; k < 3; k++)
		assert_int_equal(turns[k], 10);
	fake_release(&fake);
}

/* The length scales of the branch are the whole's. */
static void test_model(void **state)
{
	double thetas[GP_MODEL_SETS * 10], read[GP_MODEL_SETS * 10];
	struct gp_features features;
	struct branch branch;
	struct buffer bytes;
	struct arena arena;
	struct fake fake;

	(void)state;
	arena_init(&arena, 0);
	open_fake(&fake, nested, NULL);
	assert_int_equal(branch_init(&branch, &fake.view, 1, 1, &arena), 0);
	assert_int_equal(gp_features_init(&features, fake.view.spec->space, &arena), 0);
	size_t d = features.d;
	for (size_t sets = 1; sets <= GP_MODEL_SETS; sets++) {
		struct model whole = { .version = 7 }, part;

		for (size_t s = 0; s < sets; s++) {
			gp_prior_mode(d, false, thetas + s * (d + 2));
			for (size_t i = 0; i < d; i++)
				thetas[s * (d + 2) + i] += 0.01 * (double)(i + 10 * s);
		}
		buffer_init(&bytes, 4096);
		gp_model_write(thetas, sets, d, &bytes);
		whole.bytes = (struct bytes){ bytes.data, bytes.size };
		assert_true(branch_model(&branch, &whole, &part, &arena));
		assert_int_equal(part.version, 7);
		assert_true(gp_model_read(&part.bytes, sets, 4, read));
		for (size_t s = 0; s < sets; s++) {
			for (size_t i = 0; i < 4; i++) {
				size_t k = 0;
				while (features.parameter[k] != branch.origin[i])
					k++;
				assert_true(read[s * 6 + i] == thetas[s * (d + 2) + k]);
			}
			assert_true(read[s * 6 + 4] == thetas[s * (d + 2) + d]);
			assert_true(read[s * 6 + 5] == thetas[s * (d + 2) + d + 1]);
		}
		whole.bytes.size--; /* damaged */
		assert_false(branch_model(&branch, &whole, &part, &arena));
		buffer_release(&bytes);
	}
	assert_false(branch_model(&branch, &(struct model){ 0 }, &(struct model){ 0 }, &arena));
	branch_release(&branch);
	fake_release(&fake);
	arena_release(&arena);
}

static void test_memory(void **state)
{
	struct branch branch;
	struct arena arena;
	struct fake fake;

	(void)state;
	open_fake(&fake, nested, NULL);
	add(&fake, 20);
	for (size_t limit = 64; limit < 4096; limit *= 2) {
		arena_init(&arena, limit);
		int code = branch_init(&branch, &fake.view, 1, 1, &arena);
		assert_true(code == CODE_NO_MEMORY || code == 0);
		if (code == 0)
			branch_release(&branch);
		else
			assert_null(branch.view.seen.slots);
		arena_release(&arena);
	}
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameter),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests_name("auto_branch", tests, NULL, NULL);
}
