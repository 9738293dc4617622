/* POST /v1/pruning/plan: bodies, faults, answers. The arithmetic has its own tests. */
#include <math.h>

#include "algorithms/pruning/pruner.h"
#include "tests/unit/api/exchange.h"

#define PLAN "/v1/pruning/plan"

#define LENET                                                                                      \
	"\"model\":{\"layers\":["                                                                  \
	"{\"name\":\"image\",\"type\":\"Input\",\"shape\":[1,28,28]},"                             \
	"{\"name\":\"conv1\",\"type\":\"Conv2d\",\"out_channels\":16,\"kernel_size\":5},"          \
	"{\"name\":\"conv2\",\"type\":\"Conv2d\",\"out_channels\":32,\"kernel_size\":[5,5]},"      \
	"{\"name\":\"pool1\",\"type\":\"MaxPool2d\",\"kernel_size\":2},"                           \
	"{\"name\":\"conv3\",\"type\":\"Conv2d\",\"in_channels\":32,\"out_channels\":32,"          \
	"\"kernel_size\":5,\"shape\":[32,6,6]},"                                                   \
	"{\"name\":\"pool2\",\"type\":\"MaxPool2d\",\"kernel_size\":2,\"stride\":null},"           \
	"{\"name\":\"flat\",\"type\":\"Flatten\"},"                                                \
	"{\"name\":\"fc1\",\"type\":\"Linear\",\"out_features\":64},"                              \
	"{\"name\":\"fc2\",\"type\":\"Linear\",\"in_features\":64,\"out_features\":32},"           \
	"{\"name\":\"fc3\",\"type\":\"Linear\",\"out_features\":10}]}"

#define MODEL(layers)                                                                              \
	"{\"model\":{\"layers\":[{\"name\":\"x\",\"type\":\"Input\",\"shape\":[4,8,8]}," layers    \
	"]}}"

static void check_sizes(struct world *world, const char *more, const int64_t row[7])
{
	static const int layers[] = { 1, 2, 4, 7, 8, 9 };
	char body[4096], member[64];

	snprintf(body, sizeof(body), "{%s,%s}", LENET, more);
	struct exchange *x = post(world, 200, PLAN, body);
	for (size_t i = 0; i < 6; i++) {
		snprintf(member, sizeof(member), "layers.%d.pruned.parameters", layers[i]);
		assert_int_equal(at_int(x, member), row[i]);
	}
	assert_int_equal(at_int(x, "pruned.parameters"), row[6]);
	assert_int_equal(at_int(x, "original.parameters"), 59786);
	assert_true(fabs(at_real(x, "sparsity") - (1 - (double)row[6] / 59786)) < 1e-12);
	exchange_free(x);
}

static void test_worked_cases(void **state)
{
	check_sizes(*state,
		"\"pruner\":\"fpgm\",\"config_list\":[{\"sparsity\":0.5,\"op_types\":[\"Conv2d\"]}"
		"]",
		(const int64_t[]){ 208, 3216, 6416, 9280, 2080, 330, 21530 });
	check_sizes(*state,
		"\"pruner\":\"L2NormPruner\","
		"\"config_list\":[{\"sparsity_per_layer\":0.7,\"op_types\":[\"Conv2d\"]}]",
		(const int64_t[]){ 130, 1260, 2510, 5824, 2080, 330, 12134 });
	check_sizes(*state, "\"kept\":{\"conv1\":14,\"conv3\":30,\"fc1\":61,\"fc2\":25}",
		(const int64_t[]){ 364, 11232, 24030, 16531, 1550, 260, 53967 });
	check_sizes(*state,
		"\"kept\":{\"conv1\":7,\"conv2\":26,\"conv3\":16,\"fc1\":62,\"fc2\":24}",
		(const int64_t[]){ 182, 4576, 10416, 8990, 1512, 250, 25926 });
	check_sizes(*state, "\"kept\":{\"conv1\":3,\"conv2\":24,\"conv3\":7,\"fc1\":61,\"fc2\":21}",
		(const int64_t[]){ 78, 1824, 4207, 3904, 1302, 220, 11535 });
	check_sizes(*state,
		"\"pruner\":\"level\",\"config_list\":[{\"sparsity\":0.8,\"op_types\":[\"default\"]"
		"}]",
		(const int64_t[]){ 96, 2592, 5152, 3751, 442, 74, 12107 });
}

static void test_answer(void **state)
{
	struct exchange *x = post(*state, 200, PLAN,
		"{" LENET ",\"config_list\":["
		"{\"sparsity\":0.5,\"op_types\":[\"Conv2d\",\"Linear\"]},"
		"{\"exclude\":true,\"op_names\":[\"fc1\"]}],\"round_to\":4,\"min_keep\":10}");
	assert_string_equal(at_text(x, "pruner"), "l1");
	assert_string_equal(at_text(x, "granularity"), "channels");
	assert_int_equal(at_size(x, "layers"), 10);
	assert_int_equal(at_size(x, "groups"), 7);
	assert_int_equal(at_int(x, "layers.1.original.in_channels"), 1);
	assert_int_equal(at_int(x, "layers.1.original.out_channels"), 16);
	assert_int_equal(at_int(x, "layers.1.original.shape.1"), 24);
	assert_int_equal(at_int(x, "layers.1.original.macs"), 400 * 24 * 24);
	assert_int_equal(at_int(x, "layers.1.pruned.out_channels"), 12);
	assert_int_equal(at_int(x, "layers.1.pruned.shape.0"), 12);
	assert_true(at_real(x, "layers.1.sparsity") == 0.5);
	assert_true(at_real(x, "layers.7.sparsity") == 0);
	assert_true(json_is_null(at(x, "layers.0.sparsity")));
	assert_string_equal(at_text(x, "groups.0.layers.0"), "image");
	assert_string_equal(at_text(x, "groups.0.fixed"), "input");
	assert_string_equal(at_text(x, "groups.1.layers.0"), "conv1");
	assert_int_equal(at_int(x, "groups.1.units"), 16);
	assert_int_equal(at_int(x, "groups.1.kept"), 12);
	assert_int_equal(at_int(x, "groups.1.parts"), 1);
	assert_true(json_is_null(at(x, "groups.1.fixed")));
	assert_true(at_real(x, "groups.1.sparsity") == 0.5);
	assert_true(json_is_null(at(x, "groups.4.sparsity")));
	assert_string_equal(at_text(x, "groups.6.fixed"), "output");
	assert_int_equal(at_int(x, "groups.6.kept"), 10);
	assert_int_equal(at_int(x, "pruned.flops"), 2 * at_int(x, "pruned.macs"));
	exchange_free(x);
	x = post(*state, 200, PLAN, "{" LENET "}"); /* nothing asked: what is there */
	assert_int_equal(at_int(x, "pruned.parameters"), 59786);
	assert_true(at_real(x, "sparsity") == 0);
	exchange_free(x);
}

/* The first of the book's scenarios: at most 30,000 weights. */
static void test_schedule(void **state)
{
	static const char config[] =
		"\"config_list\":[{\"sparsity\":0.85,\"op_types\":[\"Conv2d\"]},"
		"{\"sparsity\":0.4,\"op_types\":[\"Linear\"]},"
		"{\"exclude\":true,\"op_names\":[\"fc3\"]}]";
	char body[4096], member[64];

	snprintf(body, sizeof(body),
		"{%s,%s,\"schedule\":{\"name\":\"linear\",\"total_iteration\":10}}", LENET, config);
	struct exchange *x = post(*state, 200, PLAN, body);
	assert_int_equal(at_size(x, "steps"), 11);
	assert_int_equal(at_int(x, "steps.0.pruned.parameters"), 59786);
	/* 0.425 and 0.2: floor(6.8), floor(13.6), floor(12.8), floor(6.4) go. */
	assert_true(fabs(at_real(x, "steps.5.sparsities.conv1") - 0.425) < 1e-15);
	assert_true(at_real(x, "steps.5.sparsities.fc3") == 0);
	assert_int_equal(at_int(x, "steps.5.kept.conv1"), 10);
	assert_int_equal(at_int(x, "steps.5.kept.conv2"), 19);
	assert_int_equal(at_int(x, "steps.5.kept.fc1"), 52);
	assert_int_equal(at_int(x, "steps.5.kept.fc2"), 26);
	assert_null(json_object_get(at(x, "steps.5.kept"), "fc3"));
	assert_int_equal(at_int(x, "steps.5.pruned.parameters"),
		26 * 10 + (10 * 25 + 1) * 19 + (19 * 25 + 1) * 19 + (171 + 1) * 52 + (52 + 1) * 26 +
			(26 + 1) * 10);
	assert_int_equal(at_int(x, "steps.10.pruned.parameters"), at_int(x, "pruned.parameters"));
	assert_true(at_real(x, "steps.10.sparsity") == at_real(x, "sparsity"));
	for (int i = 1; i <= 10; i++) {
		snprintf(member, sizeof(member), "steps.%d.iteration", i);
		assert_int_equal(at_int(x, member), i);
	}
	/* A step's counts are a plan's. */
	char *kept = json_dumps(at(x, "steps.5.kept"), JSON_COMPACT);
	snprintf(body, sizeof(body), "{%s,\"kept\":%s}", LENET, kept);
	struct exchange *again = post(*state, 200, PLAN, body);
	assert_int_equal(
		at_int(again, "pruned.parameters"), at_int(x, "steps.5.pruned.parameters"));
	free(kept);
	exchange_free(again);
	exchange_free(x);

	snprintf(body, sizeof(body),
		"{%s,%s,\"pruner\":\"level\",\"schedule\":{\"name\":\"LotteryTicketPruner\","
		"\"total_iteration\":3}}",
		LENET, config);
	x = post(*state, 200, PLAN, body);
	assert_int_equal(at_size(x, "steps"), 3);
	assert_int_equal(at_int(x, "steps.0.iteration"), 1);
	assert_true(json_is_null(at(x, "steps.0.kept")));
	assert_int_equal(at_int(x, "steps.2.pruned.parameters"), at_int(x, "pruned.parameters"));
	exchange_free(x);
}

/* GroupNorm cuts 65536 channels into 32768 parts: iterations are bounded by what they cost. */
static void test_schedules_are_bounded(void **state)
{
	static const char format[] = MODEL(
		"{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":65536,\"kernel_size\":1},"
		"{\"name\":\"g\",\"type\":\"GroupNorm\",\"num_groups\":32768},"
		"{\"name\":\"b\",\"type\":\"Conv2d\",\"out_channels\":1,\"kernel_size\":1}");
	/* 4 layers; 32770 parts; 32768 terms; 32770 shares. */
	const int most = LIMIT_SCHEDULE_WORK / (4 + 32770 + 32768 + 32770);
	char body[1024];

	for (int more = 0; more < 2; more++) {
		int n = snprintf(body, sizeof(body), "%s", format);
		snprintf(body + n - 1, sizeof(body) - (size_t)n + 1,
			",\"config_list\":[{\"sparsity\":0.5,\"op_types\":[\"Conv2d\"]}],"
			"\"schedule\":{\"name\":\"agp\",\"total_iteration\":%d}}",
			most + more);
		struct exchange *x = post(*state, more ? 422 : 200, PLAN, body);
		assert_int_equal(has_fault(x, "/schedule/total_iteration"), more);
		exchange_free(x);
	}
}

static void test_outputs_stay(void **state)
{
	static const char layers[] =
		"\"layers\":[{\"name\":\"x\",\"type\":\"Input\",\"shape\":[3,8,8]},"
		"{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":8,\"kernel_size\":3},"
		"{\"name\":\"b\",\"type\":\"Conv2d\",\"out_channels\":8,\"kernel_size\":3}]";
	char body[1024];

	snprintf(body, sizeof(body),
		"{\"model\":{%s},\"config_list\":[{\"sparsity\":0.5,\"op_types\":[\"Conv2d\"]}]}",
		layers);
	struct exchange *x = post(*state, 200, PLAN, body);
	assert_int_equal(at_int(x, "layers.1.pruned.out_channels"), 4);
	assert_int_equal(at_int(x, "layers.2.pruned.out_channels"), 8);
	exchange_free(x);
	snprintf(body, sizeof(body),
		"{\"model\":{%s,\"outputs\":[\"a\",\"b\"]},\"config_list\":"
		"[{\"sparsity\":0.5,\"op_types\":[\"Conv2d\"]}]}",
		layers);
	x = post(*state, 200, PLAN, body);
	assert_int_equal(at_int(x, "layers.1.pruned.out_channels"), 8);
	exchange_free(x);
	snprintf(body, sizeof(body), "{\"model\":{%s,\"outputs\":[\"a\",\"c\"]}}", layers);
	x = post(*state, 422, PLAN, body);
	assert_true(has_fault(x, "/model/outputs/1"));
	exchange_free(x);
}

/* One of every kind of layer, with every option. */
static void test_layers(void **state)
{
	struct exchange *x = post(*state, 200, PLAN,
		MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"in_channels\":4,\"out_channels\":8,"
		      "\"kernel_size\":[3,1],\"stride\":[1,2],\"padding\":[1,0],\"dilation\":1,"
		      "\"groups\":2,\"bias\":false,\"inputs\":[\"x\"]},"
		      "{\"name\":\"n\",\"type\":\"BatchNorm2d\",\"num_features\":8,\"affine\":"
		      "false},"
		      "{\"name\":\"g\",\"type\":\"GroupNorm\",\"num_groups\":2,\"num_channels\":8},"
		      "{\"name\":\"p\",\"type\":\"PReLU\",\"num_parameters\":8},"
		      "{\"name\":\"q\",\"type\":\"PReLU\"},"
		      "{\"name\":\"i\",\"type\":\"InstanceNorm2d\"},"
		      "{\"name\":\"m\",\"type\":\"MaxPool2d\",\"kernel_size\":2,\"stride\":2,"
		      "\"padding\":1,\"dilation\":1,\"ceil_mode\":true},"
		      "{\"name\":\"u\",\"type\":\"Upsample\",\"scale_factor\":2},"
		      "{\"name\":\"t\",\"type\":\"ConvTranspose2d\",\"out_channels\":4,"
		      "\"kernel_size\":2,\"stride\":2,\"output_padding\":1},"
		      "{\"name\":\"s\",\"type\":\"Conv2d\",\"out_channels\":4,\"kernel_size\":3,"
		      "\"padding\":\"same\"},"
		      "{\"name\":\"v\",\"type\":\"Conv2d\",\"out_channels\":4,\"kernel_size\":3,"
		      "\"padding\":\"valid\"},"
		      "{\"name\":\"c\",\"type\":\"Concat\",\"inputs\":[\"v\",\"v\"]},"
		      "{\"name\":\"w\",\"type\":\"AdaptiveAvgPool2d\",\"output_size\":[1,null]},"
		      "{\"name\":\"l\",\"type\":\"LayerNorm\",\"elementwise_affine\":true,"
		      "\"bias\":false},"
		      "{\"name\":\"f\",\"type\":\"Flatten\"}"));
	static const struct {
		int layer;
		int64_t parameters, height, width;
	} want[] = { { 1, 2 * 4 * 2 * 3, 8, 4 }, { 2, 0, 8, 4 }, { 3, 16, 8, 4 }, { 4, 8, 8, 4 },
		{ 5, 1, 8, 4 }, { 6, 0, 8, 4 }, { 7, 0, 5, 3 }, { 8, 0, 10, 6 },
		{ 9, 8 * 4 * 4 + 4, 21, 13 }, { 10, 4 * 4 * 9 + 4, 21, 13 },
		{ 11, 4 * 4 * 9 + 4, 19, 11 }, { 12, 0, 19, 11 }, { 13, 0, 1, 11 },
		{ 14, 8 * 11, 1, 11 } };
	char member[64];

	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		snprintf(member, sizeof(member), "layers.%d.original.parameters", want[i].layer);
		assert_int_equal(at_int(x, member), want[i].parameters);
		snprintf(member, sizeof(member), "layers.%d.original.shape.1", want[i].layer);
		assert_int_equal(at_int(x, member), want[i].height);
		snprintf(member, sizeof(member), "layers.%d.original.shape.2", want[i].layer);
		assert_int_equal(at_int(x, member), want[i].width);
	}
	assert_int_equal(at_int(x, "layers.12.original.out_channels"), 8);
	assert_int_equal(at_int(x, "layers.15.original.shape.0"), 88);
	exchange_free(x);
}

static void check_fault(struct world *world, const char *body, const char *pointer)
{
	struct exchange *x = post(world, 422, PLAN, body);
	if (!has_fault(x, pointer))
		fail_msg("no %s in %s", pointer, buffer_text(&x->text));
	exchange_free(x);
}

static void test_model_faults(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "/model" },
		{ "{\"model\":[]}", "/model" },
		{ "{\"model\":{}}", "/model/layers" },
		{ "{\"model\":{\"layers\":[]}}", "/model/layers" },
		{ "{\"model\":{\"layers\":[1]}}", "/model/layers/0" },
		{ MODEL("{\"name\":\"a\"}"), "/model/layers/1/type" },
		{ MODEL("{\"name\":\"a\",\"type\":\"conv\"}"), "/model/layers/1/type" },
		{ MODEL("{\"type\":\"ReLU\"}"), "/model/layers/1/name" },
		{ MODEL("{\"name\":\"a\\u0007\",\"type\":\"ReLU\"}"), "/model/layers/1/name" },
		{ MODEL("{\"name\":\"x\",\"type\":\"ReLU\"}"), "/model/layers/1/name" },
		{ MODEL("{\"name\":\"a\",\"type\":\"ReLU\",\"p\":1}"), "/model/layers/1/p" },
		{ MODEL("{\"name\":\"a\",\"type\":\"ReLU\",\"inputs\":[\"y\"]}"),
			"/model/layers/1/inputs/0" },
		{ MODEL("{\"name\":\"a\",\"type\":\"ReLU\",\"inputs\":[7]}"),
			"/model/layers/1/inputs/0" },
		{ MODEL("{\"name\":\"a\",\"type\":\"ReLU\",\"inputs\":[]}"),
			"/model/layers/1/inputs" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Input\"}"), "/model/layers/1/shape" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Input\",\"shape\":[1,0]}"),
			"/model/layers/1/shape/1" },
		{ MODEL("{\"name\":\"a\",\"type\":\"ReLU\",\"shape\":[4,8,9]}"),
			"/model/layers/1/shape" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":0,"
			"\"kernel_size\":3}"),
			"/model/layers/1/out_channels" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":65537,"
			"\"kernel_size\":3}"),
			"/model/layers/1/out_channels" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":4}"),
			"/model/layers/1/kernel_size" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":4,"
			"\"kernel_size\":[3]}"),
			"/model/layers/1/kernel_size" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":4,"
			"\"kernel_size\":[3,-1]}"),
			"/model/layers/1/kernel_size/1" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":4,"
			"\"kernel_size\":3,\"padding\":\"full\"}"),
			"/model/layers/1/padding" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":4,"
			"\"kernel_size\":3,\"padding\":\"same\",\"stride\":2}"),
			"/model/layers/1/padding" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Conv2d\",\"out_channels\":4,"
			"\"kernel_size\":3,\"groups\":3}"),
			"/model/layers/1/groups" },
		{ MODEL("{\"name\":\"a\",\"type\":\"MaxPool2d\",\"kernel_size\":2,\"padding\":2}"),
			"/model/layers/1/padding" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Upsample\",\"scale_factor\":[2,2,2]}"),
			"/model/layers/1/scale_factor" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Upsample\",\"scale_factor\":65536}"),
			"/model/layers/1" },
		{ MODEL("{\"name\":\"a\",\"type\":\"Linear\",\"out_features\":4}"),
			"/model/layers/1" },
		{ MODEL("{\"name\":\"a\",\"type\":\"GroupNorm\",\"num_groups\":3}"),
			"/model/layers/1/num_groups" },
		{ MODEL("{\"name\":\"a\",\"type\":\"BatchNorm1d\"}"), "/model/layers/1/type" },
		{ MODEL("{\"name\":\"a\",\"type\":\"PReLU\",\"num_parameters\":3}"),
			"/model/layers/1/num_parameters" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_fault(*state, cases[i][0], cases[i][1]);
}

#define LIST(entry) "{" LENET ",\"config_list\":[" entry "]}"

static void test_config_faults(void **state)
{
	static const char *const cases[][2] = {
		{ "{" LENET ",\"config_list\":[]}", "/config_list" },
		{ LIST("1"), "/config_list/0" },
		{ LIST("{}"), "/config_list/0" },
		{ LIST("{\"sparsity\":0.5}"), "/config_list/0" },
		{ LIST("{\"op_types\":[\"Conv2d\"]}"), "/config_list/0" },
		{ LIST("{\"sparsity\":1,\"op_types\":[\"Conv2d\"]}"), "/config_list/0/sparsity" },
		{ LIST("{\"sparsity\":-0.1,\"op_types\":[\"Conv2d\"]}"),
			"/config_list/0/sparsity" },
		{ LIST("{\"sparsity\":0.5,\"sparsity_per_layer\":0.5,\"op_types\":[\"Conv2d\"]}"),
			"/config_list/0" },
		{ LIST("{\"sparsity\":0.5,\"exclude\":true,\"op_types\":[\"Conv2d\"]}"),
			"/config_list/0" },
		{ LIST("{\"exclude\":false,\"op_types\":[\"Conv2d\"]}"), "/config_list/0/exclude" },
		{ LIST("{\"sparsity\":0.5,\"max_sparsity_per_layer\":0.9,"
		       "\"op_types\":[\"Conv2d\"]}"),
			"/config_list/0/max_sparsity_per_layer" },
		{ LIST("{\"total_sparsity\":0.5,\"max_sparsity_per_layer\":0,"
		       "\"op_types\":[\"Conv2d\"]}"),
			"/config_list/0/max_sparsity_per_layer" },
		{ LIST("{\"total_sparsity\":0.5,\"max_sparsity_per_layer\":{\"conv1\":2},"
		       "\"op_types\":[\"Conv2d\"]}"),
			"/config_list/0/max_sparsity_per_layer/conv1" },
		{ LIST("{\"total_sparsity\":0.5,\"max_sparsity_per_layer\":0.4,"
		       "\"op_types\":[\"Conv2d\"]}"),
			"/config_list/0/total_sparsity" },
		{ LIST("{\"sparsity\":0.5,\"op_types\":[]}"), "/config_list/0/op_types" },
		{ LIST("{\"sparsity\":0.5,\"op_types\":[\"Conv1d\"]}"),
			"/config_list/0/op_types/0" },
		{ LIST("{\"sparsity\":0.5,\"op_names\":[\"flat\"]}"), "/config_list/0/op_names/0" },
		{ LIST("{\"sparsity\":0.5,\"op_names\":[null]}"), "/config_list/0/op_names/0" },
		{ LIST("{\"sparsity\":0.5,\"op_partial_names\":[\"layer\"]}"),
			"/config_list/0/op_partial_names/0" },
		{ LIST("{\"sparsity\":0.5,\"op_types\":[\"Conv2d\"],\"rate\":1}"),
			"/config_list/0/rate" },
		{ "{" LENET ",\"pruner\":\"best\"}", "/pruner" },
		{ "{" LENET ",\"kept\":[1]}", "/kept" },
		{ "{" LENET ",\"kept\":{\"conv1\":1.5}}", "/kept/conv1" },
		{ "{" LENET ",\"kept\":{\"conv1\":0}}", "/kept/conv1" },
		{ "{" LENET ",\"kept\":{\"conv1\":17}}", "/kept/conv1" },
		{ "{" LENET ",\"kept\":{\"pool1\":1}}", "/kept/pool1" },
		{ "{" LENET ",\"kept\":{\"fc3\":9}}", "/kept/fc3" },
		{ "{" LENET ",\"kept\":{\"conv1\":1},\"pruner\":\"level\"}", "/kept" },
		{ "{" LENET ",\"kept\":{\"conv1\":1},\"config_list\":"
		  "[{\"sparsity\":0.5,\"op_types\":[\"Conv2d\"]}]}",
			"/kept" },
		{ "{" LENET ",\"round_to\":8}", "/round_to" },
		{ "{" LENET ",\"min_keep\":0}", "/min_keep" },
		{ "{" LENET ",\"goal\":1}", "/goal" },
		{ "{" LENET ",\"schedule\":{\"name\":\"agp\",\"total_iteration\":3}}",
			"/schedule" },
		{ "{" LENET ",\"schedule\":{\"name\":\"cubic\"}}", "/schedule/name" },
		{ "{" LENET ",\"schedule\":{\"name\":\"agp\"}}", "/schedule/total_iteration" },
		{ "{" LENET ",\"schedule\":{\"name\":\"agp\",\"total_iteration\":1001}}",
			"/schedule/total_iteration" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_fault(*state, cases[i][0], cases[i][1]);
}

/* A fault of the model and of other members at once. */
static void test_faults_together(void **state)
{
	struct exchange *x = post(*state, 422, PLAN,
		"{\"model\":{\"layers\":[{\"name\":\"x\",\"type\":\"Input\",\"shape\":[0]}]},"
		"\"pruner\":\"best\",\"colour\":1}");
	assert_true(has_fault(x, "/model/layers/0/shape/0"));
	assert_true(has_fault(x, "/pruner"));
	assert_true(has_fault(x, "/colour"));
	exchange_free(x);
	post_only(*state, 400, PLAN, "{");
}

/* LIMIT_CONFIG_PARTIALS at its edge, over all entries. */
static void test_partial_names_are_bounded(void **state)
{
	for (int more = 0; more < 2; more++) {
		struct buffer body;
		buffer_init(&body, 1u << 20);
		buffer_add_text(&body, "{" LENET ",\"config_list\":[");
		for (int i = 0; i < LIMIT_CONFIG_PARTIALS / 2 + more; i++)
			buffer_printf(&body,
				"%s{\"sparsity\":0.5,\"op_partial_names\":[\"conv\",\"fc\"]}",
				i ? "," : "");
		buffer_add_text(&body, "]}");
		struct exchange *x = post(*state, more ? 422 : 200, PLAN, buffer_text(&body));
		assert_int_equal(has_fault(x, "/config_list/128/op_partial_names"), more);
		exchange_free(x);
		buffer_release(&body);
	}
}

static void test_pruners(void **state)
{
	struct exchange *x = get(*state, 200, "/v1/pruners");
	char member[64];
	size_t n = 0;

	for (const struct pruner *pruner = pruners; pruner->name; pruner++, n++) {
		snprintf(member, sizeof(member), "items.%zu.name", n);
		assert_string_equal(at_text(x, member), pruner->name);
		snprintf(member, sizeof(member), "items.%zu.aliases.0", n);
		assert_string_equal(at_text(x, member), pruner->alias);
		snprintf(member, sizeof(member), "items.%zu.op_types", n);
		assert_true(at_size(x, member) > 0);
	}
	assert_int_equal(at_size(x, "items"), n);
	assert_string_equal(at_text(x, "items.0.name"), "level");
	assert_string_equal(at_text(x, "items.0.granularity"), "weights");
	assert_string_equal(at_text(x, "items.1.granularity"), "channels");
	assert_string_equal(at_text(x, "items.1.op_types.0"), "Conv1d");
	assert_string_equal(at_text(x, "items.4.op_types.0"), "BatchNorm1d");
	exchange_free(x);
	/* Every name is one that a plan takes, and the message of a wrong one lists it. */
	x = post(*state, 422, PLAN, "{" LENET ",\"pruner\":\"best\"}");
	assert_string_equal(at_text(x, "errors.0.message"),
		"must be one of level, l1, l2, fpgm, slim, apoz, mean_activation, taylorfo, admm, "
		"movement");
	exchange_free(x);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_worked_cases),
		WORLD_TEST(test_answer),
		WORLD_TEST(test_schedule),
		WORLD_TEST(test_schedules_are_bounded),
		WORLD_TEST(test_outputs_stay),
		WORLD_TEST(test_layers),
		WORLD_TEST(test_model_faults),
		WORLD_TEST(test_config_faults),
		WORLD_TEST(test_faults_together),
		WORLD_TEST(test_partial_names_are_bounded),
		WORLD_TEST(test_pruners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
