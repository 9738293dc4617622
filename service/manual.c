#include "service/manual.h"

#include <stddef.h>

#include "service/config.h"

struct command {
	const char *synopsis;
	const char *help;
};

static const struct command commands[] = {
	{ "[SETTINGS]", "Serve until SIGTERM or SIGINT." },
	{ "migrate [SETTINGS]", "Bring the database to this program's schema and leave." },
	{ "token create [--admin] [--team TEAM] [--name NAME] [SETTINGS]",
		"Make a token of all scopes and print its secret, this once. With --admin it may "
		"also manage teams." },
	{ "--print-config [SETTINGS]",
		"Print the settings in force and where each came from, and leave. Passwords are "
		"masked." },
	{ "--print-man", "Print this manual page." },
	{ "--help", "Print a summary." },
	{ "--version", "Print the version." },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char description[] =
	"cairnd answers the Cairn HTTP interface: clients create experiments, ask for trials, and "
	"report what came of them. Its state is in the database; several cairnd on one PostgreSQL "
	"are one service.\n"
	".PP\n"
	"A setting is taken from its default, then from the file that\n"
	".B \\-\\-config\n"
	"or\n"
	".B CAIRN_CONFIG\n"
	"names, then from the environment, then from the flags; the last one wins. The file has "
	"lines\n"
	".IR \"name = value\" ;\n"
	"a # starts a comment. In the environment the name is in capitals after CAIRN_, as in\n"
	".BR CAIRN_LOG_LEVEL .\n"
	"Times are written 500ms, 30s, 5m or 1h, sizes 64KiB, 512MiB or 1GiB.\n";

static const char rest[] =
	".SH SIGNALS\n"
	".TP\n.B SIGTERM, SIGINT\n"
	"Leave in order: /readyz answers 503, after drain_delay no connection is accepted, "
	"requests "
	"that have begun end within drain_timeout. A second one ends the process at once.\n"
	".TP\n.B SIGHUP\n"
	"Read the configuration again, take over the settings marked reloadable, and open log_file "
	"again. A faulty configuration is reported and changes nothing.\n"
	".SH EXIT STATUS\n"
	".TP\n.B 0\nAfter an orderly end.\n"
	".TP\n.B 1\nThe database, the address or another resource was not to be had, or requests "
	"did not end within drain_timeout.\n"
	".TP\n.B 2\nThe command line or the configuration is wrong.\n"
	".SH NOTES\n"
	"What has been answered is in the database; the process may be killed at any time.\n"
	".PP\n"
	"Without any token the server answers requests from this machine only.\n";

/* Text for troff: a leading . or ' and every backslash and dash must be escaped. */
static void roff(struct buffer *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buffer_add_text(out, "\\&");
	for (; *text; text++) {
		if (*text == '-' || *text == '\\')
			buffer_add_char(out, '\\');
		buffer_add_char(out, *text);
	}
}

static void flag(struct buffer *out, const char *name)
{
	buffer_add_text(out, "\\-\\-");
	for (; *name; name++) {
		if (*name == '_')
			buffer_add_char(out, '\\');
		buffer_add_char(out, *name == '_' ? '-' : *name);
	}
}

static void settings_write(struct buffer *out)
{
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		buffer_add_text(out, ".TP\n.B ");
		flag(out, setting->name);
		buffer_add_char(out, ' ');
		roff(out, setting->choices ? setting->choices : setting->value);
		buffer_add_char(out, '\n');
		roff(out, setting->help);
		if (*setting->fallback) {
			buffer_add_text(out, " Default: ");
			roff(out, setting->fallback);
			buffer_add_char(out, '.');
		}
		if (setting->flags & SETTING_RELOAD)
			buffer_add_text(out, " Reloadable.");
		buffer_add_char(out, '\n');
	}
}

void manual_write(struct buffer *out)
{
	buffer_add_text(out, ".\\\" Written by cairnd --print-man; change service/config.c or "
			     "service/manual.c instead.\n"
			     ".TH CAIRND 8 \"\" \"Cairn " CAIRN_VERSION "\"\n"
			     ".SH NAME\ncairnd \\- optimization as a service\n.SH SYNOPSIS\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		buffer_add_text(out, i ? ".br\n.B cairnd\n" : ".B cairnd\n");
		roff(out, commands[i].synopsis);
		buffer_add_char(out, '\n');
	}
	buffer_add_text(out, ".SH DESCRIPTION\n");
	buffer_add_text(out, description);
	buffer_add_text(out, ".SH COMMANDS\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		buffer_add_text(out, ".TP\n.B cairnd ");
		roff(out, commands[i].synopsis);
		buffer_add_char(out, '\n');
		roff(out, commands[i].help);
		buffer_add_char(out, '\n');
	}
	buffer_add_text(out, ".SH SETTINGS\n");
	settings_write(out);
	buffer_add_text(out, rest);
}

void usage_write(struct buffer *out)
{
	buffer_add_text(out, "cairnd " CAIRN_VERSION ": optimization as a service\n\nUsage:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		buffer_printf(
			out, "  cairnd %s\n        %s\n", commands[i].synopsis, commands[i].help);
	buffer_add_text(out, "\nSettings (also CAIRN_NAME in the environment, and \"name = value\" "
			     "in --config FILE):\n");
	config_help(out);
}
