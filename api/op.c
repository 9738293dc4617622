/* Waiting for an operation of the engine; see api/experiment.h. */
#include <pthread.h>

#include "api/experiment.h"

/* One per waiting request, on its stack. The mutex guards done; it is held only to set and read it.
 */
struct waiter {
	void (*encode)(struct op *op, void *context);
	void *context;
	pthread_mutex_t mutex;
	pthread_cond_t woken;
	bool done;
};

static void wait_done(struct op *op)
{
	struct waiter *waiter = op->context;
	if (!op->code && waiter->encode)
		waiter->encode(op, waiter->context);
	pthread_mutex_lock(&waiter->mutex);
	waiter->done = true;
	pthread_cond_signal(&waiter->woken);
	pthread_mutex_unlock(&waiter->mutex);
}

int op_wait(struct api *api, struct session *session, struct op *op,
	void (*encode)(struct op *op, void *context), void *context)
{
	struct waiter waiter = {
		.encode = encode,
		.context = context,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.woken = PTHREAD_COND_INITIALIZER,
	};
	op->done = wait_done;
	op->context = &waiter;
	engine_submit(api->engine, session, op);
	pthread_mutex_lock(&waiter.mutex);
	while (!waiter.done)
		pthread_cond_wait(&waiter.woken, &waiter.mutex);
	pthread_mutex_unlock(&waiter.mutex);
	pthread_cond_destroy(&waiter.woken);
	pthread_mutex_destroy(&waiter.mutex);
	return op->code;
}
