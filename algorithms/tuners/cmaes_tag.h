/*
 * What CMA-ES writes on its trials: which state a point was drawn from, the point before it was
 * rounded to steps, and a piece of the state itself. The trials of a generation carry the state
 * between them, so that it is read back and not folded from the whole history: one trial is enough
 * for 26 parameters, 14 carry the 43 kB of 100.
 *
 * A tag: struct cmaes_tag, raw[d], the piece. Words as on the machine, which is little-endian.
 */
#ifndef ALGORITHMS_TUNERS_CMAES_TAG_H
#define ALGORITHMS_TUNERS_CMAES_TAG_H

#include "algorithms/tuners/cmaes_state.h"

#define CMAES_TAG_WIDENED 1u

struct cmaes_tag {
	uint64_t fingerprint; /* of the model */
	uint64_t start;	      /* names the search: cmaes_head */
	uint64_t state;	      /* digest of the state drawn from */
	uint32_t run, generation;
	uint32_t index; /* of the trial among those drawn from this state */
	uint32_t flags;
};

/* The tag of a trial that was proposed by a search of this model. False: it is another's. *raw (not
 * NULL) is in the tag and need not be aligned. */
bool cmaes_tag_read(const struct cmaes_model *model, const struct trial *trial,
	struct cmaes_tag *tag, const char **raw);

/* The newest of them; NULL: there is none. */
const struct trial *cmaes_tag_newest(const struct cmaes_model *model, struct cmaes_tag *tag);

/* Reads the newest state that the tags of the search that began at start carry all pieces of.
 * False: there is none, cmaes is as it was. */
bool cmaes_tag_load(struct cmaes *cmaes, uint64_t start);

/* The tag of a point drawn from this state. 0 or CODE_NO_MEMORY. */
int cmaes_tag_write(const struct cmaes *cmaes, const double *raw, bool widened, struct arena *arena,
	struct bytes *out);

#endif
