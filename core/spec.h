/*
 * What an experiment is: the body of POST /v1/experiments with its defaults resolved. Stored as
 * canonical JSON in the created and edited events, so a new default never changes an old
 * experiment.
 */
#ifndef CORE_SPEC_H
#define CORE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/option.h"
#include "core/space.h"

enum experiment_kind { KIND_HPO, KIND_NAS, KIND_COUNT };

struct objective {
	const char *name; /* metric name; a bare "value" reports "default" */
	bool maximize;
};

struct outcome_constraint {
	const char *metric;
	double min, max; /* -inf, inf when absent */
};

struct limits {
	int64_t max_trials;	       /* 0: none */
	int64_t max_duration_ms;       /* 0: none; pauses excluded */
	int64_t max_trial_duration_ms; /* 0: none */
	int64_t concurrency;	       /* 0: none */
	int64_t max_retries;
	double target;	  /* NaN: none; of the first objective */
	int64_t patience; /* finished trials without a better best; 0: none */
};

struct spec {
	const char *name;
	enum experiment_kind kind;
	const struct space *space;
	const struct model_space *model; /* what its points stand for; NULL: nothing but values */
	size_t n_objectives;
	const struct objective *objectives;
	size_t n_constraints;
	const struct outcome_constraint *constraints;
	const struct algorithm *tuner;
	struct option_set tuner_options;
	uint64_t seed;			  /* below 2^53, so that every JSON reader keeps it */
	const struct algorithm *assessor; /* NULL: none */
	struct option_set assessor_options;
	struct limits limits;
	const char *note; /* markdown, "" if none */
	size_t n_labels;
	const char *const *labels; /* key, value, key, value ... */
	const char *json;	   /* the whole, canonical, defaults resolved */
};

/*
 * Parses and checks a body. seed is what the experiment gets if it names none.
 * previous: NULL, or the spec that a PATCH body changes (only the fields present in text are
 * replaced; name, note, labels, limits, search_space, parameter_constraints, canonical, tuner,
 * assessor may be).
 * 0, CODE_MALFORMED, CODE_INVALID (see faults), CODE_NO_MEMORY. *out lives in arena.
 */
int spec_parse(const char *text, size_t size, const struct spec *previous,
	const struct catalog *catalog, uint64_t seed, struct arena *arena, const struct spec **out,
	struct faults *faults, struct error *err);

/* "hpo", "nas". */
const char *kind_name(enum experiment_kind kind);
bool kind_parse(const char *name, enum experiment_kind *out);

/* "90", "90s", "5m", "2h", "1d", "250ms" -> milliseconds; -1 if it is none of these. */
int64_t duration_parse(const char *text);

/* a is better than b under the objective; NaN is worse than everything. */
bool objective_better(const struct objective *objective, double a, double b);

/* +value to minimise, -value to maximise; NaN stays NaN. What tuners compare. */
double objective_loss(const struct objective *objective, double value);

#endif
