/*
 * Parameter constraints: one comparison of two arithmetic expressions over the parameters, such as
 * "l2 <= l1" or "log(lr) * 2 < min(a, 3)", compiled once to postfix code.
 *
 * Names are addresses ("op.rate"); one with other characters than letters, digits, _ and . stands
 * in backquotes: `learning-rate`. Operators + - * /, unary -, parentheses, one of == != < <= > >=;
 * functions log (natural), exp, sqrt, abs, floor, ceil of one argument, min and max of two or more.
 */
#ifndef CORE_CONSTRAINT_H
#define CORE_CONSTRAINT_H

#include "core/json.h"
#include "core/space.h"

#define CONSTRAINT_TEXT_MAX 1024 /* bytes */
#define CONSTRAINT_CODE_MAX 256	 /* instructions, hence also the depth of the stack */

struct instruction {
	int operation; /* of the private table */
	int parameter; /* of a load */
	bool more;     /* of a load: the next instruction is its alternative in another branch */
	double number; /* of a constant */
};

struct space_constraint {
	const char *text; /* as declared */
	size_t n;
	const struct instruction *code;
};

/* Compiles a JSON list of strings. 0, with faults for what is wrong, or CODE_NO_MEMORY. */
int constraints_read(const json_t *list, const struct space *space, const struct path *at,
	struct arena *arena, const struct space_constraint **out, size_t *n_out,
	struct faults *faults);

/* A constraint that looks at an inactive parameter holds; one that comes to NaN does not. */
bool constraint_holds(
	const struct space_constraint *constraint, const struct space *space, const double *x);

/* The same language without a comparison, such as "hidden * 2". 0, with faults for what is wrong
 * (then *out has no value), or CODE_NO_MEMORY. */
int expression_read(const char *text, const struct space *space, const struct path *at,
	struct arena *arena, const struct space_constraint **out, struct faults *faults);

/* NaN where it looks at an inactive parameter. */
double expression_value(
	const struct space_constraint *expression, const struct space *space, const double *x);

/* Sets used[i] for the parameters it looks at. */
void constraint_mark(const struct space_constraint *constraint, bool *used);

#endif
