/*
 * Do nsga2 and nsga3 find fronts that random search does not? The usual test problems (ZDT: Zitzler,
 * Deb and Thiele 2000; DTLZ2: Deb, Thiele, Laumanns and Zitzler 2002; C2-DTLZ2: Jain and Deb 2014;
 * BNH: Binh and Korn 1997), fixed seeds, four trials pending at any time. The figure is the
 * hypervolume of all feasible results as a share of that of the true front. It is printed; the
 * thresholds are a little below what it was when this was written, so getting worse fails.
 */
#include "algorithms/analysis/hypervolume.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PENDING 4
#define SEEDS	5
#define PI	3.14159265358979323846

struct problem {
	const char *name;
	size_t d, m, budget;
	double high;	     /* every parameter is uniform in [0, high] */
	bool constrained;    /* value also sets f[m], to be at most 0 */
	double reference;    /* of every objective */
	double whole;	     /* hypervolume of the true front */
	void (*value)(const double *x, size_t d, double *f);
};

static double zdt_g(const double *x, size_t d)
{
	double sum = 0;

	for (size_t i = 1; i < d; i++)
		sum += x[i];
	return 1 + 9 * sum / (double)(d - 1);
}

static void zdt1(const double *x, size_t d, double *f)
{
	double g = zdt_g(x, d);

	f[0] = x[0];
	f[1] = g * (1 - sqrt(x[0] / g));
}

static void zdt2(const double *x, size_t d, double *f)
{
	double g = zdt_g(x, d);

	f[0] = x[0];
	f[1] = g * (1 - x[0] / g * (x[0] / g));
}

static void zdt3(const double *x, size_t d, double *f)
{
	double g = zdt_g(x, d);

	f[0] = x[0];
	f[1] = g * (1 - sqrt(x[0] / g) - x[0] / g * sin(10 * PI * x[0]));
}

/* A sphere of radius 1 + g in the positive orthant. */
static void sphere(const double *x, size_t d, size_t m, double *f)
{
	double g = 0;

	for (size_t i = m - 1; i < d; i++)
		g += (x[i] - 0.5) * (x[i] - 0.5);
	for (size_t k = 0; k < m; k++) {
		f[k] = 1 + g;
		for (size_t i = 0; i + k + 1 < m; i++)
			f[k] *= cos(0.5 * PI * x[i]);
		if (k > 0)
			f[k] *= sin(0.5 * PI * x[m - 1 - k]);
	}
}

static void dtlz2_4(const double *x, size_t d, double *f)
{
	sphere(x, d, 4, f);
}

static void dtlz2_5(const double *x, size_t d, double *f)
{
	sphere(x, d, 5, f);
}

/* Of the sphere only what lies within 0.4 of a corner, or of the centre. */
static void c2_dtlz2(const double *x, size_t d, double *f)
{
	double square = 0, corner = HUGE_VAL, centre = 0;
	const double r = 0.4;

	sphere(x, d, 3, f);
	for (size_t k = 0; k < 3; k++) {
		square += f[k] * f[k];
		centre += (f[k] - 1 / sqrt(3)) * (f[k] - 1 / sqrt(3));
	}
	for (size_t k = 0; k < 3; k++)
		corner = fmin(corner, square - f[k] * f[k] + (f[k] - 1) * (f[k] - 1));
	f[3] = fmin(corner, centre) - r * r;
}

static void bnh(const double *x, size_t d, double *f)
{
	double a = x[0], b = x[1] * 3 / 5;

	(void)d;
	f[0] = 4 * a * a + 4 * b * b;
	f[1] = (a - 5) * (a - 5) + (b - 5) * (b - 5);
	f[2] = fmax((a - 5) * (a - 5) + b * b - 25, 7.7 - (a - 8) * (a - 8) - (b + 3) * (b + 3));
}

static const struct problem problems[] = {
	{ "ZDT1", 8, 2, 500, 1, false, 1.1, 0.876667, zdt1 },
	{ "ZDT2", 8, 2, 500, 1, false, 1.1, 0.543333, zdt2 },
	{ "ZDT3", 8, 2, 500, 1, false, 1.1, 1, zdt3 },
	{ "BNH", 2, 2, 300, 5, true, 140, 1, bnh },
	{ "C2-DTLZ2", 7, 3, 500, 1, true, 1.1, 1, c2_dtlz2 },
	{ "DTLZ2-4", 8, 4, 600, 1, false, 1.1, 1, dtlz2_4 },
	{ "DTLZ2-5", 9, 5, 600, 1, false, 1.1, 1, dtlz2_5 },
};

static char *problem_body(const struct problem *problem, const char *tuner, const char *options,
	uint64_t seed, struct arena *arena)
{
	char *space = arena_strdup(arena, ""), *objectives = arena_strdup(arena, "");

	for (size_t i = 0; i < problem->d; i++)
		space = arena_printf(arena, "%s%s\"x%zu\":{\"_type\":\"uniform\",\"_value\":[0,%g]}",
			space, i ? "," : "", i, problem->high);
	for (size_t k = 0; k < problem->m; k++)
		objectives = arena_printf(arena, "%s%s{\"name\":\"f%zu\",\"goal\":\"minimize\"}",
			objectives, k ? "," : "", k);
	return arena_printf(arena,
		"{\"name\":\"quality\",\"search_space\":{%s},\"objectives\":[%s],"
		"\"constraints\":[%s],\"limits\":{\"max_trials\":%zu},"
		"\"tuner\":{\"name\":\"%s\",\"options\":%s,\"seed\":%llu}}",
		space, objectives, problem->constrained ? "{\"metric\":\"c\",\"max\":0}" : "",
		problem->budget, tuner, options ? options : "{}", (unsigned long long)seed);
}

static void answer(const struct problem *problem, struct fake *fake, int64_t number)
{
	static const char *const names[] = { "f0", "f1", "f2", "f3", "f4" };
	struct metric metrics[8];
	double f[8];

	problem->value(fake->view.trials[number].x, problem->d, f);
	for (size_t k = 0; k <= problem->m; k++)
		metrics[k] = (struct metric){ k < problem->m ? names[k] : "c", f[k], nan("") };
	fake_observe_metrics(fake, number, metrics, problem->m + problem->constrained);
}

static double front_volume(const struct problem *problem, const struct fake *fake)
{
	const double **points = calloc(fake->view.n_trials, sizeof(*points));
	double reference[LIMIT_OBJECTIVES], volume = -1;
	struct arena scratch;
	size_t n = 0;

	assert_non_null(points);
	for (size_t i = 0; i < fake->view.n_trials; i++)
		if (!(fake->view.trials[i].violation > 0))
			points[n++] = fake->view.trials[i].values;
	for (size_t k = 0; k < problem->m; k++)
		reference[k] = problem->reference;
	arena_init(&scratch, 0);
	assert_int_equal(hypervolume(points, n, problem->m, reference, 0, &scratch, &volume), 0);
	arena_release(&scratch);
	free(points);
	return volume;
}

static double run_once(
	const struct problem *problem, const char *tuner, const char *options, uint64_t seed)
{
	struct arena arena;
	struct fake fake;

	arena_init(&arena, 0);
	fake_init(&fake, problem_body(problem, tuner, options, seed, &arena));
	for (size_t i = 0; i < problem->budget + PENDING; i++) {
		if (i < problem->budget)
			assert_int_equal(fake_suggest(&fake, NULL), 0);
		if (i >= PENDING)
			answer(problem, &fake, (int64_t)(i - PENDING));
	}
	double volume = front_volume(problem, &fake) / problem->whole;
	fake_release(&fake);
	arena_release(&arena);
	return volume;
}

int main(int argc, char **argv)
{
		static const char *const tuners[] = { "random", "nsga2", "nsga3" };
	for (size_t p = 0; p < sizeof(problems)/sizeof(*problems); p++) {
		printf("%-10s", problems[p].name);
		for (size_t t = 0; t < 3; t++) {
			double sum = 0, worst = 1e9;
			for (uint64_t s = 1; s <= SEEDS; s++) {
				double v = run_once(&problems[p], tuners[t], t && argc > 1 ? argv[1] : NULL, s);
				sum += v / SEEDS; worst = fmin(worst, v);
			}
			printf("  %s %.4f (%.4f)", tuners[t], sum, worst);
		}
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
