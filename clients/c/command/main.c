/* Running a verb of the cairn command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define IMPATIENT_TRIES 3 /* people would rather know */

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

/* With a client, unless the verb opens its own. */
static enum status run_with_client(const struct verb *verb, struct context *context)
{
	struct cairn_error error;

	if (verb->alone)
		return verb->run(context);
	if (cairn_open(&context->client, &context->cairn, &error))
		return complain(&error);
	enum status status = verb->run(context);
	cairn_close(context->cairn);
	return status;
}

static enum status run(const struct verb *verb, struct context *context)
{
	char *token = NULL;

	context->client.url = context->options.url;
	if (!verb->patient && !getenv("CAIRN_TRIES"))
		context->client.tries = IMPATIENT_TRIES;
	if (context->options.token_file) {
		token = read_token(context->options.token_file);
		if (!token)
			return STATUS_USAGE;
		context->client.token = token;
	}
	enum status status = run_with_client(verb, context);
	free(token);
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
	enum status status = arguments_read(&context, &verb, argv + 1);
	if (status == STATUS_OK && context.options.help) {
		if (verb)
			usage_print_verb(verb);
		else
			usage_print(stdout);
	} else if (status == STATUS_OK && !verb) {
		usage_print(stderr);
		status = STATUS_USAGE;
	} else if (status == STATUS_OK) {
		status = run(verb, &context);
	}
	if (fflush(stdout) || ferror(stdout)) {
		perror("cairn: standard output");
		status = STATUS_USAGE;
	}
	return (int)status;
}
