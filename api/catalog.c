#include "algorithms/assessors/assessor.h"
#include "algorithms/tuners/tuner.h"
#include "api/catalog.h"
#include "api/internal.h"
#include "api/reply.h"
#include "api/route.h"
#include "core/json.h"
#include "core/option_json.h"

#include <string.h>

/* What a bit of caps is called on the wire. */
static const struct capability {
	unsigned bit;
	const char *name;
} tuner_capabilities[] = {
	{ TUNER_NESTED, "nested" },
	{ TUNER_CONTINUOUS, "continuous" },
	{ TUNER_MULTI_OBJECTIVE, "multi_objective" },
	{ TUNER_MULTI_FIDELITY, "multi_fidelity" },
	{ TUNER_NEEDS_METRICS, "needs_metrics" },
	{ TUNER_OWN_ORDER, "own_order" },
	{ TUNER_EXTERNAL, "external" },
	{ 0, NULL },
}, assessor_capabilities[] = {
	{ ALGORITHM_NEEDS_METRICS, "needs_metrics" },
	{ 0, NULL },
};

static void write_capabilities(
	struct buffer *out, unsigned caps, const struct capability *capability)
{
	const char *between = "";

	buffer_add_text(out, ",\"capabilities\":[");
	for (; capability->name; capability++) {
		if (!(caps & capability->bit))
			continue;
		buffer_printf(out, "%s\"%s\"", between, capability->name);
		between = ",";
	}
	buffer_add_char(out, ']');
}

/* "a|b" as ["a","b"]. */
static void write_names(struct buffer *out, const char *names)
{
	buffer_add_text(out, ",\"aliases\":[");
	while (names && *names) {
		size_t n = strcspn(names, "|");
		buffer_add_char(out, '"'); /* names need no escapes */
		buffer_add(out, names, n);
		buffer_add_char(out, '"');
		names += n;
		if (*names == '|' && *++names)
			buffer_add_char(out, ',');
	}
	buffer_add_char(out, ']');
}

static void reply_list(struct call *call, const struct algorithm *const *list,
	const struct capability *capabilities)
{
	struct buffer *out = &call->out;

	page_begin(call);
	for (; *list; list++) {
		page_between(call);
		buffer_add_text(out, "{\"name\":");
		json_write_string(out, (*list)->name);
		write_names(out, (*list)->aliases);
		write_text_member(out, "description", (*list)->summary);
		write_capabilities(out, (*list)->caps, capabilities);
		buffer_add_text(out, ",\"options\":");
		option_table_write((*list)->options, out);
		buffer_add_char(out, '}');
	}
	page_end(call, NULL);
	reply_json(call, 200);
}

static void tuner_list(struct api *api, struct session *session, struct call *call)
{
	(void)api;
	(void)session;
	reply_list(call, engine_catalog.tuners, tuner_capabilities);
}

static void assessor_list(struct api *api, struct session *session, struct call *call)
{
	(void)api;
	(void)session;
	reply_list(call, engine_catalog.assessors, assessor_capabilities);
}

const struct route routes_catalog[] = {
	{ METHOD_GET, "/v1/tuners", "listTuners", tuner_list, SCOPE_READ, 0, 0, "" },
	{ METHOD_GET, "/v1/assessors", "listAssessors", assessor_list, SCOPE_READ, 0, 0, "" },
	{ METHOD_POST, "/v1/spaces/sample", "sampleSpace", space_sample_post, SCOPE_READ,
		ROUTE_JSON, LIMIT_BODY_BYTES, "" },
	{ METHOD_POST, "/v1/spaces/validate", "validateSpace", space_validate_post, SCOPE_READ,
		ROUTE_JSON, LIMIT_BODY_BYTES, "" },
	{ 0 },
};
