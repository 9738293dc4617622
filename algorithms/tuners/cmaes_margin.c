/*
 * The margin (Hamano, Saito, Nomura and Shirakawa, "CMA-ES with Margin", GECCO 2022): when the
 * distribution of a stepped coordinate has shrunk into one step, every draw rounds to the same
 * value and selection is blind. So mean and width of such a coordinate are moved just so far that
 * each neighbouring value keeps a probability of at least alpha.
 */
#include <math.h>

#include "algorithms/tuners/cmaes_state.h"
#include "core/special.h"

#define MASS_MIN 1e-10 /* of a neighbour, before its quantile is taken */

/* On the first or last step: the mean comes near the only threshold there is. */
static void keep_edge(
	struct cmaes *cmaes, size_t i, double threshold, double deviation, double alpha)
{
	double side = cmaes->mean[i] < threshold ? -1 : 1;
	double beyond = normal_cdf(-fabs(cmaes->mean[i] - threshold) / deviation);

	if (beyond < alpha)
		cmaes->mean[i] = threshold - side * deviation * normal_quantile(alpha);
}

/* Between two thresholds: mean and width are what gives both neighbours their mass. */
static void keep_inner(
	struct cmaes *cmaes, size_t i, double low, double high, double deviation, double alpha)
{
	double mean = cmaes->mean[i];
	double below = normal_cdf((low - mean) / deviation);
	double above = normal_cdf((mean - high) / deviation);
	double within = 1 - below - above;

	if (below >= alpha / 2 && above >= alpha / 2)
		return;
	below = fmax(below, alpha / 2);
	above = fmax(above, alpha / 2);
	/* What one side was given, the other side and the middle give, as far as they have more. */
	double excess = 1 - below - above - within;
	double spare = below + within + above - 1.5 * alpha;
	double low_mass = below + excess * (below - alpha / 2) / spare;
	double high_mass = above + excess * (above - alpha / 2) / spare;
	double low_quantile = -normal_quantile(fmin(fmax(low_mass, MASS_MIN), 0.5 - MASS_MIN));
	double high_quantile = -normal_quantile(fmin(fmax(high_mass, MASS_MIN), 0.5 - MASS_MIN));
	double sum = low_quantile + high_quantile;

	cmaes->width[i] *= (high - low) / (sum * deviation);
	cmaes->mean[i] = (low * high_quantile + high * low_quantile) / sum;
}

void cmaes_keep_margin(struct cmaes *cmaes)
{
	const struct cmaes_model *model = cmaes->model;
	double alpha = 1 / ((double)model->d * (double)cmaes->head->popsize);

	for (size_t i = 0; i < model->d; i++) {
		double low, high;
		double deviation =
			cmaes->head->sigma * cmaes->width[i] * sqrt(cmaes_variance(cmaes, i));

		if (!model->stepped[i] || !(deviation > 0))
			continue;
		cmaes_step(model, i, cmaes->mean[i], &low, &high);
		if (isfinite(low) && isfinite(high))
			keep_inner(cmaes, i, low, high, deviation, alpha);
		else if (isfinite(low) || isfinite(high))
			keep_edge(cmaes, i, isfinite(low) ? low : high, deviation, alpha);
	}
}
