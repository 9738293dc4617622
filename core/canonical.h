/*
 * Declared equivalences of points: some parameters form a sequence of steps, such as the operators
 * of a pipeline. Steps whose option is ignored ("none") drop out; the rest are compared as a list,
 * or as a multiset when their order means nothing, each with its sub-parameters by name, whichever
 * slot it stands in.
 */
#ifndef CORE_CANONICAL_H
#define CORE_CANONICAL_H

#include "core/json.h"
#include "core/space.h"

struct canonical_group {
	size_t n_slots, n_ignored;
	const int *slots;	      /* parameters */
	const struct key128 *ignored; /* keys of option values */
	bool ordered, no_repeats;
};

struct canonical {
	size_t n_groups;
	const struct canonical_group *groups;
	const bool *covered; /* per parameter: a slot, or inside one */
};

/* One declaration or a list of them. 0, with faults, or CODE_NO_MEMORY. */
int canonical_read(json_t *value, const struct space *space, const struct path *at,
	struct arena *arena, const struct canonical **out, struct faults *faults);

/* canonical may be NULL, nothing declared, in these: */
bool canonical_covers(const struct canonical *canonical, size_t parameter);
void canonical_key(const struct canonical *canonical, const struct space *space, const double *x,
	struct key128 *key); /* mixes the groups into key */
bool canonical_holds(const struct canonical *canonical, const struct space *space, const double *x);

#endif
