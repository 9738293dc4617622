/* Small questions about text that a user gave us. All text here is UTF-8. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* No control characters: neither C0 nor C1 nor DEL. */
bool text_is_plain(const char *text);

/* As much of text as a message can carry: at most size - 1 bytes, cut between characters and then
 * ended by "...". Answers out; size >= 8. */
const char *text_excerpt(const char *text, char *out, size_t size);

#endif
