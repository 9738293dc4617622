#include "core/spec.h"

#include <math.h>
#include <string.h>

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{ "", 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ "m", 60 * 1000ll },
	{ "h", 3600 * 1000ll },
	{ "d", 24 * 3600 * 1000ll },
};

int64_t duration_parse(const char *text)
{
	int64_t n = 0;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n))
			return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		return __builtin_mul_overflow(n, units[i].ms, &n) ? -1 : n;
	}
	return -1;
}

bool objective_better(const struct objective *objective, double a, double b)
{
	if (isnan(a) || isnan(b))
		return !isnan(a) && isnan(b);
	return objective->maximize ? a > b : a < b;
}

double objective_loss(const struct objective *objective, double value)
{
	return objective->maximize ? -value : value;
}
