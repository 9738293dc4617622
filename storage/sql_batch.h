/*
 * Private to the drivers and the store: what is inside a batch.
 */
#ifndef STORAGE_SQL_BATCH_H
#define STORAGE_SQL_BATCH_H

#include "storage/sql.h"

#define SQL_PARAMETERS_MAX 64
#define SQL_VIOLATION_MAX  128

struct sql_call {
	const struct sql_statement *statement;
	const struct sql_value *values;
	struct sql_result result;
};

/* What kind of constraint refused the batch. */
enum sql_refusal { REFUSAL_NONE, REFUSAL_UNIQUE, REFUSAL_FOREIGN_KEY };

struct sql_batch {
	struct arena *arena;
	struct sql_call *calls;
	size_t n, room;
	bool failed; /* memory was short while it was built */

	enum sql_refusal refusal;
	size_t refused; /* the call that hit the constraint */
	char violation[SQL_VIOLATION_MAX];
};

/* Before a run, and before a run is tried again: no results, no refusal. */
void sql_batch_begin(struct sql_batch *batch);

/* Records why call k was refused and answers CODE_CONFLICT. */
int sql_batch_refuse(struct sql_batch *batch, size_t k, enum sql_refusal refusal,
	const char *constraint, struct error *err);

/* The statement that was refused; NULL: none was. */
const struct sql_statement *sql_batch_refused(const struct sql_batch *batch);

/* ---- counters ---- */

enum sql_counter { COUNT_ROUND_TRIPS, COUNT_COMMITS, COUNT_RECONNECTS, COUNT_COUNTERS };
void sql_count(enum sql_counter counter);

/* ---- what a session knows about a statement ---- */

/* From a statement's address to one pointer; grows by doubling, nothing is removed. */
struct statement_map {
	struct statement_slot {
		const struct sql_statement *statement; /* NULL: empty */
		void *data;
	} * slots;
	size_t n, room;
};

/* The slot's data pointer, NULL at first; NULL when memory is short. Valid until the next call. */
void **statement_map_at(struct statement_map *map, const struct sql_statement *statement);
void statement_map_clear(struct statement_map *map, void (*forget)(void *data));

/* ---- scripts ---- */

/* A copy of text in which the lines starting with "--scheme " lose that prefix, and so count; those
 * of other schemes stay comments. free() it; NULL when memory is short. */
char *sql_script_for(const char *text, const char *scheme);

#endif
