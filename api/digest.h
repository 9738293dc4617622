/* SHA-256 and base64url: tokens, ETags, idempotency digests, cursors. See also digest_hex in
 * api/auth.h. */
#ifndef API_DIGEST_H
#define API_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buffer.h"

#define DIGEST_SIZE	32
#define DIGEST_HEX_SIZE 65 /* with NUL */

void digest_raw(const void *data, size_t size, unsigned char out[DIGEST_SIZE]);

/* Of several parts, each with its length, so that no two lists of parts look alike. */
void digest_parts(const struct bytes *parts, size_t n, char out[DIGEST_HEX_SIZE]);

/* Without padding. out: 4 * (size + 2) / 3 + 1 bytes. */
void base64url_write(const void *data, size_t size, char *out);
/* out: 3 * size / 4 + 1 bytes. False: not base64url, or bits left over. */
bool base64url_read(const char *text, size_t size, unsigned char *out, size_t *n);

#endif
