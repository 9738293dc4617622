/*
 * The process's log: one event a line, on stderr or in a file, as JSON or as text; each line is one
 * write(2), so lines of several threads (and processes) do not mix. Nothing else in Cairn writes
 * there. Whoever adds a field sees to it that it is no secret: tokens, bodies and query strings are
 * never logged.
 *
 * A line is built on the stack. A field that would not fit is left out and "truncated" is set
 * instead, so that a line is always valid.
 */
#ifndef SERVICE_LOG_H
#define SERVICE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

struct log;

/* path: NULL or "" for stderr, else a file to append to. */
int log_open(const char *path, enum log_level level, enum log_format format, struct log **out,
	struct error *err);
void log_close(struct log *log);

/* Opens the file again (after it was rotated away). On failure the old one stays. */
int log_reopen(struct log *log, struct error *err);
void log_configure(struct log *log, enum log_level level, enum log_format format);

/* "debug", "info", "warning", "error"; false: no such level. */
bool log_level_parse(const char *name, enum log_level *out);

#define LOG_LINE_MAX 4096 /* PIPE_BUF: what write(2) puts into a pipe in one piece */

struct log_line {
	struct log *log; /* NULL: below the level, nothing is done */
	enum log_format format;
	size_t size;
	bool truncated;
	char text[LOG_LINE_MAX];
};

void log_begin(struct log *log, struct log_line *line, enum log_level level, const char *message);
void log_text(struct log_line *line, const char *name, const char *value); /* NULL: left out */
void log_int(struct log_line *line, const char *name, int64_t value);
void log_end(struct log_line *line);

/* A line with nothing but a message. */
void log_message(struct log *log, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
