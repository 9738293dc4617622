#include "bench/quality/contender.h"

#include <stdlib.h>
#include <string.h>

#include "algorithms/tuners/tuner.h"
#include "core/json.h"

/* A number, true, false or null stands for itself, anything else is a string. */
static void write_value(const char *text, struct buffer *out)
{
	static const char *const words[] = { "true", "false", "null" };
	char *end;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0) {
			buffer_add_text(out, text);
			return;
		}
	(void)strtod(text, &end);
	if (*text && !*end)
		buffer_add_text(out, text);
	else
		json_write_string(out, text);
}

/* "a=1:b=x" -> {"a":1,"b":"x"}; rest is cut up. */
static int write_options(char *rest, struct buffer *out, struct error *err)
{
	bool first = true;
	char *word;

	buffer_add_char(out, '{');
	while ((word = strsep(&rest, ":")) != NULL) {
		char *value = strchr(word, '=');
		if (!value)
			return fail(err, CODE_INVALID, "\"%s\" is not OPTION=VALUE", word);
		*value++ = '\0';
		if (!first)
			buffer_add_char(out, ',');
		first = false;
		json_write_string(out, word);
		buffer_add_char(out, ':');
		write_value(value, out);
	}
	buffer_add_char(out, '}');
	return 0;
}

int contender_parse(const char *text, struct arena *arena, struct contender *out, struct error *err)
{
	struct contender result = { .options = "{}" };
	int code = 0;

	result.label = arena_strdup(arena, text);
	char *name = arena_strdup(arena, text);
	if (!result.label || !name)
		return fail(err, CODE_NO_MEMORY, "no memory");
	char *options = strchr(name, ':');
	if (options)
		*options++ = '\0';
	const struct algorithm *algorithm = catalog_find(tuner_algorithms, name);
	if (!algorithm || (algorithm->caps & TUNER_EXTERNAL))
		return fail(err, CODE_INVALID, "there is no tuner \"%s\" that proposes", name);
	result.tuner = algorithm->name;
	if (options) {
		struct buffer json;
		buffer_init(&json, 4096);
		code = write_options(options, &json, err);
		result.options = arena_strdup(arena, buffer_text(&json));
		if (code == 0 && (json.failed || !result.options))
			code = fail(err, CODE_NO_MEMORY, "no memory");
		buffer_release(&json);
	}
	if (code == 0)
		*out = result;
	return code;
}
