/*
 * A whole optimisation in C: creates an experiment, minimises the Branin function with 40 trials of
 *TPE and prints the best. Build against an installed libcairn with cc branin.c $(pkg-config
 *--cflags --libs cairn) -lm and run it while cairnd is up (CAIRN_URL says where).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cairn.h"

static const char experiment_json[] =
	"{\"name\":\"branin\","
	"\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[-5,10]},"
	"\"y\":{\"_type\":\"uniform\",\"_value\":[0,15]}},"
	"\"objectives\":[{\"name\":\"value\",\"goal\":\"minimize\"}],"
	"\"tuner\":{\"name\":\"tpe\",\"seed\":1},"
	"\"limits\":{\"max_trials\":40}}";

/* Minimum 0.397887, at (-pi, 12.275), (pi, 2.275) and (9.42478, 2.475). */
static double branin(double x, double y)
{
	const double pi = 3.14159265358979323846;
	double a = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
	return a * a + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10;
}

int main(void)
{
	struct cairn *cairn;
	struct cairn_trial *trial;
	struct cairn_error error;
	char id[32];
	double best = HUGE_VAL, at[2] = { 0, 0 };

	if (cairn_open(NULL, &cairn, &error) ||
		cairn_create(cairn, experiment_json, id, sizeof(id), &error)) {
		fprintf(stderr, "%s\n", error.detail);
		return EXIT_FAILURE;
	}
	int rc;
	while ((rc = cairn_suggest(cairn, id, NULL, &trial, &error)) == CAIRN_OK) {
		double x = cairn_trial_real(trial, "x", 0), y = cairn_trial_real(trial, "y", 0);
		double value = branin(x, y);
		if (cairn_final(trial, value, &error))
			fprintf(stderr, "trial %lld: %s\n", (long long)cairn_trial_number(trial),
				error.detail);
		if (value < best) {
			best = value;
			at[0] = x;
			at[1] = y;
		}
		cairn_trial_free(trial);
	}
	if (rc != CAIRN_DONE)
		fprintf(stderr, "%s\n", error.detail);
	else
		printf("%s: best %.6f at (%.4f, %.4f)\n", id, best, at[0], at[1]);
	cairn_close(cairn);
	return rc == CAIRN_DONE ? EXIT_SUCCESS : EXIT_FAILURE;
}
