/*
 * A view: an experiment as of one version. view_apply is the fold, the only place that knows what
 * an event does; the rows of experiments and trials are written from what it leaves behind.
 *
 * Invariants: trials[i].number == i; version is that of the last event applied; the counts add up
 * to n_trials; finished lists every ended trial but the lost and cancelled ones, in the order of
 * their results.
 *
 * A batch of events can be tried and taken back: view_mark, view_apply ..., then view_keep or
 * view_rollback. A view belongs to one thread at a time; tuners and assessors see it const.
 */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include "core/arena.h"
#include "core/event.h"
#include "core/hash.h"
#include "core/spec.h"
#include "core/trial.h"

struct undo; /* what a trial was before the mark */

struct view_counts {
	int64_t by_state[TRIAL_STATE_COUNT];
	int64_t handed; /* numbers that count against max_trials: all but seeds */
	int64_t seeded;
	int64_t since_best; /* results since the best one */
	int64_t best;	    /* trial with the best feasible first objective; -1: none */
	uint64_t version, spec_version;
	enum experiment_status status;
	int64_t active_ms;	 /* time spent running until active_since_ms */
	int64_t active_since_ms; /* 0: not running */
	int64_t updated_ms;
};

struct view {
	const struct catalog *catalog;
	const struct spec *spec;
	const char *reason; /* why status is what it is; never NULL */
	int64_t created_ms;
	struct view_counts counts;

	struct trial *trials;
	size_t n_trials, room_trials;
	uint32_t *finished; /* trial numbers in order of ended_version */
	size_t n_finished, room_finished;
	struct key_set seen; /* keys of all points ever proposed, enqueued or seeded */
	bool needs_metrics;  /* ended trials' reports matter to the tuner or assessor */

	struct arena arena; /* everything the trials point to */
	struct arena spec_arena;

	struct undo *undo;
	size_t n_undo, room_undo;
	struct view_counts marked;
	size_t marked_trials, marked_finished;
	const char *marked_reason;
	bool marking;
	bool inexact; /* since the mark something was done that cannot be taken back */
	bool stale;   /* a rollback could not be exact: drop the view and load it again */
};

void view_init(struct view *view, const struct catalog *catalog);
void view_release(struct view *view);

/* The fold. The event's version must be counts.version + 1. The event's memory
 * is borrowed for the call. CODE_INTERNAL: the event cannot follow (a damaged log). */
int view_apply(struct view *view, const struct event *event, struct error *err);

void view_mark(struct view *view);
void view_keep(struct view *view);
void view_rollback(struct view *view);

/* The trials changed since view_mark, ascending, no repeats; new ones included. */
size_t view_changed(const struct view *view, uint32_t *out, size_t room);

/* Loading from rows instead of events: counts and reason are set by the caller from the
 * experiment's row; then the spec, then trials 0, 1, 2, ... in order; the strings and values of
 * trial are copied. Then view_load_report for the reports, in (trial, version) order, and
 * view_load_end, which sorts finished by ended_version. */
int view_load_spec(struct view *view, const char *spec_json, struct error *err);
int view_load_trial(struct view *view, const struct trial *trial, struct error *err);
int view_load_report(
	struct view *view, int64_t trial, const struct report *report, struct error *err);
int view_load_end(struct view *view, struct error *err);

/* Bytes the view holds, for the cache. */
size_t view_bytes(const struct view *view);

/* NULL when there is no such number. */
const struct trial *view_trial(const struct view *view, int64_t number);

/* Waiting + running + paused. */
int64_t view_pending(const struct view *view);

/* Time the experiment has been running, pauses excluded. */
int64_t view_active_ms(const struct view *view, int64_t now_ms);

/* The values of metrics in the order of the spec's objectives (NaN for missing ones) and the summed
 * outcome-constraint violation; a constraint on a missing metric is violated by 1. */
void view_objectives(const struct spec *spec, const struct metric *metrics, size_t n,
	double *values, double *violation);

#endif
