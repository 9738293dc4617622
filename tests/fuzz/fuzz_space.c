/*
 * Input: a search space, then perhaps parameter constraints, canonical and a point, separated by
 * lines of "---". Whatever space_parse accepts keeps its promises.
 */
#include <math.h>
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/space.h"
#include "tests/fuzz/fuzz.h"

#define PARTS	     4
#define INPUT_MAX    65536
#define ARENA_MAX    (64u << 20)
#define POINT_DRAWS  4
#define GRID_SAMPLES 16

static void check_parameter(const struct parameter *p)
{
	uint64_t n = p->n_values, stride = n > GRID_SAMPLES ? n / GRID_SAMPLES : 1;
	REQUIRE(parameter_from_unit(p, (double)NAN) == parameter_from_unit(p, 0));
	for (double u = 0; u <= 1; u += 1.0 / GRID_SAMPLES) {
		double x = parameter_from_unit(p, u);
		REQUIRE(isfinite(x) && parameter_quantise(p, x) == x);
	}
	for (uint64_t k = 0; k < n && k / stride <= GRID_SAMPLES; k += stride) {
		double x = parameter_value(p, k);
		REQUIRE(parameter_quantise(p, x) == x);
		REQUIRE(parameter_index(p, x) == k);
	}
}

static void check_point(const struct space *space, const double *x, struct buffer *text)
{
	double y[LIMIT_PARAMETERS], u[LIMIT_PARAMETERS];
	struct faults faults;
	struct key128 a, b;
	faults_init(&faults);
	REQUIRE(space_contains(space, x));
	buffer_clear(text);
	space_write(space, x, text);
	REQUIRE(!text->failed);
	REQUIRE(space_read(space, buffer_text(text), false, y, &faults, NULL) == 0);
	for (size_t i = 0; i < space->n; i++)
		REQUIRE(x[i] == y[i] || (isnan(x[i]) && isnan(y[i])));
	space_key(space, x, &a);
	space_key(space, y, &b);
	REQUIRE(key_equal(&a, &b));
	REQUIRE(space_feasible(space, x) == space_feasible(space, y));
	REQUIRE(space_canonical_ok(space, x) == space_canonical_ok(space, y));
	space_to_unit(space, x, u);
	space_from_unit(space, u, y);
	REQUIRE(space_contains(space, y));
}

static void check_space(const struct space *space, const char *point)
{
	double x[LIMIT_PARAMETERS];
	struct faults faults;
	struct buffer text;
	struct rng rng;
	REQUIRE(space->n > 0 && space->n <= LIMIT_PARAMETERS);
	for (size_t i = 0; i < space->n; i++) {
		check_parameter(&space->parameters[i]);
		for (size_t c = 0; c < space->parameters[i].n_conditions; c++)
			REQUIRE(space->parameters[i].conditions[c].parent < (int)i);
	}
	buffer_init(&text, 16u << 20);
	rng_init(&rng, 1, RNG_TEST, 0);
	for (int draw = 0; draw < POINT_DRAWS; draw++) {
		space_sample(space, &rng, x);
		check_point(space, x, &text);
	}
	space_default(space, x);
	check_point(space, x, &text);
	faults_init(&faults);
	if (point && space_read(space, point, true, x, &faults, NULL) == 0) {
		space_complete(space, &rng, x);
		check_point(space, x, &text);
	}
	buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct space *space = NULL;
	char *parts[PARTS];
	struct faults faults;
	struct arena arena;
	struct error err = { 0 };
	if (size > INPUT_MAX)
		return 0;
	fuzz_parts(data, size, parts, PARTS);
	arena_init(&arena, ARENA_MAX);
	faults_init(&faults);
	int rc = space_parse(parts[0], parts[1], parts[2], &arena, &space, &faults, &err);
	if (rc == 0)
		check_space(space, parts[3]);
	else
		REQUIRE(rc == CODE_INVALID && faults.n > 0 && faults.items[0].message[0]);
	arena_release(&arena);
	free(parts[0]);
	return 0;
}
