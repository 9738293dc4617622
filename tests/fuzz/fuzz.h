/* What a harness is: the entry point that libFuzzer and standalone_driver.c call. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers 0. A broken promise ends the process, whatever the build. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__,           \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define FUZZ_SEPARATOR "\n---\n"

/* The input as text of up to n parts, separated by lines of "---"; those that are missing are NULL.
 * parts[0] is the memory to free. */
static inline void fuzz_parts(const uint8_t *data, size_t size, char **parts, size_t n)
{
	char *text = malloc(size + 1);

	REQUIRE(text);
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < n; i++) {
		parts[i] = text;
		text = text ? strstr(text, FUZZ_SEPARATOR) : NULL;
		if (!text)
			continue;
		*text = '\0';
		text += strlen(FUZZ_SEPARATOR);
	}
}

#endif
