/* Bodies as tables. */
#include "tests/unit/api/exchange.h"

#include "api/body.h"

struct thing {
	const char *name;
	int64_t count, lease, when;
	double rate;
	bool flag;
	json_t *object, *list, *any;
};

static const struct field fields[] = {
	FIELD(struct thing, name, FIELD_STRING, FIELD_REQUIRED, 1, 5),
	FIELD(struct thing, count, FIELD_INT, FIELD_NULLABLE, -3, 10),
	FIELD(struct thing, lease, FIELD_DURATION, 0, 0, 60000),
	FIELD(struct thing, when, FIELD_TIME, 0, 0, 0),
	FIELD(struct thing, rate, FIELD_REAL, 0, 0, 1),
	FIELD(struct thing, flag, FIELD_BOOL, 0, 0, 0),
	FIELD(struct thing, object, FIELD_OBJECT, 0, 0, 0),
	FIELD(struct thing, list, FIELD_ARRAY, 0, 0, 2),
	FIELD(struct thing, any, FIELD_JSON, 0, 0, 0),
	{ NULL },
};

struct decoded {
	struct exchange x;
	struct faults faults;
	struct thing thing;
	json_t *document;
	bool ok;
};

static struct decoded *decode(const char *text)
{
	struct decoded *out = calloc(1, sizeof(*out));
	json_error_t error;

	assert_non_null(out);
	arena_init(&out->x.call.arena, CALL_ARENA_BYTES);
	faults_init(&out->faults);
	out->document = json_loads(text, JSON_DECODE_ANY, &error);
	if (!out->document)
		fail_msg("%s in %s", error.text, text);
	out->ok = body_decode(&out->x.call, out->document, NULL, fields, &out->thing, &out->faults);
	return out;
}

static void release(struct decoded *decoded)
{
	json_decref(decoded->document);
	arena_release(&decoded->x.call.arena);
	free(decoded);
}

/* One member beside a good name: good, or a fault at this member. */
static void member(const char *text, const char *fault)
{
	char body[256];
	snprintf(body, sizeof(body), "{\"name\":\"a\",%s}", text);
	struct decoded *decoded = decode(body);
	if (!fault) {
		if (!decoded->ok)
			fail_msg("%s: %s", body, decoded->faults.items[0].message);
	} else {
		if (decoded->faults.n != 1)
			fail_msg("%s: %zu faults", body, decoded->faults.n);
		assert_string_equal(decoded->faults.items[0].pointer, fault);
	}
	release(decoded);
}

static void test_everything(void **state)
{
	(void)state;
	struct decoded *decoded = decode(
		"{\"name\":\"ab\",\"count\":-3,\"lease\":\"5s\",\"when\":\"2026-01-31T09:30:00."
		"25Z\","
		"\"rate\":1,\"flag\":true,\"object\":{\"a\":1},\"list\":[1,2],\"any\":null}");
	const struct thing *thing = &decoded->thing;

	assert_true(decoded->ok);
	assert_string_equal(thing->name, "ab");
	assert_int_equal(thing->count, -3);
	assert_int_equal(thing->lease, 5000);
	assert_int_equal(thing->when, 1769851800250);
	assert_true(thing->rate == 1.0);
	assert_true(thing->flag);
	assert_true(json_is_object(thing->object));
	assert_int_equal(json_array_size(thing->list), 2);
	assert_true(json_is_null(thing->any));
	release(decoded);
}

static void test_absent_fields_stay(void **state)
{
	struct decoded *decoded = decode("{\"name\":\"a\",\"count\":null}");
	(void)state;
	assert_true(decoded->ok);
	assert_int_equal(decoded->thing.count, 0);
	assert_null(decoded->thing.object);
	release(decoded);
}

static void test_bounds(void **state)
{
	(void)state;
	member("\"count\":10", NULL);
	member("\"count\":11", "/count");
	member("\"count\":-4", "/count");
	member("\"count\":2.0", NULL);
	member("\"count\":2.5", "/count");
	member("\"count\":\"2\"", "/count");
	member("\"count\":true", "/count");
	member("\"rate\":0", NULL);
	member("\"rate\":1.0000001", "/rate");
	member("\"rate\":null", "/rate");
	member("\"rate\":\"0.5\"", "/rate");
	member("\"lease\":60", NULL);
	member("\"lease\":60.001", "/lease");
	member("\"lease\":\"1m\"", NULL);
	member("\"lease\":\"61s\"", "/lease");
	member("\"lease\":\"250ms\"", NULL);
	member("\"lease\":-1", "/lease");
	member("\"lease\":1e300", "/lease");
	member("\"lease\":\"soon\"", "/lease");
	member("\"when\":\"2026-02-30T00:00:00Z\"", "/when");
	member("\"when\":\"2026-01-31\"", "/when");
	member("\"when\":1700000000", "/when");
	member("\"flag\":1", "/flag");
	member("\"flag\":null", "/flag");
	member("\"object\":[]", "/object");
	member("\"list\":{}", "/list");
	member("\"list\":[1,2,3]", "/list");
	member("\"list\":[]", NULL);
	member("\"any\":[{}]", NULL);
}

static void test_strings_at_their_limits(void **state)
{
	static const char *const good[] = { "a", "abcde", "\xc3\xa9\xc3\xa9x" };
	static const char *const bad[] = { "", "abcdef", "\xc3\xa9\xc3\xa9xy" };
	char body[64];
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		snprintf(body, sizeof(body), "{\"name\":\"%s\"}", good[i]);
		struct decoded *decoded = decode(body);
		assert_true(decoded->ok);
		release(decoded);
		snprintf(body, sizeof(body), "{\"name\":\"%s\"}", bad[i]);
		decoded = decode(body);
		assert_false(decoded->ok);
		release(decoded);
	}
}

static void test_all_faults_at_once(void **state)
{
	struct decoded *decoded =
		decode("{\"count\":99,\"rate\":\"x\",\"colour\":1,\"a/b\":2,\"flag\":0}");
	(void)state;
	assert_false(decoded->ok);
	assert_int_equal(decoded->faults.n, 6);
	assert_string_equal(decoded->faults.items[0].pointer, "/name");
	assert_string_equal(decoded->faults.items[0].message, "is required");
	assert_string_equal(decoded->faults.items[4].pointer, "/colour");
	assert_non_null(strstr(decoded->faults.items[4].message, "name, count, lease"));
	assert_string_equal(decoded->faults.items[5].pointer, "/a~1b");
	release(decoded);
}

static void test_only_objects(void **state)
{
	static const char *const texts[] = { "[]", "1", "\"x\"", "null", "true" };
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct decoded *decoded = decode(texts[i]);
		assert_false(decoded->ok);
		assert_string_equal(decoded->faults.items[0].pointer, "");
		release(decoded);
	}
}

static void test_below_a_path(void **state)
{
	struct decoded *decoded = decode("{\"name\":\"a\"}");
	struct path up = { .name = "items" }, path = { .up = &up, .index = 3 };
	json_t *inner = json_pack("{s:i}", "name", 1);
	(void)state;
	assert_false(body_decode(
		&decoded->x.call, inner, &path, fields, &decoded->thing, &decoded->faults));
	assert_string_equal(decoded->faults.items[0].pointer, "/items/3/name");
	json_decref(inner);
	release(decoded);
}

static void test_kept_text(void **state)
{
	struct decoded *decoded = decode("{\"name\":\"a\",\"any\":{\"b\":[1,2.5,\"\\u00e9\"]}}");
	(void)state;
	assert_string_equal(
		body_text(&decoded->x.call, decoded->thing.any), "{\"b\":[1,2.5,\"\xc3\xa9\"]}");
	release(decoded);
}

/* ---- malformed documents, through the server ---- */

static void test_malformed(void **state)
{
	static const char *const texts[] = { "{", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":NaN}",
		"{\"a\":1,\"a\":2}", "\xff", "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}",
		"{\"a\":1e999}", "{\"a\":99999999999999999999}", "" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct exchange *x = post(*state, 400, "/v1/teams", texts[i]);
		assert_string_equal(at_text(x, "type"), "/docs/problems#malformed");
		exchange_free(x);
	}
}

static void test_depth(void **state)
{
	char text[2 * LIMIT_JSON_DEPTH + 3];
	memset(text, '[', LIMIT_JSON_DEPTH);
	memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
	text[2 * LIMIT_JSON_DEPTH] = '\0';
	post_only(*state, 422, "/v1/teams", text); /* read, but not an object */
	memset(text, '[', LIMIT_JSON_DEPTH + 1);
	memset(text + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
	text[2 * LIMIT_JSON_DEPTH + 2] = '\0';
	post_only(*state, 400, "/v1/teams", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_absent_fields_stay),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_strings_at_their_limits),
		cmocka_unit_test(test_all_faults_at_once),
		cmocka_unit_test(test_only_objects),
		cmocka_unit_test(test_below_a_path),
		cmocka_unit_test(test_kept_text),
		cmocka_unit_test_setup_teardown(test_malformed, world_open, world_close),
		cmocka_unit_test_setup_teardown(test_depth, world_open, world_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
