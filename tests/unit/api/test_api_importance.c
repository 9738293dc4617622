/* GET /v1/experiments/{id}/importance. */
#include "tests/unit/api/exchange.h"

#include <math.h>

#define ROWS 200

/* A branch with one parameter, another with one of the same name, two numbers, a constant. */
static void make(struct world *world, const char *more, char id[ID_SIZE])
{
	char body[2048];

	snprintf(body, sizeof(body),
		"{\"name\":\"n\",\"search_space\":{"
		"\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]},"
		"\"one\":{\"_type\":\"choice\",\"_value\":[\"only\"]},"
		"\"op\":{\"_type\":\"choice\",\"_value\":["
		"{\"_name\":\"a\",\"k\":{\"_type\":\"choice\",\"_value\":[1,2]}},"
		"{\"_name\":\"b\",\"k\":{\"_type\":\"uniform\",\"_value\":[0,1]}}]}},"
		"\"tuner\":{\"name\":\"random\",\"seed\":3}%s}",
		more);
	struct exchange *x = post(world, 201, "/v1/experiments", body);
	snprintf(id, ID_SIZE, "%s", at_text(x, "id"));
	exchange_free(x);
}

/* Results of x + y / 1000 on a fixed scatter of points, and -x as a second metric. */
static void seed(struct world *world, const char *id, int rows)
{
	struct buffer body;

	buffer_init(&body, 1 << 20);
	buffer_add_char(&body, '[');
	for (int i = 0; i < rows; i++) {
		double u = fmod(i * 0.6180339887498949, 1), v = fmod(i * 0.7548776662466927, 1);
		const char *op =
			i % 2 ? "{\"_name\":\"a\",\"k\":2}" : "{\"_name\":\"b\",\"k\":0.5}";
		buffer_printf(&body,
			"%s{\"parameters\":{\"x\":%.17g,\"y\":%.17g,\"one\":\"only\",\"op\":%s},"
			"\"values\":{\"a\":%.17g,\"b\":%.17g}}",
			i ? "," : "", u, v, op, u + v / 1000, -v);
	}
	buffer_add_char(&body, ']');
	struct exchange *x = post(world, 200, url(id, "/seed"), buffer_text(&body));
	exchange_free(x);
	buffer_release(&body);
}

#define TWO                                                                                        \
	",\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"},"                                 \
	"{\"name\":\"b\",\"goal\":\"maximize\"}]"

static void one_parameter_matters(void **state)
{
	static const char *const methods[] = { "pedanova", "fanova" };
	struct world *world = *state;
	char id[ID_SIZE];
	make(world, ",\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"}]", id);
	seed(world, id, ROWS);
	for (int m = 0; m < 2; m++) {
		struct exchange *x = get(world, 200, url(id, "/importance?method=%s", methods[m]));
		double sum = 0;
		assert_string_equal(at_text(x, "method"), methods[m]);
		assert_string_equal(at_text(x, "objective"), "a");
		assert_true(json_is_null(at(x, "reason")));
		assert_int_equal(at_int(x, "used"), ROWS);
		assert_int_equal(at_int(x, "finished"), ROWS);
		assert_int_equal(at_size(x, "items"), 5); /* op.k is one */
		assert_string_equal(at_text(x, "items.0.parameter"), "x");
		assert_true(at_real(x, "items.0.importance") > 0.9);
		assert_true(json_is_null(at(x, "items.0.variance")) == (m == 0));
		for (int i = 0; i < 5; i++) {
			char path[32];
			snprintf(path, sizeof(path), "items.%d.importance", i);
			sum += at_real(x, path);
		}
		assert_true(fabs(sum - 1) < 1e-9);
		assert_true((at_size(x, "interactions") > 0) == (m == 1));
		exchange_free(x);
	}
	/* pedanova is what one gets; the list can be cut short */
	struct exchange *x = get(world, 200, url(id, "/importance?top=2"));
	assert_string_equal(at_text(x, "method"), "pedanova");
	assert_int_equal(at_size(x, "items"), 2);
	exchange_free(x);
	x = get(world, 200, url(id, "/importance?method=fanova&top=1"));
	assert_int_equal(at_size(x, "interactions"), 1);
	assert_int_equal(at_size(x, "interactions.0.parameters"), 2);
	assert_true(at_real(x, "interactions.0.variance") < 0.1);
	exchange_free(x);
}

static void each_objective_has_its_own(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make(world, TWO, id);
	seed(world, id, ROWS);
	for (int m = 0; m < 2; m++) {
		const char *method = m ? "fanova" : "pedanova";
		struct exchange *x =
			get(world, 200, url(id, "/importance?objective=b&method=%s", method));
		assert_string_equal(at_text(x, "objective"), "b");
		assert_string_equal(at_text(x, "items.0.parameter"), "y");
		exchange_free(x);
	}
	get_only(world, 400, url(id, "/importance?objective=c"));
	get_only(world, 400, url(id, "/importance?method=lime"));
	get_only(world, 400, url(id, "/importance?top=0"));
	get_only(world, 400, url(id, "/importance?top=1025"));
	get_only(world, 404, url("exp_none", "/importance"));
}

static void without_numbers_it_says_why(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	experiment_make(world, "", id);
	for (int i = 0; i < 6; i++) {
		const char *reason = i < 4 ? "too_few_results" : "results_all_equal";
		for (int m = 0; m < 2; m++) {
			struct exchange *x = get(world, 200,
				url(id, "/importance?method=%s", m ? "fanova" : "pedanova"));
			assert_string_equal(at_text(x, "reason"), reason);
			assert_int_equal(at_size(x, "items"), 2);
			assert_true(json_is_null(at(x, "items.0.importance")));
			assert_int_equal(at_size(x, "interactions"), 0);
			exchange_free(x);
		}
		finish_one(world, id, "2");
	}
	/* Failures are not results to a forest. */
	long long n = suggest_one(world, id);
	char body[64];
	snprintf(body, sizeof(body), "{\"trial\":%lld,\"status\":\"failed\"}", n);
	post_only(world, 200, url(id, "/observe"), body);
	struct exchange *x = get(world, 200, url(id, "/importance?method=fanova"));
	assert_int_equal(at_int(x, "finished"), 7);
	assert_int_equal(at_int(x, "used"), 6);
	exchange_free(x);
	x = get(world, 200, url(id, "/importance"));
	assert_int_equal(at_int(x, "used"), 7);
	assert_true(json_is_null(at(x, "reason"))); /* where it failed differs from where not */
	exchange_free(x);
}

/* More trials than a forest is made of. */
static void the_forest_is_bounded(void **state)
{
	struct world *world = *state;
	char id[ID_SIZE];
	make(world, ",\"objectives\":[{\"name\":\"a\",\"goal\":\"minimize\"}]", id);
	seed(world, id, 2300);
	struct exchange *x = get(world, 200, url(id, "/importance?method=fanova"));
	assert_int_equal(at_int(x, "finished"), 2300);
	assert_int_equal(at_int(x, "used"), 2000);
	assert_true(at_real(x, "items.0.importance") > 0.99);
	double importance = at_real(x, "items.0.importance");
	exchange_free(x);
	x = get(world, 200, url(id, "/importance?method=fanova")); /* again: the same */
	assert_true(at_real(x, "items.0.importance") == importance);
	exchange_free(x);
	x = get(world, 200, url(id, "/importance"));
	assert_int_equal(at_int(x, "used"), 2300);
	exchange_free(x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_parameter_matters),
		TEST(each_objective_has_its_own),
		TEST(without_numbers_it_says_why),
		TEST(the_forest_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
