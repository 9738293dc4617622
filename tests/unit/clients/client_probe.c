/*
 * libcairn in the hands of a test: client_probe WHAT EXPERIMENT [ARGUMENTS]. It prints what
 * happened, a line an event, and ends with 0 when libcairn kept its word.
 */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cairn.h"

#define THREADS 8

static struct cairn *cairn;
static const char *experiment;

static int complain(const char *what, const struct cairn_error *error)
{
	fprintf(stderr, "%s: code %d, status %d: %s\n", what, (int)error->code, error->status,
		error->detail);
	return EXIT_FAILURE;
}

/* ---- threads: one client, eight workers ---- */

static void *work(void *context)
{
	struct cairn_trial *trial;
	struct cairn_error error;
	int *failures = context, rc;

	while ((rc = cairn_suggest(cairn, experiment, NULL, &trial, &error)) == CAIRN_OK) {
		double x = cairn_trial_real(trial, "x", NAN);
		for (int step = 0; step < 2; step++) {
			if (cairn_report(trial, step, x + step, &error))
				*failures += complain("report", &error);
		}
		if (cairn_final(trial, x, &error))
			*failures += complain("final", &error);
		printf("trial %" PRId64 "\n", cairn_trial_number(trial));
		cairn_trial_free(trial);
	}
	if (rc != CAIRN_DONE)
		*failures += complain("suggest", &error);
	return NULL;
}

static int run_threads(char **arguments)
{
	pthread_t threads[THREADS];
	int failures[THREADS] = { 0 }, all = 0;

	(void)arguments;
	for (size_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, work, &failures[i]))
			return EXIT_FAILURE;
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += failures[i];
	}
	return all;
}

/* ---- one trial ---- */

static int take(int64_t lease_ms, struct cairn_trial **trial)
{
	struct cairn_suggest_options options = { .lease_ms = lease_ms };
	struct cairn_error error;
	if (cairn_suggest(cairn, experiment, &options, trial, &error))
		return complain("suggest", &error);
	printf("trial %" PRId64 " attempt %" PRId64 "\n", cairn_trial_number(*trial),
		cairn_trial_attempt(*trial));
	fflush(stdout);
	return EXIT_SUCCESS;
}

/* hold LEASE_MS: silent, but for a line of standard input it says whether the trial shall stop; at
 * the end of standard input it reports 0.5, unless it shall. */
static int run_hold(char **arguments)
{
	struct cairn_trial *trial;
	struct cairn_error error;
	int c, rc = CAIRN_OK;

	if (take(strtoll(arguments[0], NULL, 10), &trial))
		return EXIT_FAILURE;
	while ((c = getchar()) != EOF) {
		if (c == '\n')
			puts(cairn_trial_stopped(trial) ? "stopped" : "running");
		fflush(stdout);
	}
	if (!cairn_trial_stopped(trial))
		rc = cairn_final(trial, 0.5, &error);
	if (rc)
		complain("final", &error);
	cairn_trial_free(trial);
	return rc;
}

/* give-up: a trial without a result. */
static int run_give_up(char **arguments)
{
	struct cairn_trial *trial;
	(void)arguments;
	if (take(0, &trial))
		return EXIT_FAILURE;
	cairn_trial_free(trial);
	return EXIT_SUCCESS;
}

/* climb: trains trials of a multi-fidelity tuner as far as it says, on the loss x + 1 / step, until
 * there are no more. Says of each its number, resource and start, and whose state it goes on from
 * if that is not its own. */
static int run_climb(char **arguments)
{
	struct cairn_trial *trial;
	struct cairn_error error;
	int rc;

	(void)arguments;
	while ((rc = cairn_suggest(cairn, experiment, NULL, &trial, &error)) == CAIRN_OK) {
		double x = cairn_trial_real(trial, "x", 0);
		int64_t resource = cairn_trial_resource(trial), step = cairn_trial_start(trial);
		int64_t number = cairn_trial_number(trial), source = cairn_trial_source(trial);
		printf("%" PRId64 " %" PRId64 " %" PRId64, number, resource, step);
		if (source >= 0 && source != number)
			printf(" from %" PRId64, source);
		putchar('\n');
		while (rc == CAIRN_OK && step++ < resource)
			rc = cairn_report(trial, step, x + 1 / (double)step, &error);
		if (rc == CAIRN_OK)
			rc = cairn_final(trial, x + 1 / (double)resource, &error);
		cairn_trial_free(trial);
		if (rc != CAIRN_OK && rc != CAIRN_STOP)
			break;
	}
	return rc == CAIRN_DONE ? EXIT_SUCCESS : complain("climb", &error);
}

/* report VALUE: the same value step after step until the server wants no more. */
static int run_report(char **arguments)
{
	double value = strtod(arguments[0], NULL);
	struct cairn_trial *trial;
	struct cairn_error error;
	int rc = CAIRN_OK, step = 0;

	if (take(0, &trial))
		return EXIT_FAILURE;
	for (; step < 20 && rc == CAIRN_OK; step++)
		rc = cairn_report(trial, step, value, &error);
	printf("%s after %d\n", rc == CAIRN_STOP ? "stop" : "go on", step);
	if (rc == CAIRN_OK)
		rc = cairn_final(trial, value, &error);
	cairn_trial_free(trial);
	return rc == CAIRN_OK || rc == CAIRN_STOP ? EXIT_SUCCESS : complain("report", &error);
}

/* show ADDRESS...: the parameters of a trial, each by all accessors; then it fails, with a message
 * that is no UTF-8. */
static int run_show(char **arguments)
{
	struct cairn_trial *trial;
	struct cairn_error error;

	if (take(0, &trial))
		return EXIT_FAILURE;
	puts(cairn_trial_parameters(trial));
	for (; *arguments; arguments++)
		printf("%s %.17g %" PRId64 " %d %s\n", *arguments,
			cairn_trial_real(trial, *arguments, -1),
			cairn_trial_int(trial, *arguments, -1),
			cairn_trial_bool(trial, *arguments, false),
			cairn_trial_text(trial, *arguments, "-"));
	int rc = cairn_fail(trial, "it \"broke\"\n\xff", &error);
	if (rc)
		complain("fail", &error);
	cairn_trial_free(trial);
	return rc;
}

/* observe NAME VALUE...: several metrics as the final. */
static int run_observe(char **arguments)
{
	struct cairn_value values[8];
	struct cairn_trial *trial;
	struct cairn_error error;
	size_t n = 0;

	if (take(0, &trial))
		return EXIT_FAILURE;
	for (; n < 8 && arguments[0]; arguments += 2, n++)
		values[n] = (struct cairn_value){ arguments[0], strtod(arguments[1], NULL) };
	int rc = cairn_observe(trial, -1, values, n, &error);
	printf("code %d\n", rc);
	if (rc)
		complain("observe", &error);
	cairn_trial_free(trial);
	return EXIT_SUCCESS;
}

/* fork: the child's attempts are refused and harm nothing. */
static int run_fork(char **arguments)
{
	struct cairn_trial *trial;
	struct cairn_error error;
	int status;

	(void)arguments;
	if (take(0, &trial))
		return EXIT_FAILURE;
	pid_t child = fork();
	if (child == 0) {
		bool refused = cairn_final(trial, 7, &error) == CAIRN_BAD_ARGUMENT;
		cairn_trial_free(trial);
		cairn_close(cairn);
		_exit(refused ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	waitpid(child, &status, 0);
	int rc = cairn_final(trial, 0.25, &error);
	if (rc)
		complain("final", &error);
	cairn_trial_free(trial);
	return rc || status;
}

/* patience MS: asks that long; prints the code. */
static int run_patience(char **arguments)
{
	struct cairn_suggest_options options = { .patience_ms = strtoll(arguments[0], NULL, 10) };
	struct cairn_trial *trial;
	struct cairn_error error;
	int rc = cairn_suggest(cairn, experiment, &options, &trial, &error);

	printf("code %d %s\n", rc, rc == CAIRN_OK ? "" : error.detail);
	if (rc == CAIRN_OK)
		cairn_trial_free(trial);
	return EXIT_SUCCESS;
}

/* refused: calls that must not even reach a server. */
static int run_refused(char **arguments)
{
	struct cairn_options line_break = { .token = "a\nX-Evil: 1" },
			     far = { .url = "http://a b" };
	struct cairn *other;
	struct cairn_trial *trial;
	struct cairn_error error;
	char id[8];

	(void)arguments;
	if (cairn_open(&line_break, &other, &error) != CAIRN_BAD_ARGUMENT ||
		cairn_open(&far, &other, NULL) != CAIRN_BAD_ARGUMENT ||
		cairn_suggest(cairn, "a/../b", NULL, &trial, &error) != CAIRN_BAD_ARGUMENT ||
		cairn_suggest(cairn, "", NULL, &trial, NULL) != CAIRN_BAD_ARGUMENT ||
		cairn_create(cairn, "{}", id, sizeof(id), &error) != CAIRN_BAD_ARGUMENT)
		return EXIT_FAILURE;
	cairn_trial_free(NULL);
	cairn_close(NULL);
	return EXIT_SUCCESS;
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(char **arguments);
} probes[] = {
	{ "threads", 0, run_threads },
	{ "hold", 1, run_hold },
	{ "give-up", 0, run_give_up },
	{ "report", 1, run_report },
	{ "climb", 0, run_climb },
	{ "show", 0, run_show },
	{ "observe", 2, run_observe },
	{ "fork", 0, run_fork },
	{ "patience", 1, run_patience },
	{ "refused", 0, run_refused },
};

int main(int argc, char **argv)
{
	struct cairn_error error;

	for (size_t i = 0; argc > 2 && i < sizeof(probes) / sizeof(*probes); i++) {
		if (strcmp(argv[1], probes[i].name) != 0 || argc < 3 + probes[i].arguments)
			continue;
		if (cairn_open(NULL, &cairn, &error))
			return complain("open", &error);
		experiment = argv[2];
		int rc = probes[i].run(argv + 3);
		cairn_close(cairn);
		return rc;
	}
	fprintf(stderr, "usage: client_probe WHAT EXPERIMENT [ARGUMENTS]\n");
	return 2;
}
