/*
 * Fits: the slow part of what tuners learn, on threads of their own. A fit is a pure function of a
 * view at one version, so where and when it runs changes nothing but when its model is there. The
 * runner of a mailbox gathers what the fit needs, which is cheap, and queues the rest. One replica
 * fits at a time (lock "fit:{experiment}"); the model goes into the store, where the others find
 * it, and into the mailbox if that is still there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"

#define FIT_LOCK_MS 10000 /* a fit that lasts is renewed after a third of it */
#define LOOK_MS	    500	  /* between looks at what another replica is fitting */

struct fit_job {
	struct fit_job *next;
	char id[ID_SIZE];
	const struct learner *learner;
	const void *gathered; /* in arena */
	struct arena arena;
	uint64_t seed, version, digest;
	uint64_t known; /* version of the model the mailbox has; 0: none */
	size_t n_results;

	/* guarded by engine.lock, for fit_renew */
	struct lease lease;
	int64_t renewed_ms;
};

/* How a job ended. */
struct outcome {
	struct fitted *fitted; /* NULL: no model */
	bool failed;	       /* not before the next boundary */
	bool later;	       /* the same again soon */
};

/* ---- the fit itself ---- */

static int fit_gathered(const struct learner *learner, const void *gathered, uint64_t seed,
	uint64_t version, struct compute *compute, struct buffer *out, struct error *err)
{
	struct rng rng;

	rng_init(&rng, seed, RNG_FIT, version);
	int rc = learner->fit(gathered, compute, &rng, out, err);
	if (!rc && out->failed)
		rc = fail(err, CODE_TOO_LARGE, "the model is over %d bytes", LIMIT_MODEL);
	return rc;
}

int fit_now(const struct view *view, struct compute *compute, struct buffer *out, struct error *err)
{
	const struct learner *learner = tuner_of(view->spec->tuner)->learner;
	const void *gathered;
	struct arena arena;

	if (!learner)
		return fail(err, CODE_CONFLICT, "the tuner fits no models");
	arena_init(&arena, 0);
	int rc = learner->gather(view, &arena, &gathered, err);
	if (!rc)
		rc = fit_gathered(learner, gathered, view->spec->seed, view->counts.version,
			compute, out, err);
	arena_release(&arena);
	return rc;
}

/* ---- a job, on its compute thread ---- */

static void job_free(struct fit_job *job)
{
	if (!job)
		return;
	arena_release(&job->arena);
	free(job);
}

static void complain(struct engine *engine, const char *id, const struct error *error)
{
	char text[ERROR_MESSAGE_MAX + 64];

	if (!engine->config.complain)
		return;
	snprintf(text, sizeof(text), "fit of %s: %s", id, error->message);
	engine->config.complain(engine->config.complain_context, text);
}

/* The model that another replica has fitted since, or that was there before this process. */
static int look(struct engine *engine, struct session *session, const struct fit_job *job,
	struct outcome *out, struct error *err)
{
	struct model_row row;
	struct arena arena;

	arena_init(&arena, 0);
	int rc = store_model_get(session, job->id, job->known, &arena, &row, err);
	if (!rc && row.spec_digest == job->digest) {
		out->fitted = fitted_new(row.version, row.n_results, row.spec_digest, row.body);
		if (out->fitted)
			engine->models_shared++;
	}
	arena_release(&arena);
	return rc == CODE_NOT_FOUND ? 0 : rc;
}

static int keep(struct engine *engine, struct session *session, const struct fit_job *job,
	struct bytes body, struct error *err)
{
	const struct model_row row = {
		.version = job->version,
		.n_results = job->n_results,
		.spec_digest = job->digest,
		.fingerprint = compute_fingerprint(engine->compute),
		.body = body,
		.created_ms = engine_now_ms(engine),
	};
	return store_model_put(session, job->id, &row, err);
}

static void fit(struct engine *engine, struct session *session, const struct fit_job *job,
	struct outcome *out)
{
	struct buffer body;
	struct error error = { 0 };
	int64_t started = mono_us();

	buffer_init(&body, LIMIT_MODEL);
	int rc = fit_gathered(job->learner, job->gathered, job->seed, job->version, engine->compute,
		&body, &error);
	if (!rc) {
		out->fitted = fitted_new(job->version, job->n_results, job->digest,
			(struct bytes){ body.data, body.size });
		if (!out->fitted)
			rc = fail(&error, CODE_NO_MEMORY, "no memory for the model");
	}
	engine->fit_us += (uint64_t)(mono_us() - started);
	engine->fits++;
	engine->fit_failures += rc != 0;
	out->failed = rc != 0;
	/* A model that could not be stored serves here all the same. */
	if (!rc)
		rc = keep(engine, session, job, (struct bytes){ body.data, body.size }, &error);
	if (rc && rc != CODE_NOT_FOUND)
		complain(engine, job->id, &error);
	buffer_release(&body);
}

static void lease_note(struct engine *engine, struct fit_job *job, const struct lease *lease)
{
	pthread_mutex_lock(&engine->lock);
	job->lease = *lease;
	job->renewed_ms = mono_ms();
	pthread_mutex_unlock(&engine->lock);
}

static void job_run(
	struct engine *engine, struct session *session, struct fit_job *job, struct outcome *out)
{
	struct lease_service *leases = engine->config.leases;
	struct lease lease = { 0 };
	struct error error = { 0 };
	char name[LEASE_NAME_MAX];

	snprintf(name, sizeof(name), "fit:%s", job->id);
	bool mine = !leases->ops->acquire(leases, name, FIT_LOCK_MS, &lease, NULL);
	if (mine)
		lease_note(engine, job, &lease);
	/* Looked at under the lock: what the last holder has stored is there. */
	int rc = look(engine, session, job, out, &error);
	if (rc) {
		out->later = true;
		complain(engine, job->id, &error);
	} else if (!out->fitted && mine) {
		fit(engine, session, job, out);
	} else if (!out->fitted) {
		out->later = true;
		engine->fits_held++;
	}
	if (!mine)
		return;
	lease_note(engine, job, &(struct lease){ 0 });
	leases->ops->release(leases, &lease);
}

/* Into the mailbox, if it is there; it is run, so that the model is taken over and the next
 * proposal computed with it before it is asked for. */
static void job_end(struct engine *engine, struct session *session, const struct fit_job *job,
	struct outcome *outcome)
{
	struct fitted *left = outcome->fitted;
	bool run = false;

	pthread_mutex_lock(&engine->lock);
	struct mailbox *mailbox = mailbox_find(engine, job->id);
	if (mailbox && mailbox->fit == job) {
		mailbox->fit = NULL;
		if (outcome->failed)
			mailbox->failed_at = job->n_results;
		if (outcome->later)
			mailbox->look_ms = mono_ms() + LOOK_MS;
	}
	if (mailbox && outcome->fitted) {
		left = mailbox->fitted;
		mailbox->fitted = outcome->fitted;
		run = mailbox->loaded && !mailbox->running && !engine->draining;
		if (run)
			mailbox->running = true;
	}
	pthread_mutex_unlock(&engine->lock);
	free(left);
	if (run)
		mailbox_run(engine, session, mailbox);
}

/* ---- the threads ---- */

static struct fit_job *job_wait(struct engine *engine, size_t thread)
{
	struct compute_pool *pool = &engine->pool;
	struct fit_job *job = NULL;

	pthread_mutex_lock(&engine->lock);
	pool->active[thread] = NULL;
	while (!pool->closing && !pool->head) {
		pool->n_idle++;
		pthread_cond_wait(&pool->work, &engine->lock);
		pool->n_idle--;
	}
	if (!pool->closing) {
		job = pool->head;
		pool->head = job->next;
		if (!pool->head)
			pool->tail = &pool->head;
		pool->active[thread] = job;
	}
	pthread_mutex_unlock(&engine->lock);
	return job;
}

static void job_gone(struct engine *engine, size_t thread, struct fit_job *job)
{
	pthread_mutex_lock(&engine->lock);
	engine->pool.active[thread] = NULL;
	pthread_mutex_unlock(&engine->lock);
	job_free(job);
}

struct compute_thread {
	struct engine *engine;
	size_t number;
};

static void *compute_loop(void *context)
{
	struct compute_thread self = *(struct compute_thread *)context;
	struct session *session = NULL;
	struct fit_job *job;

	free(context);
	while ((job = job_wait(self.engine, self.number))) {
		struct outcome outcome = { 0 };
		struct error error;
		if (!session && session_open(self.engine->config.store, &session, &error)) {
			session = NULL;
			outcome.later = true;
			complain(self.engine, job->id, &error);
		} else {
			job_run(self.engine, session, job, &outcome);
		}
		job_end(self.engine, session, job, &outcome);
		job_gone(self.engine, self.number, job);
	}
	session_close(session);
	return NULL;
}

/* One more, when all are busy. Threads start with the first fits: most engines have none. False:
 * there is none at all. engine.lock is held. */
static bool thread_start(struct engine *engine)
{
	struct compute_pool *pool = &engine->pool;
	struct compute_thread *self;

	if (pool->n_idle > 0 || pool->n_threads == pool->n_max)
		return true;
	self = malloc(sizeof(*self));
	if (!self)
		return pool->n_threads > 0;
	*self = (struct compute_thread){ engine, pool->n_threads };
	if (pthread_create(&pool->threads[pool->n_threads], NULL, compute_loop, self)) {
		free(self);
		return pool->n_threads > 0;
	}
	pool->n_threads++;
	return true;
}

/* ---- queueing ---- */

static struct fit_job *job_new(const struct mailbox *mailbox, struct error *err)
{
	const struct view *view = &mailbox->view;
	const struct learnt *learnt = mailbox->learnt;
	struct fit_job *job = calloc(1, sizeof(*job));

	if (!job) {
		fail(err, CODE_NO_MEMORY, "no memory for a fit");
		return NULL;
	}
	memcpy(job->id, mailbox->id, sizeof(job->id));
	job->learner = tuner_of(view->spec->tuner)->learner;
	job->seed = view->spec->seed;
	job->version = view->counts.version;
	job->digest = learnt->digest;
	job->known = learnt->model.version;
	job->n_results = view->n_finished;
	arena_init(&job->arena, 0);
	if (job->learner->gather(view, &job->arena, &job->gathered, err)) {
		job_free(job);
		return NULL;
	}
	return job;
}

static bool job_queue(struct engine *engine, struct mailbox *mailbox, struct fit_job *job)
{
	struct compute_pool *pool = &engine->pool;

	pthread_mutex_lock(&engine->lock);
	bool queued = !engine->draining && !pool->closing && thread_start(engine);
	if (queued) {
		*pool->tail = job;
		pool->tail = &job->next;
		mailbox->fit = job;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&engine->lock);
	return queued;
}

/* Results in the last fit that was tried; SIZE_MAX: leave it for now. */
static size_t tried_at(
	struct engine *engine, const struct mailbox *mailbox, const struct learnt *learnt)
{
	size_t n = learnt->fitted ? learnt->model.n_results : 0;

	pthread_mutex_lock(&engine->lock);
	if (mailbox->failed_at > n)
		n = mailbox->failed_at;
	if (mailbox->fit || mailbox->fitted || engine->draining || mono_ms() < mailbox->look_ms)
		n = SIZE_MAX;
	pthread_mutex_unlock(&engine->lock);
	return n;
}

void fit_consider(struct engine *engine, struct mailbox *mailbox)
{
	const struct view *view = &mailbox->view;
	struct error error;

	if (!mailbox->loaded || view->stale || view->counts.status != STATUS_RUNNING)
		return;
	const struct learner *learner = tuner_of(view->spec->tuner)->learner;
	const struct learnt *learnt = learner ? learnt_current(engine, mailbox) : NULL;
	size_t tried = learnt ? tried_at(engine, mailbox, learnt) : SIZE_MAX;
	if (tried == SIZE_MAX || !learner->due(view, tried))
		return;
	struct fit_job *job = job_new(mailbox, &error);
	if (!job) {
		pthread_mutex_lock(&engine->lock);
		mailbox->failed_at = view->n_finished;
		pthread_mutex_unlock(&engine->lock);
		engine->fits++;
		engine->fit_failures++;
		complain(engine, mailbox->id, &error);
		return;
	}
	if (!job_queue(engine, mailbox, job))
		job_free(job);
}

/* ---- for the engine ---- */

void fit_renew(struct engine *engine)
{
	struct lease_service *leases = engine->config.leases;

	for (size_t i = 0; i < COMPUTE_THREADS_MAX; i++) {
		struct lease lease = { 0 };
		pthread_mutex_lock(&engine->lock);
		struct fit_job *job = engine->pool.active[i];
		if (job && job->lease.held && mono_ms() - job->renewed_ms > FIT_LOCK_MS / 3) {
			job->renewed_ms = mono_ms();
			lease = job->lease;
		}
		pthread_mutex_unlock(&engine->lock);
		/* If the fit ends meanwhile its lock is gone, and this finds nothing to renew. */
		if (lease.held)
			leases->ops->renew(leases, &lease, FIT_LOCK_MS, NULL);
	}
}

void fit_open(struct engine *engine)
{
	struct compute_pool *pool = &engine->pool;
	size_t n = engine->config.compute_threads;

	pool->tail = &pool->head;
	pool->n_max = n == 0			? COMPUTE_THREADS_DEFAULT
		      : n > COMPUTE_THREADS_MAX ? COMPUTE_THREADS_MAX
						: n;
	pthread_cond_init(&pool->work, NULL);
}

void fit_drain(struct engine *engine)
{
	struct fit_job *job = engine->pool.head;

	engine->pool.head = NULL;
	engine->pool.tail = &engine->pool.head;
	while (job) {
		struct fit_job *next = job->next;
		struct mailbox *mailbox = mailbox_find(engine, job->id);
		if (mailbox && mailbox->fit == job)
			mailbox->fit = NULL;
		job_free(job);
		job = next;
	}
}

void fit_close(struct engine *engine)
{
	struct compute_pool *pool = &engine->pool;

	pthread_mutex_lock(&engine->lock);
	pool->closing = true;
	fit_drain(engine);
	pthread_cond_broadcast(&pool->work);
	size_t n = pool->n_threads;
	pthread_mutex_unlock(&engine->lock);
	for (size_t i = 0; i < n; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->work);
}
