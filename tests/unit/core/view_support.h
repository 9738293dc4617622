/* What the tests of views share: an experiment, events for it, and a view as text. */
#ifndef TESTS_VIEW_SUPPORT_H
#define TESTS_VIEW_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/view.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

/* Two spaces of one experiment: the second is narrower and lacks a branch. */
#define SPACE_WIDE                                                                                 \
	"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"                                         \
	"\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\",\"k\":{\"_type\":\"randint\","  \
	"\"_value\":[0,9]}},{\"_name\":\"b\"}]}}"
#define SPACE_NARROW                                                                               \
	"{\"x\":{\"_type\":\"uniform\",\"_value\":[0,0.5]},"                                       \
	"\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"b\"},{\"_name\":\"c\"}]}}"

/* "acc" is maximised, "ms" minimised; ms must stay within 20. rest: more members. */
#define SPEC(space, rest)                                                                          \
	"{\"name\":\"v\",\"search_space\":" space ",\"objectives\":[{\"name\":\"acc\",\"goal\":"   \
	"\"maximize\"},{\"name\":\"ms\",\"goal\":\"minimize\"}],\"constraints\":[{\"metric\":"     \
	"\"ms\",\"max\":20}],\"tuner\":{\"name\":\"tpe\",\"seed\":1}" rest "}"
#define WIDE   SPEC(SPACE_WIDE, "")
#define NARROW SPEC(SPACE_NARROW, "")
#define NEEDY  SPEC(SPACE_WIDE, ",\"assessor\":{\"name\":\"median\"}")

static const struct algorithm view_tpe = { .name = "tpe" }, view_median = { .name = "median" };
static const struct algorithm *const view_tuners[] = { &view_tpe, NULL };
static const struct algorithm *const view_assessors[] = { &view_median, NULL };
static const struct catalog view_catalog = { view_tuners, view_assessors };

/* An event at the view's next version, a second after the last one. */
static inline struct event event_next(const struct view *view, enum event_kind kind, int64_t trial)
{
	struct event event;
	event_init(&event, kind, trial);
	event.version = view->counts.version + 1;
	event.at_ms = 1000 * (int64_t)event.version;
	if (view_trial(view, trial))
		event.attempt = view_trial(view, trial)->attempt;
	return event;
}

static inline void apply(struct view *view, const struct event *event)
{
	struct error err = { 0 };
	int rc = view_apply(view, event, &err);
	if (rc)
		print_error("%s\n", err.message);
	assert_int_equal(rc, 0);
}

static inline void apply_kind(struct view *view, enum event_kind kind, int64_t trial)
{
	struct event event = event_next(view, kind, trial);
	apply(view, &event);
}

static inline void apply_spec(struct view *view, enum event_kind kind, const char *spec)
{
	struct event event = event_next(view, kind, -1);
	event.spec = spec;
	apply(view, &event);
}

static inline void apply_status(struct view *view, enum experiment_status status, int64_t at_ms)
{
	struct event event = event_next(view, EVENT_STATUS, -1);
	event.status = status;
	event.reason = experiment_status_name(status);
	event.at_ms = at_ms;
	apply(view, &event);
}

/* A view of a fresh experiment. */
static inline void view_begin(struct view *view, const char *spec)
{
	view_init(view, &view_catalog);
	apply_spec(view, EVENT_CREATED, spec);
}

/* A new trial at that x, branch b, in waiting (ENQUEUED) or running (SUGGESTED). */
static inline int64_t apply_new(struct view *view, enum event_kind kind, double x)
{
	struct event event = event_next(view, kind, (int64_t)view->n_trials);
	struct buffer text;
	buffer_init(&text, 4096);
	buffer_printf(&text, "{\"x\":%.17g,\"op\":{\"_name\":\"b\"}}", x);
	event.parameters = buffer_text(&text);
	event.state = TRIAL_SUCCEEDED;
	event.lease_ms = kind == EVENT_SUGGESTED ? 5000 : 0;
	event.worker = kind == EVENT_SUGGESTED ? "w0" : NULL;
	apply(view, &event);
	buffer_release(&text);
	return event.trial;
}

static inline void apply_assigned(struct view *view, int64_t trial, const char *worker)
{
	struct event event = event_next(view, EVENT_ASSIGNED, trial);
	event.worker = worker;
	event.lease_ms = 7000;
	apply(view, &event);
}

/* Final values; ms NaN: leave it out. */
static inline void apply_observed(struct view *view, int64_t trial, double acc, double ms)
{
	const struct metric metrics[] = { { "acc", acc, (double)NAN }, { "ms", ms, (double)NAN } };
	struct event event = event_next(view, EVENT_OBSERVED, trial);
	event.metrics = metrics;
	event.n_metrics = isnan(ms) ? 1 : 2;
	apply(view, &event);
}

static inline void apply_reported(
	struct view *view, int64_t trial, int64_t step, double acc, bool late)
{
	const struct metric metrics[] = { { "acc", acc, (double)NAN } };
	struct event event = event_next(view, EVENT_REPORTED, trial);
	event.metrics = metrics;
	event.n_metrics = 1;
	event.step = step;
	event.late = late;
	apply(view, &event);
}

/* ---- a view as text ---- */

static inline void dump_real(struct buffer *out, double x)
{
	uint64_t bits;
	memcpy(&bits, &x, sizeof(bits));
	if (isnan(x))
		buffer_add_text(out, " nan");
	else
		buffer_printf(out, " %016llx", (unsigned long long)bits);
}

static inline void dump_text(struct buffer *out, const char *text)
{
	buffer_printf(out, " %s", text ? text : "(null)");
}

static inline void dump_trial(const struct view *view, const struct trial *t, struct buffer *out)
{
	buffer_printf(out, "%lld %s %s a%u r%u key %d", (long long)t->number,
		trial_state_name(t->state), trial_origin_name(t->origin), t->attempt, t->retries,
		t->x && key_set_has(&view->seen, &t->key));
	for (size_t i = 0; t->x && i < view->spec->space->n; i++)
		dump_real(out, t->x[i]);
	for (size_t i = 0; t->values && i < view->spec->n_objectives; i++)
		dump_real(out, t->values[i]);
	dump_text(out, t->parameters);
	dump_text(out, t->values_json);
	dump_real(out, t->loss);
	dump_real(out, t->violation);
	buffer_printf(out, " %llx |", (unsigned long long)t->digest);
	for (uint32_t i = 0; i < t->n_reports; i++) {
		const struct report *r = &t->reports[i];
		buffer_printf(out, " (%lld %llx %u %d", (long long)r->step,
			(unsigned long long)r->digest, r->attempt, r->late);
		dump_real(out, r->value);
		buffer_add_char(out, ')');
	}
	buffer_printf(out, " | %lld", (long long)t->last_step);
	dump_real(out, t->last_value);
	buffer_printf(out, " %lld", (long long)t->parent);
	dump_real(out, t->resource);
	buffer_printf(out, " tag %zu %.*s", t->tag.size, (int)t->tag.size,
		t->tag.size ? (const char *)t->tag.data : "");
	dump_text(out, t->meta);
	dump_text(out, t->checkpoint);
	dump_text(out, t->worker);
	dump_text(out, t->message);
	buffer_printf(out, " %lld %lld %lld %lld %lld v %llu %llu %llu %d\n",
		(long long)t->lease_until_ms, (long long)t->lease_ms, (long long)t->created_ms,
		(long long)t->started_ms, (long long)t->ended_ms,
		(unsigned long long)t->base_version, (unsigned long long)t->suggested_version,
		(unsigned long long)t->ended_version, t->marked);
}

/* Everything a view knows; whether the reports of an ended trial are in memory is left out. */
static inline void dump_view(const struct view *view, struct buffer *out)
{
	const struct view_counts *c = &view->counts;

	buffer_clear(out);
	buffer_printf(out, "%s", view->spec->json);
	buffer_printf(out, "\n%s %s %lld handed %lld seeded %lld since %lld best %lld v %llu %llu",
		experiment_status_name(c->status), view->reason, (long long)view->created_ms,
		(long long)c->handed, (long long)c->seeded, (long long)c->since_best,
		(long long)c->best, (unsigned long long)c->version,
		(unsigned long long)c->spec_version);
	buffer_printf(out, " active %lld %lld updated %lld seen %zu needs %d\n",
		(long long)c->active_ms, (long long)c->active_since_ms, (long long)c->updated_ms,
		view->seen.n, view->needs_metrics);
	for (int i = 0; i < TRIAL_STATE_COUNT; i++)
		buffer_printf(out, "%s %lld ", trial_state_name((enum trial_state)i),
			(long long)c->by_state[i]);
	buffer_add_text(out, "\nfinished");
	for (size_t i = 0; i < view->n_finished; i++)
		buffer_printf(out, " %u", view->finished[i]);
	buffer_add_char(out, '\n');
	for (size_t i = 0; i < view->n_trials; i++)
		dump_trial(view, &view->trials[i], out);
	assert_false(out->failed);
}

/* ---- what must hold of every view ---- */

static inline bool has_result(const struct trial *trial)
{
	return trial->state == TRIAL_SUCCEEDED || trial->state == TRIAL_FAILED ||
	       trial->state == TRIAL_STOPPED;
}

static inline void assert_counts(const struct view *view)
{
	int64_t by_state[TRIAL_STATE_COUNT] = { 0 }, seeded = 0, total = 0;

	for (size_t i = 0; i < view->n_trials; i++) {
		const struct trial *trial = &view->trials[i];
		assert_int_equal(trial->number, i);
		by_state[trial->state]++;
		seeded += trial->origin == ORIGIN_SEED;
		assert_int_equal(trial_ended(trial), trial->ended_version != 0);
		assert_int_equal(trial_ended(trial), !trial_pending(trial));
		if (trial->state == TRIAL_SUCCEEDED)
			assert_non_null(trial->values);
		if (trial->x)
			assert_true(space_contains(view->spec->space, trial->x));
	}
	for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
		assert_int_equal(view->counts.by_state[i], by_state[i]);
		total += by_state[i];
	}
	assert_int_equal(total, view->n_trials);
	assert_int_equal(view->counts.seeded, seeded);
	assert_int_equal(view->counts.handed + seeded, view->n_trials);
	assert_int_equal(view_pending(view),
		by_state[TRIAL_WAITING] + by_state[TRIAL_RUNNING] + by_state[TRIAL_PAUSED]);
}

/* finished is in the order of the results; best is the first feasible one that none beats. */
static inline void assert_results(const struct view *view)
{
	size_t results = 0;
	int64_t best = -1, since = 0;

	for (size_t i = 0; i < view->n_trials; i++)
		results += has_result(&view->trials[i]);
	assert_int_equal(view->n_finished, results);
	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		assert_true(has_result(trial));
		if (i)
			assert_true(view->trials[view->finished[i - 1]].ended_version <
				    trial->ended_version);
		bool better = trial->state == TRIAL_SUCCEEDED && trial->violation <= 0 &&
			      !isnan(trial->values[0]) &&
			      (best < 0 || trial->values[0] > view->trials[best].values[0]);
		since = better ? 0 : since + 1;
		if (better)
			best = trial->number;
	}
	assert_int_equal(view->counts.best, best);
	/* A trial that was retried has had more results than one. */
	assert_true(view->counts.since_best >= since);
}

static inline void assert_sound(const struct view *view)
{
	assert_counts(view);
	assert_results(view);
}

#endif
