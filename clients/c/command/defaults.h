/* The point that a search space means when nobody chooses: for trials that run without a server. */
#ifndef CLIENTS_C_DEFAULTS_H
#define CLIENTS_C_DEFAULTS_H

#include <jansson.h>

/* For each parameter of a space in NNI's format: _default; or the first option; or the middle of
 * the range, of logarithms where the type has them. A new reference. What cannot be understood is
 * left out. */
json_t *defaults_of(const json_t *space);

#endif
