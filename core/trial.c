#include "core/trial.h"

#include <assert.h>
#include <string.h>

static const char *const state_names[TRIAL_STATE_COUNT] = {
	[TRIAL_WAITING] = "waiting",
	[TRIAL_RUNNING] = "running",
	[TRIAL_PAUSED] = "paused",
	[TRIAL_SUCCEEDED] = "succeeded",
	[TRIAL_FAILED] = "failed",
	[TRIAL_STOPPED] = "stopped",
	[TRIAL_LOST] = "lost",
	[TRIAL_CANCELLED] = "cancelled",
};

static const char *const origin_names[ORIGIN_COUNT] = {
	[ORIGIN_TUNER] = "tuner",
	[ORIGIN_CUSTOM] = "custom",
	[ORIGIN_SEED] = "seed",
};

const char *trial_state_name(enum trial_state state)
{
	assert(state >= 0 && state < TRIAL_STATE_COUNT);
	return state_names[state];
}

bool trial_state_parse(const char *name, enum trial_state *out)
{
	for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*out = (enum trial_state)i;
			return true;
		}
	}
	return false;
}

const char *trial_origin_name(enum trial_origin origin)
{
	assert(origin >= 0 && origin < ORIGIN_COUNT);
	return origin_names[origin];
}

bool trial_origin_parse(const char *name, enum trial_origin *out)
{
	for (int i = 0; i < ORIGIN_COUNT; i++) {
		if (strcmp(name, origin_names[i]) == 0) {
			*out = (enum trial_origin)i;
			return true;
		}
	}
	return false;
}

bool trial_ended(const struct trial *trial)
{
	return !trial_pending(trial);
}

bool trial_pending(const struct trial *trial)
{
	return trial->state == TRIAL_WAITING || trial->state == TRIAL_RUNNING ||
	       trial->state == TRIAL_PAUSED;
}
