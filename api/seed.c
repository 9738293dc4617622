/* POST /v1/experiments/{id}/seed: results from elsewhere, as history. Zero is a value. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/body.h"
#include "api/loop.h"
#include "api/metric.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/transfer.h"
#include "core/json.h"

struct seed_body {
	json_t *parameters, *value, *values, *curve;
	double stderr_;
	const char *status, *message;
};

static const struct field seed_fields[] = {
	FIELD(struct seed_body, parameters, FIELD_OBJECT, FIELD_REQUIRED, 0, 0),
	FIELD(struct seed_body, value, FIELD_JSON, 0, 0, 0),
	FIELD(struct seed_body, values, FIELD_OBJECT, 0, 0, 0),
	{ .name = "stderr",
		.type = FIELD_REAL,
		.flags = FIELD_NULLABLE,
		.offset = offsetof(struct seed_body, stderr_),
		.low = 0,
		.high = INFINITY },
	FIELD(struct seed_body, status, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_NAME),
	FIELD(struct seed_body, message, FIELD_STRING, FIELD_NULLABLE, 0, LIMIT_MESSAGE),
	FIELD(struct seed_body, curve, FIELD_ARRAY, FIELD_NULLABLE, 0, LIMIT_BATCH_EVENTS),
	{ NULL },
};

struct point_body {
	int64_t step;
	json_t *value, *values;
};

static const struct field point_fields[] = {
	FIELD(struct point_body, step, FIELD_INT, FIELD_REQUIRED, 0, 9007199254740991.0),
	FIELD(struct point_body, value, FIELD_JSON, 0, 0, 0),
	FIELD(struct point_body, values, FIELD_OBJECT, 0, 0, 0),
	{ NULL },
};

/* The body on its way to the engine. */
struct seeding {
	struct call *call;
	const char
		*objective; /* the only one: what a bare value reports; NULL: there are several */
	struct faults faults;
	size_t events; /* that the rows will make */
};

/* A bare value is of the only objective, whatever its name. */
static bool seed_metrics(struct seeding *seeding, const struct metric_fields *fields, bool required,
	const struct path *at, const struct metric **out, size_t *n)
{
	if (!metrics_of(seeding->call, fields, required, at, out, n, &seeding->faults))
		return false;
	if (!fields->value || !seeding->objective)
		return true;
	struct metric *named = arena_copy(&seeding->call->arena, *out, sizeof(**out));
	if (!named) {
		fault_add(&seeding->faults, at, "no memory for the metrics");
		return false;
	}
	named->name = seeding->objective;
	*out = named;
	return true;
}

static bool curve_of(
	struct seeding *seeding, const json_t *curve, const struct path *up, struct seed_row *row)
{
	struct path here = { up, "curve", 0 };
	size_t n = json_array_size(curve);
	struct report_row *reports = arena_array(&seeding->call->arena, n + 1, sizeof(*reports));
	int64_t last = -1;

	if (!reports) {
		fault_add(&seeding->faults, &here, "no memory for the curve");
		return false;
	}
	for (size_t k = 0; k < n; k++) {
		struct point_body body = { 0 };
		struct path at = { &here, NULL, k };
		if (!body_decode(seeding->call, json_array_get(curve, k), &at, point_fields, &body,
			    &seeding->faults))
			return false;
		struct metric_fields fields = { body.value, body.values, NAN };
		if (body.step <= last) {
			fault_add(&seeding->faults, &at, "steps must ascend");
			return false;
		}
		last = reports[k].step = body.step;
		if (!seed_metrics(seeding, &fields, true, &at, &reports[k].metrics,
			    &reports[k].n_metrics))
			return false;
	}
	row->curve = reports;
	row->n_curve = n;
	return true;
}

static bool status_of(struct seeding *seeding, const struct seed_body *body, const struct path *up,
	struct seed_row *row)
{
	struct path status = { up, "status", 0 }, message = { up, "message", 0 };

	row->failed = body->status && strcmp(body->status, "failed") == 0;
	if (body->status && !row->failed && strcmp(body->status, "succeeded") != 0) {
		fault_add(&seeding->faults, &status, "must be \"succeeded\" or \"failed\"");
		return false;
	}
	if (row->failed && (body->value || body->values)) {
		fault_add(&seeding->faults, &status, "a failed result has no value");
		return false;
	}
	if (body->message && !row->failed) {
		fault_add(&seeding->faults, &message, "goes with status \"failed\" only");
		return false;
	}
	row->message = body->message;
	return true;
}

static void row_of(
	struct seeding *seeding, const json_t *item, const struct path *at, struct seed_row *row)
{
	struct seed_body body = { .stderr_ = NAN };
	struct path parameters = { at, "parameters", 0 };

	if (!body_decode(seeding->call, item, at, seed_fields, &body, &seeding->faults) ||
		!status_of(seeding, &body, at, row))
		return;
	struct metric_fields fields = { body.value, body.values, body.stderr_ };
	if (!seed_metrics(seeding, &fields, !row->failed, at, &row->metrics, &row->n_metrics) ||
		(body.curve && !curve_of(seeding, body.curve, at, row)))
		return;
	row->parameters = body_text(seeding->call, body.parameters);
	if (!row->parameters)
		fault_add(&seeding->faults, &parameters, "no memory for the parameters");
	seeding->events += 1 + row->n_curve;
}

/* The name of the only objective, in the call's arena; NULL: there are several. */
static const char *only_objective(struct call *call, const char *spec)
{
	const char *name = NULL;
	json_t *document;

	if (json_read(spec, strlen(spec), &document, NULL))
		return NULL;
	const json_t *objectives = json_object_get(document, "objectives");
	const json_t *first = json_array_get(objectives, 0);
	const char *text = json_string_value(json_object_get(first, "name"));
	if (json_array_size(objectives) == 1 && text)
		name = arena_strdup(&call->arena, text);
	json_decref(document);
	return name;
}

/* Every row of the body; NULL: the problem is replied. */
static struct seed_row *rows_of(struct seeding *seeding, const json_t *document, size_t *n)
{
	struct call *call = seeding->call;
	struct seed_row *rows = NULL;

	*n = json_array_size(document);
	faults_init(&seeding->faults);
	if (*n == 0 || *n > LIMIT_SEED_ITEMS) {
		fault_add(&seeding->faults, NULL, "must be an array of 1 to %d results",
			LIMIT_SEED_ITEMS);
		reply_faults(call, &seeding->faults);
		return NULL;
	}
	rows = arena_array(&call->arena, *n, sizeof(*rows));
	if (!rows) {
		no_memory_reply(call);
		return NULL;
	}
	for (size_t i = 0; i < *n && seeding->faults.n < LIMIT_FAULTS; i++) {
		struct path at = { NULL, NULL, i };
		row_of(seeding, json_array_get(document, i), &at, &rows[i]);
	}
	if (seeding->faults.n) {
		reply_faults(call, &seeding->faults);
		return NULL;
	}
	if (seeding->events > LIMIT_BATCH_EVENTS) {
		problem_replyf(call, CODE_TOO_LARGE,
			"results and points of their curves are %zu together, more than %d: send "
			"them in parts",
			seeding->events, LIMIT_BATCH_EVENTS);
		return NULL;
	}
	return rows;
}

static void seed_encode(struct op *op, void *context)
{
	struct call *call = context;
	write_row_results(call, op->rows, op->seed.n);
	reply_replayed(call, op->replayed);
}

static void run_seed(struct api *api, struct session *session, struct call *call,
	const struct seed_row *rows, size_t n)
{
	const struct idempotency *key;
	char detail[64];

	if (!idempotency_of(call, &key) || !key_with_status(call, &key, 200))
		return;
	struct op *op = op_new(call, OP_SEED, key);
	if (!op) {
		no_memory_reply(call);
		return;
	}
	op->seed.rows = rows;
	op->seed.n = n;
	if (op_wait(api, session, op, seed_encode, call)) {
		problem_reply(call, &op->error, NULL);
		return;
	}
	if (!op->replayed) {
		snprintf(detail, sizeof(detail), "{\"rows\":%zu}", n);
		audit(api, session, call, "experiment.seed", call->args[0], detail);
	}
	reply_json(call, 200);
}

void experiment_seed(struct api *api, struct session *session, struct call *call)
{
	struct experiment_row row;
	struct seeding seeding = { .call = call };
	size_t n;
	json_t *document = body_json(call);

	if (!document)
		return;
	if (!experiment_of(api, session, call, &row)) {
		json_decref(document);
		return;
	}
	seeding.objective = only_objective(call, row.spec);
	struct seed_row *rows = rows_of(&seeding, document, &n);
	json_decref(document);
	if (rows)
		run_seed(api, session, call, rows, n);
}
