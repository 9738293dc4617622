/*
 * GET /v1/experiments/{id}/best?rank=expected: the best trials by what they are expected to give,
 * rather than by what they gave once.
 *
 * The engine's view is only held while results are copied out of it; the fit happens on the
 * worker's thread.
 */
#include <inttypes.h>
#include <math.h>

#include "algorithms/analysis/expected.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/view_read.h"
#include "core/json.h"

struct ranking {
	struct call *call;
	size_t top;
	bool no_memory;
	struct expected expected;
};

static void take(const struct view *view, void *context)
{
	struct ranking *ranking = context;

	ranking->no_memory = expected_gather(view, &ranking->call->arena, &ranking->expected) != 0;
}

static void write_number(struct buffer *out, double x)
{
	if (isnan(x))
		buffer_add_text(out, "null");
	else
		json_write_number(out, x, false);
}

static void write_expected(struct buffer *out, const struct expected_item *item)
{
	if (isnan(item->mean)) {
		buffer_add_text(out, ",\"expected\":null}");
		return;
	}
	buffer_add_text(out, ",\"expected\":{\"value\":");
	write_number(out, item->mean);
	buffer_add_text(out, ",\"stderr\":");
	write_number(out, item->error);
	buffer_add_text(out, "}}");
}

/* The trials may have changed meanwhile, but a result stands. */
static void write_items(const struct view *view, void *context)
{
	const struct ranking *ranking = context;
	const struct expected *expected = &ranking->expected;
	struct buffer *out = &ranking->call->out;
	size_t n = 0;

	buffer_add_text(out, "{\"noise\":");
	write_number(out, expected->noise);
	buffer_printf(
		out, ",\"results\":%zu,\"used\":%zu,\"items\":[", expected->n_results, expected->n);
	for (size_t i = 0; i < expected->n && n < ranking->top; i++) {
		const struct expected_item *item = &expected->items[i];
		const struct trial *trial = view_trial(view, item->trial);
		if (!item->feasible || !trial)
			continue;
		if (n++)
			buffer_add_char(out, ',');
		write_trial_open(out, trial);
		write_expected(out, item);
	}
	buffer_add_text(out, "]}");
}

void reply_expected(struct api *api, struct session *session, struct call *call, size_t top)
{
	struct ranking ranking = { .call = call, .top = top };
	struct error err = { 0 };

	if (!view_read(api, session, call, take, &ranking))
		return;
	int code = ranking.no_memory ? fail(&err, CODE_NO_MEMORY, "no memory for the results")
				     : expected_estimate(&ranking.expected,
					       engine_compute(api->engine), &call->arena, &err);
	if (code)
		problem_reply(call, &err, NULL);
	else if (view_read(api, session, call, write_items, &ranking))
		reply_json(call, 200);
}
