#include "core/event.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char *const kind_names[EVENT_KIND_COUNT] = {
	[EVENT_CREATED] = "created",
	[EVENT_EDITED] = "edited",
	[EVENT_STATUS] = "status",
	[EVENT_SUGGESTED] = "suggested",
	[EVENT_ENQUEUED] = "enqueued",
	[EVENT_SEEDED] = "seeded",
	[EVENT_ASSIGNED] = "assigned",
	[EVENT_REPORTED] = "reported",
	[EVENT_OBSERVED] = "observed",
	[EVENT_FAILED] = "failed",
	[EVENT_STOPPED] = "stopped",
	[EVENT_PAUSED] = "paused",
	[EVENT_EXPIRED] = "expired",
	[EVENT_RELEASED] = "released",
	[EVENT_CANCELLED] = "cancelled",
	[EVENT_RETRIED] = "retried",
};

static const char *const status_names[STATUS_COUNT] = {
	[STATUS_RUNNING] = "running",
	[STATUS_PAUSED] = "paused",
	[STATUS_STOPPED] = "stopped",
	[STATUS_DONE] = "done",
};

static int name_find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *event_kind_name(enum event_kind kind)
{
	assert(kind >= 0 && kind < EVENT_KIND_COUNT);
	return kind_names[kind];
}

bool event_kind_parse(const char *name, enum event_kind *out)
{
	int i = name_find(kind_names, EVENT_KIND_COUNT, name);
	if (i >= 0)
		*out = (enum event_kind)i;
	return i >= 0;
}

const char *experiment_status_name(enum experiment_status status)
{
	assert(status >= 0 && status < STATUS_COUNT);
	return status_names[status];
}

bool experiment_status_parse(const char *name, enum experiment_status *out)
{
	int i = name_find(status_names, STATUS_COUNT, name);
	if (i >= 0)
		*out = (enum experiment_status)i;
	return i >= 0;
}

void event_init(struct event *event, enum event_kind kind, int64_t trial)
{
	*event = (struct event){
		.kind = kind,
		.trial = trial,
		.step = -1,
		.parent = -1,
		.resource = NAN,
	};
}
