/* The tuner and the assessor of an experiment: {"name", "options" (or NNI's "classArgs"), "seed"}.
 */
#include <stdio.h>
#include <string.h>

#include "core/limits.h"
#include "core/option_json.h"
#include "core/spec_json.h"
#include "core/text.h"

#define SEED_MAX ((1ll << 53) - 1)

/* Where one of the two lies in a draft. */
struct section {
	const char *what;
	const struct algorithm *const *list;
	const struct algorithm **algorithm;
	struct option_set *options;
	struct wish *wish;
	uint64_t *seed; /* NULL: it has none */
};

enum { EXTRA_MODE, EXTRA_SEED, EXTRA_COUNT };

/* "unknown tuner "x"; known: ..." */
static void fault_unknown(struct spec_draft *draft, const struct section *section,
	const struct path *at, const char *name)
{
	char list[FAULT_MESSAGE_MAX - 96], excerpt[48];
	size_t n = 0;

	list[0] = '\0';
	for (size_t i = 0; section->list && section->list[i] && n < sizeof(list); i++) {
		int written = snprintf(
			list + n, sizeof(list) - n, "%s%s", n ? ", " : "", section->list[i]->name);
		n += (size_t)written;
	}
	fault_add(draft->faults, at, "there is no %s \"%s\"; known: %s", section->what,
		text_excerpt(name, excerpt, sizeof(excerpt)), list);
}

/* Which algorithm; false when that is not clear. Another one than before starts with its own
 * defaults. */
static bool read_algorithm_name(struct spec_draft *draft, const struct section *section,
	const struct path *at, json_t *object)
{
	struct path name_at = { at, "name", 0 };
	json_t *name = json_object_get(object, "name");

	if (!name) {
		if (!*section->algorithm)
			fault_add(draft->faults, &name_at, "is required");
		return *section->algorithm != NULL;
	}
	if (!json_is_string(name)) {
		fault_add(draft->faults, &name_at, "must be a string");
		return false;
	}
	const struct algorithm *found = catalog_find(section->list, json_string_value(name));
	if (!found) {
		fault_unknown(draft, section, &name_at, json_string_value(name));
		return false;
	}
	if (found != *section->algorithm) {
		*section->algorithm = found;
		options_init(section->options, found->options);
	}
	return true;
}

static void read_seed(struct spec_draft *draft, const struct section *section,
	const struct path *at, const json_t *value)
{
	int64_t seed;
	if (value && !json_is_null(value) &&
		spec_read_integer(draft, at, value, 0, SEED_MAX, &seed))
		*section->seed = (uint64_t)seed;
}

static void read_wish(struct spec_draft *draft, const struct section *section,
	const struct path *at, const char *member, const struct option_extra *mode)
{
	struct path group = { at, "tpe_args", 0 };
	struct path below = { mode->nested ? &group : at, mode->name, 0 };
	const char *text = json_string_value(mode->value);

	if (!mode->value)
		return;
	if (!text || (strcmp(text, "maximize") != 0 && strcmp(text, "minimize") != 0)) {
		fault_add(draft->faults, &below, "must be \"maximize\" or \"minimize\"");
		return;
	}
	*section->wish = (struct wish){ true, strcmp(text, "maximize") == 0, member, mode->nested };
}

static void read_options(struct spec_draft *draft, const struct section *section,
	const struct path *at, json_t *object)
{
	struct option_extra extras[EXTRA_COUNT] = {
		[EXTRA_MODE] = { .name = "optimize_mode" },
		[EXTRA_SEED] = { .name = "seed" },
	};
	const char *member = json_object_get(object, "options") ? "options" : "classArgs";
	json_t *options = json_object_get(object, member);
	struct path below = { at, member, 0 }, args_at = { at, "classArgs", 0 },
		    group = { &below, "tpe_args", 0 };

	if (strcmp(member, "options") == 0 && json_object_get(object, "classArgs"))
		fault_add(
			draft->faults, &args_at, "is NNI's name of \"options\": give one of them");
	if (!options || json_is_null(options))
		return;
	options_read(options, &below, section->options, extras,
		section->seed ? EXTRA_COUNT : EXTRA_SEED, draft->faults);
	read_wish(draft, section, &below, member, &extras[EXTRA_MODE]);
	const struct option_extra *seed = &extras[EXTRA_SEED];
	if (!seed->value)
		return;
	struct path seed_at = { seed->nested ? &group : &below, "seed", 0 };
	if (json_object_get(object, "seed"))
		fault_add(draft->faults, &seed_at, "is given twice");
	else
		read_seed(draft, section, &seed_at, seed->value);
}

static void read_section(struct spec_draft *draft, const struct section *section,
	const struct path *at, json_t *value)
{
	static const char *const members[] = { "name", "options", "classArgs", "seed" };
	struct path seed_at = { at, "seed", 0 };

	if (!json_is_object(value)) {
		fault_add(draft->faults, at, "must be an object such as {\"name\": \"...\"}");
		return;
	}
	spec_check_members(draft, at, value, members, section->seed ? 4 : 3);
	if (section->seed)
		read_seed(draft, section, &seed_at, json_object_get(value, "seed"));
	if (read_algorithm_name(draft, section, at, value))
		read_options(draft, section, at, value);
}

/* What an experiment gets that names no tuner: the first of these that the catalogue has and that
 * is meant for so many objectives. Options and a seed may still be given without a name. */
static const struct {
	const char *name;
	size_t objectives_min, objectives_max;
} preferred_tuners[] = {
	{ "auto", 1, 3 },
	{ "tpe", 1, 1 },
	{ "nsga3", 4, LIMIT_OBJECTIVES }, /* where crowding tells nsga2 little */
	{ "nsga2", 2, LIMIT_OBJECTIVES },
};

void spec_default_tuner(struct spec_draft *draft)
{
	const struct algorithm *tuner = NULL;
	size_t n = draft->spec.n_objectives;

	for (size_t i = 0; !tuner && i < sizeof(preferred_tuners) / sizeof(*preferred_tuners); i++)
		if (n >= preferred_tuners[i].objectives_min &&
			n <= preferred_tuners[i].objectives_max)
			tuner = catalog_find(draft->catalog->tuners, preferred_tuners[i].name);
	draft->spec.tuner = tuner;
	options_init(&draft->spec.tuner_options, tuner ? tuner->options : NULL);
}

void spec_read_tuner(struct spec_draft *draft, const struct path *at, json_t *value)
{
	const struct section section = {
		.what = "tuner",
		.list = draft->catalog->tuners,
		.algorithm = &draft->spec.tuner,
		.options = &draft->spec.tuner_options,
		.wish = &draft->tuner_wish,
		.seed = &draft->spec.seed,
	};
	if (json_is_null(value))
		return;
	draft->tuner_given = true;
	read_section(draft, &section, at, value);
}

void spec_read_assessor(struct spec_draft *draft, const struct path *at, json_t *value)
{
	const struct section section = {
		.what = "assessor",
		.list = draft->catalog->assessors,
		.algorithm = &draft->spec.assessor,
		.options = &draft->spec.assessor_options,
		.wish = &draft->assessor_wish,
	};
	if (json_is_null(value)) {
		draft->spec.assessor = NULL;
		options_init(&draft->spec.assessor_options, NULL);
		return;
	}
	read_section(draft, &section, at, value);
}

/* ---- optimize_mode ---- */

static void fault_wish(
	struct spec_draft *draft, const char *section, const struct wish *wish, const char *message)
{
	struct path section_at = { NULL, section, 0 };
	struct path member_at = { &section_at, wish->member, 0 };
	struct path group = { &member_at, "tpe_args", 0 };
	struct path at = { wish->nested ? &group : &member_at, "optimize_mode", 0 };
	fault_add(draft->faults, &at, "%s", message);
}

void spec_apply_wishes(struct spec_draft *draft)
{
	static const struct objective maximize = { "default", true },
				      minimize = { "default", false };
	const struct wish *tuner = &draft->tuner_wish, *assessor = &draft->assessor_wish;
	const struct wish *first = tuner->given ? tuner : assessor;

	if (!draft->objectives_given && first->given)
		draft->spec.objectives = first->maximize ? &maximize : &minimize;
	bool goal = draft->spec.objectives[0].maximize;
	if (tuner->given && tuner->maximize != goal)
		fault_wish(draft, "tuner", tuner, "contradicts the goal of the first objective");
	if (assessor->given && assessor->maximize != goal)
		fault_wish(draft, "assessor", assessor,
			tuner->given && !draft->objectives_given
				? "contradicts the tuner's optimize_mode"
				: "contradicts the goal of the first objective");
}
