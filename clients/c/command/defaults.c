#include "defaults.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 16

enum middle { MIDDLE_RANGE, MIDDLE_LOG, MIDDLE_MEAN, MIDDLE_LOG_MEAN };

static const struct {
	const char *type;
	enum middle middle;
	bool integer, stepped; /* the third of _value is the step */
} ranges[] = {
	{ "uniform", MIDDLE_RANGE, false, false },
	{ "quniform", MIDDLE_RANGE, false, true },
	{ "loguniform", MIDDLE_LOG, false, false },
	{ "qloguniform", MIDDLE_LOG, false, true },
	{ "normal", MIDDLE_MEAN, false, false },
	{ "qnormal", MIDDLE_MEAN, false, true },
	{ "lognormal", MIDDLE_LOG_MEAN, false, false },
	{ "qlognormal", MIDDLE_LOG_MEAN, false, true },
	{ "randint", MIDDLE_RANGE, true, false },
	{ "int", MIDDLE_RANGE, true, false },
};

static double middle_of(enum middle middle, double a, double b)
{
	switch (middle) {
	case MIDDLE_LOG:
		return a * sqrt(b / a);
	case MIDDLE_MEAN:
		return a;
	case MIDDLE_LOG_MEAN:
		return exp(a);
	case MIDDLE_RANGE:
		break;
	}
	return a + (b - a) / 2;
}

static json_t *number(double value, bool integer)
{
	if (!isfinite(value))
		return NULL;
	bool whole = integer || (value == floor(value) && fabs(value) < 0x1p53);
	return whole ? json_integer((json_int_t)floor(value)) : json_real(value);
}

/* NULL: the type has no range, or the range is none. */
static json_t *range_default(const char *type, const json_t *value)
{
	const json_t *low = json_array_get(value, 0), *high = json_array_get(value, 1);
	double step = json_number_value(json_array_get(value, 2));

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		if (strcmp(ranges[i].type, type) != 0)
			continue;
		if (!json_is_number(low) || !json_is_number(high))
			return NULL;
		double a = json_number_value(low), b = json_number_value(high);
		double x = middle_of(ranges[i].middle, a, b);
		if (ranges[i].stepped && step > 0)
			x = nearbyint(x / step) * step;
		if (ranges[i].stepped && ranges[i].middle <= MIDDLE_LOG)
			x = fmin(fmax(x, a), b);
		return number(x, ranges[i].integer);
	}
	return NULL;
}

static json_t *default_of(const json_t *parameter, int depth);

/* An option: as it is, or, with a name, together with what it contains. */
static json_t *option_default(const json_t *option, int depth)
{
	const json_t *name = json_object_get(option, "_name");
	const char *key;
	json_t *inner;

	if (!name || depth >= DEPTH_MAX)
		return json_deep_copy(option);
	json_t *out = json_object();
	json_object_set(out, "_name", (json_t *)(uintptr_t)name);
	json_object_foreach((json_t *)(uintptr_t)option, key, inner)
	{
		json_t *value = strcmp(key, "_name") == 0 ? NULL : default_of(inner, depth + 1);
		if (value)
			json_object_set_new(out, key, value);
	}
	return out;
}

static json_t *default_of(const json_t *parameter, int depth)
{
	json_t *given = json_object_get(parameter, "_default");
	const char *type = json_string_value(json_object_get(parameter, "_type"));
	const json_t *value = json_object_get(parameter, "_value");

	if (given)
		return json_incref(given);
	if (!type)
		return NULL;
	json_t *middle = range_default(type, value);
	if (middle)
		return middle;
	if (strcmp(type, "bool") == 0)
		return json_false();
	if (strcmp(type, "fixed") == 0 && !json_is_array(value))
		return json_deep_copy(value);
	const json_t *first = json_array_get(value, 0);
	return first ? option_default(first, depth) : NULL;
}

json_t *defaults_of(const json_t *space)
{
	json_t *out = json_object(), *parameter;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)space, name, parameter)
	{
		json_t *value = default_of(parameter, 0);
		if (value)
			json_object_set_new(out, name, value);
	}
	return out;
}
