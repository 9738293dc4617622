/* What the tests of model spaces share: parsing, faults and samples in one line. */
#ifndef TESTS_MODEL_SUPPORT_H
#define TESTS_MODEL_SUPPORT_H

#include "tests/unit/core/space_support.h"

#include "algorithms/nas/hub.h"
#include "algorithms/nas/model_space.h"
#include "tests/unit/algorithms/model_books.h"

static inline const struct model_space *model_parse(struct fixture *fixture, const char *json)
{
	const struct model_space *model = NULL;
	faults_init(&fixture->faults);
	int rc = model_space_parse(
		json, NULL, &fixture->arena, &model, &fixture->faults, &fixture->err);
	for (size_t i = 0; rc && i < faults_kept(&fixture->faults); i++)
		print_error("%s: %s\n", fixture->faults.items[i].pointer,
			fixture->faults.items[i].message);
	assert_int_equal(rc, 0);
	assert_non_null(model);
	return model;
}

/* A space of the hub. */
static inline const struct model_space *model_hub(struct fixture *fixture, const char *name)
{
	json_t *hub = hub_read();
	assert_non_null(hub);
	const json_t *entry = hub_find(hub, name);
	assert_non_null(entry);
	char *json = json_dumps(json_object_get(entry, "model_space"), 0);
	assert_non_null(json);
	const struct model_space *model = model_parse(fixture, json);
	free(json);
	json_decref(hub);
	return model;
}

/* The text of the faults: "pointer: message\n" each. */
static inline const char *model_faults(struct fixture *fixture, const char *json)
{
	const struct model_space *model = NULL;
	faults_init(&fixture->faults);
	assert_int_equal(model_space_parse(json, NULL, &fixture->arena, &model, &fixture->faults,
				 &fixture->err),
		CODE_INVALID);
	buffer_clear(&fixture->text);
	for (size_t i = 0; i < faults_kept(&fixture->faults); i++)
		buffer_printf(&fixture->text, "%s: %s\n", fixture->faults.items[i].pointer,
			fixture->faults.items[i].message);
	return buffer_text(&fixture->text);
}

static inline const char *model_count(struct fixture *fixture, const struct model_space *model)
{
	buffer_clear(&fixture->text);
	assert_int_equal(model_space_count(model, &fixture->text, &fixture->err), 0);
	return buffer_text(&fixture->text);
}

static inline uint64_t model_distinct(struct fixture *fixture, const struct model_space *model)
{
	struct model_measure measure;
	assert_int_equal(model_space_measure(model, 1 << 20, &measure, &fixture->err), 0);
	assert_true(measure.complete);
	return measure.distinct;
}

/* The graph of a sample in JSON, with what is missing taken from seed 1. */
static inline const struct model_graph *model_sample(
	struct fixture *fixture, const struct model_space *model, const char *parameters)
{
	const struct space *space = model_space_points(model);
	const struct model_graph *graph = NULL;
	double *x = arena_array(&fixture->arena, space->n, sizeof(*x));
	struct rng rng;
	faults_init(&fixture->faults);
	int rc = space_read(space, parameters, true, x, &fixture->faults, &fixture->err);
	if (rc)
		print_error("%s\n", fixture->faults.items[0].message);
	assert_int_equal(rc, 0);
	rng_init(&rng, 1, RNG_TEST, 0);
	space_complete(space, &rng, x);
	rc = model_freeze(model, x, &fixture->arena, &graph, &fixture->err);
	if (rc)
		print_error("%s\n", fixture->err.message);
	assert_int_equal(rc, 0);
	return graph;
}

#endif
