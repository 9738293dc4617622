/* The Gaussian-process tuner in the engine: whatever the models' timing was, a replay gives the
 * same points to the last bit, with factors built at once instead of extended, on another replica.
 */
#include "tests/unit/engine/models.h"

#define TRIALS 26

#define GP_SPEC                                                                                    \
	"{\"name\":\"gp\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[-5,5]},"      \
	"\"op\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\"]}},"                                 \
	"\"objectives\":[{\"name\":\"default\",\"goal\":\"minimize\"}],"                           \
	"\"tuner\":{\"name\":\"gp\",\"seed\":11}}"

static double loss_of(const struct trial *trial)
{
	double x = 0;
	char op = 'a';
	assert_int_equal(sscanf(trial->parameters, "{\"x\":%lf,\"op\":\"%c\"", &x, &op), 2);
	return (x - 1) * (x - 1) + (op == 'b' ? 2 : 0);
}

static void test_replays(void **state)
{
	struct fixture *f = *state;
	struct engine *a, *b;
	unsigned paths[PATH_FALLBACK + 1] = { 0 };

	reopen(f, 2, 0);
	a = f->engine;
	b = open_engine(f, 1, 0);
	create(f, GP_SPEC);
	for (int i = 0; i < TRIALS; i += 2) {
		struct waiting w;
		f->engine = i % 8 < 6 ? a : b;
		suggest(f, &w, 2, 0); /* the second knows the first as pending */
		assert_int_equal(w.op.code, 0);
		assert_int_equal(w.n, 2);
		for (size_t k = 0; k < 2; k++) {
			paths[how(&w.trials[k]).path]++;
			finish(f, w.trials[k].number, loss_of(&w.trials[k]));
		}
		if (i % 6 == 0) /* some models come in time, others when they will */
			settle_fits(f->engine, f->id);
	}
	settle_fits(a, f->id);
	settle_fits(b, f->id);
	assert_true(stats_of(a).fits > 0);
	assert_int_equal(stats_of(a).fit_failures + stats_of(b).fit_failures, 0);
	assert_string_equal(heard, "");
	assert_true(paths[PATH_MODEL] + paths[PATH_READY] > 0);
	assert_int_equal(paths[PATH_PLAIN], 0);
	assert_replays(f, TRIALS);
	f->engine = a;
	engine_drain(b);
	engine_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replays, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
