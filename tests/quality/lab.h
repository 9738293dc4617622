/*
 * An experiment in memory for quality tests and benchmarks: a view whose trials are put in place
 * directly, without events or JSON, so that a hundred runs of a hundred trials cost what the tuner
 * costs. Everything is static: a test takes what it needs.
 *
 * Only what tuners and assessors read of a view is kept up: the spec, trials, finished, seen.
 */
#ifndef TESTS_QUALITY_LAB_H
#define TESTS_QUALITY_LAB_H

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "algorithms/assessors/assessor.h"
#include "algorithms/tuners/tuner.h"

#define LAB_UNUSED __attribute__((unused)) static

struct lab {
	struct arena arena, scratch;
	struct objective objective;
	struct spec spec;
	struct view view;
	struct catalog catalog;
	struct model model; /* what the tuner has learnt, if it learns */
	struct buffer model_bytes;
	struct workspace workspace;
};

/* options: "n_startup=5 variant=parity", separated by blanks, or NULL. */
static void lab_options(struct option_set *set, const struct option *table, const char *options)
{
	char text[512];
	options_init(set, table);
	snprintf(text, sizeof(text), "%s", options ? options : "");
	char *rest = text, *word;
	while ((word = strsep(&rest, " ")) != NULL) {
		char *value = strchr(word, '=');
		if (!value)
			continue;
		*value++ = '\0';
		size_t i = 0;
		while (i < set->n && strcmp(table[i].name, word) != 0)
			i++;
		assert(i < set->n);
		struct option_value *out = &set->values[i];
		if (table[i].type == OPTION_BOOL)
			out->flag = strcmp(value, "true") == 0;
		else if (table[i].type == OPTION_CHOICE)
			for (unsigned c = 0; c < 16; c++) {
				out->choice = c;
				if (option_is(set, word, value))
					break;
			}
		else
			out->real = strtod(value, NULL);
		if (table[i].type == OPTION_INT)
			out->integer = (int64_t)out->real;
	}
}

static void lab_init(struct lab *lab, const char *space, const struct tuner *tuner,
	const char *options, uint64_t seed, bool maximize)
{
	static struct faults faults;
	struct error err = { 0 };

	*lab = (struct lab){ .objective = { "default", maximize },
		.catalog = { tuner_algorithms, assessor_algorithms } };
	arena_init(&lab->arena, 0);
	arena_init(&lab->scratch, 0);
	buffer_init(&lab->model_bytes, LIMIT_MODEL);
	view_init(&lab->view, &lab->catalog);
	faults_init(&faults);
	if (space_parse(space, NULL, NULL, &lab->arena, &lab->spec.space, &faults, &err) != 0) {
		fprintf(stderr, "space: %s %s\n", err.message,
			faults.n ? faults.items[0].message : "");
		abort();
	}
	lab->spec.n_objectives = 1;
	lab->spec.objectives = &lab->objective;
	lab->spec.tuner = &tuner->algorithm;
	lab->spec.seed = seed;
	lab_options(&lab->spec.tuner_options, tuner->algorithm.options, options);
	lab->view.spec = &lab->spec;
	lab->view.needs_metrics = true;
}

LAB_UNUSED void lab_assess(struct lab *lab, const struct assessor *assessor, const char *options)
{
	lab->spec.assessor = &assessor->algorithm;
	lab_options(&lab->spec.assessor_options, assessor->algorithm.options, options);
}

static void lab_release(struct lab *lab)
{
	for (size_t i = 0; i < lab->view.n_trials; i++)
		free(lab->view.trials[i].reports);
	free(lab->view.trials);
	free(lab->view.finished);
	lab->view.trials = NULL;
	lab->view.finished = NULL;
	lab->view.n_trials = lab->view.room_trials = 0;
	lab->view.n_finished = lab->view.room_finished = 0;
	lab->view.spec = NULL;
	view_release(&lab->view);
	workspace_clear(&lab->workspace);
	buffer_release(&lab->model_bytes);
	arena_release(&lab->arena);
	arena_release(&lab->scratch);
}

/* A running trial at x; answers its number. */
static int64_t lab_place(struct lab *lab, const double *x)
{
	struct view *view = &lab->view;
	size_t n = lab->spec.space->n;
	if (view->n_trials == view->room_trials) {
		view->room_trials = view->room_trials ? 2 * view->room_trials : 64;
		view->trials = realloc(view->trials, view->room_trials * sizeof(*view->trials));
		assert(view->trials);
	}
	struct trial *trial = &view->trials[view->n_trials];
	*trial = (struct trial){ .number = (int64_t)view->n_trials++,
		.state = TRIAL_RUNNING,
		.attempt = 1,
		.x = arena_copy(&lab->arena, x, n * sizeof(*x)),
		.loss = (double)NAN,
		.last_step = -1,
		.last_value = (double)NAN,
		.reports_loaded = true,
		.parent = -1,
		.resource = (double)NAN };
	assert(trial->x);
	space_key(lab->spec.space, x, &trial->key);
	int code = key_set_add(&view->seen, &trial->key);
	assert(code == 0);
	(void)code;
	view->counts.by_state[TRIAL_RUNNING]++;
	return trial->number;
}

/* On the processor, for as long as the program runs. */
LAB_UNUSED struct compute *lab_compute(void)
{
	static struct compute *compute;
	struct error err = { 0 };
	int code = compute ? 0 : compute_open("cpu", NULL, &compute, &err);
	assert(code == 0);
	(void)code;
	return compute;
}

/* Learns what is due, asks and places; -1 when the tuner has nothing (more) to say. */
LAB_UNUSED int64_t lab_suggest(struct lab *lab)
{
	struct error err = { 0 };
	arena_reset(&lab->scratch);
	struct proposal proposal = { .parent = -1 };
	proposal.x = arena_array(&lab->scratch, lab->spec.space->n, sizeof(double));
	for (size_t i = 0; i < lab->spec.space->n; i++)
		proposal.x[i] = (double)NAN;
	struct knowledge know = { .view = &lab->view,
		.model = &lab->model,
		.compute = lab_compute(),
		.workspace = &lab->workspace };
	if (tuner_learn(&lab->view, know.compute, &lab->model, &lab->model_bytes, &err) != 0 ||
		tuner_ask(&know, &lab->scratch, &proposal, &err) != 0)
		return -1;
	int64_t number = lab_place(lab, proposal.x);
	lab->view.trials[number].tag =
		(struct bytes){ arena_copy(&lab->arena, proposal.tag.data, proposal.tag.size),
			proposal.tag.size };
	return number;
}

static void lab_end(struct lab *lab, int64_t number, enum trial_state state)
{
	struct view *view = &lab->view;
	struct trial *trial = &view->trials[number];
	if (view->n_finished == view->room_finished) {
		view->room_finished = view->room_finished ? 2 * view->room_finished : 64;
		view->finished =
			realloc(view->finished, view->room_finished * sizeof(*view->finished));
		assert(view->finished);
	}
	view->finished[view->n_finished++] = (uint32_t)number;
	view->counts.by_state[trial->state]--;
	view->counts.by_state[state]++;
	trial->state = state;
	trial->ended_version = view->n_finished;
}

LAB_UNUSED void lab_observe(struct lab *lab, int64_t number, double value)
{
	struct trial *trial = &lab->view.trials[number];
	trial->values = arena_copy(&lab->arena, &value, sizeof(value));
	trial->loss = objective_loss(&lab->objective, value);
	lab_end(lab, number, TRIAL_SUCCEEDED);
}

LAB_UNUSED void lab_report(struct lab *lab, int64_t number, int64_t step, double value)
{
	struct trial *trial = &lab->view.trials[number];
	if (trial->n_reports == trial->room_reports) {
		trial->room_reports = trial->room_reports ? 2 * trial->room_reports : 16;
		trial->reports =
			realloc(trial->reports, trial->room_reports * sizeof(*trial->reports));
		assert(trial->reports);
	}
	trial->reports[trial->n_reports++] =
		(struct report){ .step = step, .value = value, .attempt = 1 };
	trial->last_step = step;
	trial->last_value = value;
}

/* What the assessor says after the trial's last report. */
LAB_UNUSED enum verdict lab_judge(struct lab *lab, int64_t number, char *reason, size_t size)
{
	struct error err = { 0 };
	enum verdict verdict = VERDICT_CONTINUE;
	struct rng rng;
	arena_reset(&lab->scratch);
	rng_init(&rng, lab->spec.seed, RNG_ASSESS, (uint64_t)number);
	int code = assessor_of(lab->spec.assessor)
			   ->judge(&lab->view, &lab->view.trials[number], &rng, &lab->scratch,
				   &verdict, reason, size, &err);
	assert(code == 0);
	(void)code;
	return verdict;
}

/* The value of an address in a point. */
LAB_UNUSED double lab_value(const struct lab *lab, const double *x, const char *address)
{
	int at = space_find(lab->spec.space, address);
	assert(at >= 0);
	return x[at];
}

LAB_UNUSED double lab_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
