#include "tests/unit/algorithms/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "algorithms/assessors/assessor.h"

static void registry_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; assessor_algorithms[i]; i++) {
		const struct algorithm *algorithm = assessor_algorithms[i];
		const struct assessor *assessor = assessor_of(algorithm);
		assert_ptr_equal(&assessor->algorithm, algorithm);
		assert_non_null(assessor->judge);
		assert_true(strlen(algorithm->summary) > 20);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(assessor_algorithms[j]->name, algorithm->name);
		struct option_set set; /* asserts that every default is within its bounds */
		options_init(&set, algorithm->options);
		for (size_t j = 0; j < set.n; j++)
			assert_true(set.table[j].help && strlen(set.table[j].help) > 10);
	}
}

static void found_by_nni_name(void **state)
{
	(void)state;
	assert_ptr_equal(
		catalog_find(assessor_algorithms, "Medianstop"), &assessor_medianstop.algorithm);
	assert_ptr_equal(catalog_find(assessor_algorithms, "Curvefitting"),
		&assessor_curvefitting.algorithm);
	assert_ptr_equal(catalog_find(assessor_algorithms, "curve"), &assessor_curve.algorithm);
	assert_ptr_equal(catalog_find(assessor_algorithms, "asha"), &assessor_asha.algorithm);
	assert_ptr_equal(
		catalog_find(assessor_algorithms, "wilcoxon"), &assessor_wilcoxon.algorithm);
	assert_null(catalog_find(assessor_algorithms, "Averagestop"));
}

/* A view keeps the reports of ended trials for medianstop, which compares with them. */
static void needs_metrics(void **state)
{
	static const char body[] =
		"{\"name\":\"n\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"tuner\":{\"name\":\"random\"},\"assessor\":{\"name\":\"medianstop\"}}";
	struct fake fake;
	(void)state;
	assert_true(assessor_medianstop.algorithm.caps & ALGORITHM_NEEDS_METRICS);
	fake_init(&fake, body);
	assert_true(fake.view.needs_metrics);
	fake_release(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry_is_whole),
		cmocka_unit_test(found_by_nni_name),
		cmocka_unit_test(needs_metrics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
