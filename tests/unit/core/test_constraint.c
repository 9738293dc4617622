/* Parameter constraints: syntax, arithmetic, activity, feasibility. */
#include "core/constraint.h"
#include "tests/unit/core/space_support.h"

#define SPACE                                                                                      \
	"{\"a\":{\"_type\":\"uniform\",\"_value\":[-10,10]},"                                      \
	"\"b\":{\"_type\":\"uniform\",\"_value\":[-10,10]},"                                       \
	"\"n\":{\"_type\":\"int\",\"_value\":[0,20]},"                                             \
	"\"c\":{\"_type\":\"choice\",\"_value\":[32,8,16]},"                                       \
	"\"s\":{\"_type\":\"choice\",\"_value\":[\"x\",1]},"                                       \
	"\"learning-rate\":{\"_type\":\"loguniform\",\"_value\":[0.001,1]},"                       \
	"\"op\":{\"_type\":\"choice\",\"_value\":[{\"_name\":\"p\",\"k\":{\"_type\":\"int\","      \
	"\"_value\":[1,9]}},{\"_name\":\"q\",\"k\":{\"_type\":\"int\",\"_value\":[1,99]}},"        \
	"{\"_name\":\"r\"}]}}"

/* a = 2, b = -3, n = 7, c = 16, learning-rate = 0.1; of op nothing */
static void fill(const struct space *space, double *x)
{
	for (size_t i = 0; i < space->n; i++)
		x[i] = (double)NAN;
	x[space_find(space, "a")] = 2;
	x[space_find(space, "b")] = -3;
	x[space_find(space, "n")] = 7;
	x[space_find(space, "c")] = 2;
	x[space_find(space, "s")] = 0;
	x[space_find(space, "learning-rate")] = 0.1;
	x[space_find(space, "op")] = 2;
}

static const struct space *with(struct fixture *fixture, const char *expression)
{
	char list[CONSTRAINT_TEXT_MAX + 64];
	snprintf(list, sizeof(list), "[\"%s\"]", expression);
	return parse_all(fixture, SPACE, list, NULL);
}

static const struct {
	const char *text;
	bool truth;
} truths[] = {
	{ "a > b", true },
	{ "a < b", false },
	{ "b <= a", true },
	{ "a == 2", true },
	{ "a == 2.5", false },
	{ "a != 2", false },
	{ "a != b", true },
	{ "a >= 2", true },
	{ "a > 2", false },
	{ "a + b == -1", true },
	{ "a - b == 5", true },
	{ "a - b - 1 == 4", true }, /* from the left */
	{ "a - (b - 1) == 6", true },
	{ "a * b + n == 1", true }, /* products first */
	{ "a + b * n == -19", true },
	{ "(a + b) * n == -7", true },
	{ "n / a / 2 == 1.75", true },
	{ "n / (a / 2) == 7", true },
	{ "-a == -2", true },
	{ "-a * -b == -6", true },
	{ "--a == a", true },
	{ "2 * -a + 4 == 0", true },
	{ "-(a + b) == 1", true },
	{ "abs(b) == 3", true },
	{ "abs(a-b) >= 0.1", true },
	{ "min(a, b) == b", true },
	{ "max(a, b, n, 3) == 7", true },
	{ "min(a,b) + max(n,2) <= 4", true },
	{ "min(a,b) + max(n,2) < 4", false },
	{ "sqrt(n + 2) == 3", true },
	{ "log(exp(a)) == 2", true },
	{ "floor(n / 2) == 3", true },
	{ "ceil(n / 2) + floor(b / 2) == 2", true },
	{ "log(`learning-rate`) * 2 < 3", true },
	{ "exp(0) + exp(0) == a", true },
	{ "c == 16", true }, /* the option, not its index */
	{ "c * 2 == 32", true },
	{ "1e2 == 100", true },
	{ "1.5e-1 < .2", true },
	{ "2.e0 == a", true },
	{ "  a<b+6  ", true },
	{ "max(min(a,(b)),-(-n)) == 7", true },
	/* not a number: never satisfied, whatever the comparison */
	{ "log(b) < 1000 ", false },
	{ "sqrt(b) != 5", false },
	{ "log(b) >= log(b)", false },
	{ "max(log(b), 1) == 1", false },
	{ "max(1, log(b)) == 1", false },
	{ "0 / (a - 2) == 0", false },
	/* infinite is a number */
	{ "1 / (a - 2) > 1000", true },
	/* op.k is not active */
	{ "op.k > 1000", true },
	{ "op.k + log(b) > 1000", true },
};

static void expressions_have_these_truths(void **state)
{
	struct fixture *fixture = *state;
	double x[LIMIT_PARAMETERS];
	for (size_t i = 0; i < COUNT_OF(truths); i++) {
		/* Compiled with a tautology's help: some of the truths cannot be feasible. */
		json_t *list = json_pack("[s]", truths[i].text);
		struct path at = { NULL, "parameter_constraints", 0 };
		const struct space *space = parse(fixture, SPACE);
		const struct space_constraint *constraint;
		size_t n = 0;
		assert_int_equal(constraints_read(list, space, &at, &fixture->arena, &constraint,
					 &n, &fixture->faults),
			0);
		json_decref(list);
		if (fixture->faults.n > 0)
			print_error("%s: %s\n", truths[i].text, fixture->faults.items[0].message);
		assert_int_equal(fixture->faults.n, 0);
		assert_int_equal(n, 1);
		fill(space, x);
		if (constraint_holds(constraint, space, x) != truths[i].truth)
			print_error("%s should be %s\n", truths[i].text,
				truths[i].truth ? "true" : "false");
		assert_int_equal(constraint_holds(constraint, space, x), truths[i].truth);
	}
}

static void a_shared_address_means_the_active_branch(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = with(fixture, "op.k * 2 <= n");
	double x[LIMIT_PARAMETERS];
	size_t k = (size_t)space_find(space, "op.k");
	fill(space, x);
	for (unsigned branch = 0; branch < 2; branch++) {
		x[space_find(space, "op")] = branch;
		x[k] = x[k + 1] = (double)NAN;
		x[k + branch] = 3;
		assert_true(space_contains(space, x));
		assert_true(space_feasible(space, x));
		x[k + branch] = 4;
		assert_false(space_feasible(space, x));
	}
}

static void bad_expressions_are_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "not finished" },
		{ "a", "needs a comparison" },
		{ "a + 1", "needs a comparison" },
		{ "a <", "not finished" },
		{ "< a", "expected a number" },
		{ "a < b < n", "only one comparison" },
		{ "(a < b)", "inside brackets" },
		{ "min(a < b, 1) < 1", "inside brackets" },
		{ "(a + b < 1", "inside brackets" },
		{ "a < (b", "not closed" },
		{ "a) < b", "closes nothing" },
		{ "a < b)", "closes nothing" },
		{ "a b < 1", "expected an operator" },
		{ "a + * b < 1", "expected a number" },
		{ "a, b < 1", "comma" },
		{ "(a, b) < 1", "comma" },
		{ "min(a) < 1", "two or more" },
		{ "log(a, b) < 1", "one argument" },
		{ "log() < 1", "expected a number" },
		{ "sin(a) < 1", "no function sin" },
		{ "zz < 1", "no parameter zz" },
		{ "op.z < 1", "no parameter op.z" },
		{ "s < 1", "s is not a number" },
		{ "op < 1", "op is not a number" },
		{ "`a < 1", "not closed" },
		{ "learning-rate < 1", "no parameter learning" },
		{ "0x10 < a", "expected an operator" },
		{ "1e999 < a", "too large" },
		{ ". < a", "point" },
		{ "a = 1", "expected an operator" },
		{ "a ! 1", "expected an operator" },
		{ "a < 1; b", "expected an operator" },
		{ "a ^ 2 < 1", "expected an operator" },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char list[256];
		snprintf(list, sizeof(list), "[\"a <= 10\",\"%s\"]", cases[i].text);
		refuse_all(
			fixture, SPACE, list, NULL, "/parameter_constraints/1", cases[i].message);
		assert_int_equal(fixture->faults.n, 1);
	}
	refuse_all(fixture, SPACE, "\"a < 1\"", NULL, "/parameter_constraints", "a list");
	refuse_all(fixture, SPACE, "[3]", NULL, "/parameter_constraints/0", "a string");
	assert_int_equal(parse_all(fixture, SPACE, "null", NULL)->n_constraints, 0);
	assert_int_equal(parse_all(fixture, SPACE, "[]", NULL)->n_constraints, 0);
}

/* a+a+...+a >= 0 with n terms compiles to 2n + 1 instructions. */
static void sizes_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text;
	buffer_init(&text, 65536);
	for (int n = 127; n <= 128; n++) {
		buffer_clear(&text);
		buffer_add_text(&text, "[\"a");
		for (int i = 1; i < n; i++)
			buffer_add_text(&text, "+a");
		buffer_add_text(&text, ">=0\"]");
		if (n == 127)
			parse_all(fixture, SPACE, buffer_text(&text), NULL);
		else
			refuse_all(fixture, SPACE, buffer_text(&text), NULL,
				"/parameter_constraints/0", "too long");
	}
	for (int n = CONSTRAINT_CODE_MAX; n <= CONSTRAINT_CODE_MAX + 1; n++) {
		buffer_clear(&text);
		buffer_printf(&text, "[\"%*s", n, "");
		memset(text.data + 2, '(', (size_t)n);
		buffer_add_char(&text, 'a');
		for (int i = 0; i < n; i++)
			buffer_add_char(&text, ')');
		buffer_add_text(&text, ">=0\"]");
		if (n == CONSTRAINT_CODE_MAX)
			parse_all(fixture, SPACE, buffer_text(&text), NULL);
		else
			refuse_all(fixture, SPACE, buffer_text(&text), NULL,
				"/parameter_constraints/0", "too deeply");
	}
	for (int n = CONSTRAINT_TEXT_MAX; n <= CONSTRAINT_TEXT_MAX + 1; n++) {
		buffer_clear(&text);
		buffer_printf(&text, "[\"%*s\"]", n, "a >= 0");
		if (n == CONSTRAINT_TEXT_MAX)
			parse_all(fixture, SPACE, buffer_text(&text), NULL);
		else
			refuse_all(fixture, SPACE, buffer_text(&text), NULL,
				"/parameter_constraints/0", "at most 1024 bytes");
	}
	for (int n = LIMIT_PARAMETER_CONSTRAINTS; n <= LIMIT_PARAMETER_CONSTRAINTS + 1; n++) {
		buffer_clear(&text);
		for (int i = 0; i < n; i++)
			buffer_printf(&text, "%c\"a >= -10\"", i ? ',' : '[');
		buffer_add_char(&text, ']');
		if (n == LIMIT_PARAMETER_CONSTRAINTS)
			assert_int_equal(
				parse_all(fixture, SPACE, buffer_text(&text), NULL)->n_constraints,
				n);
		else
			refuse_all(fixture, SPACE, buffer_text(&text), NULL,
				"/parameter_constraints", "at most 64");
	}
	buffer_release(&text);
}

static void samples_are_feasible(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space =
		parse_all(fixture, SPACE, "[\"b <= a\", \"op.k <= n\", \"a + b < 1\"]", NULL);
	struct rng rng;
	rng_init(&rng, 1, RNG_TEST, 0);
	int a = space_find(space, "a"), b = space_find(space, "b");
	for (int draw = 0; draw < 1000; draw++) {
		double x[LIMIT_PARAMETERS];
		assert_int_equal(space_sample_feasible(space, &rng, x), 0);
		assert_true(space_contains(space, x));
		assert_true(x[b] <= x[a] && x[a] + x[b] < 1);
	}
}

static void infeasible_spaces_are_refused(void **state)
{
	struct fixture *fixture = *state;
	refuse_all(fixture, SPACE, "[\"a < b\", \"b < a\"]", NULL, "/parameter_constraints",
		"none of 100000");
	/* Feasible in one branch only, where the constraint looks at nothing. */
	parse_all(fixture, SPACE, "[\"op.k > 1000\"]", NULL);
	/* Thin, but there: about 1 in 4000 draws. */
	parse_all(fixture, SPACE, "[\"a > 9.995\"]", NULL);
}

static void exhaustion_is_answered(void **state)
{
	struct fixture *fixture = *state;
	const struct space *space = parse_all(fixture, SPACE, "[\"a >= -10\"]", NULL);
	/* The same space, under a constraint that nothing meets. */
	struct instruction code[] = { { .operation = 0, .number = 0.0 } };
	struct space_constraint never = { "0", 1, code };
	struct space infeasible = *space;
	struct rng rng;
	double x[LIMIT_PARAMETERS];
	infeasible.constraints = &never;
	infeasible.n_constraints = 1;
	rng_init(&rng, 1, RNG_TEST, 0);
	assert_int_equal(space_sample_feasible(&infeasible, &rng, x), CODE_EXHAUSTED);
}

static void values_are_expressions_without_a_comparison(void **state)
{
	static const struct {
		const char *text;
		double value;
	} values[] = { { "c * 2", 32 }, { "max(a, n) - 1", 6 }, { "7", 7 } };
	struct fixture *fixture = *state;
	const struct space *space = parse(fixture, SPACE);
	const struct space_constraint *expression;
	struct path at = { NULL, "expression", 0 };
	double x[LIMIT_PARAMETERS];
	fill(space, x);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		assert_int_equal(expression_read(values[i].text, space, &at, &fixture->arena,
					 &expression, &fixture->faults),
			0);
		assert_int_equal(fixture->faults.n, 0);
		assert_true(expression_value(expression, space, x) == values[i].value);
	}
	expression_read("op.k + 1", space, &at, &fixture->arena, &expression, &fixture->faults);
	assert_true(isnan(expression_value(expression, space, x)));
	expression_read("a < b", space, &at, &fixture->arena, &expression, &fixture->faults);
	assert_int_equal(fixture->faults.n, 1);
	expression_read("a +", space, &at, &fixture->arena, &expression, &fixture->faults);
	assert_int_equal(fixture->faults.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(expressions_have_these_truths),
		SPACE_TEST(values_are_expressions_without_a_comparison),
		SPACE_TEST(a_shared_address_means_the_active_branch),
		SPACE_TEST(bad_expressions_are_refused),
		SPACE_TEST(sizes_are_bounded),
		SPACE_TEST(samples_are_feasible),
		SPACE_TEST(infeasible_spaces_are_refused),
		SPACE_TEST(exhaustion_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
