/*
 * The settings of cairnd as one table: name, type, default, bounds, help. From it come parsing,
 * --help, --print-config and the man page, so they cannot disagree.
 *
 * A setting is looked for in four places, later ones win: its default, the file (--config FILE or
 * CAIRN_CONFIG; lines "name = value", # starts a comment), the environment (CAIRN_NAME), the flags
 * (--name VALUE). Names are snake_case in the file; flags have dashes. Every fault says where the
 * value came from and what is allowed.
 */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"

enum setting_type {
	SETTING_TEXT,	  /* const char * */
	SETTING_SECRET,	  /* const char *, a URL: its password is not printed */
	SETTING_INT,	  /* int64_t */
	SETTING_DURATION, /* int64_t ms: "500ms", "30s", "5m", "1h"; a bare number is seconds */
	SETTING_BYTES,	  /* int64_t: "64KiB", "512MiB", "1GiB"; a bare number is bytes */
	SETTING_BOOL,	  /* bool: true, false, yes, no, on, off, 1, 0 */
	SETTING_CHOICE	  /* const char *, one of choices */
};

#define SETTING_RELOAD 1u /* SIGHUP takes a new value over */

struct setting {
	const char *name;
	enum setting_type type;
	const char *fallback;
	int64_t low, high;   /* INT, DURATION (ms), BYTES: inclusive bounds */
	const char *choices; /* CHOICE: "json|text" */
	const char *value;   /* how help names the value: ADDRESS, URL, N */
	unsigned flags;
	size_t offset; /* into struct config */
	const char *help;
};

#define SETTINGS_MAX 32

/* Ends with a NULL name. */
extern const struct setting config_settings[];

enum config_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

struct config {
	/* serving */
	const char *listen, *role;
	int64_t http_threads, workers, queue;
	int64_t max_connections, max_connections_per_ip, max_streams, body_bytes;
	int64_t idle_timeout_ms, request_timeout_ms;
	/* state */
	const char *database, *redis;
	int64_t cache_bytes, startup_timeout_ms;
	/* computing */
	const char *compute, *compute_plugins;
	int64_t compute_threads;
	const char *bootstrap_token_file;
	/* log */
	const char *log_level, *log_format, *log_file;
	bool access_log;
	/* leaving */
	int64_t drain_delay_ms, drain_timeout_ms;

	/* where each value came from, by index into config_settings */
	enum config_source sources[SETTINGS_MAX];
	const char *texts[SETTINGS_MAX];
	const char *file; /* NULL: none was read */
	struct arena arena;
};

/* Reads all four places. What argv holds beside settings (commands, their flags) is left in rest,
 * which has room for argc pointers, in order. Release out with config_release, also after a
 * failure. */
int config_load(int argc, char *const *argv, char *const *environment, struct config *out,
	char **rest, size_t *n_rest, struct error *err);
void config_release(struct config *config);

/* One text, by the rules of one setting; out: where the setting's type goes. */
int setting_parse(const struct setting *setting, const char *text, const char *origin,
	struct arena *arena, void *out, struct error *err);

/* "name = value   # source", a line each, in the syntax of the file; passwords are masked. */
void config_print(const struct config *config, struct buffer *out);

/* The lines of --help about settings. */
void config_help(struct buffer *out);

#endif
