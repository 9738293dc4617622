#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "algorithms/assessors/assessor.h"

#define LEASE_MS 60000

/* Keeps the event's line and applies it. */
static void append(struct fake *fake, struct event *event)
{
	struct error err = { 0 };
	struct buffer line;

	event->version = fake->view.counts.version + 1;
	event->at_ms = fake->clock_ms += 1000;
	buffer_init(&line, LIMIT_BULK_BODY_BYTES);
	event_write(event, &line);
	assert_false(line.failed);
	if (fake->n_lines == fake->room_lines) {
		fake->room_lines = fake->room_lines ? 2 * fake->room_lines : 64;
		fake->lines = realloc(fake->lines, fake->room_lines * sizeof(*fake->lines));
		assert_non_null(fake->lines);
	}
	fake->lines[fake->n_lines] = arena_strdup(&fake->arena, buffer_text(&line));
	assert_non_null(fake->lines[fake->n_lines++]);
	buffer_release(&line);
	if (view_apply(&fake->view, event, &err) != 0)
		fail_msg("event %s: %s", event_kind_name(event->kind), err.message);
}

/* The spec of a body, as the events carry it. Fails the test on a bad body. */
static const char *read_spec(struct fake *fake, const char *body, const struct spec *previous)
{
	struct faults faults;
	struct error err = { 0 };
	const struct spec *spec;

	faults_init(&faults);
	if (spec_parse(body, strlen(body), previous, &fake->catalog, 1, &fake->scratch, &spec,
		    &faults, &err) != 0)
		fail_msg("spec: %s %s %s", err.message, faults.n ? faults.items[0].pointer : "",
			faults.n ? faults.items[0].message : "");
	return spec->json;
}

void fake_init(struct fake *fake, const char *body)
{
	struct event event;

	*fake = (struct fake){ .catalog = { tuner_algorithms, assessor_algorithms } };
	arena_init(&fake->arena, 0);
	arena_init(&fake->scratch, 0);
	buffer_init(&fake->model_bytes, LIMIT_MODEL);
	view_init(&fake->view, &fake->catalog);
	event_init(&event, EVENT_CREATED, -1);
	event.spec = read_spec(fake, body, NULL);
	append(fake, &event);
}

void fake_init_tuner(struct fake *fake, const char *tuner, const char *options, uint64_t seed,
	const char *search_space, const char *more)
{
	static const char format[] =
		"{\"name\":\"test\",\"search_space\":%s,"
		"\"objectives\":[{\"name\":\"default\",\"goal\":\"minimize\"}],"
		"\"tuner\":{\"name\":\"%s\",\"options\":%s,\"seed\":%llu}%s}";
	struct arena arena;
	char *body;

	arena_init(&arena, 0);
	body = arena_printf(&arena, format, search_space, tuner, options ? options : "{}",
		(unsigned long long)seed, more ? more : "");
	assert_non_null(body);
	fake_init(fake, body);
	arena_release(&arena);
}

void fake_release(struct fake *fake)
{
	view_release(&fake->view);
	workspace_clear(&fake->workspace);
	buffer_release(&fake->model_bytes);
	arena_release(&fake->arena);
	arena_release(&fake->scratch);
	free(fake->lines);
	*fake = (struct fake){ 0 };
}

static void clear_proposal(const struct view *view, struct arena *arena, struct proposal *out)
{
	size_t n = view->spec->space->n;

	*out = (struct proposal){
		.parent = -1, .resource = (double)NAN, .acquisition = (double)NAN
	};
	out->x = arena_array(arena, n ? n : 1, sizeof(*out->x));
	assert_non_null(out->x);
	for (size_t i = 0; i < n; i++)
		out->x[i] = (double)NAN;
}

/* A new trial, of the proposal or of the JSON; answers its number. */
static int64_t place(struct fake *fake, enum event_kind kind, const struct proposal *proposal,
	const char *parameters)
{
	int64_t number = (int64_t)fake->view.n_trials;
	struct event event;
	struct buffer text;

	event_init(&event, kind, number);
	buffer_init(&text, LIMIT_BODY_BYTES);
	if (proposal) {
		space_write(fake->view.spec->space, proposal->x, &text);
		event.x = proposal->x;
		event.tag = proposal->tag;
		event.parent = proposal->parent;
		event.resource = proposal->resource;
	}
	event.parameters = parameters ? parameters : buffer_text(&text);
	event.base_version = fake->view.counts.version;
	if (kind == EVENT_SUGGESTED) {
		event.attempt = 1;
		event.worker = "test";
		event.lease_ms = LEASE_MS;
	}
	append(fake, &event);
	buffer_release(&text);
	return number;
}

/* Goes on with a paused trial, up to a resource. */
static void promote(struct fake *fake, const struct proposal *proposal)
{
	const struct trial *trial = view_trial(&fake->view, proposal->promote);
	struct event event;

	assert_non_null(trial);
	assert_int_equal(trial->state, TRIAL_PAUSED);
	assert_true(proposal->resource > trial->resource);
	event_init(&event, EVENT_ASSIGNED, proposal->promote);
	event.attempt = trial->attempt + 1;
	event.resource = proposal->resource;
	event.worker = "test";
	event.lease_ms = LEASE_MS;
	append(fake, &event);
}

struct compute *fake_compute(void)
{
	static struct compute *compute; /* for as long as the program runs */
	struct error err = { 0 };

	if (!compute && compute_open("cpu", NULL, &compute, &err) != 0)
		fail_msg("compute: %s", err.message);
	return compute;
}

static int suggest(struct fake *fake, bool promote_only, int64_t *number)
{
	struct error err = { 0 };
	struct proposal proposal;
	int code;

	arena_reset(&fake->scratch);
	clear_proposal(&fake->view, &fake->scratch, &proposal);
	if (tuner_learn(&fake->view, fake_compute(), &fake->model, &fake->model_bytes, &err) != 0)
		fail_msg("learn: %s", err.message);
	code = tuner_ask(&(struct knowledge){ .view = &fake->view,
				 .model = &fake->model,
				 .compute = fake_compute(),
				 .workspace = &fake->workspace,
				 .promote_only = promote_only },
		&fake->scratch, &proposal, &err);
	if (code == CODE_WAIT || code == CODE_EXHAUSTED)
		return code;
	if (code != 0)
		fail_msg("ask: %s", err.message);
	assert_non_null(proposal.arm);
	assert_true(proposal.tag.size <= LIMIT_TAG);
	int64_t placed = proposal.promote;
	if (placed >= 0) {
		promote(fake, &proposal);
	} else {
		assert_false(promote_only);
		placed = place(fake, EVENT_SUGGESTED, &proposal, NULL);
	}
	if (number)
		*number = placed;
	return 0;
}

int fake_suggest(struct fake *fake, int64_t *number)
{
	return suggest(fake, false, number);
}

int fake_promote(struct fake *fake, int64_t *number)
{
	return suggest(fake, true, number);
}

static int ask(const struct view *view, const struct model *model, double *x)
{
	struct error err = { 0 };
	struct proposal proposal;
	struct arena arena;
	int code;

	arena_init(&arena, 0);
	clear_proposal(view, &arena, &proposal);
	code = tuner_ask(
		&(struct knowledge){ .view = view, .model = model, .compute = fake_compute() },
		&arena, &proposal, &err);
	if (code != 0 && code != CODE_WAIT && code != CODE_EXHAUSTED)
		fail_msg("ask: %s", err.message);
	memcpy(x, proposal.x, view->spec->space->n * sizeof(*x));
	arena_release(&arena);
	return code;
}

int fake_ask(const struct view *view, double *x)
{
	return ask(view, NULL, x);
}

int64_t fake_place_json(struct fake *fake, const char *parameters)
{
	return place(fake, EVENT_SUGGESTED, NULL, parameters);
}

int64_t fake_enqueue(struct fake *fake, const char *parameters)
{
	return place(fake, EVENT_ENQUEUED, NULL, parameters);
}

int64_t fake_seed(struct fake *fake, const char *parameters, double value)
{
	int64_t number = (int64_t)fake->view.n_trials;
	struct metric metric = { fake->view.spec->objectives[0].name, value, (double)NAN };
	struct event event;

	event_init(&event, EVENT_SEEDED, number);
	event.parameters = parameters;
	event.state = isnan(value) ? TRIAL_FAILED : TRIAL_SUCCEEDED;
	if (!isnan(value)) {
		event.metrics = &metric;
		event.n_metrics = 1;
	}
	append(fake, &event);
	return number;
}

/* An event of a trial's current attempt. */
static void event_of(struct fake *fake, enum event_kind kind, int64_t number, struct event *event)
{
	const struct trial *trial = view_trial(&fake->view, number);

	assert_non_null(trial);
	event_init(event, kind, number);
	event->attempt = trial->attempt;
}

void fake_assign(struct fake *fake, int64_t number)
{
	struct event event;

	event_of(fake, EVENT_ASSIGNED, number, &event);
	event.attempt++;
	event.worker = "test";
	event.lease_ms = LEASE_MS;
	append(fake, &event);
}

void fake_report(struct fake *fake, int64_t number, int64_t step, double value)
{
	struct metric metric = { fake->view.spec->objectives[0].name, value, (double)NAN };
	struct event event;

	event_of(fake, EVENT_REPORTED, number, &event);
	event.step = step;
	event.metrics = &metric;
	event.n_metrics = 1;
	append(fake, &event);
}

void fake_observe_metrics(struct fake *fake, int64_t number, const struct metric *metrics, size_t n)
{
	struct event event;

	event_of(fake, EVENT_OBSERVED, number, &event);
	event.metrics = metrics;
	event.n_metrics = n;
	append(fake, &event);
}

void fake_observe(struct fake *fake, int64_t number, double value)
{
	struct metric metric = { fake->view.spec->objectives[0].name, value, (double)NAN };

	fake_observe_metrics(fake, number, &metric, 1);
}

void fake_observe_many(struct fake *fake, int64_t number, const double *values)
{
	const struct spec *spec = fake->view.spec;
	struct metric metrics[LIMIT_OBJECTIVES];

	for (size_t i = 0; i < spec->n_objectives; i++)
		metrics[i] = (struct metric){ spec->objectives[i].name, values[i], (double)NAN };
	fake_observe_metrics(fake, number, metrics, spec->n_objectives);
}

void fake_fail(struct fake *fake, int64_t number)
{
	struct event event;

	event_of(fake, EVENT_FAILED, number, &event);
	event.message = "out of memory";
	append(fake, &event);
}

void fake_stop(struct fake *fake, int64_t number)
{
	struct event event;

	event_of(fake, EVENT_STOPPED, number, &event);
	event.message = "worse than the median";
	append(fake, &event);
}

void fake_pause(struct fake *fake, int64_t number)
{
	struct event event;

	event_of(fake, EVENT_PAUSED, number, &event);
	append(fake, &event);
}

void fake_cancel(struct fake *fake, int64_t number)
{
	struct event event;

	event_of(fake, EVENT_CANCELLED, number, &event);
	append(fake, &event);
}

void fake_expire(struct fake *fake, int64_t number, bool lost)
{
	struct event event;

	event_of(fake, EVENT_EXPIRED, number, &event);
	event.lost = lost;
	append(fake, &event);
}

void fake_retry(struct fake *fake, int64_t number)
{
	struct event event;

	event_of(fake, EVENT_RETRIED, number, &event);
	append(fake, &event);
}

void fake_edit(struct fake *fake, const char *patch)
{
	struct event event;

	event_init(&event, EVENT_EDITED, -1);
	event.spec = read_spec(fake, patch, fake->view.spec);
	append(fake, &event);
}

void fake_rebuild(const struct fake *fake, struct view *out)
{
	struct error err = { 0 };
	struct arena arena;

	arena_init(&arena, 0);
	view_init(out, &fake->catalog);
	for (size_t i = 0; i < fake->n_lines; i++) {
		const char *line = fake->lines[i];
		struct event event;

		arena_reset(&arena);
		if (event_read(line, strlen(line), &event, &arena, &err) != 0 ||
			view_apply(out, &event, &err) != 0)
			fail_msg("%s: %s", line, err.message);
	}
	arena_release(&arena);
}

int fake_check_replay(struct fake *fake)
{
	size_t n = fake->view.spec->space->n, size = n * sizeof(double);
	double *x = calloc(3 * n + 1, sizeof(*x));
	struct view again;

	assert_non_null(x);
	fake_rebuild(fake, &again);
	int code = ask(&fake->view, &fake->model, x);
	assert_int_equal(ask(&fake->view, &fake->model, x + n), code);
	assert_int_equal(ask(&again, &fake->model, x + 2 * n), code);
	if (code == 0 && n) {
		assert_memory_equal(x, x + n, size);
		assert_memory_equal(x, x + 2 * n, size);
	}
	view_release(&again);
	free(x);
	return code;
}

double fake_value(const struct fake *fake, int64_t number, const char *address)
{
	const struct trial *trial = view_trial(&fake->view, number);
	int at = space_find(fake->view.spec->space, address);

	assert_non_null(trial);
	assert_non_null(trial->x);
	assert_true(at >= 0);
	return trial->x[at];
}

/* The newest trial is a point the space allows, and no earlier trial has its key. */
static void check_newest(const struct fake *fake)
{
	const struct space *space = fake->view.spec->space;
	size_t last = fake->view.n_trials - 1;
	const struct trial *trial = &fake->view.trials[last];

	assert_non_null(trial->x);
	assert_true(space_contains(space, trial->x));
	assert_true(space_feasible(space, trial->x));
	assert_true(space_canonical_ok(space, trial->x));
	for (size_t i = 0; i < last; i++)
		if (fake->view.trials[i].x && key_equal(&fake->view.trials[i].key, &trial->key))
			fail_msg("trial %zu repeats trial %zu", last, i);
}

size_t fake_drain(struct fake *fake, size_t pending, size_t ceiling,
	double (*value)(const struct space *space, const double *x))
{
	size_t n = 0;
	size_t first = fake->view.n_trials; /* trials before it are not ours to answer */
	size_t answered = first;

	for (;;) {
		int code = fake_suggest(fake, NULL);
		if (code == CODE_EXHAUSTED && answered == fake->view.n_trials)
			return n;
		assert_int_not_equal(code, CODE_WAIT);
		if (code == 0) {
			check_newest(fake);
			n++;
			assert_true(n <= ceiling);
		}
		if (code == CODE_EXHAUSTED || fake->view.n_trials - answered > pending) {
			const double *x = fake->view.trials[answered].x;
			fake_observe(fake, (int64_t)answered,
				value ? value(fake->view.spec->space, x) : 0.0);
			answered++;
		}
	}
}
