/* Model spaces, and the models that the trials of an experiment stand for. */
#include "algorithms/nas/model_space.h"

#include <string.h>

#include "algorithms/nas/hub.h"
#include "api/body.h"
#include "api/catalog.h"
#include "api/experiment.h"
#include "api/internal.h"
#include "api/problem.h"
#include "api/reply.h"
#include "core/json.h"
#include "engine/engine.h"

/* ---- POST /v1/model_spaces ---- */

struct model_body {
	json_t *model_space, *parameter_constraints;
};

static const struct field model_fields[] = {
	FIELD(struct model_body, model_space, FIELD_JSON, FIELD_REQUIRED, 0, 0),
	FIELD(struct model_body, parameter_constraints, FIELD_JSON, FIELD_NULLABLE, 0, 0),
	{ NULL },
};

/* The space of the body. False: replied. */
static bool read_model(
	struct call *call, const struct model_space **out, struct faults *faults, struct error *err)
{
	struct model_body body = { 0 };
	const char *model = NULL, *constraints = NULL;
	json_t *document = body_json(call);
	int rc = CODE_INVALID;

	if (!document)
		return false;
	faults_init(faults);
	bool complete = body_decode(call, document, NULL, model_fields, &body, faults);
	if (body.model_space) {
		model = body_text(call, body.model_space);
		if (body.parameter_constraints)
			constraints = body_text(call, body.parameter_constraints);
		rc = !model || (body.parameter_constraints && !constraints)
			     ? fail(err, CODE_NO_MEMORY, "no memory for the model space")
			     : model_space_parse(
				       model, constraints, &call->arena, out, faults, err);
	}
	json_decref(document);
	if (rc == CODE_INVALID || !complete)
		reply_faults(call, faults);
	else if (rc)
		problem_reply(call, err, NULL);
	return rc == 0 && complete;
}

static void write_dimensions(struct buffer *out, const struct model_space *model)
{
	const struct model_dimension *dimensions;
	size_t n = model_space_dimensions(model, &dimensions);

	buffer_add_text(out, ",\"dimensions\":[");
	for (size_t i = 0; i < n; i++) {
		buffer_add_text(out, i ? ",{\"label\":" : "{\"label\":");
		json_write_string(out, dimensions[i].label);
		write_text_member(out, "mutator", dimensions[i].mutator);
		write_count_member(out, "n_values", (int64_t)dimensions[i].n_values);
		write_count_member(out, "n_uses", (int64_t)dimensions[i].n_uses);
		buffer_add_char(out, '}');
	}
	buffer_add_char(out, ']');
}

static void write_range(struct buffer *out, const char *name, const struct model_range *range,
	const struct model_measure *measure)
{
	buffer_printf(out, ",\"%s\":", name);
	if (!measure->seen) {
		buffer_add_text(out, "null");
		return;
	}
	buffer_add_text(out, "{\"min\":");
	json_write_number(out, range->low, true);
	buffer_add_text(out, ",\"max\":");
	json_write_number(out, range->high, true);
	buffer_add_char(out, '}');
}

static void write_measure(struct buffer *out, const struct model_measure *measure)
{
	write_count_member(
		out, "distinct", measure->complete ? (int64_t)measure->distinct : (int64_t)-1);
	buffer_printf(out, ",\"measured\":{\"samples\":%llu,\"complete\":%s",
		(unsigned long long)measure->seen, measure->complete ? "true" : "false");
	write_range(out, "parameters", &measure->parameters, measure);
	write_range(out, "flops", &measure->flops, measure);
	buffer_add_char(out, '}');
}

static void model_space_post(struct api *api, struct session *session, struct call *call)
{
	const struct model_space *model;
	struct model_measure measure;
	struct error err = { 0 };
	struct faults faults;

	(void)api;
	(void)session;
	if (!read_model(call, &model, &faults, &err))
		return;
	buffer_printf(&call->out, "{\"valid\":true,\"search_space\":%s,\"count\":\"",
		model_space_json(model));
	if (model_space_count(model, &call->out, &err) ||
		model_space_measure(model, model_space_budget(model), &measure, &err)) {
		buffer_clear(&call->out);
		problem_reply(call, &err, NULL);
		return;
	}
	buffer_add_char(&call->out, '"');
	write_measure(&call->out, &measure);
	write_dimensions(&call->out, model);
	buffer_add_char(&call->out, '}');
	reply_json(call, 200);
}

/* ---- GET /v1/model_spaces, /v1/model_spaces/{name} ---- */

static json_t *read_hub(struct call *call)
{
	json_t *hub = hub_read();
	struct error err;

	if (!hub) {
		fail(&err, CODE_NO_MEMORY, "no memory for the model spaces");
		problem_reply(call, &err, NULL);
	}
	return hub;
}

static void hub_list(struct api *api, struct session *session, struct call *call)
{
	static const char *const members[] = { "name", "title", "description", "source" };
	json_t *hub = read_hub(call);
	const json_t *entry;
	size_t i;

	(void)api;
	(void)session;
	if (!hub)
		return;
	page_begin(call);
	json_array_foreach(hub, i, entry)
	{
		page_between(call);
		for (size_t k = 0; k < sizeof(members) / sizeof(*members); k++) {
			buffer_printf(&call->out, "%s\"%s\":", k ? "," : "{", members[k]);
			json_write(json_object_get(entry, members[k]), &call->out, NULL);
		}
		buffer_add_char(&call->out, '}');
	}
	page_end(call, NULL);
	json_decref(hub);
	reply_json(call, 200);
}

static void hub_get(struct api *api, struct session *session, struct call *call)
{
	json_t *hub = read_hub(call);
	const char *name = call->args[0];
	const json_t *entry = hub ? hub_find(hub, name) : NULL;
	struct error err;

	(void)api;
	(void)session;
	if (entry) {
		json_write(entry, &call->out, NULL);
		reply_json(call, 200);
	} else if (hub) {
		fail(&err, CODE_NOT_FOUND,
			"there is no model space %s: GET /v1/model_spaces lists them", name);
		problem_reply(call, &err, NULL);
	}
	json_decref(hub);
}

/* ---- GET /v1/experiments/{id}/trials/{n}/model ---- */

enum { MODEL_GRAPH, MODEL_DOT, MODEL_ONNX };
static const char *const model_formats[] = { "graph", "dot", "onnx", NULL };

/* How each is written. */
static const struct model_format {
	void (*write)(const struct model_graph *graph, struct buffer *out);
	const char *content_type;
} model_writers[] = {
	[MODEL_GRAPH] = { model_graph_write, "application/json" },
	[MODEL_DOT] = { model_graph_dot, "text/vnd.graphviz; charset=utf-8" },
	[MODEL_ONNX] = { model_graph_onnx, "application/octet-stream" },
};

/* The graph of a trial's parameters. *out NULL: they are no point of the model space. */
static int trial_freeze(struct call *call, const struct spec *spec, const struct trial *trial,
	const struct model_graph **out, struct error *err)
{
	double *x = arena_array(&call->arena, spec->space->n, sizeof(*x));
	struct faults faults;

	if (!x)
		return fail(err, CODE_NO_MEMORY, "no memory for the model");
	faults_init(&faults);
	int rc = space_read(spec->space, trial->parameters, false, x, &faults, err);
	if (!rc)
		rc = model_freeze(spec->model, x, &call->arena, out, err);
	if (rc == CODE_INVALID || rc == CODE_MALFORMED)
		return fail(
			err, CODE_CONFLICT, "the trial's parameters are no model of this space");
	return rc;
}

static int model_of(struct session *session, struct call *call, const struct experiment_row *row,
	int64_t number, const struct model_graph **out, struct error *err)
{
	const struct spec *spec;
	struct trial trial;
	struct faults faults;

	int rc = store_trial_get(session, row->id, number, &call->arena, &trial, err);
	if (rc)
		return rc;
	faults_init(&faults);
	if (spec_parse(row->spec, strlen(row->spec), NULL, &engine_catalog, 0, &call->arena, &spec,
		    &faults, err))
		return fail(err, CODE_INTERNAL, "the stored experiment cannot be read");
	if (!spec->model)
		return fail(err, CODE_CONFLICT, "the experiment has no model space");
	return trial_freeze(call, spec, &trial, out, err);
}

static void trial_model(struct api *api, struct session *session, struct call *call)
{
	const struct model_graph *graph;
	struct experiment_row row;
	struct error err = { 0 };
	int64_t number;
	int format;

	if (!trial_number_of(call, 1, &number) ||
		!query_choice(call, "format", model_formats, MODEL_GRAPH, &format) ||
		!experiment_of(api, session, call, &row))
		return;
	if (model_of(session, call, &row, number, &graph, &err)) {
		problem_reply(call, &err, NULL);
		return;
	}
	model_writers[format].write(graph, &call->out);
	if (format == MODEL_GRAPH || call->out.failed) {
		reply_json(call, 200); /* or the problem that it did not fit */
		return;
	}
	call->status = 200;
	call->content_type = model_writers[format].content_type;
	call_header(call, "Cache-Control", "private, no-cache");
	call_finish(call);
}

const struct route routes_model[] = {
	{ METHOD_GET, "/v1/model_spaces", "listModelSpaces", hub_list, SCOPE_READ, 0, 0, "" },
	{ METHOD_GET, "/v1/model_spaces/{name}", "getModelSpace", hub_get, SCOPE_READ, 0, 0, "" },
	{ METHOD_POST, "/v1/model_spaces", "validateModelSpace", model_space_post, SCOPE_READ,
		ROUTE_JSON, LIMIT_BODY_BYTES, "" },
	{ METHOD_GET, "/v1/experiments/{id}/trials/{n}/model", "getTrialModel", trial_model,
		SCOPE_READ, 0, 0, "format" },
	{ METHOD_GET, NULL },
};
