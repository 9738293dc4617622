/*
 * GET /v1/experiments/{id}/importance: how much each parameter matters for an objective.
 *
 * The engine's view is only held while points are copied out of it, and only so many that neither
 * the copy nor what is made of it takes long; the rest happens on the worker's thread.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algorithms/analysis/importance.h"
#include "api/loop.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/view_read.h"
#include "core/json.h"

/* Coordinates copied: some milliseconds in the mailbox. */
#define PEDANOVA_COORDINATES 200000u
/* Of what a forest is made of: about a second, for 65 parameters and 2,000 trials. */
#define FANOVA_COORDINATES 131072u
#define FANOVA_TRIALS	   2000u

enum { PEDANOVA, FANOVA };
static const char *const methods[] = { "pedanova", "fanova", NULL };

static const char *const reasons[] = {
	[IMPORTANCE_KNOWN] = NULL,
	[IMPORTANCE_TOO_FEW] = "too_few_results",
	[IMPORTANCE_FLAT] = "results_all_equal",
};

struct request {
	struct arena *arena;
	int method;
	const char *objective_name; /* as asked for; NULL: the first */
	bool no_objective, no_memory;

	/* copied from the view */
	const char *objective;
	size_t finished;
	uint64_t version, seed;
	struct importance_points points;
};

static size_t points_max(int method, size_t d)
{
	size_t room = (method == FANOVA ? FANOVA_COORDINATES : PEDANOVA_COORDINATES) / (d ? d : 1);
	return method == FANOVA && room > FANOVA_TRIALS ? FANOVA_TRIALS : room;
}

static void take(const struct view *view, void *context)
{
	struct request *request = context;
	const struct spec *spec = view->spec;
	size_t k = 0;

	while (k < spec->n_objectives && request->objective_name &&
		strcmp(spec->objectives[k].name, request->objective_name) != 0)
		k++;
	request->no_objective = k == spec->n_objectives;
	if (request->no_objective)
		return;
	request->objective = arena_strdup(request->arena, spec->objectives[k].name);
	request->finished = view->n_finished;
	request->version = view->counts.version;
	request->seed = spec->seed;
	request->no_memory =
		!request->objective ||
		importance_gather(view, k, false, points_max(request->method, spec->space->n),
			request->arena, &request->points);
}

/* ---- the reply ---- */

struct item {
	const char *parameter;
	size_t index;
	double share, variance;
};

/* Largest first, then as declared. */
static int by_share(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->share != y->share)
		return x->share < y->share ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

static int by_parameter(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = strcmp(x->parameter, y->parameter);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Parameters of several branches that share an address become one, where the first was declared.
 * NULL: no memory. */
static struct item *list_items(
	const struct request *request, const struct importance *found, size_t *n)
{
	size_t d = request->points.d;
	struct item *items = arena_array(request->arena, d + 1, sizeof(*items));

	*n = 0;
	if (!items)
		return NULL;
	for (size_t j = 0; j < d; j++)
		items[j] = (struct item){ request->points.addresses[j], j, found->share[j],
			found->variance ? found->variance[j] : 0 };
	qsort(items, d, sizeof(*items), by_parameter);
	for (size_t j = 0; j < d; j++) {
		struct item *last = *n ? &items[*n - 1] : NULL;

		if (last && strcmp(last->parameter, items[j].parameter) == 0) {
			last->share += items[j].share;
			last->variance += items[j].variance;
		} else {
			items[(*n)++] = items[j];
		}
	}
	qsort(items, *n, sizeof(*items), by_share);
	return items;
}

static void write_share(struct buffer *out, bool known, double share)
{
	if (known)
		json_write_number(out, share, false);
	else
		buffer_add_text(out, "null");
}

static void write_items(
	struct buffer *out, const struct item *items, size_t n, const struct importance *found)
{
	bool known = found->reason == IMPORTANCE_KNOWN;

	for (size_t i = 0; i < n; i++) {
		buffer_add_text(out, i ? ",{\"parameter\":" : "{\"parameter\":");
		json_write_string(out, items[i].parameter);
		buffer_add_text(out, ",\"importance\":");
		write_share(out, known, items[i].share);
		buffer_add_text(out, ",\"variance\":");
		write_share(out, known && found->variance, items[i].variance);
		buffer_add_char(out, '}');
	}
}

static void write_pairs(struct buffer *out, const struct request *request,
	const struct importance *found, size_t most)
{
	for (size_t i = 0; i < found->n_pairs && i < most; i++) {
		buffer_add_text(out, i ? ",{\"parameters\":[" : "{\"parameters\":[");
		json_write_string(out, request->points.addresses[found->pairs[i].a]);
		buffer_add_char(out, ',');
		json_write_string(out, request->points.addresses[found->pairs[i].b]);
		buffer_add_text(out, "],\"variance\":");
		json_write_number(out, found->pairs[i].variance, false);
		buffer_add_char(out, '}');
	}
}

static bool write_reply(struct call *call, const struct request *request,
	const struct importance *found, size_t top)
{
	struct buffer *out = &call->out;
	size_t n;
	const struct item *items = list_items(request, found, &n);

	if (!items)
		return false;
	buffer_printf(out, "{\"method\":\"%s\",\"objective\":", methods[request->method]);
	json_write_string(out, request->objective);
	buffer_printf(out, ",\"finished\":%zu,\"used\":%zu,\"reason\":", request->finished,
		found->n_used);
	if (found->reason == IMPORTANCE_KNOWN)
		buffer_add_text(out, "null");
	else
		json_write_string(out, reasons[found->reason]);
	buffer_add_text(out, ",\"items\":[");
	write_items(out, items, n < top ? n : top, found);
	buffer_add_text(out, "],\"interactions\":[");
	write_pairs(out, request, found, top);
	buffer_printf(out, "],\"version\":%" PRIu64 "}", request->version);
	return true;
}

static int evaluate(const struct request *request, struct importance *found)
{
	struct rng rng;

	if (request->method == PEDANOVA)
		return importance_pedanova(&request->points, request->arena, found);
	rng_init(&rng, request->seed, RNG_FIT, request->version);
	return importance_fanova(&request->points, &rng, request->arena, found);
}

void trial_importance(struct api *api, struct session *session, struct call *call)
{
	struct request request = {
		.arena = &call->arena,
		.objective_name = call->transport->query(call, "objective"),
	};
	struct importance found;
	int64_t top;

	if (!query_choice(call, "method", methods, PEDANOVA, &request.method) ||
		!query_int(call, "top", 1, LIMIT_PARAMETERS, LIMIT_PARAMETERS, &top) ||
		!view_read(api, session, call, take, &request))
		return;
	if (request.no_objective) {
		problem_replyf(call, CODE_MALFORMED,
			"query argument objective: the experiment has no objective of that name");
		return;
	}
	if (request.no_memory || evaluate(&request, &found) != 0 ||
		!write_reply(call, &request, &found, (size_t)top)) {
		no_memory_reply(call);
		return;
	}
	reply_json(call, 200);
}
