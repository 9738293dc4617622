#include "storage/sql_batch.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_FIRST 8
#define SLOTS_FIRST 64

struct sql_batch *sql_batch_new(struct arena *arena)
{
	struct sql_batch *batch = arena_alloc(arena, sizeof(*batch));
	if (batch)
		batch->arena = arena;
	return batch;
}

static bool calls_grow(struct sql_batch *batch)
{
	size_t room = batch->room ? batch->room * 2 : CALLS_FIRST;
	struct sql_call *calls = arena_array(batch->arena, room, sizeof(*calls));
	if (!calls)
		return false;
	if (batch->n)
		memcpy(calls, batch->calls, batch->n * sizeof(*calls));
	batch->calls = calls;
	batch->room = room;
	return true;
}

void sql_add(struct sql_batch *batch, const struct sql_statement *statement, size_t n,
	const struct sql_value *values)
{
	if (!batch || batch->failed)
		return;
	assert(n == strlen(statement->types) && n <= SQL_PARAMETERS_MAX);
	if (batch->n == batch->room && !calls_grow(batch)) {
		batch->failed = true;
		return;
	}
	const struct sql_value *copy = NULL;
	if (n) {
		copy = arena_copy(batch->arena, values, n * sizeof(*values));
		if (!copy) {
			batch->failed = true;
			return;
		}
	}
	batch->calls[batch->n++] = (struct sql_call){ .statement = statement, .values = copy };
}

size_t sql_batch_size(const struct sql_batch *batch)
{
	return batch ? batch->n : 0;
}

const struct sql_result *sql_result(const struct sql_batch *batch, size_t k)
{
	assert(k < batch->n);
	return &batch->calls[k].result;
}

const char *sql_violation(const struct sql_batch *batch)
{
	return batch->violation;
}

void sql_batch_begin(struct sql_batch *batch)
{
	for (size_t k = 0; k < batch->n; k++)
		batch->calls[k].result = (struct sql_result){ 0 };
	batch->refusal = REFUSAL_NONE;
	batch->violation[0] = '\0';
}

int sql_batch_refuse(struct sql_batch *batch, size_t k, enum sql_refusal refusal,
	const char *constraint, struct error *err)
{
	assert(k < batch->n);
	batch->refusal = refusal;
	batch->refused = k;
	snprintf(batch->violation, sizeof(batch->violation), "%s", constraint);
	return fail(err, CODE_CONFLICT, "%s violates the %s constraint %s",
		batch->calls[k].statement->name,
		refusal == REFUSAL_UNIQUE ? "unique" : "foreign key", batch->violation);
}

const struct sql_statement *sql_batch_refused(const struct sql_batch *batch)
{
	return batch->refusal == REFUSAL_NONE ? NULL : batch->calls[batch->refused].statement;
}

/* ---- values ---- */

struct sql_value sql_real(double x)
{
	if (isnan(x))
		return sql_null();
	return (struct sql_value){ .type = SQL_REAL, .real = x };
}

struct sql_value sql_text(const char *text)
{
	if (!text)
		return sql_null();
	return (struct sql_value){ .type = SQL_TEXT, .text = text, .size = strlen(text) };
}

struct sql_value sql_blob(const void *data, size_t size)
{
	return (struct sql_value){ .type = SQL_BLOB, .blob = data ? data : "", .size = size };
}

/* ---- counters ---- */

static _Atomic uint64_t counters[COUNT_COUNTERS];

void sql_count(enum sql_counter counter)
{
	atomic_fetch_add_explicit(&counters[counter], 1, memory_order_relaxed);
}

void sql_stats(struct sql_stats *out)
{
	uint64_t now[COUNT_COUNTERS];
	for (size_t i = 0; i < COUNT_COUNTERS; i++)
		now[i] = atomic_load_explicit(&counters[i], memory_order_relaxed);
	*out = (struct sql_stats){
		.round_trips = now[COUNT_ROUND_TRIPS],
		.commits = now[COUNT_COMMITS],
		.reconnects = now[COUNT_RECONNECTS],
	};
}

/* ---- statement map ---- */

static struct statement_slot *slot_find(
	struct statement_slot *slots, size_t room, const struct sql_statement *statement)
{
	size_t i = (size_t)(((uintptr_t)statement >> 3) * 0x9E3779B97F4A7C15u >> 32) & (room - 1);
	while (slots[i].statement && slots[i].statement != statement)
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static bool slots_grow(struct statement_map *map)
{
	size_t room = map->room ? map->room * 2 : SLOTS_FIRST;
	struct statement_slot *slots = calloc(room, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < map->room; i++) {
		if (map->slots[i].statement)
			*slot_find(slots, room, map->slots[i].statement) = map->slots[i];
	}
	free(map->slots);
	map->slots = slots;
	map->room = room;
	return true;
}

void **statement_map_at(struct statement_map *map, const struct sql_statement *statement)
{
	if (map->n * 2 >= map->room && !slots_grow(map))
		return NULL;
	struct statement_slot *slot = slot_find(map->slots, map->room, statement);
	if (!slot->statement) {
		slot->statement = statement;
		map->n++;
	}
	return &slot->data;
}

void statement_map_clear(struct statement_map *map, void (*forget)(void *data))
{
	for (size_t i = 0; forget && i < map->room; i++) {
		if (map->slots[i].data)
			forget(map->slots[i].data);
	}
	free(map->slots);
	*map = (struct statement_map){ 0 };
}

/* ---- scripts ---- */

char *sql_script_for(const char *text, const char *scheme)
{
	char *out = malloc(strlen(text) + 1);
	if (!out)
		return NULL;
	size_t prefix = strlen(scheme);
	char *end = out;
	while (*text) {
		if (!strncmp(text, "--", 2) && !strncmp(text + 2, scheme, prefix) &&
			text[2 + prefix] == ' ')
			text += 2 + prefix + 1;
		const char *stop = strchr(text, '\n');
		size_t line = stop ? (size_t)(stop - text) + 1 : strlen(text);
		memcpy(end, text, line);
		end += line;
		text += line;
	}
	*end = '\0';
	return out;
}
