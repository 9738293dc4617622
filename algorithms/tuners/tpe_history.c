#include "algorithms/tuners/tpe_history.h"

#include <math.h>

#include "algorithms/tuners/tpe_fronts.h"

static double unless_nan(double x)
{
	return isnan(x) ? HUGE_VAL : x;
}

/* False: the trial says nothing (cancelled, or not a point of this space). */
static bool record_of(const struct view *view, const struct trial *trial, struct tpe_record *out)
{
	if (!trial->x || trial->state == TRIAL_CANCELLED)
		return false;
	*out = (struct tpe_record){
		.x = trial->x,
		.number = (uint32_t)trial->number,
		.rank = RANK_FAILED,
	};
	if (trial_pending(trial)) {
		out->rank = RANK_PENDING;
	} else if (trial->state == TRIAL_STOPPED && trial->last_step >= 0) {
		const struct objective *first = &view->spec->objectives[0];
		out->rank = RANK_STOPPED;
		out->major = -(double)trial->last_step;
		out->minor = unless_nan(objective_loss(first, trial->last_value));
	} else if (trial->state == TRIAL_SUCCEEDED && !isnan(trial->loss)) {
		bool feasible = !(trial->violation > 0);
		out->rank = feasible ? RANK_RESULT : RANK_INFEASIBLE;
		out->major = feasible ? trial->loss : trial->violation;
		out->minor = feasible ? 0 : trial->loss;
	}
	return true;
}

/* The loss a pending trial is said to have; 0 when no finite one is known, as NNI. */
static double lie_of(const struct tpe_history *history, enum tpe_liar liar)
{
	double best = HUGE_VAL, worst = -HUGE_VAL, sum = 0, n = 0;
	for (size_t i = 0; i < history->n; i++) {
		const struct tpe_record *record = &history->records[i];
		if (record->rank != RANK_RESULT || !isfinite(record->major))
			continue;
		best = fmin(best, record->major);
		worst = fmax(worst, record->major);
		sum += record->major;
		n++;
	}
	if (n == 0)
		return 0;
	return liar == LIAR_BEST ? best : liar == LIAR_WORST ? worst : sum / n;
}

static void tell_lies(struct tpe_history *history, enum tpe_liar liar)
{
	double lie = lie_of(history, liar);
	for (size_t i = 0; i < history->n; i++) {
		struct tpe_record *record = &history->records[i];
		if (record->rank != RANK_PENDING)
			continue;
		record->rank = RANK_RESULT;
		record->major = lie;
		record->lie = true;
	}
}

int tpe_history_init(struct tpe_history *history, const struct view *view, enum tpe_liar liar,
	struct arena *arena)
{
	*history = (struct tpe_history){
		.records = arena_array(arena, view->n_trials, sizeof(struct tpe_record)),
		.order = arena_array(arena, view->n_trials, sizeof(uint32_t)),
	};
	if (!history->records || !history->order)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < view->n_trials; i++) {
		struct tpe_record *record = &history->records[history->n];
		if (!record_of(view, &view->trials[i], record))
			continue;
		if (record->rank == RANK_PENDING && liar == LIAR_NONE)
			continue;
		history->n_results += record->rank < RANK_FAILED;
		history->n++;
	}
	int code = view->spec->n_objectives > 1 ? tpe_fronts_rank(history, view, arena) : 0;
	if (code)
		return code;
	if (liar == LIAR_BEST || liar == LIAR_WORST || liar == LIAR_MEAN)
		tell_lies(history, liar);
	return 0;
}

size_t tpe_history_count(const struct tpe_history *history, size_t j)
{
	size_t n = 0;
	for (size_t i = 0; i < history->n; i++) {
		const struct tpe_record *record = &history->records[i];
		n += record->rank < RANK_FAILED && !record->lie && !isnan(record->x[j]);
	}
	return n;
}

/* A total order: ties by age. */
static bool ranks_before(const struct tpe_record *a, const struct tpe_record *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->major != b->major)
		return a->major < b->major;
	if (a->minor != b->minor)
		return a->minor < b->minor;
	return a->number < b->number;
}

static void swap_indexes(uint32_t *a, uint32_t *b)
{
	uint32_t swap = *a;
	*a = *b;
	*b = swap;
}

/* Hoare's selection: afterwards the k best of order[0 .. n) are its first k, in no order. */
static void select_best(const struct tpe_record *records, uint32_t *order, size_t n, size_t k)
{
	size_t low = 0, high = n; /* the k-th border lies within [low, high) */
	while (high - low > 1 && k > low && k < high) {
		size_t middle = low + (high - low) / 2, border = low;
		swap_indexes(&order[middle], &order[high - 1]);
		const struct tpe_record *pivot = &records[order[high - 1]];
		for (size_t i = low; i + 1 < high; i++)
			if (ranks_before(&records[order[i]], pivot))
				swap_indexes(&order[i], &order[border++]);
		swap_indexes(&order[border], &order[high - 1]);
		if (border >= k)
			high = border;
		else
			low = border + 1;
	}
}

/* Which of the n oldest-first indexes stay: the newest whole, one of each stratum of the older
 * ones, standing for all of it. The place within a stratum is hashed, so that it does not beat
 * against a period of the history (a batch size, say). Answers how many stay. */
static size_t thin(uint32_t *order, size_t n, double *multiplicity)
{
	size_t strata = TPE_ABOVE_KEPT - TPE_ABOVE_NEWEST, old = n - TPE_ABOVE_NEWEST;
	for (size_t s = 0; s < strata; s++) {
		size_t start = old * s / strata, end = old * (s + 1) / strata;
		uint32_t hash = (uint32_t)s * 0x9E3779B9u;
		hash ^= hash >> 15;
		order[s] = order[start + hash % (end - start)];
		multiplicity[s] = (double)(end - start);
	}
	for (size_t i = 0; i < TPE_ABOVE_NEWEST; i++) {
		order[strata + i] = order[old + i];
		multiplicity[strata + i] = 1;
	}
	return TPE_ABOVE_KEPT;
}

static int fill_side(const struct tpe_history *history, uint32_t *order, size_t n,
	struct arena *arena, struct tpe_side *side)
{
	*side = (struct tpe_side){ .n = n };
	if (n > TPE_ABOVE_LIMIT) {
		side->multiplicity = arena_array(arena, TPE_ABOVE_KEPT, sizeof(double));
		if (!side->multiplicity)
			return CODE_NO_MEMORY;
		side->n = thin(order, n, side->multiplicity);
	}
	side->points = arena_array(arena, side->n, sizeof(*side->points));
	if (!side->points)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < side->n; i++)
		side->points[i] = history->records[order[i]].x;
	return 0;
}

static size_t below_count(const struct tpe_split_rule *rule, size_t ranked)
{
	double n = (double)ranked;
	double below = ceil(rule->gamma * (rule->root ? sqrt(n) : n));
	if (below > (double)rule->below_max)
		below = (double)rule->below_max;
	if (below < (double)rule->below_min)
		below = (double)rule->below_min;
	return below < n ? (size_t)below : ranked;
}

int tpe_history_split(struct tpe_history *history, size_t j, const struct tpe_split_rule *rule,
	struct arena *arena, struct tpe_side *below, struct tpe_side *above)
{
	uint32_t *order = history->order;
	size_t n = 0, ranked = 0;
	for (size_t i = 0; i < history->n; i++) {
		if (isnan(history->records[i].x[j]))
			continue;
		ranked += history->records[i].rank < RANK_FAILED;
		order[n++] = (uint32_t)i;
	}
	size_t n_below = below_count(rule, ranked);
	bool *good = arena_array(arena, history->n, sizeof(bool));
	if (!good)
		return CODE_NO_MEMORY;
	select_best(history->records, order, n, n_below);
	for (size_t i = 0; i < n_below; i++)
		good[order[i]] = true;

	/* Back to chronological order, first one side, then the other. */
	size_t b = 0, a = n_below;
	for (size_t i = 0; i < history->n; i++) {
		if (!isnan(history->records[i].x[j]))
			order[good[i] ? b++ : a++] = (uint32_t)i;
	}
	int code = fill_side(history, order, n_below, arena, below);
	return code ? code : fill_side(history, order + n_below, n - n_below, arena, above);
}
