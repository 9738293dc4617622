/*
 * The files that are part of the binary: openapi.yaml and the pack of what browsers see, which is
 * the dashboard or the plain status page (cmake/dashboard.cmake). A pack is a head of lines, the
 * first "cairn-pack 1", then "SIZE NAME TYPE" for each file, then an empty one; after it come the
 * files, in the order of the lines. The first is the page at /, the others, whose names carry a
 * hash of what is in them, are served below /assets/ for browsers to keep.
 */
#ifndef API_ASSET_H
#define API_ASSET_H

#include "api/call.h"
#include "core/error.h"

struct api;
struct arena;

#define ASSETS_MAX	16
#define ETAG_SIZE	36 /* quoted, of 128 bits in hex, and NUL */
#define ASSET_NAME_SIZE 64

struct asset {
	char name[ASSET_NAME_SIZE], type[ASSET_NAME_SIZE];
	const char *data;
	size_t size;
	char etag[ETAG_SIZE];
};

/* Reads a pack into files; data points into it. CODE_INTERNAL: it is damaged. */
int pack_read(const char *pack, size_t size, struct asset files[ASSETS_MAX], size_t *n,
	struct error *err);

/* The Content-Security-Policy of a page: scripts and styles of this server only, or, where the page
 * holds a <script> of its own, that script and the <style> and nothing else. False: it has a script
 * but no style, or out is too small. */
bool page_policy(const struct asset *page, char *out, size_t size);

/* Reads the pack, computes the ETags and the page's policy, once. */
int assets_open(struct api *api, struct error *err);

/* handlers */
void asset_openapi_get(struct api *api, struct session *session, struct call *call);
void asset_dashboard_get(struct api *api, struct session *session, struct call *call);
void asset_file_get(struct api *api, struct session *session, struct call *call);

/* The summary of an operation in openapi.yaml, "" when it is not there. In the arena. */
const char *openapi_summary(const char *operation, struct arena *arena);

#endif
