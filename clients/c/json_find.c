#include "json_find.h"

#include <string.h>

/* As a whole first, then part by part. */
const json_t *json_find(const json_t *value, const char *address)
{
	const json_t *whole = json_object_get(value, address);
	const char *dot = strchr(address, '.');
	char name[256];

	while (!whole && dot) {
		size_t n = (size_t)(dot - address);
		if (n >= sizeof(name))
			return NULL;
		memcpy(name, address, n);
		name[n] = '\0';
		const json_t *inner = json_object_get(value, name);
		if (inner) {
			value = inner;
			address = dot + 1;
			whole = json_object_get(value, address);
			dot = strchr(address, '.');
		} else {
			dot = strchr(dot + 1, '.');
		}
	}
	/* A nested choice has the name of its option as its value. */
	const json_t *name_of_option = json_object_get(whole, "_name");
	return name_of_option ? name_of_option : whole;
}
