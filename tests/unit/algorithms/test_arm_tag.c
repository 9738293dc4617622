/* Tags of a portfolio's trials: what an arm wrote comes back, and only that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"
#include "core/error.h" /* before cmocka, whose fail is a macro */

#include <cmocka.h>

static struct trial trial_with(struct bytes tag)
{
	return (struct trial){ .origin = ORIGIN_TUNER, .tag = tag };
}

static void test_round_trip(void **state)
{
	static const unsigned arms[] = { 0, 1, 8, 255 };
	char longest[ARM_TAG_ROOM];
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < sizeof(arms) / sizeof(arms[0]); i++) {
		for (size_t size = 0; size <= sizeof(longest); size += sizeof(longest) / 2) {
			struct bytes tag = { .data = longest, .size = size };

			assert_int_equal(arm_tag_wrap(arms[i], &tag, &arena), 0);
			assert_int_equal(tag.size, ARM_TAG_HEAD + size);
			assert_true(tag.size <= LIMIT_TAG);
			struct trial trial = trial_with(tag);
			assert_int_equal(arm_of(&trial), (int)arms[i]);
			struct bytes inner = arm_tag(&trial);
			assert_int_equal(inner.size, size);
			assert_memory_equal(inner.data, longest, size);
		}
	}
	arena_release(&arena);
}

/* A tuner that runs alone reads what it wrote. */
static void test_bare(void **state)
{
	static const char written[] = "a tag of its own";
	struct trial trial = trial_with((struct bytes){ written, sizeof(written) });

	(void)state;
	assert_int_equal(arm_of(&trial), -1);
	assert_ptr_equal(arm_tag(&trial).data, written);
	assert_int_equal(arm_tag(&trial).size, sizeof(written));
	trial.tag = (struct bytes){ NULL, 0 };
	assert_int_equal(arm_of(&trial), -1);
	assert_int_equal(arm_tag(&trial).size, 0);
}

/* Whoever enqueues or seeds a trial has no say in what tuners remember. */
static void test_other_origins(void **state)
{
	struct bytes tag = { "remember", 8 };
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(arm_tag_wrap(3, &tag, &arena), 0);
	struct trial trial = trial_with(tag);
	for (int origin = 0; origin < ORIGIN_COUNT; origin++) {
		trial.origin = (enum trial_origin)origin;
		assert_int_equal(arm_of(&trial), origin == ORIGIN_TUNER ? 3 : -1);
		assert_int_equal(arm_tag(&trial).size, origin == ORIGIN_TUNER ? 8 : 0);
	}
	arena_release(&arena);
}

/* Cut short, or with a byte changed, it is no portfolio's. */
static void test_damaged(void **state)
{
	struct bytes tag = { "inner", 5 };
	char bytes[ARM_TAG_HEAD + 5];
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(arm_tag_wrap(3, &tag, &arena), 0);
	for (size_t size = 0; size < ARM_TAG_HEAD; size++) {
		struct trial trial = trial_with((struct bytes){ tag.data, size });
		assert_int_equal(arm_of(&trial), -1);
	}
	for (size_t i = 0; i + 1 < ARM_TAG_HEAD; i++) {
		memcpy(bytes, tag.data, sizeof(bytes));
		bytes[i] ^= 1;
		struct trial trial = trial_with((struct bytes){ bytes, sizeof(bytes) });
		assert_int_equal(arm_of(&trial), -1);
		assert_int_equal(arm_tag(&trial).size, sizeof(bytes));
	}
	arena_release(&arena);
}

static void test_memory(void **state)
{
	struct bytes tag = { "inner", 5 };
	struct arena arena;

	(void)state;
	arena_init(&arena, 8);
	assert_int_equal(arm_tag_wrap(3, &tag, &arena), CODE_NO_MEMORY);
	assert_string_equal(tag.data, "inner");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_other_origins),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests_name("arm_tag", tests, NULL, NULL);
}
