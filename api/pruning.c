#include "api/pruning.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "algorithms/pruning/schedule.h"
#include "api/body.h"
#include "api/internal.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/route.h"
#include "core/json.h"

#define DEFAULT_PRUNER "l1"

struct plan_body {
	json_t *model;
	const char *pruner;
	json_t *config_list, *kept, *schedule;
	int64_t round_to, min_keep;
};

struct schedule_body {
	const char *name;
	int64_t total_iteration;
};

static const struct field schedule_fields[] = {
	FIELD(struct schedule_body, name, FIELD_STRING, FIELD_REQUIRED, 1, LIMIT_NAME),
	FIELD(struct schedule_body, total_iteration, FIELD_INT, FIELD_REQUIRED, 1,
		LIMIT_ITERATIONS),
	{ NULL },
};

static const struct field plan_fields[] = {
	FIELD(struct plan_body, model, FIELD_OBJECT, FIELD_REQUIRED, 0, 0),
	FIELD(struct plan_body, pruner, FIELD_STRING, FIELD_NULLABLE, 1, LIMIT_NAME),
	FIELD(struct plan_body, config_list, FIELD_ARRAY, FIELD_NULLABLE, 1, LIMIT_CONFIG_ENTRIES),
	FIELD(struct plan_body, kept, FIELD_OBJECT, FIELD_NULLABLE, 0, 0),
	FIELD(struct plan_body, schedule, FIELD_OBJECT, FIELD_NULLABLE, 0, 0),
	FIELD(struct plan_body, round_to, FIELD_INT, 0, 1, LIMIT_LAYER_CHANNELS),
	FIELD(struct plan_body, min_keep, FIELD_INT, 0, 1, LIMIT_LAYER_CHANNELS),
	{ NULL },
};

/* A request for a plan, and what comes of it. */
struct planning {
	struct plan_body body;
	const struct pruner *pruner;
	struct network network;
	struct plan plan;
	double *targets;		 /* per layer; NULL: no config_list */
	const struct schedule *schedule; /* NULL: none */
	int64_t iterations;
	struct faults faults;
};

/* ---- reading ---- */

/* The names that pruner may have, for a message. */
static void list_pruners(char out[FAULT_MESSAGE_MAX])
{
	size_t used = 0;

	out[0] = '\0';
	for (const struct pruner *pruner = pruners; pruner->name; pruner++) {
		int n = snprintf(out + used, FAULT_MESSAGE_MAX - used, "%s%s", used ? ", " : "",
			pruner->name);
		used += (size_t)n < FAULT_MESSAGE_MAX - used ? (size_t)n : 0;
	}
}

static void check_members(struct planning *p)
{
	static const struct path pruner = { .name = "pruner" }, kept = { .name = "kept" };
	static const char *const bounds[] = { "round_to", "min_keep" };
	const char *name = p->body.pruner ? p->body.pruner : DEFAULT_PRUNER;
	char known[FAULT_MESSAGE_MAX];

	p->pruner = pruner_find(name);
	if (!p->pruner) {
		list_pruners(known);
		fault_add(&p->faults, &pruner, "must be one of %s", known);
	}
	if (p->body.kept && p->body.config_list)
		fault_add(&p->faults, &kept, "goes without config_list: it is the answer to it");
	if (p->body.kept && p->pruner && p->pruner->by_weight)
		fault_add(&p->faults, &kept, "counts channels, and %s removes single weights",
			p->pruner->name);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		struct path here = { .name = bounds[i] };
		bool given = i ? p->body.min_keep != 1 : p->body.round_to != 1;
		if (given && (!p->body.config_list || (p->pruner && p->pruner->by_weight)))
			fault_add(&p->faults, &here, "goes with config_list and channels only");
	}
}

static void read_schedule(struct call *call, struct planning *p)
{
	static const struct path at = { .name = "schedule" };
	struct path name = { &at, "name", 0 };
	struct schedule_body body = { 0 };

	if (!p->body.schedule)
		return;
	if (!p->body.config_list)
		fault_add(&p->faults, &at, "goes with config_list only");
	body_decode(call, p->body.schedule, &at, schedule_fields, &body, &p->faults);
	p->iterations = body.total_iteration;
	p->schedule = body.name ? schedule_find(body.name) : NULL;
	if (body.name && !p->schedule)
		fault_add(&p->faults, &name, "must be one of linear, agp, lottery_ticket");
}

/* Each iteration is a plan. */
static int check_work(struct planning *p, struct error *err)
{
	static const struct path at = { .name = "schedule" };
	struct path here = { &at, "total_iteration", 0 };
	size_t work = p->network.n_layers + p->network.n_parts;

	for (size_t i = 0; i < p->network.n_balances; i++)
		work += p->network.balances[i].n_terms;
	for (size_t i = 0; i < p->network.n_layers; i++)
		work += p->network.layers[i].n_shares;
	if (!p->schedule || (uint64_t)p->iterations * work <= LIMIT_SCHEDULE_WORK)
		return 0;
	fault_add(&p->faults, &here, "must be at most %llu for a network of this size",
		(unsigned long long)(LIMIT_SCHEDULE_WORK / work));
	return fail(err, CODE_INVALID, "the schedule is too long");
}

static int plan_from_rules(struct call *call, struct planning *p, struct error *err)
{
	static const struct path at = { .name = "config_list" };
	struct plan_bounds bounds = { p->body.round_to, p->body.min_keep };
	struct rule *rules;
	size_t n;

	int rc = pruning_read_rules(call, p->body.config_list, &at, &rules, &n, &p->faults, err);
	if (rc)
		return rc;
	p->targets = arena_array(&call->arena, p->network.n_layers, sizeof(*p->targets));
	if (!p->targets)
		return fail(err, CODE_NO_MEMORY, "no memory for the plan");
	rc = rules_resolve(
		&p->network, p->pruner, rules, n, &at, &call->arena, p->targets, &p->faults, err);
	return rc ? rc
		  : plan_sparsity(&p->plan, &p->network, p->pruner, p->targets, &bounds,
			    &call->arena, err);
}

static int plan_from_counts(struct call *call, struct planning *p, struct error *err)
{
	static const struct path at = { .name = "kept" };
	struct plan_kept *entries;
	size_t n;

	int rc = pruning_read_kept(call, p->body.kept, &at, &entries, &n, &p->faults, err);
	return rc ? rc
		  : plan_counts(
			    &p->plan, &p->network, entries, n, &at, &call->arena, &p->faults, err);
}

static int read_planning(
	struct call *call, const json_t *document, struct planning *p, struct error *err)
{
	static const struct path model = { .name = "model" };
	int rc = CODE_INVALID;

	body_decode(call, document, NULL, plan_fields, &p->body, &p->faults);
	check_members(p);
	read_schedule(call, p);
	/* Faults of the model are worth having at once with those of other members. */
	if (p->body.model)
		rc = pruning_read_model(call, p->body.model, &model, &p->network, &p->faults, err);
	if (rc == 0 && p->faults.n)
		rc = CODE_INVALID;
	if (rc == CODE_INVALID)
		return fail(err, CODE_INVALID, "the plan cannot be made");
	if (!rc)
		rc = check_work(p, err);
	if (!rc)
		rc = plan_init(&p->plan, &p->network, &call->arena, err);
	if (!rc && p->body.config_list)
		rc = plan_from_rules(call, p, err);
	if (!rc && p->body.kept)
		rc = plan_from_counts(call, p, err);
	return rc;
}

/* ---- writing ---- */

static const char *granularity(const struct pruner *pruner)
{
	return pruner->by_weight ? "weights" : "channels";
}

static void write_total(struct buffer *out, const char *name, uint64_t parameters, uint64_t macs)
{
	buffer_printf(out,
		",\"%s\":{\"parameters\":%" PRIu64 ",\"macs\":%" PRIu64 ",\"flops\":%" PRIu64 "}",
		name, parameters, macs, 2 * macs);
}

static void write_sparsity(struct buffer *out, double sparsity)
{
	buffer_add_text(out, ",\"sparsity\":");
	if (isnan(sparsity))
		buffer_add_text(out, "null");
	else
		json_write_number(out, sparsity, false);
}

static void write_size(struct buffer *out, const char *name, const struct network_size *size)
{
	buffer_printf(out,
		",\"%s\":{\"in_channels\":%" PRId64 ",\"out_channels\":%" PRId64
		",\"groups\":%" PRId64 ",\"shape\":[",
		name, size->in_channels, size->out_channels, size->groups);
	for (unsigned i = 0; i < size->shape.rank; i++)
		buffer_printf(out, "%s%" PRId64, i ? "," : "", size->shape.size[i]);
	buffer_printf(out, "],\"parameters\":%" PRIu64 ",\"macs\":%" PRIu64 "}", size->parameters,
		size->macs);
}

static void write_layer(struct buffer *out, const struct planning *p, size_t index)
{
	const struct network_layer *layer = &p->network.layers[index];
	struct network_size size;

	buffer_add_text(out, "{\"name\":");
	json_write_string(out, layer->name);
	write_text_member(out, "type", layer->type->name);
	write_sparsity(out, p->targets ? p->targets[index] : (double)NAN);
	network_measure(&p->network, index, NULL, &size);
	write_size(out, "original", &size);
	plan_measure(&p->plan, &p->network, index, &size);
	write_size(out, "pruned", &size);
	buffer_add_char(out, '}');
}

static void write_group(struct buffer *out, const struct planning *p, size_t index)
{
	static const char *const fixed[] = {
		[FIXED_NOT] = NULL, [FIXED_INPUT] = "input", [FIXED_OUTPUT] = "output"
	};
	const struct network_group *group = &p->network.groups[index];

	buffer_printf(out, "{\"group\":%zu,\"layers\":[", index);
	for (size_t i = 0; i < group->n_makers; i++) {
		if (i)
			buffer_add_char(out, ',');
		json_write_string(out, p->network.layers[group->makers[i]].name);
	}
	buffer_printf(out, "],\"units\":%u,\"kept\":%u,\"parts\":%u", group->units,
		plan_group_kept(&p->plan, group), group->n_parts);
	write_text_member(out, "fixed", fixed[group->fixed]);
	write_sparsity(out, p->plan.asked[index]);
	buffer_add_char(out, '}');
}

/* What a client needs to take the step: {"conv1":0.1,...} and {"conv1":15,...}. */
static void write_step_layers(struct buffer *out, const struct planning *p, const double *targets)
{
	const char *between = "";

	buffer_add_text(out, ",\"sparsities\":{");
	for (size_t i = 0; i < p->network.n_layers; i++) {
		if (isnan(targets[i]))
			continue;
		buffer_add_text(out, between);
		json_write_string(out, p->network.layers[i].name);
		buffer_add_char(out, ':');
		json_write_number(out, targets[i], false);
		between = ",";
	}
	buffer_add_text(out, p->pruner->by_weight ? "},\"kept\":null" : "},\"kept\":{");
	between = "";
	for (size_t i = 0; !p->pruner->by_weight && i < p->network.n_layers; i++) {
		const struct network_layer *layer = &p->network.layers[i];
		int64_t group = plan_group_of(&p->network, layer);
		if (group < 0 || p->network.groups[group].fixed)
			continue;
		buffer_add_text(out, between);
		json_write_string(out, layer->name);
		buffer_printf(out, ":%" PRId64, p->plan.channels[i]);
		between = ",";
	}
	if (!p->pruner->by_weight)
		buffer_add_char(out, '}');
}

static int write_step(
	struct call *call, struct planning *p, int64_t t, double *targets, struct error *err)
{
	struct plan_bounds bounds = { p->body.round_to, p->body.min_keep };
	uint64_t original, parameters, macs;

	for (size_t i = 0; i < p->network.n_layers; i++)
		targets[i] = schedule_sparsity(p->schedule, p->targets[i], t, p->iterations);
	plan_clear(&p->plan, &p->network);
	int rc = plan_sparsity(
		&p->plan, &p->network, p->pruner, targets, &bounds, &call->arena, err);
	if (rc)
		return rc;
	network_total(&p->network, NULL, &original, &macs);
	plan_total(&p->plan, &p->network, &parameters, &macs);
	buffer_printf(&call->out, "{\"iteration\":%" PRId64, t);
	write_step_layers(&call->out, p, targets);
	write_total(&call->out, "pruned", parameters, macs);
	write_sparsity(&call->out, original ? 1 - (double)parameters / (double)original : 0);
	buffer_add_char(&call->out, '}');
	return 0;
}

/* The last step is the plan itself, so the plan stays as it was. */
static int write_steps(struct call *call, struct planning *p, struct error *err)
{
	double *targets = arena_array(&call->arena, p->network.n_layers, sizeof(*targets));
	int rc = 0;

	if (!targets)
		return fail(err, CODE_NO_MEMORY, "no memory for the steps");
	buffer_add_text(&call->out, ",\"steps\":[");
	for (int64_t t = p->schedule->first; !rc && t <= p->iterations; t++) {
		if (t > p->schedule->first)
			buffer_add_char(&call->out, ',');
		rc = write_step(call, p, t, targets, err);
	}
	buffer_add_char(&call->out, ']');
	return rc;
}

static void write_lists(struct buffer *out, const struct planning *p)
{
	buffer_add_text(out, ",\"layers\":[");
	for (size_t i = 0; i < p->network.n_layers; i++) {
		if (i)
			buffer_add_char(out, ',');
		write_layer(out, p, i);
	}
	buffer_add_text(out, "],\"groups\":[");
	for (size_t i = 0; i < p->network.n_groups; i++) {
		if (i)
			buffer_add_char(out, ',');
		write_group(out, p, i);
	}
	buffer_add_char(out, ']');
}

static int write_plan(struct call *call, struct planning *p, struct error *err)
{
	uint64_t parameters, macs, left, left_macs;
	struct buffer *out = &call->out;
	int rc = 0;

	buffer_add_text(out, "{\"pruner\":");
	json_write_string(out, p->pruner->name);
	write_text_member(out, "granularity", granularity(p->pruner));
	network_total(&p->network, NULL, &parameters, &macs);
	plan_total(&p->plan, &p->network, &left, &left_macs);
	write_total(out, "original", parameters, macs);
	write_total(out, "pruned", left, left_macs);
	write_sparsity(out, parameters ? 1 - (double)left / (double)parameters : 0);
	write_lists(out, p);
	if (p->schedule)
		rc = write_steps(call, p, err);
	buffer_add_char(out, '}');
	return rc;
}

static void plan_post(struct api *api, struct session *session, struct call *call)
{
	struct error err = { 0 };

	(void)api;
	(void)session;
	json_t *document = body_json(call);
	if (!document)
		return;
	struct planning *p = arena_alloc(&call->arena, sizeof(*p)); /* its faults are large */
	if (!p) {
		json_decref(document);
		problem_replyf(call, CODE_NO_MEMORY, "no memory for the plan");
		return;
	}
	faults_init(&p->faults);
	p->body.round_to = p->body.min_keep = 1;
	int rc = read_planning(call, document, p, &err);
	if (!rc)
		rc = write_plan(call, p, &err);
	json_decref(document);
	if (rc == CODE_INVALID) {
		reply_faults(call, &p->faults);
	} else if (rc) {
		buffer_clear(&call->out);
		problem_reply(call, &err, NULL);
	} else {
		reply_json(call, 200);
	}
}

/* ---- the catalogue ---- */

/* Types of layers that the pruner scores, affine where they may be. */
static void write_types(struct buffer *out, const struct pruner *pruner)
{
	const char *between = "";

	buffer_add_text(out, ",\"op_types\":[");
	for (const struct network_type *type = network_types; type->name; type++) {
		const struct network_layer layer = { .type = type, .options.affine = true };
		if (!pruner_scores(pruner, &layer))
			continue;
		buffer_printf(out, "%s\"%s\"", between, type->name);
		between = ",";
	}
	buffer_add_char(out, ']');
}

static void pruner_list(struct api *api, struct session *session, struct call *call)
{
	struct buffer *out = &call->out;

	(void)api;
	(void)session;
	page_begin(call);
	for (const struct pruner *pruner = pruners; pruner->name; pruner++) {
		page_between(call);
		buffer_printf(
			out, "{\"name\":\"%s\",\"aliases\":[\"%s\"]", pruner->name, pruner->alias);
		write_text_member(out, "description", pruner->summary);
		write_text_member(out, "granularity", granularity(pruner));
		write_types(out, pruner);
		buffer_add_char(out, '}');
	}
	page_end(call, NULL);
	reply_json(call, 200);
}

const struct route routes_pruning[] = {
	{ METHOD_GET, "/v1/pruners", "listPruners", pruner_list, SCOPE_READ, 0, 0, "" },
	{ METHOD_POST, "/v1/pruning/plan", "planPruning", plan_post, SCOPE_READ, ROUTE_JSON,
		LIMIT_BODY_BYTES, "" },
	{ 0 },
};
