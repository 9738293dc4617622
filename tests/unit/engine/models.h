/* What the tests of models and of proposals computed ahead have in common. */
#ifndef TESTS_ENGINE_MODELS_H
#define TESTS_ENGINE_MODELS_H

#include "engine/internal.h"
#include "tests/unit/engine/support.h"

#include <pthread.h>
#include <sched.h>

static char heard[ERROR_MESSAGE_MAX];

static inline void hear(void *context, const char *message)
{
	(void)context;
	snprintf(heard, sizeof(heard), "%s", message);
}

static inline struct engine_config models_config(
	struct fixture *f, size_t threads, size_t cache_bytes)
{
	struct engine_config config = fixture_config(f);

	config.compute_threads = threads;
	config.cache_bytes = cache_bytes;
	config.complain = hear;
	return config;
}

static inline struct engine *open_engine(struct fixture *f, size_t threads, size_t cache_bytes)
{
	struct engine_config config = models_config(f, threads, cache_bytes);
	return fixture_open(&config);
}

static inline void reopen(struct fixture *f, size_t threads, size_t cache_bytes)
{
	struct engine_config config = models_config(f, threads, cache_bytes);
	fixture_reopen(f, &config);
}

/* Until no fit is under way and what it brought is taken over. */
static inline void settle_fits(struct engine *engine, const char *id)
{
	for (bool busy = true; busy; sched_yield()) {
		pthread_mutex_lock(&engine->lock);
		const struct mailbox *m = mailbox_find(engine, id);
		busy = m && (m->fit || m->running || (m->fitted && m->loaded));
		pthread_mutex_unlock(&engine->lock);
	}
}

/* Until the mailbox's fit has ended, whatever became of it. */
static inline void fit_over(struct engine *engine, const char *id)
{
	for (bool busy = true; busy; sched_yield()) {
		pthread_mutex_lock(&engine->lock);
		const struct mailbox *m = mailbox_find(engine, id);
		busy = m && m->fit;
		pthread_mutex_unlock(&engine->lock);
	}
}

static inline struct engine_stats stats_of(struct engine *engine)
{
	struct engine_stats stats;
	engine_stats(engine, &stats);
	return stats;
}

static inline struct trial next_trial(struct fixture *f)
{
	struct waiting w;
	suggest(f, &w, 1, 0);
	assert_int_equal(w.op.code, 0);
	assert_int_equal(w.n, 1);
	return w.trials[0];
}

static inline void run_trials(struct fixture *f, int n)
{
	for (int i = 0; i < n; i++) {
		struct trial trial = next_trial(f);
		finish(f, trial.number, 0.1 * (double)trial.number);
	}
}

static inline struct asked how(const struct trial *trial)
{
	struct asked asked;
	asked_read(trial->meta, &asked);
	return asked;
}

static inline void assert_replays(struct fixture *f, int64_t n)
{
	for (int64_t number = 0; number < n; number++) {
		const char *recorded, *recomputed;
		bool equal = false;
		struct error err = { 0 };
		int rc = engine_replay(f->engine, f->session, "default", f->id, number, &f->arena,
			&recorded, &recomputed, &equal, &err);
		if (rc)
			fail_msg("replay of %lld: %s", (long long)number, err.message);
		assert_string_equal(recorded, recomputed);
		assert_true(equal);
	}
}

#endif
