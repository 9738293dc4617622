/* cairnd(8), written from the table of settings: docs/man/cairnd.8 is this text, and a test
 * compares. */
#ifndef SERVICE_MANUAL_H
#define SERVICE_MANUAL_H

#include "core/buffer.h"

void manual_write(struct buffer *out);

/* --help. */
void usage_write(struct buffer *out);

#endif
