#include "service/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Kept free at the end of a line for ,"truncated":true}\n */
#define TAIL 24

struct log {
	char *path; /* NULL: stderr */
	atomic_int level, format;
	pthread_mutex_t lock; /* guards fd against log_reopen */
	int fd;
};

static const char *const level_names[] = { "debug", "info", "warning", "error" };

bool log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(name, level_names[i]))
			continue;
		*out = (enum log_level)i;
		return true;
	}
	return false;
}

static int file_open(const char *path, int *fd, struct error *err)
{
	*fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (*fd < 0)
		return fail(err, CODE_UNAVAILABLE, "cannot write the log file %s: %s", path,
			strerror(errno));
	return 0;
}

int log_open(const char *path, enum log_level level, enum log_format format, struct log **out,
	struct error *err)
{
	struct log *log = calloc(1, sizeof(*log));
	if (!log)
		return fail(err, CODE_NO_MEMORY, "no memory for the log");
	log->fd = STDERR_FILENO;
	if (path && *path) {
		log->path = strdup(path);
		int code = log->path ? file_open(path, &log->fd, err)
				     : fail(err, CODE_NO_MEMORY, "no memory for the log");
		if (code) {
			free(log->path);
			free(log);
			return code;
		}
	}
	pthread_mutex_init(&log->lock, NULL);
	log_configure(log, level, format);
	*out = log;
	return 0;
}

void log_close(struct log *log)
{
	if (!log)
		return;
	if (log->path)
		close(log->fd);
	pthread_mutex_destroy(&log->lock);
	free(log->path);
	free(log);
}

int log_reopen(struct log *log, struct error *err)
{
	if (!log->path)
		return 0;
	int fd;
	int code = file_open(log->path, &fd, err);
	if (code)
		return code;
	pthread_mutex_lock(&log->lock);
	int old = log->fd;
	log->fd = fd;
	pthread_mutex_unlock(&log->lock);
	close(old);
	return 0;
}

void log_configure(struct log *log, enum log_level level, enum log_format format)
{
	atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
	atomic_store_explicit(&log->format, (int)format, memory_order_relaxed);
}

static bool put(struct log_line *line, const char *text, size_t size)
{
	if (size > sizeof(line->text) - TAIL - line->size)
		return false;
	memcpy(line->text + line->size, text, size);
	line->size += size;
	return true;
}

static bool put_text(struct log_line *line, const char *text)
{
	return put(line, text, strlen(text));
}

/* A JSON string; also what text format uses for values that need quoting. Bytes of UTF-8 go as they
 * are: paths were checked, and messages are ours. */
static bool put_quoted(struct log_line *line, const char *text)
{
	bool fits = put(line, "\"", 1);
	for (const unsigned char *p = (const unsigned char *)text; *p && fits; p++) {
		char escape[8];
		if (*p == '"' || *p == '\\')
			snprintf(escape, sizeof(escape), "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			snprintf(escape, sizeof(escape), "\\u%04x", *p);
		else
			snprintf(escape, sizeof(escape), "%c", *p);
		fits = put_text(line, escape);
	}
	return fits && put(line, "\"", 1);
}

static bool is_plain(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p <= ' ' || *p == '"' || *p == '\\' || *p == '=' || *p == 0x7f)
			return false;
	return *text != '\0';
}

static bool put_name(struct log_line *line, const char *name)
{
	if (line->format == LOG_FORMAT_JSON)
		return put(line, ",", 1) && put_quoted(line, name) && put(line, ":", 1);
	return put(line, " ", 1) && put_text(line, name) && put(line, "=", 1);
}

static void field(struct log_line *line, const char *name, const char *value, bool number)
{
	if (!line->log)
		return;
	size_t before = line->size;
	bool plain = number || (line->format == LOG_FORMAT_TEXT && is_plain(value));
	if (put_name(line, name) && (plain ? put_text(line, value) : put_quoted(line, value)))
		return;
	line->size = before;
	line->truncated = true;
}

void log_text(struct log_line *line, const char *name, const char *value)
{
	if (value)
		field(line, name, value, false);
}

void log_int(struct log_line *line, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	field(line, name, text, true);
}

static void time_format(char *out, size_t size)
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + n, size - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

void log_begin(struct log *log, struct log_line *line, enum log_level level, const char *message)
{
	if (!log || (int)level < atomic_load_explicit(&log->level, memory_order_relaxed)) {
		line->log = NULL;
		return;
	}
	line->log = log;
	line->format = (enum log_format)atomic_load_explicit(&log->format, memory_order_relaxed);
	line->size = 0;
	line->truncated = false;
	char now[40];
	time_format(now, sizeof(now));
	if (line->format == LOG_FORMAT_JSON) {
		put_text(line, "{\"time\":\"");
		put_text(line, now);
		put_text(line, "\"");
		log_text(line, "level", level_names[level]);
		log_text(line, "message", message);
		return;
	}
	put_text(line, now);
	put_text(line, " ");
	put_text(line, level_names[level]);
	put_text(line, " ");
	if (!put_text(line, message))
		line->truncated = true;
}

void log_end(struct log_line *line)
{
	if (!line->log)
		return;
	bool json = line->format == LOG_FORMAT_JSON;
	char tail[TAIL + 1];
	int n = snprintf(tail, sizeof(tail), "%s%s\n",
		!line->truncated ? ""
		: json		 ? ",\"truncated\":true"
				 : " truncated=true",
		json ? "}" : "");
	assert(n > 0 && n <= TAIL && line->size + (size_t)n <= sizeof(line->text));
	memcpy(line->text + line->size, tail, (size_t)n);
	line->size += (size_t)n;
	pthread_mutex_lock(&line->log->lock);
	ssize_t written = write(line->log->fd, line->text, line->size);
	pthread_mutex_unlock(&line->log->lock);
	(void)written; /* nobody is left to be told */
}

void log_message(struct log *log, enum log_level level, const char *fmt, ...)
{
	char message[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	struct log_line line;
	log_begin(log, &line, level, message);
	log_end(&line);
}
