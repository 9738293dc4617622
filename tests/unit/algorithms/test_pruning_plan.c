/* Config lists, counts and what is left: the network and the numbers of the worked cases. */
#include "tests/unit/algorithms/pruning_support.h"

#define NONE (double)NAN

struct lenet {
	struct sketch *sketch;
	size_t conv1, conv2, conv3, fc1, fc2, fc3;
};

/* conv1(1 to 16, 5) conv2(16 to 32, 5) maxpool conv3(32 to 32, 5) maxpool fc1(288 to 64) fc2(64 to
 * 32) fc3(32 to 10) on 28 x 28 x 1: 59,786 parameters. */
static struct lenet lenet(void)
{
	struct sketch *s = sketch_new();
	struct lenet l = { .sketch = s };

	l.conv1 = named(s, "conv1", conv(s, input(s, 1, 28), 16, 5, 1, 0));
	l.conv2 = named(s, "conv2", conv(s, layer(s, "ReLU", l.conv1), 32, 5, 1, 0));
	size_t x = window(s, "MaxPool2d", layer(s, "ReLU", l.conv2), 0, 2, 2, 0);
	l.conv3 = named(s, "conv3", conv(s, x, 32, 5, 1, 0));
	x = window(s, "MaxPool2d", layer(s, "ReLU", l.conv3), 0, 2, 2, 0);
	l.fc1 = named(s, "fc1", linear(s, layer(s, "Flatten", x), 64));
	l.fc2 = named(s, "fc2", linear(s, layer(s, "ReLU", l.fc1), 32));
	l.fc3 = named(s, "fc3", linear(s, layer(s, "ReLU", l.fc2), 10));
	sketch_build(s);
	return l;
}

static uint64_t parameters(const struct sketch *s, size_t index)
{
	struct network_size size;
	plan_measure(&s->plan, &s->network, index, &size);
	return size.parameters;
}

static void check_row(const struct lenet *l, const uint64_t row[7])
{
	const size_t layers[] = { l->conv1, l->conv2, l->conv3, l->fc1, l->fc2, l->fc3 };

	for (size_t i = 0; i < 6; i++)
		assert_int_equal(parameters(l->sketch, layers[i]), row[i]);
	assert_int_equal(parameters_of(l->sketch), row[6]);
}

static int try_counts(struct sketch *s, const struct plan_kept *entries, size_t n)
{
	static const struct path at = { .name = "kept" };
	return plan_counts(&s->plan, &s->network, entries, n, &at, &s->arena, &s->faults, &s->err);
}

static void test_original(void **state)
{
	struct lenet l = lenet();
	(void)state;

	check_row(&l, (const uint64_t[]){ 416, 12832, 25632, 18496, 2080, 330, 59786 });
	/* 24 x 24, 20 x 20 and 6 x 6 places. */
	assert_int_equal(
		macs_of(l.sketch), 400 * 576 + 12800 * 400 + 25600 * 36 + 18432 + 2048 + 320);
	sketch_free(l.sketch);
}

static void test_rows_by_counts(void **state)
{
	static const struct {
		int64_t kept[5]; /* conv1, conv2, conv3, fc1, fc2 */
		uint64_t row[7];
	} cases[] = {
		{ { 8, 16, 16, 64, 32 }, { 208, 3216, 6416, 9280, 2080, 330, 21530 } },
		{ { 5, 10, 10, 64, 32 }, { 130, 1260, 2510, 5824, 2080, 330, 12134 } },
		{ { 14, 32, 30, 61, 25 }, { 364, 11232, 24030, 16531, 1550, 260, 53967 } },
		{ { 7, 26, 16, 62, 24 }, { 182, 4576, 10416, 8990, 1512, 250, 25926 } },
		{ { 3, 24, 7, 61, 21 }, { 78, 1824, 4207, 3904, 1302, 220, 11535 } },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lenet l = lenet();
		const struct plan_kept kept[] = { { "conv1", cases[i].kept[0] },
			{ "conv2", cases[i].kept[1] }, { "conv3", cases[i].kept[2] },
			{ "fc1", cases[i].kept[3] }, { "fc2", cases[i].kept[4] } };
		assert_int_equal(try_counts(l.sketch, kept, 5), 0);
		check_row(&l, cases[i].row);
		check_rebuilt(l.sketch);
		sketch_free(l.sketch);
	}
}

static void test_rows_by_config_list(void **state)
{
	static const char *const types[] = { "Conv2d" };
	struct rule rule = {
		.types = { types, 1 }, .sparsity = 0.5, .total_sparsity = NONE, .cap = NONE
	};
	struct lenet l = lenet();
	(void)state;

	assert_int_equal(sketch_rules(l.sketch, "fpgm", &rule, 1), 0);
	check_row(&l, (const uint64_t[]){ 208, 3216, 6416, 9280, 2080, 330, 21530 });
	sketch_free(l.sketch);
	l = lenet();
	rule.sparsity = 0.7;
	assert_int_equal(sketch_rules(l.sketch, "l2", &rule, 1), 0);
	check_row(&l, (const uint64_t[]){ 130, 1260, 2510, 5824, 2080, 330, 12134 });
	sketch_free(l.sketch);
}

/* Single weights: 80 % of each layer's go, biases stay. */
static void test_level(void **state)
{
	struct lenet l = lenet();
	(void)state;

	uint64_t macs = macs_of(l.sketch);
	sketch_sparsity(l.sketch, "level", 0.8);
	assert_int_equal(parameters_of(l.sketch), 12107);
	assert_int_equal(parameters(l.sketch, l.conv1), 80 + 16);
	assert_int_equal(layer_out(l.sketch, l.conv1), 16);
	assert_int_equal(macs_of(l.sketch), macs);
	sketch_free(l.sketch);
}

/* ---- config lists ---- */

static void test_later_entries_win(void **state)
{
	static const char *const convs[] = { "Conv2d" }, *const all[] = { "default" },
				 *const conv2[] = { "conv2" }, *const fc[] = { "fc" },
				 *const conv3[] = { "conv3" };
	const struct rule rules[] = {
		{ .types = { convs, 1 }, .sparsity = 0.5, .total_sparsity = NONE, .cap = NONE },
		{ .names = { conv3, 1 },
			.exclude = true,
			.sparsity = NONE,
			.total_sparsity = NONE },
		{ .types = { all, 1 },
			.partial_names = { fc, 1 },
			.sparsity = 0.25,
			.total_sparsity = NONE,
			.cap = NONE },
		{ .names = { conv2, 1 }, .sparsity = 0.75, .total_sparsity = NONE, .cap = NONE },
	};
	struct lenet l = lenet();
	(void)state;

	assert_int_equal(sketch_rules(l.sketch, "l1", rules, 4), 0);
	assert_int_equal(layer_out(l.sketch, l.conv1), 8);
	assert_int_equal(layer_out(l.sketch, l.conv2), 8);
	assert_int_equal(layer_out(l.sketch, l.conv3), 32);
	assert_int_equal(layer_out(l.sketch, l.fc1), 48);
	assert_int_equal(layer_out(l.sketch, l.fc2), 24);
	assert_int_equal(layer_out(l.sketch, l.fc3), 10); /* the output stays, whatever is asked */
	sketch_free(l.sketch);
}

static void test_a_later_entry_takes_back_an_exclude(void **state)
{
	static const char *const convs[] = { "Conv2d" };
	const struct rule rules[] = {
		{ .types = { convs, 1 },
			.exclude = true,
			.sparsity = NONE,
			.total_sparsity = NONE },
		{ .types = { convs, 1 }, .sparsity = 0.5, .total_sparsity = NONE, .cap = NONE },
	};
	struct lenet l = lenet();
	(void)state;

	assert_int_equal(sketch_rules(l.sketch, "l1", rules, 2), 0);
	assert_int_equal(layer_out(l.sketch, l.conv1), 8);
	sketch_free(l.sketch);
}

/* Weights 400, 12,800, 25,600. */
static void test_total_sparsity(void **state)
{
	static const char *const types[] = { "Conv2d" };
	static const struct path at = { .name = "config_list" };
	const struct rule_cap caps[] = { { "conv3", 0.25 } };
	struct rule rule = { .types = { types, 1 },
		.sparsity = NONE,
		.total_sparsity = 0.4,
		.cap = NONE,
		.caps = caps,
		.n_caps = 1 };
	double targets[SKETCH_LAYERS];
	struct lenet l = lenet();
	struct sketch *s = l.sketch;
	(void)state;

	assert_int_equal(rules_resolve(&s->network, pruner_find("L1NormPruner"), &rule, 1, &at,
				 &s->arena, targets, &s->faults, &s->err),
		0);
	double level = (0.4 * 38800 - 0.25 * 25600) / 13200; /* what conv3 does not take */
	assert_true(fabs(targets[l.conv1] - level) < 1e-12);
	assert_true(fabs(targets[l.conv2] - level) < 1e-12);
	assert_true(targets[l.conv3] == 0.25);
	assert_true(isnan(targets[l.fc1]));
	rule.total_sparsity = 0.6; /* 0.25 of conv3 and 0.99 of the others are 0.5017 of all */
	assert_int_equal(sketch_rules(s, "l1", &rule, 1), CODE_INVALID);
	assert_true(has_fault(s, "/config_list/0/total_sparsity"));
	sketch_free(s);

	l = lenet();
	rule.n_caps = 0;
	rule.cap = 0.5;
	rule.total_sparsity = 0.5; /* all at their caps */
	assert_int_equal(sketch_rules(l.sketch, "l1", &rule, 1), 0);
	assert_int_equal(parameters_of(l.sketch), 21530);
	sketch_free(l.sketch);
}

static void test_config_faults(void **state)
{
	static const char *const convs[] = { "Conv2d", "Conv3d" }, *const relu[] = { "l2", "gone" },
				 *const part[] = { "conv9" }, *const linear_only[] = { "Linear" },
				 *const conv1[] = { "conv1" };
	const struct rule_cap caps[] = { { "fc1", 0.5 }, { "gone", 0.5 } };
	const struct rule rules[] = {
		{ .types = { convs, 2 }, .sparsity = 0.5, .total_sparsity = NONE, .cap = NONE },
		{ .names = { relu, 2 }, .sparsity = 0.5, .total_sparsity = NONE, .cap = NONE },
		{ .partial_names = { part, 1 },
			.sparsity = 0.5,
			.total_sparsity = NONE,
			.cap = NONE },
		{ .types = { linear_only, 1 },
			.names = { conv1, 1 },
			.sparsity = 0.5,
			.total_sparsity = NONE,
			.cap = NONE },
		{ .types = { convs, 1 },
			.sparsity = NONE,
			.total_sparsity = 0.5,
			.cap = NONE,
			.caps = caps,
			.n_caps = 2 },
	};
	struct lenet l = lenet();
	struct sketch *s = l.sketch;
	(void)state;

	assert_int_equal(sketch_rules(s, "l1", rules, 5), CODE_INVALID);
	assert_int_equal(s->faults.n, 7);
	assert_true(has_fault(s, "/config_list/0/op_types/1"));
	assert_true(has_fault(s, "/config_list/1/op_names/0"));
	assert_true(has_fault(s, "/config_list/1/op_names/1"));
	assert_true(has_fault(s, "/config_list/2/op_partial_names/0"));
	assert_true(has_fault(s, "/config_list/3"));
	assert_true(has_fault(s, "/config_list/4/max_sparsity_per_layer/fc1"));
	assert_true(has_fault(s, "/config_list/4/max_sparsity_per_layer/gone"));
	sketch_free(s);
}

/* ---- groups ---- */

struct residual {
	struct sketch *sketch;
	size_t a, b, c;
};

static struct residual residual(void)
{
	struct sketch *s = sketch_new();
	struct residual r = { .sketch = s };

	r.a = named(s, "a", conv(s, input(s, 3, 8), 12, 3, 1, 1));
	r.b = named(s, "b", conv(s, r.a, 8, 3, 1, 1));
	r.c = named(s, "c", conv(s, r.b, 12, 3, 1, 1));
	named(s, "d", conv(s, join(s, "Add", r.a, r.c), 2, 1, 1, 0));
	sketch_build(s);
	return r;
}

static void test_a_group_takes_the_least_sparsity(void **state)
{
	static const char *const a[] = { "a" }, *const c[] = { "c" };
	const struct rule rules[] = {
		{ .names = { a, 1 }, .sparsity = 0.75, .total_sparsity = NONE, .cap = NONE },
		{ .names = { c, 1 }, .sparsity = 0.5, .total_sparsity = NONE, .cap = NONE },
	};
	struct residual r = residual();
	(void)state;

	assert_int_equal(sketch_rules(r.sketch, "l1", rules, 2), 0);
	assert_int_equal(layer_out(r.sketch, r.a), 6);
	assert_int_equal(layer_out(r.sketch, r.c), 6);
	assert_int_equal(layer_out(r.sketch, r.b), 8);
	sketch_free(r.sketch);
	/* Nothing asked of c: its channels would be missed. */
	r = residual();
	assert_int_equal(sketch_rules(r.sketch, "l1", rules, 1), 0);
	assert_int_equal(layer_out(r.sketch, r.a), 12);
	sketch_free(r.sketch);
}

static void test_bounds_of_groups(void **state)
{
	const struct plan_bounds bounds[] = { { 8, 1 }, { 1, 5 }, { 4, 9 }, { 1, 100 } };
	static const int64_t left[][2] = { { 8, 8 }, { 5, 5 }, { 12, 8 }, { 12, 8 } };
	double targets[] = { NONE, 0.75, 0.75, 0.75, NONE, NONE };
	(void)state;

	for (size_t i = 0; i < 4; i++) {
		struct residual r = residual();
		assert_int_equal(
			plan_sparsity(&r.sketch->plan, &r.sketch->network, pruner_find("l1"),
				targets, &bounds[i], &r.sketch->arena, &r.sketch->err),
			0);
		assert_int_equal(layer_out(r.sketch, r.a), left[i][0]);
		assert_int_equal(layer_out(r.sketch, r.b), left[i][1]);
		check_rebuilt(r.sketch);
		sketch_free(r.sketch);
	}
}

static void test_parts_share_a_multiple(void **state)
{
	const struct plan_bounds bounds = { 8, 1 };
	double targets[] = { NONE, 0.9, 0.9, NONE };
	struct sketch *s = sketch_new();
	(void)state;

	size_t a = conv(s, input(s, 3, 8), 32, 1, 1, 0), b = conv(s, a, 16, 3, 1, 1);
	s->layers[b].options.groups = 2;
	conv(s, b, 2, 1, 1, 0);
	sketch_build(s);
	assert_int_equal(plan_sparsity(&s->plan, &s->network, pruner_find("l1"), targets, &bounds,
				 &s->arena, &s->err),
		0);
	assert_int_equal(layer_out(s, a), 8); /* two parts of 4 */
	assert_int_equal(layer_out(s, b), 8);
	sketch_free(s);
}

static void test_counts_hold_for_the_group(void **state)
{
	struct residual r = residual();
	(void)state;

	const struct plan_kept kept[] = { { "c", 7 } };
	assert_int_equal(try_counts(r.sketch, kept, 1), 0);
	assert_int_equal(layer_out(r.sketch, r.a), 7);
	check_rebuilt(r.sketch);
	sketch_free(r.sketch);
}

static void test_count_faults(void **state)
{
	const struct plan_kept kept[] = { { "a", 6 }, { "c", 7 }, { "b", 9 }, { "d", 1 },
		{ "gone", 1 }, { "l4", 1 } };
	struct residual r = residual();
	struct sketch *s = r.sketch;
	(void)state;

	assert_int_equal(try_counts(s, kept, 6), CODE_INVALID);
	assert_int_equal(s->faults.n, 5);
	assert_true(has_fault(s, "/kept/c"));
	assert_true(has_fault(s, "/kept/b"));
	assert_true(has_fault(s, "/kept/d"));
	assert_true(has_fault(s, "/kept/gone"));
	assert_true(has_fault(s, "/kept/l4"));
	sketch_free(s);
}

static void test_counts_of_parts(void **state)
{
	const struct plan_kept odd[] = { { "a", 7 } }, uneven[] = { { "b", 4 } },
			       good[] = { { "a", 6 }, { "b", 6 } };
	struct sketch *s = sketch_new();
	(void)state;

	/* a feeds two blocks; b and c are a block each. */
	size_t x = input(s, 3, 8), a = named(s, "a", conv(s, x, 12, 1, 1, 0));
	size_t cut = conv(s, a, 4, 1, 1, 0);
	size_t b = named(s, "b", conv(s, x, 6, 1, 1, 0)), c = named(s, "c", conv(s, x, 6, 1, 1, 0));
	size_t cut2 = conv(s, join(s, "Concat", b, c), 4, 1, 1, 0);
	s->layers[cut].options.groups = s->layers[cut2].options.groups = 2;
	sketch_build(s);
	assert_int_equal(try_counts(s, odd, 1), CODE_INVALID);
	assert_true(has_fault(s, "/kept/a"));
	faults_init(&s->faults);
	assert_int_equal(plan_init(&s->plan, &s->network, &s->arena, &s->err), 0);
	assert_int_equal(try_counts(s, uneven, 1), CODE_INVALID);
	assert_true(has_fault(s, "/kept"));
	faults_init(&s->faults);
	assert_int_equal(plan_init(&s->plan, &s->network, &s->arena, &s->err), 0);
	assert_int_equal(try_counts(s, good, 2), 0);
	assert_int_equal(layer_out(s, a), 6);
	check_rebuilt(s);
	sketch_free(s);
}

static void test_pruners(void **state)
{
	(void)state;
	assert_string_equal(pruner_find("FPGMPruner")->name, "fpgm");
	assert_string_equal(pruner_find("TAYLORFO")->name, "taylorfo");
	assert_null(pruner_find("FPGM Pruner"));
	assert_null(pruner_find(""));
	for (const struct pruner *pruner = pruners; pruner->name; pruner++)
		assert_ptr_equal(pruner_find(pruner->alias), pruner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_original),
		cmocka_unit_test(test_rows_by_counts),
		cmocka_unit_test(test_rows_by_config_list),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_later_entries_win),
		cmocka_unit_test(test_a_later_entry_takes_back_an_exclude),
		cmocka_unit_test(test_total_sparsity),
		cmocka_unit_test(test_config_faults),
		cmocka_unit_test(test_a_group_takes_the_least_sparsity),
		cmocka_unit_test(test_bounds_of_groups),
		cmocka_unit_test(test_parts_share_a_multiple),
		cmocka_unit_test(test_counts_hold_for_the_group),
		cmocka_unit_test(test_count_faults),
		cmocka_unit_test(test_counts_of_parts),
		cmocka_unit_test(test_pruners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
