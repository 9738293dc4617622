/* What happens to the experiment as a whole: edits, status, deadlines, limits. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "algorithms/assessors/assessor.h"
#include "algorithms/tuners/tuner.h"
#include "engine/internal.h"

/* ---- checking a spec ---- */

static void check_caps(const struct spec *spec, const struct path *at, struct faults *faults)
{
	unsigned caps = spec->tuner->caps;

	if (!(caps & TUNER_MULTI_OBJECTIVE) && spec->n_objectives > 1)
		fault_add(faults, at,
			"%s optimises one objective, this experiment has %zu: choose a tuner with "
			"\"multi_objective\" in GET /v1/tuners",
			spec->tuner->name, spec->n_objectives);
	if (!(caps & TUNER_CONTINUOUS) && !spec->space->finite)
		fault_add(faults, at, "%s needs a finite search space", spec->tuner->name);
	for (size_t i = 0; !(caps & TUNER_NESTED) && i < spec->space->n; i++) {
		if (spec->space->parameters[i].n_conditions == 0)
			continue;
		fault_add(faults, at, "%s cannot walk nested or conditional spaces (%s is one)",
			spec->tuner->name, spec->space->parameters[i].address);
		break;
	}
}

int engine_spec_check(const char *text, size_t size, const struct spec *previous, uint64_t seed,
	struct arena *arena, const struct spec **out, struct faults *faults, struct error *err)
{
	const struct spec *spec;
	int rc = spec_parse(text, size, previous, &engine_catalog, seed, arena, &spec, faults, err);
	if (rc)
		return rc;
	struct path tuner_at = { .name = "tuner" }, assessor_at = { .name = "assessor" };
	const struct tuner *tuner = tuner_of(spec->tuner);
	check_caps(spec, &tuner_at, faults);
	if (tuner->check)
		tuner->check(spec, &tuner_at, faults);
	const struct assessor *assessor = spec->assessor ? assessor_of(spec->assessor) : NULL;
	if (assessor && assessor->check)
		assessor->check(spec, &assessor_at, faults);
	if (faults->n > 0)
		return fail(err, CODE_INVALID, "the tuner or assessor cannot do this");
	*out = spec;
	return 0;
}

/* ---- editing ---- */

void decide_edit(struct draft *draft, struct op *op)
{
	struct view *view = draft->view;
	const struct spec *spec;
	struct event event;

	if (op->edit.if_match >= 0 && (uint64_t)op->edit.if_match != view->counts.spec_version) {
		op_fail(op, CODE_PRECONDITION,
			"the experiment has changed since (spec_version is %llu): read it again",
			(unsigned long long)view->counts.spec_version);
		return;
	}
	faults_init(op->faults);
	op->code = engine_spec_check(op->edit.text, op->edit.size, view->spec, view->spec->seed,
		&draft->arena, &spec, op->faults, &op->error);
	if (op->code || strcmp(spec->json, view->spec->json) == 0)
		return;
	event_init(&event, EVENT_EDITED, -1);
	event.spec = spec->json;
	event.revive = view->counts.status == STATUS_DONE;
	draft_add(draft, &event, NULL);
}

/* ---- status ---- */

/* to by from: may a request do that? */
static const bool allowed[STATUS_COUNT][STATUS_COUNT] = {
	[STATUS_RUNNING] = { [STATUS_PAUSED] = true, [STATUS_STOPPED] = true },
	[STATUS_PAUSED] = { [STATUS_RUNNING] = true, [STATUS_STOPPED] = true },
	[STATUS_STOPPED] = { [STATUS_RUNNING] = true },
	[STATUS_DONE] = { [STATUS_STOPPED] = true },
};

void decide_status(struct draft *draft, struct op *op)
{
	enum experiment_status from = draft->view->counts.status, to = op->status.to;

	if (from == to)
		return;
	if (!allowed[from][to]) {
		const char *hint = from == STATUS_DONE ? "raise its limits (PATCH) to go on"
						       : "resume it first";
		op_fail(op, CODE_CONFLICT, "the experiment is %s (%s): %s",
			experiment_status_name(from), draft->view->reason, hint);
		return;
	}
	draft_status(draft, to, op->status.reason ? op->status.reason : "user");
}

/* ---- deadlines ---- */

static void expire_trial(struct draft *draft, const struct op *op)
{
	const struct view *view = draft->view;
	const struct trial *trial = view_trial(view, op->trial.number);
	struct event event;

	/* A heartbeat or another replica's sweeper may have been faster. */
	if (!trial || trial->state != TRIAL_RUNNING ||
		(int64_t)trial->attempt != op->trial.attempt ||
		trial->lease_until_ms > draft->now_ms)
		return;
	event_init(&event, EVENT_EXPIRED, trial->number);
	event.attempt = trial->attempt;
	event.lost = (int64_t)trial->retries >= view->spec->limits.max_retries ||
		     view->counts.status == STATUS_DONE || view->counts.status == STATUS_STOPPED;
	if (draft_add(draft, &event, NULL) == 0)
		draft->engine->expired++;
}

void decide_expire(struct draft *draft, struct op *op)
{
	const struct view *view = draft->view;

	if (op->trial.number >= 0) {
		expire_trial(draft, op);
	} else if (view->counts.status == STATUS_RUNNING && view->spec->limits.max_duration_ms &&
		   view_active_ms(view, draft->now_ms) >= view->spec->limits.max_duration_ms) {
		draft_status(draft, STATUS_DONE, "max_duration");
	}
}

/* ---- limits that results reach ---- */

static bool target_reached(const struct view *view)
{
	const struct trial *best = view_trial(view, view->counts.best);
	const struct objective *objective = &view->spec->objectives[0];
	double target = view->spec->limits.target;

	if (!best || isnan(target))
		return false;
	return best->loss <= objective_loss(objective, target);
}

/* Will no trial come to life again? Of paused ones only the tuner knows: it is asked by the next
 * suggest. One that promotes nothing leaves them as they are. */
static bool all_over(const struct view *view)
{
	const int64_t *by_state = view->counts.by_state;
	bool promotes = (view->spec->tuner->caps & TUNER_MULTI_FIDELITY) != 0;

	return by_state[TRIAL_RUNNING] + by_state[TRIAL_WAITING] == 0 &&
	       (by_state[TRIAL_PAUSED] == 0 || !promotes);
}

void settle(struct draft *draft)
{
	const struct view *view = draft->view;
	const struct limits *limits = &view->spec->limits;
	const char *reason = NULL;

	if (view->counts.status != STATUS_RUNNING)
		return;
	if (target_reached(view))
		reason = "target";
	else if (limits->patience && view->counts.since_best >= limits->patience)
		reason = "patience";
	else if (limits->max_trials && view->counts.handed >= limits->max_trials && all_over(view))
		reason = "max_trials";
	if (reason)
		draft_status(draft, STATUS_DONE, reason);
}
