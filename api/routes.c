#include "api/route.h"

#include <stddef.h>

const struct route *const route_tables[] = {
	routes_experiment,
	routes_loop,
	routes_trial,
	routes_artifact,
	routes_event,
	routes_transfer,
	routes_catalog,
	routes_model,
	routes_pruning,
	routes_team,
	routes_session,
	routes_process,
	NULL,
};
