/* Problems: statuses, bodies, headers, and the page they point to. */
#include "tests/unit/api/exchange.h"

#include "api/problem.h"

static void test_statuses(void **state)
{
	static const struct {
		enum code code;
		int status;
	} rows[] = {
		{ CODE_MALFORMED, 400 },
		{ CODE_UNAUTHENTICATED, 401 },
		{ CODE_FORBIDDEN, 403 },
		{ CODE_NOT_FOUND, 404 },
		{ CODE_CONFLICT, 409 },
		{ CODE_GONE, 410 },
		{ CODE_PRECONDITION, 412 },
		{ CODE_TOO_LARGE, 413 },
		{ CODE_MEDIA_TYPE, 415 },
		{ CODE_INVALID, 422 },
		{ CODE_KEY_REUSED, 422 },
		{ CODE_RATE_LIMITED, 429 },
		{ CODE_INTERNAL, 500 },
		{ CODE_UNAVAILABLE, 503 },
		{ CODE_NO_MEMORY, 503 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(problem_status(rows[i].code), rows[i].status);
	assert_int_equal(sizeof(rows) / sizeof(*rows), CODE_WAIT - 1); /* all that are failures */
}

/* A call that nobody has answered yet. */
static struct exchange *fresh(void)
{
	struct exchange *x = calloc(1, sizeof(*x));
	assert_non_null(x);
	x->call.transport = &exchange_transport;
	x->call.transport_data = x;
	x->call.request_id = "r-1";
	arena_init(&x->call.arena, CALL_ARENA_BYTES);
	buffer_init(&x->text, SIZE_MAX / 2);
	return x;
}

static void test_body(void **state)
{
	struct error err = { CODE_INVALID, "say \"what\"\n" };
	struct exchange *x = fresh();
	struct faults faults;
	struct path at = { .name = "a/b~" };

	faults_init(&faults);
	fault_add(&faults, &at, "must be %s", "big");
	problem_reply(&x->call, &err, &faults);
	exchange_read(*state, x);
	assert_int_equal(x->call.status, 422);
	assert_string_equal(x->call.content_type, "application/problem+json");
	assert_int_equal(x->call.problem, CODE_INVALID);
	assert_string_equal(at_text(x, "type"), "/docs/problems#invalid");
	assert_string_equal(at_text(x, "title"), "Invalid content");
	assert_int_equal(at_int(x, "status"), 422);
	assert_string_equal(at_text(x, "detail"), "say \"what\"\n");
	assert_string_equal(at_text(x, "request_id"), "r-1");
	assert_true(has_fault(x, "/a~1b~0"));
	assert_string_equal(at_text(x, "errors.0.message"), "must be big");
	assert_int_equal(json_object_size(x->json), 6);
	exchange_free(x);
}

static void test_no_faults_no_errors(void **state)
{
	struct error err = { CODE_CONFLICT, "no" };
	struct exchange *x = fresh();
	struct faults faults;

	faults_init(&faults);
	problem_reply(&x->call, &err, &faults);
	exchange_read(*state, x);
	assert_null(at(x, "errors"));
	assert_string_equal(header(x, "Cache-Control"), "no-store");
	exchange_free(x);
}

static void test_more_faults_than_are_kept(void **state)
{
	struct error err = { CODE_INVALID, "many" };
	struct exchange *x = fresh();
	struct faults faults;

	faults_init(&faults);
	for (int i = 0; i < LIMIT_FAULTS + 5; i++)
		fault_add(&faults, NULL, "%d", i);
	problem_reply(&x->call, &err, &faults);
	exchange_read(*state, x);
	assert_int_equal(at_size(x, "errors"), LIMIT_FAULTS);
	assert_int_equal(at_int(x, "errors_total"), LIMIT_FAULTS + 5);
	exchange_free(x);
}

static void test_cause_of_a_defect_is_for_the_log(void **state)
{
	struct exchange *x = fresh();

	problem_replyf(&x->call, CODE_INTERNAL, "SELECT secret FROM %s", "tokens");
	exchange_read(*state, x);
	assert_int_equal(x->call.status, 500);
	assert_null(strstr(buffer_text(&x->text), "SELECT"));
	assert_string_equal(x->call.problem_detail, "SELECT secret FROM tokens");
	exchange_free(x);
}

static void test_headers(void **state)
{
	struct exchange *x = fresh();
	problem_replyf(&x->call, CODE_UNAUTHENTICATED, "who");
	assert_string_equal(header(x, "WWW-Authenticate"), "Bearer realm=\"cairn\"");
	assert_null(header(x, "Retry-After"));
	exchange_free(x);

	x = fresh();
	problem_replyf(&x->call, CODE_UNAVAILABLE, "later");
	assert_string_equal(header(x, "Retry-After"), "1");
	exchange_free(x);

	x = fresh();
	call_header(&x->call, "Retry-After", "20");
	problem_replyf(&x->call, CODE_RATE_LIMITED, "later");
	assert_string_equal(header(x, "Retry-After"), "20");
	exchange_free(x);
	(void)state;
}

static void test_half_an_answer_is_dropped(void **state)
{
	struct exchange *x = fresh();

	call_ready(&x->call);
	buffer_add_text(&x->call.out, "{\"items\":[");
	problem_replyf(&x->call, CODE_UNAVAILABLE, "the database is away");
	exchange_read(*state, x); /* would fail if it were not JSON */
	assert_int_equal(at_int(x, "status"), 503);
	exchange_free(x);
}

static void test_items_of_a_batch(void **state)
{
	struct error err = { CODE_NOT_FOUND, "no trial 7" };
	struct buffer out;
	(void)state;

	buffer_init(&out, 1000);
	problem_write(&out, &err, NULL, NULL);
	assert_string_equal(buffer_text(&out),
		"{\"type\":\"/docs/problems#not_found\",\"title\":\"Not found\",\"status\":404,"
		"\"detail\":\"no trial 7\"}");
	buffer_release(&out);
}

static void test_every_type_has_its_place_on_the_page(void **state)
{
	struct exchange *page = get(*state, 200, "/docs/problems");

	for (int code = CODE_OK + 1; code < CODE_WAIT; code++) {
		struct exchange *x = fresh();
		char id[80];
		problem_replyf(&x->call, (enum code)code, "x");
		exchange_read(*state, x);
		const char *slug = strchr(at_text(x, "type"), '#');
		assert_non_null(slug);
		snprintf(id, sizeof(id), "id=\"%s\"", slug + 1);
		assert_non_null(strstr(buffer_text(&page->text), id));
		exchange_free(x);
	}
	exchange_free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_no_faults_no_errors),
		cmocka_unit_test(test_more_faults_than_are_kept),
		cmocka_unit_test(test_cause_of_a_defect_is_for_the_log),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_half_an_answer_is_dropped),
		cmocka_unit_test(test_items_of_a_batch),
		cmocka_unit_test_setup_teardown(
			test_every_type_has_its_place_on_the_page, world_open, world_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
