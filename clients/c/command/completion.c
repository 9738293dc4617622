/* Completion for shells, out of the tables that read the command line. */
#include <stdio.h>
#include <string.h>

#include "command.h"

static void print_flags(const struct verb *verb)
{
	for (const struct flag *flag = flags; flag->name; flag++) {
		if (flag_is_of(verb, flag))
			printf(" --%s", flag->name);
	}
}

/* The second words behind a first one: "get report final". */
static void print_second(const char *group, size_t n)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strncmp(verb->name, group, n) == 0 && verb->name[n] == ' ')
			printf(" %s", verb->name + n + 1);
	}
}

/* Is it the first verb of its group, or none of a group? */
static bool is_first(const struct verb *verb)
{
	size_t n = strcspn(verb->name, " ");
	for (const struct verb *earlier = verbs; earlier != verb; earlier++) {
		if (strncmp(earlier->name, verb->name, n) == 0 &&
			(earlier->name[n] == ' ' || earlier->name[n] == '\0'))
			return false;
	}
	return true;
}

static void print_bash(void)
{
	printf("# bash completion of cairn: eval \"$(cairn completion bash)\"\n"
	       "_cairn() {\n"
	       "\tlocal words='' word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} i\n"
	       "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	       "\t\t[ \"${COMP_WORDS[i]}\" != -- ] || return\n"
	       "\tdone\n"
	       "\tcase $COMP_CWORD:$verb in\n"
	       "\t1:*) words='");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (is_first(verb))
			printf("%.*s ", (int)strcspn(verb->name, " "), verb->name);
	}
	printf("--help --version' ;;\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		size_t n = strcspn(verb->name, " ");
		if (verb->name[n] && is_first(verb)) {
			printf("\t2:%.*s) words='", (int)n, verb->name);
			print_second(verb->name, n);
			printf("' ;;\n");
		}
	}
	printf("\t*:*)\n"
	       "\t\t[ \"${word#-}\" != \"$word\" ] || return\n"
	       "\t\tcase \"$verb ${COMP_WORDS[2]}\" in\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		printf("\t\t'%s'%s) words='", verb->name, strchr(verb->name, ' ') ? "" : "\\ *");
		print_flags(verb);
		printf("' ;;\n");
	}
	printf("\t\tesac ;;\n"
	       "\tesac\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	       "}\n"
	       "complete -o default -F _cairn cairn\n");
}

/* In single quotes, with ":" for _describe. */
static void print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\''");
		else if (*text == ':')
			printf("\\:");
		else
			putchar(*text);
	}
}

static void print_zsh(void)
{
	printf("#compdef cairn\n"
	       "# zsh completion of cairn: eval \"$(cairn completion zsh)\"\n"
	       "_cairn() {\n"
	       "\tlocal -a verbs\n"
	       "\tverbs=(\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		size_t n = strcspn(verb->name, " ");
		if (!is_first(verb))
			continue;
		printf("\t\t'%.*s:", (int)n, verb->name);
		print_quoted(verb->name[n] ? "a trial" : verb->help);
		printf("'\n");
	}
	printf("\t)\n"
	       "\tif ((CURRENT == 2)); then\n"
	       "\t\t_describe verb verbs\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tcase \"$CURRENT:$words[2]\" in\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		size_t n = strcspn(verb->name, " ");
		if (!verb->name[n] || !is_first(verb))
			continue;
		printf("\t3:%.*s) compadd --", (int)n, verb->name);
		print_second(verb->name, n);
		printf("; return ;;\n");
	}
	printf("\tesac\n"
	       "\tif [[ $PREFIX != -* ]]; then\n"
	       "\t\t_files\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tcase \"$words[2] $words[3]\" in\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		printf("\t'%s'%s) compadd --", verb->name, strchr(verb->name, ' ') ? "" : "\\ *");
		print_flags(verb);
		printf(" ;;\n");
	}
	printf("\tesac\n"
	       "}\n"
	       "compdef _cairn cairn\n");
}

enum status run_completion(struct context *context)
{
	if (strcmp(context->arguments[0], "bash") == 0) {
		print_bash();
	} else if (strcmp(context->arguments[0], "zsh") == 0) {
		print_zsh();
	} else {
		fprintf(stderr, "cairn: there is completion for bash and zsh, not for %s\n",
			context->arguments[0]);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}
