/*
 * Which views stay: simulated with equal ones. What is counted is how many uses find their view,
 * when more experiments are busy than there is room for.
 */
#include "engine/internal.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#define VIEWS 64
#define ROOM  16
#define BYTES ((size_t)1000)

struct simulation {
	struct cache cache;
	struct mailbox boxes[VIEWS];
	unsigned uses, hits;
};

static int setup(void **state)
{
	struct simulation *s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	s->cache.bytes_max = ROOM * BYTES;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* As a batch does: the view is loaded if it must be, and touched again when nothing waits. */
static void use(struct simulation *s, size_t i)
{
	struct mailbox *mailbox = &s->boxes[i], *victim;
	bool hit = mailbox->segment != NULL;

	s->uses++;
	s->hits += hit;
	mailbox->running = true;
	for (int touch = hit; touch < 2; touch++) {
		cache_touch(&s->cache, mailbox, BYTES);
		while ((victim = cache_victim(&s->cache))) {
			assert_false(victim->running);
			cache_remove(victim);
		}
	}
	mailbox->running = false;
	assert_true(mailbox->segment != NULL);
	assert_true(cache_bytes(&s->cache) <= s->cache.bytes_max);
}

static unsigned percent(struct simulation *s)
{
	unsigned out = 100 * s->hits / s->uses;
	s->uses = s->hits = 0;
	return out;
}

static void rounds(struct simulation *s, size_t from, size_t n, unsigned count, unsigned burst)
{
	for (unsigned round = 0; round < count; round++)
		for (size_t i = from; i < from + n; i++)
			for (unsigned k = 0; k < burst; k++)
				use(s, i);
}

/* The first n in turn, round after round, each burst times at once: percent of hits after warm
 * rounds. */
static unsigned percent_in_turn(
	struct simulation *s, size_t n, unsigned burst, unsigned warm, unsigned count)
{
	rounds(s, 0, n, warm, burst);
	percent(s);
	rounds(s, 0, n, count, burst);
	return percent(s);
}

static void test_all_fit(void **state)
{
	assert_int_equal(percent_in_turn(*state, ROOM, 1, 1, 20), 100);
}

/* Four times as many as there is room for, in turn: LRU would never hit. */
static void test_in_turn(void **state)
{
	assert_in_range(percent_in_turn(*state, VIEWS, 1, 2, 50), 20, 25);
}

/* A result and the next suggest: the second use of each pair always hits, and must not count as a
 * reason to keep the view. */
static void test_in_turn_twice(void **state)
{
	assert_in_range(percent_in_turn(*state, VIEWS, 2, 2, 50), 60, 63);
}

static void test_a_few_too_many(void **state)
{
	assert_in_range(percent_in_turn(*state, ROOM + 4, 1, 2, 50), 65, 80);
}

/* Others become busy: they take the room within some rounds. */
static void test_change_of_what_is_busy(void **state)
{
	struct simulation *s = *state;
	rounds(s, 0, ROOM, 20, 1);
	rounds(s, 32, ROOM, 2 * 8, 1);
	percent(s);
	rounds(s, 32, ROOM, 20, 1);
	assert_int_equal(percent(s), 100);
}

/* Half the uses go to an eighth of the experiments, the rest to any: what is used often stays. */
static void test_skewed(void **state)
{
	struct simulation *s = *state;
	struct rng rng;

	rng_init(&rng, 1, RNG_TEST, 0);
	for (unsigned i = 0; i < 20000; i++) {
		bool favourite = rng_below(&rng, 2);
		use(s, rng_below(&rng, favourite ? VIEWS / 8 : VIEWS));
		if (i == 2000)
			percent(s);
	}
	assert_in_range(percent(s), 50, 70);
}

static void test_running_views_stay(void **state)
{
	struct simulation *s = *state;

	for (size_t i = 0; i < ROOM + 4; i++) {
		s->boxes[i].running = true;
		cache_touch(&s->cache, &s->boxes[i], BYTES);
		assert_null(cache_victim(&s->cache));
	}
	assert_int_equal(cache_bytes(&s->cache), (ROOM + 4) * BYTES);
	s->boxes[3].running = false;
	assert_ptr_equal(cache_victim(&s->cache), &s->boxes[3]);
}

static void test_sizes(void **state)
{
	struct simulation *s = *state;

	cache_touch(&s->cache, &s->boxes[0], 10);
	cache_resize(&s->boxes[0], 700);
	assert_int_equal(cache_bytes(&s->cache), 700);
	cache_resize(&s->boxes[1], 700); /* not in the cache: nothing to count */
	assert_int_equal(cache_bytes(&s->cache), 700);
	/* One that is larger than all the room goes as soon as another comes. */
	s->boxes[1].running = true;
	cache_touch(&s->cache, &s->boxes[1], 2 * ROOM * BYTES);
	assert_ptr_equal(cache_victim(&s->cache), &s->boxes[0]);
	cache_remove(&s->boxes[0]);
	assert_null(cache_victim(&s->cache));
	s->boxes[1].running = false;
	cache_touch(&s->cache, &s->boxes[2], BYTES);
	s->boxes[2].running = true;
	assert_ptr_equal(cache_victim(&s->cache), &s->boxes[1]);
	cache_remove(&s->boxes[1]);
	assert_int_equal(cache_bytes(&s->cache), BYTES);
	cache_remove(&s->boxes[2]);
	assert_int_equal(cache_bytes(&s->cache), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_turn_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_few_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_of_what_is_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skewed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_running_views_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
