#include "algorithms/tuners/trustregion_step.h"

#include <math.h>
#include <string.h>

#include "algorithms/tuners/cmaes_eigen.h"
#include "core/error.h"

#define BISECTIONS 80

struct ball {
	size_t n;	/* coordinates that are free */
	double *g;	/* [n] */
	double *matrix; /* [n][n] */
	double *values, *vectors, *work;
	double *turned; /* [n]: g in the eigenvectors' coordinates */
	double *s;	/* [n]: the step */
};

/* |(D + shift)^-1 turned|, for a shift above every -D. */
static double length_at(const struct ball *ball, double shift)
{
	double sum = 0;

	for (size_t k = 0; k < ball->n; k++) {
		double part = ball->turned[k] / (ball->values[k] + shift);
		sum += part * part;
	}
	return sqrt(sum);
}

/* s = -V (D + shift)^-1 turned, and then along the eigenvector of the least value up to length. */
static void unturn(struct ball *ball, double shift, size_t least, double floor_at, double length)
{
	double along = 0, sum = 0;

	memset(ball->s, 0, ball->n * sizeof(double));
	for (size_t k = 0; k < ball->n; k++) {
		double lifted = ball->values[k] + shift;
		double part = lifted > floor_at ? -ball->turned[k] / lifted : 0;

		if (k == least)
			along = part;
		else
			sum += part * part;
		for (size_t i = 0; i < ball->n; i++)
			ball->s[i] += part * ball->vectors[k * ball->n + i];
	}
	if (ball->values[least] >= 0 || sum + along * along >= length * length)
		return;
	double wanted = sqrt(fmax(length * length - sum, 0));
	double more = (along < 0 || ball->turned[least] > 0 ? -wanted : wanted) - along;
	for (size_t i = 0; i < ball->n; i++)
		ball->s[i] += more * ball->vectors[least * ball->n + i];
}

/* The least within the ball alone. False: the matrix has no eigenvalues. */
static bool solve_ball(struct ball *ball, double length)
{
	size_t n = ball->n, least = 0;
	double largest = 0, size = 0;

	if (!eigen_symmetric(n, ball->matrix, ball->values, ball->vectors, ball->work))
		return false;
	for (size_t k = 0; k < n; k++) {
		ball->turned[k] = 0;
		for (size_t i = 0; i < n; i++)
			ball->turned[k] += ball->vectors[k * n + i] * ball->g[i];
		size += ball->turned[k] * ball->turned[k];
		largest = fmax(largest, fabs(ball->values[k]));
		if (ball->values[k] < ball->values[least])
			least = k;
	}
	double tiny = 1e-12 * fmax(largest, 1e-300);
	double low = fmax(0, -ball->values[least] + tiny);
	double high = low + sqrt(size) / length + tiny;
	if (length_at(ball, low + tiny) > length) {
		for (int i = 0; i < BISECTIONS; i++) {
			double middle = 0.5 * (low + high);
			if (length_at(ball, middle) > length)
				low = middle;
			else
				high = middle;
		}
		low = high;
	}
	unturn(ball, low, least, 0.5 * tiny, length);
	return true;
}

/* The problem in the coordinates that are not fixed, in which s stands. */
static void restrict_to(struct ball *ball, size_t d, const double *g, const double *h,
	const bool *fixed, const double *s)
{
	ball->n = 0;
	for (size_t i = 0; i < d; i++) {
		double slope = g[i];

		if (fixed[i])
			continue;
		for (size_t j = 0; j < d; j++)
			if (fixed[j])
				slope += h[i * d + j] * s[j];
		ball->g[ball->n++] = slope;
	}
	double *out = ball->matrix;
	for (size_t i = 0; i < d; i++)
		for (size_t j = 0; j < d && !fixed[i]; j++)
			if (!fixed[j])
				*out++ = h[i * d + j];
}

int region_step(size_t d, const double *g, const double *h, const struct region_box *box,
	double length, double *s, struct arena *arena)
{
	double *memory = arena_array(arena, 2 * d * d + 6 * d + 1, sizeof(*memory));
	bool *fixed = arena_array(arena, d + 1, sizeof(*fixed));
	struct ball ball = { 0 };
	double left2 = length * length;
	bool cut = true;

	if (!memory || !fixed)
		return CODE_NO_MEMORY;
	ball.matrix = memory;
	ball.vectors = memory + d * d;
	ball.g = ball.vectors + d * d;
	ball.values = ball.g + d;
	ball.turned = ball.values + d;
	ball.s = ball.turned + d;
	ball.work = ball.s + d;
	memset(s, 0, d * sizeof(*s));
	while (cut && left2 > 1e-12 * length * length) {
		cut = false;
		restrict_to(&ball, d, g, h, fixed, s);
		if (ball.n == 0 || !solve_ball(&ball, sqrt(left2)))
			break;
		for (size_t i = 0, k = 0; i < d; i++) {
			if (fixed[i])
				continue;
			double wanted = ball.s[k++];
			s[i] = fmin(fmax(wanted, box->low[i]), box->high[i]);
			if (s[i] == wanted)
				continue;
			fixed[i] = cut = true;
			left2 -= s[i] * s[i];
		}
	}
	return 0;
}
