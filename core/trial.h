/*
 * A trial: one set of parameters and what became of it.
 *
 *            suggested                 observed
 *   (none) ------------> running ----------------> succeeded
 *     |  enqueued          | ^  \  failed  ------> failed
 *     +----------> waiting-+ |   \ stopped ------> stopped   (early, by an assessor or by request)
 *                 assigned   |    \ cancelled ---> cancelled
 *   expired / released: running -> waiting; retries spent: -> lost
 *   paused: running -> paused, assigned again -> running
 *   retried: failed, lost, cancelled, stopped -> waiting
 *   seeded: (none) -> succeeded or failed
 *
 * The first final result of any attempt wins, also over lost.
 */
#ifndef CORE_TRIAL_H
#define CORE_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/hash.h"

enum trial_state {
	TRIAL_WAITING,
	TRIAL_RUNNING,
	TRIAL_PAUSED,
	TRIAL_SUCCEEDED,
	TRIAL_FAILED,
	TRIAL_STOPPED,
	TRIAL_LOST,
	TRIAL_CANCELLED,
	TRIAL_STATE_COUNT
};

enum trial_origin { ORIGIN_TUNER, ORIGIN_CUSTOM, ORIGIN_SEED, ORIGIN_COUNT };

/* One intermediate report as models see it. */
struct report {
	int64_t step;
	double value;	 /* of the first objective, as reported; NaN if it was not in the report */
	uint64_t digest; /* of all its values: equal repeats are accepted, different ones refused */
	uint32_t attempt;
	bool late; /* of an older attempt, or after the end: stored, not modelled */
};

struct trial {
	int64_t number;
	enum trial_state state;
	enum trial_origin origin;
	uint32_t attempt; /* of the last hand-out; 0: never handed out */
	uint32_t retries; /* hand-outs lost to expired leases */

	const char *parameters; /* JSON, as handed out */
	const double *x;	/* the point; NULL: not a point of the current space */
	struct key128 key;	/* of x */

	const double *values;	 /* n_objectives, as reported (NaN possible); NULL: no result */
	const char *values_json; /* all final values, JSON object; NULL: no result */
	double loss;		 /* first objective to minimise; NaN: none or failed */
	double violation;	 /* sum of outcome-constraint violations; 0: feasible */
	uint64_t digest;	 /* of the final values */

	struct report *reports; /* in arrival order */
	uint32_t n_reports, room_reports;
	bool reports_loaded; /* false: ended before this view was loaded; ask the store */
	int64_t last_step;   /* highest step reported by the current attempt, -1: none */
	double last_value;   /* its first objective; NaN: none */

	int64_t parent;		/* PBT clone and promotions: the trial it continues; -1: none */
	double resource;	/* budget of this hand-out; NaN: none */
	struct bytes tag;	/* the tuner's own note, <= LIMIT_TAG */
	const char *meta;	/* JSON: tuner, arm, acquisition ...; NULL: none */
	const char *checkpoint; /* last one reported; NULL: none */
	const char *worker;	/* who has or had it; NULL: nobody */
	const char *message;	/* why it failed or was stopped; NULL: none */

	int64_t lease_until_ms;			  /* running only */
	int64_t lease_ms;			  /* length asked for at the hand-out */
	int64_t created_ms, started_ms, ended_ms; /* 0: not yet */
	uint64_t base_version;			  /* version the proposal was computed on */
	uint64_t suggested_version;		  /* version of the event that created it */
	uint64_t ended_version;			  /* 0: not ended */
	bool marked;				  /* the view's own: saved since view_mark */
};

const char *trial_state_name(enum trial_state state);
bool trial_state_parse(const char *name, enum trial_state *out);
const char *trial_origin_name(enum trial_origin origin);
bool trial_origin_parse(const char *name, enum trial_origin *out);

/* Ended for good, unless retried: succeeded, failed, stopped, lost, cancelled. */
bool trial_ended(const struct trial *trial);

/* Waiting, running or paused: its result is still to come. */
bool trial_pending(const struct trial *trial);

#endif
