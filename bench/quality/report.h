/* What a comparison is written as: JSON, Markdown, plots. */
#ifndef BENCH_QUALITY_REPORT_H
#define BENCH_QUALITY_REPORT_H

#include "bench/quality/comparison.h"
#include "core/buffer.h"
#include "core/error.h"

/* {"command", "scores": one a suite, number of workers, budget and contender, with the p against
 * each other one, "runs": the best values at the budgets}. No member depends on the machine but
 * ask_us. */
void report_json(const struct comparison *comparison, const char *command, struct buffer *out);

/* The tables, those by budget with the first number of workers; command is quoted in it. plots:
 * the directory of the plots (SUITE.svg) as seen from the file; NULL: no plots. */
void report_markdown(const struct comparison *comparison, const char *command, const char *plots,
	struct buffer *out);

/* The median of the best so far and the band between the quartiles, trial by trial, as SVG: regret
 * relative to that of random search with all trials. */
void report_plot(
	const struct comparison *comparison, const char *suite, size_t workers, struct buffer *out);

/* Figures of other systems for that suite, as a Markdown table; nothing if there are none. */
void report_reference(const char *suite, struct buffer *out);

/* Replaces what stands in path between the lines "<!-- quality:begin -->" and
 * "<!-- quality:end -->", or makes a new file of it. */
int report_insert(const char *path, const char *text, struct error *err);

/* Writes a whole file. */
int report_save(const char *path, const char *text, size_t size, struct error *err);

#endif
