/* GET /v1/experiments/{id}/progress: the best result so far, as trials finished. */
#include <inttypes.h>
#include <math.h>

#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/view_read.h"
#include "core/json.h"

#define POINTS_DEFAULT 500
#define POINTS_MAX     5000

struct progress {
	struct call *call;
	int64_t points;
};

/* A walk over the finished trials, in the order of their results. */
struct walk {
	const struct view *view;
	const struct trial *best; /* so far */
	int64_t n_timed, total_ms, longest_ms, shortest_ms;
};

static bool improves(const struct walk *walk, const struct trial *trial)
{
	bool counts =
		trial->state == TRIAL_SUCCEEDED && trial->violation <= 0 && !isnan(trial->loss);
	return counts && (!walk->best || trial->loss < walk->best->loss);
}

/* -1: it never ran here. */
static int64_t duration_of(const struct trial *trial)
{
	if (!trial->started_ms || trial->ended_ms < trial->started_ms)
		return -1;
	return trial->ended_ms - trial->started_ms;
}

static void take_time(struct walk *walk, int64_t ms)
{
	if (ms < 0)
		return;
	if (!walk->n_timed || ms < walk->shortest_ms)
		walk->shortest_ms = ms;
	if (ms > walk->longest_ms)
		walk->longest_ms = ms;
	walk->total_ms += ms;
	walk->n_timed++;
}

static void write_point(
	struct buffer *out, const struct walk *walk, const struct trial *trial, size_t finished)
{
	buffer_printf(out,
		"{\"finished\":%zu,\"trial\":%" PRId64 ",\"state\":\"%s\",\"value\":", finished,
		trial->number, trial_state_name(trial->state));
	if (trial->values && trial->state == TRIAL_SUCCEEDED)
		json_write_number(out, trial->values[0], false);
	else
		buffer_add_text(out, "null");
	if (walk->best) {
		buffer_add_text(out, ",\"best\":");
		json_write_number(out, walk->best->values[0], false);
	} else {
		buffer_add_text(out, ",\"best\":null");
	}
	write_count_member(out, "best_trial", walk->best ? walk->best->number : -1);
	write_count_member(out, "duration_ms", duration_of(trial));
	write_time_member(out, "at", trial->ended_ms);
	buffer_add_char(out, '}');
}

/* One part of the walk becomes one point: the last improvement in it, else its last trial. */
static void write_part(struct buffer *out, struct walk *walk, size_t from, size_t to)
{
	const struct view *view = walk->view;
	size_t shown = to - 1;

	for (size_t i = from; i < to; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		take_time(walk, duration_of(trial));
		if (improves(walk, trial)) {
			walk->best = trial;
			shown = i;
		}
	}
	write_point(out, walk, &view->trials[view->finished[shown]], shown + 1);
}

static void write_summary(struct buffer *out, const struct walk *walk)
{
	const struct objective *objective = &walk->view->spec->objectives[0];

	buffer_add_text(out, "],\"objective\":{\"name\":");
	json_write_string(out, objective->name);
	buffer_printf(out, ",\"goal\":\"%s\"},\"finished\":%zu,\"durations\":{\"count\":%" PRId64,
		objective->maximize ? "maximize" : "minimize", walk->view->n_finished,
		walk->n_timed);
	write_count_member(out, "mean_ms", walk->n_timed ? walk->total_ms / walk->n_timed : -1);
	write_count_member(out, "shortest_ms", walk->n_timed ? walk->shortest_ms : -1);
	write_count_member(out, "longest_ms", walk->n_timed ? walk->longest_ms : -1);
	buffer_printf(out, "},\"version\":%" PRIu64 "}", walk->view->counts.version);
}

static void progress_write(const struct view *view, void *context)
{
	const struct progress *progress = context;
	struct buffer *out = &progress->call->out;
	struct walk walk = { .view = view };
	size_t n = view->n_finished, parts = (size_t)progress->points;

	if (parts > n)
		parts = n;
	buffer_add_text(out, "{\"items\":[");
	for (size_t k = 0; k < parts; k++) {
		if (k)
			buffer_add_char(out, ',');
		write_part(out, &walk, n * k / parts, n * (k + 1) / parts);
	}
	write_summary(out, &walk);
}

void trial_progress(struct api *api, struct session *session, struct call *call)
{
	struct progress progress = { .call = call };

	if (!query_int(call, "points", 1, POINTS_MAX, POINTS_DEFAULT, &progress.points))
		return;
	if (view_read(api, session, call, progress_write, &progress))
		reply_json(call, 200);
}
