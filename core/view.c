#include "core/view.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/view_internal.h"

#define VIEW_REASON_RUNNING "running"

struct undo {
	struct trial before; /* meaningful when !is_key */
	bool is_key;	     /* key was added to seen */
	struct key128 key;
};

void view_init(struct view *view, const struct catalog *catalog)
{
	*view = (struct view){ .catalog = catalog, .reason = VIEW_REASON_RUNNING };
	view->counts.best = -1;
	arena_init(&view->arena, 0);
	arena_init(&view->spec_arena, 0);
	key_set_init(&view->seen);
}

void view_release(struct view *view)
{
	free(view->trials);
	free(view->finished);
	free(view->undo);
	key_set_release(&view->seen);
	arena_release(&view->arena);
	arena_release(&view->spec_arena);
	view_init(view, view->catalog);
}

/* ---- growing ---- */

/* Room for one more item in a malloc'ed array; the array moves, indexes stay. */
static int grow(void **items, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return 0;
	size_t want = *room ? *room * 2 : 16;
	void *moved = reallocarray(*items, want, size);
	if (!moved)
		return CODE_NO_MEMORY;
	*items = moved;
	*room = want;
	return 0;
}

static int undo_push(struct view *view, const struct undo *undo)
{
	if (grow((void **)&view->undo, view->n_undo, &view->room_undo, sizeof(*view->undo)))
		return CODE_NO_MEMORY;
	view->undo[view->n_undo++] = *undo;
	return 0;
}

/* Must be called before the first change of an existing trial. */
int view_save(struct view *view, struct trial *trial)
{
	if (!view->marking || trial->marked || (size_t)trial->number >= view->marked_trials)
		return 0;
	struct undo undo = { .before = *trial };
	if (undo_push(view, &undo))
		return CODE_NO_MEMORY;
	trial->marked = true;
	return 0;
}

static int seen_add(struct view *view, const struct key128 *key)
{
	if (key_set_has(&view->seen, key))
		return 0;
	if (view->marking) {
		struct undo undo = { .is_key = true, .key = *key };
		if (undo_push(view, &undo))
			return CODE_NO_MEMORY;
	}
	return key_set_add(&view->seen, key);
}

struct trial *view_push_trial(struct view *view)
{
	if (grow((void **)&view->trials, view->n_trials, &view->room_trials, sizeof(*view->trials)))
		return NULL;
	struct trial *trial = &view->trials[view->n_trials];
	*trial = (struct trial){
		.number = (int64_t)view->n_trials,
		.loss = NAN,
		.last_step = -1,
		.last_value = NAN,
		.parent = -1,
		.resource = NAN,
		.reports_loaded = true,
	};
	view->n_trials++;
	return trial;
}

int view_push_finished(struct view *view, const struct trial *trial)
{
	if (grow((void **)&view->finished, view->n_finished, &view->room_finished,
		    sizeof(*view->finished)))
		return CODE_NO_MEMORY;
	view->finished[view->n_finished++] = (uint32_t)trial->number;
	return 0;
}

/* A retry takes a result back: rare, so a linear search will do. */
void view_drop_finished(struct view *view, const struct trial *trial)
{
	for (size_t i = view->n_finished; i-- > 0;) {
		if (view->finished[i] != (uint32_t)trial->number)
			continue;
		memmove(&view->finished[i], &view->finished[i + 1],
			(view->n_finished - i - 1) * sizeof(*view->finished));
		view->n_finished--;
		view->inexact = true;
		return;
	}
}

/* Reports double in the arena: the old array is garbage until the view goes, as undo needs it. */
int view_push_report(struct view *view, struct trial *trial, const struct report *report)
{
	if (trial->n_reports == trial->room_reports) {
		uint32_t room = trial->room_reports ? trial->room_reports * 2 : 8;
		struct report *moved = arena_array(&view->arena, room, sizeof(*moved));
		if (!moved)
			return CODE_NO_MEMORY;
		if (trial->n_reports)
			memcpy(moved, trial->reports, trial->n_reports * sizeof(*moved));
		trial->reports = moved;
		trial->room_reports = room;
	}
	trial->reports[trial->n_reports++] = *report;
	return 0;
}

/* ---- the point of a trial in the current space ---- */

int view_place(struct view *view, struct trial *trial, const double *x)
{
	const struct space *space = view->spec->space;
	double *own = arena_array(&view->arena, space->n ? space->n : 1, sizeof(*own));
	if (!own)
		return CODE_NO_MEMORY;
	if (x) {
		memcpy(own, x, space->n * sizeof(*own));
	} else {
		struct faults faults;
		faults_init(&faults);
		int rc = space_read(space, trial->parameters, false, own, &faults, NULL);
		if (rc == CODE_NO_MEMORY)
			return rc;
		if (rc || faults.n) {
			/* Not of this space (it was edited, or the user's own): counted, not
			 * modelled. */
			trial->x = NULL;
			return 0;
		}
	}
	trial->x = own;
	space_key(space, own, &trial->key);
	return seen_add(view, &trial->key);
}

int view_load_spec(struct view *view, const char *spec_json, struct error *err)
{
	struct faults faults;
	const struct spec *spec;

	faults_init(&faults);
	int rc = spec_parse(spec_json, strlen(spec_json), NULL, view->catalog, 0, &view->spec_arena,
		&spec, &faults, err);
	if (rc == CODE_INVALID)
		return fail(err, CODE_INTERNAL, "the stored spec is not valid: %s: %s",
			faults.items[0].pointer, faults.items[0].message);
	if (rc)
		return rc;
	view->spec = spec;
	view->needs_metrics = spec->assessor || (spec->tuner->caps & ALGORITHM_NEEDS_METRICS) != 0;
	return 0;
}

/* ---- trying and taking back ---- */

void view_mark(struct view *view)
{
	assert(!view->marking);
	view->marking = true;
	view->inexact = false;
	view->n_undo = 0;
	view->marked = view->counts;
	view->marked_reason = view->reason;
	view->marked_trials = view->n_trials;
	view->marked_finished = view->n_finished;
}

void view_keep(struct view *view)
{
	assert(view->marking);
	for (size_t i = 0; i < view->n_undo; i++)
		if (!view->undo[i].is_key)
			view->trials[view->undo[i].before.number].marked = false;
	view->marking = false;
	view->n_undo = 0;
}

void view_rollback(struct view *view)
{
	assert(view->marking);
	for (size_t i = view->n_undo; i-- > 0;) {
		const struct undo *undo = &view->undo[i];
		if (undo->is_key)
			key_set_remove(&view->seen, &undo->key);
		else
			view->trials[undo->before.number] = undo->before;
	}
	view->counts = view->marked;
	view->reason = view->marked_reason;
	view->n_trials = view->marked_trials;
	view->n_finished = view->marked_finished;
	view->marking = false;
	view->n_undo = 0;
	if (view->inexact)
		view->stale = true;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

size_t view_changed(const struct view *view, uint32_t *out, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < view->n_undo && n < room; i++)
		if (!view->undo[i].is_key)
			out[n++] = (uint32_t)view->undo[i].before.number;
	if (n > 1)
		qsort(out, n, sizeof(*out), compare_u32);
	for (size_t i = view->marked_trials; i < view->n_trials && n < room; i++)
		out[n++] = (uint32_t)i;
	return n;
}

/* ---- loading from rows ---- */

static bool copy_text(struct arena *arena, const char **text)
{
	if (!*text)
		return true;
	*text = arena_strdup(arena, *text);
	return *text != NULL;
}

/* Everything that trial points to becomes the view's own. */
static bool own_strings(struct view *view, struct trial *trial)
{
	struct arena *arena = &view->arena;
	if (trial->tag.size) {
		trial->tag.data = arena_copy(arena, trial->tag.data, trial->tag.size);
		if (!trial->tag.data)
			return false;
	}
	if (trial->values) {
		trial->values = arena_copy(
			arena, trial->values, view->spec->n_objectives * sizeof(*trial->values));
		if (!trial->values)
			return false;
	}
	return copy_text(arena, &trial->parameters) && copy_text(arena, &trial->values_json) &&
	       copy_text(arena, &trial->meta) && copy_text(arena, &trial->checkpoint) &&
	       copy_text(arena, &trial->worker) && copy_text(arena, &trial->message);
}

int view_load_trial(struct view *view, const struct trial *row, struct error *err)
{
	assert(view->spec);
	if ((size_t)row->number != view->n_trials)
		return fail(err, CODE_INTERNAL, "trial %lld stands where %zu should",
			(long long)row->number, view->n_trials);
	struct trial *trial = view_push_trial(view);
	if (!trial)
		return fail(err, CODE_NO_MEMORY, "no memory for trial %zu", view->n_trials);
	*trial = *row;
	trial->reports = NULL;
	trial->n_reports = trial->room_reports = 0;
	trial->reports_loaded = trial_pending(trial) || view->needs_metrics;
	trial->x = NULL;
	trial->marked = false;
	if (!own_strings(view, trial) || view_place(view, trial, NULL))
		return fail(err, CODE_NO_MEMORY, "no memory for trial %zu", view->n_trials);
	return 0;
}

int view_load_report(
	struct view *view, int64_t number, const struct report *report, struct error *err)
{
	if (number < 0 || (size_t)number >= view->n_trials)
		return fail(err, CODE_INTERNAL, "a report of trial %lld, which is not there",
			(long long)number);
	if (view_push_report(view, &view->trials[number], report))
		return fail(err, CODE_NO_MEMORY, "no memory for a report");
	return 0;
}

struct ended {
	uint64_t version;
	uint32_t number;
};

static int compare_ended(const void *a, const void *b)
{
	uint64_t x = ((const struct ended *)a)->version, y = ((const struct ended *)b)->version;
	return (x > y) - (x < y);
}

int view_load_end(struct view *view, struct error *err)
{
	struct ended *ended = reallocarray(NULL, view->n_trials + 1, sizeof(*ended));
	size_t n = 0;

	if (!ended)
		return fail(err, CODE_NO_MEMORY, "no memory for %zu trials", view->n_trials);
	for (size_t i = 0; i < view->n_trials; i++)
		if (view_has_result(&view->trials[i]))
			ended[n++] = (struct ended){ view->trials[i].ended_version, (uint32_t)i };
	qsort(ended, n, sizeof(*ended), compare_ended);
	int rc = 0;
	for (size_t i = 0; i < n && !rc; i++)
		rc = view_push_finished(view, &view->trials[ended[i].number]);
	free(ended);
	return rc ? fail(err, CODE_NO_MEMORY, "no memory for %zu results", n) : 0;
}

/* ---- reading ---- */

size_t view_bytes(const struct view *view)
{
	return sizeof(*view) + view->room_trials * sizeof(*view->trials) +
	       view->room_finished * sizeof(*view->finished) +
	       view->room_undo * sizeof(*view->undo) + view->seen.room * sizeof(struct key128) +
	       view->arena.held + view->spec_arena.held;
}

const struct trial *view_trial(const struct view *view, int64_t number)
{
	if (number < 0 || (uint64_t)number >= view->n_trials)
		return NULL;
	return &view->trials[number];
}

int64_t view_pending(const struct view *view)
{
	const int64_t *by_state = view->counts.by_state;
	return by_state[TRIAL_WAITING] + by_state[TRIAL_RUNNING] + by_state[TRIAL_PAUSED];
}

int64_t view_active_ms(const struct view *view, int64_t now_ms)
{
	int64_t active = view->counts.active_ms;
	if (view->counts.active_since_ms && now_ms > view->counts.active_since_ms)
		active += now_ms - view->counts.active_since_ms;
	return active;
}

static double metric_value(const struct metric *metrics, size_t n, const char *name, bool *found)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(metrics[i].name, name) == 0) {
			*found = true;
			return metrics[i].value;
		}
	}
	*found = false;
	return NAN;
}

void view_objectives(const struct spec *spec, const struct metric *metrics, size_t n,
	double *values, double *violation)
{
	bool found;

	for (size_t i = 0; i < spec->n_objectives; i++)
		values[i] = metric_value(metrics, n, spec->objectives[i].name, &found);
	*violation = 0;
	for (size_t i = 0; i < spec->n_constraints; i++) {
		const struct outcome_constraint *constraint = &spec->constraints[i];
		double value = metric_value(metrics, n, constraint->metric, &found);
		if (!found || isnan(value))
			*violation += 1;
		else if (value > constraint->max)
			*violation += value - constraint->max;
		else if (value < constraint->min)
			*violation += constraint->min - value;
	}
}
