/*
 * CPU time of one ask of TPE, and of one judgement of medianstop, curvefitting and curve, at
 * growing histories. Space: 10 parameters, mixed (4 uniform, 2 log, 1 log integer, 1 integer, 2
 * choices).
 */
#include "tests/quality/lab.h"

#define ROUNDS_MAX 200

static const char space[] =
	"{\"a\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
	"\"b\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
	"\"c\":{\"_type\":\"uniform\",\"_value\":[-5,5]},"
	"\"d\":{\"_type\":\"uniform\",\"_value\":[-5,5]},"
	"\"lr\":{\"_type\":\"loguniform\",\"_value\":[1e-6,1]},"
	"\"decay\":{\"_type\":\"loguniform\",\"_value\":[1e-8,1e-1]},"
	"\"units\":{\"_type\":\"int\",\"_value\":{\"low\":8,\"high\":1024,\"log\":true}},"
	"\"layers\":{\"_type\":\"randint\",\"_value\":[1,9]},"
	"\"opt\":{\"_type\":\"choice\",\"_value\":[\"sgd\",\"adam\",\"lamb\",\"rms\"]},"
	"\"act\":{\"_type\":\"choice\",\"_value\":[\"relu\",\"gelu\",\"tanh\"]}}";

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print_times(const char *what, size_t n, double *times, size_t rounds)
{
	qsort(times, rounds, sizeof(*times), ascending);
	printf("%-28s n = %5zu: least %8.3f ms, median %8.3f ms, 99 %% %8.3f ms\n", what, n,
		1e3 * times[0], 1e3 * times[rounds / 2], 1e3 * times[rounds * 99 / 100]);
}

/* A history that has converged somewhat, as real ones do: half of it near the best point. */
static void fill_history(struct lab *lab, size_t n)
{
	struct rng rng;
	rng_init(&rng, 1, RNG_TEST, n);
	for (size_t t = 0; t < n; t++) {
		double x[10], u[10], loss = 0;
		space_sample(lab->spec.space, &rng, x);
		if (t % 2) {
			space_to_unit(lab->spec.space, x, u);
			for (size_t j = 0; j < 10; j++)
				u[j] = 0.3 + 0.2 * (u[j] - 0.5);
			space_from_unit(lab->spec.space, u, x);
		}
		space_to_unit(lab->spec.space, x, u);
		for (size_t j = 0; j < 10; j++)
			loss += (u[j] - 0.3) * (u[j] - 0.3);
		lab_observe(lab, lab_place(lab, x), loss);
	}
}

static void bench_ask(const char *options, size_t n, size_t rounds)
{
	static double times[ROUNDS_MAX];
	struct lab lab;
	lab_init(&lab, space, &tuner_tpe, options, 1, false);
	fill_history(&lab, n);
	for (size_t r = 0; r < rounds; r++) {
		struct error err = { 0 };
		struct proposal proposal = { .parent = -1 };
		struct rng rng;
		double start = lab_seconds(), x[10];
		arena_reset(&lab.scratch);
		proposal.x = x;
		rng_init(&rng, r, RNG_TEST, n);
		int code = tuner_tpe.ask(&(struct knowledge){ .view = &lab.view }, &rng,
			&lab.scratch, &proposal, &err);
		assert(code == 0);
		(void)code;
		times[r] = lab_seconds() - start;
	}
	print_times(options ? options : "tpe ask", n, times, rounds);
	lab_release(&lab);
}

static void bench_judge(
	const struct assessor *assessor, size_t finished, int reports, int own, size_t rounds)
{
	static double times[ROUNDS_MAX];
	struct lab lab;
	struct rng rng;
	char reason[512];
	lab_init(&lab, space, &tuner_random, NULL, 1, true);
	lab_assess(&lab, assessor, "");
	rng_init(&rng, 2, RNG_TEST, 0);
	for (size_t t = 0; t <= finished; t++) {
		double x[10], end = rng_uniform(&rng);
		space_sample(lab.spec.space, &rng, x);
		int64_t number = lab_place(&lab, x);
		int n = t < finished ? reports : own;
		end = t < finished ? end : 0.2; /* to be stopped, the dearest verdict of curve */
		for (int step = 1; step <= n; step++)
			lab_report(&lab, number, step,
				end * (1 - 1.0 / step) + 0.005 * rng_normal(&rng));
		if (t < finished)
			lab_observe(&lab, number, end);
	}
	for (size_t r = 0; r < rounds; r++) {
		double start = lab_seconds();
		lab_judge(&lab, (int64_t)finished, reason, sizeof(reason));
		times[r] = lab_seconds() - start;
	}
	print_times(assessor->algorithm.name, finished, times, rounds);
	lab_release(&lab);
}

int main(void)
{
	bench_ask(NULL, 100, 200);
	bench_ask(NULL, 1000, 100);
	bench_ask(NULL, 10000, 50);
	bench_ask("multivariate=false", 1000, 50);
	bench_ask("multivariate=false", 10000, 20);
	bench_ask("variant=parity", 1000, 50);
	bench_judge(&assessor_medianstop, 1000, 100, 100, 50);
	bench_judge(&assessor_medianstop, 10000, 100, 100, 20);
	bench_judge(&assessor_curvefitting, 1000, 20, 12, 50);
	bench_judge(&assessor_curve, 500, 51, 50, 50);
	return 0;
}
