/* cairnd: command line, signals. What the process is made of is in server.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h> /* umask */
#include <unistd.h>

#include "api/api.h"
#include "service/config.h"
#include "service/log.h"
#include "service/manual.h"
#include "service/process.h"
#include "service/server.h"
#include "storage/store.h"

#define EXIT_USAGE 2
#define TEXT_MAX   (1u << 20)

struct command {
	int argc;
	char **argv;
	struct config config;
	char **words; /* what is not a setting */
	size_t n_words;
	struct log *log;
};

static int complain(const char *message)
{
	fprintf(stderr, "cairnd: %s\n", message);
	return EXIT_FAILURE;
}

static int print(void (*write_text)(struct buffer *out))
{
	struct buffer text;
	buffer_init(&text, TEXT_MAX);
	write_text(&text);
	int code = text.failed || fputs(buffer_text(&text), stdout) == EOF || fflush(stdout);
	buffer_release(&text);
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_config(const struct command *command)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAX);
	config_print(&command->config, &text);
	fputs(buffer_text(&text), stdout);
	buffer_release(&text);
	return EXIT_SUCCESS;
}

static enum log_level level_of(const struct config *config)
{
	enum log_level level = LOG_LEVEL_INFO;
	log_level_parse(config->log_level, &level);
	return level;
}

static enum log_format format_of(const struct config *config)
{
	return strcmp(config->log_format, "text") ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
}

static int log_start(struct command *command, struct error *err)
{
	const struct config *config = &command->config;
	return log_open(config->log_file, level_of(config), format_of(config), &command->log, err);
}

/* ---- cairnd ---- */

/* A faulty configuration changes nothing. */
static void reload(struct command *command, struct server *server)
{
	struct config fresh;
	struct error err;
	char **words = calloc((size_t)command->argc, sizeof(*words));
	size_t n_words;
	int code = words ? config_load(command->argc, command->argv, environ, &fresh, words,
				   &n_words, &err)
			 : fail(&err, CODE_NO_MEMORY, "no memory for the configuration");
	free(words);
	if (code) {
		log_message(command->log, LOG_LEVEL_ERROR, "not reloaded: %s", err.message);
		if (words)
			config_release(&fresh);
		return;
	}
	log_configure(command->log, level_of(&fresh), format_of(&fresh));
	if (log_reopen(command->log, &err))
		log_message(command->log, LOG_LEVEL_ERROR, "%s", err.message);
	server_reload(server, &fresh);
	config_release(&fresh);
	log_message(command->log, LOG_LEVEL_INFO, "configuration reloaded");
}

static void leave_at_once(int number)
{
	_exit(128 + number);
}

/* Blocked before any thread starts, so that only sigwait here sees them. */
static void signals_block(sigset_t *set)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void signals_impatient(void)
{
	struct sigaction action = { .sa_handler = leave_at_once };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void serve_until_signal(
	struct command *command, struct server *server, const sigset_t *signals)
{
	int number = 0;
	while (!sigwait(signals, &number) && number == SIGHUP)
		reload(command, server);
	log_message(command->log, LOG_LEVEL_INFO, "leaving after %s", strsignal(number));
}

static int serve(struct command *command)
{
	struct error err;
	struct server *server;
	sigset_t signals;
	signals_block(&signals);
	process_files_max();
	if (log_start(command, &err))
		return complain(err.message);
	if (server_open(&command->config, command->log, &server, &err)) {
		log_message(command->log, LOG_LEVEL_ERROR, "%s", err.message);
		return EXIT_FAILURE;
	}
	const char *address = server_address(server);
	if (address)
		printf("listening on %s\n", address);
	else
		printf("sweeping\n");
	fflush(stdout);
	log_message(command->log, LOG_LEVEL_INFO, "cairnd %s serves%s%s", CAIRN_VERSION,
		address ? " on " : "", address ? address : "");
	serve_until_signal(command, server, &signals);
	signals_impatient();
	if (server_close(server)) {
		log_message(command->log, LOG_LEVEL_INFO, "left in order");
		return EXIT_SUCCESS;
	}
	/* Threads are still at work on the database; whatever they have not committed will not have
	 * happened. */
	log_message(command->log, LOG_LEVEL_ERROR, "requests did not end within drain_timeout");
	_exit(EXIT_FAILURE);
}

/* ---- cairnd migrate, cairnd token create ---- */

static int with_store(struct command *command, struct store **store, struct error *err)
{
	int code = log_start(command, err);
	return code ? code : server_store_open(&command->config, command->log, store, err);
}

static int migrate(struct command *command)
{
	struct error err;
	struct store *store;
	if (command->n_words != 1)
		return complain("migrate takes no arguments but settings"), EXIT_USAGE;
	if (with_store(command, &store, &err))
		return complain(err.message);
	printf("schema %d\n", store_schema_latest());
	store_close(store);
	return EXIT_SUCCESS;
}

/* Flags of token create, from words[2] on. */
static bool token_flags(
	const struct command *command, bool *admin, const char **team, const char **name)
{
	for (size_t i = 2; i < command->n_words; i++) {
		const char *word = command->words[i];
		const char **value = !strncmp(word, "--team", 6)   ? team
				     : !strncmp(word, "--name", 6) ? name
								   : NULL;
		if (!strcmp(word, "--admin"))
			*admin = true;
		else if (value && word[6] == '=')
			*value = word + 7;
		else if (value && !word[6] && i + 1 < command->n_words)
			*value = command->words[++i];
		else
			return false;
	}
	return true;
}

static int token(struct command *command)
{
	struct error err;
	struct store *store;
	struct session *session;
	const char *team = NULL, *name = "command line";
	bool admin = false;
	char secret[API_SECRET_SIZE];
	if (command->n_words < 2 || strcmp(command->words[1], "create") ||
		!token_flags(command, &admin, &team, &name))
		return complain("usage: cairnd token create [--admin] [--team TEAM] [--name NAME]"),
		       EXIT_USAGE;
	if (with_store(command, &store, &err))
		return complain(err.message);
	int code = session_open(store, &session, &err);
	if (!code) {
		code = api_token_bootstrap(session, team, name, admin, NULL, secret, &err);
		session_close(session);
	}
	store_close(store);
	if (code)
		return complain(err.message);
	printf("%s\n", secret);
	explicit_bzero(secret, sizeof(secret));
	return EXIT_SUCCESS;
}

/* ---- the command line ---- */

static int run(struct command *command)
{
	const char *word = command->n_words ? command->words[0] : NULL;
	if (!word)
		return serve(command);
	if (!strcmp(word, "migrate"))
		return migrate(command);
	if (!strcmp(word, "token"))
		return token(command);
	if (!strcmp(word, "--print-config") && command->n_words == 1)
		return print_config(command);
	fprintf(stderr, "cairnd: there is no %s \"%s\"; see cairnd --help\n",
		*word == '-' ? "setting or flag" : "command", word);
	return EXIT_USAGE;
}

/* These work whatever the configuration is like. */
static bool is_given(int argc, char *const *argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	if (is_given(argc, argv, "--help"))
		return print(usage_write);
	if (is_given(argc, argv, "--print-man"))
		return print(manual_write);
	if (is_given(argc, argv, "--version")) {
		puts("cairnd " CAIRN_VERSION);
		return EXIT_SUCCESS;
	}
	umask(027); /* the database and the log are nobody else's */
	struct command command = { .argc = argc, .argv = argv };
	struct error err;
	command.words = calloc((size_t)argc + 1, sizeof(*command.words));
	int code = EXIT_USAGE;
	if (!command.words)
		complain("no memory");
	else if (config_load(argc, argv, environ, &command.config, command.words, &command.n_words,
			 &err))
		complain(err.message);
	else
		code = run(&command);
	config_release(&command.config);
	log_close(command.log);
	free(command.words);
	return code;
}
