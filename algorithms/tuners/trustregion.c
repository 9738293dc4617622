/*
 * A trust-region search: a polynomial through the results near the best one says where to go next,
 * and how well it said so makes the region grow or shrink. For smooth functions and few trials; on
 * others it ends in the nearest valley, and then begins anew in another one.
 *
 * The model (trustregion_model.h) goes by all results in reach, whoever proposed them. When it
 * knows too little for its step to be worth a trial, the next trial goes where it knows least.
 * Pending trials are believed to confirm the model, so that parallel ones go elsewhere. Results
 * that vary are smoothed.
 *
 * Parameters with an order are coordinates of the unit cube, steps rounded. Categories are the
 * centre's, and now and then a trial changes them: only results with the centre's categories and
 * active parameters are in the model.
 */
#include <math.h>
#include <string.h>

#include "algorithms/tuners/evolution_vary.h"
#include "algorithms/tuners/trustregion_model.h"
#include "algorithms/tuners/trustregion_state.h"
#include "algorithms/tuners/trustregion_step.h"
#include "algorithms/tuners/unique.h"

#define FIRST	    16	 /* results that say how far results differ */
#define MEMBERS_MAX 160	 /* results in one model: a fit is some dozens of n^3 / 3 */
#define PENDING_MAX 64	 /* the newest pending trials */
#define REACH	    5.0	 /* radii to the farthest result */
#define INNER	    0.25 /* radii: a shorter step makes the region smaller at once */
#define KNOWN	    0.3	 /* deviations up to this share of the rise are known well enough */
#define NOTHING	    1e-9 /* of what results differ by at first: not worth a trial */
#define NARROWER    0.5	 /* ... by this */
#define DARING	    0.3	 /* decreases of this share of what is not known are tried */
#define FARTHER	    3	 /* the model knows its own step so much better */
#define REFITS	    12	 /* so often in one ask */
#define DRAWS	    64	 /* for a point that may be handed out */
#define NEIGHBOUR   0.15 /* share of trials that change a category, where there are any */

struct candidate {
	const struct trial *trial;
	double distance;
};

struct search {
	struct region_state state;
	const struct space *space;
	struct rng *rng;
	struct arena *arena;
	size_t d;
	uint32_t *moving;   /* [d] parameters */
	double *centre;	    /* [d] in the unit cube */
	double *low, *high; /* [d] bounds of steps in radii */
	double *step;	    /* [d] */
	struct region_model model;
	struct candidate *members;
	double *unknown;       /* [2 d] the step to where the model knows least, and scratch */
	double offset, spread; /* a loss is offset + spread f */
	struct region_tag tag;
	double range; /* of the first results */
};

/* ---- what is in reach ---- */

static int set_coordinates(struct search *search)
{
	const double *x = search->state.centre->x;
	size_t n = search->space->n;
	double *memory = arena_array(search->arena, 4 * n + 1, sizeof(*memory));

	search->moving = arena_array(search->arena, n + 1, sizeof(*search->moving));
	if (!memory || !search->moving)
		return CODE_NO_MEMORY;
	search->d = 0;
	for (size_t i = 0; i < n; i++)
		if (region_moves(search->space, x, i))
			search->moving[search->d++] = (uint32_t)i;
	search->centre = memory;
	search->low = memory + n;
	search->high = search->low + n;
	search->step = search->high + n;
	for (size_t k = 0; k < search->d; k++) {
		uint32_t i = search->moving[k];
		search->centre[k] = parameter_to_unit(&search->space->parameters[i], x[i]);
	}
	return 0;
}

static void place(const struct search *search, const struct trial *trial, double *y)
{
	for (size_t k = 0; k < search->d; k++) {
		uint32_t i = search->moving[k];
		double u = parameter_to_unit(&search->space->parameters[i], trial->x[i]);
		y[k] = (u - search->centre[k]) / search->state.radius;
	}
}

/* Inserts into the nearest, sorted. */
static void keep_nearest(struct candidate *kept, size_t *n, size_t room, struct candidate next)
{
	size_t at = *n;

	if (*n == room && next.distance >= kept[room - 1].distance)
		return;
	if (*n < room)
		(*n)++;
	else
		at--;
	while (at > 0 && next.distance < kept[at - 1].distance) {
		kept[at] = kept[at - 1];
		at--;
	}
	kept[at] = next;
}

static size_t members_wanted(size_t d)
{
	size_t quadratic = (d + 1) * (d + 2) / 2;

	return 2 * quadratic < MEMBERS_MAX ? 2 * quadratic + 4 : MEMBERS_MAX;
}

/* The nearest results, the centre first. */
static size_t gather(const struct search *search, struct candidate *kept, size_t room)
{
	const struct view *view = search->state.view;
	const struct trial *centre = search->state.centre;
	size_t n = 0;

	for (size_t i = 0; i < view->n_finished; i++) {
		const struct trial *trial = &view->trials[view->finished[i]];
		struct candidate next = { trial, -1 };

		if (!trial->x || !region_alike(search->space, centre->x, trial->x))
			continue;
		if (trial != centre)
			next.distance = region_distance(search->space, centre->x, trial->x);
		if (next.distance <= REACH * search->state.radius)
			keep_nearest(kept, &n, room, next);
	}
	return n;
}

/* Values of the members relative to the centre's: what failed is as bad as the worst. */
static void set_values(struct search *search, const struct candidate *members, size_t n)
{
	const struct view *view = search->state.view;
	struct region_model *model = &search->model;
	struct rank centre = rank_of(view, members[0].trial);
	double worst = 0, sum = 0;

	for (size_t k = 0; k < n; k++) {
		struct rank rank = rank_of(view, members[k].trial);
		bool counts = rank.tier == centre.tier && isfinite(rank.score);
		model->f[k] = counts ? rank.score - centre.score : (double)NAN;
		worst = counts ? fmax(worst, model->f[k]) : worst;
	}
	for (size_t k = 0; k < n; k++) {
		if (!isfinite(model->f[k]))
			model->f[k] = worst;
		sum += model->f[k] * model->f[k];
	}
	search->offset = isfinite(centre.score) ? centre.score : 0;
	search->spread = sum > 0 ? sqrt(sum / (double)n) : 1;
	for (size_t k = 0; k < n; k++)
		model->f[k] /= search->spread;
	model->n = n;
}

static void believe_pending(struct search *search)
{
	const struct view *view = search->state.view;
	int64_t left = view_pending(view);
	struct region_model *model = &search->model;
	size_t taken = 0;

	for (size_t i = view->n_trials; i-- > 0 && left > 0 && taken < PENDING_MAX;) {
		const struct trial *trial = &view->trials[i];

		if (!trial_pending(trial))
			continue;
		left--;
		if (!trial->x || !region_alike(search->space, search->state.centre->x, trial->x) ||
			region_distance(search->space, search->state.centre->x, trial->x) >
				REACH * search->state.radius)
			continue;
		place(search, trial, search->step);
		region_model_believe(model, search->step);
		taken++;
	}
}

static int fit_init(struct search *search)
{
	size_t room = members_wanted(search->d);

	search->members = arena_array(search->arena, room, sizeof(*search->members));
	search->unknown = arena_array(search->arena, 2 * search->d + 1, sizeof(double));
	if (!search->members || !search->unknown)
		return CODE_NO_MEMORY;
	return region_model_init(&search->model, search->d, room + PENDING_MAX, search->arena);
}

static void fit(struct search *search)
{
	struct region_model *model = &search->model;
	size_t n = gather(search, search->members, model->room - PENDING_MAX);

	for (size_t k = 0; k < n; k++)
		place(search, search->members[k].trial, model->y + k * search->d);
	set_values(search, search->members, n);
	region_model_fit(model);
	believe_pending(search);
	for (size_t k = 0; k < search->d; k++) {
		search->low[k] = -search->centre[k] / search->state.radius;
		search->high[k] = (1 - search->centre[k]) / search->state.radius;
	}
}

/* ---- where to ---- */

static double length_of(size_t n, const double *y)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += y[i] * y[i];
	return sqrt(sum);
}

static void clip(const struct search *search, double *y)
{
	for (size_t k = 0; k < search->d; k++)
		y[k] = fmin(fmax(y[k], search->low[k]), search->high[k]);
}

/* The unit step along axis k / 2 either way, then random ones. */
static void draw_direction(const struct search *search, size_t k, double *y)
{
	size_t d = search->d;

	memset(y, 0, d * sizeof(*y));
	if (k < 2 * d) {
		y[k / 2] = k % 2 ? -1 : 1;
	} else {
		for (size_t i = 0; i < d; i++)
			y[i] = rng_normal(search->rng);
		double length = length_of(d, y);
		for (size_t i = 0; i < d; i++)
			y[i] /= length;
	}
	clip(search, y);
}

/* What the model says of the region's surface. */
struct survey {
	double deviation; /* where it knows least */
	double rise;	  /* its mean on the surface, over the value at the step */
};

/* Leaves in search->unknown the step whose value the model knows least, good ones preferred. */
static struct survey survey_region(const struct search *search)
{
	size_t n = 4 * search->d + 8;
	double *y = search->unknown + search->d, most = -HUGE_VAL;
	struct survey survey = { 0 };

	for (size_t k = 0; k < n; k++) {
		draw_direction(search, k, y);
		double deviation = region_model_deviation(&search->model, y);
		double mean = region_model_mean(&search->model, y);
		double score = 2 * deviation - mean;
		survey.rise += mean / (double)n;
		if (score <= most)
			continue;
		most = score;
		survey.deviation = deviation;
		memcpy(search->unknown, y, search->d * sizeof(*y));
	}
	survey.rise -= region_model_mean(&search->model, search->step);
	return survey;
}

static void describe(struct search *search, enum region_kind kind)
{
	const struct region_model *model = &search->model;
	double sd = region_model_deviation(model, search->step);
	double decrease = model->level - region_model_mean(model, search->step);

	search->tag.kind = kind;
	search->tag.length = length_of(search->d, search->step);
	search->tag.level = search->offset + search->spread * model->level;
	search->tag.decrease = search->spread * decrease;
	search->tag.doubt = search->spread * hypot(sd, region_model_noise(model));
}

enum advice { GO, LEARN, NARROW, GIVE_UP };

/* What the model, just fitted, advises: search->step is where it is least. */
static enum advice judge(struct search *search)
{
	const struct region_model *model = &search->model;
	double decrease = model->level - region_model_mean(model, search->step);
	double length = length_of(search->d, search->step);
	struct survey survey = survey_region(search);
	bool known = survey.deviation < KNOWN * survey.rise;

	if (known && search->spread * (decrease + survey.deviation) < NOTHING * search->range)
		return GIVE_UP;
	if (known && length < INNER)
		return NARROW;
	if ((length < INNER || decrease < DARING * survey.deviation) &&
		survey.deviation > FARTHER * region_model_deviation(model, search->step))
		return LEARN;
	return GO;
}

/* The next step. *over: there is nothing to be gained any more, the run has ended. */
static int choose_step(struct search *search, bool *over)
{
	const struct region_box box = { search->low, search->high };
	const struct region_model *model = &search->model;
	enum advice advice = NARROW;
	int code = fit_init(search);

	for (int i = 0; i < REFITS && code == 0 && advice == NARROW; i++) {
		if (search->state.radius < search->state.options.radius_min)
			advice = GIVE_UP;
		else
			fit(search);
		if (advice == GIVE_UP)
			break;
		code = region_step(search->d, model->gradient, model->hessian, &box, 1,
			search->step, search->arena);
		if (code)
			break;
		advice = judge(search);
		if (advice == NARROW && i + 1 < REFITS)
			search->state.radius *= NARROWER;
	}
	*over = advice == GIVE_UP;
	if (code || *over)
		return code;
	if (advice == LEARN)
		memcpy(search->step, search->unknown, search->d * sizeof(double));
	describe(search, advice == LEARN ? REGION_GEOMETRY : REGION_STEP);
	return 0;
}

/* ---- a proposal ---- */

static void decode(const struct search *search, const double *y, double *x)
{
	memcpy(x, search->state.centre->x, search->space->n * sizeof(*x));
	for (size_t k = 0; k < search->d; k++) {
		uint32_t i = search->moving[k];
		double u = search->centre[k] + search->state.radius * y[k];
		x[i] = parameter_from_unit(&search->space->parameters[i], u);
	}
}

/* The step, shorter, or a random one nearby, more widely each time, until it may be handed out. */
static void make_fresh(struct search *search, double *x)
{
	const struct view *view = search->state.view;
	double width = 0.1;

	decode(search, search->step, x);
	for (int i = 0; i < DRAWS && !unique_fresh(view, x); i++) {
		if (i < 4 && !space_feasible(search->space, x)) {
			for (size_t k = 0; k < search->d; k++)
				search->step[k] *= 0.5;
		} else {
			for (size_t k = 0; k < search->d; k++)
				search->step[k] += width * rng_normal(search->rng);
			clip(search, search->step);
			width *= 1.2;
			search->tag.kind = REGION_GEOMETRY;
		}
		decode(search, search->step, x);
	}
}

static bool has_categories(const struct space *space, const double *x)
{
	for (size_t i = 0; i < space->n; i++)
		if (space->parameters[i].categorical && space->parameters[i].n_options > 1 &&
			!isnan(x[i]))
			return true;
	return false;
}

/* The centre with another category; all of it may follow from that. */
static void change_category(struct search *search, double *x)
{
	const struct space *space = search->space;
	uint32_t at = 0;
	size_t n = 0;

	memcpy(x, search->state.centre->x, space->n * sizeof(*x));
	for (size_t i = 0; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];
		if (parameter->categorical && parameter->n_options > 1 && !isnan(x[i]) &&
			rng_below(search->rng, ++n) == 0)
			at = (uint32_t)i;
	}
	uint64_t other = rng_below(search->rng, space->parameters[at].n_options - 1);
	x[at] = (double)(other + (other >= (uint64_t)x[at]));
	space_complete(space, search->rng, x);
	search->tag.kind = REGION_NEIGHBOUR;
}

static const char *propose_anew(struct search *search, double *x)
{
	space_sample(search->space, search->rng, x);
	search->tag.kind = REGION_RESTART;
	return "restart";
}

static int propose(struct search *search, double *x, const char **arm)
{
	bool over = true;
	int code;

	for (int run = 0; run < 2 && over && search->state.centre; run++) {
		if (run > 0)
			region_state_restart(&search->state);
		if (!search->state.centre)
			break;
		code = set_coordinates(search);
		if (code)
			return code;
		bool categories = has_categories(search->space, search->state.centre->x);
		if (categories && (search->d == 0 || rng_uniform(search->rng) < NEIGHBOUR)) {
			change_category(search, x);
			*arm = "neighbour";
			return 0;
		}
		if (search->d == 0)
			break;
		code = choose_step(search, &over);
		if (code)
			return code;
	}
	if (over) {
		*arm = propose_anew(search, x);
		return 0;
	}
	make_fresh(search, x);
	*arm = search->tag.kind == REGION_STEP ? "model" : "geometry";
	return 0;
}

/* How far the first results are from the best of all, in the median. */
static double find_range(const struct view *view, const struct trial *centre)
{
	double losses[FIRST];
	size_t n = 0;

	for (size_t i = 0; i < view->n_finished && n < FIRST; i++) {
		double loss = view->trials[view->finished[i]].loss;
		size_t at = n;
		if (!isfinite(loss))
			continue;
		for (; at > 0 && losses[at - 1] > loss; at--)
			losses[at] = losses[at - 1];
		losses[at] = loss;
		n++;
	}
	return n && centre ? losses[n / 2] - centre->loss : 0;
}

static int trustregion_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	struct search search = { .space = view->spec->space, .rng = rng };
	struct arena scratch;
	int code;

	region_state_fold(&search.state, view);
	if (rank_count(view, (size_t)search.state.options.startup) <
		(size_t)search.state.options.startup)
		return propose_startup(view, rng, arena, out, err);
	search.range = find_range(view, search.state.centre);
	arena_init(&scratch, arena->limit);
	search.arena = &scratch;
	code = propose(&search, out->x, &out->arm);
	arena_release(&scratch);
	search.tag.fingerprint = search.state.fingerprint;
	search.tag.consumed = search.state.consumed;
	search.tag.run = search.state.run;
	search.tag.radius = search.state.radius;
	search.tag.centre = search.state.centre ? search.state.centre->number : -1;
	out->tag.data = arena_copy(arena, &search.tag, sizeof(search.tag));
	out->tag.size = sizeof(search.tag);
	if (code || !out->tag.data)
		return fail(err, CODE_NO_MEMORY, "no memory for the trust region");
	return 0;
}

const struct tuner tuner_trustregion = {
	.algorithm = {
		.name = "trustregion",
		.aliases = "TrustRegion",
		.summary = "Local search on polynomial models: for smooth functions of a few numeric "
			   "parameters and tens to hundreds of trials.",
		.caps = TUNER_NESTED | TUNER_CONTINUOUS,
		.options = region_options,
	},
	.ask = trustregion_ask,
};
