/* Forks, as the tags of trials. */
#include "algorithms/tuners/fork.h"
#include "tests/unit/algorithms/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/limits.h"

#include <cmocka.h>

static void test_fork(void **state)
{
	(void)state;
	static char text[5000];
	struct arena arena;
	struct error err;
	struct trial trial = { 0 };
	struct fork fork = { 7, 1ll << 40, { "s3://a/b", 8 } }, back;

	arena_init(&arena, 0);
	assert_false(fork_read(&trial, &back));
	assert_int_equal(fork_write(&fork, &arena, &trial.tag, &err), 0);
	assert_true(fork_read(&trial, &back));
	assert_int_equal(back.slot, 7);
	assert_int_equal(back.start, 1ll << 40);
	assert_int_equal(fork_start(&trial), 1ll << 40);
	assert_int_equal(back.checkpoint.size, 8);
	assert_memory_equal(back.checkpoint.data, "s3://a/b", 8);
	/* As long as fits, and one byte more. */
	fork.checkpoint = (struct bytes){ text, LIMIT_TAG - 16 };
	assert_int_equal(fork_write(&fork, &arena, &trial.tag, &err), 0);
	assert_int_equal(trial.tag.size, LIMIT_TAG);
	fork.checkpoint.size++;
	assert_int_equal(fork_write(&fork, &arena, &trial.tag, &err), 0);
	assert_true(fork_read(&trial, &back));
	assert_int_equal(back.checkpoint.size, 0);
	/* Other tuners' tags, and one that lies. */
	trial.tag.size = 15;
	assert_false(fork_read(&trial, &back));
	unsigned char bad[16] = "fork";
	trial.tag = (struct bytes){ bad, 16 };
	assert_true(fork_read(&trial, &back));
	bad[15] = 0x80;
	assert_false(fork_read(&trial, &back));
	assert_int_equal(fork_start(&trial), 0);
	bad[15] = 0;
	bad[0] = 'F';
	assert_false(fork_read(&trial, &back));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork),
	};
	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
