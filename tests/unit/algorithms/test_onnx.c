/* Models as ONNX: the encoding by known answers, and what the file is made of. tests/onnx/ has the
 * onnx package judge whole files. */
#include "algorithms/nas/protobuf.h"
#include "tests/unit/algorithms/model_cases.h"
#include "tests/unit/algorithms/model_support.h"

static void check_bytes(struct fixture *fixture, const char *expected, size_t size)
{
	assert_int_equal(fixture->text.size, size);
	assert_memory_equal(fixture->text.data, expected, size);
	buffer_clear(&fixture->text);
}

/* The examples of the encoding's public description. */
static void test_protobuf(void **state)
{
	struct fixture *fixture = *state;
	struct buffer message;
	protobuf_int(&fixture->text, 1, 150);
	check_bytes(fixture, "\x08\x96\x01", 3);
	protobuf_text(&fixture->text, 2, "testing");
	check_bytes(fixture, "\x12\x07testing", 9);
	protobuf_int(&fixture->text, 1, -2);
	check_bytes(fixture, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	protobuf_float(&fixture->text, 2, 1.5f);
	check_bytes(fixture, "\x15\x00\x00\xc0\x3f", 5);
	protobuf_int(&fixture->text, 20, 7);
	check_bytes(fixture, "\xa0\x01\x07", 3);
	buffer_init(&message, 2);
	protobuf_message(&fixture->text, 3, &message);
	check_bytes(fixture, "\x1a\x00", 2);
	protobuf_int(&message, 1, 150); /* does not fit */
	protobuf_message(&fixture->text, 3, &message);
	assert_true(fixture->text.failed);
	buffer_release(&message);
}

static bool contains(const struct buffer *file, const char *text)
{
	return memmem(file->data, file->size, text, strlen(text));
}

static void test_file(void **state)
{
	struct fixture *fixture = *state;
	const struct model_space *model = model_hub(fixture, "lenet");
	const struct model_graph *graph = model_sample(fixture, model, "{\"fe_depth\":2}");
	char key[33];
	buffer_clear(&fixture->text);
	model_graph_onnx(graph, &fixture->text);
	assert_false(fixture->text.failed);
	assert_memory_equal(fixture->text.data,
		"\x08\x08\x12\x05"
		"cairn",
		9);
	assert_true(contains(&fixture->text, "features/0/conv/_weight_bias"));
	assert_true(contains(&fixture->text, "features/1/conv"));
	assert_false(contains(&fixture->text, "features/2"));
	assert_true(contains(&fixture->text, "Gemm"));
	model_key_text(&graph->key, key);
	assert_true(contains(&fixture->text, key));
}

/* Every operation that a graph can have is among the cases that are exported and judged. */
static void test_every_operation(void **state)
{
	static const char *const many[] = { "Add", "Multiply", "Mean", "Concat" };
	struct fixture *fixture = *state;
	for (const struct operation *op = model_ops; op->name; op++) {
		bool found = (op->flags & OP_HIDDEN) || op == op_identity;
		for (size_t i = 0; i < COUNT_OF(many); i++)
			found = found || strcmp(many[i], op->name) == 0;
		for (size_t i = 0; i < COUNT_OF(cases); i++)
			found = found || strcmp(cases[i].type, op->name) == 0;
		if (!found)
			print_error("no case for %s\n", op->name);
		assert_true(found);
	}
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buffer_clear(&fixture->text);
		case_write(&cases[i], &fixture->text);
		const struct model_space *model = model_parse(
			fixture, arena_strdup(&fixture->arena, buffer_text(&fixture->text)));
		const struct model_graph *graph = model_sample(fixture, model, "{\"k\":1}");
		buffer_clear(&fixture->text);
		model_graph_onnx(graph, &fixture->text);
		assert_false(fixture->text.failed);
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_protobuf),
		TEST(test_file),
		TEST(test_every_operation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
