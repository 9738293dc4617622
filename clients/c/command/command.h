/* The cairn command: a table of verbs over libcairn. */
#ifndef CLIENTS_C_COMMAND_H
#define CLIENTS_C_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "cairn.h"

/* Exit status of the command; documented in cairn(1). */
enum status {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,
	STATUS_USAGE = 2, /* also: a file that cannot be read or written */
	STATUS_UNREACHABLE = 3,
	STATUS_FINISHED = 4, /* suggest: nothing more to do; observe, heartbeat: work shall end */
	STATUS_NOTHING = 5   /* suggest: nothing now; wait: time is over */
};

#define ARGUMENTS_MAX 3

/* What the options say; each verb names those it takes. */
struct options {
	bool json, help, resume;
	const char *url, *token_file;
	const char *status, *name, *worker, *wait, *lease, *count, *step, *attempt, *failed,
		*timeout;
};

struct context {
	struct cairn *cairn;
	struct options options;
	int n;
	const char *arguments[ARGUMENTS_MAX];
};

struct verb {
	const char *name;
	const char *arguments; /* as usage shows them; a first one EXPERIMENT must be an id */
	int least, most;       /* arguments */
	const char *options;   /* names it takes beyond those of every verb, space-separated */
	bool patient;	       /* a script's work depends on it: it is tried again for longer */
	const char *help;
	enum status (*run)(struct context *context);
};

extern const struct verb verbs[]; /* ends with a NULL name */

enum status run_suggest(struct context *context);
enum status run_observe(struct context *context);
enum status run_heartbeat(struct context *context);
enum status run_release(struct context *context);

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

void print_json(const json_t *value); /* indented */
void print_line(const json_t *value); /* on one line */

/* A member as text for tables, null as "-", never with what a terminal would obey. out: at least 32
 * bytes; longer text is cut. */
const char *show(const json_t *object, const char *name, char *out, size_t size);

enum status complain(const struct cairn_error *error);

#endif
