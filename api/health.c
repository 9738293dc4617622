/* GET /v1/experiments/{id}/health: what a colleague would notice about the experiment. */
#include <inttypes.h>

#include "algorithms/analysis/health.h"
#include "api/experiment.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/view_read.h"
#include "core/json.h"

struct gathering {
	struct arena *arena;
	struct health_facts facts;
	int code;
};

static void gather(const struct view *view, void *context)
{
	struct gathering *gathering = context;

	gathering->code = health_gather(view, gathering->arena, &gathering->facts);
}

static void write_finding(struct buffer *out, const struct health_finding *finding)
{
	static const char *const severities[] = {
		[HEALTH_WARNING] = "warning",
		[HEALTH_INFO] = "info",
	};

	buffer_printf(out, "{\"kind\":\"%s\",\"severity\":\"%s\",\"subject\":", finding->kind,
		severities[finding->severity]);
	if (finding->subject)
		json_write_string(out, finding->subject);
	else
		buffer_add_text(out, "null");
	buffer_add_text(out, ",\"message\":");
	json_write_string(out, finding->message);
	buffer_add_char(out, '}');
}

void experiment_health(struct api *api, struct session *session, struct call *call)
{
	struct gathering gathering = { .arena = &call->arena };
	const struct health_finding *findings = NULL;
	size_t n = 0;

	if (!view_read(api, session, call, gather, &gathering))
		return;
	if (gathering.code == 0)
		gathering.code = health_find(&gathering.facts, &call->arena, &findings, &n);
	if (gathering.code) {
		no_memory_reply(call);
		return;
	}
	buffer_printf(
		&call->out, "{\"results\":%" PRId64 ",\"findings\":[", gathering.facts.n_results);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buffer_add_char(&call->out, ',');
		write_finding(&call->out, &findings[i]);
	}
	buffer_add_text(&call->out, "]}");
	reply_json(call, 200);
}
