/* What a trial writes to standard output and error: a file in its directory, copied to the server.
 */
#ifndef CLIENTS_C_JOURNAL_H
#define CLIENTS_C_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cairn.h"

#define JOURNAL_FILE "trial.log"

struct journal {
	int writing, reading; /* descriptors; writing appends, and becomes the trial's output */
	int64_t base;	      /* bytes on the server that earlier attempts have left; -1: unknown */
	int64_t copied;	      /* of the file */
	int64_t next_ms;      /* no attempt before */
	bool full;	      /* the server takes no more: 16 MiB, or a refusal */
};

/* False: errno says why. */
bool journal_open(struct journal *journal, const char *directory);
void journal_close(struct journal *journal);

/* A line from the agent, for whoever reads the log. */
void journal_note(struct journal *journal, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Copies what is new, some of it at a time and not more often than every second; all: all of it
 * now, as far as the server is there. */
void journal_upload(struct journal *journal, struct cairn_trial *trial, bool all);

/* The last line with something in it, printable; "" if there is none. */
void journal_last_line(struct journal *journal, char *out, size_t size);

#endif
