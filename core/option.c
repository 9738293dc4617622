#include "core/option.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The k-th of the '|'-separated words of list, or size 0 when there are fewer. */
static const char *word_at(const char *list, unsigned k, size_t *size)
{
	for (; list; k--) {
		const char *end = strchr(list, '|');
		*size = end ? (size_t)(end - list) : strlen(list);
		if (k == 0)
			return list;
		list = end ? end + 1 : NULL;
	}
	*size = 0;
	return NULL;
}

/* The index of text among the words of list, or -1. */
static int word_find(const char *list, const char *text)
{
	size_t size;
	const char *word;
	for (unsigned k = 0; (word = word_at(list, k, &size)) != NULL; k++)
		if (strlen(text) == size && memcmp(word, text, size) == 0)
			return (int)k;
	return -1;
}

static double number_of(const char *text)
{
	char *end;
	double x = strtod(text, &end);
	assert(end != text && *end == '\0' && isfinite(x));
	return x;
}

/* The default of an option. The text is a programmer's, so a bad one is an assert. */
static struct option_value fallback_of(const struct option *option)
{
	struct option_value value = { 0 };
	const char *text = option->fallback;

	if (option->type == OPTION_IGNORED)
		return value;
	assert(text);
	if (option->type == OPTION_BOOL) {
		value.flag = strcmp(text, "true") == 0;
		assert(value.flag || strcmp(text, "false") == 0);
	} else if (option->type == OPTION_CHOICE) {
		int k = word_find(option->choices, text);
		assert(k >= 0);
		value.choice = (unsigned)k;
	} else {
		value.real = number_of(text);
		assert(value.real >= option->low && value.real <= option->high);
		if (option->type == OPTION_INT) {
			assert(floor(value.real) == value.real && fabs(value.real) < 0x1p53);
			value.integer = (int64_t)value.real;
		}
	}
	return value;
}

void options_init(struct option_set *set, const struct option *table)
{
	*set = (struct option_set){ .table = table };
	for (; table && table[set->n].name; set->n++) {
		assert(set->n < OPTIONS_MAX);
		set->values[set->n] = fallback_of(&table[set->n]);
	}
}

static const struct option_value *value_of(const struct option_set *set, const char *name,
	unsigned types, const struct option **option)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->table[i].name, name) != 0)
			continue;
		assert(types & 1u << set->table[i].type);
		if (option)
			*option = &set->table[i];
		return &set->values[i];
	}
	assert(!"an option of the table");
	abort();
}

bool option_flag(const struct option_set *set, const char *name)
{
	return value_of(set, name, 1u << OPTION_BOOL, NULL)->flag;
}

int64_t option_int(const struct option_set *set, const char *name)
{
	return value_of(set, name, 1u << OPTION_INT, NULL)->integer;
}

double option_real(const struct option_set *set, const char *name)
{
	return value_of(set, name, 1u << OPTION_INT | 1u << OPTION_REAL, NULL)->real;
}

const char *option_choice(const struct option_set *set, const char *name, struct arena *arena)
{
	const struct option *option = NULL;
	unsigned k = value_of(set, name, 1u << OPTION_CHOICE, &option)->choice;
	size_t size;
	const char *word = word_at(option->choices, k, &size);
	return arena_strndup(arena, word, size);
}

bool option_is(const struct option_set *set, const char *name, const char *choice)
{
	const struct option *option = NULL;
	unsigned chosen = value_of(set, name, 1u << OPTION_CHOICE, &option)->choice;
	int k = word_find(option->choices, choice);
	assert(k >= 0); /* a misspelt choice would never be taken */
	return (unsigned)k == chosen;
}

static bool matches(const char *word, size_t size, const char *name)
{
	return strlen(name) == size && strncasecmp(word, name, size) == 0;
}

const struct algorithm *catalog_find(const struct algorithm *const *list, const char *name)
{
	for (; list && *list; list++) {
		const char *word = (*list)->name;
		size_t size = strlen(word);
		if (matches(word, size, name))
			return *list;
		for (unsigned k = 0; (word = word_at((*list)->aliases, k, &size)) != NULL; k++)
			if (size && matches(word, size, name))
				return *list;
	}
	return NULL;
}
