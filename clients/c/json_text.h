/* JSON as text in which a number is the shortest one that reads back: jansson has 17 digits for
 * all. Compiled into the library and into the command. */
#ifndef CLIENTS_C_JSON_TEXT_H
#define CLIENTS_C_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* One line, or indented over several. Whether all of it was written out's error flag says. */
void json_text_print(FILE *out, const json_t *value, bool indented);

/* One line, to be freed with free(). NULL: no memory. */
char *json_text(const json_t *value);

#endif
