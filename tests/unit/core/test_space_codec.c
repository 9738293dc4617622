/* The unit cube: grids, masses, round trips; and properties of random spaces. */
#include "core/rng.h"
#include "core/special.h"
#include "tests/unit/core/space_support.h"

static const struct parameter *one(struct fixture *fixture, const char *space_json)
{
	return &parse(fixture, space_json)->parameters[0];
}

/* nni-features.md 1.3: what NNI's deformat makes of a raw draw. */
static void quantising_agrees_with_nni(void **state)
{
	static const struct {
		const char *space;
		double raw, value;
	} cases[] = {
		{ P("quniform", "[100,200,3]"), 100.1, 100 },	  /* 99, clipped */
		{ P("qloguniform", "[1,100,0.725]"), 0, 54.375 }, /* exp(4.0); filled in below */
		{ P("quniform", "[0,10,1]"), 2.5, 2 },		  /* ties to even */
		{ P("quniform", "[0,10,1]"), 3.5, 4 },		  /* ties to even */
		{ P("quniform", "[2,10,5]"), 2.4, 2 },		  /* rounds to 0, clipped */
		{ P("quniform", "[2,10,5]"), 2.6, 5 },		  /* the grid is anchored at 0 */
		{ P("quniform", "[-5.5,-0.5,6]"), -3.1, -5.5 },	  /* -6, clipped */
		{ P("quniform", "[-5.5,-0.5,6]"), -2.9, -0.5 },	  /* 0, clipped */
		{ P("qnormal", "[0,1,0.1]"), 0.26, 0.3 },	  /* 0.3, not 0.30000000000000004 */
		{ P("qlognormal", "[0,1,1]"), 0.2, 0 },		  /* not clipped */
		{ P("quniform", "[1,10000,0.01]"), 7024.611, 7024.61 },
		{ P("quniform", "[0,1,0.3]"), 0.94, 0.9 },
		{ P("quniform", "[0,1,0.3]"), 0.96, 1 }, /* 0.9 by rounding, but 1 is nearer */
		{ P("quniform", "[1.6,4,1]"), 1.7, 1.6 },
		{ P("quniform", "[1.6,4,1]"), 1.9, 2 },
		{ P("quniform", "[1,2,10]"), 1.4, 1 },
		{ P("quniform", "[1,2,10]"), 1.6, 2 },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		double raw = i == 1 ? exp(4.0) : cases[i].raw;
		double value = parameter_quantise(one(fixture, cases[i].space), raw);
		if (value != cases[i].value)
			print_error("%s: %.17g\n", cases[i].space, value);
		assert_true(value == cases[i].value);
	}
}

static void expect_values(struct fixture *fixture, const char *space_json, const char *values)
{
	const struct space *space = parse(fixture, space_json);
	const struct parameter *p = &space->parameters[0];
	struct buffer text;
	buffer_init(&text, 65536);
	for (uint64_t k = 0; k < p->n_values; k++) {
		double x[1] = { parameter_value(p, k) };
		const char *json = write_point(fixture, space, x);
		buffer_printf(&text, "%s%.*s", k ? " " : "", (int)strlen(json + 5) - 1, json + 5);
	}
	assert_string_equal(buffer_text(&text), values);
	buffer_release(&text);
}

static void grids_have_these_values(void **state)
{
	struct fixture *fixture = *state;
	/* the book: whole numbers come out as integers */
	expect_values(fixture, P("quniform", "[1,11,2.5]"), "1 2.5 5 7.5 10 11");
	expect_values(fixture, P("quniform", "[2,10,5]"), "2 5 10");
	expect_values(
		fixture, P("quniform", "[0,1,0.1]"), "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1");
	expect_values(fixture, P("quniform", "[-0.5,0.5,0.25]"), "-0.5 -0.25 0 0.25 0.5");
	expect_values(fixture, P("qloguniform", "[0.001,3,1]"), "0.001 1 2 3");
	expect_values(fixture, P("randint", "[-2,3]"), "-2 -1 0 1 2");
	expect_values(fixture, P("int", "{\"low\":1,\"high\":10,\"step\":4}"), "1 5 9");
	expect_values(fixture, P("quniform", "[0,2,0.3333333333333333]"),
		"0 0.3333333333333333 0.6666666666666666 1 1.3333333333333333 1.6666666666666665 "
		"2");
}

static const char *const countable[] = { P("quniform", "[1,11,2.5]"), P("quniform", "[2,10,5]"),
	P("quniform", "[-5.5,-0.5,6]"), P("quniform", "[0.3,7.7,0.1]"),
	P("quniform", "[1,1000,0.01]"), P("quniform", "[1.6,4,1]"), P("quniform", "[1.5,3.5,1]"),
	P("quniform", "[1,2,10]"), P("quniform", "[-1,1,0.3333333333333333]"),
	P("quniform", "[1000000,1000001,0.001]"), P("qloguniform", "[0.001,100,1]"),
	P("qloguniform", "[1,1000000,7]"), P("qloguniform", "[0.5,3.2,0.1]"),
	P("randint", "[-2,3]"), P("randint", "[10,11]"), P("int", "[1,1000]"),
	P("int", "{\"low\":-7,\"high\":100,\"step\":3}"),
	P("int", "{\"low\":1,\"high\":2000,\"log\":true}"), P("ordinal", "[1,5,7]"),
	P("choice", "[\"a\",\"b\"]"), "{\"x\":{\"_type\":\"bool\"}}", P("fixed", "3"),
	P("int", "[9007199254740900,9007199254740992]") };

static void every_grid_value_survives_a_round_trip(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(countable); i++) {
		const struct parameter *p = one(fixture, countable[i]);
		double before = -(double)INFINITY;
		for (uint64_t k = 0; k < p->n_values; k++) {
			double x = parameter_value(p, k), u = parameter_to_unit(p, x);
			if (parameter_from_unit(p, u) != x || parameter_quantise(p, x) != x)
				print_error("%s: %.17g -> %.17g -> %.17g\n", countable[i], x, u,
					parameter_from_unit(p, u));
			assert_true(x > before && u >= 0 && u <= 1);
			assert_true(parameter_from_unit(p, u) == x);
			assert_true(parameter_quantise(p, x) == x);
			assert_int_equal(parameter_index(p, x), k);
			before = x;
		}
		assert_true(parameter_from_unit(p, 0.0) == parameter_value(p, 0));
		assert_true(parameter_from_unit(p, 1.0) == parameter_value(p, p->n_values - 1));
		assert_true(parameter_from_unit(p, -1.0) == parameter_value(p, 0));
		assert_true(parameter_from_unit(p, 7.0) == parameter_value(p, p->n_values - 1));
	}
}

static void continuous_values_survive_a_round_trip(void **state)
{
	static const char *const spaces[] = { P("uniform", "[-3,5]"), P("uniform", "[1e-9,1e9]"),
		P("loguniform", "[1e-8,1e3]"), P("normal", "[-1,5]"), P("lognormal", "[-1,5]") };
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(spaces); i++) {
		const struct parameter *p = one(fixture, spaces[i]);
		double before = -(double)INFINITY;
		for (int k = 1; k < 1000; k++) {
			double x = parameter_from_unit(p, k / 1000.0);
			assert_true(x > before);
			assert_true(fabs(parameter_to_unit(p, x) - k / 1000.0) < 1e-13);
			assert_true(x >= p->low && x <= p->high);
			before = x;
		}
		assert_true(isfinite(parameter_from_unit(p, 0)));
		assert_true(isfinite(parameter_from_unit(p, 1)));
		if (!p->normal) {
			assert_true(parameter_from_unit(p, 0) == p->low);
			assert_true(parameter_from_unit(p, 1) == p->high);
		}
	}
}

/* The share of [0,1] that maps to value k, by bisection for the edges: from_unit is monotone. */
static double mass(const struct parameter *p, uint64_t k)
{
	double edge[2];
	for (uint64_t side = 0; side < 2; side++) {
		double low = 0.0, high = 1.0;
		for (int step = 0; step < 60; step++) {
			double middle = 0.5 * (low + high);
			if (parameter_index(p, parameter_from_unit(p, middle)) >= k + side)
				high = middle;
			else
				low = middle;
		}
		edge[side] = k + side == 0 ? 0.0 : k + side == p->n_values ? 1.0 : high;
	}
	return edge[1] - edge[0];
}

static void integers_have_equal_masses(void **state)
{
	static const char *const spaces[] = { P("randint", "[-2,3]"), P("int", "[1,7]"),
		P("int", "{\"low\":1,\"high\":10,\"step\":4}"), P("ordinal", "[1,5,7]"),
		P("choice", "[1,2,3,4,5,6,7]") };
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(spaces); i++) {
		const struct parameter *p = one(fixture, spaces[i]);
		for (uint64_t k = 0; k < p->n_values; k++)
			assert_true(fabs(mass(p, k) - 1.0 / (double)p->n_values) < 1e-12);
	}
	/* a logarithmic integer k owns [k - 1/2, k + 1/2] on the logarithmic scale */
	const struct parameter *p = one(fixture, P("int", "{\"low\":1,\"high\":50,\"log\":true}"));
	for (uint64_t k = 0; k < 50; k++) {
		double x = (double)k + 1.0;
		double want = log((x + 0.5) / (x - 0.5)) / log(50.5 / 0.5);
		assert_true(fabs(mass(p, k) - want) < 1e-12);
	}
}

static void clipped_grids_have_these_masses(void **state)
{
	static const struct {
		const char *space;
		size_t n;
		double edges[8]; /* where one value ends and the next begins */
	} cases[] = {
		{ P("quniform", "[2,10,5]"), 4, { 2, 2.5, 7.5, 10 } },
		{ P("quniform", "[1,11,2.5]"), 7, { 1, 1.25, 3.75, 6.25, 8.75, 10.5, 11 } },
		{ P("quniform", "[0,4,2]"), 4, { 0, 1, 3, 4 } },
		{ P("quniform", "[1.6,4,1]"), 5, { 1.6, 1.8, 2.5, 3.5, 4 } },
		{ P("quniform", "[-5.5,-0.5,6]"), 3, { -5.5, -3, -0.5 } },
		{ P("qloguniform", "[0.25,3,1]"), 5, { 0.25, 0.5, 1.5, 2.5, 3 } },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct parameter *p = one(fixture, cases[i].space);
		const double *edges = cases[i].edges;
		double whole = edges[cases[i].n - 1] - edges[0];
		assert_int_equal(p->n_values, cases[i].n - 1);
		for (size_t k = 0; k + 1 < cases[i].n; k++) {
			double want = (edges[k + 1] - edges[k]) / whole;
			if (p->log)
				want = log(edges[k + 1] / edges[k]) /
				       log(edges[cases[i].n - 1] / edges[0]);
			assert_true(fabs(mass(p, k) - want) < 1e-9);
		}
	}
}

static void normals_follow_their_distribution(void **state)
{
	struct fixture *fixture = *state;
	const struct parameter *p = one(fixture, P("normal", "[3,2]"));
	assert_true(fabs(parameter_to_unit(p, 5) - normal_cdf(1)) < 1e-15);
	assert_true(fabs(parameter_from_unit(p, normal_cdf(1)) - 5) < 1e-12);
	p = one(fixture, P("lognormal", "[3,2]"));
	assert_true(fabs(parameter_to_unit(p, exp(5)) - normal_cdf(1)) < 1e-14);
	p = one(fixture, P("qlognormal", "[0,1,1]"));
	assert_true(parameter_to_unit(p, 0) == 0);
	assert_true(parameter_from_unit(p, 0) == 0);

	struct rng rng;
	rng_init(&rng, 5, RNG_TEST, 2);
	const struct space *space = parse(fixture, P("qnormal", "[10,4,0.5]"));
	double sum = 0, squares = 0;
	for (int i = 0; i < 20000; i++) {
		double x[1];
		space_sample(space, &rng, x);
		assert_true(x[0] * 2 == rint(x[0] * 2));
		sum += x[0];
		squares += x[0] * x[0];
	}
	double mean = sum / 20000;
	assert_true(fabs(mean - 10) < 0.15);
	/* rounding adds q^2 / 12 to the variance */
	assert_true(fabs(squares / 20000 - mean * mean - 16 - 0.25 / 12) < 0.8);
}

/* ---- properties of random spaces ---- */

static void random_space(struct rng *rng, struct buffer *out, int depth);

static void random_list(struct rng *rng, struct buffer *out, bool strings)
{
	uint64_t n = 1 + rng_below(rng, 5);
	for (uint64_t i = 0; i < n; i++)
		buffer_printf(out, strings ? "%c\"o%d\"" : "%c%d", i ? ',' : '[', (int)i * 3);
	buffer_add_char(out, ']');
}

static void random_branches(struct rng *rng, struct buffer *out, int depth)
{
	uint64_t n = 1 + rng_below(rng, 3);
	for (uint64_t i = 0; i < n; i++) {
		buffer_printf(out, "%c{\"_name\":\"b%d\"", i ? ',' : '[', (int)i);
		if (rng_below(rng, 3) > 0) {
			struct buffer inner;
			buffer_init(&inner, 1u << 20);
			random_space(rng, &inner, depth + 1);
			buffer_printf(out, ",%s", buffer_text(&inner) + 1);
			buffer_release(&inner);
		} else {
			buffer_add_char(out, '}');
		}
	}
	buffer_add_char(out, ']');
}

static void random_value(struct rng *rng, struct buffer *out, int depth)
{
	static const char *const ranges[] = { "uniform\",\"_value\":[-1,2]",
		"loguniform\",\"_value\":[0.0001,10]", "quniform\",\"_value\":[1,11,2.5]",
		"quniform\",\"_value\":[0,1,0.05]", "qloguniform\",\"_value\":[0.1,100,3]",
		"normal\",\"_value\":[0,3]", "qnormal\",\"_value\":[1,3,0.2]",
		"lognormal\",\"_value\":[0,1]", "qlognormal\",\"_value\":[0,1,0.5]",
		"randint\",\"_value\":[3,9]",
		"int\",\"_value\":{\"low\":1,\"high\":64,\"log\":true}",
		"int\",\"_value\":{\"low\":2,\"high\":9,\"step\":3}", "bool\"",
		"fixed\",\"_value\":[1,{\"a\":null}]",
		"input_choice\",\"_value\":{\"candidates\":[\"a\",\"b\",\"c\",\"d\"],\"n_chosen\":"
		"2}",
		"input_choice\",\"_value\":{\"candidates\":[\"a\",\"b\",\"c\"]}" };
	static const char *const lists[] = { "choice", "ordinal", "layer_choice" };
	uint64_t kind = rng_below(rng, COUNT_OF(ranges) + COUNT_OF(lists) + 3);
	buffer_add_text(out, "{\"_type\":\"");
	if (kind < COUNT_OF(ranges)) {
		buffer_add_text(out, ranges[kind]);
	} else if (kind < COUNT_OF(ranges) + COUNT_OF(lists) || depth >= 4) {
		buffer_printf(out, "%s\",\"_value\":", lists[kind % COUNT_OF(lists)]);
		random_list(rng, out, rng_below(rng, 2));
	} else {
		buffer_add_text(out, "choice\",\"_value\":");
		random_branches(rng, out, depth);
	}
}

static void random_space(struct rng *rng, struct buffer *out, int depth)
{
	uint64_t n = 1 + rng_below(rng, depth ? 3 : 6);
	for (uint64_t i = 0; i < n; i++) {
		buffer_printf(out, "%c\"p%d\":", i ? ',' : '{', (int)i);
		random_value(rng, out, depth);
		/* Parameter flag, a bool at the top, gates about a quarter of them. */
		if (rng_below(rng, 4) == 0)
			buffer_add_text(out, ",\"_when\":{\"flag\":[true]}");
		buffer_add_char(out, '}');
	}
	buffer_add_text(out, depth ? "}" : ",\"flag\":{\"_type\":\"bool\"}}");
}

static void check_point(struct fixture *fixture, const struct space *space, const double *x)
{
	double u[LIMIT_PARAMETERS], y[LIMIT_PARAMETERS];
	struct key128 key_x, key_y;
	assert_true(space_contains(space, x));
	read_point(fixture, space, write_point(fixture, space, x), y);
	assert_true(same_point(space, x, y));
	space_key(space, x, &key_x);
	space_key(space, y, &key_y);
	assert_true(key_equal(&key_x, &key_y));

	space_to_unit(space, x, u);
	space_from_unit(space, u, y);
	assert_true(space_contains(space, y));
	for (size_t i = 0; i < space->n; i++) {
		assert_true(u[i] >= 0.0 && u[i] <= 1.0);
		assert_int_equal(isnan(x[i]), isnan(y[i]));
		if (isnan(x[i]))
			continue;
		if (space->parameters[i].n_values > 0)
			assert_true(x[i] == y[i]);
		else
			assert_true(fabs(x[i] - y[i]) <= 1e-9 * (1.0 + fabs(x[i])));
	}
}

static void random_spaces_keep_their_promises(void **state)
{
	struct fixture *fixture = *state;
	for (uint64_t round = 0; round < 300; round++) {
		struct rng rng;
		struct buffer text;
		double x[LIMIT_PARAMETERS], y[LIMIT_PARAMETERS];
		rng_init(&rng, round, RNG_TEST, 3);
		buffer_init(&text, 1u << 20);
		random_space(&rng, &text, 0);
		const struct space *space = parse(fixture, buffer_text(&text));
		for (int draw = 0; draw < 20; draw++) {
			space_sample(space, &rng, x);
			check_point(fixture, space, x);
			/* What is kept of a point is completed to a point with the same part. */
			for (size_t i = 0; i < space->n; i++)
				y[i] = rng_below(&rng, 2) ? x[i] : (double)NAN;
			space_complete(space, &rng, y);
			assert_true(space_contains(space, y));
		}
		space_default(space, x);
		check_point(fixture, space, x);
		buffer_release(&text);
		arena_reset(&fixture->arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(quantising_agrees_with_nni),
		SPACE_TEST(grids_have_these_values),
		SPACE_TEST(every_grid_value_survives_a_round_trip),
		SPACE_TEST(continuous_values_survive_a_round_trip),
		SPACE_TEST(integers_have_equal_masses),
		SPACE_TEST(clipped_grids_have_these_masses),
		SPACE_TEST(normals_follow_their_distribution),
		SPACE_TEST(random_spaces_keep_their_promises),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
