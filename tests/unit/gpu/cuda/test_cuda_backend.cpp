/*
 * The plug-in's host side on the libraries of fake/, against gpu/cpu/, which defines the meaning:
 * with so little in flight that everything goes in several pieces; and with each call of a library
 * failing in turn, which has to end in the right code and with nothing left behind.
 */
#define CHUNK_DOUBLES	 ((size_t)150)
#define CHUNK_ROWS	 ((size_t)40)
#define EVALUATION_BYTES ((size_t)40000) /* 2 evaluations of 30 points */
#define EVALUATIONS_MAX	 3
#define BATCHED_MAX	 20
#define KDE_POINTS	 5
#include "gpu/cuda/backend.cu"

#include "support.h"

static const compute_backend *const cuda = &cairn_compute_backend, *const cpu = &compute_cpu;

/* Both back ends, open. */
struct pair_of_engines {
	void *cuda_self, *cpu_self;
};

static int open_both(void **state)
{
	static pair_of_engines engines;
	char fingerprint[256];
	struct error err;
	fake.fail_in = -1;
	engines.cuda_self = cuda->open(fingerprint, sizeof(fingerprint), &err);
	engines.cpu_self = cpu->open(fingerprint, sizeof(fingerprint), &err);
	*state = &engines;
	return engines.cuda_self && engines.cpu_self ? 0 : -1;
}

static int close_both(void **state)
{
	pair_of_engines *engines = (pair_of_engines *)*state;
	fake.fail_in = -1;
	cuda->close(engines->cuda_self);
	cpu->close(engines->cpu_self);
	host_shim_release();
	return fake.live == 0 ? 0 : -1;
}

/* n points of d features, the last third categories. */
struct data {
	size_t d;
	std::vector<double> x, y, theta;
	std::vector<unsigned char> category;
	gp_input input;

	data(size_t n, size_t d_, uint64_t seed)
	    : d(d_), x(), y(), theta(), category(d_, 0), input()
	{
		numbers random = { seed };
		for (size_t i = d - d / 3; i < d; i++)
			category[i] = 1;
		x = points(n, seed + 1000);
		y = random.take(n, -1.5, 1.5);
		theta = random.take(d + 2, -1, 1.5);
		theta[d + 1] = -3;
		input = { n, d, x.data(), category.data() };
	}
	data(const data &) = delete;
	data &operator=(const data &) = delete;
	std::vector<double> points(size_t n, uint64_t seed) const
	{
		numbers random = { seed };
		std::vector<double> out = random.take(n * d, 0, 1);
		for (size_t i = 0; i < out.size(); i++)
			if (category[i % d])
				out[i] = floor(3 * out[i]);
		return out;
	}
};

static void assert_same(const std::vector<double> &got, const std::vector<double> &want,
	double tolerance, const char *what)
{
	assert_int_equal(got.size(), want.size());
	for (size_t i = 0; i < got.size(); i++)
		assert_close(got[i], want[i], tolerance, what);
}

/* ---- batches ---- */

/* problems.size() * 4 evaluations: objectives, then gradients. */
static int evaluate_all(const compute_backend *ops, void *self, const std::vector<gp_fit> &problems,
	const std::vector<std::vector<double>> &thetas, std::vector<double> *out, struct error *err)
{
	size_t n = thetas.size(), per = n / problems.size();
	std::vector<std::vector<double>> gradients;
	std::vector<gp_evaluation> evaluations(n);
	for (size_t e = 0; e < n; e++)
		gradients.emplace_back(thetas[e].size());
	for (size_t e = 0; e < n; e++)
		evaluations[e] = { e / per, thetas[e].data(), 0, gradients[e].data() };
	void *batch = NULL;
	int code = ops->batch_new(self, problems.data(), problems.size(), &batch, err);
	if (code)
		return code;
	code = ops->batch_evaluate(batch, evaluations.data(), n, err);
	ops->batch_free(batch);
	for (size_t e = 0; e < n && code == 0; e++) {
		out->push_back(evaluations[e].objective);
		if (evaluations[e].objective == HUGE_VAL) /* its gradient means nothing */
			gradients[e].assign(thetas[e].size(), 0);
		out->insert(out->end(), gradients[e].begin(), gradients[e].end());
	}
	return code;
}

/* Four thetas each of: one point, a batched size, two sizes of one matrix at a time, many
 * features. The second theta of each gives no finite matrix. */
struct batch_scene {
	data one, small, large, wide;
	std::vector<gp_fit> problems;
	std::vector<std::vector<double>> thetas;

	batch_scene()
	    : one(1, 1, 1), small(18, 4, 2), large(33, 3, 3), wide(21, 40, 4), problems(), thetas()
	{
		for (data *from : { &one, &small, &large, &wide }) {
			gp_fit fit = {};
			fit.input = from->input;
			fit.y = from->y.data();
			fit.noiseless = from == &large;
			problems.push_back(fit);
			for (int t = 0; t < 4; t++) {
				thetas.push_back(from->theta);
				for (double &value : thetas.back())
					value += 0.1 * t;
			}
			thetas[thetas.size() - 3][from->d] = 720; /* exp of it is infinite */
		}
	}
};

static void test_batches(void **state)
{
	pair_of_engines *engines = (pair_of_engines *)*state;
	batch_scene scene;
	std::vector<double> got, want, alone;
	struct error err;
	assert_int_equal(
		evaluate_all(cuda, engines->cuda_self, scene.problems, scene.thetas, &got, &err),
		0);
	assert_int_equal(
		evaluate_all(cpu, engines->cpu_self, scene.problems, scene.thetas, &want, &err), 0);
	assert_same(got, want, 1e-9, "objective or gradient");
	size_t infinite = 0;
	for (double value : got)
		infinite += value == HUGE_VAL;
	assert_int_equal(infinite, 4);
	/* The same bits when a problem comes alone. */
	for (size_t p = 0; p < scene.problems.size(); p++) {
		std::vector<std::vector<double>> thetas(scene.thetas.begin() + (ptrdiff_t)(4 * p),
			scene.thetas.begin() + (ptrdiff_t)(4 * p + 4));
		assert_int_equal(evaluate_all(cuda, engines->cuda_self, { scene.problems[p] },
					 thetas, &alone, &err),
			0);
	}
	assert_true(got == alone);
}

/* ---- factors ---- */

/* Everything a factor can do, in one list of numbers. */
static int use_factor(const compute_backend *ops, void *factor, const data &from, size_t n,
	std::vector<double> *out, struct error *err)
{
	std::vector<double> x = from.points(7, 50), z = from.points(9, 51), y = from.points(n, 52);
	y.resize(3 * n);
	for (size_t i = 0; i < y.size(); i++)
		y[i] = sin((double)i);
	std::vector<double> alpha(3 * n), mean(7), other(7), variance(7), k(7 * 9);
	std::vector<double> at(2 + 2 * from.d);
	PASS(ops->factor_solve(factor, y.data(), 3, alpha.data(), err));
	PASS(ops->posterior(factor, alpha.data(), x.data(), 7, mean.data(), variance.data(), err));
	PASS(ops->posterior(factor, alpha.data(), x.data(), 7, other.data(), NULL, err));
	PASS(ops->covariance(factor, x.data(), 7, z.data(), 9, k.data(), err));
	PASS(ops->posterior_gradient(
		factor, alpha.data(), z.data(), &at[0], &at[1], &at[2], &at[2 + from.d], err));
	for (const std::vector<double> *part : { &alpha, &mean, &other, &variance, &k, &at })
		out->insert(out->end(), part->begin(), part->end());
	return 0;
}

/* Made with first points, extended to all, used, truncated, used again. */
static int factor_life(const compute_backend *ops, void *self, const data &from, size_t first,
	std::vector<double> *out, struct error *err)
{
	gp_input input = from.input;
	size_t n = input.n;
	input.n = first;
	void *factor = NULL;
	PASS(ops->factor_new(self, &input, from.theta.data(), n + 3, &factor, err));
	int code = ops->factor_extend(factor, from.x.data() + first * from.d, n - first, err);
	if (!code)
		code = use_factor(ops, factor, from, n, out, err);
	ops->factor_truncate(factor, first);
	if (!code)
		code = use_factor(ops, factor, from, first, out, err);
	ops->factor_free(factor);
	return code;
}

static void test_factors(void **state)
{
	pair_of_engines *engines = (pair_of_engines *)*state;
	static const size_t shapes[][3] = { { 1, 1, 1 }, { 3, 2, 1 }, { 25, 5, 24 }, { 80, 3, 9 },
		{ 40, 40, 40 } };
	for (const auto &shape : shapes) {
		data from(shape[0], shape[1], shape[0]);
		std::vector<double> got, want;
		struct error err;
		assert_int_equal(
			factor_life(cuda, engines->cuda_self, from, shape[2], &got, &err), 0);
		assert_int_equal(
			factor_life(cpu, engines->cpu_self, from, shape[2], &want, &err), 0);
		assert_same(got, want, 1e-8, "of a factor");
	}
}

/* Points twice and hardly any noise: jitter at first, raised pivots when extending. */
static void test_singular_factors(void **state)
{
	pair_of_engines *engines = (pair_of_engines *)*state;
	data from(30, 2, 1);
	for (size_t i = 0; i < 20; i++)
		from.x[20 + i] = from.x[i];
	from.theta[3] = -60;
	struct error err;
	std::vector<double> x = from.points(7, 5), mean(7), variance(7), alpha(30, 0.0);
	void *factor = NULL;
	assert_int_equal(cuda->factor_new(engines->cuda_self, &from.input, from.theta.data(), 64,
				 &factor, &err),
		0);
	assert_true(((struct factor *)factor)->noise > 1e-11);
	assert_int_equal(cuda->factor_extend(factor, from.x.data(), 30, &err), 0);
	((struct factor *)factor)->noise = 0;
	cuda->factor_truncate(factor, 30);
	assert_int_equal(cuda->factor_extend(factor, from.x.data(), 30, &err), 0);
	size_t ld = 64;
	const double *l = ((struct factor *)factor)->l;
	double lowest = sqrt(1e-10 * exp(from.theta[2]));
	for (size_t i = 30; i < 60; i++)
		assert_true(l[i * (ld + 1)] >= lowest * (1 - 1e-12));
	assert_int_equal(cuda->factor_extend(factor, from.x.data(), 5, &err), CODE_INTERNAL);
	cuda->factor_free(factor);

	/* Beyond any jitter. */
	from.theta[2] = 800;
	assert_int_equal(cuda->factor_new(engines->cuda_self, &from.input, from.theta.data(), 64,
				 &factor, &err),
		CODE_INVALID);
	assert_int_equal(err.code, CODE_INVALID);
}

/* ---- densities ---- */

struct kde_data {
	std::vector<double> log_weight, mu, sigma, low, high, step, table;
	std::vector<uint32_t> size;
	std::vector<size_t> table_at;
	kde value;

	kde_data(size_t n, uint64_t seed)
	    : log_weight(), mu(), sigma(), low{ 0, -0.1, 0 }, high{ 1, 1.1, 0 }, step{ 0, 0.2, 0 },
	      table(), size{ 0, 0, 3 }, table_at{ 0, 0, 4 }, value()
	{
		numbers random = { seed };
		log_weight = random.take(n, -3, 0);
		mu = random.take(3 * n, 0, 1);
		sigma = random.take(3 * n, 0.01, 0.6);
		table = random.take(4 + 3 * n, 0.1, 1);
		value = { n, 3, log_weight.data(), size.data(), mu.data(), sigma.data(), low.data(),
			high.data(), step.data(), table.data(), table_at.data() };
	}
	kde_data(const kde_data &) = delete;
	kde_data &operator=(const kde_data &) = delete;
};

static void test_densities(void **state)
{
	pair_of_engines *engines = (pair_of_engines *)*state;
	kde_data l(9, 1), g(140, 2);
	for (size_t k = 0; k < 9; k++)
		l.table[4 + 3 * k + 1] = 0; /* never option 1 */
	for (size_t k = 0; k < 140; k++)
		g.table[4 + 3 * k + 2] = 0; /* never option 2 */
	numbers random = { 3 };
	std::vector<double> x = random.take(12 * 3, 0, 1), got(12), want(12);
	for (size_t p = 0; p < 12; p++) {
		x[3 * p + 1] = 0.2 * floor(5 * x[3 * p + 1]);
		x[3 * p + 2] = (double)(p % 3);
	}
	struct error err;
	assert_int_equal(cuda->kde_ratio(engines->cuda_self, &l.value, &g.value, x.data(), 12,
				 got.data(), &err),
		0);
	assert_int_equal(cpu->kde_ratio(engines->cpu_self, &l.value, &g.value, x.data(), 12,
				 want.data(), &err),
		0);
	assert_same(got, want, 1e-12, "ratio");
	assert_true(got[1] == -HUGE_VAL && got[2] == HUGE_VAL && isfinite(got[0]));
}

/* ---- failures ---- */

/* Opens, does some of everything, closes. calls: those of the libraries up to closing, which has
 * nobody to tell of a failure. */
static int whole_life(const batch_scene &scene, unsigned *calls, struct error *err)
{
	char fingerprint[256];
	kde_data density(3, 1);
	double x[3] = { 0.5, 0.4, 1 }, ratio;
	std::vector<double> out;
	void *self = cuda->open(fingerprint, sizeof(fingerprint), err);
	if (!self)
		return (int)err->code;
	int code = evaluate_all(cuda, self, scene.problems, scene.thetas, &out, err);
	if (!code)
		code = factor_life(cuda, self, scene.small, 5, &out, err);
	if (!code)
		code = cuda->kde_ratio(self, &density.value, &density.value, x, 1, &ratio, err);
	*calls = fake.calls;
	cuda->close(self);
	return code;
}

static void test_every_failure_is_reported(void **state)
{
	(void)state;
	batch_scene scene;
	scene.problems = { scene.problems[1], scene.problems[3] };
	scene.thetas = { scene.thetas[4], scene.thetas[5], scene.thetas[12], scene.thetas[13] };
	long before = fake.live;
	struct error err = { CODE_OK, "" };
	host_shim_state.dry = true;
	fake.calls = 0;
	unsigned calls = 0, some;
	assert_int_equal(whole_life(scene, &calls, &err), 0);
	assert_true(calls > 150);
	for (unsigned i = 0; i < 2 * calls; i++) {
		err = { CODE_OK, "" };
		fake.fail_in = (long)(i / 2);
		fake.memory = i % 2;
		int code = whole_life(scene, &some, &err);
		fake.fail_in = -1;
		assert_int_equal(code, fake.memory ? CODE_NO_MEMORY : CODE_UNAVAILABLE);
		assert_int_equal(err.code, code);
		assert_true(strlen(err.message) > 10);
		assert_int_equal(fake.live, before);
	}
	host_shim_state.dry = false;
}

static void test_no_device(void **state)
{
	(void)state;
	char fingerprint[256];
	struct error err = { CODE_OK, "" };
	fake.devices = 0;
	assert_null(cuda->open(fingerprint, sizeof(fingerprint), &err));
	fake.devices = 1;
	assert_int_equal(err.code, CODE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "no CUDA device"));
	fake.devices = 0;
	assert_null(cuda->open(fingerprint, sizeof(fingerprint), NULL));
	fake.devices = 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_factors),
		cmocka_unit_test(test_singular_factors),
		cmocka_unit_test(test_densities),
		cmocka_unit_test(test_every_failure_is_reported),
		cmocka_unit_test(test_no_device),
	};
	return cmocka_run_group_tests(tests, open_both, close_both);
}
