/*
 * For tests of tuners and assessors: an experiment in memory, made the way the server makes it, by
 * applying events to a view. Every event is also kept as its JSON line, so a test can rebuild the
 * view from its log and see whether the same comes out.
 *
 * Each function fails the running cmocka test when something goes wrong that the test did not ask
 * for. Numbers are trial numbers. The clock advances by one second per event.
 */
#ifndef TESTS_UNIT_ALGORITHMS_SUPPORT_H
#define TESTS_UNIT_ALGORITHMS_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "algorithms/tuners/tuner.h"
#include "core/view.h"

struct fake {
	struct catalog catalog;
	struct view view;
	struct arena arena; /* events' lines; lives as long as the fake */
	struct arena scratch;
	char **lines; /* the log: one JSON event each */
	size_t n_lines, room_lines;
	int64_t clock_ms;
	struct model model; /* what the tuner has learnt, if it learns */
	struct buffer model_bytes;
	struct workspace workspace;
};

/* An experiment from a whole body (POST /v1/experiments). */
void fake_init(struct fake *fake, const char *body);

/* An experiment that minimises "default". options: JSON object of the tuner's options, or NULL.
 * more: further members of the body with a leading comma (",\"limits\":{...}"), or NULL. */
void fake_init_tuner(struct fake *fake, const char *tuner, const char *options, uint64_t seed,
	const char *search_space, const char *more);

void fake_release(struct fake *fake);

/* Lets the experiment's tuner learn what is due, asks it through tuner_ask and applies the
 * suggestion, a new trial or a paused one, which then runs. 0 (*number is the trial), CODE_WAIT or
 * CODE_EXHAUSTED. number may be NULL.
 */
int fake_suggest(struct fake *fake, int64_t *number);

/* The same when there are no new numbers any more: a paused trial is promoted, or nothing. */
int fake_promote(struct fake *fake, int64_t *number);

/* A compute on the processor, one for the test program. */
struct compute *fake_compute(void);

/* Only asks; x[space->n] gets the proposal. The view does not change. */
int fake_ask(const struct view *view, double *x);

/* A trial made by the test, from JSON parameters: handed out as if the tuner had proposed it, as a
 * customised trial (waiting until assigned), as a foreign result (NaN: a failed one). They answer
 * its number. */
int64_t fake_place_json(struct fake *fake, const char *parameters);
int64_t fake_enqueue(struct fake *fake, const char *parameters);
int64_t fake_seed(struct fake *fake, const char *parameters, double value);

/* What happens to a trial. */
void fake_assign(struct fake *fake, int64_t number);
void fake_report(struct fake *fake, int64_t number, int64_t step, double value);
void fake_observe(struct fake *fake, int64_t number, double value);
void fake_observe_many(struct fake *fake, int64_t number, const double *values); /* n_objectives */
void fake_observe_metrics(
	struct fake *fake, int64_t number, const struct metric *metrics, size_t n);
void fake_fail(struct fake *fake, int64_t number);
void fake_stop(struct fake *fake, int64_t number);
void fake_pause(struct fake *fake, int64_t number);
void fake_cancel(struct fake *fake, int64_t number);
void fake_expire(struct fake *fake, int64_t number, bool lost);
void fake_retry(struct fake *fake, int64_t number);

/* A PATCH of the experiment: only the members present change. */
void fake_edit(struct fake *fake, const char *patch);

/* The same view again from its log; release it with view_release. */
void fake_rebuild(const struct fake *fake, struct view *out);

/* The tuner proposes the same for the view as it is and as rebuilt from its log, twice; answers
 * what tuner_ask answered. */
int fake_check_replay(struct fake *fake);

/* Value of the parameter with that address in trial number (NaN: inactive). */
double fake_value(const struct fake *fake, int64_t number, const char *address);

/* Suggests until the tuner is exhausted, answering each trial at once with value(x) (NULL: 0),
 * pending trials in between as many as asked for. Fails on a duplicate, an invalid, infeasible or
 * non-canonical point, or after more than ceiling trials. Answers how many were handed out. */
size_t fake_drain(struct fake *fake, size_t pending, size_t ceiling,
	double (*value)(const struct space *space, const double *x));

#endif
