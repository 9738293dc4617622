/* A cairnd of one's own, on SQLite, for as long as cairn run runs. */
#ifndef CLIENTS_C_LOCAL_H
#define CLIENTS_C_LOCAL_H

#include <stdbool.h>

#include "process.h"

struct local {
	struct process process;
	int lock;   /* held while it uses the database */
	int output; /* its standard output: where it listens */
	int restarts;
	char directory[4096];
	char address[64]; /* host:port; the same after a restart */
	char url[80];
};

/* Starts the server on DIRECTORY/cairn.db (it logs to cairnd.log there). False: the reason is
 * printed. */
bool local_start(struct local *local, const char *directory);

/* Starts it again should it have ended. False: it does so again and again. */
bool local_keep(struct local *local);

/* Becomes the server on that database, with n more arguments; returns only when it cannot, and the
 * reason is printed. */
void local_exec(const char *directory, char *const *arguments, size_t n);

/* SIGTERM, and waits. */
void local_stop(struct local *local);

#endif
