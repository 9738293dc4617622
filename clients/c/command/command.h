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
	STATUS_USAGE = 2,
	STATUS_UNREACHABLE = 3,
	STATUS_FINISHED = 4, /* suggest: nothing more to do */
	STATUS_NOTHING = 5   /* suggest: nothing now; wait: time is over */
};

#define ARGUMENTS_MAX 8

/* What the options say; each verb names those it takes. */
struct options {
	bool json;
	const char *status, *name, *worker, *wait, *lease, *failed, *timeout, *label;
	const char *count, *step;
};

struct context {
	struct cairn *cairn;
	struct options options;
	int n;
	const char *arguments[ARGUMENTS_MAX];
};

struct verb {
	const char *name;
	const char *arguments; /* as usage shows them */
	int least, most;       /* arguments */
	const char *options;   /* names it takes beyond --json, space-separated */
	const char *help;
	enum status (*run)(struct context *context);
};

extern const struct verb verbs[]; /* ends with a NULL name */

/* A request whose answer is JSON; failures are printed. NULL: *status says what to exit with. */
json_t *ask(struct context *context, const char *method, const char *body, enum status *status,
	const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same for an answer that is not JSON. */
char *ask_text(struct context *context, const char *method, const char *body, enum status *status,
	const char *path_fmt, ...) __attribute__((format(printf, 5, 6)));

/* A whole file, or standard input for "-". NULL: the reason is printed. */
char *read_file(const char *name);

/* Percent-encodes text as one part of a path or query. */
void encode(char *out, size_t size, const char *text);

void print_json(const json_t *value);

/* A member as text, for tables: strings bare, numbers short, null as "-". out: at least 64 bytes.
 */
const char *show(const json_t *object, const char *name, char *out, size_t size);

enum status complain(const struct cairn_error *error);

#endif
