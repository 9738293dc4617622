/* Models: when they are fitted, by whom, and what becomes of them. */
#include "tests/unit/engine/slow.h"

/* A fit has begun, and ends when the gate opens. */
static void hold_fit(struct fixture *f)
{
	slow_gate(false);
	run_trials(f, SLOW_EVERY);
	slow_begun(1);
}

/* Another experiment is the fixture's from now on; first: the one that was. */
static void switch_experiment(struct fixture *f, char first[ID_SIZE])
{
	memcpy(first, f->id, ID_SIZE);
	create(f, SLOW_SPEC);
}

static void test_fits_at_boundaries(void **state)
{
	struct fixture *f = *state;

	run_trials(f, SLOW_EVERY - 1);
	settle_fits(f->engine, f->id);
	assert_int_equal(slow.begun, 0);
	run_trials(f, 1);
	settle_fits(f->engine, f->id);
	assert_int_equal(slow.begun, 1);
	struct trial trial = next_trial(f);
	struct asked asked = how(&trial);
	assert_int_equal(asked.path, PATH_MODEL);
	assert_int_equal(asked.model, 1 + 2 * SLOW_EVERY); /* created, then two events a trial */
	assert_non_null(strstr(trial.meta, ",\"model\":9,\"path\":\"model\"}"));
	finish(f, trial.number, 1);
	run_trials(f, SLOW_EVERY);
	settle_fits(f->engine, f->id);
	assert_int_equal(slow.begun, 2);
	struct engine_stats stats = stats_of(f->engine);
	assert_int_equal(stats.fits, 2);
	assert_int_equal(stats.fit_failures, 0);
	assert_int_equal(stats.models_shared, 0);
	assert_int_equal(slow.on_requester, 0);
	assert_replays(f, SLOW_EVERY * 2 + 1);
}

/* The gate is closed: were the fit on the thread that observes, this would never return. */
static void test_requests_do_not_wait(void **state)
{
	struct fixture *f = *state;

	hold_fit(f);
	run_trials(f, 3 * SLOW_EVERY);
	struct trial trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_PRIOR);
	assert_int_equal(how(&trial).model, 0);
	assert_non_null(strstr(trial.meta, "\"path\":\"prior\""));
	assert_int_equal(slow.begun, 1);
	slow_gate(true);
	settle_fits(f->engine, f->id);
	/* The boundaries that passed meanwhile: one fit at what is known now. */
	assert_int_equal(slow.begun, 2);
	trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_MODEL);
	assert_int_equal(how(&trial).model, trial.base_version);
	assert_replays(f, trial.number + 1);
}

static void test_failed_fits(void **state)
{
	struct fixture *f = *state;

	slow.broken = true;
	run_trials(f, SLOW_EVERY);
	settle_fits(f->engine, f->id);
	assert_int_equal(stats_of(f->engine).fit_failures, 1);
	assert_non_null(strstr(heard, f->id));
	assert_non_null(strstr(heard, "not positive definite"));
	run_trials(f, SLOW_EVERY - 1);
	settle_fits(f->engine, f->id);
	assert_int_equal(slow.begun, 1); /* not before the next boundary */
	slow.broken = false;
	slow.huge = true;
	run_trials(f, 1);
	settle_fits(f->engine, f->id);
	assert_int_equal(slow.begun, 2);
	assert_int_equal(stats_of(f->engine).fit_failures, 2);
	slow.huge = false;
	run_trials(f, SLOW_EVERY);
	settle_fits(f->engine, f->id);
	struct trial trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_MODEL);
	assert_int_equal(stats_of(f->engine).fit_failures, 2);
}

static void test_model_survives_restart(void **state)
{
	struct fixture *f = *state;

	run_trials(f, SLOW_EVERY + 1);
	settle_fits(f->engine, f->id);
	struct trial trial = next_trial(f);
	struct asked before = how(&trial);
	assert_int_equal(before.path, PATH_MODEL);
	reopen(f, 0, 0);
	struct trial after = next_trial(f);
	assert_int_equal(how(&after).path, PATH_MODEL);
	assert_int_equal(how(&after).model, before.model);
	settle_fits(f->engine, f->id);
	struct engine_stats stats = stats_of(f->engine);
	assert_int_equal(stats.fits, 0);
	assert_int_equal(stats.models_shared, 1);
	assert_replays(f, after.number + 1);
}

/* Two replicas reach the boundary: one fits, the other takes what it stored. */
static void test_single_flight(void **state)
{
	struct fixture *f = *state;
	struct engine *a = f->engine, *b = open_engine(f, 0, 0);

	run_trials(f, SLOW_EVERY - 1);
	f->engine = b;
	struct trial last = next_trial(f);
	f->engine = a;
	slow_gate(false);
	finish(f, last.number, 0.4); /* a is due */
	slow_begun(1);
	f->engine = b;
	last = next_trial(f); /* misses, catches up: b is due as well, and sees that a is at it */
	fit_over(b, f->id);
	assert_int_equal(stats_of(b).fits_held, 1);
	assert_int_equal(how(&last).path, PATH_PRIOR);
	finish(f, last.number, 0.5); /* too soon to look again */
	fit_over(b, f->id);
	assert_int_equal(stats_of(b).fits_held, 1);
	slow_gate(true);
	settle_fits(a, f->id);
	pthread_mutex_lock(&b->lock);
	mailbox_find(b, f->id)->look_ms = 0;
	pthread_mutex_unlock(&b->lock);
	last = next_trial(f);
	settle_fits(b, f->id);
	assert_int_equal(stats_of(b).models_shared, 1);
	assert_int_equal(stats_of(b).fits, 0);
	last = next_trial(f);
	assert_int_equal(how(&last).path, PATH_MODEL);
	assert_int_equal(slow.begun, 1);
	assert_replays(f, last.number + 1);
	f->engine = a;
	engine_drain(b);
	engine_close(b);
}

/* Both write in turn: each append of one makes the other's draft go back. */
static void test_lost_races(void **state)
{
	struct fixture *f = *state;
	struct engine *a = f->engine, *b = open_engine(f, 0, 0);
	struct trial trial = { 0 };

	for (int i = 0; i < 5 * SLOW_EVERY; i++) {
		f->engine = i % 3 == 1 ? b : a;
		trial = next_trial(f);
		f->engine = i % 2 ? b : a;
		finish(f, trial.number, 0.3 * i);
	}
	settle_fits(a, f->id);
	settle_fits(b, f->id);
	f->engine = a;
	assert_true(stats_of(a).misses + stats_of(b).misses > 0);
	assert_replays(f, trial.number + 1);
	engine_drain(b);
	engine_close(b);
}

static void test_edits(void **state)
{
	struct fixture *f = *state;

	run_trials(f, SLOW_EVERY);
	settle_fits(f->engine, f->id);
	patch(f, "{\"name\":\"other\",\"note\":\"a, \\\"b\\\" {\",\"labels\":{\"space\":\"x\"},"
		 "\"limits\":{\"max_trials\":1000}}");
	struct trial trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_MODEL); /* nothing a model depends on */
	slow_gate(false);
	finish(f, trial.number, 0.5);
	run_trials(f, SLOW_EVERY - 1);
	slow_begun(2);
	patch(f, "{\"tuner\":{\"name\":\"slow\",\"options\":{\"shift\":0.5}}}");
	trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_PRIOR);
	slow_gate(true); /* the fit of the old tuner ends */
	settle_fits(f->engine, f->id);
	trial = next_trial(f);
	/* Its model is of no use; one was fitted for the new one as soon as it had ended. */
	settle_fits(f->engine, f->id);
	trial = next_trial(f);
	assert_int_equal(slow.begun, 3);
	assert_int_equal(how(&trial).path, PATH_MODEL);
	assert_replays(f, trial.number + 1);
	patch(f, "{\"tuner\":{\"name\":\"random\"}}");
	trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_PLAIN);
	assert_null(strstr(trial.meta, "path"));
}

static void test_drain(void **state)
{
	struct fixture *f = *state;
	char first[ID_SIZE];
	struct model_row row;
	struct error err;

	reopen(f, 1, 0);
	hold_fit(f);
	switch_experiment(f, first);
	run_trials(f, SLOW_EVERY); /* queued behind it */
	engine_drain(f->engine);   /* does not wait for the gate */
	slow_gate(true);
	engine_close(f->engine);
	f->engine = open_engine(f, 0, 0);
	assert_int_equal(slow.begun, 1);
	assert_int_equal(slow.ended, 1);
	assert_int_equal(store_model_get(f->session, first, 0, &f->arena, &row, &err), 0);
	assert_int_equal(row.version, 1 + 2 * SLOW_EVERY);
	assert_string_equal(row.fingerprint, compute_fingerprint(engine_compute(f->engine)));
	assert_int_equal(
		store_model_get(f->session, f->id, 0, &f->arena, &row, &err), CODE_NOT_FOUND);
}

/* The view goes while its fit runs: the model is in the store when it comes back. */
static void test_eviction(void **state)
{
	struct fixture *f = *state;
	char first[ID_SIZE];

	reopen(f, 0, 1);
	hold_fit(f);
	switch_experiment(f, first);
	run_trials(f, 1);
	pthread_mutex_lock(&f->engine->lock);
	assert_null(mailbox_find(f->engine, first));
	pthread_mutex_unlock(&f->engine->lock);
	slow_gate(true);
	struct error err;
	struct model_row row;
	while (store_model_get(f->session, first, 0, &f->arena, &row, &err))
		sched_yield();
	memcpy(f->id, first, ID_SIZE);
	struct trial trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_MODEL);
	settle_fits(f->engine, f->id);
	assert_int_equal(slow.begun, 1);
}

static void test_experiment_deleted(void **state)
{
	struct fixture *f = *state;
	struct error err;

	hold_fit(f);
	assert_int_equal(
		engine_experiment_delete(f->engine, f->session, "default", f->id, &err), 0);
	slow_gate(true);
	reopen(f, 0, 0); /* waits for it */
	assert_string_equal(heard, "");
}

static void test_spec_digest(void **state)
{
	struct spec a = { .json = "{\"name\":\"a\",\"search_space\":{\"name\":[1,{\"b\":\"}\"}]},"
				  "\"tuner\":{},\"limits\":{\"x\":1}}" };
	struct spec b = { .json = "{\"name\":\"b,\\\"q\\\\\",\"search_space\":{\"name\":[1,{\"b\":"
				  "\"}\"}]},\"tuner\":{},\"assessor\":null,\"limits\":{}}" };
	struct spec c = { .json = "{\"name\":\"a\",\"search_space\":{\"name\":[1,{\"b\":\"]\"}]},"
				  "\"tuner\":{},\"limits\":{\"x\":1}}" };
	struct spec d = { .json = "{\"name\":\"a\",\"search_space\":{\"name\":[1,{\"b\":\"}\"}]},"
				  "\"tuner\":{\"seed\":1},\"limits\":{\"x\":1}}" };
	(void)state;
	assert_true(spec_digest(&a) == spec_digest(&b));
	assert_true(spec_digest(&a) != spec_digest(&c));
	assert_true(spec_digest(&a) != spec_digest(&d));
}

static void test_asked_text(void **state)
{
	struct fixture *f = *state;
	static const struct asked cases[] = { { PATH_PLAIN, 0, 0 }, { PATH_PRIOR, 0, 0 },
		{ PATH_MODEL, 41, 0 }, { PATH_READY, UINT64_MAX, 0 }, { PATH_READY, 0, 0 },
		{ PATH_FALLBACK, 0, 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked back;
		const char *text = asked_write(&cases[i], &f->arena);
		asked_read(arena_printf(&f->arena, "{\"tuner\":\"gp\",\"arm\":\"model\"%s}", text),
			&back);
		assert_int_equal(back.path, cases[i].path);
		assert_true(back.model == cases[i].model);
	}
	struct asked none;
	asked_read(NULL, &none);
	assert_int_equal(none.path, PATH_PLAIN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, slow_setup, slow_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_fits_at_boundaries),
		TEST(test_requests_do_not_wait),
		TEST(test_failed_fits),
		TEST(test_model_survives_restart),
		TEST(test_single_flight),
		TEST(test_lost_races),
		TEST(test_edits),
		TEST(test_drain),
		TEST(test_eviction),
		TEST(test_experiment_deleted),
		TEST(test_spec_digest),
		TEST(test_asked_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
