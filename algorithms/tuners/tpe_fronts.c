#include "algorithms/tuners/tpe_fronts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "algorithms/analysis/hypervolume.h"
#include "algorithms/analysis/pareto.h"

#define SORT_WORK   ((uint64_t)1 << 20) /* comparisons in an ask */
#define VOLUME_WORK ((uint64_t)1 << 16) /* steps of one hypervolume */

struct results {
	struct tpe_record **records;
	const double **losses; /* rows of m */
	size_t n, m;
};

static int gather(struct results *results, struct tpe_history *history, const struct view *view,
	struct arena *arena)
{
	const struct spec *spec = view->spec;

	results->m = spec->n_objectives;
	results->records = arena_array(arena, history->n, sizeof(*results->records));
	results->losses = arena_array(arena, history->n, sizeof(*results->losses));
	if (!results->records || !results->losses)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < history->n; i++) {
		struct tpe_record *record = &history->records[i];
		if (record->rank != RANK_RESULT)
			continue;
		double *row = arena_array(arena, results->m, sizeof(*row));
		if (!row)
			return CODE_NO_MEMORY;
		bool whole = true;
		for (size_t k = 0; k < results->m; k++) {
			row[k] = objective_loss(
				&spec->objectives[k], view->trials[record->number].values[k]);
			whole = whole && !isnan(row[k]);
		}
		if (!whole) {
			record->rank = RANK_FAILED;
			record->major = record->minor = 0;
			history->n_results--;
			continue;
		}
		results->records[results->n] = record;
		results->losses[results->n++] = row;
	}
	return 0;
}

/* ---- places instead of fronts ---- */

struct entry {
	double loss;
	size_t i;
};

static int by_loss(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss < y->loss ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

static int rank_by_places(struct results *results, struct arena *arena)
{
	struct entry *entries = arena_array(arena, results->n, sizeof(*entries));

	if (!entries)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < results->n; i++)
		results->records[i]->major = results->records[i]->minor = 0;
	for (size_t k = 0; k < results->m; k++) {
		for (size_t i = 0; i < results->n; i++)
			entries[i] = (struct entry){ results->losses[i][k], i };
		qsort(entries, results->n, sizeof(*entries), by_loss);
		size_t place = 0;
		for (size_t i = 0; i < results->n; i++) {
			if (i && entries[i].loss > entries[i - 1].loss)
				place = i;
			results->records[entries[i].i]->major += (double)place;
		}
	}
	return 0;
}

/* ---- a front, by hypervolume ---- */

struct candidate {
	struct tpe_record *record;
	const double *losses;
	double gain;  /* what it adds to the picked ones; never less than it would now */
	size_t round; /* in which the gain was computed */
	bool picked;
};

struct front {
	struct candidate *candidates;
	const double **picked; /* room for all that are wanted */
	size_t n, n_picked, m;
	double reference[LIMIT_OBJECTIVES];
	double volume; /* of the picked ones */
	struct arena scratch;
};

/* A tenth beyond the worst; what is infinite there, or worse, adds nothing. */
static void set_reference(struct front *front)
{
	for (size_t k = 0; k < front->m; k++) {
		double worst = -HUGE_VAL;
		for (size_t i = 0; i < front->n; i++)
			if (isfinite(front->candidates[i].losses[k]))
				worst = fmax(worst, front->candidates[i].losses[k]);
		double beyond = fmax(1.1 * worst, 0.9 * worst);
		front->reference[k] = !isfinite(beyond) ? 0 : beyond > worst ? beyond : DBL_EPSILON;
	}
}

static int measure(struct front *front, struct candidate *candidate)
{
	double volume;

	front->picked[front->n_picked] = candidate->losses;
	arena_reset(&front->scratch);
	int code = hypervolume(front->picked, front->n_picked + 1, front->m, front->reference,
		VOLUME_WORK, &front->scratch, &volume);
	if (code == CODE_NO_MEMORY)
		return code;
	/* Too much work, or infinite: as it was last known, or as good as the others. */
	if (code == 0 && isfinite(volume))
		candidate->gain = volume - front->volume;
	else if (!isfinite(candidate->gain))
		candidate->gain = 0;
	candidate->round = front->n_picked;
	return 0;
}

/* Gains only fall as more is picked, so the first whose gain is of this round is the greatest. */
static int pick(struct front *front, struct candidate **out)
{
	for (;;) {
		struct candidate *best = NULL;
		for (size_t i = 0; i < front->n; i++) {
			struct candidate *candidate = &front->candidates[i];
			if (!candidate->picked && (!best || candidate->gain > best->gain))
				best = candidate;
		}
		*out = best;
		if (!best || best->round == front->n_picked)
			return 0;
		int code = measure(front, best);
		if (code)
			return code;
	}
}

static int rank_front(struct front *front, size_t wanted)
{
	set_reference(front);
	while (front->n_picked < wanted) {
		struct candidate *next;
		int code = pick(front, &next);
		if (code || !next)
			return code;
		next->picked = true;
		next->record->minor = (double)front->n_picked;
		front->volume += next->gain;
		front->picked[front->n_picked++] = next->losses;
	}
	return 0;
}

/* The points of one front as candidates; none is measured yet. */
static void front_fill(
	struct front *front, const struct results *results, const uint32_t *ranks, uint32_t rank)
{
	front->n = front->n_picked = 0;
	front->volume = 0;
	for (size_t i = 0; i < results->n; i++)
		if (ranks[i] == rank)
			front->candidates[front->n++] = (struct candidate){
				.record = results->records[i],
				.losses = results->losses[i],
				.gain = HUGE_VAL,
				.round = SIZE_MAX,
			};
}

static int rank_by_fronts(struct results *results, const uint32_t *ranks, struct arena *arena)
{
	size_t left = TPE_FRONTS_PICKS < results->n ? TPE_FRONTS_PICKS : results->n;
	struct front front = {
		.m = results->m,
		.candidates = arena_array(arena, results->n, sizeof(*front.candidates)),
		.picked = arena_array(arena, left, sizeof(*front.picked)),
	};
	int code = front.candidates && front.picked ? 0 : CODE_NO_MEMORY;

	for (size_t i = 0; i < results->n; i++) {
		results->records[i]->major = (double)ranks[i];
		results->records[i]->minor = TPE_FRONTS_PICKS;
	}
	arena_init(&front.scratch, arena->limit);
	for (uint32_t rank = 0; code == 0 && left > 0; rank++) {
		front_fill(&front, results, ranks, rank);
		size_t wanted = front.n < left ? front.n : left;
		code = rank_front(&front, wanted);
		left -= wanted;
	}
	arena_release(&front.scratch);
	return code;
}

int tpe_fronts_rank(struct tpe_history *history, const struct view *view, struct arena *arena)
{
	struct results results = { 0 };
	int code = gather(&results, history, view, arena);

	if (code || results.n == 0)
		return code;
	uint32_t *ranks = arena_array(arena, results.n, sizeof(*ranks));
	if (!ranks)
		return CODE_NO_MEMORY;
	code = pareto_sort(results.losses, results.n, results.m, SIZE_MAX, SORT_WORK, arena, ranks);
	if (code == CODE_TOO_LARGE)
		return rank_by_places(&results, arena);
	return code ? code : rank_by_fronts(&results, ranks, arena);
}
