#include "storage/lease_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static const struct lease_ops *ops_of(const char *url)
{
	if (!url || !*url)
		return &lease_local;
#ifdef CAIRN_REDIS
	if (!strncmp(url, "redis://", 8) || !strncmp(url, "redis+unix://", 13))
		return &lease_redis;
#endif
	return NULL;
}

int lease_service_open(const char *url, struct lease_service **out, struct error *err)
{
	const struct lease_ops *ops = ops_of(url);
	if (!ops) /* without the URL: it may hold a password */
		return fail(err, CODE_INVALID,
			"the lease service URL must start with redis:// or redis+unix:// "
			"(where built in)");
	int rc = ops->open(url, out, err);
	if (!rc)
		(*out)->ops = ops;
	return rc;
}

void lease_service_close(struct lease_service *service)
{
	if (service)
		service->ops->close(service);
}

int lease_begin(struct lease *lease, const char *name, struct error *err)
{
	unsigned char random[16];
	*lease = (struct lease){ .held = false };
	if (strlen(name) >= sizeof(lease->name))
		return fail(err, CODE_TOO_LARGE, "the lease name %s is too long", name);
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return fail(err, CODE_UNAVAILABLE, "the kernel has no random numbers");
	memcpy(lease->name, name, strlen(name) + 1);
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(lease->owner + 2 * i, 3, "%02x", (unsigned)random[i]);
	return 0;
}

int64_t lease_clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
