/*
 * A fork: a new trial that goes on, with other parameters, from the state another one had reached.
 * Population based training makes them. The tag of the trial says where it was forked and from
 * which checkpoint, so that whoever gets it, now or after a lost lease, starts from the same state
 * although its parent has gone on meanwhile.
 */
#ifndef ALGORITHMS_TUNERS_FORK_H
#define ALGORITHMS_TUNERS_FORK_H

#include "core/arena.h"
#include "core/error.h"
#include "core/trial.h"

struct fork {
	uint32_t slot;		 /* the member of the population that it is now */
	int64_t start;		 /* resource its parent had reached; 0: it starts from nothing */
	struct bytes checkpoint; /* the parent's last one then; empty: none was reported */
};

/* As a tag, in arena. A checkpoint that is too long for one is left out. 0 or CODE_NO_MEMORY. */
int fork_write(const struct fork *fork, struct arena *arena, struct bytes *out, struct error *err);

/* False: the trial's tag is none of these; *out is empty then. The checkpoint is the tag's. */
bool fork_read(const struct trial *trial, struct fork *out);

/* Resource with which the trial began; 0: with nothing. */
int64_t fork_start(const struct trial *trial);

#endif
