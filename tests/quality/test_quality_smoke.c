/*
 * Has a tuner got worse? Every tuner of the catalogue on a few problems of each kind with fixed
 * seeds, against what tests/quality/baseline/smoke.txt has stored: the mean of log10 of the regret
 * relative to random search (bench/quality/comparison.h), and how far it may rise: three standard
 * errors of the difference between two such means, taken within the problems.
 *
 * A tuner that was changed on purpose, or is new, is recorded, and only that one, with
 *	CAIRN_QUALITY_RECORD=tpe build/dev/test_quality_smoke
 * from the top of the source tree; tpe,gp names two, all means all. Groups that cannot run (no
 * tables) keep their lines.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "algorithms/tuners/tuner.h"
#include "bench/quality/comparison.h"
#include "bench/quality/statistics.h"

#include <cmocka.h>

#define BASELINE      "tests/quality/baseline/smoke.txt"
#define RANDOM_RUNS   30
#define ROWS_MAX      256
#define NAME_SIZE     32
#define FUNCTIONS_MAX 6
/* A tuner that fits models has a share of a group's seeds and trials: it costs as much as all the
 * others. */
#define LEARNER_SHARE  4
#define LEARNER_TRIALS 2
#define SEEDS_MIN      3
/* A tuner that does the same with every seed may still differ by another libm's rounding. */
#define LEAST_TOLERANCE 0.02
/* Of few seeds all may have found the optimum by luck. */
#define FEW_SEEDS     6
#define FEW_TOLERANCE 0.3

static const char head[] =
	"# Recorded by test_quality_smoke (its head says how and when): group, tuner, mean log10 "
	"of\n"
	"# the regret relative to random search, and by how much it may be exceeded.\n";

/* floor: least relative regret that counts; where optima are found exactly, their logarithms would
 * drown the rest. */
struct group {
	const char *name;
	const char *suite; /* NULL: the BBOB functions below, 5-D, first instance */
	unsigned functions[FUNCTIONS_MAX];
	const char *only; /* of the suite: this problem */
	unsigned instances, seeds, workers;
	size_t budget;
	double floor;
};

static const struct group groups[] = {
	{ "bbob", NULL, { 1, 3, 8, 10, 15, 21 }, NULL, 1, 12, 1, 50, 1e-6 },
	{ "bbob-16-workers", NULL, { 1, 8, 15 }, NULL, 1, 12, 16, 100, 1e-6 },
	{ "mixed", "mixed", { 0 }, NULL, 1, 6, 1, 60, 1e-2 },
	{ "conditional", "conditional", { 0 }, NULL, 3, 20, 1, 60, 1e-2 },
	{ "book", "book", { 0 }, NULL, 1, 12, 1, 100, 1e-2 },
	{ "nasbench201", "tabular", { 0 }, "nasbench201-cifar10", 1, 20, 1, 150, 1e-2 },
	{ "hpolib", "tabular", { 0 }, "hpolib-protein", 1, 20, 1, 100, 1e-2 },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

struct row {
	char group[NAME_SIZE], tuner[NAME_SIZE];
	double value, tolerance;
};

struct rows {
	size_t n;
	struct row items[ROWS_MAX];
};

static struct rows baseline, recorded;
static const char *recording; /* NULL: nothing */

#define RECORD "CAIRN_QUALITY_RECORD=TUNER build/dev/test_quality_smoke"

static struct row *rows_find(struct rows *rows, const char *group, const char *tuner)
{
	for (size_t i = 0; i < rows->n; i++)
		if (strcmp(rows->items[i].group, group) == 0 &&
			strcmp(rows->items[i].tuner, tuner) == 0)
			return &rows->items[i];
	return NULL;
}

static void rows_set(struct rows *rows, const struct row *row)
{
	struct row *known = rows_find(rows, row->group, row->tuner);

	if (!known) {
		assert_true(rows->n < ROWS_MAX);
		known = &rows->items[rows->n++];
	}
	*known = *row;
}

/* Is the tuner among those to be recorded? */
static bool records(const char *tuner)
{
	size_t size = strlen(tuner);

	if (!recording || strcmp(recording, "all") == 0)
		return recording != NULL;
	for (const char *at = recording; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, tuner, size) == 0 && (at[size] == ',' || !at[size]))
			return true;
	}
	return false;
}

static int read_baseline(void **state)
{
	char line[256];
	FILE *file = fopen(BASELINE, "r");

	(void)state;
	recording = getenv("CAIRN_QUALITY_RECORD");
	while (file && fgets(line, sizeof(line), file)) {
		struct row row;
		if (*line == '#')
			continue;
		if (sscanf(line, "%31s %31s %lf %lf", row.group, row.tuner, &row.value,
			    &row.tolerance) != 4)
			fail_msg(BASELINE ": cannot read \"%s\"", line);
		rows_set(&baseline, &row);
	}
	if (file)
		(void)fclose(file);
	else if (!recording)
		fail_msg(BASELINE " is not there; tests run from the top of the source tree");
	return 0;
}

/* What is not recorded stays as it was, unless its tuner is no more. */
static int write_baseline(void **state)
{
	(void)state;
	printf("CPU: %.1f s\n", (double)clock() / CLOCKS_PER_SEC);
	if (!recording)
		return 0;
	for (size_t i = 0; i < recorded.n; i++)
		if (records(recorded.items[i].tuner))
			rows_set(&baseline, &recorded.items[i]);
	FILE *file = fopen(BASELINE, "w");
	assert_non_null(file);
	(void)fputs(head, file);
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct algorithm *const *a = tuner_algorithms; *a; a++) {
			const struct row *row = rows_find(&baseline, groups[g].name, (*a)->name);
			if (row)
				(void)fprintf(file, "%-16s %-12s %8.4f %7.4f\n", row->group,
					row->tuner, row->value, row->tolerance);
		}
	assert_int_equal(fclose(file), 0);
	return 0;
}

/* The problems of the group; false when its table is not there. */
static bool find_problems(const struct group *group, struct suite *suite)
{
	struct error err = { 0 };
	int code = 0;

	suite_init(suite);
	for (size_t i = 0; !group->suite && i < FUNCTIONS_MAX && group->functions[i]; i++)
		code |= suite_add_bbob(suite, group->name, group->functions[i], 5, 1, &err);
	if (group->suite)
		code = suite_add(suite, group->suite, group->instances, &err);
	if (code != 0)
		fail_msg("%s: %s", group->name, err.message);
	for (size_t i = 0; i < suite->n; i++)
		suite->problems[i]->suite =
			!group->only || strcmp(suite->problems[i]->name, group->only) == 0
				? group->name
				: "not asked for";
	for (size_t i = 0; i < suite->n; i++)
		if (strcmp(suite->problems[i]->suite, group->name) == 0)
			return true;
	printf("%s: skipped: %s\n", group->name, suite->skipped);
	return false;
}

/* Only the group's: the others' runs would be for nothing. */
static void keep_asked_for(struct suite *all, const char *name, struct suite *out)
{
	suite_init(out);
	out->problems = calloc(all->n, sizeof(struct problem *));
	assert_non_null(out->problems);
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->problems[i]->suite, name) == 0)
			out->problems[out->n++] = all->problems[i];
}

/* Every tuner that proposes points, with its default options: those that learn, or the others. What
 * trains step by step has tests of its own (test_quality_fidelity, test_quality_pbt). */
static size_t list_contenders(bool learners, struct contender *contenders)
{
	size_t n = 0;

	for (const struct algorithm *const *a = tuner_algorithms; *a; a++) {
		if ((*a)->caps & (TUNER_EXTERNAL | TUNER_MULTI_FIDELITY) ||
			(tuner_of(*a)->learner != NULL) != learners)
			continue;
		assert_true(n < COMPARISON_MAX);
		contenders[n++] = (struct contender){
			.label = (*a)->name, .tuner = (*a)->name, .options = "{}"
		};
	}
	return n;
}

/* Mean log10 relative regret, and three standard errors of the difference of two of its kind; the
 * runs of one problem follow each other. */
static void summarise(
	const struct group *group, double *regrets, size_t n, double *value, double *tolerance)
{
	double variance = 0;
	size_t problems = n / group->seeds;

	for (size_t i = 0; i < n; i++)
		regrets[i] = log10(fmax(regrets[i], group->floor));
	*value = stat_mean(n, regrets);
	for (size_t p = 0; p < problems; p++) {
		double error = stat_standard_error(group->seeds, regrets + p * group->seeds);
		variance += error * error;
	}
	double least = group->seeds < FEW_SEEDS ? FEW_TOLERANCE : LEAST_TOLERANCE;
	*tolerance = fmax(least, 3 * sqrt(2 * variance) / (double)problems);
}

/* True: no worse than stored. */
static bool judge(const struct comparison *c, const struct group *group, size_t k)
{
	const char *tuner = c->plan.contenders[k].label;
	const char *why = comparison_obstacle(c, group->name, 0, k);
	struct row *known = rows_find(&baseline, group->name, tuner);
	double regrets[1024];
	struct row row = { 0 };

	if (why) {
		if (known)
			printf("%s can no longer do %s: %s\n", tuner, group->name, why);
		if (known && records(tuner))
			known->group[0] = '\0';
		return !known || records(tuner);
	}
	size_t n = comparison_regrets(
		c, group->name, NULL, 0, k, group->budget, group->budget, regrets);
	(void)snprintf(row.group, sizeof(row.group), "%s", group->name);
	(void)snprintf(row.tuner, sizeof(row.tuner), "%s", tuner);
	summarise(group, regrets, n, &row.value, &row.tolerance);
	rows_set(&recorded, &row);
	if (!known) {
		printf("%-16s %-12s %8.4f    not stored yet\n", group->name, tuner, row.value);
		return records(tuner);
	}
	bool worse = row.value > known->value + known->tolerance;
	bool better = row.value < known->value - known->tolerance;
	printf("%-16s %-12s %8.4f    stored %8.4f + %.4f%s\n", group->name, tuner, row.value,
		known->value, known->tolerance,
		worse	 ? "    WORSE"
		: better ? "    better: record it"
			 : "");
	return !worse || records(tuner);
}

/* Runs and judges some of the tuners; how many failed. */
static size_t compare(const struct group *group, const struct suite *suite, bool learners)
{
	struct contender contenders[COMPARISON_MAX];
	struct comparison comparison;
	struct group own = *group;
	struct error err = { 0 };
	size_t failures = 0;

	if (learners && group->seeds > SEEDS_MIN * LEARNER_SHARE)
		own.seeds = group->seeds / LEARNER_SHARE;
	else if (learners)
		own.seeds = SEEDS_MIN;
	if (learners)
		own.budget = group->budget / LEARNER_TRIALS;
	struct plan plan = { .suite = suite,
		.contenders = contenders,
		.n_contenders = list_contenders(learners, contenders),
		.workers = &own.workers,
		.n_workers = 1,
		.budgets = &own.budget,
		.n_budgets = 1,
		.seeds = own.seeds,
		.baseline = RANDOM_RUNS,
		.threads = 1 };
	if (plan.n_contenders == 0)
		return 0;
	assert_true(suite->n * plan.seeds <= 1024);
	if (comparison_run(&comparison, &plan, NULL, &err) != 0)
		fail_msg("%s: %s", group->name, err.message);
	for (size_t k = 0; k < plan.n_contenders; k++)
		failures += !judge(&comparison, &own, k);
	comparison_release(&comparison);
	return failures;
}

static void test_group(void **state)
{
	const struct group *group = *state;
	struct suite all, suite;

	if (!find_problems(group, &all)) {
		suite_release(&all);
		skip();
	}
	keep_asked_for(&all, group->name, &suite);
	size_t failures = compare(group, &suite, false) + compare(group, &suite, true);
	free(suite.problems);
	suite_release(&all);
	if (failures)
		fail_msg("%s: %zu tuners got worse or are not stored (see above). If that is "
			 "meant: " RECORD,
			group->name, failures);
}

/* The stored tolerances are tight enough to tell a model from random search. */
static void test_sharpness(void **state)
{
	static const char *const models[] = { "tpe", "evolution", "anneal" };
	static const char *const told[] = { "bbob", "conditional", "book" };

	(void)state;
	if (recording)
		skip();
	for (size_t g = 0; g < 3; g++)
		for (size_t m = 0; m < 3; m++) {
			const struct row *random = rows_find(&baseline, told[g], "random");
			const struct row *model = rows_find(&baseline, told[g], models[m]);
			assert_non_null(random);
			assert_non_null(model);
			if (random->value <= model->value + model->tolerance)
				fail_msg("random search would pass for %s on %s", models[m],
					told[g]);
		}
}

int main(void)
{
	struct CMUnitTest tests[GROUPS + 1];
	/* cmocka hands state out unqualified; nobody writes to it. */
	static struct group own[GROUPS];

	memcpy(own, groups, sizeof(own));
	for (size_t g = 0; g < GROUPS; g++)
		tests[g] = (struct CMUnitTest){ groups[g].name, test_group, NULL, NULL, &own[g] };
	tests[GROUPS] = (struct CMUnitTest)cmocka_unit_test(test_sharpness);
	return cmocka_run_group_tests_name("quality_smoke", tests, read_baseline, write_baseline);
}
