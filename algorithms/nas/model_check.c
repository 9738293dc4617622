/* Samples that must fit together before a model space is accepted: all of them where they are few;
 * else the default, every single change of it, and random ones, as far as a budget goes. What is
 * not looked at here and does not fit is never handed out (space_identity). */
#include <math.h>
#include <string.h>

#include "algorithms/nas/model_internal.h"

#define CHECK_SEED    0x5eed	 /* any constant: the verdict on a space must not vary */
#define CHECK_NODES   (1u << 17) /* frozen in all: some tens of milliseconds */
#define CHECK_SAMPLES 2000
#define CHECK_FAULTS  8 /* places reported; the rest would say the same again */

struct checker {
	struct model_reader *reader;
	struct arena scratch;
	double *x;
	size_t nodes, samples, n_places;
	const struct path *places[CHECK_FAULTS];
	bool fits; /* some sample did */
};

static bool checker_done(const struct checker *checker)
{
	return checker->nodes > CHECK_NODES || checker->samples > CHECK_SAMPLES ||
	       checker->n_places == CHECK_FAULTS;
}

static void misfit_report(struct checker *checker, const struct misfit *misfit)
{
	struct buffer *text = &checker->reader->text;
	for (size_t i = 0; i < checker->n_places; i++)
		if (checker->places[i] == misfit->at)
			return;
	checker->places[checker->n_places++] = misfit->at;
	buffer_clear(text);
	space_write(checker->reader->model->space, checker->x, text);
	fault_add(checker->reader->faults, misfit->at, "%.160s (in the sample %.80s)",
		misfit->message, buffer_text(text));
}

/* x as it stands. */
static int sample_check(struct checker *checker)
{
	struct model_space *model = checker->reader->model;
	const struct model_graph *graph;
	struct misfit misfit;

	if (!space_feasible(model->space, checker->x)) {
		checker->samples++;
		return 0;
	}
	arena_reset(&checker->scratch);
	int rc = freeze(model, checker->x, &checker->scratch, &graph, &misfit);
	if (rc == CODE_NO_MEMORY)
		return model_no_memory(checker->reader);
	size_t cost = 8 + checker->scratch.used / sizeof(struct model_node);
	checker->samples++;
	checker->nodes += cost;
	if (cost > model->work)
		model->work = cost;
	if (rc == CODE_INVALID)
		misfit_report(checker, &misfit);
	else
		checker->fits = true;
	return 0;
}

/* Sets what is active and has no value to the default, the rest to none. */
static void defaults_fill(const struct space *space, const double *defaults, double *x)
{
	for (size_t i = 0; i < space->n; i++) {
		if (!space_active(space, x, i))
			x[i] = (double)NAN;
		else if (isnan(x[i]))
			x[i] = isnan(defaults[i]) ? parameter_value(&space->parameters[i], 0)
						  : defaults[i];
	}
}

static int changes_check(struct checker *checker, double *defaults)
{
	const struct space *space = checker->reader->model->space;
	space_default(space, defaults);
	memcpy(checker->x, defaults, space->n * sizeof(*defaults));
	int rc = sample_check(checker);
	for (size_t i = 0; i < space->n; i++) {
		/* Where a change of a parent makes it active: with the parent's last value. */
		for (uint64_t k = 0; k < space->parameters[i].n_values && !rc; k++) {
			if (checker_done(checker))
				return 0;
			memcpy(checker->x, defaults, space->n * sizeof(*defaults));
			size_t child = i;
			while (space->parameters[child].n_conditions > 0) {
				const struct condition *c = space->parameters[child].conditions;
				if (isnan(defaults[child]))
					checker->x[c->parent] =
						parameter_value(&space->parameters[c->parent],
							c->options[c->n - 1]);
				child = (size_t)c->parent;
			}
			checker->x[i] = parameter_value(&space->parameters[i], k);
			defaults_fill(space, defaults, checker->x);
			rc = sample_check(checker);
		}
	}
	return rc;
}

static int random_check(struct checker *checker)
{
	const struct space *space = checker->reader->model->space;
	struct rng rng;
	int rc = 0;
	rng_init(&rng, CHECK_SEED, RNG_SPACE, 0);
	while (!rc && !checker_done(checker)) {
		space_sample(space, &rng, checker->x);
		rc = sample_check(checker);
	}
	return rc;
}

static int every_check(struct checker *checker)
{
	const struct space *space = checker->reader->model->space;
	int rc = 0;
	space_first(space, checker->x);
	do
		rc = sample_check(checker);
	while (!rc && !checker_done(checker) && space_next(space, checker->x));
	return rc;
}

int samples_check(struct model_reader *reader)
{
	const struct space *space = reader->model->space;
	struct checker checker = { .reader = reader };
	double *defaults = arena_array(reader->arena, space->n, sizeof(*defaults));
	static const struct path at = { NULL, "model_space", 0 };
	int rc;

	checker.x = arena_array(reader->arena, space->n, sizeof(*checker.x));
	if (!checker.x || !defaults)
		return model_no_memory(reader);
	arena_init(&checker.scratch, 0);
	if (space->count > 0 && space->count <= CHECK_SAMPLES)
		rc = every_check(&checker);
	else
		rc = changes_check(&checker, defaults);
	if (!rc)
		rc = random_check(&checker);
	arena_release(&checker.scratch);
	if (!rc && !checker.fits && checker.n_places == 0)
		fault_add(reader->faults, &at, "no sample was found that the constraints allow");
	return rc;
}
