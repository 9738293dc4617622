/*
 * CMA-ES: draws from a normal distribution in the unit cube and moves and shapes it after the ranks
 * of the results (Hansen, "The CMA Evolution Strategy: A Tutorial", 2016), with a margin for
 * integers and steps, restarts, and a warm start from what is known.
 *
 * A generation is popsize results in the order they came in, and asks never wait, however many are
 * pending. A result of an earlier generation counts in the current one, unless it lies so far from
 * where the distribution is now that it could not have been drawn; one of an earlier run does not.
 * But a generation has at least one result of its own: with far more pending trials than popsize,
 * generations then grow to about their number, where the distribution would otherwise be moved
 * again and again by points that know nothing of where it went. Failed results rank last; a
 * generation that failed altogether teaches nothing and is drawn again.
 *
 * A draw beyond a bound is evaluated on it and learnt from as drawn, while the mean stays inside:
 * so an optimum on a bound is found to the last digit.
 *
 * The state is folded from the view: the newest state that trials' tags carry (cmaes_tag.h) and
 * the results since, so an ask costs a decomposition (9 d^3), a generation's update at most
 * (popsize d^2) and the draw, whatever the number of trials. When space or options are edited the
 * tags are another search's: a new one begins, from the best that is known.
 */
#include <math.h>
#include <string.h>

#include "algorithms/tuners/cmaes_tag.h"
#include "algorithms/tuners/tuner.h"
#include "algorithms/tuners/unique.h"

#define STRAY_MAX 3.0 /* of a late result's length, in sqrt(d) */

#define DRAWS	   200 /* for a point that is new and satisfies the constraints */
#define DRAWS_CUBE 2   /* of which so many are thrown away for being outside of the cube */
#define DRAWS_SAME 20  /* and so many to points known, before the distribution is widened */
#define WIDEN	   1.2 /* by this, each time again */

/* ---- the state of this view ---- */

/* The results of one generation as they come in. */
struct intake {
	struct cmaes_member *members; /* [room] */
	double *raws;		      /* [room][d] */
	size_t n, room;
	size_t own; /* of them, drawn from the state as it is now */
};

/* Makes room for another one. */
static int intake_grow(struct intake *intake, size_t d, struct arena *arena)
{
	size_t room = intake->room ? 2 * intake->room : 16;

	if (intake->n < intake->room)
		return 0;
	struct cmaes_member *members = arena_array(arena, room, sizeof(*members));
	double *raws = arena_array(arena, room * d, sizeof(*raws));
	if (!members || !raws)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < intake->n; i++) {
		memcpy(raws + i * d, intake->members[i].raw, d * sizeof(*raws));
		members[i] = intake->members[i];
		members[i].raw = raws + i * d;
	}
	intake->members = members;
	intake->raws = raws;
	intake->room = room;
	return 0;
}

/* Takes the result in if it belongs here. */
static void intake_add(struct intake *intake, const struct cmaes *cmaes, const struct trial *trial)
{
	const struct cmaes_model *model = cmaes->model;
	const struct cmaes_head *head = cmaes->head;
	struct cmaes_member *member = &intake->members[intake->n];
	double *raw = intake->raws + intake->n * model->d;
	struct cmaes_tag tag;
	const char *stored;

	if (!cmaes_tag_read(model, trial, &tag, &stored) || tag.start != head->start ||
		tag.run != head->run)
		return;
	memcpy(raw, stored, model->d * sizeof(*raw));
	double distance2 = cmaes_distance2(cmaes, raw);
	if (!isfinite(distance2))
		return;
	if (tag.generation != head->generation &&
		distance2 > STRAY_MAX * STRAY_MAX * (double)model->d)
		return;
	*member = (struct cmaes_member){
		.raw = raw,
		.rank = rank_of(model->view, trial),
		.widened = (tag.flags & CMAES_TAG_WIDENED) != 0,
	};
	intake->n++;
	intake->own += tag.generation == head->generation;
}

/* The first of view->finished that ended after version. */
static size_t finished_after(const struct view *view, uint64_t version)
{
	size_t i = view->n_finished;

	while (i > 0 && view->trials[view->finished[i - 1]].ended_version > version)
		i--;
	return i;
}

/* The state that the results so far lead to. */
static int fold(struct cmaes *cmaes, struct arena *arena)
{
	const struct view *view = cmaes->model->view;
	struct intake intake = { 0 };
	struct cmaes_tag newest;
	uint64_t start = 0;
	int code = 0;

	if (cmaes_tag_newest(cmaes->model, &newest))
		start = newest.start;
	else if (view->n_finished)
		start = view->trials[view->finished[view->n_finished - 1]].ended_version;
	if (cmaes_tag_load(cmaes, start))
		cmaes_decompose(cmaes);
	else
		code = cmaes_begin(cmaes, start, arena);
	size_t i = finished_after(view, cmaes->head->consumed);
	for (; code == 0 && i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];

		code = intake_grow(&intake, cmaes->model->d, arena);
		if (code)
			break;
		intake_add(&intake, cmaes, trial);
		if (intake.n < cmaes->head->popsize || intake.own == 0)
			continue;
		cmaes->head->consumed = trial->ended_version;
		code = cmaes_update(cmaes, intake.members, intake.n, arena);
		intake.n = intake.own = 0;
	}
	return code;
}

/* ---- a point from it ---- */

struct draw {
	double *raw;	/* [d] */
	bool outside;	/* a continuous coordinate is beyond its bound */
	double widened; /* factor on sigma */
};

static void draw_raw(const struct cmaes *cmaes, struct rng *rng, struct draw *draw)
{
	const struct cmaes_model *model = cmaes->model;
	size_t d = model->d;

	memset(draw->raw, 0, d * sizeof(*draw->raw));
	for (size_t k = 0; k < d; k++) {
		const double *row = cmaes->basis + k * d;
		double length = rng_normal(rng) * cmaes->axes[k];
		for (size_t i = 0; i < d; i++)
			draw->raw[i] += length * row[i];
	}
	draw->outside = false;
	for (size_t i = 0; i < d; i++) {
		double deviation = draw->widened * cmaes->head->sigma * cmaes->width[i];

		draw->raw[i] = cmaes->mean[i] + deviation * draw->raw[i];
		draw->outside |= !model->stepped[i] && (draw->raw[i] < 0 || draw->raw[i] > 1);
	}
}

/* The next point that nobody had, or else whatever comes last: tuner_ask will see. */
static void draw_fresh(const struct cmaes *cmaes, struct rng *rng, struct draw *draw, double *x)
{
	const struct view *view = cmaes->model->view;
	int outside = 0, known = 0;

	draw->widened = 1;
	for (int i = 0; i < DRAWS; i++) {
		draw_raw(cmaes, rng, draw);
		if (draw->outside && outside++ < DRAWS_CUBE)
			continue;
		cmaes_decode(cmaes->model, draw->raw, x);
		if (unique_fresh(view, x))
			return;
		if (space_feasible(view->spec->space, x) && ++known > DRAWS_SAME)
			draw->widened *= WIDEN;
	}
}

static int cmaes_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	struct cmaes_model model;
	struct cmaes cmaes;
	struct draw draw;

	if (cmaes_model_init(&model, view, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for CMA-ES");
	if (model.d == 0) {
		out->arm = "startup";
		cmaes_decode(&model, NULL, out->x);
		return 0;
	}
	draw.raw = arena_array(arena, model.d, sizeof(*draw.raw));
	if (!draw.raw || cmaes_init(&cmaes, &model, arena) != 0 || fold(&cmaes, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for CMA-ES");
	draw_fresh(&cmaes, rng, &draw, out->x);
	out->arm = cmaes.head->budget ? "local" : cmaes.head->run ? "restart" : "model";
	if (cmaes_tag_write(&cmaes, draw.raw, draw.widened > 1, arena, &out->tag) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for CMA-ES");
	return 0;
}

static void cmaes_check(const struct spec *spec, const struct path *at, struct faults *faults)
{
	const struct space *space = spec->space;
	const struct path options = { at, "options", 0 };
	const struct path popsize = { &options, "popsize", 0 };
	int64_t asked = option_int(&spec->tuner_options, "popsize");
	size_t d = 0;

	for (size_t i = 0; i < space->n; i++) {
		d += space->parameters[i].n_values != 1;
		if (!cmaes_unordered(&space->parameters[i]))
			continue;
		fault_add(faults, at,
			"cmaes searches ordered parameters, and the options of %s have no order: "
			"declare it as ordinal if they have, or choose tpe",
			space->parameters[i].address);
		break;
	}
	if (d > CMAES_DIMENSIONS_MAX)
		fault_add(faults, at,
			"cmaes searches %d parameters at most, here %zu vary: choose evolution "
			"or tpe",
			CMAES_DIMENSIONS_MAX, d);
	if (asked > 0 && asked < CMAES_POPSIZE_MIN)
		fault_add(faults, &popsize, "must be 0 or at least %d", CMAES_POPSIZE_MIN);
}

const struct tuner tuner_cmaes = {
	.algorithm = {
		.name = "cmaes",
		.aliases = "CMA-ES|CMAES|CmaEsSampler",
		.summary = "Covariance matrix adaptation: for up to 100 numeric parameters and "
			   "hundreds of trials or more.",
		.caps = TUNER_CONTINUOUS,
		.options = cmaes_options,
	},
	.check = cmaes_check,
	.ask = cmaes_ask,
};
