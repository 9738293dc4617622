#include "bench/quality/run.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bench/quality/session.h"
#include "core/rng.h"

#define THREADS_MAX 256
#define SIGMA	    0.5 /* of ln(duration) */
/* Streams of a run that the tuner has no part in: number = trial * STREAMS + stream. */
enum stream { STREAM_NOISE, STREAM_DURATION, STREAMS };

/* A worker that has a trial; the clock is virtual. */
struct worker {
	bool busy;
	size_t trial;
	double until;
};

struct simulation {
	struct run *run;
	struct session session;
	double now;
	size_t started, ended;
	bool exhausted;
	struct worker workers[RUN_WORKERS_MAX];
};

static double draw_duration(const struct run *run, size_t trial)
{
	struct rng rng;

	if (run->workers == 1)
		return 1;
	rng_init(&rng, run->seed, RNG_TEST, trial * STREAMS + STREAM_DURATION);
	return exp(SIGMA * rng_normal(&rng));
}

/* The one that ends first, the lowest numbered of equals; NULL if none is busy. */
static struct worker *next_end(struct simulation *sim)
{
	struct worker *first = NULL;

	for (unsigned i = 0; i < sim->run->workers; i++) {
		struct worker *worker = &sim->workers[i];
		if (worker->busy && (!first || worker->until < first->until))
			first = worker;
	}
	return first;
}

/* Every free worker asks, until the tuner has nothing to say. */
static int fill(struct simulation *sim)
{
	struct run *run = sim->run;

	for (unsigned i = 0; i < run->workers; i++) {
		struct worker *worker = &sim->workers[i];
		if (worker->busy || sim->started == run->budget || sim->exhausted)
			continue;
		int code = session_suggest(&sim->session, &worker->trial, &run->err);
		if (code == CODE_WAIT)
			return 0;
		if (code == CODE_EXHAUSTED) {
			sim->exhausted = true;
			return 0;
		}
		if (code != 0)
			return code;
		sim->started++;
		worker->busy = true;
		worker->until = sim->now + draw_duration(run, worker->trial);
	}
	return 0;
}

static int finish(struct simulation *sim, struct worker *worker)
{
	struct run *run = sim->run;
	const double *x = sim->session.view.trials[worker->trial].x;
	double value = run->problem->value(run->problem, x), told = value;

	if (run->problem->reported) {
		struct rng noise;
		rng_init(&noise, run->seed, RNG_TEST, worker->trial * STREAMS + STREAM_NOISE);
		told = run->problem->reported(run->problem, x, &noise);
	}
	size_t i = sim->ended++;
	run->best[i] = i == 0 ? value : fmin(value, run->best[i - 1]);
	sim->now = worker->until;
	worker->busy = false;
	return session_observe(&sim->session, worker->trial, told, &run->err);
}

static int simulate(struct simulation *sim)
{
	struct worker *worker;

	for (;;) {
		int code = fill(sim);
		if (code != 0)
			return code;
		worker = next_end(sim);
		if (!worker)
			break;
		code = finish(sim, worker);
		if (code != 0)
			return code;
	}
	if (sim->ended == 0)
		return fail(&sim->run->err, CODE_EXHAUSTED, "the tuner proposed nothing");
	return 0;
}

void run_execute(struct run *run)
{
	struct simulation sim = { .run = run };

	assert(run->workers >= 1 && run->workers <= RUN_WORKERS_MAX && run->budget > 0);
	run->code = session_init(&sim.session, run->problem, run->contender, run->seed, run->budget,
		run->workers, &run->err);
	if (run->code != 0)
		return;
	run->code = simulate(&sim);
	run->n_trials = sim.ended;
	run->ask_s = sim.session.ask_s;
	for (size_t i = sim.ended; i < run->budget && sim.ended > 0; i++)
		run->best[i] = run->best[sim.ended - 1];
	session_release(&sim.session);
}

struct queue {
	struct run *runs;
	size_t n;
	atomic_size_t next, done;
	void (*progress)(size_t done, size_t n);
};

static void take_all(struct queue *queue, bool report)
{
	size_t i;

	while ((i = atomic_fetch_add(&queue->next, 1)) < queue->n) {
		run_execute(&queue->runs[i]);
		size_t done = atomic_fetch_add(&queue->done, 1) + 1;
		if (report && queue->progress)
			queue->progress(done, queue->n);
	}
}

static void *helper(void *argument)
{
	take_all(argument, false);
	return NULL;
}

void run_execute_all(
	struct run *runs, size_t n, unsigned threads, void (*progress)(size_t done, size_t n))
{
	struct queue queue = { .runs = runs, .n = n, .progress = progress };
	pthread_t helpers[THREADS_MAX];
	unsigned started = 0;

	/* This thread works too, and alone if no other can be had. */
	while (started + 1 < threads && started < THREADS_MAX &&
		pthread_create(&helpers[started], NULL, helper, &queue) == 0)
		started++;
	take_all(&queue, true);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(helpers[i], NULL);
}
