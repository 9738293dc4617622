/* The words of a command line: options, verbs, arguments; and the help that lists them. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

#define FLAG(name_, member, value_, help_)                                                         \
	{                                                                                          \
		.name = name_, .offset = offsetof(struct options, member), .value = value_,        \
		.help = help_                                                                      \
	}
#define FLAG_EVERYWHERE(name_, member, value_, help_)                                              \
	{                                                                                          \
		.name = name_, .offset = offsetof(struct options, member), .value = value_,        \
		.help = help_, .everywhere = true                                                  \
	}

const struct flag flags[] = {
	FLAG_EVERYWHERE("url", url, "URL", "the server (CAIRN_URL, or http://127.0.0.1:8080)"),
	FLAG_EVERYWHERE("token-file", token_file, "FILE", "holds the token (else CAIRN_TOKEN)"),
	FLAG_EVERYWHERE("json", json, NULL, "print what the server answers, as JSON"),
	FLAG_EVERYWHERE("help", help, NULL, "this; after a verb, what the verb takes"),
	FLAG("count", count, "N", "how many trials to take (1)"),
	FLAG("worker", worker, "NAME", "who takes them (CAIRN_WORKER)"),
	FLAG("wait", wait, "DURATION", "how long to be held while there is nothing, as 10s"),
	FLAG("lease", lease, "DURATION", "how long a trial may be silent, as 5m"),
	FLAG("resume", resume, NULL, "the worker's running trials come first"),
	FLAG("step", step, "N", "the value is an intermediate one, of that step"),
	FLAG("attempt", attempt, "N", "of which attempt at the trial (the current one)"),
	FLAG("failed", failed, "MESSAGE", "the trial failed"),
	FLAG("status", status, "STATUS", "running, paused, stopped or done"),
	FLAG("name", name, "TEXT", "whose name holds it; clone: its name"),
	FLAG("timeout", timeout, "SECONDS", "give up after that time"),
	FLAG("slots", slots, "N", "how many trials to run at once (1)"),
	FLAG("command", command, "LINE", "the trial's command, for /bin/sh"),
	FLAG("code", code, "DIR", "where the command starts (the current directory)"),
	FLAG("own-dir", own_dir, NULL, "it starts in the trial's own directory instead"),
	FLAG("dir", dir, "DIR", "below it each trial gets a directory (CAIRN_DIR)"),
	FLAG("time-limit", time_limit, "DURATION", "how long a trial may run, then it failed"),
	FLAG("grace", grace, "DURATION", "between SIGTERM and SIGKILL (10s)"),
	FLAG("retries", retries, "N", "a trial that fails is given back for more attempts (0)"),
	FLAG("trials", trials, "N", "end after that many"),
	FLAG("max-failures", max_failures, "N",
		"end after so many failures in a row (20; 0: never)"),
	FLAG("gpus", gpus, "LIST", "indices to share out, as 0,1,2,3"),
	FLAG("gpus-per-trial", gpus_per_trial, "N", "how many of them a trial sees (1)"),
	FLAG("memory", memory, "SIZE", "address space of each of its processes, as 4gb"),
	FLAG("cpu-time", cpu_time, "DURATION", "processor time of each of its processes"),
	FLAG("file-size", file_size, "SIZE", "largest file that it may write"),
	FLAG("open-files", open_files, "N", "files that a process of it may have open"),
	FLAG("experiment", experiment, "ID", "go on with that one"),
	FLAG("checkpoint", checkpoint, "NAME", "what a later attempt can go on from"),
	FLAG("format", format, "FORMAT", "log (everything), or the trials as csv or ndjson"),
	FLAG("state", state, "STATE", "trials that are succeeded, failed, running, ..."),
	FLAG("sort", sort, "ORDER", "number, or best: the best first"),
	FLAG("follow", follow, NULL, "go on until the trial has ended"),
	FLAG("tail", tail, "BYTES", "only the end"),
	FLAG("space", space, "FILE", "search space whose defaults are meant without an agent"),
	{ 0 },
};

/* ---- help ---- */

bool flag_is_of(const struct verb *verb, const struct flag *flag)
{
	const char *at = verb ? verb->options : "";
	size_t n = strlen(flag->name);

	while ((at = strstr(at, flag->name))) {
		bool starts = at == verb->options || at[-1] == ' ';
		if (starts && (at[n] == ' ' || at[n] == '\0'))
			return true;
		at += n;
	}
	return flag->everywhere;
}

static void print_flag(FILE *out, const struct flag *flag)
{
	fprintf(out, "  --%-14s %-9s %s\n", flag->name, flag->value ? flag->value : "", flag->help);
}

void usage_print(FILE *out)
{
	fprintf(out, "usage: cairn VERB [ARGUMENTS] [OPTIONS]\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (verb->section)
			fprintf(out, "\n%s:\n", verb->section);
		fprintf(out, "  %-12s %-24s %s\n", verb->name, verb->arguments, verb->help);
	}
	fprintf(out, "\noptions of every verb:\n");
	for (const struct flag *flag = flags; flag->name; flag++) {
		if (flag > flags && flag[-1].everywhere && !flag->everywhere)
			fprintf(out, "\noptions of some, which cairn VERB --help lists:\n");
		print_flag(out, flag);
	}
	fprintf(out,
		"\nexit status: 0 done, 1 refused, 2 usage, 3 unreachable, 4 nothing more to do,"
		"\n5 nothing now, 6 interrupted\n");
}

void usage_print_verb(const struct verb *verb)
{
	printf("usage: cairn %s%s%s [OPTIONS]%s\n\n%s\n\noptions:\n", verb->name,
		verb->arguments[0] ? " " : "", verb->arguments, verb->rest ? " [-- WORDS...]" : "",
		verb->help);
	for (const struct flag *flag = flags; flag->name; flag++) {
		if (flag_is_of(verb, flag))
			print_flag(stdout, flag);
	}
}

/* ---- reading ---- */

/* How many words the verb's name is, if they begin with it; 0 otherwise. */
static int match(const struct verb *verb, char **words)
{
	size_t n = strlen(words[0]);

	if (strcmp(verb->name, words[0]) == 0)
		return 1;
	bool two = strncmp(verb->name, words[0], n) == 0 && verb->name[n] == ' ' && words[1] &&
		   strcmp(verb->name + n + 1, words[1]) == 0;
	return two ? 2 : 0;
}

/* How many words it took, 0: there is no such verb. */
static int read_verb(const struct verb **out, char **words)
{
	size_t length = strlen(words[0]);
	bool group = false;

	for (const struct verb *verb = verbs; verb->name; verb++) {
		int n = match(verb, words);
		if (n) {
			*out = verb;
			return n;
		}
		group = group ||
			(strncmp(verb->name, words[0], length) == 0 && verb->name[length] == ' ');
	}
	fprintf(stderr, "cairn: there is no verb %s%s%s; cairn --help lists them\n", words[0],
		group && words[1] ? " " : "", group && words[1] ? words[1] : "");
	return 0;
}

static const struct flag *find_flag(const struct verb *verb, const char *name, size_t n)
{
	for (const struct flag *flag = flags; flag->name; flag++) {
		if (strlen(flag->name) == n && strncmp(flag->name, name, n) == 0)
			return flag_is_of(verb, flag) ? flag : NULL;
	}
	return NULL;
}

/* One option, "--name value" or "--name=value": how many words it took, 0 when it is wrong. */
static int read_option(struct options *options, const struct verb *verb, char **words)
{
	const char *name = words[0] + 2, *equals = strchr(name, '=');
	const struct flag *flag =
		find_flag(verb, name, equals ? (size_t)(equals - name) : strlen(name));
	const char *value = equals ? equals + 1 : words[1];
	bool yes = true;

	if (!flag) {
		fprintf(stderr, "cairn: %s is no option %s%s\n", words[0],
			verb ? "of " : "that stands before the verb", verb ? verb->name : "");
		return 0;
	}
	if (!flag->value && equals) {
		fprintf(stderr, "cairn: --%s has no value\n", flag->name);
		return 0;
	}
	if (flag->value && !value) {
		fprintf(stderr, "cairn: --%s needs a %s\n", flag->name, flag->value);
		return 0;
	}
	char *member = (char *)options + flag->offset;
	if (flag->value)
		memcpy(member, &value, sizeof(value));
	else
		memcpy(member, &yes, sizeof(yes));
	return flag->value && !equals ? 2 : 1;
}

static bool is_id(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && *text != '_' && *text != '-')
			return false;
	}
	return true;
}

static enum status check_arguments(const struct context *context, const struct verb *verb)
{
	if (context->n < verb->least) {
		fprintf(stderr, "usage: cairn %s %s\n", verb->name, verb->arguments);
		return STATUS_USAGE;
	}
	if (strncmp(verb->arguments, "EXPERIMENT", strlen("EXPERIMENT")) == 0 &&
		!is_id(context->arguments[0])) {
		fprintf(stderr, "cairn: %s is no experiment's id\n", context->arguments[0]);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* One word of the line that is no option: a verb, or an argument. How many words it took. */
static int read_word(struct context *context, const struct verb **verb, char **words)
{
	if (!*verb)
		return read_verb(verb, words);
	if (context->n < (*verb)->most) {
		context->arguments[context->n++] = words[0];
		return 1;
	}
	fprintf(stderr, "cairn: %s %s: %s is too much%s\n", (*verb)->name, (*verb)->arguments,
		words[0], (*verb)->rest ? "; the command comes behind --" : "");
	return 0;
}

enum status arguments_read(struct context *context, const struct verb **verb, char **words)
{
	bool options = true;

	while (*words) {
		int n = 1;
		if (options && strcmp(*words, "--") == 0) {
			options = false;
			if (*verb && (*verb)->rest) {
				context->rest = words + 1;
				break;
			}
		} else if (options && strncmp(*words, "--", 2) == 0) {
			n = read_option(&context->options, *verb, words);
		} else {
			n = read_word(context, verb, words);
		}
		if (n == 0)
			return STATUS_USAGE;
		words += n;
	}
	return *verb && !context->options.help ? check_arguments(context, *verb) : STATUS_OK;
}
