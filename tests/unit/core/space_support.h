/* What the tests of the search space share: parsing in one line, faults in one line. */
#ifndef TESTS_SPACE_SUPPORT_H
#define TESTS_SPACE_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/space.h"

#include <cmocka.h> /* last: its fail() is a macro */

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* A space of one parameter x; a choice. */
#define P(type, value) "{\"x\":{\"_type\":\"" type "\",\"_value\":" value "}}"
#define CHOICE(values) "{\"_type\":\"choice\",\"_value\":" values "}"

/* The last image space of the book (book-cases.md H3): three slots, nested choices. */
#define SLOT                                                                                       \
	"{\"_type\":\"choice\",\"_value\":[{\"_name\":\"none\"},"                                  \
	"{\"_name\":\"simple\",\"filters\":{\"_type\":\"choice\",\"_value\":[8,16,32]},"           \
	"\"kernel\":{\"_type\":\"choice\",\"_value\":[5,7,9,11]}},"                                \
	"{\"_name\":\"with_pool\",\"filters\":{\"_type\":\"choice\",\"_value\":[8,16,32]},"        \
	"\"kernel\":{\"_type\":\"choice\",\"_value\":[5,7,9,11]},"                                 \
	"\"pool_size\":{\"_type\":\"choice\",\"_value\":[3,5,7]}}]}"
#define LENET_EVOLUTION                                                                            \
	"{\"fe_slot_1\":" SLOT ",\"fe_slot_2\":" SLOT ",\"fe_slot_3\":" SLOT                       \
	",\"l1_size\":" CHOICE("[512,1024,2048]") ",\"l2_size\":" CHOICE(                          \
		"[0,512,1024]") ",\"dropout\":" CHOICE("[0.3,0.5,0.7]") ",\"lr\":" CHOICE("[0."    \
											  "001,0." \
											  "0001]") "}"

struct fixture {
	struct arena arena;
	struct faults faults;
	struct error err;
	struct buffer text;
};

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	if (!fixture)
		return -1;
	arena_init(&fixture->arena, 0);
	buffer_init(&fixture->text, 64u << 20);
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	arena_release(&fixture->arena);
	buffer_release(&fixture->text);
	free(fixture);
	return 0;
}

static inline const struct space *parse_all(struct fixture *fixture, const char *space_json,
	const char *constraints, const char *canonical)
{
	const struct space *space = NULL;
	faults_init(&fixture->faults);
	int rc = space_parse(space_json, constraints, canonical, &fixture->arena, &space,
		&fixture->faults, &fixture->err);
	for (size_t i = 0; rc && i < faults_kept(&fixture->faults); i++)
		print_error("%s: %s\n", fixture->faults.items[i].pointer,
			fixture->faults.items[i].message);
	assert_int_equal(rc, 0);
	assert_non_null(space);
	return space;
}

static inline const struct space *parse(struct fixture *fixture, const char *space_json)
{
	return parse_all(fixture, space_json, NULL, NULL);
}

static inline bool has_fault(const struct fixture *fixture, const char *pointer, const char *part)
{
	for (size_t i = 0; i < faults_kept(&fixture->faults); i++)
		if (strcmp(fixture->faults.items[i].pointer, pointer) == 0 &&
			strstr(fixture->faults.items[i].message, part))
			return true;
	return false;
}

/* The document is refused, with a fault at pointer whose message has part in it. */
static inline void refuse_all(struct fixture *fixture, const char *space_json,
	const char *constraints, const char *canonical, const char *pointer, const char *part)
{
	const struct space *space = NULL;
	faults_init(&fixture->faults);
	int rc = space_parse(space_json, constraints, canonical, &fixture->arena, &space,
		&fixture->faults, &fixture->err);
	bool found = has_fault(fixture, pointer, part);
	for (size_t i = 0; !found && i < faults_kept(&fixture->faults); i++)
		print_error("%s: %s\n", fixture->faults.items[i].pointer,
			fixture->faults.items[i].message);
	if (rc != CODE_INVALID || !found)
		print_error("not refused with \"%s\" at %s: %s\n", part, pointer, space_json);
	assert_int_equal(rc, CODE_INVALID);
	assert_true(found);
	assert_null(space);
}

static inline void refuse(
	struct fixture *fixture, const char *space_json, const char *pointer, const char *part)
{
	refuse_all(fixture, space_json, NULL, NULL, pointer, part);
}

static inline const char *write_point(
	struct fixture *fixture, const struct space *space, const double *x)
{
	buffer_clear(&fixture->text);
	space_write(space, x, &fixture->text);
	assert_false(fixture->text.failed);
	return buffer_text(&fixture->text);
}

static inline void read_point(
	struct fixture *fixture, const struct space *space, const char *json, double *x)
{
	faults_init(&fixture->faults);
	int rc = space_read(space, json, false, x, &fixture->faults, &fixture->err);
	for (size_t i = 0; i < faults_kept(&fixture->faults); i++)
		print_error("%s: %s\n", fixture->faults.items[i].pointer,
			fixture->faults.items[i].message);
	assert_int_equal(rc, 0);
}

static inline bool same_point(const struct space *space, const double *a, const double *b)
{
	for (size_t i = 0; i < space->n; i++)
		if (isnan(a[i]) ? !isnan(b[i]) : a[i] != b[i])
			return false;
	return true;
}

#define SPACE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
