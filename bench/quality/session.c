#include "bench/quality/session.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "algorithms/assessors/assessor.h"
#include "algorithms/tuners/tuner.h"

#define METRIC	   "default"
#define LEASE_MS   60000
#define BODY_BYTES (1u << 20)

/* On the processor, shared by all threads, for as long as the program runs. */
static struct compute *compute;

static void open_compute(void)
{
	struct error err = { 0 };
	int code = compute_open("cpu", NULL, &compute, &err);

	assert(code == 0);
	(void)code;
}

static double thread_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Its version is the next; time in the view stands still, for tuners do not see it. */
static int append(struct session *session, struct event *event, struct error *err)
{
	event->version = session->view.counts.version + 1;
	event->at_ms = 1;
	return view_apply(&session->view, event, err);
}

static int create(struct session *session, const char *body, struct error *err)
{
	struct faults *faults = malloc(sizeof(*faults));
	const struct spec *spec;
	struct event event;

	if (!faults)
		return fail(err, CODE_NO_MEMORY, "no memory");
	faults_init(faults);
	int code = spec_parse(body, strlen(body), NULL, &session->catalog, 1, &session->scratch,
		&spec, faults, err);
	if (code == CODE_INVALID)
		(void)fail(err, CODE_INVALID, "%s: %s", faults->items[0].pointer,
			faults->items[0].message);
	free(faults);
	if (code != 0)
		return code;
	const struct tuner *tuner = tuner_of(spec->tuner);
	if (tuner->algorithm.caps & TUNER_MULTI_FIDELITY)
		return fail(err, CODE_INVALID,
			"%s trains trials step by step, these problems have one result each",
			tuner->algorithm.name);
	if (tuner->check) {
		struct path at = { NULL, "tuner", 0 };
		struct faults *found = malloc(sizeof(*found));
		if (!found)
			return fail(err, CODE_NO_MEMORY, "no memory");
		faults_init(found);
		tuner->check(spec, &at, found);
		if (found->n)
			code = fail(err, CODE_INVALID, "%s: %s", found->items[0].pointer,
				found->items[0].message);
		free(found);
		if (code != 0)
			return code;
	}
	event_init(&event, EVENT_CREATED, -1);
	event.spec = spec->json;
	return append(session, &event, err);
}

int session_init(struct session *session, const struct problem *problem,
	const struct contender *contender, uint64_t seed, size_t max_trials, unsigned concurrency,
	struct error *err)
{
	static pthread_once_t opened = PTHREAD_ONCE_INIT;

	pthread_once(&opened, open_compute);
	*session = (struct session){ .catalog = { tuner_algorithms, assessor_algorithms } };
	buffer_init(&session->model_bytes, LIMIT_MODEL);
	arena_init(&session->scratch, 0);
	buffer_init(&session->text, BODY_BYTES);
	view_init(&session->view, &session->catalog);
	char *body = arena_printf(&session->scratch,
		"{\"name\":\"quality\",\"search_space\":%s,\"objectives\":[{\"name\":\"" METRIC
		"\",\"goal\":\"minimize\"}],\"tuner\":{\"name\":\"%s\",\"options\":%s,\"seed\":%llu"
		"},\"limits\":{\"max_trials\":%zu,\"concurrency\":%u}}",
		problem->search_space, contender->tuner, contender->options,
		(unsigned long long)seed, max_trials, concurrency);
	int code = body ? create(session, body, err) : fail(err, CODE_NO_MEMORY, "no memory");
	if (code != 0)
		session_release(session);
	return code;
}

void session_release(struct session *session)
{
	view_release(&session->view);
	workspace_clear(&session->workspace);
	buffer_release(&session->model_bytes);
	arena_release(&session->scratch);
	buffer_release(&session->text);
}

static int start(struct session *session, const struct proposal *proposal, struct error *err)
{
	struct event event;

	buffer_clear(&session->text);
	space_write(session->view.spec->space, proposal->x, &session->text);
	event_init(&event, EVENT_SUGGESTED, (int64_t)session->view.n_trials);
	event.parameters = buffer_text(&session->text);
	event.x = proposal->x;
	event.tag = proposal->tag;
	event.parent = proposal->parent;
	event.base_version = session->view.counts.version;
	event.attempt = 1;
	event.worker = "quality";
	event.lease_ms = LEASE_MS;
	return append(session, &event, err);
}

int session_suggest(struct session *session, size_t *number, struct error *err)
{
	size_t n = session->view.spec->space->n;
	struct proposal proposal = {
		.parent = -1, .resource = (double)NAN, .acquisition = (double)NAN
	};

	arena_reset(&session->scratch);
	proposal.x = arena_array(&session->scratch, n, sizeof(*proposal.x));
	if (!proposal.x)
		return fail(err, CODE_NO_MEMORY, "no memory");
	for (size_t i = 0; i < n; i++)
		proposal.x[i] = (double)NAN;
	double before = thread_seconds();
	struct knowledge know = { .view = &session->view,
		.model = &session->model,
		.compute = compute,
		.workspace = &session->workspace };
	int code =
		tuner_learn(&session->view, compute, &session->model, &session->model_bytes, err);
	if (code == 0)
		code = tuner_ask(&know, &session->scratch, &proposal, err);
	session->ask_s += thread_seconds() - before;
	if (code != 0)
		return code;
	session->asks++;
	size_t next = session->view.n_trials;
	code = start(session, &proposal, err);
	if (code == 0)
		*number = next;
	return code;
}

int session_observe(struct session *session, size_t number, double value, struct error *err)
{
	struct metric metric = { METRIC, value, (double)NAN };
	struct event event;

	event_init(&event, EVENT_OBSERVED, (int64_t)number);
	event.attempt = session->view.trials[number].attempt;
	event.metrics = &metric;
	event.n_metrics = 1;
	return append(session, &event, err);
}
