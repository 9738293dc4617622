/*
 * Figures of Optuna for the same measure, taken once with Optuna itself (its development version
 * before 5.0, commit 1d8ce7bb6) and not measured again by this program. On BBOB they are of one run
 * a function on COCO's first instance, so they show the order of magnitude, no more. Those of
 * NAS-Bench-201 are of prototypes of the methods named, hundreds of runs each.
 */
#include <string.h>

#include "bench/quality/report.h"

static const struct {
	const char *suite, *text;
} references[] = {
	{ "bbob5", "| Optuna, 5-D | @50 mean / geo | @100 | @200 | CPU ms/suggestion |\n"
		   "|---|---|---|---|---|\n"
		   "| TPE, univariate | .425 / .265 | .364 / .195 | .293 / .145 | 9.5 |\n"
		   "| TPE, multivariate | .399 / .174 | .295 / .112 | .196 / .086 | 3.6 |\n"
		   "| CMA-ES | .339 / .160 | .315 / .159 | .230 / .057 | 1.2 |\n"
		   "| GPSampler, deterministic | .469 / .058 | .253 / .043 | - | 104 |\n" },
	{ "bbob10", "| Optuna, 10-D | @50 mean / geo | @100 | @200 | CPU ms/suggestion |\n"
		    "|---|---|---|---|---|\n"
		    "| TPE, univariate | .501 / .328 | .418 / .258 | .308 / .175 | 16 |\n"
		    "| TPE, multivariate | .533 / .366 | .386 / .240 | .280 / .146 | 8 |\n"
		    "| CMA-ES | .413 / .260 | .377 / .209 | .297 / .117 | 1.5 |\n"
		    "| GPSampler | .553 / .126 | .408 / .080 | - | 60 |\n" },
	{ "tabular",
		"| Optuna (mean over 8 tables of HPOBench, 4 of HPOLib) | @25 | @50 | @100 |\n"
		"|---|---|---|---|\n"
		"| HPOBench: TPE, univariate / multivariate | .82 / .74 | .74 / .62 | .60 / .54 |\n"
		"| HPOLib: TPE, univariate / multivariate | .48 / .44 | .36 / .35 | .37 / .37 |\n"
		"| NAS-Bench-201: univariate TPE without repeats (a prototype) | - | .33 | .15 |\n"
		"| NAS-Bench-201: aging evolution as NNI sets it, population 100, sample 25 (a "
		"prototype) | - | 1.00 | .97 |\n" },
};

void report_reference(const char *suite, struct buffer *out)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
		if (strcmp(suite, references[i].suite) == 0)
			buffer_printf(out,
				"For comparison, measured earlier with Optuna (commit 1d8ce7bb6) "
				"and "
				"the same measure, not by this program%s:\n\n%s\n",
				suite[0] == 'b' ? ", one run a function on COCO's first instance"
						: "",
				references[i].text);
}
