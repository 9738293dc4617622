/* POST /v1/experiments/{id}/observe: what came out of trials. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "api/body.h"
#include "api/loop.h"
#include "api/metric.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"

struct item_body {
	int64_t trial, attempt, step;
	json_t *value, *values;
	double stderr_;
	bool final;
	const char *status, *message, *checkpoint;
	json_t *attributes;
};

static const struct field item_fields[] = {
	FIELD(struct item_body, trial, FIELD_INT, FIELD_REQUIRED, 0, LIMIT_TRIALS),
	FIELD(struct item_body, attempt, FIELD_INT, FIELD_NULLABLE, 1, INT32_MAX),
	FIELD(struct item_body, step, FIELD_INT, FIELD_NULLABLE, 0, 9007199254740991.0),
	FIELD(struct item_body, value, FIELD_JSON, 0, 0, 0),
	FIELD(struct item_body, values, FIELD_OBJECT, 0, 0, 0),
	{ .name = "stderr",
		.type = FIELD_REAL,
		.flags = FIELD_NULLABLE,
		.offset = offsetof(struct item_body, stderr_),
		.low = 0,
		.high = INFINITY },
	FIELD(struct item_body, final, FIELD_BOOL, 0, 0, 0),
	FIELD(struct item_body, status, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_NAME),
	FIELD(struct item_body, message, FIELD_STRING, FIELD_NULLABLE, 0, LIMIT_MESSAGE),
	FIELD(struct item_body, checkpoint, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_MESSAGE),
	FIELD(struct item_body, attributes, FIELD_OBJECT, FIELD_NULLABLE, 0, 0),
	{ NULL },
};

/* report, final or failed; false: a fault. */
static bool kind_of(const struct item_body *body, const struct path *at, enum observe_kind *out,
	struct faults *faults)
{
	struct path status = { at, "status", 0 }, message = { at, "message", 0 };

	*out = body->final ? OBSERVE_FINAL : OBSERVE_REPORT;
	if (body->status && strcmp(body->status, "failed") == 0) {
		*out = OBSERVE_FAILED;
		if (!body->final)
			return true;
		fault_add(faults, &status, "a failed trial has no final value: leave out final");
		return false;
	}
	if (body->status && strcmp(body->status, "succeeded") == 0) {
		*out = OBSERVE_FINAL;
	} else if (body->status) {
		fault_add(faults, &status, "must be \"failed\" or \"succeeded\"");
		return false;
	}
	if (body->message) {
		fault_add(faults, &message, "goes with status \"failed\" only");
		return false;
	}
	return true;
}

static bool attributes_of(struct call *call, const struct item_body *body, const struct path *at,
	const char **out, struct faults *faults)
{
	struct path here = { at, "attributes", 0 };
	if (!body->attributes)
		return true;
	*out = body_text(call, body->attributes);
	if (*out && strlen(*out) <= LIMIT_ATTRIBUTES)
		return true;
	fault_add(faults, &here, "must have at most %d bytes", LIMIT_ATTRIBUTES);
	return false;
}

static bool item_of(struct call *call, const json_t *item, const struct path *at,
	struct observation *out, struct faults *faults)
{
	struct item_body body = { .step = -1, .stderr_ = NAN };

	if (!body_decode(call, item, at, item_fields, &body, faults))
		return false;
	struct metric_fields metrics = { body.value, body.values, body.stderr_ };
	bool valid = kind_of(&body, at, &out->kind, faults);
	if (valid && out->kind == OBSERVE_FAILED) {
		if (body.value || body.values) {
			struct path here = { at, body.value ? "value" : "values", 0 };
			fault_add(faults, &here, "a failed trial has no value");
			valid = false;
		}
	} else {
		valid &= metrics_of(
			call, &metrics, true, at, &out->metrics, &out->n_metrics, faults);
	}
	valid &= attributes_of(call, &body, at, &out->attributes, faults);
	out->trial = body.trial;
	out->attempt = body.attempt;
	out->step = body.step;
	out->message = body.message;
	out->checkpoint = body.checkpoint;
	return valid;
}

/* Every item of the body; false: the problem is replied. */
static bool items_of(struct call *call, const json_t *document, struct observation *items, size_t n)
{
	struct faults faults;

	faults_init(&faults);
	for (size_t i = 0; i < n && faults.n < LIMIT_FAULTS; i++) {
		struct path at = { NULL, NULL, i };
		bool array = json_is_array(document);
		item_of(call, array ? json_array_get(document, i) : document, array ? &at : NULL,
			&items[i], &faults);
	}
	if (faults.n)
		reply_faults(call, &faults);
	return faults.n == 0;
}

static void write_item(struct buffer *out, const struct observe_item *item)
{
	buffer_printf(out, "{\"trial\":%" PRId64, item->trial);
	if (!item->accepted) {
		buffer_add_text(out, ",\"accepted\":false,\"error\":");
		problem_write(out, &item->error, NULL, NULL);
		buffer_add_char(out, '}');
		return;
	}
	buffer_printf(out, ",\"accepted\":true,\"repeated\":%s,\"late\":%s,\"command\":\"%s\"",
		item->repeated ? "true" : "false", item->late ? "true" : "false",
		command_name(item->command));
	buffer_add_text(out, ",\"reason\":");
	if (item->reason)
		json_write_string(out, item->reason);
	else
		buffer_add_text(out, "null");
	buffer_printf(out, ",\"state\":\"%s\"}", trial_state_name(item->state));
}

/* One of these is the op's context: whether the body was a single object decides what a refused
 * item answers. */
struct observing {
	struct call *call;
	bool single;
};

static void observe_done(struct op *op)
{
	const struct observing *observing = op->context;
	struct call *call = observing->call;

	if (op->code) {
		problem_reply(call, &op->error, NULL);
		return;
	}
	if (observing->single && !op->items[0].accepted) {
		problem_reply(call, &op->items[0].error, NULL);
		return;
	}
	buffer_add_text(&call->out, "{\"items\":[");
	for (size_t i = 0; i < op->observe.n; i++) {
		if (i)
			buffer_add_char(&call->out, ',');
		write_item(&call->out, &op->items[i]);
	}
	buffer_add_text(&call->out, "]}");
	reply_json(call, 200);
}

/* The number of items, 0 when the document is none: the problem is replied. */
static size_t count_of(struct call *call, const json_t *document)
{
	struct faults faults;
	if (json_is_object(document))
		return 1;
	size_t n = json_array_size(document);
	if (n > 0 && n <= LIMIT_OBSERVE_ITEMS)
		return n;
	faults_init(&faults);
	fault_add(&faults, NULL, "must be an observation or an array of 1 to %d of them",
		LIMIT_OBSERVE_ITEMS);
	reply_faults(call, &faults);
	return 0;
}

void observe(struct api *api, struct session *session, struct call *call)
{
	const struct idempotency *key; /* repeats are recognised by their content already */
	json_t *document = body_json(call);
	if (!document)
		return;
	struct observing *observing = arena_alloc(&call->arena, sizeof(*observing));
	size_t n = count_of(call, document);
	if (!n)
		goto out;
	struct observation *items = arena_array(&call->arena, n, sizeof(*items));
	struct op *op = op_new(call, OP_OBSERVE, NULL);
	if (!observing || !items || !op) {
		no_memory_reply(call);
		goto out;
	}
	if (!idempotency_of(call, &key) || !items_of(call, document, items, n))
		goto out;
	*observing = (struct observing){ call, json_is_object(document) };
	op->observe.items = items;
	op->observe.n = n;
	op->done = observe_done;
	op->context = observing;
	json_decref(document);
	engine_submit(api->engine, session, op);
	return;
out:
	json_decref(document);
}
