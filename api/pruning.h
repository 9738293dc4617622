/*
 * Pruning on the wire: models, config lists and counts, read into what algorithms/pruning/ works
 * on.
 */
#ifndef API_PRUNING_H
#define API_PRUNING_H

#include <jansson.h>

#include "algorithms/pruning/plan.h"
#include "algorithms/pruning/rule.h"
#include "api/call.h"
#include "core/faults.h"

/* {"layers":[...],"outputs":[...]} below at, built: see the schema PruningModel of openapi.yaml.
 * *out lives in the call's arena. 0, CODE_INVALID with faults, or CODE_NO_MEMORY. */
int pruning_read_model(struct call *call, const json_t *value, const struct path *at,
	struct network *out, struct faults *faults, struct error *err);

/* A config_list: *out in the call's arena. The same results. */
int pruning_read_rules(struct call *call, const json_t *value, const struct path *at,
	struct rule **out, size_t *n, struct faults *faults, struct error *err);

/* {"conv1": 8, ...}. The same results. */
int pruning_read_kept(struct call *call, json_t *value, const struct path *at,
	struct plan_kept **out, size_t *n, struct faults *faults, struct error *err);

/* A list of strings of at most LIMIT_NAME bytes, in the call's arena; NULL: faults, or no memory
 * (which is a fault, too). */
const char *const *pruning_read_names(struct call *call, const json_t *value, const struct path *at,
	size_t *n, struct faults *faults);

#endif
