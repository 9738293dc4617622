#include "algorithms/tuners/cmaes_model.h"

#include <math.h>
#include <string.h>

#define BISECTIONS 52 /* a threshold in [0, 1] to the last bit that matters */

const struct option cmaes_options[] = {
	{ .name = "popsize",
		.type = OPTION_INT,
		.low = 0,
		.high = CMAES_POPSIZE_MAX,
		.fallback = "0",
		.help = "results that make one generation, at least 4; 0: 4 + 3 ln(parameters)",
		.alias = "population_size" },
	{ .name = "sigma0",
		.type = OPTION_REAL,
		.low = 1e-3,
		.high = 1,
		.fallback = "0.167",
		.help = "standard deviation at the start of a run, as a share of each parameter's "
			"range" },
	{ .name = "restarts",
		.type = OPTION_CHOICE,
		.choices = "none|ipop|bipop",
		.fallback = "bipop",
		.help = "when a run has converged: ipop starts anew with twice the popsize, bipop "
			"does so in turn with small local runs, none stays" },
	{ .name = "warm_start",
		.type = OPTION_CHOICE,
		.choices = "auto|none",
		.fallback = "auto",
		.help = "auto: results that are there at the start (seeds, custom trials, another "
			"tuner's) give the first distribution" },
	{ .name = "margin",
		.type = OPTION_BOOL,
		.fallback = "true",
		.help = "keep integers and steps from freezing: each keeps a probability to "
			"change" },
	{ .name = "active",
		.type = OPTION_BOOL,
		.fallback = "true",
		.help = "learn from bad points as well (negative weights)" },
	{ .name = "tolerance",
		.type = OPTION_REAL,
		.low = 0,
		.high = 1,
		.fallback = "1e-12",
		.help = "a run has converged when its results, or its width as a share of sigma0, "
			"vary by less" },
	{ .name = NULL },
};

bool cmaes_unordered(const struct parameter *parameter)
{
	return parameter->categorical && parameter->n_options > 2;
}

static bool is_stepped(const struct parameter *parameter)
{
	return parameter->n_values > 0 || parameter->q > 0;
}

static void mix_real(struct key128 *key, double value)
{
	uint64_t word;

	memcpy(&word, &value, sizeof(word));
	key_mix(key, word);
}

static void mix_parameter(struct key128 *key, const struct parameter *parameter)
{
	const double numbers[] = { parameter->low, parameter->high, parameter->mu, parameter->sigma,
		parameter->q };

	key_mix_bytes(key, parameter->address, strlen(parameter->address));
	key_mix(key, (uint64_t)parameter->type);
	key_mix(key, parameter->log);
	key_mix(key, parameter->n_values);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		mix_real(key, numbers[i]);
}

static uint64_t fingerprint(const struct cmaes_model *model)
{
	const struct spec *spec = model->view->spec;
	struct key128 key;

	key_init(&key, model->d);
	for (size_t i = 0; i < model->d; i++)
		mix_parameter(&key, &spec->space->parameters[model->parameters[i]]);
	for (size_t i = 0; i < spec->tuner_options.n; i++) {
		const struct option_value *value = &spec->tuner_options.values[i];
		key_mix(&key, value->flag);
		key_mix(&key, value->choice);
		mix_real(&key, value->real);
	}
	return key.low;
}

static void read_options(struct cmaes_model *model)
{
	const struct option_set *options = &model->view->spec->tuner_options;
	int64_t popsize = option_int(options, "popsize");
	double automatic = 4 + floor(3 * log((double)(model->d ? model->d : 1)));

	model->popsize = popsize > 0 ? (size_t)popsize : (size_t)automatic;
	if (model->popsize < CMAES_POPSIZE_MIN)
		model->popsize = CMAES_POPSIZE_MIN;
	model->sigma = option_real(options, "sigma0");
	model->tolerance = option_real(options, "tolerance");
	model->active = option_flag(options, "active");
	model->margin = option_flag(options, "margin");
	model->warm = option_is(options, "warm_start", "auto");
	model->restarts = option_is(options, "restarts", "none")   ? RESTARTS_NONE
			  : option_is(options, "restarts", "ipop") ? RESTARTS_IPOP
								   : RESTARTS_BIPOP;
}

int cmaes_model_init(struct cmaes_model *model, const struct view *view, struct arena *arena)
{
	const struct space *space = view->spec->space;
	size_t room = space->n ? space->n : 1;
	uint32_t *parameters = arena_array(arena, room, sizeof(*parameters));
	bool *stepped = arena_array(arena, room, sizeof(*stepped));

	if (!parameters || !stepped)
		return CODE_NO_MEMORY;
	*model = (struct cmaes_model){
		.view = view,
		.parameters = parameters,
		.stepped = stepped,
	};
	for (size_t i = 0; i < space->n; i++) {
		if (space->parameters[i].n_values == 1)
			continue;
		parameters[model->d] = (uint32_t)i;
		stepped[model->d] = is_stepped(&space->parameters[i]);
		model->n_stepped += stepped[model->d];
		model->d++;
	}
	read_options(model);
	model->fingerprint = fingerprint(model);
	return 0;
}

void cmaes_decode(const struct cmaes_model *model, const double *u, double *x)
{
	const struct space *space = model->view->spec->space;

	for (size_t i = 0; i < space->n; i++)
		x[i] = parameter_from_unit(&space->parameters[i], 0.5);
	for (size_t i = 0; i < model->d; i++) {
		uint32_t at = model->parameters[i];
		x[at] = parameter_from_unit(&space->parameters[at], u[i]);
	}
}

void cmaes_encode(const struct cmaes_model *model, const double *x, double *u)
{
	const struct space *space = model->view->spec->space;

	for (size_t i = 0; i < model->d; i++) {
		uint32_t at = model->parameters[i];
		u[i] = parameter_to_unit(&space->parameters[at], x[at]);
	}
}

/* The value one step down (or up) from value; value itself at the end. */
static double neighbour(const struct parameter *parameter, double value, bool up)
{
	if (parameter->n_values == 0) /* the normal family: a grid without an end */
		return parameter_quantise(
			parameter, up ? value + parameter->q : value - parameter->q);
	uint64_t k = parameter_index(parameter, value);
	if (up ? k + 1 >= parameter->n_values : k == 0)
		return value;
	return parameter_value(parameter, up ? k + 1 : k - 1);
}

/* Where value begins to be, above the coordinates of a smaller one. */
static double threshold(const struct parameter *parameter, double below, double value)
{
	double low = parameter_to_unit(parameter, below);
	double high = parameter_to_unit(parameter, value);

	/* Not the middle: grids in ln x, clipped end steps and ties have their own rules. */
	for (int i = 0; i < BISECTIONS; i++) {
		double middle = 0.5 * (low + high);
		if (parameter_from_unit(parameter, middle) < value)
			low = middle;
		else
			high = middle;
	}
	return high;
}

void cmaes_step(const struct cmaes_model *model, size_t i, double u, double *low, double *high)
{
	const struct parameter *parameter =
		&model->view->spec->space->parameters[model->parameters[i]];
	double value = parameter_from_unit(parameter, u);
	double below = neighbour(parameter, value, false);
	double above = neighbour(parameter, value, true);

	*low = below < value ? threshold(parameter, below, value) : -(double)INFINITY;
	*high = above > value ? threshold(parameter, value, above) : (double)INFINITY;
}
