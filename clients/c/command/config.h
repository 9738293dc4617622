/*
 * The file of cairn run: NNI's experiment configuration (version 2, for a local machine), or an
 * experiment as POST /v1/experiments takes it with trial_command, trial_code_directory and
 * trial_gpus beside. Either may be YAML or JSON.
 */
#ifndef CLIENTS_C_CONFIG_H
#define CLIENTS_C_CONFIG_H

#include "document.h"

#define CONFIG_PATH 4096

struct config {
	struct document file, space; /* space: of searchSpaceFile; no value: there is none */
	char space_name[CONFIG_PATH];
	json_t *experiment;	     /* for POST /v1/experiments */
	char *command;		     /* for /bin/sh */
	char code[CONFIG_PATH];	     /* where it starts */
	char directory[CONFIG_PATH]; /* experimentWorkingDirectory; "": not said */
	char gpus[1024];	     /* gpuIndices as "0,1"; "": not said */
	long long concurrency;
	long long gpus_per_trial; /* -1: not said */
	bool nni;
};

/* name: of the file, borrowed; paths in it are relative to its directory. False: everything that is
 * wrong is on standard error, each with its line. */
bool config_read(struct config *out, const char *name);
void config_release(struct config *config);

/* Prints what the server found wrong with the experiment ("\n  /pointer: message" for each), with
 * the lines of the file. */
void config_complain(const struct config *config, const char *detail);

#endif
