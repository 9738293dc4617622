/* A thread that does something again and again. */
#ifndef SERVICE_TICKER_H
#define SERVICE_TICKER_H

#include <stdint.h>

#include "core/error.h"

struct ticker;

/* Calls tick(context) every period_ms, counted from the end of the last call. */
int ticker_open(int64_t period_ms, void (*tick)(void *context), void *context, struct ticker **out,
	struct error *err);

/* Lets a call that runs end. */
void ticker_close(struct ticker *ticker);

#endif
