/*
 * Properties of views over random lives of experiments: what is taken back was never there; rows
 * tell the same as events; events survive being written and read.
 */
#include "tests/unit/core/view_support.h"

#include "core/rng.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define ON(x)	 (1u << (x))
#define RUNS	 60
#define STEPS	 250
#define PENDING	 (ON(TRIAL_WAITING) | ON(TRIAL_RUNNING) | ON(TRIAL_PAUSED))

/* One life: the view, and its log as text. */
struct life {
	struct view view;
	struct rng rng;
	struct arena arena;
	const char *log[STEPS * 8];
	size_t n_log;
	bool edits;   /* of the search space */
	bool retries; /* and retries: the two that a rollback may answer with stale */
};

static struct buffer before, after, scratch;

static int setup(void **state)
{
	(void)state;
	buffer_init(&before, 1u << 24);
	buffer_init(&after, 1u << 24);
	buffer_init(&scratch, 1u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buffer_release(&before);
	buffer_release(&after);
	buffer_release(&scratch);
	return 0;
}

/* ---- random events ---- */

static bool coin(struct life *life)
{
	return rng_below(&life->rng, 2) == 1;
}

static double random_value(struct life *life)
{
	static const double special[] = { 0.0, -0.0, (double)NAN, (double)INFINITY,
		-(double)INFINITY, 20.0, 5e-324 };
	if (rng_below(&life->rng, 4) == 0)
		return special[rng_below(&life->rng, COUNT(special))];
	return 40 * rng_uniform(&life->rng) - 10;
}

static void random_metrics(struct life *life, struct event *event)
{
	static const char *const names[] = { "acc", "ms", "other" };
	struct metric *metrics = arena_array(&life->arena, COUNT(names), sizeof(*metrics));
	for (size_t i = 0; i < COUNT(names); i++)
		if (i == 0 ? rng_below(&life->rng, 8) > 0 : coin(life))
			metrics[event->n_metrics++] = (struct metric){ names[i], random_value(life),
				coin(life) ? (double)NAN : 0.5 };
	event->metrics = metrics;
}

static void random_birth(struct life *life, struct event *event)
{
	const struct space *space = life->view.spec->space;
	double *x = arena_array(&life->arena, space->n, sizeof(*x));

	event->trial = (int64_t)life->view.n_trials;
	space_sample(space, &life->rng, x);
	buffer_clear(&scratch);
	space_write(space, x, &scratch);
	event->parameters = arena_strdup(&life->arena, buffer_text(&scratch));
	/* The engine sometimes has the point at hand and sometimes only its text. */
	event->x = coin(life) ? x : NULL;
	event->meta = coin(life) ? "{\"arm\":\"model\"}" : NULL;
	if (coin(life))
		event->tag = (struct bytes){ "tag\x01", 4 };
	event->parent = life->view.n_trials && coin(life) ? 0 : -1;
	event->resource = coin(life) ? 3 : (double)NAN;
	event->base_version = life->view.counts.version;
	if (event->kind == EVENT_SEEDED) {
		event->state = coin(life) ? TRIAL_SUCCEEDED : TRIAL_FAILED;
		random_metrics(life, event);
	}
}

/* A trial in one of the states, or -1. */
static int64_t random_trial(struct life *life, unsigned states)
{
	const struct view *view = &life->view;
	for (int tries = 0; view->n_trials && tries < 20; tries++) {
		int64_t t = (int64_t)rng_below(&life->rng, view->n_trials);
		if (states & ON(view->trials[t].state))
			return t;
	}
	return -1;
}

/* How often each kind comes, and in which states its trial may be. */
static const struct {
	enum event_kind kind;
	unsigned weight, states; /* states 0: no trial yet */
} kinds[] = {
	{ EVENT_SUGGESTED, 10, 0 },
	{ EVENT_ENQUEUED, 3, 0 },
	{ EVENT_SEEDED, 2, 0 },
	{ EVENT_ASSIGNED, 10, ON(TRIAL_WAITING) | ON(TRIAL_PAUSED) },
	{ EVENT_REPORTED, 20, ON(TRIAL_STATE_COUNT) - 1 },
	{ EVENT_OBSERVED, 8, PENDING | ON(TRIAL_LOST) },
	{ EVENT_FAILED, 3, PENDING },
	{ EVENT_STOPPED, 3, PENDING },
	{ EVENT_PAUSED, 3, ON(TRIAL_RUNNING) },
	{ EVENT_EXPIRED, 5, ON(TRIAL_RUNNING) },
	{ EVENT_RELEASED, 3, ON(TRIAL_RUNNING) },
	{ EVENT_CANCELLED, 2, PENDING },
	{ EVENT_RETRIED, 3,
		ON(TRIAL_FAILED) | ON(TRIAL_STOPPED) | ON(TRIAL_LOST) | ON(TRIAL_CANCELLED) },
	{ EVENT_STATUS, 2, 0 },
	{ EVENT_EDITED, 2, 0 },
};

static size_t random_kind(struct life *life)
{
	unsigned total = 0;
	for (size_t i = 0; i < COUNT(kinds); i++)
		total += kinds[i].weight;
	uint64_t at = rng_below(&life->rng, total);
	size_t i = 0;
	while (at >= kinds[i].weight)
		at -= kinds[i++].weight;
	return i;
}

static void random_body(struct life *life, struct event *event)
{
	static const char *const workers[] = { "w0", "w1", "w2" };
	bool birth = event->kind == EVENT_SUGGESTED || event->kind == EVENT_ENQUEUED ||
		     event->kind == EVENT_SEEDED;

	if (birth)
		random_birth(life, event);
	if (event->kind == EVENT_SUGGESTED || event->kind == EVENT_ASSIGNED) {
		event->worker = coin(life) ? workers[rng_below(&life->rng, 3)] : NULL;
		event->lease_ms = 1 + (int64_t)rng_below(&life->rng, 100000);
	}
	if (event->kind == EVENT_REPORTED) {
		event->step = (int64_t)rng_below(&life->rng, 10);
		event->late = trial_ended(&life->view.trials[event->trial]) || coin(life);
	}
	if (event->kind == EVENT_REPORTED || event->kind == EVENT_OBSERVED) {
		random_metrics(life, event);
		event->checkpoint = coin(life) ? "s3://bucket/c" : NULL;
	}
	if (event->kind == EVENT_FAILED || event->kind == EVENT_STOPPED ||
		event->kind == EVENT_CANCELLED)
		event->message = coin(life) ? "because" : NULL;
	event->lost = event->kind == EVENT_EXPIRED && coin(life);
	if (event->kind == EVENT_EDITED) {
		event->spec = coin(life)
				      ? NEEDY
				      : SPEC(SPACE_NARROW, ",\"assessor\":{\"name\":\"median\"}");
		event->revive = coin(life);
	}
	if (event->kind == EVENT_STATUS) {
		event->status = (enum experiment_status)rng_below(&life->rng, STATUS_COUNT);
		event->reason = coin(life) ? "user" : NULL;
	}
}

/* An event that may follow. */
static struct event random_event(struct life *life)
{
	for (;;) {
		size_t i = random_kind(life);
		if ((kinds[i].kind == EVENT_EDITED && !life->edits) ||
			(kinds[i].kind == EVENT_RETRIED && !life->retries))
			continue;
		int64_t trial = kinds[i].states ? random_trial(life, kinds[i].states) : -1;
		if (kinds[i].states && trial < 0)
			continue;
		struct event event = event_next(&life->view, kinds[i].kind, trial);
		random_body(life, &event);
		return event;
	}
}

static void life_log(struct life *life, const struct event *event)
{
	assert_true(life->n_log < COUNT(life->log));
	buffer_clear(&scratch);
	event_write(event, &scratch);
	life->log[life->n_log] = arena_strdup(&life->arena, buffer_text(&scratch));
	assert_non_null(life->log[life->n_log++]);
}

static void life_step(struct life *life)
{
	struct event event = random_event(life);
	life_log(life, &event);
	apply(&life->view, &event);
}

/* NEEDY: reports of ended trials are kept in memory, however the view came to be. */
static struct life *life_begin(unsigned run, bool edits, bool retries)
{
	static struct life life;
	life = (struct life){ .edits = edits, .retries = retries };
	arena_init(&life.arena, 0);
	rng_init(&life.rng, 99, RNG_TEST, run);
	view_begin(&life.view, NEEDY);
	struct event created = event_next(&life.view, EVENT_CREATED, -1);
	created.version = 1;
	created.at_ms = 1000;
	created.spec = NEEDY;
	life_log(&life, &created);
	return &life;
}

static void life_end(struct life *life)
{
	view_release(&life->view);
	arena_release(&life->arena);
}

/* ---- properties ---- */

static void test_sound(void **state)
{
	(void)state;
	unsigned seen[EVENT_KIND_COUNT] = { 0 };
	for (unsigned run = 0; run < RUNS; run++) {
		struct life *life = life_begin(run, true, true);
		for (int i = 0; i < STEPS; i++) {
			struct event event = random_event(life);
			seen[event.kind]++;
			apply(&life->view, &event);
			assert_sound(&life->view);
			assert_int_equal(life->view.counts.version, event.version);
			assert_int_equal(life->view.counts.updated_ms, event.at_ms);
		}
		life_end(life);
	}
	for (int i = EVENT_CREATED + 1; i < EVENT_KIND_COUNT; i++)
		assert_true(seen[i] > 50);
}

/* Rows are what store_append writes: the trials and counts the fold left behind. */
static void load_from_rows(struct view *copy, const struct view *view)
{
	struct error err;
	view_init(copy, &view_catalog);
	copy->counts = view->counts;
	copy->reason = view->reason;
	copy->created_ms = view->created_ms;
	assert_int_equal(view_load_spec(copy, view->spec->json, &err), 0);
	for (size_t i = 0; i < view->n_trials; i++)
		assert_int_equal(view_load_trial(copy, &view->trials[i], &err), 0);
	for (size_t i = 0; i < view->n_trials; i++)
		for (uint32_t k = 0; k < view->trials[i].n_reports; k++)
			assert_int_equal(view_load_report(copy, (int64_t)i,
						 &view->trials[i].reports[k], &err),
				0);
	assert_int_equal(view_load_end(copy, &err), 0);
}

static void test_rows_tell_the_same(void **state)
{
	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct life *life = life_begin(run, true, true);
		struct view copy;
		for (int i = 0; i < STEPS; i++)
			life_step(life);
		load_from_rows(&copy, &life->view);
		dump_view(&life->view, &before);
		dump_view(&copy, &after);
		assert_string_equal(buffer_text(&before), buffer_text(&after));
		assert_sound(&copy);
		/* And they go on alike. */
		for (int i = 0; i < 50; i++) {
			struct event event = random_event(life);
			apply(&life->view, &event);
			apply(&copy, &event);
		}
		dump_view(&life->view, &before);
		dump_view(&copy, &after);
		assert_string_equal(buffer_text(&before), buffer_text(&after));
		view_release(&copy);
		life_end(life);
	}
}

/* The log as text (an export, or what a store keeps) folds to the same view. */
static void test_log_tells_the_same(void **state)
{
	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct life *life = life_begin(run, true, true);
		struct view copy;
		for (int i = 0; i < STEPS; i++)
			life_step(life);
		view_init(&copy, &view_catalog);
		for (size_t i = 0; i < life->n_log; i++) {
			struct event event;
			struct error err = { 0 };
			int rc = event_read(
				life->log[i], strlen(life->log[i]), &event, &life->arena, &err);
			if (rc)
				print_error("%s: %s\n", life->log[i], err.message);
			assert_int_equal(rc, 0);
			apply(&copy, &event);
		}
		dump_view(&life->view, &before);
		dump_view(&copy, &after);
		assert_string_equal(buffer_text(&before), buffer_text(&after));
		view_release(&copy);
		life_end(life);
	}
}

/* Tries a batch and takes it back, or keeps it. */
static void try_batch(struct life *life, bool keep)
{
	struct view *view = &life->view;
	uint64_t n = 1 + rng_below(&life->rng, 12);

	dump_view(view, &before);
	view_mark(view);
	for (uint64_t i = 0; i < n; i++) {
		struct event event = random_event(life);
		apply(view, &event);
		assert_sound(view);
	}
	if (keep) {
		view_keep(view);
		assert_sound(view);
		return;
	}
	view_rollback(view);
	if (view->stale)
		return;
	dump_view(view, &after);
	assert_string_equal(buffer_text(&before), buffer_text(&after));
	assert_sound(view);
}

static void test_rollback(void **state)
{
	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct life *life = life_begin(run, false, false);
		for (int i = 0; i < STEPS / 5; i++) {
			try_batch(life, coin(life));
			assert_false(life->view.stale);
		}
		life_end(life);
	}
}

/* With edits and retries a rollback may be inexact, but then it says so. */
static void test_rollback_or_stale(void **state)
{
	(void)state;
	unsigned exact = 0, stale = 0;
	for (unsigned run = 0; run < RUNS; run++) {
		struct life *life = life_begin(run, true, true);
		for (int i = 0; i < STEPS / 5 && !life->view.stale; i++) {
			try_batch(life, coin(life));
			exact += !life->view.stale;
			stale += life->view.stale;
		}
		life_end(life);
	}
	assert_true(exact > RUNS);
	assert_true(stale > RUNS / 2);
}

/* A rolled back trial's point has not been seen, unless another trial has it too. */
static void test_rollback_forgets_points(void **state)
{
	(void)state;
	struct life *life = life_begin(0, false, false);
	struct view *view = &life->view;

	apply_new(view, EVENT_SUGGESTED, 0.25);
	view_mark(view);
	apply_new(view, EVENT_SUGGESTED, 0.25);
	apply_new(view, EVENT_SUGGESTED, 0.5);
	struct key128 fresh = view->trials[2].key;
	assert_int_equal(view->seen.n, 2);
	view_rollback(view);
	assert_int_equal(view->seen.n, 1);
	assert_true(key_set_has(&view->seen, &view->trials[0].key));
	assert_false(key_set_has(&view->seen, &fresh));
	/* The numbers are free again. */
	assert_int_equal(apply_new(view, EVENT_SUGGESTED, 0.75), 1);
	life_end(life);
}

static void dump_one(const struct view *view, size_t i, struct buffer *out)
{
	buffer_clear(out);
	if (i < view->n_trials) {
		bool marked = view->trials[i].marked;
		view->trials[i].marked = false;
		dump_trial(view, &view->trials[i], out);
		view->trials[i].marked = marked;
	}
}

/* view_changed names exactly the trials whose rows differ. */
static void test_changed(void **state)
{
	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		struct life *life = life_begin(run, false, true);
		struct view *view = &life->view, copy;
		for (int i = 0; i < STEPS / 2; i++)
			life_step(life);
		load_from_rows(&copy, view);
		view_mark(view);
		assert_int_equal(view_changed(view, NULL, 0), 0);
		for (int i = 0; i < 15; i++)
			life_step(life);
		uint32_t changed[64];
		size_t n = view_changed(view, changed, COUNT(changed)), at = 0;
		for (size_t i = 0; i < view->n_trials; i++) {
			dump_one(view, i, &before);
			dump_one(&copy, i, &after);
			bool differs = strcmp(buffer_text(&before), buffer_text(&after)) != 0;
			bool named = at < n && changed[at] == i;
			/* A trial may be named that came back to what it was, never the
			 * reverse. */
			assert_true(named || !differs);
			at += named;
		}
		assert_int_equal(at, n); /* ascending, no repeats */
		assert_true(n <= 15);
		/* No more than there is room for. */
		assert_int_equal(view_changed(view, changed, n - 1), n - 1);
		view_keep(view);
		view_mark(view);
		assert_int_equal(view_changed(view, changed, COUNT(changed)), 0);
		view_rollback(view);
		view_release(&copy);
		life_end(life);
	}
}

/* What a view without needs does not load is marked so. */
static void test_reports_not_loaded(void **state)
{
	(void)state;
	struct view view, copy;
	view_begin(&view, WIDE);
	int64_t ended = apply_new(&view, EVENT_SUGGESTED, 0.25);
	int64_t running = apply_new(&view, EVENT_SUGGESTED, 0.5);
	apply_reported(&view, ended, 0, 0.5, false);
	apply_reported(&view, running, 0, 0.5, false);
	apply_observed(&view, ended, 0.5, 1);
	assert_true(view.trials[ended].reports_loaded);
	load_from_rows(&copy, &view);
	assert_false(copy.trials[ended].reports_loaded);
	assert_true(copy.trials[running].reports_loaded);
	assert_int_equal(copy.trials[running].n_reports, 1);
	assert_true(view_bytes(&copy) > sizeof(copy));
	view_release(&view);
	view_release(&copy);
}

static void test_load_refuses(void **state)
{
	(void)state;
	struct view view, copy;
	struct error err;
	view_begin(&view, WIDE);
	apply_new(&view, EVENT_SUGGESTED, 0.25);
	apply_new(&view, EVENT_SUGGESTED, 0.5);
	view_init(&copy, &view_catalog);
	assert_int_equal(view_load_spec(&copy, "{", &err), CODE_MALFORMED);
	assert_int_equal(view_load_spec(&copy, "{\"name\":\"v\"}", &err), CODE_INTERNAL);
	assert_null(copy.spec);
	assert_int_equal(view_load_spec(&copy, view.spec->json, &err), 0);
	assert_int_equal(view_load_trial(&copy, &view.trials[1], &err), CODE_INTERNAL);
	assert_int_equal(view_load_trial(&copy, &view.trials[0], &err), 0);
	assert_int_equal(view_load_trial(&copy, &view.trials[0], &err), CODE_INTERNAL);
	const struct report report = { .step = 0 };
	assert_int_equal(view_load_report(&copy, 1, &report, &err), CODE_INTERNAL);
	assert_int_equal(view_load_report(&copy, -1, &report, &err), CODE_INTERNAL);
	assert_int_equal(view_load_report(&copy, 0, &report, &err), 0);
	view_release(&view);
	view_release(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_rows_tell_the_same),
		cmocka_unit_test(test_log_tells_the_same),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_rollback_or_stale),
		cmocka_unit_test(test_rollback_forgets_points),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_reports_not_loaded),
		cmocka_unit_test(test_load_refuses),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
