/* Lines of the log: valid whatever goes in, whole whoever writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/log.h"

static char path[64];

static struct log *open_log(enum log_level level, enum log_format format)
{
	struct log *log;
	struct error err;
	snprintf(path, sizeof(path), "/tmp/cairn-test-log-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(log_open(path, level, format, &log, &err), 0);
	return log;
}

/* The file's content; the caller frees it. */
static char *content(const char *name)
{
	static const size_t max = 4u << 20;
	char *text = calloc(1, max);
	FILE *file = fopen(name, "re");
	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, max - 1, file) < max - 1);
	fclose(file);
	return text;
}

static void finish(struct log *log)
{
	log_close(log);
	unlink(path);
}

static void test_json(void **state)
{
	(void)state;
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	struct log_line line;
	log_begin(log, &line, LOG_LEVEL_WARNING, "a \"b\"\n");
	log_text(&line, "path", "/x\\\x01");
	log_text(&line, "nothing", NULL);
	log_int(&line, "n", -5);
	log_end(&line);
	char *text = content(path);
	assert_memory_equal(text, "{\"time\":\"20", 11);
	assert_non_null(strstr(text, "Z\",\"level\":\"warning\",\"message\":\"a \\\"b\\\"\\u000a\","
				     "\"path\":\"/x\\\\\\u0001\",\"n\":-5}\n"));
	free(text);
	finish(log);
}

static void test_text(void **state)
{
	(void)state;
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	struct log_line line;
	log_begin(log, &line, LOG_LEVEL_INFO, "request");
	log_text(&line, "path", "/a");
	log_text(&line, "name", "two words");
	log_int(&line, "n", 7);
	log_end(&line);
	char *text = content(path);
	assert_non_null(strstr(text, "Z info request path=/a name=\"two words\" n=7\n"));
	free(text);
	finish(log);
}

static void test_level(void **state)
{
	(void)state;
	struct log *log = open_log(LOG_LEVEL_WARNING, LOG_FORMAT_TEXT);
	log_message(log, LOG_LEVEL_INFO, "unseen");
	log_message(log, LOG_LEVEL_ERROR, "seen %d", 1);
	log_configure(log, LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_message(log, LOG_LEVEL_DEBUG, "now");
	char *text = content(path);
	assert_null(strstr(text, "unseen"));
	assert_non_null(strstr(text, " error seen 1\n"));
	assert_non_null(strstr(text, "\"message\":\"now\"}\n"));
	free(text);
	finish(log);
	enum log_level level;
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_false(log_level_parse("loud", &level));
}

/* What does not fit is left out whole. */
static void test_truncation(void **state)
{
	(void)state;
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	static char value[LOG_LINE_MAX];
	memset(value, '"', sizeof(value) - 1); /* each becomes two */
	for (size_t size = LOG_LINE_MAX / 2 - 120; size < LOG_LINE_MAX / 2; size++) {
		struct log_line line;
		value[size] = '\0';
		log_begin(log, &line, LOG_LEVEL_INFO, "m");
		log_text(&line, "long", value);
		log_text(&line, "short", "s");
		log_end(&line);
		value[size] = '"';
	}
	char *text = content(path);
	size_t whole = 0, cut = 0;
	for (char *p = text, *end; (end = strchr(p, '\n')); p = end + 1) {
		assert_true(end - p < LOG_LINE_MAX);
		assert_int_equal(end[-1], '}');
		bool truncated = !memcmp(end - 17, ",\"truncated\":true", 17 - 1);
		cut += truncated || strstr(p, "truncated") < end;
		whole++;
	}
	assert_int_equal(whole, 120);
	assert_true(cut > 0);
	free(text);
	finish(log);
}

static void test_reopen(void **state)
{
	(void)state;
	char moved[80];
	struct error err;
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_message(log, LOG_LEVEL_INFO, "one");
	snprintf(moved, sizeof(moved), "%s.1", path);
	assert_int_equal(rename(path, moved), 0);
	log_message(log, LOG_LEVEL_INFO, "two");
	assert_int_equal(log_reopen(log, &err), 0);
	log_message(log, LOG_LEVEL_INFO, "three");
	char *old = content(moved), *fresh = content(path);
	assert_non_null(strstr(old, "one"));
	assert_non_null(strstr(old, "two"));
	assert_null(strstr(old, "three"));
	assert_non_null(strstr(fresh, "three"));
	free(old);
	free(fresh);
	unlink(moved);
	finish(log);
	assert_int_equal(log_open("/nonexistent/x", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, &log, &err),
		CODE_UNAVAILABLE);
}

static void *chatter(void *context)
{
	for (int i = 0; i < 500; i++)
		log_message(context, LOG_LEVEL_INFO, "%0200d", i);
	return NULL;
}

static void test_lines_do_not_mix(void **state)
{
	(void)state;
	pthread_t threads[4];
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, chatter, log), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	char *text = content(path);
	size_t lines = 0;
	for (char *p = text, *end; (end = strchr(p, '\n')); p = end + 1, lines++) {
		assert_int_equal(*p, '{');
		assert_int_equal(end[-1], '}');
	}
	assert_int_equal(lines, 2000);
	free(text);
	finish(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_lines_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
