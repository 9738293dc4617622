/*
 * bench_quality: how good the tuners are, in one process. See --help; docs/benchmarks.md is its
 * work.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/quality/comparison.h"
#include "bench/quality/report.h"

#define SEEDS_MAX  1000
#define TRIALS_MAX 100000
#define OUTPUT_MAX (256u << 20)
#define PATH_SIZE  4096

static const char help[] =
	"bench_quality [OPTIONS]: regret of tuners relative to random search\n"
	"  --suite LIST      bbob2 ... bbob40, classic, mixed, conditional, tabular, book\n"
	"                    (bbob5,classic,mixed,conditional,tabular,book)\n"
	"  --tuners LIST     NAME[:OPTION=VALUE]...; p is against the first\n"
	"                    (tpe,evolution,anneal,sobol,random)\n"
	"  --budget LIST     numbers of trials (50,100,200)\n"
	"  --workers LIST    numbers of workers (1)\n"
	"  --seeds N         runs of a tuner on a problem (5)\n"
	"  --instances N     instances of a function (3)\n"
	"  --baseline N      random runs of the yardstick, a problem (40)\n"
	"  --threads N       (all processors)\n"
	"  --json FILE       scores and every run's best values\n"
	"  --markdown FILE   tables, between the file's quality markers\n"
	"  --svg DIR         a plot for each suite, with the first number of workers\n"
	"CAIRN_DATA: the directory of the tables (shared/data beside the source tree)\n";

struct settings {
	struct arena arena;
	char *suites, *tuners, *budgets, *workers;
	unsigned seeds, instances, baseline, threads;
	const char *json, *markdown, *svg;
	size_t n_contenders, n_budgets, n_workers;
	struct contender contender_list[COMPARISON_MAX];
	size_t budget_list[COMPARISON_MAX];
	unsigned worker_list[COMPARISON_MAX];
	struct suite suite;
	struct buffer command;
};

static _Noreturn void die(const char *message)
{
	(void)fprintf(stderr, "bench_quality: %s\n", message);
	exit(2);
}

static unsigned long read_count(const char *text, unsigned long most)
{
	char *end, message[128];
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < 1 || n > most) {
		(void)snprintf(message, sizeof(message), "\"%.40s\" is not a number from 1 to %lu",
			text, most);
		die(message);
	}
	return n;
}

/* Cuts a list at its commas; answers how many items there are. */
static size_t split(char *text, char **items)
{
	size_t n = 0;
	char *item;

	while ((item = strsep(&text, ",")) != NULL) {
		if (n == COMPARISON_MAX)
			die("a list is too long");
		items[n++] = item;
	}
	return n;
}

static int compare_sizes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

static void read_lists(struct settings *s)
{
	char *items[COMPARISON_MAX] = { NULL };
	struct error err;
	size_t n = split(s->suites, items);

	suite_init(&s->suite);
	for (size_t i = 0; i < n; i++)
		if (suite_add(&s->suite, items[i], s->instances, &err) != 0)
			die(err.message);
	if (s->suite.n == 0)
		die(*s->suite.skipped ? s->suite.skipped : "no problems");
	s->n_contenders = split(s->tuners, items);
	for (size_t i = 0; i < s->n_contenders; i++)
		if (contender_parse(items[i], &s->arena, &s->contender_list[i], &err) != 0)
			die(err.message);
	s->n_budgets = split(s->budgets, items);
	for (size_t i = 0; i < s->n_budgets; i++)
		s->budget_list[i] = read_count(items[i], TRIALS_MAX);
	qsort(s->budget_list, s->n_budgets, sizeof(s->budget_list[0]), compare_sizes);
	s->n_workers = split(s->workers, items);
	for (size_t i = 0; i < s->n_workers; i++)
		s->worker_list[i] = (unsigned)read_count(items[i], RUN_WORKERS_MAX);
}

static void set_option(struct settings *s, int option, char *value)
{
	char **lists[] = { &s->suites, &s->tuners, &s->budgets, &s->workers };
	unsigned *counts[] = { &s->seeds, &s->instances, &s->baseline, &s->threads };
	const char **files[] = { &s->json, &s->markdown, &s->svg };

	if (option < 4)
		*lists[option] = arena_strdup(&s->arena, value);
	else if (option < 8)
		*counts[option - 4] = (unsigned)read_count(value, SEEDS_MAX);
	else
		*files[option - 8] = value;
}

static void read_options(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = { { "suite", required_argument, NULL, 0 },
		{ "tuners", required_argument, NULL, 1 }, { "budget", required_argument, NULL, 2 },
		{ "workers", required_argument, NULL, 3 }, { "seeds", required_argument, NULL, 4 },
		{ "instances", required_argument, NULL, 5 },
		{ "baseline", required_argument, NULL, 6 },
		{ "threads", required_argument, NULL, 7 }, { "json", required_argument, NULL, 8 },
		{ "markdown", required_argument, NULL, 9 }, { "svg", required_argument, NULL, 10 },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	buffer_init(&s->command, OUTPUT_MAX);
	buffer_add_text(&s->command, "bench_quality");
	for (int i = 1; i < argc; i++)
		buffer_printf(&s->command, " %s", argv[i]);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(help, stdout);
			exit(0);
		}
		if (option == '?')
			exit(2);
		set_option(s, option, optarg);
	}
	if (optind < argc)
		die("there are only options; see --help");
	if (s->baseline < 20)
		die("the yardstick needs at least 20 random runs");
	if (!s->suites || !s->tuners || !s->budgets || !s->workers)
		die("no memory");
}

static void show_progress(size_t done, size_t n)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%zu of %zu runs%s", done, n, done == n ? "\n" : "");
}

static void save(const char *path, const struct buffer *text)
{
	struct error err;

	if (text->failed)
		die("the output is too large");
	if (report_save(path, text->data, text->size, &err) != 0)
		die(err.message);
}

static void save_plots(const struct settings *s, const struct comparison *c)
{
	const char *suites[COMPARISON_MAX];
	size_t n = comparison_names(c, NULL, COMPARISON_MAX, suites);
	char path[PATH_SIZE];
	struct buffer text;

	(void)mkdir(s->svg, 0777); /* if it cannot be written to, the first file says so */
	buffer_init(&text, OUTPUT_MAX);
	for (size_t i = 0; i < n; i++) {
		buffer_clear(&text);
		report_plot(c, suites[i], 0, &text);
		(void)snprintf(path, sizeof(path), "%s/%s.svg", s->svg, suites[i]);
		save(path, &text);
	}
	buffer_release(&text);
}

/* The plots' directory as seen from the Markdown file. */
static const char *plots_from(const struct settings *s)
{
	const char *slash = s->markdown ? strrchr(s->markdown, '/') : NULL;
	size_t base = slash ? (size_t)(slash - s->markdown) + 1 : 0;

	if (s->svg && base && strncmp(s->svg, s->markdown, base) == 0)
		return s->svg + base;
	return s->svg;
}

static void save_all(const struct settings *s, const struct comparison *c)
{
	struct buffer text;
	struct error err;

	buffer_init(&text, OUTPUT_MAX);
	if (s->json) {
		report_json(c, buffer_text(&s->command), &text);
		save(s->json, &text);
		buffer_clear(&text);
	}
	report_markdown(c, buffer_text(&s->command), plots_from(s), &text);
	if (text.failed)
		die("no memory for the tables");
	if (!s->markdown)
		(void)fputs(buffer_text(&text), stdout);
	else if (report_insert(s->markdown, buffer_text(&text), &err) != 0)
		die(err.message);
	if (s->svg)
		save_plots(s, c);
	buffer_release(&text);
}

int main(int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct settings s = { .seeds = 5,
		.instances = 3,
		.baseline = 40,
		.threads = processors > 0 ? (unsigned)processors : 1 };
	struct comparison comparison;
	struct error err;

	arena_init(&s.arena, 0);
	s.suites = arena_strdup(&s.arena, "bbob5,classic,mixed,conditional,tabular,book");
	s.tuners = arena_strdup(&s.arena, "tpe,evolution,anneal,sobol,random");
	s.budgets = arena_strdup(&s.arena, "50,100,200");
	s.workers = arena_strdup(&s.arena, "1");
	read_options(&s, argc, argv);
	read_lists(&s);
	struct plan plan = { .suite = &s.suite,
		.n_contenders = s.n_contenders,
		.contenders = s.contender_list,
		.n_workers = s.n_workers,
		.workers = s.worker_list,
		.n_budgets = s.n_budgets,
		.budgets = s.budget_list,
		.seeds = s.seeds,
		.baseline = s.baseline,
		.threads = s.threads };
	if (comparison_run(&comparison, &plan, show_progress, &err) != 0)
		die(err.message);
	save_all(&s, &comparison);
	comparison_release(&comparison);
	suite_release(&s.suite);
	buffer_release(&s.command);
	arena_release(&s.arena);
	return 0;
}
