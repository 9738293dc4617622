/* cairn run: an experiment from a file, from the server to the best trial. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "config.h"
#include "local.h"

#define ID_SIZE	   32
#define LOOK_MS	   1000
#define TIMEOUT_MS 5000
#define CELL	   64

struct run {
	struct context *context;
	struct config config;
	struct options options; /* the command line's, completed by the file */
	struct agent_options agent_options;
	struct agent agent;
	struct local local;
	bool own_server, live;	       /* live: the terminal shows a line that changes */
	struct cairn *cairn, *looking; /* looking: tries once, so as not to hold up signals */
	char experiment[ID_SIZE];
	int64_t looked_ms;
	long long best; /* the trial; -1: none */
	char slots[24], gpus_per_trial[24];
};

/* ---- what the file says beside the experiment ---- */

static bool complete_options(struct run *run, char **shell)
{
	const struct config *config = &run->config;
	struct options *options = &run->options;

	*options = run->context->options;
	snprintf(run->slots, sizeof(run->slots), "%lld", config->concurrency);
	snprintf(run->gpus_per_trial, sizeof(run->gpus_per_trial), "%lld", config->gpus_per_trial);
	options->slots = options->slots ? options->slots : run->slots;
	if (!options->own_dir && !options->code)
		options->code = config->code;
	if (!options->dir && config->directory[0])
		options->dir = config->directory;
	if (!options->gpus && config->gpus[0])
		options->gpus = config->gpus;
	if (options->gpus && !options->gpus_per_trial && config->gpus_per_trial >= 0)
		options->gpus_per_trial = run->gpus_per_trial;
	shell[2] = config->command;
	if (!agent_configure(&run->agent_options, options, shell))
		return false;
	/* What NNI does: trials that want no GPU see none. */
	if (!options->gpus && config->gpus_per_trial == 0)
		run->agent_options.gpus_per_trial = 0;
	return true;
}

/* ---- the server ---- */

static enum status open_clients(struct run *run)
{
	struct cairn_options once = run->context->client;
	struct cairn_error error;

	once.tries = 1;
	once.timeout_ms = TIMEOUT_MS;
	if (cairn_open(&run->context->client, &run->cairn, &error) ||
		cairn_open(&once, &run->looking, &error))
		return complain(&error);
	return STATUS_OK;
}

static enum status find_server(struct run *run)
{
	struct cairn_options *client = &run->context->client;
	const char *from_environment = getenv("CAIRN_URL");

	run->own_server = !client->url && !(from_environment && *from_environment);
	if (run->own_server && !local_start(&run->local, run->agent_options.directory))
		return STATUS_UNREACHABLE;
	if (run->own_server)
		client->url = run->local.url;
	else if (!client->url)
		client->url = from_environment;
	return open_clients(run);
}

static enum status create(struct run *run)
{
	struct cairn_error error = { 0 };
	char *text = json_dumps(run->config.experiment, JSON_COMPACT | JSON_REAL_PRECISION(17));
	int rc = text ? cairn_create(run->cairn, text, run->experiment, ID_SIZE, &error)
		      : CAIRN_NO_MEMORY;

	free(text);
	if (rc == CAIRN_REFUSED && error.status == 422) {
		config_complain(&run->config, error.detail);
		return STATUS_USAGE;
	}
	return rc ? complain(&error) : STATUS_OK;
}

/* An experiment that is there already goes on. */
static enum status go_on(struct run *run, const char *id)
{
	struct context context = { .cairn = run->cairn };
	enum status status;

	if (strlen(id) >= ID_SIZE ||
		id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789_-")]) {
		fprintf(stderr, "cairn: %s is no experiment's id\n", id);
		return STATUS_USAGE;
	}
	snprintf(run->experiment, sizeof(run->experiment), "%s", id);
	json_t *experiment = ask(&context, "GET", NULL, &status, "/v1/experiments/%s", id);
	const char *now = json_string_value(json_object_get(experiment, "status"));
	bool rests = now && (strcmp(now, "paused") == 0 || strcmp(now, "stopped") == 0);
	json_decref(experiment);
	if (rests)
		json_decref(ask(&context, "POST", NULL, &status, "/v1/experiments/%s/resume", id));
	return status;
}

/* ---- progress ---- */

static json_t *look(struct run *run)
{
	char path[64 + ID_SIZE], *text;

	snprintf(path, sizeof(path), "/v1/experiments/%s", run->experiment);
	if (cairn_request(run->looking, "GET", path, NULL, &text, NULL))
		return NULL;
	json_t *experiment = json_loads(text, 0, NULL);
	free(text);
	return experiment;
}

static void print_news(struct run *run, const json_t *experiment)
{
	const json_t *best = json_object_get(experiment, "best");
	const json_t *trial = json_object_get(best, "trial");
	char value[CELL];
	bool better = json_is_integer(trial) && json_integer_value(trial) != run->best;

	if (better)
		run->best = json_integer_value(trial);
	if (run->live)
		print_progress(stderr, experiment, true);
	else if (better)
		fprintf(stderr, "cairn: trial %lld: %s\n", run->best,
			show(best, "value", value, sizeof(value)));
}

static void on_tick(void *context)
{
	struct run *run = context;
	int64_t now = clock_ms();

	if (now - run->looked_ms < LOOK_MS)
		return;
	run->looked_ms = now;
	if (run->own_server && !local_keep(&run->local)) {
		fprintf(stderr, "cairn: the server ends again and again; %s/cairnd.log says why\n",
			run->local.directory);
		agent_close(&run->agent, STATUS_UNREACHABLE);
		return;
	}
	json_t *experiment = look(run);
	if (experiment)
		print_news(run, experiment);
	json_decref(experiment);
}

/* ---- the end ---- */

static void print_best(const json_t *experiment, const json_t *best)
{
	char value[CELL], number[CELL], parameters[4096];

	printf("%s, %lld trials\n", show(experiment, "status", value, sizeof(value)),
		(long long)json_integer_value(
			json_object_get(json_object_get(experiment, "counts"), "handed_out")));
	if (json_is_object(best))
		printf("best %s (trial %s): %s\n", show(best, "value", value, sizeof(value)),
			show(best, "trial", number, sizeof(number)),
			show(best, "parameters", parameters, sizeof(parameters)));
	else
		printf("no trial has succeeded\n");
}

/* STATUS_REFUSED when there is no best. */
static enum status print_end(struct run *run)
{
	struct context context = { .cairn = run->cairn };
	enum status status;
	json_t *experiment =
		ask(&context, "GET", NULL, &status, "/v1/experiments/%s", run->experiment);
	json_t *top = experiment ? ask(&context, "GET", NULL, &status,
					   "/v1/experiments/%s/best?top=1", run->experiment)
				 : NULL;
	json_t *best = json_array_get(json_object_get(top, "items"), 0);

	if (run->live)
		fputs("\r\033[K", stderr);
	if (top && run->options.json) {
		json_t *both = json_pack("{s:O, s:O?}", "experiment", experiment, "best", best);
		print_json(both);
		json_decref(both);
	} else if (top) {
		print_best(experiment, best);
	}
	status = top && !best ? STATUS_REFUSED : status;
	json_decref(experiment);
	json_decref(top);
	return status;
}

static enum status run_experiment(struct run *run)
{
	const char *id = run->options.experiment;
	enum status status = find_server(run);
	bool interrupted = false;

	if (status == STATUS_OK)
		status = id ? go_on(run, id) : create(run);
	if (status != STATUS_OK)
		return status;
	fprintf(stderr, "cairn: experiment %s on %s\n", run->experiment, run->context->client.url);
	run->agent = (struct agent){ .options = &run->agent_options,
		.client = &run->context->client,
		.experiment = run->experiment };
	enum status agent = agent_run(&run->agent, on_tick, run, &interrupted);
	if (interrupted)
		fprintf(stderr, "%scairn: go on with: cairn run %s --experiment %s\n",
			run->live ? "\r\033[K" : "", run->config.file.name, run->experiment);
	status = print_end(run);
	if (interrupted)
		return STATUS_INTERRUPTED;
	return agent != STATUS_OK ? agent : status;
}

enum status run_run(struct context *context)
{
	char name[] = "/bin/sh", flag[] = "-c";
	char *shell[] = { name, flag, NULL, NULL };
	struct run *run = calloc(1, sizeof(*run));
	enum status status = STATUS_USAGE;

	if (!run)
		return STATUS_USAGE;
	run->context = context;
	run->best = -1;
	run->live = isatty(STDERR_FILENO);
	run->local = (struct local){ .lock = -1, .output = -1 };
	if (config_read(&run->config, context->arguments[0])) {
		/* Before there is any thread, the server's child included. */
		agent_block_signals();
		if (complete_options(run, shell))
			status = run_experiment(run);
		cairn_close(run->looking);
		cairn_close(run->cairn);
		local_stop(&run->local);
		config_release(&run->config);
	}
	free(run);
	return status;
}
