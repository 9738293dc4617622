/*
 * GET /v1/experiments/{id}/pareto: the trials that no other one beats in all objectives at once,
 * and the hypervolume that they dominate together.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/analysis/hypervolume.h"
#include "algorithms/analysis/pareto.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/view_read.h"
#include "core/event.h"
#include "core/json.h"

/* Comparisons of one request, about a second: fronts of many objectives hold nearly every trial. */
#define WORK_MAX 200000000u

/* Steps of the hypervolume, half a second at most; it can be left out, the front cannot. */
#define VOLUME_WORK_MAX 20000000u

struct candidate {
	int64_t number;
	double loss[LIMIT_OBJECTIVES]; /* all to be minimised; unused ones are 0 */
};

struct front {
	struct arena *arena;
	struct candidate *items; /* NULL: no memory */
	size_t n, n_objectives;
	struct objective objectives[LIMIT_OBJECTIVES]; /* names in the arena */
	double reference[LIMIT_OBJECTIVES];	       /* a loss each */
	bool has_reference;
	double volume; /* NaN: not known */
};

static bool candidate_of(
	const struct spec *spec, const struct trial *trial, struct candidate *candidate)
{
	if (trial->state != TRIAL_SUCCEEDED || trial->violation > 0 || !trial->values)
		return false;
	*candidate = (struct candidate){ .number = trial->number };
	for (size_t i = 0; i < spec->n_objectives; i++) {
		candidate->loss[i] = objective_loss(&spec->objectives[i], trial->values[i]);
		if (isnan(candidate->loss[i]))
			return false;
	}
	return true;
}

static bool take_objectives(const struct spec *spec, struct front *front)
{
	front->n_objectives = spec->n_objectives;
	for (size_t i = 0; i < spec->n_objectives; i++) {
		front->objectives[i] = spec->objectives[i];
		front->objectives[i].name = arena_strdup(front->arena, spec->objectives[i].name);
		if (!front->objectives[i].name)
			return false;
	}
	return true;
}

static void take_candidates(const struct view *view, void *context)
{
	struct front *front = context;

	if (!take_objectives(view->spec, front))
		return;
	front->items = arena_array(front->arena, view->n_finished + 1, sizeof(*front->items));
	for (size_t i = 0; front->items && i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		front->n += candidate_of(view->spec, trial, &front->items[front->n]);
	}
}

static int by_number(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

/* Keeps what is not dominated, in the order of numbers; rows then point to its losses. */
static int reduce(struct front *front, const double **rows)
{
	uint32_t *ranks = arena_array(front->arena, front->n + 1, sizeof(*ranks));
	size_t kept = 0;
	int code;

	if (!ranks)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < front->n; i++)
		rows[i] = front->items[i].loss;
	code = pareto_sort(rows, front->n, front->n_objectives, 1, WORK_MAX, front->arena, ranks);
	if (code)
		return code;
	for (size_t i = 0; i < front->n; i++)
		if (ranks[i] == 0)
			front->items[kept++] = front->items[i];
	front->n = kept;
	qsort(front->items, front->n, sizeof(*front->items), by_number);
	return 0;
}

/* ---- the hypervolume ---- */

/* ?reference=1.5,20: finite numbers, one for each objective. False: the problem is replied. */
static bool read_reference(struct call *call, const char *text, struct front *front)
{
	const char *rest = text;

	for (size_t i = 0; i < front->n_objectives; i++) {
		char *end;
		double value = strtod(rest, &end);
		size_t digits = strspn(rest, "+-.0123456789eE"); /* no "inf", no hexadecimal */
		bool last = i + 1 == front->n_objectives;

		if (end == rest || end > rest + digits || !isfinite(value) ||
			*end != (last ? '\0' : ',')) {
			problem_replyf(call, CODE_MALFORMED,
				"the query argument reference must be %zu finite number%s, "
				"separated by commas, in the order of the objectives",
				front->n_objectives, front->n_objectives == 1 ? "" : "s");
			return false;
		}
		front->reference[i] = objective_loss(&front->objectives[i], value);
		rest = end + 1;
	}
	front->has_reference = true;
	return true;
}

/* The worst of the front, and a tenth of its range beyond; of the value itself where there is no
 * range. None if a loss is infinite or there is no front. */
static void default_reference(struct front *front)
{
	if (front->n == 0)
		return;
	for (size_t k = 0; k < front->n_objectives; k++) {
		double low = HUGE_VAL, high = -HUGE_VAL;
		for (size_t i = 0; i < front->n; i++) {
			low = fmin(low, front->items[i].loss[k]);
			high = fmax(high, front->items[i].loss[k]);
		}
		double range = high > low ? high - low : high != 0 ? fabs(high) : 1;
		front->reference[k] = high + 0.1 * range;
		if (!isfinite(front->reference[k]))
			return;
	}
	front->has_reference = true;
}

/* 0 or CODE_NO_MEMORY; the volume stays NaN where it is infinite or takes too long. */
static int measure(struct front *front, const double **rows)
{
	double volume;
	int code;

	front->volume = (double)NAN;
	if (!front->has_reference)
		return 0;
	for (size_t i = 0; i < front->n; i++)
		rows[i] = front->items[i].loss;
	code = hypervolume(rows, front->n, front->n_objectives, front->reference, VOLUME_WORK_MAX,
		front->arena, &volume);
	if (code == 0 && isfinite(volume))
		front->volume = volume;
	return code == CODE_NO_MEMORY ? code : 0;
}

static void write_measure(struct buffer *out, const struct front *front)
{
	struct metric reference[LIMIT_OBJECTIVES];

	buffer_add_text(out, "{\"hypervolume\":");
	if (isnan(front->volume))
		buffer_add_text(out, "null");
	else
		json_write_number(out, front->volume, false);
	buffer_add_text(out, ",\"reference\":");
	for (size_t k = 0; k < front->n_objectives; k++)
		reference[k] = (struct metric){ front->objectives[k].name,
			objective_loss(&front->objectives[k], front->reference[k]) +
				0.0, /* no -0 */
			(double)NAN };
	if (front->has_reference)
		metrics_write(reference, front->n_objectives, out);
	else
		buffer_add_text(out, "null");
	buffer_add_text(out, ",\"items\":[");
}

/* ---- the reply ---- */

struct front_page {
	struct call *call;
	const struct front *front;
	size_t from, n;
};

static void write_page(const struct view *view, void *context)
{
	const struct front_page *page = context;

	write_measure(&page->call->out, page->front);
	for (size_t i = page->from; i < page->from + page->n; i++) {
		const struct trial *trial = view_trial(view, page->front->items[i].number);
		if (!trial)
			continue;
		page_between(page->call);
		write_trial(&page->call->out, trial);
	}
}

/* The whole front and its measure. False: the problem is replied. */
static bool find_front(struct call *call, struct front *front)
{
	const char *text = call->transport->query(call, "reference");
	const double **rows = NULL;
	int code = CODE_NO_MEMORY;

	if (front->items)
		rows = arena_array(front->arena, front->n + 1, sizeof(*rows));
	if (rows && text && !read_reference(call, text, front))
		return false;
	if (rows)
		code = reduce(front, rows);
	if (code == 0 && !text)
		default_reference(front);
	if (code == 0)
		code = measure(front, rows);
	if (code == CODE_TOO_LARGE)
		problem_replyf(call, CODE_TOO_LARGE,
			"the Pareto front of this experiment is too large to be computed here");
	else if (code)
		no_memory_reply(call);
	return code == 0;
}

void trial_pareto(struct api *api, struct session *session, struct call *call)
{
	struct front front = { .arena = &call->arena };
	struct front_page page = { .call = call, .front = &front };
	const char *cursor;
	size_t limit;

	if (!page_arguments(call, &limit, &cursor) ||
		!view_read(api, session, call, take_candidates, &front) ||
		!find_front(call, &front))
		return;
	/* The cursor is the last number of the page before: a front that changes meanwhile neither
	 * repeats a trial nor hides one that stayed. */
	int64_t after = cursor ? strtoll(cursor, NULL, 10) : -1;
	while (page.from < front.n && front.items[page.from].number <= after)
		page.from++;
	page.n = front.n - page.from < limit ? front.n - page.from : limit;
	if (!view_read(api, session, call, write_page, &page))
		return;
	bool more = page.from + page.n < front.n;
	int64_t last = page.n ? front.items[page.from + page.n - 1].number : 0;
	page_end_number(call, more, last);
	reply_json(call, 200);
}
