/*
 * Workers that do nothing but ask and tell: keep-alive connections, each suggests a trial and
 * observes its result, over and over. Two requests a pair. Usage: bench_loop PORT CLIENTS
 * EXPERIMENTS SECONDS [PAIRS] Prints requests per second, and the median and 99th percentile of a
 * request in microseconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
#define SAMPLES_MAX 100000
#define ANSWER_MAX  65536
#define ID_MAX	    64

struct client {
	pthread_t thread;
	int port, fd;
	const char *experiment;
	double until;
	long pairs_max;
	long pairs;
	size_t n;
	float *samples; /* microseconds of each request */
	bool failed;
};

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int connect_to(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("bench_loop");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* Sends a request and reads the whole answer; answer gets its body. */
static bool exchange(int fd, const char *path, const char *body, char *answer)
{
	char request[1024];
	int n = snprintf(request, sizeof(request),
		"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		path, strlen(body), body);
	if (write(fd, request, (size_t)n) != n)
		return false;
	static _Thread_local char head[ANSWER_MAX];
	size_t have = 0;
	char *end = NULL;
	while (!end && have < sizeof(head) - 1) {
		ssize_t got = read(fd, head + have, sizeof(head) - 1 - have);
		if (got <= 0)
			return false;
		have += (size_t)got;
		head[have] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	const char *length = end ? strcasestr(head, "content-length:") : NULL;
	if (!length)
		return false;
	size_t size = strtoul(length + 15, NULL, 10), start = (size_t)(end + 4 - head);
	while (have - start < size && have < sizeof(head) - 1) {
		ssize_t got = read(fd, head + have, sizeof(head) - 1 - have);
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	memcpy(answer, head + start, size);
	answer[size] = '\0';
	return strncmp(head, "HTTP/1.1 2", 10) == 0;
}

static bool timed(struct client *client, const char *path, const char *body, char *answer)
{
	double started = now_s();
	bool ok = exchange(client->fd, path, body, answer);
	if (client->n < SAMPLES_MAX)
		client->samples[client->n++] = (float)((now_s() - started) * 1e6);
	return ok;
}

static void *run(void *context)
{
	struct client *client = context;
	char suggest[128], observe[128], body[128];
	static _Thread_local char answer[ANSWER_MAX];

	snprintf(suggest, sizeof(suggest), "/v1/experiments/%s/suggest", client->experiment);
	snprintf(observe, sizeof(observe), "/v1/experiments/%s/observe", client->experiment);
	while (client->pairs_max ? client->pairs < client->pairs_max : now_s() < client->until) {
		const char *trial;
		if (!timed(client, suggest, "{}", answer) ||
			!(trial = strstr(answer, "\"trial\":"))) {
			fprintf(stderr, "suggest: %s\n", answer);
			client->failed = true;
			return NULL;
		}
		snprintf(body, sizeof(body), "{\"trial\":%ld,\"value\":0.5,\"final\":true}",
			strtol(trial + 8, NULL, 10));
		if (!timed(client, observe, body, answer)) {
			fprintf(stderr, "observe: %s\n", answer);
			client->failed = true;
			return NULL;
		}
		client->pairs++;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void create(int port, char id[ID_MAX])
{
	static char answer[ANSWER_MAX];
	int fd = connect_to(port);
	bool ok = exchange(fd, "/v1/experiments",
		"{\"name\":\"bench\",\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,"
		"1]},"
		"\"y\":{\"_type\":\"uniform\",\"_value\":[0,1]}},\"tuner\":{\"name\":\"random\"}}",
		answer);
	const char *at = ok ? strstr(answer, "\"id\":\"") : NULL;
	if (!at) {
		fprintf(stderr, "create: %s\n", answer);
		exit(1);
	}
	snprintf(id, ID_MAX, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
	close(fd);
}

static void print_result(struct client *clients, int n, double seconds)
{
	size_t total = 0, at = 0;
	long pairs = 0;
	for (int i = 0; i < n; i++) {
		total += clients[i].n;
		pairs += clients[i].pairs;
	}
	float *all = malloc((total + 1) * sizeof(*all));
	if (!all || total == 0)
		exit(1);
	for (int i = 0; i < n; i++) {
		memcpy(all + at, clients[i].samples, clients[i].n * sizeof(*all));
		at += clients[i].n;
	}
	qsort(all, total, sizeof(*all), compare);
	printf("%.0f %.0f %.0f\n", 2.0 * (double)pairs / seconds, (double)all[total / 2],
		(double)all[total - 1 - total / 100]);
	free(all);
}

int main(int argc, char **argv)
{
	static struct client clients[CLIENTS_MAX];
	static char ids[CLIENTS_MAX][ID_MAX];

	if (argc < 5) {
		fprintf(stderr, "usage: bench_loop PORT CLIENTS EXPERIMENTS SECONDS [PAIRS]\n");
		return 2;
	}
	int port = (int)strtol(argv[1], NULL, 10), n = (int)strtol(argv[2], NULL, 10);
	int experiments = (int)strtol(argv[3], NULL, 10);
	double seconds = strtod(argv[4], NULL);
	if (n < 1 || n > CLIENTS_MAX || experiments < 1 || experiments > CLIENTS_MAX)
		return 2;
	for (int i = 0; i < experiments; i++)
		create(port, ids[i]);
	double started = now_s();
	for (int i = 0; i < n; i++) {
		clients[i] = (struct client){ .port = port,
			.fd = connect_to(port),
			.experiment = ids[i % experiments],
			.until = started + seconds,
			.pairs_max = argc > 5 ? strtol(argv[5], NULL, 10) / n : 0,
			.samples = malloc(SAMPLES_MAX * sizeof(float)) };
		if (!clients[i].samples ||
			pthread_create(&clients[i].thread, NULL, run, &clients[i]))
			return 1;
	}
	bool failed = false;
	for (int i = 0; i < n; i++) {
		pthread_join(clients[i].thread, NULL);
		failed = failed || clients[i].failed;
	}
	print_result(clients, n, now_s() - started);
	return failed;
}
