/*
 * Hyperband's schedule (Li et al., JMLR 18, 2018): brackets of successive halving, from the one
 * that starts many trials on little to the one that starts few on everything, over and over.
 *
 * With s_max = floor(log_eta(max / min)), bracket s = s_max .. 0 starts ceil((s_max + 1) eta^s / (s
 * + 1)) trials at max eta^-s and keeps floor(n eta^-i) of them at max eta^(i - s). For max 81, eta
 * 3 these are 81, 34, 15, 8 and 5 trials at first.
 *
 * New trials fill the brackets in order, so the place of a trial follows from how many the tuner
 * made before it.
 */
#ifndef ALGORITHMS_TUNERS_BRACKET_H
#define ALGORITHMS_TUNERS_BRACKET_H

#include "algorithms/tuners/rung.h"

#define BRACKET_OPTIONS                                                                            \
	{                                                                                          \
		.name = "exec_mode", .type = OPTION_CHOICE, .choices = "parallelism|serial",       \
		.fallback = "parallelism",                                                         \
		.help = "while results of a bracket are awaited: start the next one "              \
			"(parallelism), or wait (serial)"                                          \
	}

/* Trials that bracket s of n_rungs = s_max + 1 starts. */
size_t bracket_size(size_t n_rungs, double eta, size_t s);

/* What comes next, into *out: a promotion, or a new trial, of which only the resource is filled in
 * (promote is -1). climbers, which it fills in, are those of the view. 0, CODE_WAIT,
 * CODE_EXHAUSTED or CODE_NO_MEMORY. */
int bracket_next(const struct knowledge *know, struct climbers *climbers, struct arena *arena,
	struct proposal *out, struct error *err);

#endif
