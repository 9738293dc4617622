#include "service/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/engine.h"

#define FILE_LINE_MAX 4096

#define AT(member) .offset = offsetof(struct config, member)
#define MILLIS	   INT64_C(1)
#define SECONDS	   (1000 * MILLIS)
#define HOURS	   (3600 * SECONDS)
#define MIB	   (INT64_C(1) << 20)
#define GIB	   (INT64_C(1) << 30)

const struct setting config_settings[] = {
	{ "listen", SETTING_TEXT, "127.0.0.1:8080", 0, 0, NULL, "ADDRESS", 0, AT(listen),
		"Where to listen: HOST:PORT, [IPV6]:PORT or unix:PATH. Port 0 takes a free one; "
		"the "
		"address in use is printed on standard output." },
	{ "role", SETTING_CHOICE, "all", 0, 0, "all|api|worker", NULL, 0, AT(role),
		"all and api answer requests and sweep expired leases; worker only sweeps and does "
		"not "
		"listen." },
	{ "http_threads", SETTING_INT, "0", 0, 64, NULL, "N", 0, AT(http_threads),
		"Threads that read and write connections. 0: one per core, at most 4." },
	{ "workers", SETTING_INT, "0", 0, 256, NULL, "N", 0, AT(workers),
		"Threads that answer requests, each with its own database session. 0: two per "
		"core, "
		"between 4 and 64." },
	{ "queue", SETTING_INT, "1024", 1, 1000000, NULL, "N", 0, AT(queue),
		"Requests that may wait for a worker; more are answered 503 with Retry-After." },
	{ "max_connections", SETTING_INT, "4096", 8, 1000000, NULL, "N", 0, AT(max_connections),
		"Open connections; more are not accepted." },
	{ "max_connections_per_ip", SETTING_INT, "0", 0, 1000000, NULL, "N", 0,
		AT(max_connections_per_ip), "Open connections from one address. 0: no bound." },
	{ "max_streams", SETTING_INT, "512", 1, 100000, NULL, "N", 0, AT(max_streams),
		"Event streams and streamed downloads at a time; more are answered 503." },
	{ "body_bytes", SETTING_BYTES, "256MiB", 1 * MIB, 1024 * GIB, NULL, "SIZE", 0,
		AT(body_bytes),
		"Memory for the bodies of all requests being read; above it requests are answered "
		"503." },
	{ "idle_timeout", SETTING_DURATION, "60s", 1 * SECONDS, 1 * HOURS, NULL, "TIME", 0,
		AT(idle_timeout_ms), "A connection without traffic is closed after this." },
	{ "request_timeout", SETTING_DURATION, "60s", 1 * SECONDS, 1 * HOURS, NULL, "TIME", 0,
		AT(request_timeout_ms),
		"A request must be there, and its answer be taken, within this plus one second per "
		"16 KiB." },
	{ "database", SETTING_SECRET, "sqlite:///data/cairn.db", 0, 0, NULL, "URL", 0, AT(database),
		"sqlite:///relative/path, sqlite:////absolute/path or "
		"postgresql://USER@HOST/NAME." },
	{ "redis", SETTING_SECRET, "", 0, 0, NULL, "URL", 0, AT(redis),
		"Locks between replicas: redis://HOST:PORT/DB. Empty: locks of this process "
		"only." },
	{ "cache_bytes", SETTING_BYTES, "512MiB", 1 * MIB, 1024 * GIB, NULL, "SIZE", 0,
		AT(cache_bytes),
		"Memory for the views of experiments and what their tuners keep." },
	{ "compute", SETTING_CHOICE, "auto", 0, 0, "auto|cpu|cuda", NULL, 0, AT(compute),
		"What models are fitted with. auto: the GPU where there is one, else the "
		"processor; cuda fails without." },
	{ "compute_threads", SETTING_INT, "0", 0, COMPUTE_THREADS_MAX, NULL, "N", 0,
		AT(compute_threads),
		"Threads that fit models. 0: half the cores, between 1 and 2." },
	{ "compute_plugins", SETTING_TEXT, "", 0, 0, NULL, "DIR", 0, AT(compute_plugins),
		"Where cairn_cuda.so lies. Empty: beside the program, then the library "
		"directory." },
	{ "startup_timeout", SETTING_DURATION, "30s", 0, 1 * HOURS, NULL, "TIME", 0,
		AT(startup_timeout_ms), "How long to wait at the start for the database." },
	{ "bootstrap_token_file", SETTING_TEXT, "", 0, 0, NULL, "FILE", 0, AT(bootstrap_token_file),
		"A file with the secret of the first instance admin's token, made at the start if "
		"there is no token yet." },
	{ "log_level", SETTING_CHOICE, "info", 0, 0, "debug|info|warning|error", NULL,
		SETTING_RELOAD, AT(log_level), "Least level of what is logged." },
	{ "log_format", SETTING_CHOICE, "json", 0, 0, "json|text", NULL, SETTING_RELOAD,
		AT(log_format), "How a line of the log looks." },
	{ "log_file", SETTING_TEXT, "", 0, 0, NULL, "FILE", 0, AT(log_file),
		"Where to log; opened again at SIGHUP. Empty: standard error." },
	{ "access_log", SETTING_BOOL, "true", 0, 0, NULL, "BOOL", SETTING_RELOAD, AT(access_log),
		"A line for each request." },
	{ "drain_delay", SETTING_DURATION, "0s", 0, 1 * HOURS, NULL, "TIME", SETTING_RELOAD,
		AT(drain_delay_ms),
		"After SIGTERM, how long to go on while /readyz says 503, so that load balancers "
		"look "
		"elsewhere." },
	{ "drain_timeout", SETTING_DURATION, "30s", 0, 1 * HOURS, NULL, "TIME", SETTING_RELOAD,
		AT(drain_timeout_ms), "How long requests that have begun may take to end." },
	{ NULL },
};

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit duration_units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
	{ "h", 3600000 }, { "", 1000 }, { NULL, 0 } };
static const struct unit byte_units[] = { { "KiB", 1024 }, { "MiB", MIB }, { "GiB", GIB },
	{ "B", 1 }, { "", 1 }, { NULL, 0 } };
static const struct unit plain_units[] = { { "", 1 }, { NULL, 0 } };

static const struct unit *units_of(enum setting_type type)
{
	return type == SETTING_DURATION ? duration_units
	       : type == SETTING_BYTES	? byte_units
					: plain_units;
}

static bool number_parse(const char *text, const struct unit *units, int64_t *out)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno)
		return false;
	for (; units->name; units++)
		if (!strcasecmp(end, units->name))
			return !__builtin_mul_overflow((int64_t)n, units->factor, out);
	return false;
}

static bool bool_parse(const char *text, bool *out)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]))
			continue;
		*out = i % 2 == 1;
		return true;
	}
	return false;
}

/* The member of choices that equals text. */
static bool choice_has(const char *choices, const char *text)
{
	size_t size = strlen(text);
	for (const char *p = choices; *p;) {
		size_t n = strcspn(p, "|");
		if (n == size && !memcmp(p, text, n))
			return true;
		p += n;
		p += *p == '|';
	}
	return false;
}

/* A bound as its type is written, in the largest unit that divides it. */
static void bound_print(enum setting_type type, int64_t bound, char *out, size_t size)
{
	const struct unit *best = NULL;
	for (const struct unit *unit = units_of(type); unit->name; unit++)
		if (*unit->name && bound % unit->factor == 0 &&
			(!best || unit->factor > best->factor))
			best = unit;
	snprintf(out, size, "%" PRId64 "%s", best ? bound / best->factor : bound,
		best && bound ? best->name : "");
}

static int parse_fail(
	const struct setting *setting, const char *text, const char *origin, struct error *err)
{
	char low[32], high[32];
	bound_print(setting->type, setting->low, low, sizeof(low));
	bound_print(setting->type, setting->high, high, sizeof(high));
	static const char *const kinds[] = {
		[SETTING_INT] = "a whole number",
		[SETTING_DURATION] = "a time such as 500ms, 30s or 5m",
		[SETTING_BYTES] = "a size such as 64KiB or 512MiB",
	};
	if (setting->type == SETTING_BOOL)
		return fail(err, CODE_INVALID, "%s: \"%s\" must be true or false", origin, text);
	if (setting->type == SETTING_CHOICE)
		return fail(err, CODE_INVALID, "%s: \"%s\" must be one of %s", origin, text,
			setting->choices);
	return fail(err, CODE_INVALID, "%s: \"%s\" must be %s from %s to %s", origin, text,
		kinds[setting->type], low, high);
}

int setting_parse(const struct setting *setting, const char *text, const char *origin,
	struct arena *arena, void *out, struct error *err)
{
	int64_t number = 0;
	bool flag = false;
	switch (setting->type) {
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_BYTES:
		if (!number_parse(text, units_of(setting->type), &number) ||
			number < setting->low || number > setting->high)
			return parse_fail(setting, text, origin, err);
		memcpy(out, &number, sizeof(number));
		return 0;
	case SETTING_BOOL:
		if (!bool_parse(text, &flag))
			return parse_fail(setting, text, origin, err);
		memcpy(out, &flag, sizeof(flag));
		return 0;
	case SETTING_CHOICE:
		if (!choice_has(setting->choices, text))
			return parse_fail(setting, text, origin, err);
		break;
	case SETTING_TEXT:
	case SETTING_SECRET:
		break;
	}
	const char *copy = arena_strdup(arena, text);
	if (!copy)
		return fail(err, CODE_NO_MEMORY, "no memory for the configuration");
	memcpy(out, &copy, sizeof(copy));
	return 0;
}

/* The setting whose name has size bytes, dash counting as underscore; SIZE_MAX: none. */
static size_t setting_find(const char *name, size_t size, char dash)
{
	for (size_t k = 0; config_settings[k].name; k++) {
		const char *known = config_settings[k].name;
		size_t i = 0;
		while (i < size && known[i] && (name[i] == dash ? '_' : name[i]) == known[i])
			i++;
		if (i == size && !known[i])
			return k;
	}
	return SIZE_MAX;
}

static int set(struct config *config, size_t k, const char *text, enum config_source source,
	const char *origin, struct error *err)
{
	const struct setting *setting = &config_settings[k];
	const char *copy = arena_strdup(&config->arena, text);
	if (!copy)
		return fail(err, CODE_NO_MEMORY, "no memory for the configuration");
	int code = setting_parse(
		setting, text, origin, &config->arena, (char *)config + setting->offset, err);
	if (code)
		return code;
	config->texts[k] = copy;
	config->sources[k] = source;
	return 0;
}

static char *trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

/* A # starts a comment at the beginning of a line or after a space: URLs may contain one. */
static void comment_cut(char *line)
{
	for (char *p = line; *p; p++) {
		if (*p != '#' || (p > line && !isspace((unsigned char)p[-1])))
			continue;
		*p = '\0';
		return;
	}
}

static int line_parse(struct config *config, char *line, const char *origin, struct error *err)
{
	comment_cut(line);
	char *name = trim(line);
	if (!*name)
		return 0;
	char *equals = strchr(name, '=');
	if (!equals)
		return fail(err, CODE_INVALID, "%s: a line must be \"name = value\"", origin);
	*equals = '\0';
	name = trim(name);
	size_t k = setting_find(name, strlen(name), '_');
	if (k == SIZE_MAX)
		return fail(err, CODE_INVALID, "%s: there is no setting \"%s\"; see cairnd --help",
			origin, name);
	char where[640];
	snprintf(where, sizeof(where), "%s: %s", origin, config_settings[k].name);
	return set(config, k, trim(equals + 1), SOURCE_FILE, where, err);
}

static int file_parse(struct config *config, const char *path, struct error *err)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return fail(err, CODE_INVALID, "cannot read the configuration %s: %s", path,
			strerror(errno));
	char line[FILE_LINE_MAX];
	int code = 0;
	for (unsigned number = 1; !code && fgets(line, sizeof(line), file); number++) {
		char origin[512];
		snprintf(origin, sizeof(origin), "%.450s:%u", path, number);
		if (strlen(line) == sizeof(line) - 1)
			code = fail(err, CODE_INVALID, "%s: the line is longer than %zu bytes",
				origin, sizeof(line) - 2);
		else
			code = line_parse(config, line, origin, err);
	}
	if (!code && ferror(file))
		code = fail(err, CODE_INVALID, "cannot read the configuration %s: %s", path,
			strerror(errno));
	fclose(file);
	config->file = arena_strdup(&config->arena, path);
	return code;
}

/* CAIRN_LOG_LEVEL for log_level. */
static void variable_name(const char *name, char *out, size_t size)
{
	int n = snprintf(out, size, "CAIRN_%s", name);
	assert(n > 0 && (size_t)n < size);
	for (; *out; out++)
		*out = (char)toupper((unsigned char)*out);
}

static const char *variable(char *const *environment, const char *name)
{
	size_t n = strlen(name);
	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, n) && (*environment)[n] == '=')
			return *environment + n + 1;
	return NULL;
}

static int environment_parse(struct config *config, char *const *environment, struct error *err)
{
	for (size_t k = 0; config_settings[k].name; k++) {
		char name[64], origin[96];
		variable_name(config_settings[k].name, name, sizeof(name));
		const char *text = variable(environment, name);
		if (!text)
			continue;
		snprintf(origin, sizeof(origin), "environment variable %s", name);
		int code = set(config, k, text, SOURCE_ENVIRONMENT, origin, err);
		if (code)
			return code;
	}
	return 0;
}

/* Is argv[*i] the flag with this name ("--name VALUE", "--name=VALUE")? Then *i moves to the last
 * word of it, and *value is NULL when the value is missing. */
static bool flag_value(int argc, char *const *argv, int *i, const char *word, size_t size,
	bool may_lack, const char **value)
{
	if (word[size] == '=') {
		*value = word + size + 1;
	} else if (may_lack) {
		*value = "true";
	} else {
		*value = *i + 1 < argc ? argv[*i + 1] : NULL;
		*i += *value != NULL;
	}
	return *value != NULL;
}

/* Takes the flags that are settings; with only_file, looks for --config alone. */
static int flags_parse(struct config *config, int argc, char *const *argv, const char **file,
	char **rest, size_t *n_rest, struct error *err)
{
	*n_rest = 0;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		if (strncmp(word, "--", 2)) {
			rest[(*n_rest)++] = argv[i];
			continue;
		}
		size_t size = strcspn(word + 2, "=");
		size_t k = setting_find(word + 2, size, '-');
		bool is_file = size == 6 && !strncmp(word + 2, "config", 6);
		if (k == SIZE_MAX && !is_file) {
			rest[(*n_rest)++] = argv[i];
			continue;
		}
		const char *value;
		bool flag = k != SIZE_MAX && config_settings[k].type == SETTING_BOOL;
		char origin[64];
		snprintf(origin, sizeof(origin), "flag %.*s", (int)(size + 2), word);
		if (!flag_value(argc, argv, &i, word, size + 2, flag, &value))
			return fail(err, CODE_INVALID, "%s: needs a value", origin);
		if (is_file)
			*file = value;
		int code = is_file || !config ? 0 : set(config, k, value, SOURCE_FLAG, origin, err);
		if (code)
			return code;
	}
	return 0;
}

int config_load(int argc, char *const *argv, char *const *environment, struct config *out,
	char **rest, size_t *n_rest, struct error *err)
{
	*out = (struct config){ 0 };
	arena_init(&out->arena, 0);
	for (size_t k = 0; config_settings[k].name; k++) {
		assert(k < SETTINGS_MAX);
		int code = set(out, k, config_settings[k].fallback, SOURCE_DEFAULT, "default", err);
		if (code)
			return code;
	}
	const char *file = variable(environment, "CAIRN_CONFIG");
	int code = flags_parse(NULL, argc, argv, &file, rest, n_rest, err);
	if (!code && file && *file)
		code = file_parse(out, file, err);
	if (!code)
		code = environment_parse(out, environment, err);
	if (!code)
		code = flags_parse(out, argc, argv, &file, rest, n_rest, err);
	return code;
}

void config_release(struct config *config)
{
	arena_release(&config->arena);
}

/* postgresql://user:secret@host -> postgresql://user:***@host; also in "password=secret". */
static void secret_print(const char *text, struct buffer *out)
{
	const char *scheme = strstr(text, "://");
	const char *at = scheme ? strrchr(text, '@') : NULL;
	const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
	if (colon) {
		buffer_add(out, text, (size_t)(colon + 1 - text));
		buffer_add_text(out, "***");
		text = at;
	}
	const char *password = strstr(text, "password=");
	if (password) {
		password += strlen("password=");
		buffer_add(out, text, (size_t)(password - text));
		buffer_add_text(out, "***");
		text = password + strcspn(password, "& ");
	}
	buffer_add_text(out, text);
}

void config_print(const struct config *config, struct buffer *out)
{
	static const char *const sources[] = { "default", "file", "environment", "flag" };
	for (size_t k = 0; config_settings[k].name; k++) {
		buffer_printf(out, "%s = ", config_settings[k].name);
		if (config_settings[k].type == SETTING_SECRET)
			secret_print(config->texts[k], out);
		else
			buffer_add_text(out, config->texts[k]);
		buffer_printf(out, " # %s\n", sources[config->sources[k]]);
	}
}

void config_help(struct buffer *out)
{
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		buffer_add_text(out, "  --");
		for (const char *p = setting->name; *p; p++)
			buffer_add_char(out, *p == '_' ? '-' : *p);
		buffer_printf(out, " %s\n        %s",
			setting->choices ? setting->choices : setting->value, setting->help);
		if (*setting->fallback)
			buffer_printf(out, " Default: %s.", setting->fallback);
		buffer_add_char(out, '\n');
	}
}
