/* GET /v1/experiments/{id}/trials and .../best: trials as pages, CSV or NDJSON. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/table.h"
#include "api/view_read.h"
#include "core/json.h"

#define BEST_DEFAULT 10

/* ---- CSV ---- */

static void csv_header(struct buffer *out, const struct spec *spec, const bool *shown)
{
	buffer_add_text(out, "number,state,attempt,worker,created,started,ended");
	for (size_t i = 0; i < spec->n_objectives; i++) {
		buffer_add_char(out, ',');
		csv_text(out, spec->objectives[i].name);
	}
	for (size_t i = 0; i < spec->space->n; i++) {
		if (!shown[i])
			continue;
		buffer_add_char(out, ',');
		csv_text(out, spec->space->parameters[i].address);
	}
	buffer_add_text(out, "\r\n");
}

/* The value of parameter i in parameters as they were handed out; NULL: not active in them. */
static const json_t *value_of(const struct space *space, const json_t *parameters, int i)
{
	int chain[LIMIT_SPACE_DEPTH + 1];
	size_t depth = 0;

	for (; i >= 0 && depth < sizeof(chain) / sizeof(*chain); i = space->parameters[i].owner)
		chain[depth++] = i;
	const json_t *value = parameters;
	while (depth > 0 && value)
		value = json_object_get(value, space->parameters[chain[--depth]].name);
	return value;
}

static int csv_value(struct buffer *out, const json_t *value, struct error *err)
{
	const json_t *branch = json_object_get(value, "_name");
	if (branch)
		value = branch;
	if (!value || json_is_null(value))
		return 0;
	if (json_is_string(value)) {
		csv_text(out, json_string_value(value));
		return 0;
	}
	if (json_is_number(value) || json_is_boolean(value))
		return json_write(value, out, err);
	struct buffer text;
	buffer_init(&text, LIMIT_BODY_BYTES);
	int rc = json_write(value, &text, err);
	if (!rc)
		csv_text(out, buffer_text(&text));
	buffer_release(&text);
	return rc;
}

static int csv_row(struct buffer *out, const struct trial *trial, const struct spec *spec,
	const bool *shown, struct error *err)
{
	json_t *parameters;
	int rc = json_read(trial->parameters, strlen(trial->parameters), &parameters, err);

	if (rc)
		return rc;
	buffer_printf(out, "%" PRId64 ",%s,%u,", trial->number, trial_state_name(trial->state),
		(unsigned)trial->attempt);
	csv_text(out, trial->worker);
	int64_t times[] = { trial->created_ms, trial->started_ms, trial->ended_ms };
	for (size_t i = 0; i < 3; i++) {
		buffer_add_char(out, ',');
		csv_time(out, times[i]);
	}
	for (size_t i = 0; i < spec->n_objectives; i++) {
		buffer_add_char(out, ',');
		if (trial->values)
			csv_number(out, trial->values[i], false);
	}
	for (size_t i = 0; !rc && i < spec->space->n; i++) {
		if (!shown[i])
			continue;
		buffer_add_char(out, ',');
		rc = csv_value(out, value_of(spec->space, parameters, (int)i), err);
	}
	buffer_add_text(out, "\r\n");
	json_decref(parameters);
	return rc;
}

/* ---- the stream ---- */

struct trial_table {
	struct table table;
	struct trial_filter filter;
	struct buffer cursor;	 /* filter.cursor between pages */
	const struct spec *spec; /* CSV only */
	bool *shown;		 /* CSV: is parameter i a column? Branches may share an address. */
	bool began;
};

static int trial_rows(struct table *table, struct session *session, struct buffer *out, bool *done,
	struct error *err)
{
	struct trial_table *list = (struct trial_table *)table;
	struct trial_page page;
	bool csv = table->format == FORMAT_CSV;

	list->filter.limit = table->limit;
	list->filter.cursor = list->cursor.size ? buffer_text(&list->cursor) : NULL;
	int rc = store_trial_list(session, &list->filter, &table->page, &page, err);
	if (!rc && csv && !list->began)
		csv_header(out, list->spec, list->shown);
	for (size_t i = 0; !rc && i < page.n; i++) {
		if (csv) {
			rc = csv_row(out, &page.rows[i], list->spec, list->shown, err);
		} else {
			write_trial(out, &page.rows[i]);
			buffer_add_char(out, '\n');
		}
	}
	if (rc)
		return rc;
	if (out->failed)
		return 0;
	list->began = true;
	buffer_clear(&list->cursor);
	if (page.next)
		buffer_add_text(&list->cursor, page.next);
	if (list->cursor.failed)
		return fail(err, CODE_NO_MEMORY, "no memory for the next page");
	*done = !page.next;
	return 0;
}

static void trial_release(struct table *table)
{
	struct trial_table *list = (struct trial_table *)table;
	buffer_release(&list->cursor);
}

/* The columns of the current spec; false: no memory, or a spec this build cannot read. */
static bool columns_of(struct trial_table *list, const char *text, struct error *err)
{
	struct faults faults;
	faults_init(&faults);
	if (spec_parse(text, strlen(text), NULL, &engine_catalog, 0, &list->table.keep, &list->spec,
		    &faults, err))
		return false;
	const struct space *space = list->spec->space;
	list->shown = arena_array(&list->table.keep, space->n + 1, sizeof(*list->shown));
	for (size_t i = 0; list->shown && i < space->n; i++)
		list->shown[i] = space_find(space, space->parameters[i].address) == (int)i;
	if (!list->shown)
		fail(err, CODE_NO_MEMORY, "no memory for the columns");
	return list->shown != NULL;
}

static void trial_stream(struct call *call, const struct experiment_row *row,
	const struct trial_filter *filter, enum format format)
{
	struct error err = { CODE_NO_MEMORY, "no memory for this list" };
	struct trial_table *list = table_new(call, sizeof(*list), format, trial_rows);

	if (!list)
		return;
	list->table.release = trial_release;
	buffer_init(&list->cursor, LIMIT_BODY_BYTES);
	list->filter = *filter;

	list->filter.experiment = arena_strdup(&list->table.keep, row->id);
	if (filter->worker)
		list->filter.worker = arena_strdup(&list->table.keep, filter->worker);
	if (!list->filter.experiment || (filter->worker && !list->filter.worker) ||
		(format == FORMAT_CSV && !columns_of(list, row->spec, &err))) {
		table_free(&list->table);
		problem_reply(call, &err, NULL);
		return;
	}
	table_reply(call, &list->table);
}

/* ---- handlers ---- */

static bool filter_of(struct call *call, struct trial_filter *filter)
{
	static const char *const sorts[] = { "number", "-number", "best", NULL };
	const char *state = call->transport->query(call, "state");
	enum trial_state parsed;
	int sort;

	*filter = (struct trial_filter){ .state = -1 };
	if (state && !trial_state_parse(state, &parsed)) {
		problem_replyf(call, CODE_MALFORMED,
			"query argument state: one of waiting, running, paused, succeeded, failed, "
			"stopped, lost, cancelled");
		return false;
	}
	if (state)
		filter->state = (int)parsed;
	if (!query_choice(call, "sort", sorts, 0, &sort))
		return false;
	filter->worker = call->transport->query(call, "worker");
	filter->sort = sort == 2 ? TRIAL_BY_LOSS : TRIAL_BY_NUMBER;
	filter->descending = sort == 1;
	return page_arguments(call, &filter->limit, &filter->cursor);
}

static void write_page(struct call *call, const struct trial_page *page, bool pages)
{
	page_begin(call);
	for (size_t i = 0; i < page->n; i++) {
		page_between(call);
		write_trial(&call->out, &page->rows[i]);
	}
	if (pages)
		page_end(call, page->next);
	else
		buffer_add_text(&call->out, "]}");
	reply_json(call, 200);
}

static void reply_page(
	struct session *session, struct call *call, const struct trial_filter *filter)
{
	struct trial_page page;
	struct error err = { 0 };

	if (store_trial_list(session, filter, &call->arena, &page, &err))
		problem_reply(call, &err, NULL);
	else
		write_page(call, &page, true);
}

void trial_list(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct trial_filter filter;

	if (!filter_of(call, &filter) || !experiment_of(api, session, call, &row))
		return;
	filter.experiment = row.id;
	enum format format = reply_format(call, false);
	if (format == FORMAT_JSON)
		reply_page(session, call, &filter);
	else
		trial_stream(call, &row, &filter, format);
}

/* ---- the best ---- */

struct paused {
	struct call *call;
	size_t top;
	const struct trial **items; /* NULL: no memory */
	size_t n;
	bool maximize;
};

/* The higher rung first, then the better value; ties by age. */
static int compare_paused(const void *a, const void *b, void *context)
{
	const struct paused *paused = context;
	const struct trial *x = *(const struct trial *const *)a;
	const struct trial *y = *(const struct trial *const *)b;

	if (x->resource != y->resource)
		return x->resource > y->resource ? -1 : 1;
	if (x->last_value != y->last_value)
		return (x->last_value > y->last_value) == paused->maximize ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void write_paused(const struct view *view, void *context)
{
	struct paused *paused = context;
	size_t room = (size_t)view->counts.by_state[TRIAL_PAUSED];

	paused->items = arena_array(&paused->call->arena, room + 1, sizeof(*paused->items));
	paused->maximize = view->spec->objectives[0].maximize;
	for (size_t i = 0; paused->items && i < view->n_trials; i++) {
		const struct trial *trial = &view->trials[i];
		if (trial->state == TRIAL_PAUSED && !isnan(trial->resource) &&
			!isnan(trial->last_value))
			paused->items[paused->n++] = trial;
	}
	if (paused->n > 1)
		qsort_r(paused->items, paused->n, sizeof(*paused->items), compare_paused, paused);
	page_begin(paused->call);
	for (size_t i = 0; i < paused->n && i < paused->top; i++) {
		page_between(paused->call);
		write_trial(&paused->call->out, paused->items[i]);
	}
	buffer_add_text(&paused->call->out, "]}");
}

/* No trial is complete yet: those that wait on the highest rung of a multi-fidelity tuner. */
static void reply_paused(struct api *api, struct session *session, struct call *call, size_t top)
{
	struct paused paused = { .call = call, .top = top };

	if (!view_read(api, session, call, write_paused, &paused))
		return;
	if (paused.items)
		reply_json(call, 200);
	else
		no_memory_reply(call);
}

void trial_best(struct api *api, struct session *session, struct call *call)
{
	static const char *const ranks[] = { "value", "expected", NULL };
	struct experiment_row row;
	struct trial_page page;
	struct error err = { 0 };
	int64_t top;
	int rank;

	if (!query_int(call, "top", 1, LIMIT_PAGE, BEST_DEFAULT, &top) ||
		!query_choice(call, "rank", ranks, 0, &rank) ||
		!experiment_of(api, session, call, &row))
		return;
	if (rank == 1) {
		reply_expected(api, session, call, (size_t)top);
		return;
	}
	struct trial_filter filter = {
		.experiment = row.id,
		.state = -1,
		.sort = TRIAL_BY_LOSS,
		.limit = (size_t)top,
	};
	if (store_trial_list(session, &filter, &call->arena, &page, &err))
		problem_reply(call, &err, NULL);
	else if (page.n == 0 && row.counts.by_state[TRIAL_PAUSED] > 0)
		reply_paused(api, session, call, (size_t)top);
	else
		write_page(call, &page, false);
}
