/*
 * What a trial says to its agent: records appended to .nni/metrics in the trial's directory, as
 * NNI's trials on a local machine write them, so that those run as they are. A record is "ME", the
 * length of the rest in six digits, and one object as JSON with a line break.
 *
 *   {"type":"PERIODICAL","sequence":3,"value":"0.5"}      by NNI: value is JSON in a string
 *   {"type":"FINAL","value":0.93,"checkpoint":"model.pt"} by cairn trial report and final
 *
 * "step" names a step as the server counts them; "sequence" counts the reports of this process.
 */
#ifndef CLIENTS_C_SPOOL_H
#define CLIENTS_C_SPOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_FILE   ".nni/metrics"
#define SPOOL_RECORD 1000000 /* bytes, header included: what six digits can say */

struct spool {
	int file; /* -1: none */
	int64_t offset;
	int64_t start;	      /* steps that earlier attempts have done */
	int64_t last_step;    /* the highest one of this attempt */
	bool counts_from_one; /* steps are units of a resource */
	char *record;	      /* the current one, NUL-terminated */
	int64_t size;	      /* of it, in the file */
	int64_t step;	      /* the highest one with it; last_step once it is done */
};

enum spool_next {
	SPOOL_RECORD_READY,
	SPOOL_NOTHING, /* now */
	SPOOL_BROKEN   /* what follows is no record, and nothing behind it can be read */
};

/* False: there is no memory. The file may come to be later. */
bool spool_open(struct spool *spool, int64_t start, bool counts_from_one);
void spool_close(struct spool *spool);

/* Reads the record at the offset into record; spool_done goes on to the next one. Begins again at 0
 * when the file has become shorter: somebody has opened it anew. */
enum spool_next spool_next(struct spool *spool, const char *directory);
void spool_done(struct spool *spool);

/* The record as an observation without trial and attempt (a new reference). NULL: it is none; *why
 * says what it is instead, NULL where that needs no mention. */
json_t *spool_observation(struct spool *spool, const char **why);

/* Appends a record. False: errno says why. */
bool spool_write(const char *directory, const json_t *record);

#endif
