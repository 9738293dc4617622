/*
 * Tabular problems: every configuration of a space, evaluated once for each of a few training
 * seeds. A trial is told the result of one seed, drawn at random; a run is scored by the mean over
 * the seeds of the best configuration it tried. The files are gzipped: a line of titles, then a
 * configuration (one digit a parameter, the option's index) and its results. They are read from
 * CAIRN_DATA, or else from shared/data beside the source tree.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bench/quality/problem.h"
#include "core/rng.h"

#define SEEDS	  8
#define LINE_SIZE 256

struct table {
	double *results; /* [configuration][SEEDS], to be minimised */
	double *means;	 /* [configuration] */
	uint8_t *counts; /* [configuration]: its results; they need not have equally many */
};

#define OPS                                                                                        \
	"{\"_type\":\"choice\",\"_value\":[\"none\",\"skip_connect\",\"nor_conv_1x1\","            \
	"\"nor_conv_3x3\",\"avg_pool_3x3\"]}"
#define ORDINAL(...) "{\"_type\":\"ordinal\",\"_value\":[" #__VA_ARGS__ "]}"
#define CHOICE(a, b) "{\"_type\":\"choice\",\"_value\":[\"" a "\",\"" b "\"]}"

static const struct {
	const char *name;
	bool maximise;
	const char *space;
} tables[] = {
	{ "nasbench201-cifar10", true,
		"{\"edge_1_0\":" OPS ",\"edge_2_0\":" OPS ",\"edge_2_1\":" OPS ",\"edge_3_0\":" OPS
		",\"edge_3_1\":" OPS ",\"edge_3_2\":" OPS "}" },
	{ "hpolib-protein", false,
		"{\"activation_fn_1\":" CHOICE("relu", "tanh") ",\"activation_fn_2\":" CHOICE(
			"relu", "tanh") ",\"batch_size\":" ORDINAL(8, 16, 32,
			64) ",\"dropout_1\":" ORDINAL(0, 0.3, 0.6) ",\"dropout_2\":" ORDINAL(0, 0.3,
			0.6) ",\"init_lr\":" ORDINAL(5e-4, 1e-3, 5e-3, 1e-2, 5e-2,
			1e-1) ",\"lr_schedule\":" CHOICE("cosine",
			"const") ",\"n_units_1\":" ORDINAL(16, 32, 64, 128, 256,
			512) ",\"n_units_2\":" ORDINAL(16, 32, 64, 128, 256, 512) "}" },
	{ "hpobench-vehicle", true,
		"{\"alpha\":" ORDINAL(1e-8, 7.742637e-8, 5.994842e-7, 4.641589e-6, 3.5938137e-5,
			2.7825593e-4, 2.1544348e-3, 1.6681006e-2, 1.2915497e-1,
			1) ",\"batch_size\":" ORDINAL(4, 6, 10, 16, 25, 40, 64, 101, 161,
			256) ",\"depth\":" ORDINAL(1, 2, 3) ",\"learning_rate_init\":" ORDINAL(1e-5,
			3.5938137e-5, 1.2915497e-4, 4.641589e-4, 1.6681006e-3, 5.9948424e-3,
			2.1544347e-2, 7.742637e-2, 2.7825594e-1, 1) ",\"width\":" ORDINAL(16, 25,
			40, 64, 101, 161, 256, 406, 645, 1024) "}" },
};

static size_t row_of(const struct space *space, const double *x)
{
	size_t row = 0;

	for (size_t i = 0; i < space->n; i++)
		row = row * space->parameters[i].n_options + (size_t)x[i];
	return row;
}

static double value_table(const struct problem *problem, const double *x)
{
	const struct table *table = problem->state;

	return table->means[row_of(problem->space, x)];
}

static double report_table(const struct problem *problem, const double *x, struct rng *noise)
{
	const struct table *table = problem->state;
	size_t row = row_of(problem->space, x);

	return table->results[row * SEEDS + rng_below(noise, table->counts[row])];
}

/* "0123,0.5,0.6" -> the row's place and its results; false: not such a line. */
static bool read_line(
	const struct space *space, char *line, size_t *row, size_t *n_results, double *results)
{
	double x[16];
	char *rest = line;

	for (size_t i = 0; i < space->n; i++, rest++) {
		if (i == 16 || *rest < '0' ||
			(size_t)(*rest - '0') >= space->parameters[i].n_options)
			return false;
		x[i] = *rest - '0';
	}
	*row = row_of(space, x);
	for (*n_results = 0; *rest == ',' && *n_results < SEEDS; (*n_results)++) {
		char *end;
		results[*n_results] = strtod(rest + 1, &end);
		if (end == rest + 1)
			return false;
		rest = end;
	}
	return *n_results > 0 && (*rest == '\0' || *rest == '\n' || *rest == '\r');
}

/* Every configuration once. */
static int read_table(
	struct problem *problem, struct table *table, bool maximise, gzFile file, struct error *err)
{
	char line[LINE_SIZE];
	double results[SEEDS];
	size_t row, n_results, n = 0, total = (size_t)problem->space->count;

	if (!gzgets(file, line, sizeof(line)))
		return fail(err, CODE_MALFORMED, "%s: the file is empty", problem->name);
	table->means = arena_array(&problem->arena, total, sizeof(*table->means));
	table->results = arena_array(&problem->arena, total * SEEDS, sizeof(*table->results));
	table->counts = arena_array(&problem->arena, total, sizeof(*table->counts));
	if (!table->means || !table->results || !table->counts)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", problem->name);
	problem->optimum = (double)INFINITY;
	while (gzgets(file, line, sizeof(line))) {
		if (!read_line(problem->space, line, &row, &n_results, results))
			return fail(err, CODE_MALFORMED, "%s: cannot read line %zu", problem->name,
				n + 2);
		n++;
		if (table->counts[row] > 0)
			return fail(err, CODE_MALFORMED, "%s: line %zu: that one again",
				problem->name, n + 1);
		table->counts[row] = (uint8_t)n_results;
		for (size_t i = 0; i < n_results; i++) {
			double loss = maximise ? -results[i] : results[i];
			table->results[row * SEEDS + i] = loss;
			table->means[row] += loss / (double)n_results;
		}
		problem->optimum = fmin(problem->optimum, table->means[row]);
	}
	if (n != total)
		return fail(err, CODE_MALFORMED, "%s: %zu configurations instead of %zu",
			problem->name, n, total);
	return 0;
}

static void skip(struct suite *suite, const char *why)
{
	size_t used = strlen(suite->skipped);

	(void)snprintf(suite->skipped + used, sizeof(suite->skipped) - used, "%s%s",
		used ? "; " : "", why);
}

static int load(struct suite *suite, size_t which, gzFile file, struct error *err)
{
	struct problem *problem = suite_begin(suite, tables[which].name, 1);
	struct table *table = problem ? arena_alloc(&problem->arena, sizeof(*table)) : NULL;

	if (!table)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", tables[which].name);
	int code = problem_set_space(problem, err, "%s", tables[which].space);
	if (code != 0)
		return code;
	problem->state = table;
	problem->value = value_table;
	problem->reported = report_table;
	return read_table(problem, table, tables[which].maximise, file, err);
}

static int add(struct suite *suite, size_t which, struct error *err)
{
	const char *directory = getenv("CAIRN_DATA");
	char path[4096], why[256];

	(void)snprintf(path, sizeof(path), "%s/%s.csv.gz",
		directory && *directory ? directory : QUALITY_DATA, tables[which].name);
	gzFile file = gzopen(path, "rb");
	if (!file) {
		(void)snprintf(
			why, sizeof(why), "%s: no table (%s)", tables[which].name, strerror(errno));
		skip(suite, why);
		return 0;
	}
	int code = load(suite, which, file, err);
	(void)gzclose_r(file);
	return code;
}

int suite_add_tabular(struct suite *suite, unsigned instances, struct error *err)
{
	int code = 0;

	(void)instances; /* a table is what it is */
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && code == 0; i++)
		code = add(suite, i, err);
	return code;
}
