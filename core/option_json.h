/*
 * Options on the wire: read from a JSON object with faults, written resolved, and a table written
 * for GET /v1/tuners.
 *
 * NNI's ways are accepted: an option under its alias, and the members of "tpe_args" as if they
 * stood one level higher. null takes the choice "none" where there is one, else the default.
 */
#ifndef CORE_OPTION_JSON_H
#define CORE_OPTION_JSON_H

#include "core/faults.h"
#include "core/json.h"
#include "core/option.h"

/* A member that NNI puts among the options although it is none (the goal, the seed): set aside for
 * the caller. An option of the table with that name goes first. value is NULL when absent. */
struct option_extra {
	const char *name;
	const json_t *value; /* borrowed from the object that was read */
	bool nested;	     /* stood in "tpe_args" */
};

/* Reads object into set, over what is there (options_init first). Faults, below at: an unknown
 * name (the known ones are listed), a wrong type, a value out of bounds, a value given twice. A
 * faulty option keeps its value. */
void options_read(json_t *object, const struct path *at, struct option_set *set,
	struct option_extra *extras, size_t n_extras, struct faults *faults);

/* {"gamma":0.25,"n_startup_jobs":20,...}: every option under its own name, in table order; ignored
 * ones are not there. */
void options_write(const struct option_set *set, struct buffer *out);

/* [{"name","type","default","low","high","choices","alias","help"}]: low and high of int and real
 * only (null if open), choices of choice only, alias null if there is none. */
void option_table_write(const struct option *table, struct buffer *out);

#endif
