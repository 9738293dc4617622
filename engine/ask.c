/*
 * Asking the tuner, now or ahead. Only the engine reads clocks: that an ask took another path for
 * the sake of time is recorded with the suggestion, so that a replay takes the same.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"

#define READY_WORTH_US 2000 /* asks below that are not worth computing ahead */
#define AVERAGE_OVER   5    /* asks: the weight of the newest is one in so many */

int proposal_init(
	const struct view *view, struct arena *arena, struct proposal *out, struct error *err)
{
	size_t n = view->spec->space->n;

	*out = (struct proposal){
		.x = arena_array(arena, n ? n : 1, sizeof(double)),
		.parent = -1,
		.promote = -1,
		.resource = (double)NAN,
		.acquisition = (double)NAN,
	};
	if (!out->x)
		return fail(err, CODE_NO_MEMORY, "no memory for a proposal");
	for (size_t i = 0; i < n; i++)
		out->x[i] = (double)NAN;
	return 0;
}

/* ---- how, in meta ---- */

static const char *const path_names[] = {
	[PATH_PLAIN] = NULL,
	[PATH_PRIOR] = "prior",
	[PATH_MODEL] = "model",
	[PATH_READY] = "ready",
	[PATH_FALLBACK] = "fallback",
};

const char *asked_write(const struct asked *asked, struct arena *arena)
{
	const char *path = path_names[asked->path];

	if (!path)
		return "";
	if (!asked->model)
		return arena_printf(arena, ",\"path\":\"%s\"", path);
	return arena_printf(arena, ",\"model\":%" PRIu64 ",\"path\":\"%s\"", asked->model, path);
}

/* What follows "name": in our own text; names of tuners and arms hold no quotes. */
static const char *member(const char *meta, const char *name)
{
	const char *at = meta ? strstr(meta, name) : NULL;
	return at ? at + strlen(name) : NULL;
}

void asked_read(const char *meta, struct asked *out)
{
	const char *model = member(meta, "\"model\":");
	const char *path = member(meta, "\"path\":\"");

	*out = (struct asked){ .path = PATH_PLAIN, .model = model ? strtoull(model, NULL, 10) : 0 };
	for (enum ask_path i = PATH_PRIOR; path && i <= PATH_FALLBACK; i++)
		if (strncmp(path, path_names[i], strlen(path_names[i])) == 0)
			out->path = i;
}

/* ---- the start design instead ---- */

/* Tuners whose trials mean something by themselves: not an order, not a bracket. */
static bool may_fall_back(const struct spec *spec)
{
	return !(spec->tuner->caps & (TUNER_OWN_ORDER | TUNER_EXTERNAL | TUNER_MULTI_FIDELITY));
}

/* As if the start design were the tuner, so that duplicates and constraints are seen to. */
static int fall_back(
	const struct view *view, struct arena *arena, struct proposal *out, struct error *err)
{
	struct spec spec = *view->spec;
	struct view start = *view;

	spec.tuner = &tuner_sobol.algorithm;
	start.spec = &spec;
	int rc = tuner_ask(&(struct knowledge){ .view = &start }, arena, out, err);
	out->arm = "deadline";
	return rc;
}

int ask_again(const struct knowledge *know, const struct asked *asked, struct arena *arena,
	struct proposal *out, struct error *err)
{
	if (asked->path == PATH_FALLBACK)
		return fall_back(know->view, arena, out, err);
	return tuner_ask(know, arena, out, err);
}

/* ---- asking now ---- */

static void average(struct mailbox *mailbox, int64_t us)
{
	double took = (double)us;
	mailbox->ask_us = mailbox->ask_us > 0
				  ? mailbox->ask_us + (took - mailbox->ask_us) / AVERAGE_OVER
				  : took;
}

static int ask_now(struct engine *engine, struct mailbox *mailbox, bool promote_only,
	struct arena *arena, struct proposal *out, struct asked *asked, struct error *err)
{
	struct learnt *learnt = learnt_current(engine, mailbox);
	const struct model *model = learnt && learnt->fitted ? &learnt->model : NULL;
	const struct knowledge know = {
		.view = &mailbox->view,
		.model = model,
		.compute = engine->compute,
		.workspace = learnt ? &learnt->workspace : NULL,
		.promote_only = promote_only,
	};
	int64_t started = mono_us();
	int rc = tuner_ask(&know, arena, out, err);

	average(mailbox, mono_us() - started);
	engine->asks++;
	*asked = (struct asked){
		.path = model	 ? PATH_MODEL
			: learnt ? PATH_PRIOR
				 : PATH_PLAIN,
		.model = model ? model->version : 0,
		.base_version = mailbox->view.counts.version,
	};
	return rc;
}

static bool too_late(const struct mailbox *mailbox, int64_t deadline_us)
{
	return deadline_us && may_fall_back(mailbox->view.spec) &&
	       (double)mono_us() + mailbox->ask_us > (double)deadline_us;
}

/* The proposal that was computed ahead, if it still holds. */
static bool ready_take(struct draft *draft, struct proposal *out, struct asked *asked)
{
	struct learnt *learnt = draft->mailbox->learnt;

	if (!learnt || !learnt->ready.there)
		return false;
	/* A newer model makes a better one; and it drops this. */
	if (learnt_current(draft->engine, draft->mailbox) != learnt || !learnt->ready.there)
		return false;
	const struct ready *ready = &learnt->ready;
	double *x = out->x;
	size_t size = ready->proposal.tag.size;
	const void *tag = size ? arena_copy(&draft->arena, ready->proposal.tag.data, size) : NULL;
	if (size && !tag)
		return false;
	*out = ready->proposal;
	out->x = x;
	out->tag = (struct bytes){ tag, size };
	memcpy(x, ready->proposal.x, draft->view->spec->space->n * sizeof(*x));
	*asked = (struct asked){ PATH_READY, ready->model, ready->base_version };
	ready_drop(draft->mailbox);
	draft->n_ready++;
	draft->engine->ready_hits++;
	return true;
}

int draft_ask(struct draft *draft, bool promote_only, int64_t deadline_us, struct proposal *out,
	struct asked *asked, struct error *err)
{
	struct mailbox *mailbox = draft->mailbox;
	int rc = proposal_init(draft->view, &draft->arena, out, err);

	if (rc || (!promote_only && ready_take(draft, out, asked)))
		return rc;
	int64_t started = mono_us();
	if (!promote_only && too_late(mailbox, deadline_us)) {
		*asked = (struct asked){ .path = PATH_FALLBACK,
			.base_version = draft->view->counts.version };
		draft->engine->fallbacks++;
		rc = fall_back(draft->view, &draft->arena, out, err);
	} else {
		rc = ask_now(draft->engine, mailbox, promote_only, &draft->arena, out, asked, err);
	}
	draft->ask_us += mono_us() - started;
	return rc;
}

/* ---- asking ahead ---- */

bool ready_wanted(const struct mailbox *mailbox)
{
	const struct view *view = &mailbox->view;

	if (!mailbox->loaded || view->stale || !mailbox->learnt || mailbox->learnt->ready.tried ||
		mailbox->ask_us < READY_WORTH_US)
		return false;
	const struct limits *limits = &view->spec->limits;
	const int64_t *n = view->counts.by_state;
	return view->counts.status == STATUS_RUNNING && n[TRIAL_WAITING] == 0 &&
	       (!limits->concurrency || n[TRIAL_RUNNING] < limits->concurrency) &&
	       (!limits->max_trials || view->counts.handed < limits->max_trials) &&
	       view->counts.handed < LIMIT_TRIALS;
}

/* Keeps what was proposed; scratch may hold much more. */
static bool ready_keep(struct ready *ready, const struct proposal *proposal, size_t n)
{
	size_t size = proposal->tag.size;

	arena_reset(&ready->arena);
	ready->proposal = *proposal;
	ready->proposal.x = arena_copy(&ready->arena, proposal->x, n * sizeof(*proposal->x));
	ready->proposal.tag.data =
		size ? arena_copy(&ready->arena, proposal->tag.data, size) : NULL;
	return ready->proposal.x && (!size || ready->proposal.tag.data);
}

void ready_make(struct engine *engine, struct mailbox *mailbox)
{
	struct learnt *learnt = learnt_current(engine, mailbox);
	const struct view *view = &mailbox->view;
	struct proposal proposal;
	struct asked asked;
	struct arena scratch;
	struct error error;

	if (!learnt)
		return;
	struct ready *ready = &learnt->ready;
	ready->there = false;
	ready->tried = true;
	arena_init(&scratch, 0);
	/* A failure is left for the suggest that needs the proposal to find. */
	if (!proposal_init(view, &scratch, &proposal, &error) &&
		!ask_now(engine, mailbox, false, &scratch, &proposal, &asked, &error) &&
		ready_keep(ready, &proposal, view->spec->space->n)) {
		ready->base_version = asked.base_version;
		ready->model = asked.model;
		ready->there = true;
		engine->ready_made++;
	}
	arena_release(&scratch);
}
