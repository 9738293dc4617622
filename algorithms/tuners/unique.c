#include "algorithms/tuners/unique.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/tuner.h"

#define REDRAWS 64 /* times the tuner is asked again; beyond that it has nothing new to say */

/* The stream of the draws that follow the redraws: its attempt is beyond every redraw's. */
#define ATTEMPTS_PER_TRIAL 4096
#define ATTEMPT_FALLBACK   (ATTEMPTS_PER_TRIAL - 1)

#define WALK_LIMIT                                                                                 \
	(1u << 22)	    /* points one walk looks at, less if they are models: a second or so */
#define DRAWS_FEW   1024u   /* before a walk that is sure to find what there is */
#define DRAWS_MANY  131072u /* where a walk could miss; more than LIMIT_FEASIBLE_DRAWS */
#define ARM_UNTRIED "untried"

_Static_assert(REDRAWS < ATTEMPT_FALLBACK, "streams must differ");
_Static_assert(DRAWS_MANY > LIMIT_FEASIBLE_DRAWS, "what validation found must be found again");

/* What can be told without a look at its key, which may be a model's. */
static bool allowed(const struct space *space, const double *x)
{
	return space_contains(space, x) && space_feasible(space, x);
}

static bool untried(const struct view *view, const double *x)
{
	const struct space *space = view->spec->space;
	struct key128 key;

	if (!space_canonical_ok(space, x))
		return false;
	space_key(space, x, &key);
	return !key_set_has(&view->seen, &key);
}

bool unique_fresh(const struct view *view, const double *x)
{
	return allowed(view->spec->space, x) && untried(view, x);
}

/* unique_fresh, adding to *effort what it costs. */
static bool try_point(const struct view *view, const double *x, uint64_t *effort)
{
	const struct space *space = view->spec->space;

	*effort += 1;
	if (!allowed(space, x))
		return false;
	if (space->identity)
		*effort += space->identity->work;
	return untried(view, x);
}

static void proposal_clear(struct proposal *out, size_t n)
{
	double *x = out->x;

	*out = (struct proposal){
		.x = x,
		.parent = -1,
		.promote = -1,
		.resource = (double)NAN,
		.acquisition = (double)NAN,
	};
	for (size_t i = 0; i < n; i++)
		x[i] = (double)NAN;
}

static void attempt_stream(const struct view *view, uint64_t attempt, struct rng *rng)
{
	rng_init(rng, view->spec->seed, RNG_REDRAW, view->n_trials * ATTEMPTS_PER_TRIAL + attempt);
}

/* From x, a point of the finite space, on through all others to the first that may be handed out.
 * CODE_EXHAUSTED: there is none; *complete says whether all points were looked at. */
static int walk(
	const struct view *view, struct arena *arena, double *x, bool *complete, struct error *err)
{
	const struct space *space = view->spec->space;
	double *start = arena_array(arena, space->n ? space->n : 1, sizeof(*start));
	uint64_t effort = 0;

	if (!start)
		return fail(err, CODE_NO_MEMORY, "out of memory");
	/* As space_next writes it, so that equal points have equal bytes. */
	for (size_t i = 0; i < space->n; i++)
		start[i] = isnan(x[i]) ? (double)NAN
				       : parameter_value(&space->parameters[i],
						 parameter_index(&space->parameters[i], x[i]));
	memcpy(x, start, space->n * sizeof(*x));
	*complete = false;
	while (effort < WALK_LIMIT && !*complete) {
		if (try_point(view, x, &effort))
			return 0;
		space_next(space, x);
		*complete = memcmp(start, x, space->n * sizeof(*x)) == 0;
	}
	return CODE_EXHAUSTED;
}

/* The tuner has nothing new: independent draws, then every point in turn. */
static int propose_untried(const struct view *view, const struct proposal *first,
	struct arena *arena, struct proposal *out, struct error *err)
{
	const struct space *space = view->spec->space;
	uint64_t work = 1 + (space->identity ? space->identity->work : 0), effort = 0;
	bool walkable = space->finite && space->count > 0 && space->count <= WALK_LIMIT / work;
	uint32_t draws = walkable ? DRAWS_FEW : DRAWS_MANY;
	bool complete = false;
	struct rng rng;
	int code;

	proposal_clear(out, space->n);
	/* Whatever the point, its place on the ladder stays as it was proposed. */
	if (view->spec->tuner->caps & TUNER_MULTI_FIDELITY) {
		out->resource = first->resource;
		out->tag = first->tag;
	}
	out->arm = ARM_UNTRIED;
	attempt_stream(view, ATTEMPT_FALLBACK, &rng);
	while (effort < draws) {
		space_sample(space, &rng, out->x);
		if (try_point(view, out->x, &effort))
			return 0;
	}
	if (space->finite) {
		code = walk(view, arena, out->x, &complete, err);
		if (code != CODE_EXHAUSTED)
			return code;
	}
	if (complete)
		return fail(err, CODE_EXHAUSTED, "every point of the search space has been tried");
	return fail(err, CODE_EXHAUSTED,
		"no untried point that satisfies the constraints was found in %u draws",
		(unsigned)(draws / work));
}

/* The tuner again, with another stream each time, until it says something new. 0 with *found, or
 * what it answered. Scratch is dropped between attempts: a model may be large. */
static int redraw(const struct knowledge *know, const struct tuner *tuner, struct arena *arena,
	struct proposal *out, bool *found, struct error *err)
{
	const struct view *view = know->view;
	struct arena scratch;
	struct rng rng;
	int code = 0;

	*found = false;
	arena_init(&scratch, arena->limit);
	for (uint64_t attempt = 1; attempt <= REDRAWS && code == 0 && !*found; attempt++) {
		arena_reset(&scratch);
		proposal_clear(out, view->spec->space->n);
		attempt_stream(view, attempt, &rng);
		code = tuner->ask(know, &rng, &scratch, out, err);
		*found = code == 0 && unique_fresh(view, out->x);
	}
	if (*found && out->tag.size) {
		out->tag.data = arena_copy(arena, out->tag.data, out->tag.size);
		if (!out->tag.data)
			code = fail(err, CODE_NO_MEMORY, "out of memory");
	}
	arena_release(&scratch);
	return code;
}

int tuner_ask(
	const struct knowledge *know, struct arena *arena, struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	const struct tuner *tuner = tuner_of(view->spec->tuner);
	struct rng rng;
	bool found;
	int code;

	proposal_clear(out, view->spec->space->n);
	rng_init(&rng, view->spec->seed, RNG_SUGGEST, view->n_trials);
	code = tuner->ask(know, &rng, arena, out, err);
	if (code != 0 || (tuner->algorithm.caps & TUNER_OWN_ORDER) || out->promote >= 0 ||
		unique_fresh(view, out->x))
		return code;
	const struct proposal first = *out;
	code = redraw(know, tuner, arena, out, &found, err);
	if (code != 0 || found)
		return code;
	return propose_untried(view, &first, arena, out, err);
}

int propose_startup(const struct view *view, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct knowledge know = { .view = view };
	int code = tuner_sobol.ask(&know, rng, arena, out, err);

	if (code == 0)
		out->arm = "startup";
	return code;
}

int tuner_learn(const struct view *view, struct compute *compute, struct model *model,
	struct buffer *storage, struct error *err)
{
	const struct learner *learner = tuner_of(view->spec->tuner)->learner;
	size_t fitted = model->bytes.size ? model->n_results : 0;
	struct buffer packed;
	struct arena arena;
	struct rng rng;
	const void *gathered;

	if (!learner || !learner->due(view, fitted))
		return 0;
	arena_init(&arena, 0);
	buffer_init(&packed, LIMIT_MODEL);
	rng_init(&rng, view->spec->seed, RNG_FIT, view->counts.version);
	int code = learner->gather(view, &arena, &gathered, err);
	if (code == 0)
		code = learner->fit(gathered, compute, &rng, &packed, err);
	if (code == 0 && packed.failed)
		code = fail(err, CODE_NO_MEMORY, "the model is over %d bytes", LIMIT_MODEL);
	if (code == 0) {
		buffer_release(storage);
		*storage = packed;
		*model = (struct model){
			.version = view->counts.version,
			.n_results = view->n_finished,
			.bytes = { .data = packed.data, .size = packed.size },
		};
	} else {
		buffer_release(&packed);
	}
	arena_release(&arena);
	return code;
}

void workspace_clear(struct workspace *workspace)
{
	if (workspace->free)
		workspace->free(workspace->state);
	*workspace = (struct workspace){ 0 };
}
