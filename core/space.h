/*
 * The search space: NNI 2.7's format, strictly validated, of any nesting depth, with our extensions
 * (shared design: api.md "Search space").
 *
 * Nested choices are flattened into one array of parameters in declaration order; a child stands
 * after its parent. A *point* is an array of n doubles, one per parameter:
 *   - categorical (choice, bool, ordinal, layer_choice, input_choice): the option's index, 0 ..
 * n_options-1;
 *   - numeric: the external value (what the trial sees), already quantised and clipped;
 *   - NaN: the parameter is not active in this point.
 * Invariant of a valid point: parameter i is NaN if and only if it is inactive given the others.
 *
 * Unit cube (algorithms.md 0.1): u in [0,1] per parameter. Continuous: linear, or linear in ln x.
 * Integers and stepped: the range is widened by half a step first, so that every grid value has the
 * same mass. q-types keep NNI's 0-anchored grid with clipped end masses (ties to even). Normal
 * family: u = Phi((x - mu) / sigma), in ln x for lognormal. Categorical: u = (index + 1/2) / n.
 *
 * Both bounds of a q-type are values. NNI reaches a bound only where rounding passes it ([2,10,5]:
 * 2, 5, 10); one that rounding cannot reach (the 11 of [1,11,2.5]) takes what is nearer to it than
 * to its neighbour on the grid.
 *
 * A space is immutable once parsed and lives in the arena it was parsed into; threads may share it.
 */
#ifndef CORE_SPACE_H
#define CORE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/faults.h"
#include "core/hash.h"
#include "core/rng.h"

enum parameter_type {
	TYPE_CHOICE,
	TYPE_RANDINT, /* [low, high), ordered integers */
	TYPE_UNIFORM,
	TYPE_QUNIFORM,
	TYPE_LOGUNIFORM,
	TYPE_QLOGUNIFORM,
	TYPE_NORMAL,
	TYPE_QNORMAL,
	TYPE_LOGNORMAL,
	TYPE_QLOGNORMAL,
	TYPE_LAYER_CHOICE,
	TYPE_INPUT_CHOICE, /* {candidates, n_chosen}: options are the subsets, in lexicographic
			      order */
	/* extensions */
	TYPE_INT, /* {low, high, step = 1, log = false}, both ends inclusive, grid anchored at low
		   */
	TYPE_ORDINAL, /* like choice, but the order of the options means something */
	TYPE_BOOL,
	TYPE_FIXED, /* one value; dropped from every model */
	TYPE_COUNT
};

/* Active when the parent is active and takes one of the options in the set. The parent is
 * countable: an option of a numeric one is its parameter_index. */
struct condition {
	int parent; /* index of the parent parameter */
	size_t n;   /* options that activate, ascending */
	const uint32_t *options;
};

struct parameter {
	const char *name;    /* its own name: "rate" */
	const char *address; /* dotted, for people and filters: "op.rate" */
	enum parameter_type type;
	bool categorical; /* unordered: choice, layer_choice, input_choice, bool */
	bool log;	  /* modelled in ln x */
	bool integral;	  /* values are written without a fraction */
	bool normal;	  /* unbounded, normal family */

	size_t n_options; /* categorical, ordinal, bool, fixed; 0 for numeric */
	const char *const
		*options; /* JSON text of each option; NULL for input_choice (made on demand) */
	const char *const *branches;   /* nested choice: _name of each option; else NULL */
	const double *numbers;	       /* each option as a number; NULL unless all are numbers */
	size_t n_candidates, n_chosen; /* input_choice; n_chosen 0: any subset */
	const char *const *candidates; /* input_choice: JSON text of each candidate */

	double low, high;  /* external bounds, inclusive; -inf, inf for the normal family */
	double mu, sigma;  /* normal family, of ln x for lognormal */
	double q;	   /* grid step (q-types, int, randint); 0: continuous */
	double anchor;	   /* the grid is anchor + k q; 0 for q-types, low for int and randint */
	uint64_t n_values; /* distinct values; 0: not countable */

	double fallback;     /* _default in point coordinates, NaN if none */
	size_t n_conditions; /* all must hold; nested children have at least one */
	const struct condition *conditions;
	int owner;	       /* nested child: the choice it is written inside of, else -1 */
	uint32_t owner_option; /* ... and the branch */

	/* Derived once, for core/space*.c and its neighbours. */
	double unit_low, unit_span;  /* the modelled range: widened by half a step, or in ln x */
	double step_units, decimals; /* q is exactly step_units / decimals; decimals 0: it is not */
	double grid_first;	     /* q-types: k of parameter_value(1) */
	const struct key128 *keys;   /* of each option's value (input_choice: each candidate's) */
	const uint32_t *order;	     /* the indexes of keys, ascending by key */
	const int *branch_first;     /* nested choice: first child of each branch, -1: none */
	int next;		     /* the next parameter written in the same object, -1: none */
};

/* What points are equal in, when it is more than their values: isomorphic models, for one. A pure
 * function of the point. */
struct space_identity {
	/* False: the point stands for nothing and must not be tried. */
	bool (*key)(const void *context, const double *x, struct key128 *key);
	const void *context;
	size_t work; /* of one key, in units of some 100 ns */
};

struct space_constraint; /* one compiled parameter constraint */
struct canonical;	 /* declared equivalences */

struct space {
	size_t n;
	const struct parameter *parameters;
	size_t n_constraints;
	const struct space_constraint *constraints;
	const struct canonical *canonical;     /* NULL: points are equal when their values are */
	const struct space_identity *identity; /* NULL: as canonical says */
	uint64_t count; /* points before constraints and canonicalisation; 0: infinite, >= 2^64, or
			   too entangled by _when to be counted */
	bool finite;
	int first; /* the first parameter written at the top, -1: none */
};

/* Reads a space from JSON text: {"search_space": ..., "parameter_constraints": [...], "canonical":
 * ...}'s three parts; constraints and canonical may be NULL. All faults are reported, each with its
 * JSON pointer, which starts with the part's name. 0, CODE_INVALID (see faults) or CODE_NO_MEMORY.
 * *out lives in arena. */
int space_parse(const char *space_json, const char *constraints_json, const char *canonical_json,
	struct arena *arena, const struct space **out, struct faults *faults, struct error *err);

/* Index of the parameter with that dotted address, or -1. The first in declaration order when two
 * branches share an address. */
int space_find(const struct space *space, const char *address);

/* Is parameter i active, given the values of the parameters before it? */
bool space_active(const struct space *space, const double *x, size_t i);

/* Walks in declaration order: sets inactive parameters to NaN and draws the active ones that are
 * NaN. */
void space_complete(const struct space *space, struct rng *rng, double *x);

/* An independent draw from the declared distributions, constraints not applied. */
void space_sample(const struct space *space, struct rng *rng, double *x);

/* space_sample, again until the constraints hold, at most LIMIT_FEASIBLE_DRAWS times: 0 or
 * CODE_EXHAUSTED. */
int space_sample_feasible(const struct space *space, struct rng *rng, double *x);

/* Goes through the points of a finite space, constraints not applied: the first, and the one after
 * x; false after the last one, which the first follows. */
void space_first(const struct space *space, double *x);
bool space_next(const struct space *space, double *x);

/* The declared defaults; parameters without one take the middle of the unit cube (option 0 if
 * categorical). */
void space_default(const struct space *space, double *x);

/* All parameter constraints hold; one that names an inactive parameter holds. */
bool space_feasible(const struct space *space, const double *x);

/* A valid point of this space: right parameters active, values inside and on their grids. */
bool space_contains(const struct space *space, const double *x);

/* One coordinate to and from the unit interval. from_unit clips u into [0,1] and quantises. */
double parameter_to_unit(const struct parameter *parameter, double value);
double parameter_from_unit(const struct parameter *parameter, double u);
/* The legal value for value, as the type rounds and clips; a legal value stays itself. */
double parameter_quantise(const struct parameter *parameter, double value);

/* The k-th value of a countable parameter, ascending, k < n_values; and back (nearest). */
double parameter_value(const struct parameter *parameter, uint64_t k);
uint64_t parameter_index(const struct parameter *parameter, double value);

/* The candidates that value of an input_choice stands for, ascending; how many. picked has room for
 * n_candidates. */
size_t parameter_subset(const struct parameter *parameter, double value, uint32_t *picked);

/* A whole point; inactive parameters: u = 1/2. from_unit makes a valid point (activity from the
 * parents). */
void space_to_unit(const struct space *space, const double *x, double *u);
void space_from_unit(const struct space *space, const double *u, double *x);

/* Same key: the same point, up to the declared canonicalisation. */
void space_key(const struct space *space, const double *x, struct key128 *key);
/* The same without the identity: by values and the declared canonicalisation. */
void space_value_key(const struct space *space, const double *x, struct key128 *key);

/* False when the canonical declaration (no_repeats) or the identity rules the point out
 * altogether. */
bool space_canonical_ok(const struct space *space, const double *x);

/* Parameters as the trial sees them, e.g. {"lr":0.01,"op":{"_name":"conv","k":3}}. */
void space_write(const struct space *space, const double *x, struct buffer *out);

/* And back, strictly: unknown or missing parameters, values outside, wrong types are faults, with
 * pointers below /parameters. A number may be off its grid or bound by a relative 1e-9, and x gets
 * the exact value. x[n] is the caller's. complete: missing parameters are not faults but come out
 * NaN (for space_complete). 0, CODE_MALFORMED, CODE_INVALID (see faults), CODE_NO_MEMORY. */
int space_read(const struct space *space, const char *json, bool complete, double *x,
	struct faults *faults, struct error *err);

#endif
