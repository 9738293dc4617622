/* GET /v1/experiments: the experiments of a team as pages, CSV or NDJSON. */
#include <inttypes.h>
#include <string.h>

#include "api/experiment.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/table.h"
#include "api/team.h"
#include "core/time_text.h"

/* ---- CSV ---- */

static void csv_header(struct buffer *out)
{
	buffer_add_text(out, "id,team,name,status,reason,version");
	for (int state = 0; state < TRIAL_STATE_COUNT; state++)
		buffer_printf(out, ",%s", trial_state_name((enum trial_state)state));
	buffer_add_text(out, ",best_trial,best_value,created,updated\r\n");
}

static void csv_row(struct buffer *out, const struct experiment_row *row)
{
	const struct view_counts *counts = &row->counts;

	buffer_printf(out, "%s,", row->id);
	csv_text(out, row->team);
	buffer_add_char(out, ',');
	csv_text(out, row->name);
	buffer_printf(out, ",%s,", experiment_status_name(counts->status));
	csv_text(out, row->reason);
	buffer_printf(out, ",%" PRIu64, counts->version);
	for (int state = 0; state < TRIAL_STATE_COUNT; state++)
		buffer_printf(out, ",%" PRId64, counts->by_state[state]);
	if (counts->best >= 0) {
		buffer_printf(out, ",%" PRId64 ",", counts->best);
		csv_number(out, row->best_value, false);
	} else {
		buffer_add_text(out, ",,");
	}
	buffer_add_char(out, ',');
	csv_time(out, row->created_ms);
	buffer_add_char(out, ',');
	csv_time(out, counts->updated_ms ? counts->updated_ms : row->created_ms);
	buffer_add_text(out, "\r\n");
}

/* ---- the stream ---- */

struct experiment_table {
	struct table table;
	struct experiment_filter filter;
	struct buffer cursor; /* filter.cursor between pages */
	bool began;
};

static int experiment_rows(struct table *table, struct session *session, struct buffer *out,
	bool *done, struct error *err)
{
	struct experiment_table *list = (struct experiment_table *)table;
	struct experiment_page page;
	bool csv = table->format == FORMAT_CSV;

	list->filter.limit = table->limit;
	list->filter.cursor = list->cursor.size ? buffer_text(&list->cursor) : NULL;
	int rc = store_experiment_list(session, &list->filter, &table->page, &page, err);
	if (rc)
		return rc;
	if (csv && !list->began)
		csv_header(out);
	for (size_t i = 0; i < page.n; i++) {
		if (csv) {
			csv_row(out, &page.rows[i]);
		} else {
			write_experiment(out, &page.rows[i]);
			buffer_add_char(out, '\n');
		}
	}
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

static void experiment_release(struct table *table)
{
	buffer_release(&((struct experiment_table *)table)->cursor);
}

/* A copy in arena; false only when there is no memory. */
static bool keep(struct arena *arena, const char **text)
{
	if (*text)
		*text = arena_strdup(arena, *text);
	return *text != NULL;
}

static bool keep_filter(struct arena *arena, struct experiment_filter *filter)
{
	const char **texts[] = { &filter->team, &filter->status, &filter->kind, &filter->name,
		&filter->label_key, &filter->label_value };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (*texts[i] && !keep(arena, texts[i]))
			return false;
	return true;
}

static void experiment_stream(
	struct call *call, const struct experiment_filter *filter, enum format format)
{
	struct experiment_table *list = table_new(call, sizeof(*list), format, experiment_rows);

	if (!list)
		return;
	list->table.release = experiment_release;
	buffer_init(&list->cursor, LIMIT_BODY_BYTES);
	list->filter = *filter;
	list->table.limit = TABLE_PAGE / 10; /* specs are longer than other rows */
	if (!keep_filter(&list->table.keep, &list->filter)) {
		table_free(&list->table);
		no_memory_reply(call);
		return;
	}
	table_reply(call, &list->table);
}

/* ---- the filter ---- */

static bool query_time(struct call *call, const char *name, int64_t *out)
{
	const char *text = call->transport->query(call, name);
	if (!text || time_parse(text, out))
		return true;
	problem_replyf(call, CODE_MALFORMED,
		"query argument %s: a time like 2030-01-31T12:00:00Z (a + is written %%2B)", name);
	return false;
}

static bool label_of(struct call *call, struct experiment_filter *filter)
{
	const char *text = call->transport->query(call, "label");
	if (!text)
		return true;
	size_t key = strcspn(text, ":");
	if (key == 0) {
		problem_replyf(call, CODE_MALFORMED,
			"query argument label: key, or key:value, with a key");
		return false;
	}
	filter->label_key = arena_strndup(&call->arena, text, key);
	filter->label_value = text[key] ? text + key + 1 : NULL;
	if (filter->label_key)
		return true;
	no_memory_reply(call);
	return false;
}

static bool filter_of(struct call *call, struct experiment_filter *filter)
{
	static const char *const statuses[] = { "running", "paused", "stopped", "done", NULL };
	static const char *const kinds[] = { "hpo", "nas", NULL };
	static const char *const sorts[] = { "created", "updated", "name", "-created", "-updated",
		"-name", NULL };
	int status, kind, sort;

	*filter = (struct experiment_filter){ 0 };
	if (!team_of_list(call, &filter->team) ||
		!query_choice(call, "status", statuses, -1, &status) ||
		!query_choice(call, "kind", kinds, -1, &kind) ||
		!query_choice(call, "sort", sorts, 3, &sort) || !label_of(call, filter) ||
		!query_time(call, "created_after", &filter->created_after_ms) ||
		!query_time(call, "created_before", &filter->created_before_ms))
		return false;
	filter->status = status >= 0 ? statuses[status] : NULL;
	filter->kind = kind >= 0 ? kinds[kind] : NULL;
	filter->name = call->transport->query(call, "name");
	filter->sort = (enum experiment_sort)(sort % 3);
	filter->descending = sort >= 3;
	return page_arguments(call, &filter->limit, &filter->cursor);
}

void experiment_list(struct api *api, struct session *session, struct call *call)
{
	struct experiment_filter filter;
	struct experiment_page page;
	struct error err = { 0 };

	(void)api;
	if (!filter_of(call, &filter))
		return;
	enum format format = reply_format(call, false);
	if (format != FORMAT_JSON) {
		experiment_stream(call, &filter, format);
		return;
	}
	if (store_experiment_list(session, &filter, &call->arena, &page, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	page_begin(call);
	for (size_t i = 0; i < page.n; i++) {
		page_between(call);
		write_experiment(&call->out, &page.rows[i]);
	}
	page_end(call, page.next);
	reply_json(call, 200);
}
_Static_assert(SORT_CREATED == 0 && SORT_UPDATED == 1 && SORT_NAME == 2, "as in filter_of");
