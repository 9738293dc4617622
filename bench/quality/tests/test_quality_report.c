/* Comparisons and what is written of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/quality/comparison.h"
#include "bench/quality/report.h"
#include "core/json.h"

#include <cmocka.h>

#define SEEDS 4

static struct suite suite;
static struct comparison comparison;
static const struct contender contenders[] = { { "tpe", "tpe", "{}" }, { "random", "random", "{}" },
	{ "batch", "batch", "{}" } };
static const unsigned workers[] = { 1, 8 };
static const size_t budgets[] = { 20, 60 };

enum { TPE, RANDOM, BATCH };

static int set_up(void **state)
{
	struct error err = { 0 };
	struct plan plan = { .suite = &suite,
		.contenders = contenders,
		.n_contenders = 3,
		.workers = workers,
		.n_workers = 2,
		.budgets = budgets,
		.n_budgets = 2,
		.seeds = SEEDS,
		.baseline = 50,
		.threads = 2 };

	(void)state;
	if (suite_add(&suite, "classic", 2, &err) != 0 || suite_add(&suite, "book", 2, &err) != 0)
		fail_msg("%s", err.message);
	if (comparison_run(&comparison, &plan, NULL, &err) != 0)
		fail_msg("%s", err.message);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	comparison_release(&comparison);
	suite_release(&suite);
	return 0;
}

/* Every cell has its own problem, contender, workers and a seed that the contenders share. */
static void test_layout(void **state)
{
	(void)state;
	assert_int_equal(comparison_trials(&comparison), 60);
	assert_int_equal(comparison.n_runs, 2 * 3 * suite.n * SEEDS);
	for (size_t w = 0; w < 2; w++)
		for (size_t k = 0; k < 3; k++)
			for (size_t p = 0; p < suite.n; p++)
				for (size_t s = 0; s < SEEDS; s++) {
					const struct run *run =
						comparison_of(&comparison, w, k, p, s);
					assert_ptr_equal(run->problem, suite.problems[p]);
					assert_ptr_equal(run->contender, &contenders[k]);
					assert_int_equal(run->workers, workers[w]);
					assert_int_equal(run->seed,
						(suite.problems[p]->instance - 1) * SEEDS + s + 1);
				}
}

/* A relative regret is what its definition says. */
static void test_regret(void **state)
{
	double regrets[256];
	size_t n = comparison_regrets(&comparison, "classic", NULL, 1, TPE, 20, 20, regrets);

	(void)state;
	assert_int_equal(n, 7 * 2 * SEEDS);
	size_t p = 9, s = 2; /* any */
	const struct run *run = comparison_of(&comparison, 1, TPE, p, s);
	double sum = 0;
	for (size_t i = 0; i < 50; i++)
		sum += comparison.random[p * 50 + i].best[19] - suite.problems[p]->optimum;
	double expected = (run->best[19] - suite.problems[p]->optimum) / (sum / 50);
	assert_true(fabs(regrets[p * SEEDS + s] - expected) < 1e-12 * expected);
	/* One problem of a suite. */
	assert_int_equal(
		comparison_regrets(&comparison, "classic", "Levy-5", 0, TPE, 60, 60, regrets),
		2 * SEEDS);
	assert_int_equal(
		comparison_regrets(&comparison, "book", "Levy-5", 0, TPE, 60, 60, regrets), 0);
}

static void test_scores(void **state)
{
	struct score tpe, random, batch;

	(void)state;
	assert_true(comparison_score(&comparison, "classic", 0, TPE, 60, &tpe));
	assert_true(comparison_score(&comparison, "classic", 0, RANDOM, 60, &random));
	assert_true(comparison_score(&comparison, "classic", 0, BATCH, 60, &batch));
	assert_int_equal(tpe.n, 56);
	assert_true(tpe.mean < 0.75 && tpe.geometric < tpe.mean);
	assert_true(fabs(random.mean - 1) < 0.2);
	assert_true(fabs(tpe.rank + random.rank - 3) < 1e-12); /* batch has none */
	assert_true(tpe.rank < 1.35 && tpe.ask_us > 0);
	assert_true(tpe.found == 0 && !tpe.why);
	assert_non_null(batch.why);
	assert_true(isnan(batch.mean) && isnan(batch.rank));
	double p = comparison_p(&comparison, "classic", 0, TPE, RANDOM, 60);
	assert_true(p > 0 && p < 1e-3);
	assert_true(p == comparison_p(&comparison, "classic", 0, RANDOM, TPE, 60));
	assert_true(comparison_p(&comparison, "classic", 0, TPE, TPE, 60) == 1);
	assert_true(isnan(comparison_p(&comparison, "classic", 0, TPE, BATCH, 60)));
}

static void test_json(void **state)
{
	struct buffer text;
	struct error err = { 0 };
	json_t *root;

	(void)state;
	buffer_init(&text, 16u << 20);
	report_json(&comparison, "a \"command\"", &text);
	assert_false(text.failed);
	if (json_read(text.data, text.size, &root, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(json_string_value(json_object_get(root, "command")), "a \"command\"");
	json_t *scores = json_object_get(root, "scores"), *runs = json_object_get(root, "runs");
	assert_int_equal(json_array_size(scores), 2 * 2 * 2 * 3);
	assert_int_equal(json_array_size(runs), comparison.n_runs);
	json_t *first = json_array_get(scores, 0);
	struct score score;
	assert_true(comparison_score(&comparison, "classic", 0, TPE, 20, &score));
	assert_true(json_number_value(json_object_get(first, "mean")) == score.mean);
	assert_true(json_is_string(json_object_get(json_array_get(scores, BATCH), "cannot")));
	assert_int_equal(json_array_size(json_object_get(json_array_get(runs, 0), "best")), 2);
	json_decref(root);
	buffer_release(&text);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* Every row of a table has as many cells as its head, and there is one for each contender. */
static void test_markdown(void **state)
{
	struct buffer text;
	size_t cells = 0, tables = 0;

	(void)state;
	buffer_init(&text, 1u << 20);
	report_markdown(&comparison, "command", "plots", &text);
	assert_false(text.failed);
	assert_int_equal(count(buffer_text(&text), "\n| batch | - / - | - / - | - |"), 2);
	assert_int_equal(count(buffer_text(&text), "](plots/classic.svg)"), 1);
	char *rest = text.data, *line;
	while ((line = strsep(&rest, "\n")) != NULL) {
		size_t own = *line == '|' ? count(line, "|") : 0;
		tables += own && !cells;
		if (own && cells)
			assert_int_equal(own, cells);
		cells = own;
	}
	assert_int_equal(tables, 2 * 3); /* scores, workers, problems */
	buffer_release(&text);
}

/* Points stay inside; there is a curve for each contender that could. */
static void test_plot(void **state)
{
	struct buffer text;

	(void)state;
	buffer_init(&text, 1u << 20);
	report_plot(&comparison, "book", 1, &text);
	const char *svg = buffer_text(&text);
	assert_int_equal(count(svg, "<polyline"), 2);
	assert_int_equal(count(svg, "<polygon"), 2);
	assert_int_equal(count(svg, "<svg"), count(svg, "</svg>"));
	assert_int_equal(count(svg, "<text"), count(svg, "</text>"));
	assert_int_equal(count(svg, "nan") + count(svg, "inf"), 0);
	for (const char *at = svg; (at = strstr(at, "points=\"")) != NULL;) {
		at += strlen("points=\"");
		double x, y;
		int used;
		while (sscanf(at, "%lf,%lf %n", &x, &y, &used) == 2) {
			assert_true(x >= 64 && x <= 560 && y >= 24 && y <= 310);
			at += used;
		}
	}
	buffer_release(&text);
}

static void check_file(const char *path, const char *expected)
{
	char text[4096];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	assert_string_equal(text, expected);
}

/* A section of a file is replaced, the rest stays; a file without the markers is not touched. */
static void test_insert(void **state)
{
	static const char other[] = "# Speed\n\nfast\n";
	static const char old[] = "a\n<!-- quality:begin -->\nx\n<!-- quality:end -->\nb\n";
	struct error err = { 0 };
	char directory[] = "/tmp/quality-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/b.md", directory);
	assert_int_equal(report_insert(path, "one\n", &err), 0);
	check_file(path, "# Benchmarks\n\n<!-- quality:begin -->\none\n<!-- quality:end -->\n");
	assert_int_equal(report_save(path, old, sizeof(old) - 1, &err), 0);
	assert_int_equal(report_insert(path, "two\n", &err), 0);
	check_file(path, "a\n<!-- quality:begin -->\ntwo\n<!-- quality:end -->\nb\n");
	assert_int_equal(report_save(path, other, sizeof(other) - 1, &err), 0);
	assert_int_equal(report_insert(path, "three\n", &err), CODE_CONFLICT);
	check_file(path, other);
	assert_int_equal(report_save("/nowhere/at/all", "x", 1, &err), CODE_UNAVAILABLE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_regret),
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_plot),
		cmocka_unit_test(test_insert),
	};
	return cmocka_run_group_tests_name("quality_report", tests, set_up, tear_down);
}
