/* Every kernel of kernels.cuh, on the processor by host_shim.h, against plain loops: sizes beside
 * and on the tiles' edges, one feature and many, categories, several tasks at once. Memory is
 * exactly as long as it has to be, so that AddressSanitizer sees a step too far. */
#include "gpu/cuda/kernels.cuh"

#include "support.h"

/* Points whose last third of features are categories, and a kernel over them. */
struct scene {
	size_t n, d;
	std::vector<double> x, y, weight;
	std::vector<unsigned char> category;
	double s2, noise;

	scene(size_t n_, size_t d_, uint64_t seed) : n(n_), d(d_)
	{
		numbers random = { seed };
		x = random.take(n * d, 0, 1);
		y = random.take(n, -2, 2);
		weight = random.take(d, 0.1, 6);
		category.assign(d, 0);
		s2 = 0.5 + random.next();
		noise = 0.05 + 0.1 * random.next();
		for (size_t i = d - d / 3; i < d; i++) {
			category[i] = 1;
			for (size_t p = 0; p < n; p++)
				x[p * d + i] = floor(3 * x[p * d + i]);
		}
	}
	matern kernel() const
	{
		return { category.data(), weight.data(), s2, d };
	}
	double delta2(const double *a, const double *b, size_t i) const
	{
		return category[i] ? a[i] != b[i] : (a[i] - b[i]) * (a[i] - b[i]);
	}
	double root(const double *a, const double *b) const /* sqrt(5) r */
	{
		double r2 = 0;
		for (size_t i = 0; i < d; i++)
			r2 += weight[i] * delta2(a, b, i);
		return sqrt(5.0) * sqrt(r2);
	}
	double k(const double *a, const double *b) const
	{
		double t = root(a, b);
		return s2 * (1 + t + t * t / 3) * exp(-t);
	}
	double slope(const double *a, const double *b) const
	{
		double t = root(a, b);
		return s2 * (1 + t) * exp(-t);
	}
	const double *point(size_t p) const
	{
		return x.data() + p * d;
	}
};

static const size_t sizes[][2] = { { 1, 1 }, { 5, 40 }, { 16, 16 }, { 17, 3 }, { 33, 1 },
	{ 40, 17 } };

static void test_cross(void **)
{
	const double untouched = 777;
	for (const auto &size : sizes) {
		scene a(size[0], size[1], 1), b(21, size[1], 2);
		size_t m = a.n, n = b.n, ld = m + 3;
		std::vector<double> out(ld * n, untouched), slope(ld * n, untouched);
		pair_task task = { a.kernel(), a.x.data(), b.x.data(), m, n, ld, 0, false,
			out.data(), slope.data() };
		LAUNCH(pair_one, dim3(tiles_of(m), tiles_of(n)), dim3(TILE, TILE), 0, task);
		assert_null(host_shim_trouble());
		for (size_t j = 0; j < n; j++)
			for (size_t i = 0; i < ld; i++) {
				bool in = i < m;
				double k = in ? a.k(a.point(i), b.point(j)) : untouched;
				double s = in ? a.slope(a.point(i), b.point(j)) : untouched;
				assert_close(out[i + j * ld], k, 1e-13, "k");
				assert_close(slope[i + j * ld], s, 1e-13, "slope");
			}
	}
}

/* Several thetas and problems of unlike shapes in one launch: only lower triangles are written. */
static void test_gram_batch(void **)
{
	const double untouched = 777;
	std::vector<scene> scenes;
	std::vector<std::vector<double>> out;
	std::vector<pair_task> tasks;
	for (const auto &size : sizes)
		scenes.emplace_back(size[0], size[1], 7 + size[0]);
	for (const scene &s : scenes)
		out.emplace_back(s.n * s.n, untouched);
	for (size_t t = 0; t < scenes.size(); t++) {
		const scene &s = scenes[t];
		tasks.push_back({ s.kernel(), s.x.data(), s.x.data(), s.n, s.n, s.n, s.noise, true,
			out[t].data(), NULL });
	}
	dim3 grid(tiles_of(40), tiles_of(40), (unsigned)tasks.size());
	LAUNCH(pair_batch, grid, dim3(TILE, TILE), 0, tasks.data());
	assert_null(host_shim_trouble());
	for (size_t t = 0; t < scenes.size(); t++) {
		const scene &s = scenes[t];
		for (size_t b = 0; b < s.n; b++)
			for (size_t a = 0; a < s.n; a++) {
				double want = s.k(s.point(a), s.point(b)) + (a == b ? s.noise : 0);
				double got = out[t][a + b * s.n];
				if (a >= b)
					assert_close(got, want, 1e-13, "K");
				else if (a / TILE < b / TILE)
					assert_true(got == untouched);
			}
	}
}

/* One evaluation with a made-up factor, inverse and alpha: the kernels only read them. */
struct evaluation {
	const scene &s;
	std::vector<double> factor, inverse, alpha, terms, partials, gradient, start;

	evaluation(const scene &on, uint64_t seed)
	    : s(on), factor(), inverse(), alpha(), terms(2), partials(), gradient(on.d + 2), start()
	{
		numbers random = { seed };
		size_t tiles = tiles_of(s.n);
		factor = random.take(s.n * s.n, 0.5, 2);
		inverse = random.take(s.n * s.n, -1, 1);
		alpha = random.take(s.n, -1, 1);
		partials.assign(tiles * (tiles + 1) + tiles * s.d, nan(""));
		start = inverse;
	}
	evaluation_task task()
	{
		return { s.kernel(), s.x.data(), s.y.data(), s.n, factor.data(), inverse.data(),
			alpha.data(), terms.data(), partials.data(), gradient.data() };
	}
	double g(size_t a, size_t b) const /* of the lower triangle, as it was */
	{
		double element = a >= b ? start[a + b * s.n] : start[b + a * s.n];
		return element - alpha[a] * alpha[b];
	}
	void check_gradient() const;
};

void evaluation::check_gradient() const
{
	for (size_t i = 0; i < s.d + 2; i++) {
		double want = 0, size = 0;
		for (size_t a = 0; a < s.n; a++)
			for (size_t b = 0; b < s.n; b++) {
				const double *p = s.point(a), *q = s.point(b);
				double dk = i == s.d ? s.k(p, q) : a == b;
				if (i < s.d)
					dk = -5.0 / 6 * s.slope(p, q) * s.weight[i] *
					     s.delta2(p, q, i);
				want += 0.5 * g(a, b) * dk;
				size += fabs(0.5 * g(a, b) * dk);
			}
		assert_close(gradient[i], want, 1e-13 * (1 + size), "gradient");
	}
}

static void test_gradient_batch(void **)
{
	std::vector<scene> scenes;
	std::vector<evaluation> evaluations;
	std::vector<evaluation_task> tasks;
	for (const auto &size : sizes)
		scenes.emplace_back(size[0], size[1], 70 + size[0]);
	for (const scene &s : scenes)
		evaluations.emplace_back(s, s.n);
	for (evaluation &e : evaluations)
		tasks.push_back(e.task());
	unsigned tiles = tiles_of(40), count = (unsigned)tasks.size();
	dim3 block(TILE, TILE);
	LAUNCH(gradient_pairs, dim3(tiles, tiles, count), block, 0, tasks.data());
	assert_null(host_shim_trouble());
	LAUNCH(gradient_features, dim3(tiles, tiles_of(40), count), block, 0, tasks.data());
	assert_null(host_shim_trouble());
	LAUNCH(gradient_finish, dim3(42, count), dim3(REDUCE), 0, tasks.data());
	assert_null(host_shim_trouble());
	for (const evaluation &e : evaluations)
		e.check_gradient();
}

/* More tiles than REDUCE threads: their sums are strided. */
static void test_gradient_of_many_tiles(void **)
{
	scene s(260, 1, 5);
	evaluation e(s, 6);
	evaluation_task task = e.task();
	unsigned tiles = tiles_of(s.n);
	assert_true(triangle(tiles) > REDUCE);
	LAUNCH(gradient_pairs, dim3(tiles, tiles), dim3(TILE, TILE), 0, &task);
	LAUNCH(gradient_features, dim3(tiles, 1), dim3(TILE, TILE), 0, &task);
	LAUNCH(gradient_finish, dim3(3), dim3(REDUCE), 0, &task);
	assert_null(host_shim_trouble());
	e.check_gradient();
}

static void test_start_and_terms(void **)
{
	for (size_t n : { (size_t)1, (size_t)20, (size_t)150 }) {
		scene s(n, 2, n);
		evaluation e(s, 3);
		evaluation_task task = e.task();
		unsigned tiles = tiles_of(n);
		LAUNCH(evaluation_terms, dim3(1), dim3(REDUCE), 0, &task);
		assert_null(host_shim_trouble());
		double log_diagonal = 0, product = 0;
		for (size_t a = 0; a < n; a++) {
			log_diagonal += log(e.factor[a * (n + 1)]);
			product += s.y[a] * e.alpha[a];
		}
		assert_close(e.terms[0], log_diagonal, 1e-12, "log determinant");
		assert_close(e.terms[1], product, 1e-12, "y' alpha");

		LAUNCH(evaluation_start, dim3(tiles, tiles), dim3(TILE, TILE), 0, &task);
		assert_null(host_shim_trouble());
		for (size_t a = 0; a < n; a++) {
			assert_true(e.alpha[a] == s.y[a]);
			for (size_t b = 0; b < n; b++)
				assert_true(e.inverse[a + b * n] == (a == b));
		}
		std::vector<double> factor = e.factor;
		task.inverse = task.factor;
		LAUNCH(evaluation_start, dim3(tiles, tiles), dim3(TILE, TILE), 0, &task);
		assert_true(factor == e.factor);
	}
}

static void test_cholesky(void **)
{
	for (size_t m : { (size_t)1, (size_t)2, (size_t)31, (size_t)32, (size_t)140 }) {
		scene s(m, 3, m);
		size_t ld = m + 2;
		std::vector<double> l(ld * m, 0);
		for (size_t b = 0; b < m; b++)
			for (size_t a = b; a < m; a++)
				l[a + b * ld] =
					s.k(s.point(a), s.point(b)) + (a == b ? s.noise : 0);
		std::vector<double> want = l;
		LAUNCH(floored_cholesky, dim3(1), dim3(REDUCE), 0, l.data(), m, ld, 1e-10);
		assert_null(host_shim_trouble());
		for (size_t b = 0; b < m; b++)
			for (size_t a = b; a < m; a++) {
				double sum = 0;
				for (size_t k = 0; k <= b; k++)
					sum += l[a + k * ld] * l[b + k * ld];
				assert_close(sum, want[a + b * ld], 1e-13, "L L'");
			}
	}
}

/* A point twice, without noise: its second pivot is 0, or a little less. */
static void test_cholesky_raises_pivots(void **)
{
	double matrix[9] = { 4, 4, 2, -1, 4 - 1e-15, 2, -1, -1, 5 };
	LAUNCH(floored_cholesky, dim3(1), dim3(REDUCE), 0, matrix, (size_t)3, (size_t)3, 1e-6);
	assert_null(host_shim_trouble());
	assert_close(matrix[0], 2, 1e-15, "L11");
	assert_close(matrix[1], 2, 1e-15, "L21");
	assert_close(matrix[4], 1e-3, 1e-15, "L22");
	assert_close(matrix[2], 1, 1e-15, "L31");
	assert_close(matrix[5], 0, 1e-9, "L32");
	assert_close(matrix[8], 2, 1e-12, "L33");
	assert_true(matrix[3] == -1 && matrix[6] == -1 && matrix[7] == -1);
}

static void test_columns(void **)
{
	for (size_t rows : { (size_t)0, (size_t)1, (size_t)127, (size_t)300 }) {
		size_t columns = 5, ld = rows + 1;
		numbers random = { rows };
		std::vector<double> matrix = random.take(ld * columns, -1, 1);
		std::vector<double> vector = random.take(rows, -1, 1);
		std::vector<double> dot(columns), variance(columns);
		LAUNCH(column_dot, dim3(5), dim3(REDUCE), 0, matrix.data(), rows, ld, vector.data(),
			dot.data());
		assert_null(host_shim_trouble());
		LAUNCH(column_variance, dim3(5), dim3(REDUCE), 0, matrix.data(), rows, ld, 60.0,
			variance.data());
		assert_null(host_shim_trouble());
		for (size_t j = 0; j < columns; j++) {
			double product = 0, rest = 60;
			for (size_t i = 0; i < rows; i++) {
				product += matrix[i + j * ld] * vector[i];
				rest -= matrix[i + j * ld] * matrix[i + j * ld];
			}
			assert_close(dot[j], product, 1e-12, "dot");
			assert_close(variance[j], rest > 1e-12 ? rest : 1e-12, 1e-12, "variance");
		}
	}
}

static void test_point_gradient(void **)
{
	for (const auto &size : sizes) {
		scene s(size[0], size[1], 11), at(1, size[1], 12);
		numbers random = { 13 };
		size_t n = s.n, d = s.d;
		std::vector<double> alpha = random.take(n, -1, 1), beta = random.take(n, -1, 1);
		std::vector<double> slope(n), out(2 * d);
		for (size_t a = 0; a < n; a++)
			slope[a] = s.slope(s.point(a), at.point(0));
		LAUNCH(point_gradient, dim3((unsigned)d), dim3(REDUCE), 0, s.kernel(), s.x.data(),
			n, at.point(0), slope.data(), alpha.data(), beta.data(), out.data());
		assert_null(host_shim_trouble());
		for (size_t i = 0; i < d; i++) {
			/* Differences of k itself, not the formula again. */
			double mean = 0, variance = 0, h = 1e-5;
			std::vector<double> up = at.x, down = at.x;
			up[i] += h;
			down[i] -= h;
			for (size_t a = 0; a < n && !s.category[i]; a++) {
				double dk = (s.k(s.point(a), up.data()) -
						    s.k(s.point(a), down.data())) /
					    (2 * h);
				mean += alpha[a] * dk;
				variance -= 2 * beta[a] * dk;
			}
			assert_close(out[i], mean, 1e-7, "mean's gradient");
			assert_close(out[d + i], variance, 1e-7, "variance's gradient");
		}
	}
}

static int release(void **)
{
	host_shim_release();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cross),
		cmocka_unit_test(test_gram_batch),
		cmocka_unit_test(test_gradient_batch),
		cmocka_unit_test(test_gradient_of_many_tiles),
		cmocka_unit_test(test_start_and_terms),
		cmocka_unit_test(test_cholesky),
		cmocka_unit_test(test_cholesky_raises_pivots),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_point_gradient),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
