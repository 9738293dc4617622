#include "bench/quality/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/quality/bbob.h"

#define SPACE_MAX 65536

void suite_init(struct suite *suite)
{
	*suite = (struct suite){ 0 };
}

void suite_release(struct suite *suite)
{
	for (size_t i = 0; i < suite->n; i++) {
		arena_release(&suite->problems[i]->arena);
		free(suite->problems[i]);
	}
	free(suite->problems);
	suite_init(suite);
}

struct problem *suite_begin(struct suite *suite, const char *name, unsigned instance)
{
	if (suite->n == suite->room) {
		size_t room = suite->room ? 2 * suite->room : 64;
		void *larger = realloc(suite->problems, room * sizeof(struct problem *));
		if (!larger)
			return NULL;
		suite->problems = larger;
		suite->room = room;
	}
	struct problem *problem = calloc(1, sizeof(*problem));
	if (!problem)
		return NULL;
	arena_init(&problem->arena, 0);
	problem->name = arena_strdup(&problem->arena, name);
	problem->suite = "";
	problem->instance = instance;
	if (!problem->name) {
		arena_release(&problem->arena);
		free(problem);
		return NULL;
	}
	suite->problems[suite->n++] = problem;
	return problem;
}

static int set_space(struct problem *problem, const char *text, struct error *err)
{
	struct faults *faults = malloc(sizeof(*faults));

	problem->search_space = arena_strdup(&problem->arena, text);
	if (!faults || !problem->search_space) {
		free(faults);
		return fail(err, CODE_NO_MEMORY, "no memory for the space of %s", problem->name);
	}
	faults_init(faults);
	int code = space_parse(text, NULL, NULL, &problem->arena, &problem->space, faults, err);
	if (code == CODE_INVALID)
		(void)fail(err, CODE_INVALID, "%s: %s: %s", problem->name, faults->items[0].pointer,
			faults->items[0].message);
	free(faults);
	return code;
}

int problem_set_space(struct problem *problem, struct error *err, const char *fmt, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, fmt);
	int size = vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= sizeof(text))
		return fail(err, CODE_TOO_LARGE, "%s: its search space is too long", problem->name);
	return set_space(problem, text, err);
}

int problem_set_box(struct problem *problem, size_t n, double low, double high, struct error *err)
{
	struct buffer text;

	buffer_init(&text, SPACE_MAX);
	for (size_t i = 0; i < n; i++)
		buffer_printf(&text, "%c\"x%zu\":{\"_type\":\"uniform\",\"_value\":[%.17g,%.17g]}",
			i ? ',' : '{', i, low, high);
	buffer_add_char(&text, '}');
	int code = text.failed ? fail(err, CODE_NO_MEMORY, "no memory")
			       : set_space(problem, buffer_text(&text), err);
	buffer_release(&text);
	return code;
}

static double value_bbob(const struct problem *problem, const double *x)
{
	return bbob_value(problem->state, x);
}

int suite_add_bbob(struct suite *suite, const char *name, unsigned function, size_t dimension,
	unsigned instance, struct error *err)
{
	char title[64];

	(void)snprintf(title, sizeof(title), "f%u %s", function, bbob_name(function));
	struct problem *problem = suite_begin(suite, title, instance);
	const struct bbob *bbob =
		problem ? bbob_new(&problem->arena, function, dimension, instance) : NULL;
	if (!bbob)
		return fail(err, CODE_NO_MEMORY, "no memory for %s", title);
	problem->suite = arena_strdup(&problem->arena, name);
	problem->state = bbob;
	problem->value = value_bbob;
	problem->optimum = bbob->f_opt;
	return problem_set_box(problem, dimension, -5, 5, err);
}

static int add_bbob(struct suite *suite, const char *name, size_t dimension, unsigned instances,
	struct error *err)
{
	int code = 0;

	for (unsigned f = 1; f <= BBOB_FUNCTIONS; f++)
		for (unsigned i = 1; i <= instances && code == 0; i++)
			code = suite_add_bbob(suite, name, f, dimension, i, err);
	return code;
}

/* What has no instances gets as many copies, so that it gets as many runs. */
static int repeat(struct suite *suite, size_t first, unsigned instances, struct error *err)
{
	size_t end = suite->n;

	for (size_t i = first; i < end; i++)
		for (unsigned k = 2; k <= instances; k++) {
			struct problem *copy = suite_begin(suite, suite->problems[i]->name, k);
			if (!copy)
				return fail(err, CODE_NO_MEMORY, "no memory");
			struct arena own = copy->arena;
			*copy = *suite->problems[i];
			copy->arena = own;
			copy->instance = k;
		}
	return 0;
}

int suite_add(struct suite *suite, const char *name, unsigned instances, struct error *err)
{
	static const struct {
		const char *name;
		int (*add)(struct suite *suite, unsigned instances, struct error *err);
		bool single;
	} known[] = {
		{ "classic", suite_add_classic },
		{ "mixed", suite_add_mixed },
		{ "conditional", suite_add_conditional },
		{ "book", suite_add_book, true },
		{ "tabular", suite_add_tabular, true },
	};
	size_t first = suite->n;

	if (strncmp(name, "bbob", 4) == 0) {
		char *end = NULL;
		unsigned long dimension = strtoul(name + 4, &end, 10);
		if (name[4] && !*end && dimension >= 2 && dimension <= BBOB_DIMENSIONS)
			return add_bbob(suite, name, dimension, instances, err);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0) {
			int code = known[i].add(suite, instances, err);
			if (code == 0 && known[i].single)
				code = repeat(suite, first, instances, err);
			for (size_t k = first; k < suite->n; k++)
				suite->problems[k]->suite = known[i].name;
			return code;
		}
	return fail(err, CODE_INVALID,
		"there is no suite \"%s\"; there are bbob2 to bbob%d, classic, mixed, conditional, "
		"book and tabular",
		name, BBOB_DIMENSIONS);
}
