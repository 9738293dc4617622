/*
 * Do the assessors stop the bad trials and let the good ones live? The book's cases S1 and S2,
 * simulated, and real learning curves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/quality/curves.h"
#include "tests/quality/lab.h" /* before cmocka, whose fail is a macro */

#include <cmocka.h>

#define SEEDS	  5
#define WORKERS	  8
#define STEPS_MAX 128

/* What a simulated trial reports and ends with. */
struct job {
	int64_t number; /* -1: the worker is free */
	int step, steps;
	double final;
	double values[STEPS_MAX];
};

struct outcome {
	int trials, stopped, stopped_good, good;
	int steps, steps_all;
	double best; /* of those that ran to their end */
	int64_t top; /* the trial that ends best, or would have */
	double top_final;
	bool top_stopped;
};

struct scenario {
	const char *space;
	const struct assessor *assessor;
	const char *options;
	int steps;
	void (*curve)(const struct lab *lab, const double *x, struct rng *rng, struct job *job);
	bool (*good)(const struct job *job);
};

static char reason[512];

/* One report of one worker; true when its trial has ended. */
static bool advance(
	struct lab *lab, const struct scenario *scenario, struct job *job, struct outcome *out)
{
	lab_report(lab, job->number, job->step, job->values[job->step]);
	job->step++;
	out->steps++;
	if (lab_judge(lab, job->number, reason, sizeof(reason)) == VERDICT_STOP) {
		lab_end(lab, job->number, TRIAL_STOPPED);
		out->stopped++;
		out->stopped_good += scenario->good(job);
		return true;
	}
	if (job->step < job->steps)
		return false;
	lab_observe(lab, job->number, job->final);
	out->best = fmax(out->best, job->final);
	return true;
}

static struct outcome simulate(const struct scenario *scenario, int trials, uint64_t seed)
{
	struct outcome out = { .trials = trials, .best = -HUGE_VAL, .top_final = -HUGE_VAL };
	struct job jobs[WORKERS];
	struct lab lab;
	int begun = 0, ended = 0;

	lab_init(&lab, scenario->space, &tuner_random, NULL, seed, true);
	lab_assess(&lab, scenario->assessor, scenario->options);
	for (int w = 0; w < WORKERS; w++)
		jobs[w].number = -1;
	while (ended < trials) {
		for (int w = 0; w < WORKERS; w++) {
			struct job *job = &jobs[w];
			if (job->number < 0 && begun < trials) {
				struct rng rng;
				job->number = lab_suggest(&lab);
				job->step = 0;
				job->steps = scenario->steps;
				rng_init(&rng, seed, RNG_TEST, (uint64_t)begun++);
				scenario->curve(&lab, lab.view.trials[job->number].x, &rng, job);
				out.good += scenario->good(job);
				out.steps_all += job->steps;
				if (job->final > out.top_final) {
					out.top = job->number;
					out.top_final = job->final;
				}
			}
			if (job->number >= 0 && advance(&lab, scenario, job, &out)) {
				job->number = -1;
				ended++;
			}
		}
	}
	out.top_stopped = lab.view.trials[out.top].state == TRIAL_STOPPED;
	lab_release(&lab);
	return out;
}

static void print_outcome(const char *name, uint64_t seed, const struct outcome *o)
{
	printf("%-24s seed %llu: %d of %d stopped, %d of %d good ones; %.0f %% of the steps "
	       "saved; best %.4g\n",
		name, (unsigned long long)seed, o->stopped, o->trials, o->stopped_good, o->good,
		100.0 * (o->steps_all - o->steps) / o->steps_all, o->best);
}

/* S1: max(round(x / 10, 2) sqrt(h) + U(-3, 3), 0) for h = 1 .. 100, x the final value. */
static void median_curve(const struct lab *lab, const double *x, struct rng *rng, struct job *job)
{
	(void)lab;
	double slope = rint(x[0] * 10) / 100;
	for (int h = 1; h <= job->steps; h++) {
		double value = slope * sqrt(h) + 6 * rng_uniform(rng) - 3;
		job->values[h - 1] = fmax(value, 0);
	}
	job->final = x[0];
}

static bool above_95(const struct job *job)
{
	return job->final > 95;
}

static void median_stop_s1(void **state)
{
	static const struct scenario scenario = {
		.space = "{\"x\":{\"_type\":\"quniform\",\"_value\":[1,100,0.1]}}",
		.assessor = &assessor_medianstop,
		.options = "start_step=10",
		.steps = 100,
		.curve = median_curve,
		.good = above_95,
	};
	int good = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct outcome o = simulate(&scenario, 100, seed);
		print_outcome("S1 medianstop", seed, &o);
		good += o.good;
		assert_true(o.stopped >= 35);
		assert_int_equal(o.stopped_good, 0);
		assert_true(o.steps < 0.8 * o.steps_all);
	}
	assert_true(good >= SEEDS); /* or the test would show nothing */
}

/* A saturating power law with noise: end - (end - start) h^-rate. */
static void power_curve(const struct lab *lab, const double *x, struct rng *rng, struct job *job)
{
	double end = lab_value(lab, x, "end"), rate = lab_value(lab, x, "rate");
	for (int h = 1; h <= job->steps; h++)
		job->values[h - 1] = end - (end - 0.1) * pow(h, -rate) + 0.005 * rng_normal(rng);
	job->final = job->values[job->steps - 1];
}

static bool above_90(const struct job *job)
{
	return job->values[job->steps - 1] > 0.90;
}

static void curve_fitting_s2(void **state)
{
	static const struct scenario scenario = {
		.space = "{\"end\":{\"_type\":\"uniform\",\"_value\":[0.2,0.95]},"
			 "\"rate\":{\"_type\":\"uniform\",\"_value\":[0.5,1.5]}}",
		.assessor = &assessor_curvefitting,
		.options = "epoch_num=20 start_step=6 threshold=0.95 gap=1",
		.steps = 20,
		.curve = power_curve,
		.good = above_90,
	};
	int good = 0, killed = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct outcome o = simulate(&scenario, 100, seed);
		print_outcome("S2 curvefitting", seed, &o);
		good += o.good;
		killed += o.stopped_good;
		assert_true(o.stopped >= 50);
		assert_true(o.best > 0.85);
	}
	assert_true(good >= SEEDS);
	assert_true(killed * 5 <= good);
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x < y) - (x > y);
}

static double decile; /* of the final accuracies */

static void real_curve(const struct lab *lab, const double *x, struct rng *rng, struct job *job)
{
	(void)lab;
	(void)rng;
	memcpy(job->values, curves[(size_t)x[0]], sizeof(curves[0]));
	job->final = job->values[EPOCHS - 1];
}

static bool in_top_decile(const struct job *job)
{
	return job->values[EPOCHS - 1] >= decile;
}

#define RESNETS "{\"i\":{\"_type\":\"randint\",\"_value\":[0,486]}}"

/* Over several random orders of the networks. */
struct tally {
	int runs, top_stopped, stopped_good, good, most_good;
	double least_saved, saved, most_saved; /* shares; saved: summed */
};

static void tally_add(struct tally *tally, const struct outcome *o)
{
	double saved = 1 - (double)o->steps / o->steps_all;
	tally->least_saved = tally->runs ? fmin(tally->least_saved, saved) : saved;
	tally->most_saved = fmax(tally->most_saved, saved);
	tally->saved += saved;
	tally->top_stopped += o->top_stopped;
	tally->stopped_good += o->stopped_good;
	tally->most_good = o->stopped_good > tally->most_good ? o->stopped_good : tally->most_good;
	tally->good += o->good;
	tally->runs++;
}

static void tally_head(void)
{
	printf("| assessor | runs | steps saved, %% (range) | best stopped | good ones stopped, %% "
	       "(most in a run) |\n|---|---|---|---|---|\n");
}

static void tally_print(const char *name, const struct tally *t)
{
	printf("| %s | %d | %.1f (%.1f to %.1f) | %d of %d | %.2f (%d) |\n", name, t->runs,
		100 * t->saved / t->runs, 100 * t->least_saved, 100 * t->most_saved, t->top_stopped,
		t->runs, 100.0 * t->stopped_good / t->good, t->most_good);
	fflush(stdout);
}

/* The schedule drops the learning rate after epoch 30 and every curve jumps there, which no
 * extrapolation foresees and the experiment's own past does. */
static void real_curves(void **state)
{
	static const struct {
		const char *name, *options;
		const struct assessor *assessor;
		int seeds, trials;
	} rows[] = {
		{ "curve", "", &assessor_curve, 10, CURVES },
		{ "asha, rungs from 1", "max_resource=50", &assessor_asha, 10, CURVES },
		{ "asha, rungs from 30", "min_resource=30 max_resource=50", &assessor_asha, 10,
			CURVES },
		{ "medianstop", "start_step=5", &assessor_medianstop, 10, CURVES },
		{ "curvefitting", "epoch_num=50 start_step=6", &assessor_curvefitting, 1, 150 },
	};
	struct tally tallies[sizeof(rows) / sizeof(rows[0])] = { 0 };
	(void)state;
	if (!curves_read()) {
		print_message("%s is not here\n", CURVES_FILE);
		skip();
	}
	double finals[CURVES];
	for (size_t i = 0; i < CURVES; i++)
		finals[i] = curves[i][EPOCHS - 1];
	qsort(finals, CURVES, sizeof(double), descending);
	decile = finals[CURVES / 10];
	tally_head();
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct scenario scenario = { RESNETS, rows[r].assessor, rows[r].options, EPOCHS,
			real_curve, in_top_decile };
		for (int seed = 1; seed <= rows[r].seeds; seed++) {
			struct outcome o = simulate(&scenario, rows[r].trials, (uint64_t)seed);
			assert_true(rows[r].trials < CURVES || o.top_final == finals[0]);
			tally_add(&tallies[r], &o);
		}
		tally_print(rows[r].name, &tallies[r]);
	}
	assert_int_equal(tallies[0].top_stopped, 0);
	assert_true(tallies[0].stopped_good <= 0.02 * tallies[0].good);
	assert_true(tallies[0].saved >= 0.4 * tallies[0].runs);
	assert_int_equal(tallies[3].top_stopped, 0);
}

/* ---- simulated power laws ---- */

#define POWER_STEPS 50

static bool above_80(const struct job *job)
{
	return job->final > 0.8;
}

/* The eventual best is stopped in at most 2 % of the experiments, and 40 % of the steps are saved
 * over 1,000 curves, as one experiment and as ten. Slow ones cross quick ones. */
static void power_laws(void **state)
{
	static const struct {
		const char *name;
		int seeds, trials;
	} rows[] = { { "1 x 1,000", 1, 1000 }, { "10 x 100", 10, 100 }, { "50 x 40", 50, 40 } };
	static const struct scenario scenario = {
		.space = "{\"end\":{\"_type\":\"uniform\",\"_value\":[0.2,0.95]},"
			 "\"rate\":{\"_type\":\"loguniform\",\"_value\":[0.1,2]}}",
		.assessor = &assessor_curve,
		.options = "",
		.steps = POWER_STEPS,
		.curve = power_curve,
		.good = above_80,
	};
	(void)state;
	tally_head();
	for (size_t r = 0; r < 3; r++) {
		struct tally tally = { 0 };
		for (int seed = 1; seed <= rows[r].seeds; seed++) {
			struct outcome o = simulate(&scenario, rows[r].trials, (uint64_t)seed);
			tally_add(&tally, &o);
		}
		tally_print(rows[r].name, &tally);
		assert_true(tally.top_stopped <= 0.02 * tally.runs);
		assert_true(tally.saved >= 0.4 * tally.runs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_stop_s1),
		cmocka_unit_test(curve_fitting_s2),
		cmocka_unit_test(real_curves),
		cmocka_unit_test(power_laws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
