#include "algorithms/tuners/gp_model.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/gp_data.h"
#include "algorithms/tuners/gp_settings.h"

#define MODEL_VERSION 1
#define HEAD_BYTES    6

/* The prior of a length scale is log-normal with median exp(sqrt(2) + ln(d) / 2) and variance 3 of
 * the logarithm; compute_gp_fit penalises the distance to the median. The mode of that density, 3
 * lower, is the better guess: the median of six parameters, 10, takes every one of them for
 * irrelevant. Numbers are stretched before a fit, which moves the penalty's centre there. */
#define LN_STRETCH 3.0

/* Bounds of compute_gp_fit, in logarithms, and what rounding may add. */
#define LN_WEIGHT_LEAST (-2 * log(100.0))
#define LN_WEIGHT_MOST	(2 * LN_STRETCH - 2 * log(0.02))
#define SLACK		1e-6

/* A fit is due with every result up to EACH_RESULT, then whenever this much more has come. */
#define EACH_RESULT  60
#define GROWTH_LEAST 3
#define GROWTH_SHARE 0.05

/* Beyond as many, a selection is fitted: its length scales are as good, at a bounded cost. */
#define FIT_BEST  120
#define FIT_NEW	  60
#define FIT_OTHER 120

/* Above this the objective has one optimum that matters. */
#define ONE_START_ABOVE 120

#define DRAWS_EVERY    10 /* results */
#define DRAWS	       2
#define STARTS_MAX     (2 + DRAWS)
#define LN_NOISE       (-4.0)
#define NOISE_FLOOR    1e-6
#define FIT_ITERATIONS 60

struct gathered {
	struct gp_data data; /* its numbers stretched */
	const unsigned char *category;
	size_t n_results;
	bool noiseless;
};

static void set_theta(size_t d, double ln_scale, double ln_noise, double *theta)
{
	for (size_t i = 0; i < d; i++)
		theta[i] = -2 * ln_scale;
	theta[d] = 0;
	theta[d + 1] = ln_noise;
}

static double ln_median(size_t d)
{
	return sqrt(2) + 0.5 * log((double)d);
}

void gp_prior_mode(size_t d, bool noiseless, double *theta)
{
	set_theta(d, ln_median(d) - LN_STRETCH, noiseless ? log(NOISE_FLOOR) : LN_NOISE, theta);
}

/* ---- bytes ---- */

static void add_bytes(struct buffer *out, uint64_t word, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buffer_add_char(out, (char)(unsigned char)(word >> 8 * i));
}

static uint64_t take_bytes(const unsigned char *from, unsigned n)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < n; i++)
		word |= (uint64_t)from[i] << 8 * i;
	return word;
}

void gp_model_write(const double *thetas, size_t n_sets, size_t d, struct buffer *out)
{
	add_bytes(out, MODEL_VERSION, 1);
	add_bytes(out, n_sets, 1);
	add_bytes(out, d, 4);
	for (size_t i = 0; i < n_sets * (d + 2); i++) {
		uint64_t word;
		memcpy(&word, &thetas[i], sizeof(word));
		add_bytes(out, word, 8);
	}
}

static bool within(double x, double low, double high)
{
	return x >= low - SLACK && x <= high + SLACK;
}

static bool is_theta(const double *theta, size_t d)
{
	for (size_t i = 0; i < d; i++)
		if (!within(theta[i], LN_WEIGHT_LEAST, LN_WEIGHT_MOST))
			return false;
	return within(theta[d], log(0.05), log(20)) && within(theta[d + 1], log(NOISE_FLOOR), 0);
}

bool gp_model_read(const struct bytes *bytes, size_t n_sets, size_t d, double *thetas)
{
	const unsigned char *data = bytes->data;
	double set[GP_LIMIT_D + 2];

	if (bytes->size != HEAD_BYTES + 8 * n_sets * (d + 2) || data[0] != MODEL_VERSION ||
		data[1] != n_sets || take_bytes(data + 2, 4) != d || d > GP_LIMIT_D)
		return false;
	for (int pass = 0; pass < 2; pass++) /* checked whole before anything is written */
		for (size_t s = 0; s < n_sets; s++) {
			for (size_t i = 0; i < d + 2; i++) {
				const unsigned char *at = data + HEAD_BYTES + 8 * (s * (d + 2) + i);
				uint64_t word = take_bytes(at, 8);
				memcpy(&set[i], &word, sizeof(word));
			}
			if (!is_theta(set, d))
				return false;
			if (pass)
				memcpy(thetas + s * (d + 2), set, (d + 2) * sizeof(*set));
		}
	return true;
}

/* ---- the learner ---- */

static bool learner_due(const struct view *view, size_t fitted)
{
	size_t n = view->n_finished, d = gp_features_count(view->spec->space);
	struct gp_settings settings;

	if (n <= fitted || d == 0 || d > GP_LIMIT_D)
		return false;
	gp_settings_read(view->spec, d, &settings);
	if (gp_history_count(view, settings.n_startup) < settings.n_startup)
		return false; /* nothing yet, or nothing since the space changed */
	if (fitted == 0 || n <= EACH_RESULT)
		return true;
	return (double)(n - fitted) >= fmax(GROWTH_LEAST, GROWTH_SHARE * (double)fitted);
}

static int learner_gather(
	const struct view *view, struct arena *arena, const void **out, struct error *err)
{
	struct gathered *gathered = arena_alloc(arena, sizeof(*gathered));
	struct gp_features features;
	struct gp_history history;

	if (!gathered || gp_features_init(&features, view->spec->space, arena) != 0 ||
		gp_history_init(&history, view, NULL, arena) != 0 ||
		gp_data_init(&gathered->data, &features, &history, arena) != 0 ||
		gp_data_thin(&gathered->data, FIT_BEST, FIT_NEW, FIT_OTHER, arena) != 0)
		return fail(err, CODE_NO_MEMORY, "no memory for the results to fit");
	for (size_t i = 0; i < gathered->data.n * features.d; i++)
		if (!features.category[i % features.d])
			gathered->data.z[i] *= exp(LN_STRETCH);
	gathered->category = features.category;
	gathered->n_results = history.n;
	gathered->noiseless = option_flag(&view->spec->tuner_options, "noiseless");
	*out = gathered;
	return 0;
}

/* Length scales that differ from the prior's mode by shift, each drawn anew where rng is given. */
static void set_start(const struct gathered *gathered, double shift, struct rng *rng, double *theta)
{
	size_t d = gathered->data.d;
	double mode = ln_median(d) - LN_STRETCH;

	set_theta(d, 0, LN_NOISE, theta);
	for (size_t i = 0; i < d; i++) {
		double ln_scale = mode + shift + (rng ? sqrt(3) * rng_normal(rng) : 0);
		theta[i] = -2 * (ln_scale + (gathered->category[i] ? 0 : LN_STRETCH));
	}
	if (rng) {
		theta[d] = rng_normal(rng);
		theta[d + 1] = LN_NOISE + rng_normal(rng);
	}
}

/* The prior's mode, long scales, and now and then draws from the prior. */
static size_t set_starts(const struct gathered *gathered, struct rng *rng, double *starts)
{
	size_t d = gathered->data.d, n = 0;

	set_start(gathered, 0, NULL, starts);
	n++;
	if (gathered->data.n <= ONE_START_ABOVE)
		set_start(gathered, LN_STRETCH, NULL, starts + (d + 2) * n++);
	for (size_t k = 0; k < DRAWS && gathered->n_results % DRAWS_EVERY == 0; k++)
		set_start(gathered, 0, rng, starts + (d + 2) * n++);
	return n;
}

/* Of the fits with and without noise the one of the higher posterior density; half the prior lies
 * on experiments that always answer the same. */
static const struct gp_fit *better(const struct gp_fit *noisy, const struct gp_fit *exact)
{
	if (noisy->code || exact->code)
		return noisy->code ? exact : noisy;
	return exact->objective <= noisy->objective ? exact : noisy;
}

/* Two fits for each set: noisy, exact; the first is left out of noiseless experiments. */
static int fit_sets(const struct gathered *gathered, struct compute *compute, size_t n_starts,
	const double *starts, double *thetas, struct gp_fit *fits, struct error *err)
{
	const struct gp_data *data = &gathered->data;
	size_t d = data->d, n_sets = data->excess ? GP_MODEL_SETS : 1;
	size_t first = gathered->noiseless ? 1 : 0, n = 0;

	for (size_t s = 0; s < n_sets; s++)
		for (size_t k = first; k < 2; k++, n++)
			fits[n] = (struct gp_fit){
				.input = { data->n, d, data->z, gathered->category },
				.y = s == 0 ? data->y : data->excess,
				.noiseless = k == 1,
				.n_starts = n_starts,
				.starts = starts,
				.max_iterations = FIT_ITERATIONS,
				.theta = thetas + (GP_MODEL_SETS + n) * (d + 2),
			};
	int code = compute_gp_fit(compute, fits, n, err);
	for (size_t s = 0; s < n_sets && code == 0; s++) {
		const struct gp_fit *pair = fits + s * (2 - first);
		const struct gp_fit *best = better(&pair[0], &pair[1 - first]);
		if (best->code)
			return fail(err, best->code, "no hyperparameters explain the results");
		memcpy(thetas + s * (d + 2), best->theta, (d + 2) * sizeof(double));
	}
	return code;
}

static int learner_fit(const void *what, struct compute *compute, struct rng *rng,
	struct buffer *out, struct error *err)
{
	const struct gathered *gathered = what;
	size_t d = gathered->data.d, n_sets = gathered->data.excess ? GP_MODEL_SETS : 1;
	struct gp_fit fits[2 * GP_MODEL_SETS];
	struct arena arena;

	arena_init(&arena, 0);
	double *thetas =
		arena_array(&arena, (3 * GP_MODEL_SETS + STARTS_MAX) * (d + 2), sizeof(*thetas));
	if (!thetas)
		return fail(err, CODE_NO_MEMORY, "no memory for the hyperparameters");
	double *starts = thetas + 3 * GP_MODEL_SETS * (d + 2);
	size_t n_starts = set_starts(gathered, rng, starts);
	int code = fit_sets(gathered, compute, n_starts, starts, thetas, fits, err);
	for (size_t s = 0; s < n_sets && code == 0; s++)
		for (size_t i = 0; i < d; i++)
			thetas[s * (d + 2) + i] += gathered->category[i] ? 0 : 2 * LN_STRETCH;
	if (code == 0)
		gp_model_write(thetas, n_sets, d, out);
	arena_release(&arena);
	return code;
}

int gp_theta_fit(const struct gp_data *data, const unsigned char *category, struct compute *compute,
	double *theta, struct arena *arena, struct error *err)
{
	size_t d = data->d;
	struct gathered gathered = { .data = *data, .category = category, .n_results = 1 };
	struct gp_fit fits[2 * GP_MODEL_SETS];
	double *z = arena_array(arena, data->n * d + 1, sizeof(*z));
	double *thetas =
		arena_array(arena, (3 * GP_MODEL_SETS + STARTS_MAX) * (d + 2), sizeof(*thetas));

	if (!z || !thetas)
		return fail(err, CODE_NO_MEMORY, "no memory for a fit");
	for (size_t i = 0; i < data->n * d; i++)
		z[i] = data->z[i] * (category[i % d] ? 1 : exp(LN_STRETCH));
	gathered.data.z = z;
	gathered.data.excess = NULL;
	double *starts = thetas + 3 * GP_MODEL_SETS * (d + 2);
	size_t n_starts = set_starts(&gathered, NULL, starts);
	int code = fit_sets(&gathered, compute, n_starts, starts, thetas, fits, err);
	for (size_t i = 0; i < d + 2 && code == 0; i++)
		theta[i] = thetas[i] + (i >= d || category[i] ? 0 : 2 * LN_STRETCH);
	return code;
}

const struct learner gp_learner = {
	.due = learner_due,
	.gather = learner_gather,
	.fit = learner_fit,
};
