/* GET .../trials/{n}/explain: where a trial's parameters come from. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"

#define NAME_MAX_SHOWN 64

/* A text member of the trial's meta, copied; "" when there is none. */
static void meta_text(const json_t *meta, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(meta, name));
	snprintf(out, size, "%s", text ? text : "");
}

static void sentence_by_tuner(
	struct buffer *out, const struct trial *trial, const json_t *meta, const struct spec *spec)
{
	char tuner[NAME_MAX_SHOWN], arm[NAME_MAX_SHOWN];

	meta_text(meta, "tuner", tuner, sizeof(tuner));
	meta_text(meta, "arm", arm, sizeof(arm));
	buffer_printf(out, "Tuner %s proposed trial %" PRId64, *tuner ? tuner : "(unknown)",
		trial->number);
	if (*arm)
		buffer_printf(out, " by its arm \"%s\"", arm);
	buffer_printf(out,
		", knowing the %" PRIu64 " event%s up to version %" PRIu64 ", with seed %" PRIu64,
		trial->base_version, trial->base_version == 1 ? "" : "s", trial->base_version,
		spec->seed);
	const json_t *model = json_object_get(meta, "model");
	if (json_is_integer(model))
		buffer_printf(out, ", by the model that was fitted at version %" PRId64,
			(int64_t)json_integer_value(model));
	const json_t *score = json_object_get(meta, "acquisition");
	if (json_is_number(score))
		buffer_printf(
			out, "; it won with an acquisition of %.6g", json_number_value(score));
	if (trial->parent >= 0)
		buffer_printf(out, "; it goes on from trial %" PRId64, trial->parent);
	if (!isnan(trial->resource))
		buffer_printf(out, "; its budget is %.6g", trial->resource);
	buffer_add_char(out, '.');
}

static void sentence_of(
	struct buffer *out, const struct trial *trial, const json_t *meta, const struct spec *spec)
{
	switch (trial->origin) {
	case ORIGIN_CUSTOM:
		buffer_printf(out,
			"Trial %" PRId64 " was added by request: the tuner did not choose it.",
			trial->number);
		break;
	case ORIGIN_SEED:
		buffer_printf(out,
			"Trial %" PRId64 " was brought in as a foreign result: it never ran here.",
			trial->number);
		break;
	default:
		sentence_by_tuner(out, trial, meta, spec);
		break;
	}
}

static void write_tuner(
	struct buffer *out, const struct trial *trial, const json_t *meta, const struct spec *spec)
{
	char tuner[NAME_MAX_SHOWN];

	meta_text(meta, "tuner", tuner, sizeof(tuner));
	if (trial->origin != ORIGIN_TUNER || !*tuner) {
		buffer_add_text(out, ",\"tuner\":null,\"seed\":null");
		return;
	}
	buffer_add_text(out, ",\"tuner\":");
	json_write_string(out, tuner);
	buffer_printf(out, ",\"seed\":%" PRIu64, spec->seed);
}

static void explain_done(struct op *op)
{
	struct call *call = op->context;
	struct buffer *out = &call->out, sentence;
	json_t *meta = NULL;

	if (op->code || !op->subject) {
		problem_reply(call, &op->error, NULL);
		return;
	}
	const struct trial *trial = op->subject;
	const struct spec *spec = op->view->spec;
	if (trial->meta)
		meta = json_loads(trial->meta, 0, NULL); /* our own text */
	buffer_printf(out, "{\"trial\":%" PRId64 ",\"origin\":\"%s\"", trial->number,
		trial_origin_name(trial->origin));
	write_tuner(out, trial, meta, spec);
	write_json_member(out, "meta", trial->meta);
	buffer_printf(out, ",\"base_version\":");
	if (trial->base_version)
		buffer_printf(out, "%" PRIu64, trial->base_version);
	else
		buffer_add_text(out, "null");
	buffer_printf(out, ",\"suggested_version\":%" PRIu64, trial->suggested_version);
	write_time_member(out, "suggested_at", trial->created_ms);
	write_count_member(out, "parent", trial->parent);
	buffer_init(&sentence, LIMIT_MESSAGE);
	sentence_of(&sentence, trial, meta, spec);
	write_text_member(out, "sentence", buffer_text(&sentence));
	buffer_add_char(out, '}');
	buffer_release(&sentence);
	json_decref(meta);
	reply_json(call, 200);
}

void trial_explain(struct api *api, struct session *session, struct call *call)
{
	int64_t number;

	if (!trial_number_of(call, 1, &number))
		return;
	struct op *op = op_new(call, OP_EXPLAIN, NULL);
	if (!op) {
		no_memory_reply(call);
		return;
	}
	op->trial.number = number;
	op->done = explain_done;
	op->context = call;
	engine_submit(api->engine, session, op);
}
