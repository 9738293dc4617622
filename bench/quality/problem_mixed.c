/*
 * BBOB functions behind parameters of other types. A coordinate z of the function is reached
 *   - from a continuous parameter (uniform, log): z = 10 u - 5, u its place in the unit interval;
 *   - from a countable one with L values: z = z_opt + spacing (rank(k) - rank(k_opt)), where rank
 * is the identity for ordered ones and a random order for categorical ones. So the optimum of the
 * function is a point of the space, or for continuous parameters a limit.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "bench/quality/bbob.h"
#include "bench/quality/problem.h"
#include "core/rng.h"

#define LEVELS 64

struct axis {
	uint32_t rank[LEVELS];	/* of each value; countable ones only */
	double origin, spacing; /* of rank 0; between ranks */
};

struct mixed {
	const struct bbob *bbob;
	struct axis axes[BBOB_DIMENSIONS];
};

#define CHOICE5 "{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}"
#define GRID11	"{\"_type\":\"randint\",\"_value\":[0,11]}"

/* Eight of all kinds, as in the training of a network; six integers; six unordered choices. */
static const char mixed_space[] =
	"{\"u\":{\"_type\":\"uniform\",\"_value\":[-5,5]},"
	"\"rate\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
	"\"share\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
	"\"layers\":{\"_type\":\"int\",\"_value\":{\"low\":1,\"high\":12}},"
	"\"width\":{\"_type\":\"int\",\"_value\":{\"low\":4,\"high\":64,\"step\":4}},"
	"\"batch\":{\"_type\":\"ordinal\",\"_value\":[8,16,32,64,128,256]},"
	"\"kind\":{\"_type\":\"choice\",\"_value\":[\"a\",\"b\",\"c\",\"d\"]},"
	"\"flag\":{\"_type\":\"bool\"}}";
static const char integer_space[] = "{\"a\":" GRID11 ",\"b\":" GRID11 ",\"c\":" GRID11
				    ",\"d\":" GRID11 ",\"e\":" GRID11 ",\"f\":" GRID11 "}";
static const char choice_space[] = "{\"a\":" CHOICE5 ",\"b\":" CHOICE5 ",\"c\":" CHOICE5
				   ",\"d\":" CHOICE5 ",\"e\":" CHOICE5 ",\"f\":" CHOICE5 "}";

static const struct {
	const char *name;
	const char *space;
	unsigned function;
} problems[] = {
	{ "mixed sphere", mixed_space, 1 },
	{ "mixed Rastrigin", mixed_space, 3 },
	{ "mixed Rosenbrock", mixed_space, 8 },
	{ "mixed ellipsoid", mixed_space, 10 },
	{ "mixed powers", mixed_space, 14 },
	{ "mixed Schaffers", mixed_space, 17 },
	{ "integer ellipsoid", integer_space, 10 },
	{ "integer Rastrigin", integer_space, 15 },
	{ "choice sphere", choice_space, 1 },
	{ "choice Rosenbrock", choice_space, 8 },
};

static double value_mixed(const struct problem *problem, const double *x)
{
	const struct mixed *mixed = problem->state;
	double z[BBOB_DIMENSIONS];

	for (size_t i = 0; i < problem->space->n; i++) {
		const struct parameter *parameter = &problem->space->parameters[i];
		const struct axis *axis = &mixed->axes[i];
		if (parameter->n_values == 0)
			z[i] = 10 * parameter_to_unit(parameter, x[i]) - 5;
		else
			z[i] = axis->origin +
			       axis->spacing * axis->rank[parameter_index(parameter, x[i])];
	}
	return bbob_value(mixed->bbob, z);
}

/* A rank drawn at random is the optimum. */
static void draw_axis(
	struct axis *axis, const struct parameter *parameter, double optimum, struct rng *rng)
{
	size_t n = parameter->n_values <= LEVELS ? (size_t)parameter->n_values : 0;

	if (n == 0)
		return;
	for (uint32_t k = 0; k < n; k++)
		axis->rank[k] = k;
	if (parameter->categorical)
		rng_shuffle(rng, n, axis->rank);
	axis->spacing = n > 1 ? 8 / (double)(n - 1) : 0;
	axis->origin = optimum - axis->spacing * (double)rng_below(rng, n);
}

static int add(struct suite *suite, size_t which, unsigned instance, struct error *err)
{
	struct problem *problem = suite_begin(suite, problems[which].name, instance);
	struct mixed *mixed = problem ? arena_alloc(&problem->arena, sizeof(*mixed)) : NULL;
	struct rng rng;

	if (!mixed)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", problems[which].name);
	int code = problem_set_space(problem, err, "%s", problems[which].space);
	if (code != 0)
		return code;
	mixed->bbob =
		bbob_new(&problem->arena, problems[which].function, problem->space->n, instance);
	if (!mixed->bbob)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", problem->name);
	rng_init(&rng, instance, RNG_TEST, 2000 + which);
	for (size_t i = 0; i < problem->space->n; i++)
		draw_axis(&mixed->axes[i], &problem->space->parameters[i], mixed->bbob->x_opt[i],
			&rng);
	problem->state = mixed;
	problem->value = value_mixed;
	problem->optimum = mixed->bbob->f_opt;
	return 0;
}

int suite_add_mixed(struct suite *suite, unsigned instances, struct error *err)
{
	int code = 0;

	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		for (unsigned k = 1; k <= instances && code == 0; k++)
			code = add(suite, i, k, err);
	return code;
}
