/* What the parts of libcairn share. */
#ifndef CLIENTS_C_INTERNAL_H
#define CLIENTS_C_INTERNAL_H

#include <jansson.h>
#include <pthread.h>
#include <sys/types.h>

#include "cairn.h"

#define URL_SIZE	512
#define SECRET_SIZE	256
#define WORKER_SIZE	201 /* the server's bound, and the NUL */
#define PATH_SIZE	512
#define EXPERIMENT_SIZE 64
#define MESSAGE_MAX	4096 /* bytes of a failure's message, as the server bounds them */
#define HANDLES		16   /* idle connections kept; more threads than that open their own */

struct cairn {
	char url[URL_SIZE];
	char token[SECRET_SIZE];
	char worker[WORKER_SIZE];
	int tries;
	int timeout_ms;
	pid_t process;	      /* that opened it: connections and heartbeats do not survive fork() */
	pthread_mutex_t lock; /* guards handles */
	void *handles[HANDLES]; /* CURL *: a connection each, used by one thread at a time */
	size_t n_handles;
};

struct cairn_trial {
	struct cairn *cairn;
	char experiment[EXPERIMENT_SIZE];
	int64_t number, attempt, lease_ms;
	int64_t resource, start; /* train up to, and on from; 0: not said, from the beginning */
	int64_t source;		 /* the trial that did those steps; -1: none */
	char *checkpoint;	 /* NULL: none */
	json_t *parameters;
	char *text; /* parameters as JSON */

	pthread_t heart;
	bool beating;
	pthread_mutex_t lock; /* guards the flags below */
	pthread_cond_t wake;  /* closing or settled was set */
	bool stopped;	      /* the server wants it to end */
	bool settled; /* it runs no more: it has its result, was stopped, or is somebody else's */
	bool closing; /* the heart must end */
};

int client_fail(struct cairn_error *error, enum cairn_code code, int status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Is this another process than the one that opened the client? */
bool client_forked(const struct cairn *cairn);

struct client_call {
	const char *method, *path, *body;
	size_t body_size;	       /* 0: body is a string */
	const char *type;	       /* of the body; NULL: application/json */
	const char *accept, *if_match; /* as struct cairn_call has them */
	size_t *answer_size;	       /* NULL, or where the size of the answer goes */
	int64_t *length;    /* NULL, or where the answer's Upload-Offset goes, if it has one */
	int64_t wait_ms;    /* the server may take that long to answer */
	int64_t timeout_ms; /* beyond that; 0: the client's */
	bool keyed;	    /* carries an Idempotency-Key: safe to send again */
	int tries;	    /* 0: the client's */
	bool (*is_over)(const void *context); /* asked while it waits: shall it be given up? */
	const void *context;
};

/* Sends until it is answered. *answer: a new reference (JSON null for an empty body), or the body
 * with a NUL behind it, to be freed. */
int client_json(struct cairn *cairn, const struct client_call *call, json_t **answer,
	struct cairn_error *error);
int client_text(struct cairn *cairn, const struct client_call *call, char **answer,
	struct cairn_error *error);

/* A trial of what a suggest handed out. */
int trial_make(struct cairn *cairn, const char *experiment, const json_t *given, int64_t lease_ms,
	struct cairn_trial **out, struct cairn_error *error);

/* Takes over what the server says of a trial when it answers a report or a heartbeat. */
void trial_note(struct cairn_trial *trial, const json_t *answer);
void trial_settle(struct cairn_trial *trial, bool stopped);

/* The heartbeat of a trial: a thread that keeps its lease. */
int heart_start(struct cairn_trial *trial, struct cairn_error *error);
void heart_stop(struct cairn_trial *trial);

#endif
