/*
 * Three learners, each with parameters of its own (two, three and four). The best settings of them
 * differ by 0.05, so a tuner has to tune each before it can choose. Which learner is best, and
 * where its optimum lies, is the instance's.
 */
#include <math.h>
#include <stdint.h>

#include "bench/quality/problem.h"
#include "core/rng.h"

#define BRANCHES   3
#define PARAMETERS 10 /* the choice and 2 + 3 + 4 */

struct conditional {
	double offset[BRANCHES];
	double target[PARAMETERS]; /* the best u; of a categorical one the best option */
	double weight[PARAMETERS];
};

static const char search_space[] =
	"{\"model\":{\"_type\":\"choice\",\"_value\":["
	"{\"_name\":\"kernel\",\"cost\":{\"_type\":\"loguniform\",\"_value\":[1e-3,1e3]},"
	"\"gamma\":{\"_type\":\"loguniform\",\"_value\":[1e-5,10]}},"
	"{\"_name\":\"forest\",\"trees\":{\"_type\":\"int\",\"_value\":{\"low\":10,\"high\":500,"
	"\"log\":true}},\"depth\":{\"_type\":\"randint\",\"_value\":[2,21]},"
	"\"criterion\":{\"_type\":\"choice\",\"_value\":[\"gini\",\"entropy\",\"log\"]}},"
	"{\"_name\":\"network\",\"rate\":{\"_type\":\"loguniform\",\"_value\":[1e-5,1]},"
	"\"hidden\":{\"_type\":\"int\",\"_value\":{\"low\":4,\"high\":256,\"log\":true}},"
	"\"momentum\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
	"\"activation\":{\"_type\":\"choice\",\"_value\":[\"relu\",\"tanh\",\"gelu\",\"elu\"]}}]}}";

/* The branch's offset, a bowl in its numeric parameters with a term that couples neighbours, and a
 * charge for a wrong option. */
static double value_conditional(const struct problem *problem, const double *x)
{
	const struct conditional *c = problem->state;
	double sum = c->offset[(size_t)x[0]], last = 0;

	for (size_t i = 1; i < problem->space->n; i++) {
		const struct parameter *parameter = &problem->space->parameters[i];
		if (isnan(x[i]))
			continue;
		if (parameter->categorical) {
			sum += x[i] == c->target[i] ? 0 : 0.1 * c->weight[i];
			continue;
		}
		double away = parameter_to_unit(parameter, x[i]) - c->target[i];
		sum += c->weight[i] * (away * away + (away + last) * (away + last));
		last = away;
	}
	return sum;
}

static void draw(struct conditional *c, const struct space *space, struct rng *rng)
{
	uint32_t order[BRANCHES] = { 0, 1, 2 };

	rng_shuffle(rng, BRANCHES, order);
	for (size_t i = 0; i < BRANCHES; i++)
		c->offset[i] = 0.05 * order[i];
	for (size_t i = 1; i < space->n; i++) {
		const struct parameter *parameter = &space->parameters[i];
		c->weight[i] = 0.5 + rng_uniform(rng);
		if (parameter->categorical)
			c->target[i] = (double)rng_below(rng, parameter->n_options);
		else /* of a value there is, so that the bowl's bottom can be had */
			c->target[i] = parameter_to_unit(parameter,
				parameter_from_unit(parameter, 0.15 + 0.7 * rng_uniform(rng)));
	}
}

int suite_add_conditional(struct suite *suite, unsigned instances, struct error *err)
{
	int code = 0;

	for (unsigned k = 1; k <= instances && code == 0; k++) {
		struct problem *problem = suite_begin(suite, "three learners", k);
		struct conditional *c = problem ? arena_alloc(&problem->arena, sizeof(*c)) : NULL;
		struct rng rng;

		if (!c)
			return fail(err, CODE_NO_MEMORY, "no memory for three learners");
		code = problem_set_space(problem, err, "%s", search_space);
		if (code != 0)
			return code;
		rng_init(&rng, k, RNG_TEST, 3000);
		draw(c, problem->space, &rng);
		problem->state = c;
		problem->value = value_conditional;
		problem->optimum = 0;
	}
	return code;
}
