/*
 * Real learning curves: 486 networks on CIFAR-10, the validation accuracy after each of 50 epochs.
 * They are read from the data directory beside the source tree; a test is skipped where that is not
 * there.
 */
#ifndef TESTS_QUALITY_CURVES_H
#define TESTS_QUALITY_CURVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURVES_FILE "../shared/data/curves-resnet-cifar10.csv.gz"
#define CURVES	    486
#define EPOCHS	    50

static double curves[CURVES][EPOCHS];

/* "num_params,lr,acc_0,...": the accuracies of a line; not of the titles. */
static inline bool curve_parse(const char *line, double *curve)
{
	const char *at = strchr(line, ',');
	size_t epoch = 0;

	at = at ? strchr(at + 1, ',') : NULL;
	while (at && epoch < EPOCHS) {
		char *end;
		curve[epoch] = strtod(at + 1, &end);
		if (end == at + 1)
			return false;
		epoch++;
		at = *end == ',' ? end : NULL;
	}
	return epoch == EPOCHS;
}

/* Into curves; false: they are not here. */
static inline bool curves_read(void)
{
	static char line[4096];
	FILE *file = popen("gzip -dc " CURVES_FILE " 2>/dev/null", "r");
	size_t n = 0;

	if (!file)
		return false;
	while (n < CURVES && fgets(line, sizeof(line), file))
		n += curve_parse(line, curves[n]);
	pclose(file);
	return n == CURVES;
}

#endif
