/* Shapes, sizes and dependencies. The counts of parameters are those that torchvision publishes. */
#include "tests/unit/algorithms/pruning_support.h"

/* ---- well-known networks ---- */

static size_t basic_block(struct sketch *s, size_t from, int64_t out, int64_t stride)
{
	size_t x = layer(s, "ReLU", conv_norm(s, from, out, 3, stride, 1));
	x = conv_norm(s, x, out, 3, 1, 1);
	size_t shortcut = from;
	if (stride > 1)
		shortcut = conv_norm(s, from, out, 1, stride, 1);
	return layer(s, "ReLU", join(s, "Add", x, shortcut));
}

static size_t stem(struct sketch *s)
{
	size_t x = layer(s, "ReLU", conv_norm(s, input(s, 3, 224), 64, 7, 2, 1));
	return window(s, "MaxPool2d", x, 0, 3, 2, 1);
}

static void head(struct sketch *s, size_t x)
{
	x = layer(s, "AdaptiveAvgPool2d", x);
	for (unsigned i = 0; i < NETWORK_SPATIAL; i++)
		s->layers[x].options.size[i] = 1;
	linear(s, layer(s, "Flatten", x), 1000);
}

static struct sketch *resnet18(void)
{
	struct sketch *s = sketch_new();
	size_t x = stem(s);

	for (int stage = 0; stage < 4; stage++)
		for (int block = 0; block < 2; block++)
			x = basic_block(s, x, 64 << stage, stage && block == 0 ? 2 : 1);
	head(s, x);
	sketch_build(s);
	return s;
}

static struct sketch *resnext50(void)
{
	static const int blocks[] = { 3, 4, 6, 3 };
	struct sketch *s = sketch_new();
	size_t x = stem(s);

	for (int stage = 0; stage < 4; stage++) {
		for (int block = 0; block < blocks[stage]; block++) {
			int64_t stride = stage && block == 0 ? 2 : 1;
			size_t y = conv_norm(s, x, 128 << stage, 1, 1, 1);
			y = conv_norm(s, y, 128 << stage, 3, stride, 32);
			y = conv_norm(s, y, 256 << stage, 1, 1, 1);
			size_t shortcut = block ? x : conv_norm(s, x, 256 << stage, 1, stride, 1);
			x = layer(s, "ReLU", join(s, "Add", y, shortcut));
		}
	}
	head(s, x);
	sketch_build(s);
	return s;
}

static struct sketch *mobilenet_v2(void)
{
	static const int64_t rows[][4] = { { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 },
		{ 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } };
	struct sketch *s = sketch_new();
	size_t x = layer(s, "ReLU6", conv_norm(s, input(s, 3, 224), 32, 3, 2, 1));
	int64_t channels = 32;

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		for (int64_t i = 0; i < rows[r][2]; i++) {
			int64_t wide = channels * rows[r][0], stride = i ? 1 : rows[r][3];
			size_t y = rows[r][0] == 1 ? x : conv_norm(s, x, wide, 1, 1, 1);
			y = conv_norm(s, y, wide, 3, stride, wide);
			y = conv_norm(s, y, rows[r][1], 1, 1, 1);
			x = i ? join(s, "Add", x, y) : y;
			channels = rows[r][1];
		}
	}
	head(s, layer(s, "ReLU6", conv_norm(s, x, 1280, 1, 1, 1)));
	sketch_build(s);
	return s;
}

static size_t norm_conv(struct sketch *s, size_t from, int64_t out, int64_t kernel)
{
	size_t x = layer(s, "ReLU", layer(s, "BatchNorm2d", from));
	x = conv(s, x, out, kernel, 1, kernel / 2);
	s->layers[x].options.bias = false;
	return x;
}

static struct sketch *densenet121(void)
{
	static const int blocks[] = { 6, 12, 24, 16 };
	struct sketch *s = sketch_new();
	size_t x = stem(s);
	int64_t channels = 64;

	for (int b = 0; b < 4; b++) {
		for (int i = 0; i < blocks[b]; i++, channels += 32)
			x = join(s, "Concat", x, norm_conv(s, norm_conv(s, x, 128, 1), 32, 3));
		if (b < 3) {
			channels /= 2;
			x = window(s, "AvgPool2d", norm_conv(s, x, channels, 1), 0, 2, 2, 0);
		}
	}
	head(s, layer(s, "BatchNorm2d", x));
	sketch_build(s);
	return s;
}

static void test_published_sizes(void **state)
{
	(void)state;
	struct sketch *s = resnet18();
	assert_int_equal(parameters_of(s), 11689512);
	assert_int_equal(macs_of(s), 1814073344);
	sketch_free(s);
	s = resnext50();
	assert_int_equal(parameters_of(s), 25028904);
	sketch_free(s);
	s = mobilenet_v2();
	assert_int_equal(parameters_of(s), 3504872);
	sketch_free(s);
	s = densenet121();
	assert_int_equal(parameters_of(s), 7978856);
	sketch_free(s);
}

static void test_pruned_networks_fit(void **state)
{
	struct sketch *(*const make[])(void) = { resnet18, resnext50, mobilenet_v2, densenet121 };
	static const char *const rules[] = { "l1", "slim" };
	(void)state;

	for (size_t i = 0; i < sizeof(make) / sizeof(*make); i++) {
		for (size_t r = 0; r < 2; r++) {
			struct sketch *s = make[i]();
			uint64_t before = parameters_of(s);
			sketch_sparsity(s, rules[r], 0.5);
			assert_true(parameters_of(s) < before / 20 * 9);
			check_rebuilt(s);
			sketch_free(s);
		}
	}
}

static void test_dependencies_of_resnet(void **state)
{
	struct sketch *s = resnet18();
	(void)state;

	/* The input; in each stage what the shortcut adds up, and the inside of two blocks; the
	 * classes. */
	assert_int_equal(s->network.n_groups, 1 + 4 + 4 * 2 + 1);
	assert_int_equal(s->network.groups[0].fixed, FIXED_INPUT);
	assert_int_equal(s->network.groups[0].units, 3);
	/* The stem and the second convolutions of both blocks of the first stage. */
	const struct network_group *group = &s->network.groups[1];
	assert_int_equal(group->n_makers, 3);
	assert_int_equal(group->makers[0], 1);
	assert_int_equal(group->units, 64);
	assert_int_equal(group->n_parts, 1);
	assert_int_equal(group->fixed, FIXED_NOT);
	assert_int_equal(s->network.groups[s->network.n_groups - 1].fixed, FIXED_OUTPUT);
	sketch_free(s);
}

static void test_parts_of_resnext(void **state)
{
	struct sketch *s = resnext50();
	(void)state;

	/* Each convolution in 32 groups cuts the one before it and itself. */
	assert_int_equal(s->network.n_balances, 2 * 16);
	size_t cut = 0;
	for (size_t i = 0; i < s->network.n_groups; i++)
		cut += s->network.groups[i].n_parts == 32;
	assert_int_equal(cut, 2 * 16);
	sketch_sparsity(s, "l1", 0.3); /* 4 a part: floor(1.2) = 1 goes */
	struct network_size size;
	for (size_t i = 0; i < s->network.n_layers; i++) {
		if (s->layers[i].options.groups == 1)
			continue;
		plan_measure(&s->plan, &s->network, i, &size);
		assert_int_equal(size.groups, 32);
		int64_t all = s->layers[i].shape.size[0], a_part = all / 32;
		assert_int_equal(size.out_channels, (a_part - a_part * 3 / 10) * 32);
	}
	sketch_free(s);
}

/* ---- single rules ---- */

static void test_depthwise_follows(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t a = conv(s, input(s, 3, 8), 8, 3, 1, 1);
	size_t deep = conv(s, a, 16, 3, 1, 1);
	s->layers[deep].options.groups = 8;
	size_t out = conv(s, deep, 4, 1, 1, 0);
	sketch_build(s);
	assert_ptr_equal(group_of_layer(s, a), group_of_layer(s, deep));
	assert_int_equal(group_of_layer(s, a)->units, 8);
	static const char *const first[] = { "l1" };
	const struct rule rule = { .names = { first, 1 },
		.sparsity = 0.5,
		.total_sparsity = (double)NAN,
		.cap = (double)NAN };
	assert_int_equal(sketch_rules(s, "l2", &rule, 1), 0);
	assert_int_equal(layer_out(s, a), 4);
	assert_int_equal(layer_out(s, deep), 8); /* two for each that is left */
	assert_int_equal(layer_out(s, out), 4);	 /* leaves the network */
	struct network_size size;
	plan_measure(&s->plan, &s->network, deep, &size);
	assert_int_equal(size.groups, 4);
	assert_int_equal(size.parameters, 8 * 9 + 8);
	check_rebuilt(s);
	sketch_free(s);
}

static void test_flatten_multiplies(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t a = conv(s, input(s, 1, 6), 10, 3, 1, 0);
	size_t flat = layer(s, "BatchNorm1d", layer(s, "Flatten", a));
	size_t fc = linear(s, flat, 160);
	/* The sum of a flattened convolution and a vector: 16 features of the one, 16 units of the
	 * other stand together. */
	size_t sum = join(s, "Add", flat, fc);
	linear(s, sum, 2);
	sketch_build(s);
	assert_ptr_equal(group_of_layer(s, a), group_of_layer(s, fc));
	assert_int_equal(group_of_layer(s, a)->units, 10);
	sketch_sparsity(s, "fpgm", 0.4);
	assert_int_equal(layer_out(s, a), 6);
	assert_int_equal(layer_out(s, flat), 96);
	assert_int_equal(layer_out(s, fc), 96);
	assert_int_equal(layer_out(s, sum), 96);
	check_rebuilt(s);
	sketch_free(s);
}

static void test_sum_with_a_concat(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t x = input(s, 3, 8);
	size_t a = conv(s, x, 4, 1, 1, 0), b = conv(s, x, 12, 1, 1, 0), c = conv(s, x, 16, 1, 1, 0);
	size_t sum = join(s, "Add", join(s, "Concat", a, b), c);
	conv(s, sum, 2, 1, 1, 0);
	sketch_build(s);
	/* c is half of a's group and half of b's. */
	assert_int_equal(s->layers[c].n_shares, 2);
	assert_int_equal(group_of_layer(s, a)->n_makers, 2);
	assert_int_equal(group_of_layer(s, b)->units, 12);
	sketch_sparsity(s, "l1", 0.5);
	assert_int_equal(layer_out(s, a), 2);
	assert_int_equal(layer_out(s, b), 6);
	assert_int_equal(layer_out(s, c), 8);
	check_rebuilt(s);
	sketch_free(s);
}

static void test_concat_of_the_same(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t x = input(s, 3, 8);
	size_t a = conv(s, x, 4, 1, 1, 0), b = conv(s, x, 8, 1, 1, 0);
	conv(s, join(s, "Add", join(s, "Concat", a, a), b), 2, 1, 1, 0);
	sketch_build(s);
	assert_int_equal(group_of_layer(s, b)->units, 4);
	assert_int_equal(s->layers[b].shares[0].per_unit, 2);
	sketch_sparsity(s, "l1", 0.25);
	assert_int_equal(layer_out(s, a), 3);
	assert_int_equal(layer_out(s, b), 6);
	check_rebuilt(s);
	sketch_free(s);
}

static void test_squeeze_and_excite(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t a = conv(s, input(s, 3, 8), 16, 3, 1, 1);
	size_t pooled = layer(s, "AdaptiveAvgPool2d", a);
	for (unsigned i = 0; i < NETWORK_SPATIAL; i++)
		s->layers[pooled].options.size[i] = 1;
	size_t squeeze = conv(s, pooled, 4, 1, 1, 0);
	size_t excite = conv(s, squeeze, 16, 1, 1, 0);
	size_t scaled = join(s, "Mul", layer(s, "Sigmoid", excite), a);
	/* One map for all channels ties nothing. */
	size_t map = conv(s, scaled, 1, 1, 1, 0);
	size_t masked = join(s, "Mul", map, scaled);
	conv(s, masked, 2, 1, 1, 0);
	sketch_build(s);
	assert_ptr_equal(group_of_layer(s, a), group_of_layer(s, excite));
	assert_ptr_not_equal(group_of_layer(s, a), group_of_layer(s, map));
	sketch_sparsity(s, "l1", 0.5);
	assert_int_equal(layer_out(s, masked), 8);
	assert_int_equal(layer_out(s, squeeze), 2);
	assert_int_equal(layer_out(s, map), 1);
	check_rebuilt(s);
	sketch_free(s);
}

static void test_uneven_blocks_are_evened(void **state)
{
	static const char *const a_name[] = { "l1" }, *const b_name[] = { "l2" };
	const struct rule rules[] = {
		{ .names = { a_name, 1 }, .sparsity = 0.5, .total_sparsity = (double)NAN },
		{ .names = { b_name, 1 }, .sparsity = 0.25, .total_sparsity = (double)NAN },
	};
	struct sketch *s = sketch_new();
	(void)state;

	/* Two blocks of 8: a is the first, b the second. */
	size_t x = input(s, 3, 8);
	size_t a = conv(s, x, 8, 1, 1, 0), b = conv(s, x, 8, 1, 1, 0);
	size_t cut = conv(s, join(s, "Concat", a, b), 4, 1, 1, 0);
	s->layers[cut].options.groups = 2;
	sketch_build(s);
	assert_int_equal(sketch_rules(s, "l1", rules, 2), 0);
	assert_int_equal(layer_out(s, a), 6); /* 4 were enough, but b keeps 6 */
	assert_int_equal(layer_out(s, b), 6);
	check_rebuilt(s);
	sketch_free(s);
}

static void test_group_norm(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t a = conv(s, input(s, 3, 8), 24, 3, 1, 1);
	size_t norm = layer(s, "GroupNorm", a);
	s->layers[norm].options.groups = 4;
	conv(s, norm, 2, 1, 1, 0);
	sketch_build(s);
	assert_int_equal(group_of_layer(s, a)->n_parts, 4);
	sketch_sparsity(s, "l1", 0.4); /* of 6: floor(2.4) = 2 */
	assert_int_equal(layer_out(s, norm), 16);
	check_rebuilt(s);
	sketch_free(s);
}

/* Convolution, PyTorch's documentation: (in + 2 p - d (k - 1) - 1) / s + 1; ceil_mode drops a
 * window that would start behind the padding. */
static void test_window_arithmetic(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t x = input(s, 2, 11);
	size_t a = conv(s, x, 4, 3, 2, 1), b = conv(s, x, 4, 3, 1, 0),
	       same = conv(s, x, 4, 4, 1, 0);
	for (unsigned i = 0; i < NETWORK_SPATIAL; i++)
		s->layers[b].options.dilation[i] = 3;
	s->layers[same].options.same = true;
	size_t pool = window(s, "MaxPool2d", x, 0, 2, 2, 0), up = layer(s, "Upsample", pool);
	size_t late = window(s, "MaxPool2d", x, 0, 3, 3, 1),
	       edge = window(s, "AvgPool2d", x, 0, 2, 4, 0);
	s->layers[pool].options.ceil_mode = s->layers[late].options.ceil_mode = true;
	s->layers[edge].options.ceil_mode = true;
	size_t back = window(s, "ConvTranspose2d", a, 6, 3, 2, 1);
	for (unsigned i = 0; i < NETWORK_SPATIAL; i++) {
		s->layers[up].options.size[i] = 2;
		s->layers[back].options.output_padding[i] = 1;
	}
	sketch_build(s);
	assert_int_equal(s->layers[a].shape.size[1], 6);
	assert_int_equal(s->layers[b].shape.size[2], 5);
	assert_int_equal(s->layers[same].shape.size[1], 11);
	assert_int_equal(s->layers[pool].shape.size[1], 6);
	assert_int_equal(s->layers[up].shape.size[2], 12);
	assert_int_equal(s->layers[late].shape.size[1], 4); /* a fifth would begin behind 12 */
	assert_int_equal(s->layers[edge].shape.size[1], 3);
	assert_int_equal(s->layers[back].shape.size[1], 12);
	struct network_size size;
	network_measure(&s->network, back, NULL, &size);
	assert_int_equal(size.parameters, 4 * 6 * 9 + 6);
	assert_int_equal(size.macs, 4 * 6 * 9 * 6 * 6);
	sketch_free(s);
}

/* ---- faults ---- */

static void test_faults(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	size_t x = input(s, 3, 8);
	size_t a = conv(s, x, 4, 9, 1, 0); /* the window is larger than 8 */
	layer(s, "ReLU", a);		   /* nothing more to say of it */
	size_t b = conv(s, x, 4, 1, 1, 0), c = conv(s, x, 6, 1, 1, 0);
	join(s, "Add", b, c); /* 4 and 6 channels */
	linear(s, b, 2);      /* not flat */
	size_t d = conv(s, b, 6, 1, 1, 0);
	s->layers[d].options.groups = 4; /* does not divide 6 */
	size_t e = conv(s, b, 6, 1, 1, 0);
	s->layers[e].options.in_channels = 3;
	size_t f = layer(s, "ReLU", b);
	s->layers[f].claimed = (struct network_shape){ 3, { 4, 8, 7 } };
	assert_int_equal(sketch_try(s), CODE_INVALID);
	assert_int_equal(s->faults.n, 6);
	assert_true(has_fault(s, "/layers/1"));
	assert_true(has_fault(s, "/layers/5/inputs/1"));
	assert_true(has_fault(s, "/layers/6"));
	assert_true(has_fault(s, "/layers/7/groups"));
	assert_true(has_fault(s, "/layers/8/in_channels"));
	assert_true(has_fault(s, "/layers/9/shape"));
	sketch_free(s);
}

static void test_wiring_faults(void **state)
{
	static const char *const later[] = { "l3" }, *const none[] = { "nobody" },
				 *const two[] = { "l0", "l0" };
	struct sketch *s = sketch_new();
	(void)state;

	size_t x = input(s, 3, 8);
	s->layers[layer(s, "ReLU", x)].input_names = later;
	s->layers[layer(s, "ReLU", x)].input_names = none;
	s->layers[layer(s, "ReLU", x)].name = "l1";
	size_t many = layer(s, "Flatten", x), few = join(s, "Add", x, x);
	s->layers[many].input_names = two;
	s->layers[many].n_inputs = 2;
	s->layers[few].n_inputs = 1;
	assert_int_equal(sketch_try(s), CODE_INVALID);
	assert_int_equal(s->faults.n, 5);
	assert_true(has_fault(s, "/layers/1/inputs/0"));
	assert_true(has_fault(s, "/layers/2/inputs/0"));
	assert_true(has_fault(s, "/layers/3/name"));
	assert_true(has_fault(s, "/layers/4/inputs"));
	assert_true(has_fault(s, "/layers/5/inputs"));
	sketch_free(s);

	s = sketch_new();
	size_t first;
	sketch_layer(s, "ReLU", 0, NULL, &first);
	assert_int_equal(sketch_try(s), CODE_INVALID);
	assert_true(has_fault(s, "/layers/0"));
	sketch_free(s);
}

/* ---- bounds ---- */

static void test_bounds(void **state)
{
	struct sketch *s = sketch_new();
	(void)state;

	/* 16 layers of 65536 channels are all that may be, and one channel of the input is more. */
	size_t x = input(s, 1, 1);
	for (int i = 0; i < 16; i++)
		x = conv(s, x, LIMIT_LAYER_CHANNELS, 1, 1, 0);
	assert_int_equal(sketch_try(s), CODE_INVALID);
	assert_true(has_fault(s, "/layers/16"));
	sketch_free(s);

	s = sketch_new();
	x = input(s, 64, 1);
	for (int i = 0; i < 10; i++)
		x = join(s, "Concat", x, x);
	sketch_build(s); /* 65536 */
	sketch_free(s);
	s = sketch_new();
	x = input(s, 64, 1);
	for (int i = 0; i < 11; i++)
		x = join(s, "Concat", x, x);
	assert_int_equal(sketch_try(s), CODE_INVALID);
	assert_true(has_fault(s, "/layers/11"));
	sketch_free(s);

	/* 300 sums of 65536 channels are more looks than one plan may take. */
	s = sketch_new();
	x = conv(s, input(s, 1, 1), LIMIT_LAYER_CHANNELS, 1, 1, 0);
	for (int i = 0; i < 300; i++)
		x = join(s, "Add", x, x);
	assert_int_equal(sketch_try(s), CODE_INVALID);
	assert_int_equal(s->faults.n, 1);
	sketch_free(s);

	/* More than 2^53 multiplications. */
	s = sketch_new();
	x = conv(s, input(s, 65536, 1024), 65536, 1024, 1, 0);
	s->layers[x].options.same = true;
	assert_int_equal(sketch_try(s), CODE_INVALID);
	assert_true(has_fault(s, "/layers"));
	sketch_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_sizes),
		cmocka_unit_test(test_pruned_networks_fit),
		cmocka_unit_test(test_dependencies_of_resnet),
		cmocka_unit_test(test_parts_of_resnext),
		cmocka_unit_test(test_depthwise_follows),
		cmocka_unit_test(test_flatten_multiplies),
		cmocka_unit_test(test_sum_with_a_concat),
		cmocka_unit_test(test_concat_of_the_same),
		cmocka_unit_test(test_squeeze_and_excite),
		cmocka_unit_test(test_uneven_blocks_are_evened),
		cmocka_unit_test(test_group_norm),
		cmocka_unit_test(test_window_arithmetic),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_wiring_faults),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
