/**
 * @file cairn.h
 * libcairn: a client of a Cairn server in C.
 *
 * A worker:
 * @code
 *	struct cairn *cairn;
 *	struct cairn_trial *trial;
 *	struct cairn_error error;
 *
 *	if (cairn_open(NULL, &cairn, &error))
 *		return error.code;
 *	while (cairn_suggest(cairn, "exp_...", NULL, &trial, &error) == CAIRN_OK) {
 *		double lr = cairn_trial_real(trial, "lr", 0.01);
 *		for (int epoch = 0; epoch < 10 && !cairn_trial_stopped(trial); epoch++)
 *			cairn_report(trial, epoch, train(lr), &error);
 *		if (!cairn_trial_stopped(trial))
 *			cairn_final(trial, evaluate(), &error);
 *		cairn_trial_free(trial);
 *	}
 *	cairn_close(cairn);
 * @endcode
 *
 * Every call that reaches the server is tried again with back-off when the server cannot be reached
 * or asks to come back (429, 503: a Retry-After of up to five minutes is honoured), safely:
 *suggests and creations carry an Idempotency-Key, observations are idempotent by themselves. While
 *a trial is held its lease is kept by a thread of the library, which takes no signals.
 *
 * Threads: one struct cairn may be used by several threads at once; one struct cairn_trial by one.
 *A thread is not cancelled (pthread_cancel) within a call. After fork() the child may only free and
 * close what it inherited; to speak with the server it opens a client of its own. Programs started
 * with exec inherit no connection.
 * Strings are UTF-8. Functions that return int return an enum cairn_code. error may be NULL.
 */
#ifndef CAIRN_H
#define CAIRN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAIRN_VERSION_MAJOR 0
#define CAIRN_VERSION_MINOR 1

#if defined(__GNUC__)
#define CAIRN_API __attribute__((visibility("default")))
#else
#define CAIRN_API
#endif

enum cairn_code {
	CAIRN_OK = 0,
	CAIRN_STOP,    /**< the server wants work on this trial to end; a result is not expected */
	CAIRN_DONE,    /**< there is nothing more to try */
	CAIRN_AGAIN,   /**< nothing now; only with a zero patience */
	CAIRN_REFUSED, /**< the server refuses the request: error.status and detail say why */
	CAIRN_UNREACHABLE, /**< the server did not answer, however often it was tried */
	CAIRN_NO_MEMORY,
	CAIRN_BAD_ARGUMENT
};

/** What went wrong, for people. Filled whenever a call returns something else than OK, STOP or
 * DONE. */
struct cairn_error {
	enum cairn_code code;
	int status;	   /**< HTTP status, 0 when there was no answer */
	char detail[2048]; /**< one sentence, or several lines when a body had several faults */
};

/** All members may be zero or NULL: then the environment variable, then the default. */
struct cairn_options {
	const char *url;    /**< CAIRN_URL, http://127.0.0.1:8080 */
	const char *token;  /**< CAIRN_TOKEN, none */
	const char *worker; /**< CAIRN_WORKER, "host:pid" */
	int tries;	    /**< CAIRN_TRIES, 8 attempts at one request */
	int timeout_ms; /**< of one attempt, beyond the time the server is asked to wait; 60000 */
};

struct cairn;
struct cairn_trial;

/** @param options may be NULL. */
CAIRN_API int cairn_open(
	const struct cairn_options *options, struct cairn **out, struct cairn_error *error);

/** All its trials must have been freed. NULL: nothing happens. */
CAIRN_API void cairn_close(struct cairn *cairn);

/**
 * Any request. body may be NULL; it is JSON (for /v1/experiments/import NDJSON). *answer is the
 * body (256 MiB at most), NUL-terminated, to be freed with free().
 */
CAIRN_API int cairn_request(struct cairn *cairn, const char *method, const char *path,
	const char *body, char **answer, struct cairn_error *error);

/** A request with what cairn_request does not say. */
struct cairn_call {
	const char *method, *path;
	const char *body;     /**< NULL: none */
	const char *accept;   /**< media type of the answer; NULL: JSON. Lists also come as text/csv
				 and   application/x-ndjson */
	const char *if_match; /**< an ETag, quotes included: 412 when it is another by now */
};

/** The same as cairn_request. *size (may be NULL): bytes of the answer, which may hold NULs. */
CAIRN_API int cairn_exchange(struct cairn *cairn, const struct cairn_call *call, char **answer,
	size_t *size, struct cairn_error *error);

/** Creates an experiment from its JSON. id: at least 32 bytes. */
CAIRN_API int cairn_create(
	struct cairn *cairn, const char *json, char *id, size_t id_size, struct cairn_error *error);

struct cairn_suggest_options {
	/** how long the trial may be silent, 1000 at least; 60000. The library keeps the lease. */
	int64_t lease_ms;
	int64_t patience_ms; /**< how long to go on asking while there is nothing; 0: for ever, -1:
				not at all */
	bool resume;	     /**< this worker's running trials come first */
};

/**
 * Takes a trial, waiting while there is nothing now.
 * @return CAIRN_OK, CAIRN_DONE, CAIRN_AGAIN (patience is over), or a failure.
 */
CAIRN_API int cairn_suggest(struct cairn *cairn, const char *experiment,
	const struct cairn_suggest_options *options, struct cairn_trial **out,
	struct cairn_error *error);

/** Ends the heartbeats and frees. A trial that still runs, without a result, is given back to the
 * server first. NULL: nothing happens. */
CAIRN_API void cairn_trial_free(struct cairn_trial *trial);

CAIRN_API int64_t cairn_trial_number(const struct cairn_trial *trial);
CAIRN_API int64_t cairn_trial_attempt(const struct cairn_trial *trial);

/** With a multi-fidelity tuner: the step up to which to train, in total; steps are reported from 1
 * on. 0: the tuner does not say. Reporting that step (or a final value) pauses the trial:
 * CAIRN_STOP, and the trial may be handed out again later, with more. */
CAIRN_API int64_t cairn_trial_resource(const struct cairn_trial *trial);

/** The steps that an earlier attempt has done, or the trial that this one was forked from
 * (population based training); 0: none, train from the beginning. */
CAIRN_API int64_t cairn_trial_start(const struct cairn_trial *trial);

/** The trial that did them: this one's number or that of the one it was forked from; -1: none. */
CAIRN_API int64_t cairn_trial_source(const struct cairn_trial *trial);

/** The checkpoint that was reported then, valid as long as the trial; NULL: none. */
CAIRN_API const char *cairn_trial_checkpoint(const struct cairn_trial *trial);

/** All parameters as JSON, valid as long as the trial. */
CAIRN_API const char *cairn_trial_parameters(const struct cairn_trial *trial);

/** A parameter by its dotted address; fallback when it is absent or of another type. "op.rate" is
 * the parameter rate of the chosen option of op, "op" the name of that option. */
CAIRN_API double cairn_trial_real(
	const struct cairn_trial *trial, const char *address, double fallback);
CAIRN_API int64_t cairn_trial_int(
	const struct cairn_trial *trial, const char *address, int64_t fallback);
CAIRN_API bool cairn_trial_bool(
	const struct cairn_trial *trial, const char *address, bool fallback);
CAIRN_API const char *cairn_trial_text(
	const struct cairn_trial *trial, const char *address, const char *fallback);

/** Has the server asked, in answer to a report or heartbeat, for the end of this trial? */
CAIRN_API bool cairn_trial_stopped(const struct cairn_trial *trial);

/** An intermediate value of the (first) objective. @return CAIRN_OK, CAIRN_STOP or a failure. */
CAIRN_API int cairn_report(
	struct cairn_trial *trial, int64_t step, double value, struct cairn_error *error);

/** The final value. NaN and infinities are values too. */
CAIRN_API int cairn_final(struct cairn_trial *trial, double value, struct cairn_error *error);

struct cairn_value {
	const char *name; /**< metric */
	double value;
};

/** Several metrics at once: objectives, constraints, whatever is worth keeping. step < 0: final. A
 * final needs all objectives. */
CAIRN_API int cairn_observe(struct cairn_trial *trial, int64_t step,
	const struct cairn_value *values, size_t n, struct cairn_error *error);

/**
 * An observation as the HTTP API has it, without "trial" and "attempt": for what the calls above do
 * not say (checkpoint, attributes, stderr). An intermediate one should name its step, or what was
 * sent twice after a lost answer counts twice.
 */
CAIRN_API int cairn_send(struct cairn_trial *trial, const char *json, struct cairn_error *error);

/**
 * Appends n bytes, whatever they are, to the trial's log on the server, which must be offset bytes
 * long. *length: how long it is then, also after a refusal with status 409, where offset was wrong.
 * A log takes 16 MiB: beyond that the status is 413.
 */
CAIRN_API int cairn_log(struct cairn_trial *trial, int64_t offset, const char *data, size_t n,
	int64_t *length, struct cairn_error *error);

/** The trial failed; message says why (4096 bytes are kept). */
CAIRN_API int cairn_fail(struct cairn_trial *trial, const char *message, struct cairn_error *error);

#ifdef __cplusplus
}
#endif

#endif
