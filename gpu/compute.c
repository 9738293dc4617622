#include "gpu/compute_internal.h"

#include <assert.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/gp_fit.h"

#define PLUGIN	  "cairn_cuda.so"
#define PATH_SIZE 4096

/* ---- opening ---- */

static void set_trouble(struct compute *compute, const char *message)
{
	int none = TROUBLE_NONE;
	if (!atomic_compare_exchange_strong(&compute->trouble_state, &none, TROUBLE_WRITING))
		return;
	snprintf(compute->trouble, sizeof(compute->trouble), "%s", message);
	atomic_store(&compute->trouble_state, TROUBLE_WRITTEN);
}

static int open_engine(struct engine *engine, const struct compute_backend *ops, struct error *err)
{
	if (ops->abi != COMPUTE_ABI)
		return fail(err, CODE_UNAVAILABLE,
			"the back end speaks version %u of the interface, not %d", ops->abi,
			COMPUTE_ABI);
	engine->self = ops->open(engine->fingerprint, sizeof(engine->fingerprint), err);
	if (!engine->self)
		return CODE_UNAVAILABLE;
	engine->ops = ops;
	return 0;
}

int compute_new(const struct compute_backend *device, struct compute **out, struct error *err)
{
	struct compute *compute = calloc(1, sizeof(*compute));
	if (!compute)
		return fail(err, CODE_NO_MEMORY, "no memory for a compute");
	int code = open_engine(&compute->cpu, &compute_cpu, err);
	if (code == 0 && device)
		code = open_engine(&compute->device, device, err);
	if (code) {
		compute_close(compute);
		return code;
	}
	*out = compute;
	return 0;
}

/* The directory of the program itself, as the default place of the plug-in. */
static bool program_directory(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);
	if (length <= 0)
		return false;
	path[length] = 0;
	char *slash = strrchr(path, '/');
	if (!slash)
		return false;
	*slash = 0;
	return true;
}

static void *load_from(const char *directory, struct error *err)
{
	char path[PATH_SIZE];
	int length = snprintf(path, sizeof(path), "%s/" PLUGIN, directory);
	if (length < 0 || (size_t)length >= sizeof(path)) {
		fail(err, CODE_UNAVAILABLE, "the plug-in directory's name is too long");
		return NULL;
	}
	void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!plugin)
		fail(err, CODE_UNAVAILABLE, "no CUDA: %s", dlerror());
	return plugin;
}

static void *load_plugin(const char *directory, struct error *err)
{
	char beside[PATH_SIZE];
	if (directory)
		return load_from(directory, err);
	void *plugin = NULL;
	if (program_directory(beside, sizeof(beside)))
		plugin = load_from(beside, err);
	return plugin ? plugin : load_from(CAIRN_PLUGIN_DIR, err);
}

static int open_cuda(const char *directory, struct compute **out, struct error *err)
{
	void *plugin = load_plugin(directory, err);
	if (!plugin)
		return CODE_UNAVAILABLE;
	const struct compute_backend *ops = dlsym(plugin, COMPUTE_BACKEND_SYMBOL);
	int code = ops ? compute_new(ops, out, err)
		       : fail(err, CODE_UNAVAILABLE, PLUGIN " has no " COMPUTE_BACKEND_SYMBOL);
	if (code)
		dlclose(plugin);
	else
		(*out)->plugin = plugin;
	return code;
}

int compute_open(const char *name, const char *plugin_dir, struct compute **out, struct error *err)
{
	struct error reason = { 0 };
	if (strcmp(name, "cpu") == 0)
		return compute_new(NULL, out, err);
	if (strcmp(name, "cuda") == 0)
		return open_cuda(plugin_dir, out, err);
	if (strcmp(name, "auto") != 0)
		return fail(err, CODE_INVALID,
			"no compute back end is called '%s' (cpu, cuda, auto)", name);
	if (open_cuda(plugin_dir, out, &reason) == 0)
		return 0;
	int code = compute_new(NULL, out, err);
	if (code == 0)
		set_trouble(*out, reason.message);
	return code;
}

void compute_close(struct compute *compute)
{
	if (!compute)
		return;
	if (compute->device.ops)
		compute->device.ops->close(compute->device.self);
	if (compute->cpu.ops)
		compute->cpu.ops->close(compute->cpu.self);
	if (compute->plugin)
		dlclose(compute->plugin);
	free(compute);
}

/* ---- who does the work ---- */

bool compute_lost(const struct compute *compute, const struct engine *engine)
{
	return engine == &compute->device && atomic_load(&compute->lost);
}

static const struct engine *engine_in_use(const struct compute *compute)
{
	const struct engine *device = &compute->device;
	return device->ops && !compute_lost(compute, device) ? device : &compute->cpu;
}

const struct engine *compute_engine(struct compute *compute)
{
	return engine_in_use(compute);
}

bool compute_again(
	struct compute *compute, const struct engine *engine, int code, const struct error *err)
{
	if (engine != &compute->device)
		return false;
	if (code == CODE_UNAVAILABLE && !atomic_exchange(&compute->lost, true)) {
		atomic_fetch_add(&compute->failures, 1);
		set_trouble(compute, err->message);
	}
	return code == CODE_UNAVAILABLE || code == CODE_NO_MEMORY;
}

const char *compute_name(const struct compute *compute)
{
	return engine_in_use(compute)->ops->name;
}

const char *compute_fingerprint(const struct compute *compute)
{
	return engine_in_use(compute)->fingerprint;
}

const char *compute_trouble(const struct compute *compute)
{
	return atomic_load(&compute->trouble_state) == TROUBLE_WRITTEN ? compute->trouble : NULL;
}

void compute_stats(const struct compute *compute, struct compute_stats *out)
{
	*out = (struct compute_stats){ .fits = atomic_load(&compute->fits),
		.evaluations = atomic_load(&compute->evaluations),
		.factors = atomic_load(&compute->factors),
		.posteriors = atomic_load(&compute->posteriors),
		.device_failures = atomic_load(&compute->failures) };
}

/* ---- arguments ---- */

int check_finite(const double *values, size_t n, const char *what, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(values[i]))
			return fail(err, CODE_INVALID, "%s has a value that is not finite", what);
	return 0;
}

int check_input(const struct gp_input *input, struct error *err)
{
	if (input->n < 1 || input->n > GP_LIMIT_N || input->d < 1 || input->d > GP_LIMIT_D)
		return fail(err, CODE_INVALID,
			"a model of %zu points with %zu features (1 to %d, 1 to %d)", input->n,
			input->d, GP_LIMIT_N, GP_LIMIT_D);
	return check_finite(input->x, input->n * input->d, "x", err);
}

static int check_fit(const struct gp_fit *fit, struct error *err)
{
	int code = check_input(&fit->input, err);
	if (code)
		return code;
	if (fit->n_starts < 1)
		return fail(err, CODE_INVALID, "a fit needs a start");
	code = check_finite(fit->y, fit->input.n, "y", err);
	if (code)
		return code;
	return check_finite(fit->starts, fit->n_starts * (fit->input.d + 2), "a start", err);
}

static int check_fits(const struct gp_fit *fits, size_t n, struct error *err)
{
	int code = 0;
	for (size_t f = 0; f < n && code == 0; f++)
		code = check_fit(&fits[f], err);
	return code;
}

static int check_kde(const struct kde *kde, struct error *err)
{
	if (kde->n < 1 || kde->d < 1)
		return fail(err, CODE_INVALID, "a density of %zu kernels over %zu coordinates",
			kde->n, kde->d);
	for (size_t j = 0; j < kde->d; j++) {
		if (kde->size[j] > 0)
			continue;
		if (!(kde->low[j] < kde->high[j]))
			return fail(err, CODE_INVALID, "coordinate %zu has an empty interval", j);
		for (size_t k = j * kde->n; k < (j + 1) * kde->n; k++)
			if (!(kde->sigma[k] > 0) || !isfinite(kde->mu[k]))
				return fail(err, CODE_INVALID,
					"coordinate %zu has a kernel without a place or width", j);
	}
	return 0;
}

/* Categories index tables: x must be within them. */
static int check_points(
	const struct kde *l, const struct kde *g, const double *x, size_t m, struct error *err)
{
	for (size_t j = 0; j < l->d; j++) {
		double size = l->size[j];
		if (l->size[j] != g->size[j])
			return fail(err, CODE_INVALID, "the densities' coordinates differ");
		for (size_t c = 0; size > 0 && c < m; c++) {
			double option = x[c * l->d + j];
			if (!(option >= 0 && option < size) || option != floor(option))
				return fail(
					err, CODE_INVALID, "%g is no category of %g", option, size);
		}
	}
	return check_finite(x, m * l->d, "x", err);
}

/* ---- calls without a factor ---- */

int compute_gp_fit(struct compute *compute, struct gp_fit *fits, size_t n, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = check_fits(fits, n, err);
	if (code || n == 0)
		return code;
	const struct engine *engine = engine_in_use(compute), *cpu = &compute->cpu;
	code = gp_fit_run(engine->ops, engine->self, fits, n, err);
	if (compute_again(compute, engine, code, err))
		code = gp_fit_run(cpu->ops, cpu->self, fits, n, err);
	if (code)
		return code;
	atomic_fetch_add(&compute->fits, n);
	for (size_t f = 0; f < n; f++)
		atomic_fetch_add(&compute->evaluations, fits[f].evaluations);
	return 0;
}

static int evaluate_once(const struct engine *engine, const struct gp_fit *problems,
	struct gp_evaluation *evaluations, size_t n, struct error *err)
{
	void *batch;
	int code = engine->ops->batch_new(engine->self, problems, n, &batch, err);
	if (code)
		return code;
	code = engine->ops->batch_evaluate(batch, evaluations, n, err);
	engine->ops->batch_free(batch);
	return code;
}

int compute_gp_objective(struct compute *compute, const struct gp_fit *problems, size_t n,
	double *objectives, double *const *gradients, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = check_fits(problems, n, err);
	if (code || n == 0)
		return code;
	struct gp_evaluation *evaluations = calloc(n, sizeof(*evaluations));
	if (!evaluations)
		return fail(err, CODE_NO_MEMORY, "no memory to evaluate %zu models", n);
	for (size_t p = 0; p < n; p++)
		evaluations[p] = (struct gp_evaluation){
			.problem = p, .theta = problems[p].starts, .gradient = gradients[p]
		};
	const struct engine *engine = engine_in_use(compute);
	code = evaluate_once(engine, problems, evaluations, n, err);
	if (compute_again(compute, engine, code, err))
		code = evaluate_once(&compute->cpu, problems, evaluations, n, err);
	for (size_t p = 0; p < n && code == 0; p++)
		objectives[p] = evaluations[p].objective;
	if (code == 0)
		atomic_fetch_add(&compute->evaluations, n);
	free(evaluations);
	return code;
}

int compute_kde_ratio(struct compute *compute, const struct kde *l, const struct kde *g,
	const double *x, size_t m, double *log_ratio, struct error *err)
{
	struct error local;
	err = err ? err : &local;
	int code = check_kde(l, err);
	code = code ? code : check_kde(g, err);
	if (code == 0 && l->d != g->d)
		code = fail(
			err, CODE_INVALID, "densities over %zu and %zu coordinates", l->d, g->d);
	code = code ? code : check_points(l, g, x, m, err);
	if (code || m == 0)
		return code;
	const struct engine *engine = engine_in_use(compute), *cpu = &compute->cpu;
	code = engine->ops->kde_ratio(engine->self, l, g, x, m, log_ratio, err);
	if (compute_again(compute, engine, code, err))
		code = cpu->ops->kde_ratio(cpu->self, l, g, x, m, log_ratio, err);
	return code;
}
