/* Metrics from parsed JSON, for those who hold more than text (see core/event.h for the format). */
#ifndef CORE_METRICS_JSON_H
#define CORE_METRICS_JSON_H

#include "core/event.h"
#include "core/json.h"

int metrics_of_json(const json_t *value, struct arena *arena, const struct metric **out, size_t *n,
	struct error *err);

#endif
