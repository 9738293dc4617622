#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

/* While a file is read. */
struct draft {
	struct config *config;
	const char *algorithm; /* "tuner", or "advisor" when that is there */
	bool ok;
};

static void fault(struct draft *draft, const char *pointer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(struct draft *draft, const char *pointer, const char *fmt, ...)
{
	const struct document *file = &draft->config->file;
	va_list args;

	fprintf(stderr, "cairn: %s:%d: %s%s", file->name, document_line(file, pointer),
		*pointer ? pointer + 1 : "", *pointer ? ": " : "");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	putc('\n', stderr);
	draft->ok = false;
}

/* The pointer of a member; that of the whole when it is too long to be one. */
static void extend(char out[DOCUMENT_POINTER], const char *pointer, const char *name)
{
	int n = snprintf(out, DOCUMENT_POINTER, "%s/%s", pointer, name);
	if (n < 0 || n >= DOCUMENT_POINTER)
		out[0] = '\0';
}

/* ---- values ---- */

/* path below the directory of the file. */
static bool resolve(struct draft *draft, const char *pointer, const char *path, char *out)
{
	const char *name = draft->config->file.name, *slash = strrchr(name, '/');
	const char *home = getenv("HOME");
	int n;

	if (strncmp(path, "~/", 2) == 0 && home)
		n = snprintf(out, CONFIG_PATH, "%s/%s", home, path + 2);
	else if (*path == '/' || !slash)
		n = snprintf(out, CONFIG_PATH, "%s", path);
	else
		n = snprintf(out, CONFIG_PATH, "%.*s/%s", (int)(slash - name), name, path);
	if (n >= 0 && n < CONFIG_PATH)
		return true;
	fault(draft, pointer, "this path is too long");
	return false;
}

static const char *text_of(struct draft *draft, const char *pointer, const json_t *value)
{
	const char *text = json_string_value(value);
	if (!text || !*text)
		fault(draft, pointer, "must be a text");
	return text && *text ? text : NULL;
}

static bool count_of(struct draft *draft, const char *pointer, const json_t *value, long long low,
	long long *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < low) {
		fault(draft, pointer, "must be a whole number of %lld or more", low);
		return false;
	}
	*out = json_integer_value(value);
	return true;
}

static json_t *limits_of(struct draft *draft)
{
	json_t *limits = json_object_get(draft->config->experiment, "limits");
	if (limits)
		return limits;
	json_object_set_new(draft->config->experiment, "limits", json_object());
	return json_object_get(draft->config->experiment, "limits");
}

/* ---- NNI's members ---- */

static void read_name(struct draft *draft, const char *pointer, json_t *value)
{
	if (text_of(draft, pointer, value))
		json_object_set(draft->config->experiment, "name", value);
}

static void read_space(struct draft *draft, const char *pointer, json_t *value)
{
	if (!json_is_object(value))
		fault(draft, pointer, "must be a mapping of parameters");
	else
		json_object_set(draft->config->experiment, "search_space", value);
}

static void read_space_file(struct draft *draft, const char *pointer, json_t *value)
{
	struct config *config = draft->config;
	const char *given = text_of(draft, pointer, value);
	char why[512];

	if (!given || !resolve(draft, pointer, given, config->space_name))
		return;
	char *text = read_file(config->space_name);
	if (!text) {
		fault(draft, pointer, "cannot be read");
		return;
	}
	if (!document_read(&config->space, config->space_name, text, why, sizeof(why))) {
		fprintf(stderr, "cairn: %s\n", why);
		draft->ok = false;
	} else if (!json_is_object(config->space.value)) {
		fault(draft, pointer, "%s holds no mapping of parameters", config->space_name);
	} else {
		json_object_set(config->experiment, "search_space", config->space.value);
	}
	free(text);
}

static void read_command(struct draft *draft, const char *pointer, json_t *value)
{
	const char *text = text_of(draft, pointer, value);
	if (text)
		draft->config->command = strdup(text);
	if (text && !draft->config->command)
		fault(draft, pointer, "there is no memory");
}

static void read_code(struct draft *draft, const char *pointer, json_t *value)
{
	const char *text = text_of(draft, pointer, value);
	if (text)
		resolve(draft, pointer, text, draft->config->code);
}

static void read_directory(struct draft *draft, const char *pointer, json_t *value)
{
	const char *text = text_of(draft, pointer, value);
	if (text)
		resolve(draft, pointer, text, draft->config->directory);
}

static void read_concurrency(struct draft *draft, const char *pointer, json_t *value)
{
	if (count_of(draft, pointer, value, 1, &draft->config->concurrency))
		json_object_set(limits_of(draft), "concurrency", value);
}

static void read_max_trials(struct draft *draft, const char *pointer, json_t *value)
{
	long long unused;
	if (count_of(draft, pointer, value, 1, &unused))
		json_object_set(limits_of(draft), "max_trials", value);
}

/* "5h", or seconds; how long it may be is the server's to say. */
static void read_time(struct draft *draft, const char *pointer, json_t *value, const char *name)
{
	if (!json_is_string(value) && !json_is_number(value))
		fault(draft, pointer, "must be a time such as 5h, 30m or a number of seconds");
	else
		json_object_set(limits_of(draft), name, value);
}

static void read_max_duration(struct draft *draft, const char *pointer, json_t *value)
{
	read_time(draft, pointer, value, "max_duration");
}

static void read_trial_duration(struct draft *draft, const char *pointer, json_t *value)
{
	read_time(draft, pointer, value, "max_trial_duration");
}

static void read_gpu_number(struct draft *draft, const char *pointer, json_t *value)
{
	count_of(draft, pointer, value, 0, &draft->config->gpus_per_trial);
}

/* {name, classArgs} as {name, options}. */
static void read_algorithm(struct draft *draft, const char *pointer, json_t *value, const char *as)
{
	json_t *member, *out = json_object();
	char below[DOCUMENT_POINTER];
	const char *key;

	if (!json_is_object(value))
		fault(draft, pointer, "must be a mapping with name and classArgs");
	json_object_foreach(value, key, member)
	{
		extend(below, pointer, key);
		if (strcmp(key, "name") == 0 && text_of(draft, below, member))
			json_object_set(out, "name", member);
		else if (strcmp(key, "classArgs") == 0 && json_is_object(member))
			json_object_set(out, "options", member);
		else if (strcmp(key, "classArgs") == 0 && !json_is_null(member))
			fault(draft, below, "must be a mapping of options");
		else if (strcmp(key, "className") == 0 || strcmp(key, "codeDirectory") == 0)
			fault(draft, below,
				"algorithms in Python are not run here: use the tuner \"external\" "
				"and let a client propose the trials");
		else if (strcmp(key, "name") != 0 && strcmp(key, "classArgs") != 0)
			fault(draft, below, "there is no such member; it takes name and classArgs");
	}
	if (json_is_object(value) && !json_object_get(value, "name") &&
		!json_object_get(value, "className"))
		fault(draft, pointer, "lacks the name");
	json_object_set_new(draft->config->experiment, as, out);
}

static void read_tuner(struct draft *draft, const char *pointer, json_t *value)
{
	if (strcmp(draft->algorithm, "tuner") != 0)
		fault(draft, pointer, "there is an advisor as well, which is a tuner");
	else
		read_algorithm(draft, pointer, value, "tuner");
}

static void read_advisor(struct draft *draft, const char *pointer, json_t *value)
{
	read_algorithm(draft, pointer, value, "tuner");
}

static void read_assessor(struct draft *draft, const char *pointer, json_t *value)
{
	read_algorithm(draft, pointer, value, "assessor");
}

static void read_false(struct draft *draft, const char *pointer, json_t *value)
{
	if (!json_is_false(value))
		fault(draft, pointer, "is not supported: it must be false");
}

static void read_type(struct draft *draft, const char *pointer, json_t *value)
{
	const char *text = text_of(draft, pointer, value);
	if (text && strcmp(text, "hpo") != 0)
		fault(draft, pointer, "%s experiments cannot be run from such a file", text);
}

static void read_gpu_indices(struct draft *draft, const char *pointer, json_t *value)
{
	char *list = draft->config->gpus;
	size_t size = sizeof(draft->config->gpus), used = 0, i;
	json_t *index;

	if (json_is_string(value) && strlen(json_string_value(value)) < size) {
		snprintf(list, size, "%s", json_string_value(value));
		return;
	}
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		snprintf(list, size, "%lld", (long long)json_integer_value(value));
		return;
	}
	if (!json_is_array(value) || json_array_size(value) == 0)
		fault(draft, pointer, "must be a list of indices");
	json_array_foreach(value, i, index)
	{
		if (!json_is_integer(index) || json_integer_value(index) < 0 || used + 24 > size) {
			fault(draft, pointer, "must be a list of indices");
			return;
		}
		used += (size_t)snprintf(list + used, size - used, "%s%lld", i ? "," : "",
			(long long)json_integer_value(index));
	}
}

/* trainingService: {platform: local}, or a list with one of these. */
static void read_service(struct draft *draft, const char *pointer, json_t *value)
{
	static const char *const known[] = { "platform", "useActiveGpu", "maxTrialNumberPerGpu",
		"gpuIndices", "reuseMode", "trialGpuNumber", "trialCommand", "trialCodeDirectory",
		"debug", "nniManagerIp", "logCollection" };
	char below[DOCUMENT_POINTER], inner[DOCUMENT_POINTER];
	const char *key;
	json_t *member;

	snprintf(inner, sizeof(inner), "%s", pointer);
	if (json_is_array(value) && json_array_size(value) == 1) {
		value = json_array_get(value, 0);
		extend(inner, pointer, "0");
	}
	const char *platform = json_string_value(json_object_get(value, "platform"));
	if (!platform || strcmp(platform, "local") != 0) {
		fault(draft, inner,
			"the platform must be local; for other machines start cairn agent on each");
		return;
	}
	json_object_foreach(value, key, member)
	{
		bool found = false;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			found = found || strcmp(known[i], key) == 0;
		extend(below, inner, key);
		if (!found)
			fault(draft, below, "there is no such member");
		else if (strcmp(key, "gpuIndices") == 0 && !json_is_null(member))
			read_gpu_indices(draft, below, member);
	}
}

static void ignore(struct draft *draft, const char *pointer, json_t *value)
{
	(void)draft;
	(void)pointer;
	(void)value;
}

static void refuse_member(struct draft *draft, const char *pointer, json_t *value)
{
	(void)value;
	fault(draft, pointer, "is not supported");
}

static const struct member {
	const char *name;
	void (*read)(struct draft *draft, const char *pointer, json_t *value);
	const char *pointer; /* where the server has it; NULL: nowhere */
} members[] = {
	{ "experimentName", read_name, "/name" },
	{ "experimentType", read_type, NULL },
	{ "searchSpace", read_space, "/search_space" },
	{ "searchSpaceFile", read_space_file, NULL },
	{ "trialCommand", read_command, NULL },
	{ "trialCodeDirectory", read_code, NULL },
	{ "trialConcurrency", read_concurrency, "/limits/concurrency" },
	{ "trialGpuNumber", read_gpu_number, NULL },
	{ "maxTrialNumber", read_max_trials, "/limits/max_trials" },
	{ "maxExperimentDuration", read_max_duration, "/limits/max_duration" },
	{ "maxTrialDuration", read_trial_duration, "/limits/max_trial_duration" },
	{ "tuner", read_tuner, "/tuner" },
	{ "advisor", read_advisor, "/tuner" },
	{ "assessor", read_assessor, "/assessor" },
	{ "trainingService", read_service, NULL },
	{ "experimentWorkingDirectory", read_directory, NULL },
	{ "useAnnotation", read_false, NULL },
	{ "sharedStorage", refuse_member, NULL },
	/* Of a manager that there is not. */
	{ "nniManagerIp", ignore, NULL },
	{ "debug", ignore, NULL },
	{ "logLevel", ignore, NULL },
	{ "tunerGpuIndices", ignore, NULL },
};

static const struct member *find_member(const char *name)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	}
	return NULL;
}

static void require(struct draft *draft, const char *name)
{
	if (!json_object_get(draft->config->file.value, name))
		fault(draft, "", "%s is missing", name);
}

static void read_nni(struct draft *draft)
{
	struct config *config = draft->config;
	char pointer[DOCUMENT_POINTER];
	const char *key;
	json_t *value, *file = config->file.value;
	bool space = json_object_get(file, "searchSpace") != NULL;
	bool space_file = json_object_get(file, "searchSpaceFile") != NULL;

	draft->algorithm = json_object_get(file, "advisor") ? "advisor" : "tuner";
	json_object_foreach(file, key, value)
	{
		const struct member *member = find_member(key);
		extend(pointer, "", key);
		if (!member)
			fault(draft, pointer, "there is no such member");
		else if (!json_is_null(value))
			member->read(draft, pointer, value);
	}
	require(draft, "trialCommand");
	require(draft, "trialConcurrency");
	if (space == space_file)
		fault(draft, "", "one of searchSpace and searchSpaceFile is needed");
	if (!json_object_get(config->experiment, "name"))
		json_object_set_new(config->experiment, "name", json_string("nni"));
}

/* ---- our own ---- */

static void read_own(struct draft *draft)
{
	struct config *config = draft->config;
	json_t *given = config->experiment;
	static const struct {
		const char *name;
		void (*read)(struct draft *draft, const char *pointer, json_t *value);
	} own[] = { { "trial_command", read_command }, { "trial_code_directory", read_code },
		{ "trial_gpus", read_gpu_number } };

	json_object_update(given, config->file.value);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		char pointer[64];
		json_t *value = json_object_get(given, own[i].name);
		snprintf(pointer, sizeof(pointer), "/%s", own[i].name);
		if (value && !json_is_null(value))
			own[i].read(draft, pointer, value);
		json_object_del(given, own[i].name);
	}
	const json_t *concurrency =
		json_object_get(json_object_get(given, "limits"), "concurrency");
	if (json_is_integer(concurrency) && json_integer_value(concurrency) > 0)
		config->concurrency = json_integer_value(concurrency);
	require(draft, "trial_command");
}

/* ---- both ---- */

bool config_read(struct config *out, const char *name)
{
	struct draft draft = { .config = out, .ok = true };
	char why[512];
	char *text = read_file(name);

	*out = (struct config){ .gpus_per_trial = -1, .concurrency = 1 };
	if (!text)
		return false;
	bool read = document_read(&out->file, name, text, why, sizeof(why));
	free(text);
	if (!read) {
		fprintf(stderr, "cairn: %s\n", why);
		return false;
	}
	out->experiment = json_object();
	resolve(&draft, "", ".", out->code);
	out->nni = !json_object_get(out->file.value, "search_space") &&
		   !json_object_get(out->file.value, "trial_command");
	if (!json_is_object(out->file.value))
		fault(&draft, "", "a configuration is a mapping");
	else if (out->nni)
		read_nni(&draft);
	else
		read_own(&draft);
	if (!draft.ok)
		config_release(out);
	return draft.ok;
}

void config_release(struct config *config)
{
	document_release(&config->file);
	document_release(&config->space);
	json_decref(config->experiment);
	free(config->command);
	*config = (struct config){ 0 };
}

/* Where the file has what the server calls pointer. */
static void print_place(const struct config *config, const char *pointer)
{
	char inside[DOCUMENT_POINTER];
	const struct document *file = &config->file;

	snprintf(inside, sizeof(inside), "%s", pointer);
	for (size_t i = 0; config->nni && i < sizeof(members) / sizeof(*members); i++) {
		const char *theirs = members[i].pointer;
		size_t n = theirs ? strlen(theirs) : 0;
		if (!theirs || strncmp(pointer, theirs, n) != 0 ||
			(pointer[n] && pointer[n] != '/') ||
			!json_object_get(file->value, members[i].name))
			continue;
		const char *rest = pointer + n;
		bool options = strncmp(rest, "/options", strlen("/options")) == 0;
		snprintf(inside, sizeof(inside), "/%s%s%s", members[i].name,
			options ? "/classArgs" : "", options ? rest + strlen("/options") : rest);
	}
	const char *space = "/search_space";
	if (config->space.value && strncmp(pointer, space, strlen(space)) == 0) {
		file = &config->space;
		snprintf(inside, sizeof(inside), "%s", pointer + strlen(space));
	}
	fprintf(stderr, "cairn: %s:%d: %s: ", file->name, document_line(file, inside),
		*inside ? inside + 1 : "it");
}

void config_complain(const struct config *config, const char *detail)
{
	const char *line = detail;
	bool placed = false;

	while (*line) {
		size_t n = strcspn(line, "\n");
		const char *colon = strstr(line, ": ");
		char pointer[DOCUMENT_POINTER] = "";
		if (strncmp(line, "  /", 3) == 0 && colon && colon < line + n &&
			(size_t)(colon - line) < sizeof(pointer)) {
			snprintf(pointer, sizeof(pointer), "%.*s", (int)(colon - line - 2),
				line + 2);
			print_place(config, pointer);
			fprintf(stderr, "%.*s\n", (int)(line + n - colon - 2), colon + 2);
			placed = true;
		}
		line += n + (line[n] == '\n');
	}
	if (!placed)
		fprintf(stderr, "cairn: %s: %s\n", config->file.name, detail);
}
