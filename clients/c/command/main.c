/* Arguments of the cairn command. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

struct flag {
	const char *name;
	size_t offset; /* of a const char * in struct options */
	const char *value, *help;
};

#define FLAG(member, value_, help_)                                                                \
	{                                                                                          \
		.name = #member, .offset = offsetof(struct options, member), .value = value_,      \
		.help = help_                                                                      \
	}

static const struct flag flags[] = {
	FLAG(count, "N", "how many trials to take (1)"),
	FLAG(worker, "NAME", "who takes them"),
	FLAG(wait, "DURATION", "how long to be held while there is nothing, as 10s (30s at most)"),
	FLAG(lease, "DURATION", "how long the trial may be silent, as 5m"),
	FLAG(step, "N", "the value is an intermediate one, at that step"),
	FLAG(failed, "MESSAGE", "the trial failed"),
	FLAG(status, "STATUS", "running, paused, stopped or done"),
	FLAG(name, "TEXT", "experiments whose name holds the text"),
	FLAG(timeout, "SECONDS", "give up after that time (exit status 5)"),
};

static const char *url, *token_file;

static void usage(FILE *out)
{
	fprintf(out, "usage: cairn [--url URL] [--token-file FILE] VERB [ARGUMENTS] [OPTIONS]\n\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		fprintf(out, "  %-8s %-26s %s\n", verb->name, verb->arguments, verb->help);
	fprintf(out, "\noptions:\n  --json                 answers as JSON\n");
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		fprintf(out, "  --%-8s %-11s %s\n", flags[i].name, flags[i].value, flags[i].help);
	fprintf(out, "\nThe server is --url or CAIRN_URL (http://127.0.0.1:8080); the token is the "
		     "content of "
		     "--token-file,\nor CAIRN_TOKEN.\nexit status: 0 done, 1 refused, 2 usage, 3 "
		     "unreachable, "
		     "4 nothing more to do, 5 nothing now.\n");
}

static bool takes(const struct verb *verb, const char *name)
{
	const char *at = verb->options;
	size_t n = strlen(name);
	while ((at = strstr(at, name))) {
		bool starts = at == verb->options || at[-1] == ' ';
		if (starts && (at[n] == ' ' || at[n] == '\0'))
			return true;
		at += n;
	}
	return false;
}

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	fprintf(stderr, "cairn: there is no verb %s; cairn --help lists them\n", name);
	return NULL;
}

/* One option of a verb, "--name value" or "--name=value": how many words it took, 0 when it is
 * wrong. */
static int read_option(struct context *context, const struct verb *verb, char **words)
{
	const char *name = words[0] + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);

	if (strcmp(name, "json") == 0) {
		context->options.json = true;
		return 1;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (strlen(flags[i].name) != n || strncmp(flags[i].name, name, n) != 0)
			continue;
		if (!takes(verb, flags[i].name))
			break;
		const char *value = equals ? equals + 1 : words[1];
		if (!value) {
			fprintf(stderr, "cairn: --%s needs a %s\n", flags[i].name, flags[i].value);
			return 0;
		}
		memcpy((char *)&context->options + flags[i].offset, &value, sizeof(value));
		return equals ? 1 : 2;
	}
	fprintf(stderr, "cairn: %s does not take %s\n", verb->name, words[0]);
	return 0;
}

static enum status read_words(struct context *context, const struct verb *verb, char **words)
{
	bool options = true;
	while (*words) {
		if (options && strcmp(*words, "--") == 0) {
			options = false;
			words++;
		} else if (options && strncmp(*words, "--", 2) == 0) {
			int n = read_option(context, verb, words);
			if (n == 0)
				return STATUS_USAGE;
			words += n;
		} else if (context->n < verb->most) {
			context->arguments[context->n++] = *words++;
		} else {
			fprintf(stderr, "cairn: %s %s: %s is too much\n", verb->name,
				verb->arguments, *words);
			return STATUS_USAGE;
		}
	}
	if (context->n < verb->least) {
		fprintf(stderr, "usage: cairn %s %s\n", verb->name, verb->arguments);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* The options before the verb. NULL: there is nothing to run, and *status says how to end. */
static char **read_globals(char **words, enum status *status)
{
	for (words++; *words && strncmp(*words, "--", 2) == 0; words++) {
		const char **target = NULL;
		if (strcmp(*words, "--version") == 0) {
			printf("cairn %s\n", CAIRN_VERSION);
			*status = STATUS_OK;
			return NULL;
		}
		if (strcmp(*words, "--help") == 0) {
			usage(stdout);
			*status = STATUS_OK;
			return NULL;
		}
		if (strcmp(*words, "--url") == 0)
			target = &url;
		else if (strcmp(*words, "--token-file") == 0)
			target = &token_file;
		if (!target || !words[1]) {
			fprintf(stderr, "cairn: %s is not an option, or lacks its value\n", *words);
			*status = STATUS_USAGE;
			return NULL;
		}
		*target = *++words;
	}
	if (!*words) {
		usage(stderr);
		*status = STATUS_USAGE;
		return NULL;
	}
	return words;
}

static enum status run(const struct verb *verb, struct context *context)
{
	struct cairn_options options = { .url = url };
	struct cairn_error error;
	char *token = NULL;

	if (token_file) {
		token = read_file(token_file);
		if (!token)
			return STATUS_USAGE;
		token[strcspn(token, "\r\n")] = '\0';
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
	enum status status;

	(void)argc;
	char **words = read_globals(argv, &status);
	if (!words)
		return (int)status;
	const struct verb *verb = find_verb(*words);
	if (!verb)
		return STATUS_USAGE;
	status = read_words(&context, verb, words + 1);
	if (status == STATUS_OK)
		status = run(verb, &context);
	return (int)status;
}
