/*
 * Input: a body of POST /v1/pruning/plan. Whatever it is, the answer is a plan that removes no more
 * than there is, or a problem with faults.
 */
#include <string.h>

#include "api/call.h"
#include "api/route.h"
#include "core/json.h"
#include "core/limits.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536

static bool finished;

static const char *no_header(struct call *call, const char *name)
{
	(void)call;
	(void)name;
	return NULL;
}

static void finish(struct call *call)
{
	(void)call;
	finished = true;
}

static const struct transport transport = {
	.header = no_header, .query = no_header, .finish = finish
};

static json_int_t count(const json_t *object, const char *member, const char *field)
{
	const json_t *value = json_object_get(json_object_get(object, member), field);

	REQUIRE(json_is_integer(value) && json_integer_value(value) >= 0);
	return json_integer_value(value);
}

static void check_layer(const json_t *layer)
{
	static const char *const fields[] = { "in_channels", "out_channels", "groups", "parameters",
		"macs" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		REQUIRE(count(layer, "pruned", fields[i]) <= count(layer, "original", fields[i]));
	REQUIRE(count(layer, "pruned", "out_channels") > 0);
	/* A grouped convolution still divides. */
	REQUIRE(count(layer, "pruned", "in_channels") % count(layer, "pruned", "groups") == 0);
	REQUIRE(count(layer, "pruned", "out_channels") % count(layer, "pruned", "groups") == 0);
}

static void check_plan(const json_t *plan)
{
	const json_t *layers = json_object_get(plan, "layers"),
		     *groups = json_object_get(plan, "groups");
	json_int_t parameters = 0, macs = 0;

	for (size_t i = 0; i < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		check_layer(layer);
		parameters += count(layer, "pruned", "parameters");
		macs += count(layer, "pruned", "macs");
	}
	REQUIRE(parameters == count(plan, "pruned", "parameters"));
	REQUIRE(macs == count(plan, "pruned", "macs"));
	REQUIRE(2 * macs == count(plan, "pruned", "flops"));
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		json_int_t units = json_integer_value(json_object_get(group, "units"));
		json_int_t kept = json_integer_value(json_object_get(group, "kept"));
		REQUIRE(kept >= 1 && kept <= units);
		REQUIRE(kept == units || json_is_null(json_object_get(group, "fixed")));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct call call = { .transport = &transport, .method = METHOD_POST, .request_id = "fuzz" };
	struct error err = { 0 };
	json_t *answer;

	if (size > INPUT_MAX)
		return 0;
	finished = false;
	call.route = routes_pruning;
	while (call.route->method != METHOD_POST)
		call.route++;
	call.path = call.route->path;
	call.body = (struct bytes){ data, size };
	arena_init(&call.arena, CALL_ARENA_BYTES);
	call_ready(&call);
	call.route->handler(NULL, NULL, &call);
	REQUIRE(finished);
	REQUIRE(call.status == 200 || call.status == 400 || call.status == 422);
	REQUIRE(json_read(call.out.data, call.out.size, &answer, &err) == 0);
	if (call.status == 200)
		check_plan(answer);
	if (call.status == 422)
		REQUIRE(json_array_size(json_object_get(answer, "errors")) > 0);
	json_decref(answer);
	buffer_release(&call.out);
	arena_release(&call.arena);
	return 0;
}
