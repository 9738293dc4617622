/*
 * GET /v1/experiments/{id}/pareto: the trials that no other one beats in all objectives at once.
 *
 * Sorted by their losses in lexicographic order, a trial can only be dominated by one before it, so
 * one pass that compares with the front found so far is enough.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/view_read.h"

/* Comparisons of one request, about a second: fronts of many objectives hold nearly every trial. */
#define WORK_MAX 200000000u

struct candidate {
	int64_t number;
	double loss[LIMIT_OBJECTIVES]; /* all to be minimised; unused ones are 0 */
};

struct front {
	struct arena *arena;
	struct candidate *items; /* NULL: no memory */
	size_t n, n_objectives;
	uint64_t version;
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

static void take_candidates(const struct view *view, void *context)
{
	struct front *front = context;

	front->n_objectives = view->spec->n_objectives;
	front->version = view->counts.version;
	front->items = arena_array(front->arena, view->n_finished + 1, sizeof(*front->items));
	for (size_t i = 0; front->items && i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		front->n += candidate_of(view->spec, trial, &front->items[front->n]);
	}
}

static int by_losses(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	for (size_t i = 0; i < LIMIT_OBJECTIVES; i++)
		if (x->loss[i] != y->loss[i])
			return x->loss[i] < y->loss[i] ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

/* x is as good in every objective and better in one. */
static bool dominates(const struct candidate *x, const struct candidate *y, size_t n)
{
	bool better = false;
	for (size_t i = 0; i < n; i++) {
		if (x->loss[i] > y->loss[i])
			return false;
		better |= x->loss[i] < y->loss[i];
	}
	return better;
}

/* Keeps what is not dominated, in the order of numbers. False: too much work. */
static bool reduce(struct front *front)
{
	size_t kept = 0, work = 0;

	qsort(front->items, front->n, sizeof(*front->items), by_losses);
	for (size_t i = 0; i < front->n; i++) {
		bool dominated = false;
		/* The newest of the front are the nearest, so most likely to dominate. */
		for (size_t k = kept; k-- > 0 && !dominated;)
			dominated =
				dominates(&front->items[k], &front->items[i], front->n_objectives);
		work += kept;
		if (work > WORK_MAX)
			return false;
		if (!dominated)
			front->items[kept++] = front->items[i];
	}
	front->n = kept;
	qsort(front->items, front->n, sizeof(*front->items), by_number);
	return true;
}

struct front_page {
	struct call *call;
	const struct front *front;
	size_t from, n;
};

static void write_page(const struct view *view, void *context)
{
	const struct front_page *page = context;

	page_begin(page->call);
	for (size_t i = page->from; i < page->from + page->n; i++) {
		const struct trial *trial = view_trial(view, page->front->items[i].number);
		if (!trial)
			continue;
		page_between(page->call);
		write_trial(&page->call->out, trial);
	}
}

void trial_pareto(struct api *api, struct session *session, struct call *call)
{
	struct front front = { .arena = &call->arena };
	struct front_page page = { .call = call, .front = &front };
	const char *cursor;
	size_t limit;

	if (!page_arguments(call, &limit, &cursor) ||
		!view_read(api, session, call, take_candidates, &front))
		return;
	if (!front.items) {
		no_memory_reply(call);
		return;
	}
	if (!reduce(&front)) {
		problem_replyf(call, CODE_TOO_LARGE,
			"the Pareto front of this experiment is too large to be computed here");
		return;
	}
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
