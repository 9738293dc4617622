/* Arguments of the cairn command. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define IMPATIENT_TRIES 3 /* people would rather know */

struct flag {
	const char *name;
	size_t offset; /* in struct options: of a const char *, or of a bool when value is NULL */
	const char *value, *help;
	bool everywhere; /* every verb takes it, and it may stand before the verb */
};

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

static const struct flag flags[] = {
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
	FLAG("name", name, "TEXT", "whose name holds the text"),
	FLAG("timeout", timeout, "SECONDS", "give up after that time"),
};

#define FLAGS (sizeof(flags) / sizeof(*flags))

/* ---- help ---- */

static bool takes(const struct verb *verb, const struct flag *flag)
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
	fprintf(out, "  --%-10s %-9s %s\n", flag->name, flag->value ? flag->value : "", flag->help);
}

static void print_usage(FILE *out)
{
	fprintf(out, "usage: cairn VERB [ARGUMENTS] [OPTIONS]\n\nverbs:\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		fprintf(out, "  %-9s %-24s %s\n", verb->name, verb->arguments, verb->help);
	fprintf(out, "\noptions of every verb:\n");
	for (size_t i = 0; i < FLAGS; i++) {
		if (i > 0 && flags[i - 1].everywhere && !flags[i].everywhere)
			fprintf(out, "\noptions of some, which cairn VERB --help lists:\n");
		print_flag(out, &flags[i]);
	}
	fprintf(out,
		"\nexit status: 0 done, 1 refused, 2 usage, 3 unreachable, 4 nothing more to do,"
		"\n5 nothing now\n");
}

static void print_verb(const struct verb *verb)
{
	printf("usage: cairn %s%s%s [OPTIONS]\n\n%s\n\noptions:\n", verb->name,
		verb->arguments[0] ? " " : "", verb->arguments, verb->help);
	for (size_t i = 0; i < FLAGS; i++) {
		if (takes(verb, &flags[i]))
			print_flag(stdout, &flags[i]);
	}
}

/* ---- reading ---- */

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	fprintf(stderr, "cairn: there is no verb %s; cairn --help lists them\n", name);
	return NULL;
}

static const struct flag *find_flag(const struct verb *verb, const char *name, size_t n)
{
	for (size_t i = 0; i < FLAGS; i++) {
		if (strlen(flags[i].name) == n && strncmp(flags[i].name, name, n) == 0)
			return takes(verb, &flags[i]) ? &flags[i] : NULL;
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

/* Fills the context. *verb stays NULL when there is none. */
static enum status read_words(struct context *context, const struct verb **verb, char **words)
{
	bool options = true;

	while (*words) {
		if (options && strcmp(*words, "--") == 0) {
			options = false;
			words++;
		} else if (options && strncmp(*words, "--", 2) == 0) {
			int n = read_option(&context->options, *verb, words);
			if (n == 0)
				return STATUS_USAGE;
			words += n;
		} else if (!*verb) {
			*verb = find_verb(*words++);
			if (!*verb)
				return STATUS_USAGE;
		} else if (context->n < (*verb)->most) {
			context->arguments[context->n++] = *words++;
		} else {
			fprintf(stderr, "cairn: %s %s: %s is too much\n", (*verb)->name,
				(*verb)->arguments, *words);
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

/* ---- running ---- */

/* NULL: the reason is printed. */
static char *read_token(const char *file)
{
	char *token = read_file(file);
	if (!token)
		return NULL;
	token[strcspn(token, "\r\n")] = '\0';
	if (token[0])
		return token;
	fprintf(stderr, "cairn: there is no token in %s\n", file);
	free(token);
	return NULL;
}

static enum status run(const struct verb *verb, struct context *context)
{
	struct cairn_options options = { .url = context->options.url };
	struct cairn_error error;
	char *token = NULL;

	if (!verb->patient && !getenv("CAIRN_TRIES"))
		options.tries = IMPATIENT_TRIES;
	if (context->options.token_file) {
		token = read_token(context->options.token_file);
		if (!token)
			return STATUS_USAGE;
		options.token = token;
	}
	int rc = cairn_open(&options, &context->cairn, &error);
	free(token);
	if (rc)
		return complain(&error);
	enum status status = verb->run(context);
	cairn_close(context->cairn);
	return status;
}

int main(int argc, char **argv)
{
	struct context context = { 0 };
	const struct verb *verb = NULL;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("cairn %s\n", CAIRN_VERSION);
		return STATUS_OK;
	}
	enum status status = read_words(&context, &verb, argv + 1);
	if (status == STATUS_OK && context.options.help) {
		if (verb)
			print_verb(verb);
		else
			print_usage(stdout);
	} else if (status == STATUS_OK && !verb) {
		print_usage(stderr);
		status = STATUS_USAGE;
	} else if (status == STATUS_OK) {
		status = check_arguments(&context, verb);
		if (status == STATUS_OK)
			status = run(verb, &context);
	}
	if (fflush(stdout) || ferror(stdout)) {
		perror("cairn: standard output");
		status = STATUS_USAGE;
	}
	return (int)status;
}
