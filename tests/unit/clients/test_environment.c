/* Parameters as environment variables: names are made harmless, values stay what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/c/command/environment.h"

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void expect(const struct environment *environment, const char *name, const char *value)
{
	const char *found = environment_get(environment, name);
	assert_false(environment->failed);
	if (!value)
		assert_null(found);
	else
		assert_string_equal(found ? found : "(none)", value);
}

static void test_base(void **state)
{
	char text[][32] = { "PATH=/bin", "CAIRN_URL=http://h", "CAIRN_TRIAL=3", "CAIRN_PARAM_x=1",
		"NNI_SYS_DIR=/old", "CAIRN_TRIES=2", "CAIRN_CHECKPOINT=c" };
	char *const base[] = { text[0], text[1], text[2], text[3], text[4], text[5], text[6],
		NULL };
	struct environment environment;

	(void)state;
	environment_init(&environment, base);
	expect(&environment, "PATH", "/bin");
	expect(&environment, "CAIRN_URL", "http://h");
	expect(&environment, "CAIRN_TRIES", "2");
	expect(&environment, "CAIRN_TRIAL", NULL);
	expect(&environment, "CAIRN_PARAM_x", NULL);
	expect(&environment, "NNI_SYS_DIR", NULL);
	expect(&environment, "CAIRN_CHECKPOINT", NULL);
	environment_set(&environment, "PATH", "%s:%d", "/usr", 1);
	expect(&environment, "PATH", "/usr:1");
	environment_add_path(&environment, "/opt/a b");
	expect(&environment, "PATH", "/usr:1:/opt/a b");
	environment_set(&environment, "PATH", "%s", "");
	environment_add_path(&environment, "/opt");
	expect(&environment, "PATH", "/opt");
	assert_int_equal(environment.n, 3);
	assert_null(environment.items[3]);
	environment_release(&environment);
}

static void test_parameters(void **state)
{
	static const char text[] =
		"{\"x\":0.1,\"n\":3,\"flag\":true,\"name\":\"a b;$(c)\\n'\\\"\",\"a "
		"b\":1,\"a.b\":2,"
		"\"=\":4,\"\u00e9\":5,\"list\":[1,2],\"null\":null,"
		"\"op\":{\"_name\":\"conv\",\"rate\":0.5,\"in\":{\"_name\":\"z\",\"k\":7}},"
		"\"object\":{\"k\":1}}";
	char *const base[] = { NULL };
	struct environment environment;
	json_t *parameters = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(parameters);
	environment_init(&environment, base);
	environment_add_parameters(&environment, parameters);
	expect(&environment, "CAIRN_PARAM_x", "0.1");
	expect(&environment, "CAIRN_PARAM_n", "3");
	expect(&environment, "CAIRN_PARAM_flag", "true");
	expect(&environment, "CAIRN_PARAM_name", "a b;$(c)\n'\"");
	expect(&environment, "CAIRN_PARAM_a_b", "1"); /* the first of two */
	expect(&environment, "CAIRN_PARAM__", "4");
	expect(&environment, "CAIRN_PARAM___", "5");
	expect(&environment, "CAIRN_PARAM_list", "[1,2]");
	expect(&environment, "CAIRN_PARAM_null", "null");
	expect(&environment, "CAIRN_PARAM_op", "conv");
	expect(&environment, "CAIRN_PARAM_op_rate", "0.5");
	expect(&environment, "CAIRN_PARAM_op_in", "z");
	expect(&environment, "CAIRN_PARAM_op_in_k", "7");
	expect(&environment, "CAIRN_PARAM_object", "{\"k\":1}");
	expect(&environment, "CAIRN_PARAM_object_k", NULL);
	json_decref(parameters);
	environment_release(&environment);
}

/* What no variable can hold is left out: names beyond 255 bytes, values beyond 64 KiB. */
static void test_bounds(void **state)
{
	char *const base[] = { NULL };
	char name[512], *value = malloc(65538);
	struct environment environment;
	json_t *parameters = json_object();

	(void)state;
	memset(name, 'n', 511);
	name[511] = '\0';
	memset(value, 'v', 65537);
	value[65537] = '\0';
	json_object_set_new(parameters, name, json_integer(1));
	json_object_set_new(parameters, "long", json_string(value));
	json_object_set_new(parameters, "fits", json_string(value + 1));
	environment_init(&environment, base);
	environment_add_parameters(&environment, parameters);
	assert_int_equal(environment.n, 1);
	expect(&environment, "CAIRN_PARAM_fits", value + 1);
	environment_release(&environment);
	json_decref(parameters);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
