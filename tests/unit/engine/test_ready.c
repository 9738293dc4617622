/* Proposals computed ahead, and those made in a hurry. */
#include "tests/unit/engine/slow.h"

#define SLOW_NS 3000000 /* of work in each ask: more than what is worth computing ahead */

static void report(struct fixture *f, int64_t trial, int64_t step)
{
	struct waiting w;
	observe(f, &w, trial, 0, OBSERVE_REPORT, step, 0.5);
	assert_true(w.items[0].accepted);
}

/* The next trial, which must have been computed ahead, and from what. */
static struct trial next_ready(struct fixture *f, uint64_t base_version)
{
	struct trial trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_READY);
	assert_int_equal(trial.base_version, base_version);
	return trial;
}

/* Proposals are worth computing ahead; the first trial, and how many there have been then. */
static struct trial first_slow(struct fixture *f, uint64_t *made)
{
	slow.ask_ns = SLOW_NS;
	struct trial trial = next_trial(f);
	*made = stats_of(f->engine).ready_made;
	return trial;
}

static void hurry(struct fixture *f, struct waiting *w, size_t count, int64_t deadline_ms)
{
	struct op *op = prepare(f, w, OP_SUGGEST);
	op->suggest = (struct suggest_request){
		.count = count, .worker = "w1", .deadline_us = mono_us() + deadline_ms * 1000
	};
	submit(f, w);
	assert_int_equal(w->op.code, 0);
	assert_int_equal(w->n, count);
}

static void test_fast_asks_are_not_worth_it(void **state)
{
	struct fixture *f = *state;

	next_trial(f);
	settle_fits(f->engine, f->id);
	pthread_mutex_lock(&f->engine->lock);
	struct mailbox *mailbox = mailbox_find(f->engine, f->id);
	ready_drop(mailbox);
	mailbox->ask_us = 1999;
	assert_false(ready_wanted(mailbox));
	mailbox->ask_us = 2000;
	assert_true(ready_wanted(mailbox));
	mailbox->view.stale = true;
	assert_false(ready_wanted(mailbox));
	pthread_mutex_unlock(&f->engine->lock);
}

static void test_used_when_nothing_changed(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	slow.ask_ns = SLOW_NS;
	struct trial first = next_trial(f);
	assert_int_equal(how(&first).path, PATH_PRIOR);
	assert_int_equal(stats_of(f->engine).ready_made, 1);
	int asks = slow.asks;
	suggest(f, &w, 1, 0);
	assert_int_equal(how(&w.trials[0]).path, PATH_READY);
	assert_non_null(strstr(w.trials[0].meta, "\"arm\":\"startup\",\"path\":\"ready\""));
	assert_true(w.op.ready);
	assert_int_equal(w.op.ask_us, 0);
	assert_int_equal(w.trials[0].tag.size, sizeof(double));
	assert_int_equal(w.trials[0].base_version, 2); /* what was known when it was computed */
	assert_int_equal(slow.asks, asks + 1);	       /* the next one ahead */
	/* Of several in one request the first is there, the others are asked for. */
	suggest(f, &w, 3, 0);
	assert_int_equal(how(&w.trials[0]).path, PATH_READY);
	assert_int_equal(how(&w.trials[1]).path, PATH_PRIOR);
	assert_int_equal(how(&w.trials[2]).path, PATH_PRIOR);
	assert_int_equal(stats_of(f->engine).ready_hits, 2);
	assert_replays(f, 5);
}

static void test_results_drop_it(void **state)
{
	struct fixture *f = *state;
	uint64_t made;
	struct trial trial = first_slow(f, &made);

	finish(f, trial.number, 0.7);
	assert_int_equal(stats_of(f->engine).ready_made, made + 1); /* another in its place */
	trial = next_ready(f, 3); /* created, suggested, observed */
	assert_replays(f, trial.number + 1);
}

/* This tuner does not read reports: they change nothing for it. */
static void test_reports_do_not(void **state)
{
	struct fixture *f = *state;
	uint64_t made;
	struct trial trial = first_slow(f, &made);

	report(f, trial.number, 1);
	report(f, trial.number, 2);
	assert_int_equal(stats_of(f->engine).ready_made, made);
	trial = next_ready(f, 2);
	assert_int_equal(trial.suggested_version, 5);
	assert_replays(f, trial.number + 1);
}

static void test_edits_and_models_drop_it(void **state)
{
	struct fixture *f = *state;

	slow.ask_ns = SLOW_NS;
	run_trials(f, SLOW_EVERY - 1);
	struct trial trial = next_trial(f);
	slow_gate(false);
	finish(f, trial.number, 0.5); /* a fit begins, and a proposal is made without it */
	uint64_t made = stats_of(f->engine).ready_made;
	slow_gate(true);
	settle_fits(f->engine, f->id);
	assert_int_equal(stats_of(f->engine).ready_made, made + 1); /* with it, ahead */
	trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_READY);
	assert_int_equal(how(&trial).model, trial.base_version);
	slow_gate(false); /* the edit asks for a model of its own at once */
	patch(f, "{\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[5,6]}}}");
	trial = next_trial(f);
	assert_int_equal(how(&trial).model, 0);
	assert_true(trial.base_version > trial.suggested_version - 2);
	slow_gate(true);
	settle_fits(f->engine, f->id);
	assert_replays(f, trial.number + 1);
}

static void test_not_where_there_is_no_room(void **state)
{
	struct fixture *f = *state;

	slow.ask_ns = SLOW_NS;
	patch(f, "{\"limits\":{\"concurrency\":1,\"max_trials\":2}}");
	struct trial trial = next_trial(f);
	assert_int_equal(stats_of(f->engine).ready_made, 0); /* another could not run */
	finish(f, trial.number, 0.5);
	assert_int_equal(stats_of(f->engine).ready_made, 1);
	trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_READY);
	finish(f, trial.number, 0.5); /* that was the last */
	assert_int_equal(stats_of(f->engine).ready_made, 1);
}

/* What another replica does is seen when the append is refused: then it is asked for again. */
static void test_other_replicas_drop_it(void **state)
{
	struct fixture *f = *state;
	struct engine *a = f->engine, *b = open_engine(f, 0, 0);

	slow.ask_ns = SLOW_NS;
	struct trial trial = next_trial(f);
	f->engine = b;
	finish(f, trial.number, 0.25);
	f->engine = a;
	trial = next_trial(f);
	assert_int_equal(how(&trial).path, PATH_PRIOR);
	assert_int_equal(trial.base_version, 3);
	assert_replays(f, trial.number + 1);
	engine_drain(b);
	engine_close(b);
}

/* ---- deadlines ---- */

static void test_deadlines(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	hurry(f, &w, 1, 600000);
	assert_int_equal(how(&w.trials[0]).path, PATH_PRIOR);
	slow.ask_ns = SLOW_NS;
	run_trials(f, 2 * SLOW_EVERY); /* asks are known to be slow now */
	settle_fits(f->engine, f->id);
	assert_int_equal(stats_of(f->engine).fallbacks, 0);
	hurry(f, &w, 3, 1);
	assert_int_equal(how(&w.trials[0]).path, PATH_READY);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(how(&w.trials[i]).path, PATH_FALLBACK);
		assert_int_equal(how(&w.trials[i]).model, 0);
		assert_non_null(strstr(w.trials[i].meta, "\"arm\":\"deadline\""));
		assert_int_equal(
			w.trials[i].base_version, w.trials[0].suggested_version + (uint64_t)i - 1);
	}
	assert_int_equal(stats_of(f->engine).fallbacks, 2);
	hurry(f, &w, 2, 600000);
	assert_int_equal(how(&w.trials[1]).path, PATH_MODEL);
	assert_replays(f, w.trials[1].number + 1);
}

/* The start design must not give a point twice, nor leave the constraints. */
static void test_deadlines_keep_to_the_space(void **state)
{
	struct fixture *f = *state;
	struct waiting w;

	create(f, "{\"name\":\"small\",\"search_space\":{\"x\":{\"_type\":\"randint\",\"_value\":"
		  "[0,30]}},\"parameter_constraints\":[\"x > 9\"],\"objectives\":[{\"name\":"
		  "\"default\",\"goal\":\"minimize\"}],\"tuner\":{\"name\":\"sobol\",\"seed\":5}}");
	pthread_mutex_lock(&f->engine->lock);
	struct mailbox *mailbox = mailbox_get(f->engine, f->id);
	mailbox->ask_us = 1e9; /* as if asks were known to take that long */
	pthread_mutex_unlock(&f->engine->lock);
	bool seen[30] = { false };
	hurry(f, &w, 20, 1000);
	for (size_t i = 0; i < 20; i++) {
		int x = -1;
		assert_int_equal(how(&w.trials[i]).path, PATH_FALLBACK);
		assert_int_equal(sscanf(w.trials[i].parameters, "{\"x\":%d}", &x), 1);
		assert_in_range(x, 10, 29);
		assert_false(seen[x]);
		seen[x] = true;
	}
	assert_replays(f, 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, slow_setup, slow_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_fast_asks_are_not_worth_it),
		TEST(test_used_when_nothing_changed),
		TEST(test_results_drop_it),
		TEST(test_reports_do_not),
		TEST(test_edits_and_models_drop_it),
		TEST(test_not_where_there_is_no_room),
		TEST(test_other_replicas_drop_it),
		TEST(test_deadlines),
		TEST(test_deadlines_keep_to_the_space),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
