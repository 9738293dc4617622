/* The cairn command: a table of verbs over libcairn. */
#ifndef CLIENTS_C_COMMAND_H
#define CLIENTS_C_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cairn.h"

/* Exit status of the command; documented in cairn(1). */
enum status {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,
	STATUS_USAGE = 2, /* also: a file that cannot be read or written */
	STATUS_UNREACHABLE = 3,
	STATUS_FINISHED = 4,   /* suggest: nothing more to do; observe, heartbeat: work shall end */
	STATUS_NOTHING = 5,    /* suggest: nothing now; wait: time is over */
	STATUS_INTERRUPTED = 6 /* run: by a signal, before the experiment's end */
};

#define ARGUMENTS_MAX 3

/* What the options say; each verb names those it takes. */
struct options {
	bool json, help, resume, own_dir, follow;
	const char *url, *token_file;
	const char *status, *name, *worker, *wait, *lease, *count, *step, *attempt, *failed,
		*timeout;
	/* agent and run */
	const char *slots, *dir, *code, *command, *grace, *time_limit, *retries, *trials,
		*max_failures, *gpus, *gpus_per_trial, *memory, *cpu_time, *file_size, *open_files;
	/* trial */
	const char *checkpoint, *space;
	/* run, export, trial log, trial ls */
	const char *experiment, *format, *tail, *state, *sort;
};

struct context {
	struct cairn *cairn;	     /* NULL for a verb that is alone */
	struct cairn_options client; /* how it was opened, to open more */
	struct options options;
	int n;
	const char *arguments[ARGUMENTS_MAX];
	char **rest; /* behind "--", of a verb that takes a command; NULL: none was given */
};

struct verb {
	const char *name;      /* one word or two */
	const char *arguments; /* as usage shows them; a first one EXPERIMENT must be an id */
	int least, most;       /* arguments */
	const char *options;   /* names it takes beyond those of every verb, space-separated */
	bool patient;	       /* a script's work depends on it: it is tried again for longer */
	const char *help;
	enum status (*run)(struct context *context);
	bool alone;	     /* opens no client, or its own */
	bool rest;	     /* takes words behind "--" */
	const char *section; /* a title that --help prints before it; NULL: none */
};

extern const struct verb verbs[]; /* ends with a NULL name */

struct flag {
	const char *name;
	size_t offset; /* in struct options: of a const char *, or of a bool when value is NULL */
	const char *value, *help;
	bool everywhere; /* every verb takes it, and it may stand before the verb */
};

extern const struct flag flags[]; /* ends with a NULL name; those of every verb come first */

/* ---- arguments.c ---- */

/* Fills the context from the words of a command line (NULL-terminated, without the program's name).
 * *verb stays NULL when there is none. What is wrong is explained on standard error. */
enum status arguments_read(struct context *context, const struct verb **verb, char **words);

/* Does the verb (NULL: none yet) take it? */
bool flag_is_of(const struct verb *verb, const struct flag *flag);

void usage_print(FILE *out);
void usage_print_verb(const struct verb *verb);

/* ---- verbs ---- */

enum status run_suggest(struct context *context);
enum status run_observe(struct context *context);
enum status run_heartbeat(struct context *context);
enum status run_release(struct context *context);
enum status run_update(struct context *context);
enum status run_clone(struct context *context);
enum status run_export(struct context *context);
enum status run_seed(struct context *context);
enum status run_trial_show(struct context *context);
enum status run_trial_kill(struct context *context);
enum status run_trial_retry(struct context *context);
enum status run_trial_add(struct context *context);
enum status run_trial_log(struct context *context);
enum status run_server(struct context *context);
enum status run_completion(struct context *context);
enum status run_agent(struct context *context);
enum status run_run(struct context *context);
enum status run_trial_get(struct context *context);
enum status run_trial_report(struct context *context);
enum status run_trial_final(struct context *context);

/* How far an experiment is, as a line; live: one that is written over. */
void print_progress(FILE *out, const json_t *experiment, bool live);

/* ---- common.c ---- */

/* A request whose answer is JSON; failures are printed. NULL: *status says what to exit with. */
json_t *ask(struct context *context, const char *method, const char *body, enum status *status,
	const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same for an answer that is not JSON. */
char *ask_text(struct context *context, const char *method, const char *body, enum status *status,
	const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same with a JSON body (a reference that is taken). */
json_t *ask_with(struct context *context, json_t *body, enum status *status, const char *path_fmt,
	...) __attribute__((format(printf, 4, 5)));

/* A whole file, or standard input for "-". NULL: the reason is printed. */
char *read_file(const char *name);

/* Percent-encodes text as a value in a query; to be freed. NULL stays NULL. */
char *encode(const char *text);

/* A whole number; false: it is explained that what is none. */
bool read_int(const char *what, const char *text, long long *out);

/* The same within bounds; *out is left alone when text is NULL. */
bool read_count(const char *what, const char *text, long long low, long long high, long long *out);

/* "500ms", "30s", "5m", "1h", "2d" or seconds, as milliseconds up to ten years; *ms is left alone
 * when text is NULL. */
bool read_duration(const char *what, const char *text, int64_t *ms);

/* "512mb", "4gb", or bytes; powers of 1024. *bytes is left alone when text is NULL. */
bool read_size(const char *what, const char *text, int64_t *bytes);

/* A number as C reads it, "nan", "inf", or an object of several metrics; what is nothing of that
 * goes as text, and the server says what it thinks of it. */
json_t *read_value(const char *text);

void print_json(const json_t *value); /* indented */
void print_line(const json_t *value); /* on one line */

/* A member as text for tables, null as "-", never with what a terminal would obey. out: at least 32
 * bytes; longer text is cut. */
const char *show(const json_t *object, const char *name, char *out, size_t size);

/* An answer: all of it as JSON, or one member on a line; answer is let go of. NULL: fails with
 * status. */
enum status print_member(
	const struct context *context, json_t *answer, const char *name, enum status status);

enum status complain(const struct cairn_error *error);

#endif
