/* Settings: types and bounds, the four places, what faults say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours: core/error.h */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/config.h"

#define WORDS_MAX 16

struct loaded {
	struct config config;
	char *rest[WORDS_MAX];
	size_t n_rest;
	struct error err;
	int code;
};

static void load(struct loaded *loaded, const char *const *flags, const char *const *environment)
{
	char *argv[WORDS_MAX] = { strdup("cairnd") }, *variables[WORDS_MAX] = { NULL };
	int argc = 1;
	for (; flags && *flags; flags++)
		argv[argc++] = strdup(*flags);
	for (size_t i = 0; environment && environment[i]; i++)
		variables[i] = strdup(environment[i]);
	memset(loaded, 0, sizeof(*loaded));
	loaded->code = config_load(argc, argv, variables, &loaded->config, loaded->rest,
		&loaded->n_rest, &loaded->err);
	for (size_t i = 0; i < loaded->n_rest; i++)
		loaded->rest[i] = arena_strdup(&loaded->config.arena, loaded->rest[i]);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	for (size_t i = 0; variables[i]; i++)
		free(variables[i]);
}

#define LIST(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

/* A file of its own for each call; the caller unlinks it. */
static void file_make(char path[64], const char *text)
{
	snprintf(path, 64, "/tmp/cairn-test-config-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_defaults(void **state)
{
	(void)state;
	struct loaded it;
	load(&it, NULL, NULL);
	assert_int_equal(it.code, 0);
	assert_string_equal(it.config.listen, "127.0.0.1:8080");
	assert_string_equal(it.config.database, "sqlite:///data/cairn.db");
	assert_string_equal(it.config.redis, "");
	assert_int_equal(it.config.queue, 1024);
	assert_int_equal(it.config.cache_bytes, 512 << 20);
	assert_int_equal(it.config.drain_timeout_ms, 30000);
	assert_true(it.config.access_log);
	config_release(&it.config);
}

/* Each place wins over the one before. */
static void test_precedence(void **state)
{
	(void)state;
	struct loaded it;
	char path[64], flag[96], variable[96];
	file_make(path, "# all four\nworkers = 3\n queue=7 # comment\nlog_level = debug\n\n"
			"database = sqlite:///a#b.db\n");
	snprintf(flag, sizeof(flag), "--config=%s", path);
	load(&it, LIST(flag, "--log-level", "error"),
		LIST("CAIRN_QUEUE=8", "CAIRN_LOG_LEVEL=warning", "CAIRN_TOKEN=x"));
	assert_int_equal(it.code, 0);
	assert_int_equal(it.config.workers, 3);
	assert_int_equal(it.config.queue, 8);
	assert_string_equal(it.config.log_level, "error");
	assert_string_equal(it.config.database, "sqlite:///a#b.db");
	assert_string_equal(it.config.listen, "127.0.0.1:8080");
	config_release(&it.config);
	snprintf(variable, sizeof(variable), "CAIRN_CONFIG=%s", path);
	load(&it, NULL, LIST(variable));
	assert_int_equal(it.code, 0);
	assert_int_equal(it.config.queue, 7);
	config_release(&it.config);
	unlink(path);
}

static void test_rest(void **state)
{
	(void)state;
	struct loaded it;
	load(&it,
		LIST("token", "--workers=2", "create", "--admin", "--access-log", "--team", "a",
			"--listen", "[::1]:0"),
		NULL);
	assert_int_equal(it.code, 0);
	assert_int_equal(it.n_rest, 5);
	assert_string_equal(it.rest[0], "token");
	assert_string_equal(it.rest[1], "create");
	assert_string_equal(it.rest[2], "--admin");
	assert_string_equal(it.rest[3], "--team");
	assert_string_equal(it.rest[4], "a");
	assert_string_equal(it.config.listen, "[::1]:0");
	config_release(&it.config);
}

static void fault(const char *const *flags, const char *const *environment, const char *text)
{
	struct loaded it;
	load(&it, flags, environment);
	assert_int_equal(it.code, CODE_INVALID);
	if (!strstr(it.err.message, text))
		print_error("\"%s\" lacks \"%s\"\n", it.err.message, text);
	assert_non_null(strstr(it.err.message, text));
	config_release(&it.config);
}

/* A fault names the place and what is allowed. */
static void test_faults(void **state)
{
	(void)state;
	char path[64], flag[96], where[96];
	fault(LIST("--workers", "many"), NULL,
		"flag --workers: \"many\" must be a whole number from 0 to 256");
	fault(LIST("--workers=257"), NULL, "from 0 to 256");
	fault(LIST("--workers=-1"), NULL, "from 0 to 256");
	fault(LIST("--queue=0"), NULL, "from 1 to 1000000");
	fault(LIST("--queue=99999999999999999999"), NULL, "flag --queue");
	fault(LIST("--listen"), NULL, "flag --listen: needs a value");
	fault(LIST("--role=chief"), NULL, "must be one of all|api|worker");
	fault(LIST("--access-log=perhaps"), NULL, "must be true or false");
	fault(LIST("--drain-timeout", "5x"), NULL, "must be a time such as 500ms, 30s or 5m");
	fault(LIST("--drain-timeout", "2h"), NULL, "from 0 to 1h");
	fault(LIST("--cache-bytes", "1"), NULL, "from 1MiB to 1024GiB");
	fault(NULL, LIST("CAIRN_LOG_FORMAT=xml"),
		"environment variable CAIRN_LOG_FORMAT: \"xml\" must be one of json|text");
	fault(LIST("--config", "/nonexistent/x"), NULL, "/nonexistent/x: No such file");
	static const struct {
		const char *text, *says;
	} files[] = {
		{ "queue = 5\nqueues = 6\n", ":2: there is no setting \"queues\"" },
		{ "queue 5\n", ":1: a line must be \"name = value\"" },
		{ "\n\nworkers = x\n", ":3: workers: \"x\" must be a whole number" },
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		file_make(path, files[i].text);
		snprintf(flag, sizeof(flag), "--config=%s", path);
		snprintf(where, sizeof(where), "%s%s", path, files[i].says);
		fault(LIST(flag), NULL, where);
		unlink(path);
	}
}

static void test_units(void **state)
{
	(void)state;
	static const struct {
		enum setting_type type;
		const char *text;
		int64_t value;
	} good[] = {
		{ SETTING_DURATION, "500ms", 500 },
		{ SETTING_DURATION, "30", 30000 },
		{ SETTING_DURATION, "30s", 30000 },
		{ SETTING_DURATION, "5m", 300000 },
		{ SETTING_DURATION, "1h", 3600000 },
		{ SETTING_BYTES, "64KiB", 65536 },
		{ SETTING_BYTES, "1gib", 1 << 30 },
		{ SETTING_BYTES, "17", 17 },
		{ SETTING_INT, "17", 17 },
	};
	static const char *const bad[] = { "", " 5", "5 s", "0x5", "1e3", "-5", "+5", "s",
		"9223372036854775807h" };
	struct arena arena;
	struct error err;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct setting setting = { .type = good[i].type, .high = INT64_MAX };
		int64_t value = -1;
		assert_int_equal(
			setting_parse(&setting, good[i].text, "here", &arena, &value, &err), 0);
		assert_int_equal(value, good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct setting setting = { .type = SETTING_DURATION, .high = INT64_MAX };
		int64_t value = -1;
		assert_int_equal(setting_parse(&setting, bad[i], "here", &arena, &value, &err),
			CODE_INVALID);
		assert_int_equal(value, -1);
	}
	arena_release(&arena);
}

/* Every bound holds at its edge, and every default is within. */
static void test_table(void **state)
{
	(void)state;
	struct arena arena;
	struct error err;
	arena_init(&arena, 0);
	size_t n = 0;
	for (const struct setting *setting = config_settings; setting->name; setting++, n++) {
		union {
			int64_t number;
			bool flag;
			const char *text;
		} out;
		char text[64];
		assert_int_equal(
			setting_parse(setting, setting->fallback, "default", &arena, &out, &err),
			0);
		assert_true(setting->choices || setting->value);
		assert_true(strlen(setting->help) > 10);
		if (setting->type != SETTING_INT && setting->type != SETTING_BYTES)
			continue;
		snprintf(text, sizeof(text), "%lld", (long long)setting->high);
		assert_int_equal(setting_parse(setting, text, "", &arena, &out, &err), 0);
		snprintf(text, sizeof(text), "%lld", (long long)setting->high + 1);
		assert_int_equal(
			setting_parse(setting, text, "", &arena, &out, &err), CODE_INVALID);
		snprintf(text, sizeof(text), "%lld", (long long)setting->low - 1);
		assert_int_equal(
			setting_parse(setting, text, "", &arena, &out, &err), CODE_INVALID);
	}
	assert_in_range(n, 10, SETTINGS_MAX - 1);
	arena_release(&arena);
}

/* What is printed can be read back, and has no password in it. */
static void test_print(void **state)
{
	(void)state;
	struct loaded it;
	struct buffer text;
	buffer_init(&text, 1 << 20);
	load(&it, LIST("--database=postgresql://ann:s3cret@host/db?password=s3cret", "--queue=9"),
		LIST("CAIRN_REDIS=redis://:s3cret@host:1/2"));
	assert_int_equal(it.code, 0);
	config_print(&it.config, &text);
	assert_null(strstr(buffer_text(&text), "s3cret"));
	assert_non_null(strstr(buffer_text(&text),
		"database = postgresql://ann:***@host/db?password=*** # flag\n"));
	assert_non_null(
		strstr(buffer_text(&text), "redis = redis://:***@host:1/2 # environment\n"));
	assert_non_null(strstr(buffer_text(&text), "queue = 9 # flag\n"));
	assert_non_null(strstr(buffer_text(&text), "log_format = json # default\n"));
	config_release(&it.config);
	char path[64], flag[96];
	file_make(path, buffer_text(&text));
	snprintf(flag, sizeof(flag), "--config=%s", path);
	load(&it, LIST(flag), NULL);
	assert_int_equal(it.code, 0);
	assert_int_equal(it.config.queue, 9);
	config_release(&it.config);
	unlink(path);
	buffer_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_print),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
