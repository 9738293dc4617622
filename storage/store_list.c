/*
 * Pages of experiments. Every (team given or not, sort, direction) is a statement of its own, so
 * that each can walk an index; pages are cut by key, so they are stable under inserts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/store_internal.h"

/* After everything in byte order: U+10FFFF. */
#define TEXT_LAST "\xF4\x8F\xBF\xBF"

/* $1 team, $2 status, $3 kind, $4 name pattern, $5 label, $6 its value, $7 and $8 created after and
 * before, $9 limit, $10 and $11 the key of the last row of the page before. */
#define CONDITIONS                                                                                 \
	" AND (CAST($2 AS TEXT) IS NULL OR status = $2)"                                           \
	" AND (CAST($3 AS TEXT) IS NULL OR kind = $3)"                                             \
	" AND (CAST($4 AS TEXT) IS NULL OR name_key LIKE $4 ESCAPE '\\')"                          \
	" AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM experiment_labels l"              \
	" WHERE l.experiment = experiments.id AND l.label = $5"                                    \
	" AND (CAST($6 AS TEXT) IS NULL OR l.label_value = $6)))"                                  \
	" AND created_ms > $7 AND created_ms < $8"

#define LIST(label, team, column, order, type, beyond)                                             \
	{                                                                                          \
		.name = "experiment_list_" label,                                                  \
		.text = "SELECT " EXPERIMENT_COLUMNS " FROM experiments WHERE " team CONDITIONS    \
			" AND (" column ", id) " beyond " ($10, $11) ORDER BY " column " " order   \
			", id " order " LIMIT $9",                                                 \
		.types = "ttttttiii" type "t", .columns = EXPERIMENT_TYPES,                        \
	}

#define BOTH_WAYS(label, team, column, type)                                                       \
	{                                                                                          \
		LIST(label "_up", team, column, "ASC", type, ">"),                                 \
			LIST(label "_down", team, column, "DESC", type, "<"),                      \
	}

#define ALL_SORTS(label, team)                                                                     \
	{                                                                                          \
		[SORT_CREATED] = BOTH_WAYS(label "_created", team, "created_ms", "i"),             \
		[SORT_UPDATED] = BOTH_WAYS(label "_updated", team, "updated_ms", "i"),             \
		[SORT_NAME] = BOTH_WAYS(label "_name", team, "name_key", "t"),                     \
	}

static const struct sql_statement lists[2][SORT_NAME + 1][2] = {
	ALL_SORTS("all", "CAST($1 AS TEXT) IS NULL"),
	ALL_SORTS("team", "team = $1"),
};

/* %name%, with what LIKE would take for its own escaped. */
static char *name_pattern(struct arena *arena, const char *name)
{
	char *out = arena_alloc(arena, 2 * strlen(name) + 3);
	const char *folded = name_fold(arena, name);
	if (!out || !folded)
		return NULL;
	char *end = out;
	*end++ = '%';
	for (; *folded; folded++) {
		if (strchr("%_\\", *folded))
			*end++ = '\\';
		*end++ = *folded;
	}
	*end++ = '%';
	*end = '\0';
	return out;
}

/* A cursor is the sort key and the id of the last row: "1699999999999|exp_..." or "name|exp_...".
 * Ids hold no bar. */
static char *cursor_make(
	struct arena *arena, enum experiment_sort sort, const struct experiment_row *row)
{
	switch (sort) {
	case SORT_CREATED:
		return arena_printf(arena, "%" PRId64 "|%s", row->created_ms, row->id);
	case SORT_UPDATED:
		return arena_printf(arena, "%" PRId64 "|%s", row->counts.updated_ms, row->id);
	case SORT_NAME:
		break;
	}
	const char *key = name_fold(arena, row->name);
	return key ? arena_printf(arena, "%s|%s", key, row->id) : NULL;
}

static int cursor_read(const struct experiment_filter *filter, struct arena *arena,
	struct sql_value *key, struct sql_value *id, struct error *err)
{
	const char *bar = filter->cursor ? strrchr(filter->cursor, '|') : NULL;
	if (!filter->cursor) {
		*key = filter->sort == SORT_NAME ? sql_text(filter->descending ? TEXT_LAST : "")
						 : sql_int(filter->descending ? INT64_MAX : -1);
		*id = sql_text("");
		return 0;
	}
	if (!bar)
		return fail(err, CODE_INVALID, "the cursor is not one of ours");
	*id = sql_text(bar + 1);
	char *end;
	char *first = arena_strndup(arena, filter->cursor, (size_t)(bar - filter->cursor));
	if (!first)
		return fail(err, CODE_NO_MEMORY, "no memory for a cursor");
	if (filter->sort == SORT_NAME) {
		*key = sql_text(first);
		return 0;
	}
	*key = sql_int(strtoll(first, &end, 10));
	if (end == first || *end)
		return fail(err, CODE_INVALID, "the cursor is not one of ours");
	return 0;
}

static int page_read(const struct experiment_filter *filter, const struct sql_result *result,
	struct arena *arena, struct experiment_page *out, struct error *err)
{
	size_t n = result->n_rows < filter->limit ? result->n_rows : filter->limit;
	struct experiment_row *rows = arena_array(arena, n, sizeof(*rows));
	const char *next = NULL;
	if (!rows)
		return fail(err, CODE_NO_MEMORY, "no memory for a page");
	for (size_t i = 0; i < n; i++) {
		int rc = experiment_row_read(result->rows[i].values, &rows[i], err);
		if (rc)
			return rc;
	}
	if (n && result->n_rows > n) {
		next = cursor_make(arena, filter->sort, &rows[n - 1]);
		if (!next)
			return fail(err, CODE_NO_MEMORY, "no memory for a cursor");
	}
	*out = (struct experiment_page){ .n = n, .rows = rows, .next = next };
	return 0;
}

int store_experiment_list(struct session *session, const struct experiment_filter *filter,
	struct arena *arena, struct experiment_page *out, struct error *err)
{
	struct sql_value key, id;
	int rc = cursor_read(filter, arena, &key, &id, err);
	if (rc)
		return rc;
	const char *pattern = filter->name ? name_pattern(arena, filter->name) : NULL;
	if (filter->name && !pattern)
		return fail(err, CODE_NO_MEMORY, "no memory for a name");
	const struct sql_value values[] = {
		sql_text(filter->team),
		sql_text(filter->status),
		sql_text(filter->kind),
		sql_text(pattern),
		sql_text(filter->label_key),
		sql_text(filter->label_value),
		sql_int(filter->created_after_ms ? filter->created_after_ms : -1),
		sql_int(filter->created_before_ms ? filter->created_before_ms : INT64_MAX),
		sql_int((int64_t)filter->limit + 1),
		key,
		id,
	};
	const struct sql_statement *statement =
		&lists[filter->team != NULL][filter->sort][filter->descending];
	const struct sql_result *result;
	rc = session_run_one(
		session, SQL_READ, statement, SQL_N(values), values, arena, &result, err);
	return rc ? rc : page_read(filter, result, arena, out, err);
}
