/* A parameter by its dotted address. Compiled into the library and into the command. */
#ifndef CLIENTS_C_JSON_FIND_H
#define CLIENTS_C_JSON_FIND_H

#include <jansson.h>

/* "op.rate" is the parameter rate of the chosen option of op, "op" the name of that option. Names
 * may hold dots: the address is looked for as a whole first. NULL: there is none. */
const json_t *json_find(const json_t *parameters, const char *address);

#endif
