/* Any bytes as the body of an experiment, new or changed: no crash, and what is accepted has a
 * canonical text that reads back as itself. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct option options[] = {
	{ .name = "mode", .type = OPTION_CHOICE, .choices = "best|none", .fallback = "best" },
	{ .name = "n", .type = OPTION_INT, .low = 1, .high = 100, .fallback = "20", .alias = "m" },
	{ .name = "gamma", .type = OPTION_REAL, .low = 0, .high = 1, .fallback = "0.25" },
	{ .name = "on", .type = OPTION_BOOL, .fallback = "true" },
	{ .name = NULL },
};
static const struct algorithm tpe = { .name = "tpe", .aliases = "t|T_PE", .options = options },
			      grid = { .name = "grid" },
			      median = { .name = "median", .options = options };
static const struct algorithm *const tuners[] = { &tpe, &grid, NULL };
static const struct algorithm *const assessors[] = { &median, NULL };
static const struct catalog catalog = { tuners, assessors };

static const char base[] =
	"{\"name\":\"n\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},\"op\":{"
	"\"_type\":\"choice\",\"_value\":[{\"_name\":\"a\",\"k\":{\"_type\":\"randint\",\"_value\":"
	"[0,9]}},{\"_name\":\"b\"}]}},\"assessor\":{\"name\":\"median\"},\"labels\":{\"k\":\"v\"}}";

static const struct spec *parse(
	const char *text, size_t size, const struct spec *previous, struct arena *arena)
{
	const struct spec *spec = NULL;
	struct faults faults;
	struct error err = { 0 };

	faults_init(&faults);
	int rc = spec_parse(text, size, previous, &catalog, 7, arena, &spec, &faults, &err);
	assert((rc == 0) == (spec != NULL));
	assert((rc == CODE_INVALID) == (faults.n > 0));
	assert(rc == 0 || rc == CODE_MALFORMED || rc == CODE_INVALID || rc == CODE_NO_MEMORY);
	assert(rc == 0 || err.message[0] != '\0');
	return spec;
}

static void check(const struct spec *spec)
{
	struct arena arena;
	if (!spec)
		return;
	arena_init(&arena, 0);
	const struct spec *again = parse(spec->json, strlen(spec->json), NULL, &arena);
	assert(again && strcmp(again->json, spec->json) == 0);
	const struct spec *same = parse("{}", 2, spec, &arena);
	assert(same && strcmp(same->json, spec->json) == 0);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 0);
	check(parse((const char *)data, size, NULL, &arena));
	const struct spec *before = parse(base, sizeof(base) - 1, NULL, &arena);
	assert(before);
	check(parse((const char *)data, size, before, &arena));
	arena_release(&arena);
	return 0;
}
