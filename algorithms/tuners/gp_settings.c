#include "algorithms/tuners/gp_settings.h"

#include <math.h>

#include "algorithms/tuners/gp_features.h"
#include "gpu/compute.h"

#define STARTUP_LEAST 4
#define STARTUP_MOST  20

const struct option gp_options[] = {
	{ .name = "acquisition",
		.type = OPTION_CHOICE,
		.choices = "logei|ei|ucb|poi",
		.fallback = "logei",
		.help = "what a point is chosen by: expected improvement (logei and ei rank "
			"alike), "
			"mean + kappa sd, probability of improvement",
		.alias = "utility" },
	{ .name = "kappa",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1000,
		.fallback = "1.8",
		.help = "ucb: weight of the standard deviation (NNI's default is 5)" },
	{ .name = "xi",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1000,
		.fallback = "0",
		.help = "ei and poi: improvement that counts, in standard deviations of the "
			"results" },
	{ .name = "n_startup",
		.type = OPTION_INT,
		.low = 0,
		.high = 10000,
		.fallback = "0",
		.help = "results before the model is used; 0: twice the parameters, a tenth of the "
			"trials, 20: the least of them, but 4 at least",
		.alias = "cold_start_num" },
	{ .name = "n_candidates",
		.type = OPTION_INT,
		.low = 0,
		.high = 1000000,
		.fallback = "0",
		.help = "points among which the search of a proposal starts; 0: 1024 and more, "
			"fewer "
			"the more results there are; 4096 at most are looked at",
		.alias = "selection_num_warm_up" },
	{ .name = "n_starts",
		.type = OPTION_INT,
		.low = 0,
		.high = 100000,
		.fallback = "0",
		.help = "local searches for a proposal; 0: as many as are worth it; 64 at most",
		.alias = "selection_num_starting_points" },
	{ .name = "noiseless",
		.type = OPTION_BOOL,
		.fallback = "false",
		.help = "the same point gives the same result: the noise is not estimated" },
	{ .name = "min_noise",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "1e-6",
		.help = "least noise variance, where results have variance 1; the noise itself is "
			"estimated",
		.alias = "alpha" },
	{ .name = "nu",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1000,
		.fallback = "2.5",
		.help = "smoothness of the Matern kernel: only 2.5 is there" },
	{ .name = "trust_mask",
		.type = OPTION_BOOL,
		.fallback = "false",
		.help = "with few results stay near the points tried; worth a try from ten "
			"parameters on" },
	{ .name = "max_points",
		.type = OPTION_INT,
		.low = 64,
		.high = 1500,
		.fallback = "1500",
		.help = "results up to which the model uses all; beyond, it is a local one around "
			"the best" },
	{ .name = "exploration_probability",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "0",
		.help = "chance that a proposal is where the model knows least" },
	{ .name = "no_candidates",
		.type = OPTION_BOOL,
		.fallback = "false",
		.help = "Metis's: always propose where the predicted mean is best" },
	{ .name = "no_resampling",
		.type = OPTION_BOOL,
		.fallback = "true",
		.help = "Metis's: only true, as no point is tried twice" },
	{ .name = NULL },
};

static size_t startup_of(const struct spec *spec, size_t d)
{
	int64_t asked = option_int(&spec->tuner_options, "n_startup");
	double n = fmin(2 * (double)d, STARTUP_MOST);

	if (asked > 0)
		return (size_t)asked;
	if (spec->limits.max_trials > 0)
		n = fmin(n, 0.1 * (double)spec->limits.max_trials);
	return (size_t)fmax(floor(n), STARTUP_LEAST);
}

static size_t at_most(int64_t n, size_t most)
{
	return (size_t)n < most ? (size_t)n : most;
}

void gp_settings_read(const struct spec *spec, size_t d, struct gp_settings *out)
{
	const struct option_set *set = &spec->tuner_options;

	*out = (struct gp_settings){
		.utility = option_is(set, "acquisition", "ucb")	  ? GP_UCB
			   : option_is(set, "acquisition", "poi") ? GP_LOG_PI
								  : GP_LOG_EI,
		.kappa = option_real(set, "kappa"),
		.xi = option_real(set, "xi"),
		.n_startup = startup_of(spec, d),
		.n_candidates = at_most(option_int(set, "n_candidates"), GP_CANDIDATES_MAX),
		.n_starts = at_most(option_int(set, "n_starts"), GP_STARTS_MAX),
		.noiseless = option_flag(set, "noiseless"),
		.trust_mask = option_flag(set, "trust_mask"),
		.least_noise = option_real(set, "min_noise"),
		.explore = option_real(set, "exploration_probability"),
		.exact_max = (size_t)option_int(set, "max_points"),
	};
	if (option_flag(set, "no_candidates")) {
		out->utility = GP_UCB;
		out->kappa = 0;
	}
}

void gp_settings_check(const struct spec *spec, const struct path *at, struct faults *faults)
{
	const struct path options = { at, "options", 0 };
	const struct path nu = { &options, "nu", 0 }, resampling = { &options, "no_resampling", 0 };
	size_t d = gp_features_count(spec->space);

	if (d > GP_LIMIT_D)
		fault_add(faults, at,
			"gp searches %d parameters at most, here %zu vary: choose evolution or tpe",
			GP_LIMIT_D, d);
	if (option_real(&spec->tuner_options, "nu") != 2.5)
		fault_add(faults, &nu, "must be 2.5: only the Matern 5/2 kernel is there");
	if (!option_flag(&spec->tuner_options, "no_resampling"))
		fault_add(faults, &resampling, "must be true: no point is tried twice");
}
