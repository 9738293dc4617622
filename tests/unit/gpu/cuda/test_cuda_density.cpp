/* The kernels of density.cuh, on the processor by host_shim.h, against long double arithmetic. */
#include "gpu/cuda/density.cuh"

#include "support.h"

static const long double root_half = 0.707106781186547524400844362104849039L;
static const long double two_pi = 6.28318530717958647692528676655900577L;

/* Phi(b) - Phi(a): long double reaches as far as 100 standard deviations out. */
static long double mass(long double a, long double b)
{
	if (a > 0)
		return 0.5L * (erfcl(a * root_half) - erfcl(b * root_half));
	if (b < 0)
		return 0.5L * (erfcl(-b * root_half) - erfcl(-a * root_half));
	return 0.5L * (erfl(b * root_half) - erfl(a * root_half));
}

static void test_log_mass(void **)
{
	static const double ends[] = { -90, -37.5, -8, -5.1, -1, -1e-9, 0, 0.3, 1, 4.9, 5, 12, 40,
		95 };
	for (double a : ends)
		for (double b : ends)
			if (a < b)
				assert_close(
					log_mass(a, b), (double)logl(mass(a, b)), 1e-13, "ends");
	static const double widths[] = { 1e-1, 1e-3, 1e-4, 3e-6 };
	for (double width : widths)
		for (double a : ends) {
			double b = a + width; /* exactly what log_mass sees */
			assert_close(log_mass(a, b), (double)logl(mass(a, b)), 1e-10, "narrow");
		}
	assert_true(log_mass(1, 1) == -HUGE_VAL);
	assert_close(log_mass(-300, 300), 0, 0, "everything");
	assert_close(log_mass(200, 201), -20000 - log(200 * sqrt((double)two_pi)), 1e-8, "far");
}

/* Coordinate j of d: a category of 4, a real interval, a stepped interval, in turn. */
struct mixture {
	size_t n, d;
	std::vector<double> log_weight, mu, sigma, low, high, step, table, base;
	std::vector<uint32_t> size;
	std::vector<size_t> table_at;

	mixture(size_t n_, size_t d_, uint64_t seed)
	    : n(n_), d(d_), log_weight(), mu(), sigma(), low(), high(), step(), table(), base(),
	      size(), table_at()
	{
		numbers random = { seed };
		log_weight = random.take(n, -6, 0);
		mu = random.take(n * d, 0, 1);
		sigma = random.take(n * d, 0.02, 0.5);
		base.assign(n * d, nan(""));
		for (size_t j = 0; j < d; j++) {
			bool category = j % 3 == 0;
			size.push_back(category ? 4 : 0);
			low.push_back(category ? 0 : -0.1);
			high.push_back(category ? 0 : 1.1);
			step.push_back(j % 3 == 2 ? 0.1 : 0);
			table_at.push_back(table.size());
			std::vector<double> rows = random.take(category ? 4 * n : 0, 0.01, 1);
			table.insert(table.end(), rows.begin(), rows.end());
		}
	}
	density on_device()
	{
		return { n, d, log_weight.data(), size.data(), mu.data(), sigma.data(), low.data(),
			high.data(), step.data(), table.data(), table_at.data(), base.data() };
	}
	long double factor(size_t j, size_t k, double x) const
	{
		if (size[j])
			return (long double)table[table_at[j] + k * size[j] + (size_t)x];
		long double m = mu[j * n + k], s = sigma[j * n + k];
		long double whole = mass((low[j] - m) / s, (high[j] - m) / s);
		if (step[j] > 0) {
			long double left = x - 0.5 * step[j], right = x + 0.5 * step[j];
			left = left > low[j] ? left : low[j];
			right = right < high[j] ? right : high[j];
			return mass((left - m) / s, (right - m) / s) / whole;
		}
		long double z = (x - m) / s;
		return expl(-0.5L * z * z) / (sqrtl(two_pi) * s * whole);
	}
	double log_density(const double *x) const
	{
		long double sum = 0;
		for (size_t k = 0; k < n; k++) {
			long double product = expl((long double)log_weight[k]);
			for (size_t j = 0; j < d; j++)
				product *= factor(j, k, x[j]);
			sum += product;
		}
		return (double)logl(sum);
	}
	std::vector<double> evaluate(const std::vector<double> &x)
	{
		density density = on_device();
		std::vector<double> out(x.size() / d);
		LAUNCH(density_base, dim3((unsigned)((n * d + REDUCE - 1) / REDUCE)), dim3(REDUCE),
			0, density);
		assert_null(host_shim_trouble());
		LAUNCH(density_log, dim3((unsigned)out.size()), dim3(REDUCE), 0, density, x.data(),
			out.data());
		assert_null(host_shim_trouble());
		return out;
	}
};

static void test_density(void **)
{
	static const size_t shapes[][2] = { { 1, 1 }, { 3, 3 }, { 128, 2 }, { 300, 7 },
		{ 40, 40 } };
	for (const auto &shape : shapes) {
		mixture of(shape[0], shape[1], shape[0]);
		numbers random = { 99 };
		std::vector<double> x = random.take(6 * of.d, 0, 1);
		for (size_t i = 0; i < x.size(); i++)
			if (of.size[i % of.d])
				x[i] = floor(4 * x[i]);
		std::vector<double> out = of.evaluate(x);
		for (size_t p = 0; p < out.size(); p++)
			assert_close(out[p], of.log_density(x.data() + p * of.d), 1e-12, "density");
	}
}

/* Cells that stick out of the interval count as far as they lie in it, and sum up to 1. */
static void test_cells_sum_to_one(void **)
{
	mixture of(3, 2, 8);
	of.size = { 0, 0 };
	of.low = { -0.1, -0.1 };
	of.high = { 1.1, 1.1 };
	of.step = { 0.1, 0.2 };
	of.log_weight = { log(0.2), log(0.5), log(0.3) };
	double sum = 0;
	std::vector<double> x;
	for (int a = 0; a < 13; a++) /* centres from end to end: the first and last stick out */
		for (int b = 0; b < 7; b++) {
			x.push_back(-0.1 + 0.1 * a);
			x.push_back(-0.1 + 0.2 * b);
		}
	for (double value : of.evaluate(x))
		sum += exp(value);
	assert_close(sum, 1, 1e-12, "sum");
}

/* No way to be: where every kernel's table says 0, or no kernel has mass where x may be. */
static void test_impossible(void **)
{
	mixture of(5, 2, 4);
	for (size_t k = 0; k < 5; k++)
		of.table[k * 4 + 2] = 0;
	std::vector<double> out = of.evaluate({ 2, 0.5, 1, 0.5 });
	assert_true(out[0] == -HUGE_VAL);
	assert_true(isfinite(out[1]));

	/* A kernel too far off to have any mass in the interval is left out. */
	mixture far(2, 2, 5);
	far.mu[2] = 1e200;
	double x[2] = { 1, 0.4 };
	out = far.evaluate({ x[0], x[1] });
	long double rest = expl((long double)far.log_weight[1]) * far.factor(0, 1, x[0]) *
			   far.factor(1, 1, x[1]);
	assert_close(out[0], (double)logl(rest), 1e-12, "the other kernel");
}

static int release(void **)
{
	host_shim_release();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_mass),
		cmocka_unit_test(test_density),
		cmocka_unit_test(test_cells_sum_to_one),
		cmocka_unit_test(test_impossible),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
