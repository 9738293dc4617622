#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/quality/report.h"
#include "bench/quality/statistics.h"

#define NAMES_MAX 64

static const struct {
	const char *suite, *title;
} titles[] = {
	{ "classic", "Classics, their optima shifted" },
	{ "mixed", "Mixed spaces: continuous, log, integer, ordered, unordered" },
	{ "conditional", "Three learners with parameters of their own" },
	{ "book", "The black boxes of Gridin's book on NNI" },
	{ "tabular", "Tables of trained networks" },
};

static void write_title(const char *suite, struct buffer *out)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(suite, titles[i].suite) == 0) {
			buffer_printf(out, "\n### %s\n\n", titles[i].title);
			return;
		}
	buffer_printf(
		out, "\n### The 24 BBOB functions, %s dimensions\n\n", suite + strlen("bbob"));
}

/* Three significant digits; small ones as powers of ten. */
static void write_number(struct buffer *out, double x)
{
	if (isnan(x))
		buffer_add_text(out, "-");
	else if (x != 0 && fabs(x) < 5e-4)
		buffer_printf(out, "%.1e", x);
	else
		buffer_printf(out, "%.3f", x);
}

static void write_p(struct buffer *out, double p)
{
	if (isnan(p))
		buffer_add_text(out, "-");
	else
		buffer_printf(out, p < 0.001 ? "%.0e" : "%.3f", p);
}

static void write_row(
	const struct comparison *c, const char *suite, size_t w, size_t k, struct buffer *out)
{
	const struct plan *plan = &c->plan;
	size_t trials = comparison_trials(c);
	struct score score = { 0 };

	buffer_printf(out, "| %s ", plan->contenders[k].label);
	for (size_t b = 0; b < plan->n_budgets; b++) {
		if (!comparison_score(c, suite, w, k, plan->budgets[b], &score)) {
			out->failed = true;
			return;
		}
		buffer_add_text(out, "| ");
		write_number(out, score.mean);
		buffer_add_text(out, " / ");
		write_number(out, score.geometric);
		buffer_add_char(out, ' ');
	}
	if (score.why) {
		buffer_add_text(out, "| - | - | - | cannot: ");
		for (const char *at = score.why; *at; at++)
			buffer_add_char(out, *at == '|' ? '/' : *at);
		buffer_add_text(out, " |\n");
		return;
	}
	buffer_printf(out, "| %.0f %% | %.2f | ", 100 * score.found, score.rank);
	if (k == 0)
		buffer_add_text(out, "-");
	else
		write_p(out, comparison_p(c, suite, w, k, 0, trials));
	buffer_printf(out, " | %.3g |\n", score.ask_us / 1000);
}

static void write_table(const struct comparison *c, const char *suite, size_t w, struct buffer *out)
{
	const struct plan *plan = &c->plan;
	size_t trials = comparison_trials(c);

	buffer_printf(out, "%u worker%s:\n\n| tuner ", plan->workers[w],
		plan->workers[w] == 1 ? "" : "s");
	for (size_t b = 0; b < plan->n_budgets; b++)
		buffer_printf(out, "| @%zu mean / geo ", plan->budgets[b]);
	buffer_printf(out, "| found @%zu | rank @%zu | p (%s) @%zu | CPU ms/suggestion |\n|---",
		trials, trials, plan->contenders[0].label, trials);
	for (size_t b = 0; b < plan->n_budgets; b++)
		buffer_add_text(out, "|---");
	buffer_add_text(out, "|---|---|---|---|\n");
	for (size_t k = 0; k < plan->n_contenders; k++)
		write_row(c, suite, w, k, out);
	buffer_add_char(out, '\n');
}

/* What parallelism costs: with more workers, fewer results are known when a trial is chosen. */
static void write_workers(const struct comparison *c, const char *suite, struct buffer *out)
{
	const struct plan *plan = &c->plan;
	size_t trials = comparison_trials(c);
	struct score score;

	buffer_printf(out, "By number of workers, @%zu mean / geo:\n\n| tuner ", trials);
	for (size_t w = 0; w < plan->n_workers; w++)
		buffer_printf(out, "| %u ", plan->workers[w]);
	buffer_add_text(out, "|\n|---");
	for (size_t w = 0; w < plan->n_workers; w++)
		buffer_add_text(out, "|---");
	buffer_add_text(out, "|\n");
	for (size_t k = 0; k < plan->n_contenders; k++) {
		buffer_printf(out, "| %s ", plan->contenders[k].label);
		for (size_t w = 0; w < plan->n_workers; w++) {
			if (!comparison_score(c, suite, w, k, trials, &score)) {
				out->failed = true;
				return;
			}
			buffer_add_text(out, "| ");
			write_number(out, score.mean);
			buffer_add_text(out, " / ");
			write_number(out, score.geometric);
			buffer_add_char(out, ' ');
		}
		buffer_add_text(out, "|\n");
	}
	buffer_add_char(out, '\n');
}

/* What random search leaves of a problem, mean over its instances; NaN: none is of that name. */
static double random_regret(const struct comparison *c, const char *suite, const char *name)
{
	size_t trials = comparison_trials(c), n = 0;
	double sum = 0;

	for (size_t p = 0; p < c->plan.suite->n; p++) {
		const struct problem *problem = c->plan.suite->problems[p];
		if (strcmp(problem->suite, suite) != 0 || strcmp(problem->name, name) != 0)
			continue;
		sum += c->yardstick[p * trials + trials - 1];
		n++;
	}
	return n ? sum / (double)n : (double)NAN;
}

static void write_problems(
	const struct comparison *c, const char *suite, double *regrets, struct buffer *out)
{
	const char *names[NAMES_MAX];
	size_t n = comparison_names(c, suite, NAMES_MAX, names), trials = comparison_trials(c);

	buffer_printf(out,
		"<details><summary>Mean by problem @%zu, %u worker%s</summary>\n\n"
		"| problem | regret of random search ",
		trials, c->plan.workers[0], c->plan.workers[0] == 1 ? "" : "s");
	for (size_t k = 0; k < c->plan.n_contenders; k++)
		buffer_printf(out, "| %s ", c->plan.contenders[k].label);
	buffer_add_text(out, "|\n|---|---");
	for (size_t k = 0; k < c->plan.n_contenders; k++)
		buffer_add_text(out, "|---");
	buffer_add_text(out, "|\n");
	for (size_t i = 0; i < n; i++) {
		buffer_printf(out, "| %s | %.3g ", names[i], random_regret(c, suite, names[i]));
		for (size_t k = 0; k < c->plan.n_contenders; k++) {
			size_t found = comparison_obstacle(c, suite, 0, k)
					       ? 0
					       : comparison_regrets(c, suite, names[i], 0, k,
							 trials, trials, regrets);
			buffer_add_text(out, "| ");
			write_number(out, stat_mean(found, regrets));
			buffer_add_char(out, ' ');
		}
		buffer_add_text(out, "|\n");
	}
	buffer_add_text(out, "\n</details>\n\n");
}

static void write_suite(const struct comparison *c, const char *suite, const char *plots,
	double *regrets, struct buffer *out)
{
	size_t problems = 0;

	write_title(suite, out);
	for (size_t p = 0; p < c->plan.suite->n; p++)
		problems += strcmp(c->plan.suite->problems[p]->suite, suite) == 0;
	buffer_printf(out, "`%s`: %zu problems (function and instance), %u seeds each.\n\n", suite,
		problems, c->plan.seeds);
	write_table(c, suite, 0, out);
	if (plots)
		buffer_printf(out, "![Best so far on %s](%s/%s.svg)\n\n", suite, plots, suite);
	if (c->plan.n_workers > 1)
		write_workers(c, suite, out);
	report_reference(suite, out);
	write_problems(c, suite, regrets, out);
}

void report_markdown(
	const struct comparison *c, const char *command, const char *plots, struct buffer *out)
{
	const char *suites[NAMES_MAX];
	size_t n = comparison_names(c, NULL, NAMES_MAX, suites);
	double *regrets = calloc(c->plan.suite->n * c->plan.seeds + 1, sizeof(*regrets));

	if (!regrets) {
		out->failed = true;
		return;
	}
	buffer_printf(out,
		"## Search quality\n\n"
		"Written by `%s`. Every figure follows from the sources and the seeds, but the CPU "
		"times.\n\n"
		"A figure is the regret relative to random search with as many trials on the same "
		"problem: (best - optimum) / (mean best of %u random runs - optimum). 1 is random "
		"search, 0 the optimum. Mean and geometric mean are over all problems and seeds "
		"(the "
		"latter takes nothing below 1e-12, so it falls steeply where optima are found "
		"exactly); \"found\" is the share of runs that found the optimum; the rank is "
		"among "
		"the tuners of the table, run by run; p is Wilcoxon's signed-rank test of the "
		"paired "
		"logarithms against the first tuner (runs of one function are not independent: "
		"read "
		"it with caution). A run is read at each budget on its way to the last. With "
		"several "
		"workers, a virtual clock hands out trials of random durations (log-normal, sigma "
		"1/2) and a tuner sees the others' trials pending. The plots show the median of "
		"the "
		"best so far and the quartiles, relative to random search with all trials.\n",
		command, c->plan.baseline);
	if (*c->plan.suite->skipped)
		buffer_printf(out, "\nNot measured: %s.\n", c->plan.suite->skipped);
	for (size_t i = 0; i < n; i++)
		write_suite(c, suites[i], plots, regrets, out);
	free(regrets);
}
