#include "environment.h"

#include <ctype.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../json_text.h"

#define NAME_SIZE  256
#define VALUE_MAX  65536 /* Linux takes 128 KiB for name and value */
#define DEPTH_MAX  64
#define PARAMETERS "CAIRN_PARAM_"

/* Set for a trial, and so never inherited from a trial around this agent. */
static const char *const of_trials[] = { PARAMETERS, "CAIRN_TRIAL", "CAIRN_ATTEMPT",
	"CAIRN_RESOURCE=", "CAIRN_START=", "CAIRN_SOURCE=", "CAIRN_CHECKPOINT=",
	"CAIRN_EXPERIMENT=", "CAIRN_PARAMETERS=", "NNI_" };

static void add(struct environment *environment, char *item)
{
	if (environment->n + 2 > environment->room && item) {
		size_t room = environment->room ? environment->room * 2 : 64;
		char **moved = realloc(environment->items, room * sizeof(*moved));
		if (moved) {
			environment->items = moved;
			environment->room = room;
		}
	}
	if (!item || environment->n + 2 > environment->room) {
		free(item);
		environment->failed = true;
		return;
	}
	environment->items[environment->n++] = item;
	environment->items[environment->n] = NULL;
}

static bool is_of_trial(const char *item)
{
	for (size_t i = 0; i < sizeof(of_trials) / sizeof(*of_trials); i++) {
		if (strncmp(item, of_trials[i], strlen(of_trials[i])) == 0)
			return true;
	}
	return false;
}

void environment_init(struct environment *environment, char *const *base)
{
	*environment = (struct environment){ 0 };
	for (; *base; base++) {
		if (!is_of_trial(*base))
			add(environment, strdup(*base));
	}
}

void environment_release(struct environment *environment)
{
	for (size_t i = 0; i < environment->n; i++)
		free(environment->items[i]);
	free(environment->items);
	*environment = (struct environment){ 0 };
}

static char *find(const struct environment *environment, const char *name, size_t *index)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < environment->n; i++) {
		if (strncmp(environment->items[i], name, n) == 0 &&
			environment->items[i][n] == '=') {
			*index = i;
			return environment->items[i] + n + 1;
		}
	}
	return NULL;
}

const char *environment_get(const struct environment *environment, const char *name)
{
	size_t index;
	return find(environment, name, &index);
}

static char *join(const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;
	char *item = malloc(size);
	if (item)
		snprintf(item, size, "%s=%s", name, value);
	return item;
}

void environment_set(struct environment *environment, const char *name, const char *fmt, ...)
{
	char *value = NULL;
	size_t index;
	va_list args;

	va_start(args, fmt);
	int n = vasprintf(&value, fmt, args);
	va_end(args);
	char *item = n < 0 ? NULL : join(name, value);
	if (n >= 0)
		free(value);
	if (!item || !find(environment, name, &index)) {
		add(environment, item);
		return;
	}
	free(environment->items[index]);
	environment->items[index] = item;
}

void environment_add_path(struct environment *environment, const char *directory)
{
	const char *path = environment_get(environment, "PATH");
	char *longer;

	if (!path || !*path) {
		environment_set(environment, "PATH", "%s", directory);
	} else if (asprintf(&longer, "%s:%s", path, directory) < 0) {
		environment->failed = true;
	} else {
		environment_set(environment, "PATH", "%s", longer);
		free(longer);
	}
}

/* The name of a variable below prefix; false: it is too long. */
static bool variable(const char *prefix, const char *name, char out[NAME_SIZE])
{
	int n = snprintf(out, NAME_SIZE, "%s%s", prefix, name);
	if (n < 0 || n >= NAME_SIZE)
		return false;
	for (char *c = out; *c; c++) {
		if (!isalnum((unsigned char)*c) || (unsigned char)*c >= 0x80)
			*c = '_';
	}
	return true;
}

static void add_value(struct environment *environment, const char *name, const json_t *value)
{
	const json_t *option = json_object_get(value, "_name");
	const json_t *shown = option ? option : value;
	char *text = json_is_string(shown) ? strdup(json_string_value(shown)) : json_text(shown);

	if (!text)
		environment->failed = true;
	else if (strlen(text) <= VALUE_MAX && !environment_get(environment, name))
		add(environment, join(name, text));
	free(text);
}

static void add_members(
	struct environment *environment, const char *prefix, const json_t *object, int depth)
{
	const char *name;
	json_t *value;
	char of_value[NAME_SIZE], inner[NAME_SIZE + 1];

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (strcmp(name, "_name") == 0 || !variable(prefix, name, of_value))
			continue;
		add_value(environment, of_value, value);
		snprintf(inner, sizeof(inner), "%s_", of_value);
		if (json_object_get(value, "_name") && depth < DEPTH_MAX)
			add_members(environment, inner, value, depth + 1);
	}
}

void environment_add_parameters(struct environment *environment, const json_t *parameters)
{
	add_members(environment, PARAMETERS, parameters, 0);
}
