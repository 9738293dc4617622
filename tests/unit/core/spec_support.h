/* What the tests of specs share: a catalogue, a parse that shows its faults, comparison. */
#ifndef TESTS_SPEC_SUPPORT_H
#define TESTS_SPEC_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/rng.h"
#include "core/spec.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

#define COUNT(a)   (sizeof(a) / sizeof(*(a)))
#define SPACE	   "\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}}"
#define MINIMAL	   "{\"name\":\"n\"," SPACE "}"
#define WITH(rest) "{\"name\":\"n\"," SPACE "," rest "}"

static const struct option tpe_options[] = {
	{ .name = "lies",
		.type = OPTION_CHOICE,
		.choices = "best|worst|none",
		.fallback = "best",
		.alias = "constant_liar_type" },
	{ .name = "n_startup",
		.type = OPTION_INT,
		.low = 1,
		.high = 100,
		.fallback = "20",
		.alias = "n_startup_jobs" },
	{ .name = "gamma", .type = OPTION_REAL, .low = 0, .high = 1, .fallback = "0.25" },
	{ .name = NULL },
};
static const struct option median_options[] = {
	{ .name = "start_step", .type = OPTION_INT, .low = 0, .high = 1000, .fallback = "0" },
	{ .name = NULL },
};
static const struct option seeded_options[] = {
	{ .name = "seed", .type = OPTION_INT, .low = 0, .high = 9, .fallback = "1" },
	{ .name = NULL },
};
static const struct algorithm tpe = { .name = "tpe", .options = tpe_options },
			      grid = { .name = "gridsearch", .aliases = "grid" },
			      seeded = { .name = "seeded", .options = seeded_options },
			      portfolio = { .name = "auto" }, nsga2 = { .name = "nsga2" },
			      nsga3 = { .name = "nsga3" },
			      median = { .name = "medianstop", .options = median_options },
			      curve = { .name = "curvefitting", .aliases = "curve_fitting" };
static const struct algorithm *const tuners[] = { &grid, &tpe, &seeded, &nsga2, &nsga3, NULL };
static const struct algorithm *const assessors[] = { &median, &curve, NULL };
static const struct catalog catalog = { tuners, assessors };

static struct arena arena;
static struct faults faults;
static struct error error;

static inline int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static inline int parse(const char *text, const struct spec *previous, const struct spec **out)
{
	faults_init(&faults);
	return spec_parse(text, strlen(text), previous, &catalog, 5, &arena, out, &faults, &error);
}

static inline void print_faults(const char *text)
{
	print_error("%s: %s\n", text, error.message);
	for (size_t i = 0; i < faults_kept(&faults); i++)
		print_error("  %s: %s\n", faults.items[i].pointer, faults.items[i].message);
}

static inline const struct spec *parsed(const char *text, const struct spec *previous)
{
	const struct spec *spec = NULL;
	int rc = parse(text, previous, &spec);
	if (rc)
		print_faults(text);
	assert_int_equal(rc, 0);
	assert_int_equal(faults.n, 0);
	assert_non_null(spec);
	return spec;
}

/* Exactly these faults, "pointer message-prefix", in any order. */
static inline void assert_faults(
	const char *text, const struct spec *previous, size_t n, const char *const *want)
{
	const struct spec *spec = NULL;
	int rc = parse(text, previous, &spec);
	if (rc != CODE_INVALID || faults.n != n)
		print_faults(text);
	assert_int_equal(rc, CODE_INVALID);
	assert_null(spec);
	assert_int_equal(faults.n, n);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		for (; k < n; k++) {
			char line[FAULT_POINTER_MAX + FAULT_MESSAGE_MAX + 2];
			snprintf(line, sizeof(line), "%.*s %.*s", FAULT_POINTER_MAX - 1,
				faults.items[k].pointer, FAULT_MESSAGE_MAX - 1,
				faults.items[k].message);
			if (strncmp(line, want[i], strlen(want[i])) == 0)
				break;
		}
		if (k == n) {
			print_error("missing: %s\n", want[i]);
			print_faults(text);
		}
		assert_true(k < n);
	}
}

static inline void assert_fault(const char *text, const struct spec *previous, const char *want)
{
	assert_faults(text, previous, 1, &want);
}

/* Every field. */
static const char full[] =
	"{\"note\":\"# a\\nb\",\"labels\":{\"z\":\"1\",\"a\":\"\xc3\xbc\"},"
	"\"limits\":{\"max_trials\":100,\"max_duration\":\"5h\",\"max_trial_duration\":90,"
	"\"concurrency\":8,\"max_retries\":0,\"target\":0.99,\"patience\":50},"
	"\"assessor\":{\"name\":\"MedianStop\",\"options\":{\"start_step\":10}},"
	"\"tuner\":{\"name\":\"TPE\",\"options\":{\"gamma\":0.5},\"seed\":9007199254740991},"
	"\"parameter_constraints\":[\"b <= a\"],"
	"\"constraints\":[{\"metric\":\"ms\",\"max\":20},{\"metric\":\"acc\",\"min\":0.5,\"max\":1}"
	"],"
	"\"objectives\":[{\"name\":\"acc\",\"goal\":\"maximize\"},{\"name\":\"ms\",\"goal\":"
	"\"minimize\"}],"
	"\"search_space\":{\"b\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
	"\"a\":{\"_value\":[1e-5,1.0],\"_type\":\"loguniform\"}},"
	"\"kind\":\"hpo\",\"name\":\"lenet\"}";

static inline void assert_same_options(const struct option_set *a, const struct option_set *b)
{
	assert_ptr_equal(a->table, b->table);
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->values[i].flag, b->values[i].flag);
		assert_int_equal(a->values[i].integer, b->values[i].integer);
		assert_true(a->values[i].real == b->values[i].real);
		assert_int_equal(a->values[i].choice, b->values[i].choice);
	}
}

static inline void assert_same(const struct spec *a, const struct spec *b)
{
	assert_string_equal(a->json, b->json);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->note, b->note);
	assert_int_equal(a->space->n, b->space->n);
	assert_int_equal(a->space->n_constraints, b->space->n_constraints);
	assert_int_equal(a->n_objectives, b->n_objectives);
	for (size_t i = 0; i < a->n_objectives; i++) {
		assert_string_equal(a->objectives[i].name, b->objectives[i].name);
		assert_int_equal(a->objectives[i].maximize, b->objectives[i].maximize);
	}
	assert_int_equal(a->n_constraints, b->n_constraints);
	for (size_t i = 0; i < a->n_constraints; i++) {
		assert_string_equal(a->constraints[i].metric, b->constraints[i].metric);
		assert_true(a->constraints[i].min == b->constraints[i].min);
		assert_true(a->constraints[i].max == b->constraints[i].max);
	}
	assert_ptr_equal(a->tuner, b->tuner);
	assert_same_options(&a->tuner_options, &b->tuner_options);
	assert_int_equal(a->seed, b->seed);
	assert_ptr_equal(a->assessor, b->assessor);
	if (a->assessor)
		assert_same_options(&a->assessor_options, &b->assessor_options);
	assert_int_equal(a->limits.max_trials, b->limits.max_trials);
	assert_int_equal(a->limits.max_duration_ms, b->limits.max_duration_ms);
	assert_int_equal(a->limits.max_trial_duration_ms, b->limits.max_trial_duration_ms);
	assert_int_equal(a->limits.concurrency, b->limits.concurrency);
	assert_int_equal(a->limits.max_retries, b->limits.max_retries);
	assert_int_equal(a->limits.patience, b->limits.patience);
	assert_true(a->limits.target == b->limits.target ||
		    (isnan(a->limits.target) && isnan(b->limits.target)));
	assert_int_equal(a->n_labels, b->n_labels);
	for (size_t i = 0; i < 2 * a->n_labels; i++)
		assert_string_equal(a->labels[i], b->labels[i]);
}

#endif
