/* cairn server: the experiments that cairn run keeps, with a server for the other verbs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "local.h"

enum status run_server(struct context *context)
{
	struct agent_options options;
	char name[] = "true", *nothing[] = { name, NULL };
	size_t n = 0;

	if (!agent_configure(&options, &context->options, nothing))
		return STATUS_USAGE;
	while (context->rest && context->rest[n])
		n++;
	local_exec(options.directory, context->rest, n);
	return STATUS_UNREACHABLE;
}
