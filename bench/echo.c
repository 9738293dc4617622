/* The least that libmicrohttpd can do: a fixed answer from an epoll thread pool. What /healthz is
 * measured against. Usage: bench_echo PORT THREADS; runs until a signal. */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	static char body[] = "{\"status\":\"ok\"}";
	static int seen;

	(void)context, (void)url, (void)method, (void)version, (void)data;
	if (!*state) { /* headers only: MHD calls again when the request is complete */
		*state = &seen;
		return MHD_YES;
	}
	*size = 0;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	enum MHD_Result rc = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bench_echo PORT THREADS\n");
		return 2;
	}
	sigset_t set;
	int got;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD,
		(uint16_t)strtoul(argv[1], NULL, 10), NULL, NULL, answer, NULL,
		threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads,
		MHD_OPTION_END);
	if (!daemon) {
		perror("bench_echo");
		return 1;
	}
	sigwait(&set, &got);
	MHD_stop_daemon(daemon);
	return 0;
}
