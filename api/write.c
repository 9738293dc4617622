/* Experiments and trials as the contract shows them; see api/reply.h. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "api/reply.h"
#include "core/json.h"

/* The members of a canonical object, without its braces, so that they become ours. */
static void write_members(struct buffer *out, const char *object)
{
	size_t size = strlen(object);
	if (size > 2 && object[0] == '{' && object[size - 1] == '}') {
		buffer_add_char(out, ',');
		buffer_add(out, object + 1, size - 2);
	}
}

static void write_counts(struct buffer *out, const struct view_counts *counts)
{
	int64_t total = 0;
	buffer_add_text(out, ",\"counts\":{");
	for (int state = 0; state < TRIAL_STATE_COUNT; state++) {
		total += counts->by_state[state];
		buffer_printf(out, "\"%s\":%" PRId64 ",", trial_state_name((enum trial_state)state),
			counts->by_state[state]);
	}
	buffer_printf(out,
		"\"total\":%" PRId64 ",\"handed_out\":%" PRId64 ",\"seeded\":%" PRId64 "}", total,
		counts->handed, counts->seeded);
}

void write_experiment(struct buffer *out, const struct experiment_row *row)
{
	const struct view_counts *counts = &row->counts;

	buffer_add_text(out, "{\"id\":");
	json_write_string(out, row->id);
	write_text_member(out, "team", row->team);
	write_members(out, row->spec);
	buffer_printf(out, ",\"status\":\"%s\"", experiment_status_name(counts->status));
	write_text_member(out, "reason", row->reason && *row->reason ? row->reason : NULL);
	buffer_printf(out, ",\"version\":%" PRIu64 ",\"spec_version\":%" PRIu64, counts->version,
		counts->spec_version);
	write_counts(out, counts);
	if (counts->best >= 0) {
		buffer_printf(out, ",\"best\":{\"trial\":%" PRId64 ",\"value\":", counts->best);
		json_write_number(out, row->best_value, false);
		buffer_add_char(out, '}');
	} else {
		buffer_add_text(out, ",\"best\":null");
	}
	write_time_member(out, "created_at", row->created_ms);
	write_time_member(
		out, "updated_at", counts->updated_ms ? counts->updated_ms : row->created_ms);
	buffer_add_char(out, '}');
}

/* Versions begin at 1; 0: not yet. */
static void write_version(struct buffer *out, const char *key, uint64_t version)
{
	write_count_member(out, key, version ? (int64_t)version : -1);
}

static void write_result(struct buffer *out, const struct trial *trial)
{
	/* value: of the first objective, as reported. */
	buffer_add_text(out, ",\"value\":");
	if (trial->values)
		json_write_number(out, trial->values[0], false);
	else
		buffer_add_text(out, "null");
	write_json_member(out, "values", trial->values_json);
	if (trial->values_json)
		buffer_add_text(
			out, trial->violation > 0 ? ",\"feasible\":false" : ",\"feasible\":true");
	else
		buffer_add_text(out, ",\"feasible\":null");
	write_count_member(out, "last_step", trial->last_step);
	buffer_add_text(out, ",\"last_value\":");
	if (trial->last_step >= 0)
		json_write_number(out, trial->last_value, false);
	else
		buffer_add_text(out, "null");
	write_text_member(out, "message", trial->message);
	write_text_member(out, "checkpoint", trial->checkpoint);
}

static void write_schedule(struct buffer *out, const struct trial *trial)
{
	write_text_member(out, "worker", trial->worker);
	write_time_member(
		out, "lease_expires_at", trial->state == TRIAL_RUNNING ? trial->lease_until_ms : 0);
	write_time_member(out, "created_at", trial->created_ms);
	write_time_member(out, "started_at", trial->started_ms);
	write_time_member(out, "ended_at", trial->ended_ms);
}

void write_trial_open(struct buffer *out, const struct trial *trial)
{
	buffer_printf(out, "{\"trial\":%" PRId64 ",\"state\":\"%s\",\"origin\":\"%s\"",
		trial->number, trial_state_name(trial->state), trial_origin_name(trial->origin));
	buffer_printf(out, ",\"attempt\":%u,\"retries\":%u", (unsigned)trial->attempt,
		(unsigned)trial->retries);
	write_json_member(out, "parameters", trial->parameters);
	write_result(out, trial);
	write_count_member(out, "parent", trial->parent);
	buffer_add_text(out, ",\"resource\":");
	if (isnan(trial->resource))
		buffer_add_text(out, "null");
	else
		json_write_number(out, trial->resource, true);
	write_json_member(out, "meta", trial->meta);
	write_schedule(out, trial);
	write_version(out, "base_version", trial->base_version);
	write_version(out, "suggested_version", trial->suggested_version);
	write_version(out, "ended_version", trial->ended_version);
}

void write_trial(struct buffer *out, const struct trial *trial)
{
	write_trial_open(out, trial);
	buffer_add_char(out, '}');
}
