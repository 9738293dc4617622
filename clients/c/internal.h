/* What the parts of libcairn share. */
#ifndef CLIENTS_C_INTERNAL_H
#define CLIENTS_C_INTERNAL_H

#include <jansson.h>
#include <pthread.h>

#include "cairn.h"

#define URL_MAX	       512
#define SECRET_MAX     256
#define WORKER_MAX     200
#define PATH_MAX_      512
#define EXPERIMENT_MAX 64
#define HANDLES	       16 /* idle connections kept; more threads than that open their own */

struct cairn {
	char url[URL_MAX];
	char token[SECRET_MAX];
	char worker[WORKER_MAX];
	int tries;
	int timeout_ms;
	pthread_mutex_t lock;	/* guards handles */
	void *handles[HANDLES]; /* CURL *: a connection each, used by one thread at a time */
	size_t n_handles;
};

struct cairn_trial {
	struct cairn *cairn;
	char experiment[EXPERIMENT_MAX];
	int64_t number, attempt, lease_ms;
	json_t *parameters;
	char *text; /* parameters as JSON */
	bool ended; /* it has its result */

	pthread_t heart;
	bool beating;
	pthread_mutex_t lock; /* guards stopped and closing */
	pthread_cond_t wake;
	bool stopped, closing;
};

int client_fail(struct cairn_error *error, enum cairn_code code, int status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

struct client_call {
	const char *method, *path, *body;
	const char *type; /* of the body; NULL: application/json */
	long wait_ms;	  /* the server may take that long to answer */
	bool keyed;	  /* carries an Idempotency-Key: safe to send again */
	int tries;	  /* 0: the client's */
};

/* Sends until it is answered; *answer is parsed JSON, or NULL for an empty body. */
int client_json(struct cairn *cairn, const struct client_call *call, json_t **answer,
	struct cairn_error *error);
int client_text(struct cairn *cairn, const struct client_call *call, char **answer,
	struct cairn_error *error);

/* The heartbeat of a trial: a thread that keeps its lease, at a third of it. */
int heart_start(struct cairn_trial *trial, struct cairn_error *error);
void heart_stop(struct cairn_trial *trial);

#endif
