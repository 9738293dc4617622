/*
 * The process put together: store, locks, engine, api, workers, HTTP, and the order in which they
 * come and go.
 */
#ifndef SERVICE_SERVER_H
#define SERVICE_SERVER_H

#include <stdbool.h>

#include "core/error.h"
#include "service/config.h"
#include "service/log.h"

struct server;
struct store;

/* Opens the database (waiting for it up to startup_timeout) and brings its schema up to date. */
int server_store_open(
	const struct config *config, struct log *log, struct store **out, struct error *err);

/* Everything, up to listening. config and log must outlive the server. */
int server_open(
	const struct config *config, struct log *log, struct server **out, struct error *err);

/* "http://127.0.0.1:8080"; NULL when the role does not listen. */
const char *server_address(const struct server *server);

/* Takes over what may change while running. */
void server_reload(struct server *server, const struct config *config);

/* From now on /readyz says no; nothing else changes. */
void server_leave(struct server *server);

/* Drains and closes everything: true. False: requests were still being worked on after
 * drain_timeout; the server is then still there, and the process should end without more ado. */
bool server_close(struct server *server);

#endif
