#include "service/gzip.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define ZLIB_CONST /* next_in is only read */
#include <zlib.h>

#define CACHE_SLOTS 256 /* more assets than there are */

struct cached {
	const void *data;
	size_t size;
	void *compressed; /* NULL: it did not get smaller */
	size_t compressed_size;
};

struct gzip_cache {
	pthread_mutex_t lock; /* guards the slots; held while an asset is compressed, once each */
	size_t n;
	struct cached slots[CACHE_SLOTS];
};

/* A weight of "q=0", "q=0.0" ... refuses. */
static bool weight_positive(const char *parameters, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++) {
		if (tolower((unsigned char)parameters[i]) != 'q' || parameters[i + 1] != '=')
			continue;
		return strtod(parameters + i + 2, NULL) > 0;
	}
	return true;
}

bool gzip_accepted(const char *accept_encoding)
{
	bool any = false;
	for (const char *p = accept_encoding ? accept_encoding : ""; *p;) {
		p += strspn(p, ", \t");
		size_t size = strcspn(p, ",");
		size_t name = strcspn(p, ",; \t");
		bool positive = weight_positive(p + name, size - name);
		if (name == 4 && !strncasecmp(p, "gzip", 4))
			return positive;
		if (name == 1 && *p == '*')
			any = positive;
		p += size;
	}
	return any;
}

bool gzip_worth(const char *content_type)
{
	static const char *const types[] = { "text/", "application/json",
		"application/problem+json", "application/x-ndjson", "application/javascript",
		"application/yaml", "application/openapi+yaml", "image/svg+xml",
		"application/manifest+json" };
	for (size_t i = 0; content_type && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strncasecmp(content_type, types[i], strlen(types[i])))
			return strncasecmp(content_type, "text/event-stream", 17) != 0;
	return false;
}

bool gzip_compress(const void *data, size_t size, int level, void **out, size_t *out_size)
{
	if (size > UINT32_MAX / 2)
		return false;
	z_stream stream = { 0 };
	/* 15 window bits, + 16: a gzip header. */
	if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	size_t room = size - size / 16; /* what does not save a sixteenth is not worth it */
	Bytef *compressed = malloc(room ? room : 1);
	int code = Z_MEM_ERROR;
	if (compressed) {
		stream.next_in = data;
		stream.avail_in = (uInt)size;
		stream.next_out = compressed;
		stream.avail_out = (uInt)room;
		code = deflate(&stream, Z_FINISH);
	}
	*out_size = stream.total_out;
	deflateEnd(&stream);
	if (code != Z_STREAM_END) {
		free(compressed);
		return false;
	}
	*out = compressed;
	return true;
}

struct gzip_cache *gzip_cache_new(void)
{
	struct gzip_cache *cache = calloc(1, sizeof(*cache));
	if (cache)
		pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

void gzip_cache_free(struct gzip_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->n; i++)
		free(cache->slots[i].compressed);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static const struct cached *find_or_make(struct gzip_cache *cache, const void *data, size_t size)
{
	for (size_t i = 0; i < cache->n; i++)
		if (cache->slots[i].data == data && cache->slots[i].size == size)
			return &cache->slots[i];
	if (cache->n == CACHE_SLOTS)
		return NULL;
	struct cached *slot = &cache->slots[cache->n++];
	*slot = (struct cached){ .data = data, .size = size };
	if (!gzip_compress(data, size, 6, &slot->compressed, &slot->compressed_size))
		slot->compressed = NULL;
	return slot;
}

bool gzip_cache_get(struct gzip_cache *cache, const void *data, size_t size, struct bytes *out)
{
	pthread_mutex_lock(&cache->lock);
	const struct cached *slot = find_or_make(cache, data, size);
	pthread_mutex_unlock(&cache->lock);
	if (!slot || !slot->compressed)
		return false;
	*out = (struct bytes){ slot->compressed, slot->compressed_size };
	return true;
}
