/*
 * What the handlers of experiments and trials share: finding the experiment a path names, waiting
 * for an operation that is never held, and answers that several routes give.
 */
#ifndef API_EXPERIMENT_H
#define API_EXPERIMENT_H

#include "api/call.h"
#include "api/internal.h"

/* The team whose objects a call may see; NULL: every team's (instance admins). */
const char *team_of(const struct call *call);

/* The experiment of {id}, if the caller may see it. False: the problem is replied. */
bool experiment_of(
	struct api *api, struct session *session, struct call *call, struct experiment_row *out);

/* The trial number of path argument k. False: the problem is replied. */
bool trial_number_of(struct call *call, size_t k, int64_t *out);

/* The experiment as of a view, as the store would answer it. */
void row_of_view(
	const struct view *view, const char *id, const char *team, struct experiment_row *out);

/* The experiment as the whole answer, with its ETag; 201 adds Location. */
void reply_experiment(struct call *call, int status, const struct experiment_row *row);

/* The same, read from the store first. */
void reply_experiment_id(
	struct api *api, struct session *session, struct call *call, int status, const char *id);

/* Submits an operation and waits for its answer, so that the caller may use its session again (to
 * audit). Not for kinds that the engine holds (SUGGEST). encode runs inside done(), while the view
 * is valid, only when the operation succeeded; it may be NULL. Answers op->code. The thread that
 * completes the operation never waits for this one, so the wait is as short as the mailbox. */
int op_wait(struct api *api, struct session *session, struct op *op,
	void (*encode)(struct op *op, void *context), void *context);

/* A copy of key with the status of the first answer; NULL stays NULL. False: no memory, replied. */
bool key_with_status(struct call *call, const struct idempotency **key, int status);

/* Says that this answer was given before. */
void reply_replayed(struct call *call, bool replayed);

void no_memory_reply(struct call *call);

/* A query argument that must be one of the names in choices (NULL at the end); *out is its index,
 * or fallback when it is absent. False: the problem is replied. */
bool query_choice(
	struct call *call, const char *name, const char *const *choices, int fallback, int *out);

/* page_end with a number as the cursor: that of the page's last row, if there are more. */
void page_end_number(struct call *call, bool more, int64_t last);

/* handlers: experiment_list.c */
void experiment_list(struct api *api, struct session *session, struct call *call);
void experiment_health(struct api *api, struct session *session, struct call *call);

#endif
