/*
 * Ready-made model spaces: hub/NAME.json, part of the binary. Each is an object of "name" (the
 * file's), "title", "description", "source" (where the space was published) and "model_space" as
 * model_space.h reads it.
 */
#ifndef ALGORITHMS_NAS_HUB_H
#define ALGORITHMS_NAS_HUB_H

#include "core/json.h"

/* All of them, a list by name that the caller owns. NULL: no memory. */
json_t *hub_read(void);

/* The one of this name in what hub_read gave; borrowed. NULL: there is none. */
const json_t *hub_find(const json_t *hub, const char *name);

#endif
