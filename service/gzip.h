/*
 * gzip of response bodies. Bodies that live for ever (assets, the contract) are compressed once and
 * kept; others each time, fast rather than small.
 */
#ifndef SERVICE_GZIP_H
#define SERVICE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buffer.h"

#define GZIP_MIN 1024 /* below, a packet is saved by nobody */

/* Does the value of Accept-Encoding (or NULL) take gzip? */
bool gzip_accepted(const char *accept_encoding);

/* Is a body of this media type worth it? */
bool gzip_worth(const char *content_type);

/* malloc'd in *out. False: no memory, or it did not get smaller. */
bool gzip_compress(const void *data, size_t size, int level, void **out, size_t *out_size);

struct gzip_cache;

struct gzip_cache *gzip_cache_new(void); /* NULL: no memory */
void gzip_cache_free(struct gzip_cache *cache);

/* The compressed form of bytes that never change, compressed at the first call. It lives as long as
 * the cache. False: serve data as it is. */
bool gzip_cache_get(struct gzip_cache *cache, const void *data, size_t size, struct bytes *out);

#endif
