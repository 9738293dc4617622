/*
 * A catalogue with one tuner whose fits and asks the test holds in its hand. It takes the place of
 * algorithms/tuners/tuner.c in the programs that include this: the linker finds the names here.
 */
#ifndef TESTS_ENGINE_SLOW_H
#define TESTS_ENGINE_SLOW_H

#include "tests/unit/engine/models.h"

#include <time.h>

#define SLOW_EVERY 4 /* results from one fit to the next */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool closed;	     /* fits wait until the gate is open */
	bool broken, huge;   /* fits fail; models are too large */
	int begun, ended;    /* fits */
	pthread_t requester; /* the thread that submits operations */
	int on_requester;    /* fits there: replays alone do that */
	_Atomic long ask_ns; /* what an ask takes */
	_Atomic int workspaces, asks;
} slow = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static inline void slow_reset(void)
{
	slow.closed = slow.broken = slow.huge = false;
	slow.begun = slow.ended = slow.on_requester = 0;
	slow.ask_ns = 0;
	slow.asks = 0;
	slow.requester = pthread_self();
}

static inline void slow_gate(bool open)
{
	pthread_mutex_lock(&slow.lock);
	slow.closed = !open;
	pthread_cond_broadcast(&slow.moved);
	pthread_mutex_unlock(&slow.lock);
}

/* Waits until that many fits have begun. */
static inline void slow_begun(int n)
{
	pthread_mutex_lock(&slow.lock);
	while (slow.begun < n)
		pthread_cond_wait(&slow.moved, &slow.lock);
	pthread_mutex_unlock(&slow.lock);
}

struct slow_facts {
	uint64_t version;
	double sum;
};

static bool slow_due(const struct view *view, size_t fitted)
{
	return view->n_finished >= fitted + SLOW_EVERY;
}

/* (fail): cmocka has a macro of that name. */
static int slow_gather(
	const struct view *view, struct arena *arena, const void **out, struct error *err)
{
	struct slow_facts *facts = arena_alloc(arena, sizeof(*facts));
	if (!facts)
		return (fail)(err, CODE_NO_MEMORY, "no memory");
	facts->version = view->counts.version;
	for (size_t i = 0; i < view->n_finished; i++)
		facts->sum += view->trials[view->finished[i]].loss * (double)(i + 1);
	*out = facts;
	return 0;
}

static int slow_fit(const void *gathered, struct compute *compute, struct rng *rng,
	struct buffer *out, struct error *err)
{
	const struct slow_facts *facts = gathered;
	double model[2] = { facts->sum, rng_uniform(rng) };

	assert_non_null(compute);
	pthread_mutex_lock(&slow.lock);
	slow.on_requester += pthread_equal(pthread_self(), slow.requester) != 0;
	slow.begun++;
	pthread_cond_broadcast(&slow.moved);
	while (slow.closed)
		pthread_cond_wait(&slow.moved, &slow.lock);
	bool broken = slow.broken, huge = slow.huge;
	slow.ended++;
	pthread_mutex_unlock(&slow.lock);
	if (broken)
		return (fail)(err, CODE_INVALID, "not positive definite");
	buffer_add(out, model, sizeof(model));
	for (int i = 0; huge && i <= LIMIT_MODEL / 1024; i++)
		buffer_add(out, (char[1024]){ 0 }, 1024);
	return 0;
}

struct slow_memo {
	size_t n_results;
	double sum;
};

static void slow_memo_free(void *state)
{
	free(state);
	slow.workspaces--;
}

/* The memo goes on from where it stands, as a factor that is extended does: were it kept over a
 * rollback, the sum would be wrong. */
static double slow_sum(const struct view *view, struct workspace *workspace)
{
	struct slow_memo fresh = { 0 };
	struct slow_memo *memo = &fresh;

	if (workspace) {
		if (!workspace->state) {
			workspace->state = calloc(1, sizeof(*memo));
			workspace->free = slow_memo_free;
			workspace->bytes = sizeof(*memo);
			slow.workspaces++;
		}
		memo = workspace->state;
	}
	for (; memo->n_results < view->n_finished; memo->n_results++)
		memo->sum += view->trials[view->finished[memo->n_results]].loss *
			     (double)(memo->n_results + 1);
	return memo->sum;
}

static int slow_ask(const struct knowledge *know, struct rng *rng, struct arena *arena,
	struct proposal *out, struct error *err)
{
	const struct view *view = know->view;
	double model[2] = { 0 };
	struct timespec work = { .tv_nsec = slow.ask_ns };

	(void)err;
	assert_non_null(know->compute);
	if (know->model) {
		assert_int_equal(know->model->bytes.size, sizeof(model));
		assert_true(know->model->version <= view->counts.version);
		assert_true(know->model->n_results <= view->n_finished);
		memcpy(model, know->model->bytes.data, sizeof(model));
	}
	if (work.tv_nsec)
		nanosleep(&work, NULL);
	slow.asks++;
	double u = rng_uniform(rng) + model[0] + model[1] + 0.37 * slow_sum(view, know->workspace);
	for (size_t i = 0; i < view->n_trials; i++) /* pending ones count */
		u += 0.011 * (double)view->trials[i].state;
	out->x[0] = u - (double)(long)u;
	out->arm = know->model ? "model" : "startup";
	out->tag.data = arena_copy(arena, &u, sizeof(u));
	out->tag.size = sizeof(u);
	return out->tag.data ? 0 : CODE_NO_MEMORY;
}

static const struct learner slow_learner = {
	.due = slow_due, .gather = slow_gather, .fit = slow_fit
};

static const struct option slow_options[] = {
	{ "shift", OPTION_REAL, 0, 1, NULL, "0", "a number", NULL }, { NULL }
};

static const struct tuner tuner_slow = {
	.algorithm = { .name = "slow",
		.summary = "for tests",
		.caps = TUNER_CONTINUOUS,
		.options = slow_options },
	.learner = &slow_learner,
	.ask = slow_ask,
};

const struct algorithm *const tuner_algorithms[] = { &tuner_slow.algorithm, &tuner_random.algorithm,
	&tuner_sobol.algorithm, NULL };

const struct tuner *tuner_of(const struct algorithm *algorithm)
{
	return (const struct tuner *)algorithm;
}

/* ---- engines with it ---- */

#define SLOW_SPEC                                                                                  \
	"{\"name\":\"fit\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"     \
	"\"objectives\":[{\"name\":\"default\",\"goal\":\"minimize\"}],"                           \
	"\"tuner\":{\"name\":\"slow\",\"seed\":5}}"

static inline int slow_setup(void **state)
{
	slow_reset();
	heard[0] = '\0';
	if (fixture_setup(state))
		return -1;
	reopen(*state, 0, 0);
	create(*state, SLOW_SPEC);
	return 0;
}

static inline int slow_teardown(void **state)
{
	slow_gate(true);
	fixture_teardown(state);
	assert_int_equal(slow.workspaces, 0);
	return 0;
}

#endif
