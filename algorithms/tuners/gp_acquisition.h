/*
 * What a point is worth trying for, from its posterior mean and standard deviation; the larger the
 * better, all to maximise. Values and derivatives.
 *
 * log EI (Ament et al., NeurIPS 2023): with z = (mean - best - xi) / sd,
 *     log EI = log sd + log h(z),  h(z) = phi(z) + z Phi(z)
 * without underflow, so that it has a slope everywhere. The plain improvement ranks points the same
 * way.
 */
#ifndef ALGORITHMS_TUNERS_GP_ACQUISITION_H
#define ALGORITHMS_TUNERS_GP_ACQUISITION_H

enum gp_utility {
	GP_LOG_EI, /* log of the expected improvement over best + xi */
	GP_UCB,	   /* mean + kappa sd */
	GP_LOG_PI  /* log of the probability of improvement over best + xi */
};

struct gp_acquisition {
	enum gp_utility utility;
	double best, xi, kappa;
};

/* log h(z), relative error below 1e-12, increasing. */
double gp_log_h(double z);

/* sd > 0. d_mean and d_sd: the derivatives; both NULL when they are not wanted. */
double gp_acquire(const struct gp_acquisition *acquisition, double mean, double sd, double *d_mean,
	double *d_sd);

/* log Phi(-mean / sd): that a constraint of which it is known so much holds (is below 0). */
double gp_log_feasible(double mean, double sd, double *d_mean, double *d_sd);

#endif
