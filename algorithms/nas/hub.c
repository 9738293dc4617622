#include "algorithms/nas/hub.h"

#include <string.h>

extern const char model_hub[], model_hub_end[];

json_t *hub_read(void)
{
	return json_loadb(model_hub, (size_t)(model_hub_end - model_hub), 0, NULL);
}

const json_t *hub_find(const json_t *hub, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(hub, i, entry)
	{
		if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
			return entry;
	}
	return NULL;
}
