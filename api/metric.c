#include "api/metric.h"

#include <math.h>
#include <string.h>

#include "api/body.h"
#include "core/json.h"

static const char not_metric[] = "must be a number, \"nan\", \"inf\" or \"-inf\"";

struct metric_body {
	json_t *value;
	double stderr_;
};

static const struct field metric_fields[] = {
	FIELD(struct metric_body, value, FIELD_JSON, FIELD_REQUIRED, 0, 0),
	{ .name = "stderr",
		.type = FIELD_REAL,
		.flags = FIELD_NULLABLE,
		.offset = offsetof(struct metric_body, stderr_),
		.low = 0,
		.high = INFINITY },
	{ NULL },
};

static bool metric_of(struct call *call, const json_t *value, const struct path *at,
	struct metric *out, struct faults *faults)
{
	struct metric_body body = { .stderr_ = NAN };
	struct path below = { at, "value", 0 };

	if (!json_is_object(value)) {
		out->stderr_ = NAN;
		if (json_metric(value, &out->value))
			return true;
		fault_add(faults, at, "%s", not_metric);
		return false;
	}
	if (!body_decode(call, value, at, metric_fields, &body, faults))
		return false;
	out->stderr_ = body.stderr_;
	if (json_metric(body.value, &out->value))
		return true;
	fault_add(faults, &below, "%s", not_metric);
	return false;
}

static bool name_ok(const char *name, const struct path *at, struct faults *faults)
{
	size_t size = strlen(name);
	if (size > 0 && size <= LIMIT_NAME)
		return true;
	fault_add(faults, at, "a metric's name has 1 to %d bytes", LIMIT_NAME);
	return false;
}

static bool many_of(struct call *call, json_t *values, const struct path *at,
	const struct metric **out, size_t *n, struct faults *faults)
{
	size_t size = json_object_size(values), k = 0;
	const char *name;
	json_t *value;
	bool valid = true;

	if (size == 0 || size > LIMIT_METRIC_NAMES) {
		fault_add(faults, at, "must have 1 to %d metrics", LIMIT_METRIC_NAMES);
		return false;
	}
	struct metric *metrics = arena_array(&call->arena, size, sizeof(*metrics));
	if (!metrics) {
		fault_add(faults, at, "no memory for the metrics");
		return false;
	}
	json_object_foreach(values, name, value)
	{
		struct path here = { at, name, 0 };
		struct metric *metric = &metrics[k++];
		metric->name = arena_strdup(&call->arena, name);
		if (!metric->name) {
			fault_add(faults, &here, "no memory for the metric");
			return false;
		}
		valid &= name_ok(name, &here, faults);
		valid &= metric_of(call, value, &here, metric, faults);
	}
	*out = metrics;
	*n = size;
	return valid;
}

static bool one_of(struct call *call, const struct metric_fields *fields, const struct path *at,
	const struct metric **out, size_t *n, struct faults *faults)
{
	struct path here = { at, "value", 0 };
	struct metric *metric = arena_alloc(&call->arena, sizeof(*metric));
	if (!metric) {
		fault_add(faults, &here, "no memory for the metric");
		return false;
	}
	metric->name = "default";
	metric->stderr_ = fields->stderr_;
	if (!json_metric(fields->value, &metric->value)) {
		fault_add(faults, &here, "%s", not_metric);
		return false;
	}
	*out = metric;
	*n = 1;
	return true;
}

bool metrics_of(struct call *call, const struct metric_fields *fields, bool required,
	const struct path *at, const struct metric **out, size_t *n, struct faults *faults)
{
	struct path values = { at, "values", 0 }, error = { at, "stderr", 0 };

	*out = NULL;
	*n = 0;
	if (fields->value && fields->values) {
		fault_add(faults, &values, "either value or values, not both");
		return false;
	}
	if (!isnan(fields->stderr_) && !fields->value) {
		fault_add(faults, &error,
			"belongs to value; in values write {\"value\", \"stderr\"}");
		return false;
	}
	if (fields->value)
		return one_of(call, fields, at, out, n, faults);
	if (fields->values)
		return many_of(call, fields->values, &values, out, n, faults);
	if (required)
		fault_add(faults, at, "a value or values is missing");
	return !required;
}
