#include <math.h>

#include "bench/quality/report.h"
#include "core/json.h"

#define NAMES_MAX 64

static void member(struct buffer *out, const char *name, double x)
{
	buffer_printf(out, ",\"%s\":", name);
	if (isfinite(x))
		json_write_number(out, x, true);
	else
		buffer_add_text(out, "null");
}

static void text_member(struct buffer *out, const char *name, const char *text)
{
	buffer_printf(out, ",\"%s\":", name);
	json_write_string(out, text);
}

static void write_score(const struct comparison *c, const char *suite, size_t w, size_t k,
	size_t trials, struct buffer *out)
{
	struct score score;

	if (!comparison_score(c, suite, w, k, trials, &score)) {
		out->failed = true;
		return;
	}
	buffer_add_text(out, "{\"suite\":");
	json_write_string(out, suite);
	text_member(out, "tuner", c->plan.contenders[k].label);
	member(out, "workers", c->plan.workers[w]);
	member(out, "budget", (double)trials);
	member(out, "runs", (double)score.n);
	member(out, "mean", score.mean);
	member(out, "geometric_mean", score.geometric);
	member(out, "found", score.found);
	member(out, "rank", score.rank);
	member(out, "ask_us", score.ask_us);
	if (score.why)
		text_member(out, "cannot", score.why);
	buffer_add_text(out, ",\"p\":{");
	for (size_t other = 0; other < c->plan.n_contenders; other++) {
		double p = other == k ? 1 : comparison_p(c, suite, w, k, other, trials);
		buffer_add_text(out, other ? "," : "");
		json_write_string(out, c->plan.contenders[other].label);
		buffer_add_char(out, ':');
		if (isfinite(p))
			json_write_number(out, p, true);
		else
			buffer_add_text(out, "null");
	}
	buffer_add_text(out, "}}");
}

static void write_run(const struct comparison *c, const struct run *run, struct buffer *out)
{
	buffer_add_text(out, "{\"suite\":");
	json_write_string(out, run->problem->suite);
	text_member(out, "problem", run->problem->name);
	member(out, "instance", run->problem->instance);
	text_member(out, "tuner", run->contender->label);
	member(out, "workers", run->workers);
	member(out, "seed", (double)run->seed);
	member(out, "optimum", run->problem->optimum);
	buffer_add_text(out, ",\"best\":[");
	for (size_t b = 0; b < c->plan.n_budgets && run->code == 0; b++) {
		buffer_add_text(out, b ? "," : "");
		json_write_number(out, run->best[c->plan.budgets[b] - 1], false);
	}
	buffer_add_text(out, "]}");
}

void report_json(const struct comparison *c, const char *command, struct buffer *out)
{
	const char *suites[NAMES_MAX], *comma = "";
	size_t n = comparison_names(c, NULL, NAMES_MAX, suites);

	buffer_add_text(out, "{\"command\":");
	json_write_string(out, command);
	buffer_add_text(out, ",\"scores\":[");
	for (size_t i = 0; i < n; i++)
		for (size_t w = 0; w < c->plan.n_workers; w++)
			for (size_t b = 0; b < c->plan.n_budgets; b++)
				for (size_t k = 0; k < c->plan.n_contenders; k++, comma = ",") {
					buffer_printf(out, "%s\n", comma);
					write_score(c, suites[i], w, k, c->plan.budgets[b], out);
				}
	buffer_add_text(out, "],\"runs\":[");
	for (size_t i = 0; i < c->n_runs; i++) {
		buffer_add_text(out, i ? ",\n" : "\n");
		write_run(c, &c->runs[i], out);
	}
	buffer_add_text(out, "]}\n");
}
