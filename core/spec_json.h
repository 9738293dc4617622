/* What spec_json.c (the body's fields), spec_algorithm_json.c (tuner and assessor) and
 * spec_write_json.c (the canonical text) share: an experiment's spec in the making. */
#ifndef CORE_SPEC_JSON_H
#define CORE_SPEC_JSON_H

#include "core/faults.h"
#include "core/json.h"
#include "core/spec.h"

/* NNI's optimize_mode, found among the options of a tuner or assessor. */
struct wish {
	bool given, maximize;
	const char *member; /* "options" or "classArgs" */
	bool nested;	    /* in tpe_args below that */
};

struct spec_draft {
	struct spec spec;
	const struct catalog *catalog;
	struct arena *arena;
	struct faults *faults;
	bool patch; /* what is being read changes an experiment */
	bool name_given, tuner_given, objectives_given;
	bool no_memory;
	/* Kept as they were written; borrowed from the documents. NULL: absent. */
	json_t *search_space, *model_space, *parameter_constraints, *canonical;
	const char *points; /* the search space of model_space, as JSON; NULL: absent */
	struct wish tuner_wish, assessor_wish;
};

/* spec_json.c, for all. A text of least..most bytes (fault and NULL otherwise); plain: without
 * control characters. */
const char *spec_read_text(struct spec_draft *draft, const struct path *at, const json_t *value,
	size_t least, size_t most, bool plain);

/* An integer from low to high; 100.0 is one. */
bool spec_read_integer(struct spec_draft *draft, const struct path *at, const json_t *value,
	int64_t low, int64_t high, int64_t *out);

/* A fault for every member of object that is not among names. */
void spec_check_members(struct spec_draft *draft, const struct path *at, json_t *object,
	const char *const *names, size_t n);

/* spec_algorithm_json.c: "tuner" and "assessor", and what their optimize_mode means for the
 * objectives, once all is read. */
void spec_read_tuner(struct spec_draft *draft, const struct path *at, json_t *value);
void spec_default_tuner(struct spec_draft *draft); /* for the objectives read so far */
void spec_read_assessor(struct spec_draft *draft, const struct path *at, json_t *value);
void spec_apply_wishes(struct spec_draft *draft);

/* spec_space_json.c: sets spec.space and spec.model; faults, 0 or CODE_NO_MEMORY. */
int spec_read_space(struct spec_draft *draft, struct error *err);

/* spec_write_json.c: sets spec.json. */
int spec_write(struct spec_draft *draft, struct error *err);

#endif
