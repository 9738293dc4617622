#include "algorithms/tuners/tuner_rank.h"

#include <math.h>

struct rank rank_of(const struct view *view, const struct trial *trial)
{
	struct rank rank = { TIER_FAILED, 0.0, (uint32_t)trial->number };

	if (trial->state == TRIAL_SUCCEEDED && !isnan(trial->loss)) {
		bool feasible = !(trial->violation > 0);

		rank.tier = feasible ? TIER_FEASIBLE : TIER_INFEASIBLE;
		rank.score = feasible ? trial->loss : trial->violation;
	} else if (trial->state == TRIAL_STOPPED && !isnan(trial->last_value)) {
		rank.tier = TIER_STOPPED;
		rank.score = objective_loss(&view->spec->objectives[0], trial->last_value);
	}
	return rank;
}

bool rank_better(const struct rank *a, const struct rank *b)
{
	if (a->tier != b->tier)
		return a->tier < b->tier;
	if (a->score != b->score)
		return a->score < b->score;
	return a->number < b->number;
}

size_t rank_count(const struct view *view, size_t enough)
{
	size_t n = 0;

	for (size_t i = 0; i < view->n_trials && n < enough; i++)
		n += view->trials[i].x && view->trials[i].state != TRIAL_CANCELLED;
	return n;
}

struct rank *rank_finished(const struct view *view, size_t newest, struct arena *arena, size_t *n)
{
	size_t first = view->n_finished, found = 0;
	struct rank *ranks;

	while (first > 0 && found < newest)
		found += view->trials[view->finished[--first]].x != NULL;
	ranks = arena_array(arena, found ? found : 1, sizeof(*ranks));
	*n = 0;
	for (size_t i = first; ranks && i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];

		if (trial->x)
			ranks[(*n)++] = rank_of(view, trial);
	}
	return ranks;
}

/* Insertion into a sorted front: cheap when k is small and most of the rest never gets in. */
void rank_select(struct rank *ranks, size_t n, size_t k)
{
	for (size_t i = 1; i < n; i++) {
		size_t end = i < k ? i : k; /* ranks[0 .. end-1] are sorted */
		struct rank next = ranks[i];
		size_t at = end;

		while (at > 0 && rank_better(&next, &ranks[at - 1]))
			at--;
		if (at == end)
			continue;
		/* The one that drops out of a full front takes the place of the one coming in. */
		struct rank last = ranks[end - 1];
		for (size_t j = end - 1; j > at; j--)
			ranks[j] = ranks[j - 1];
		ranks[at] = next;
		ranks[i] = last;
	}
}
