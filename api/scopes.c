#include "api/auth.h"

#include <string.h>

static const struct scope {
	const char *name;
	unsigned bit;
} scopes_all[] = {
	{ "read", SCOPE_READ },
	{ "trial", SCOPE_TRIAL },
	{ "write", SCOPE_WRITE },
	{ "admin", SCOPE_ADMIN },
};

#define SCOPES (sizeof(scopes_all) / sizeof(*scopes_all))

void scopes_write(unsigned scopes, struct buffer *json_array)
{
	const char *between = "[\"";

	for (size_t i = 0; i < SCOPES; i++) {
		if (!(scopes & scopes_all[i].bit))
			continue;
		buffer_add_text(json_array, between);
		buffer_add_text(json_array, scopes_all[i].name);
		between = "\",\"";
	}
	buffer_add_text(json_array, *between == '[' ? "[]" : "\"]");
}

bool scope_parse(const char *name, unsigned *out)
{
	for (size_t i = 0; i < SCOPES; i++) {
		if (strcmp(name, scopes_all[i].name) == 0) {
			*out = scopes_all[i].bit;
			return true;
		}
	}
	return false;
}

const char *scope_name(unsigned scope)
{
	for (size_t i = 0; i < SCOPES; i++) {
		if (scopes_all[i].bit == scope)
			return scopes_all[i].name;
	}
	return "none";
}
