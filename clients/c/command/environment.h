/* The environment of a trial: the agent's own, what it says of the trial, and the parameters. */
#ifndef CLIENTS_C_ENVIRONMENT_H
#define CLIENTS_C_ENVIRONMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct environment {
	char **items; /* NAME=value, then NULL, as execve(2) takes them */
	size_t n, room;
	bool failed; /* there was no memory; items is then not to be used */
};

/* What base has, without what an agent says of a trial (it may run in one itself). */
void environment_init(struct environment *environment, char *const *base);
void environment_release(struct environment *environment);

/* The first one of a name counts; base comes last. */
void environment_set(struct environment *environment, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Makes programs of a directory found, after those of PATH. */
void environment_add_path(struct environment *environment, const char *directory);

/*
 * Every parameter as CAIRN_PARAM_NAME: a text as it is, everything else as JSON; of a nested choice
 * op, CAIRN_PARAM_op is the name of the option and CAIRN_PARAM_op_rate its parameter rate. In names
 * everything but letters, digits and "_" becomes "_"; of two that become the same the first stays.
 * What is longer than a variable can be (64 KiB) is left out: the JSON file has it.
 */
void environment_add_parameters(struct environment *environment, const json_t *parameters);

/* The value of a variable; NULL: there is none. */
const char *environment_get(const struct environment *environment, const char *name);

#endif
