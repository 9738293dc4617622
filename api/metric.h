/*
 * Metric values as clients send them: "value" (a number, "nan", "inf" or "-inf"; the metric
 * "default"), or "values", an object of numbers or {"value", "stderr"}.
 */
#ifndef API_METRIC_H
#define API_METRIC_H

#include <jansson.h>

#include "api/call.h"
#include "core/event.h"
#include "core/faults.h"

struct metric_fields { /* of an object that carries metrics; NULL: absent */
	json_t *value, *values;
	double stderr_; /* of value; NaN: not given */
};

/* Every fault is added below at. *n is 0 when neither is given, which is a fault if required. The
 * metrics live in the call's arena, their names with them. False: there were faults. */
bool metrics_of(struct call *call, const struct metric_fields *fields, bool required,
	const struct path *at, const struct metric **out, size_t *n, struct faults *faults);

#endif
