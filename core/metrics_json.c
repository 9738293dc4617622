#include "core/metrics_json.h"

#include <math.h>
#include <string.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/text.h"

/* ---- writing ---- */

void metrics_write(const struct metric *metrics, size_t n, struct buffer *out)
{
	buffer_add_char(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buffer_add_char(out, ',');
		json_write_string(out, metrics[i].name);
		if (isnan(metrics[i].stderr_)) {
			buffer_add_char(out, ':');
			json_write_number(out, metrics[i].value, false);
			continue;
		}
		buffer_add_text(out, ":{\"value\":");
		json_write_number(out, metrics[i].value, false);
		buffer_add_text(out, ",\"stderr\":");
		json_write_number(out, metrics[i].stderr_, false);
		buffer_add_char(out, '}');
	}
	buffer_add_char(out, '}');
}

/* ---- reading ---- */

static int invalid(const char *name, const char *what, struct error *err)
{
	char excerpt[64];
	return fail(err, CODE_INVALID, "metric \"%s\" %s",
		text_excerpt(name, excerpt, sizeof(excerpt)), what);
}

static int read_metric(const char *name, json_t *value, struct metric *out, struct error *err)
{
	static const char *const shape =
		"must be a number, \"nan\", \"inf\", \"-inf\", or an object with \"value\" and "
		"\"stderr\"";
	const json_t *error = json_object_get(value, "stderr");
	size_t known = 1 + (error != NULL);

	out->stderr_ = NAN;
	if (!json_is_object(value))
		return json_metric(value, &out->value) ? 0 : invalid(name, shape, err);
	if (!json_metric(json_object_get(value, "value"), &out->value) ||
		json_object_size(value) != known)
		return invalid(name, shape, err);
	if (!error)
		return 0;
	if (!json_metric(error, &out->stderr_) || out->stderr_ < 0)
		return invalid(name, "must have a \"stderr\" of at least 0", err);
	return 0;
}

int metrics_of_json(const json_t *value, struct arena *arena, const struct metric **out, size_t *n,
	struct error *err)
{
	size_t size = json_object_size(value), k = 0;
	const char *name;
	json_t *member;
	/* jansson iterates a const object through a mutable pointer, without changing it. */
	union {
		const json_t *in;
		json_t *out;
	} borrowed = { .in = value };

	if (!json_is_object(value))
		return fail(err, CODE_INVALID, "metrics must be an object of numbers");
	struct metric *metrics = arena_array(arena, size ? size : 1, sizeof(*metrics));
	if (!metrics)
		return fail(err, CODE_NO_MEMORY, "no memory for metrics");
	json_object_foreach(borrowed.out, name, member)
	{
		int rc = read_metric(name, member, &metrics[k], err);
		if (rc)
			return rc;
		metrics[k].name = arena_strdup(arena, name);
		if (!metrics[k++].name)
			return fail(err, CODE_NO_MEMORY, "no memory for metrics");
	}
	*out = metrics;
	*n = size;
	return 0;
}

int metrics_read(const char *json, size_t size, struct arena *arena, const struct metric **out,
	size_t *n, struct error *err)
{
	json_t *value;
	int rc = json_read(json, size, &value, err);
	if (rc)
		return rc;
	rc = metrics_of_json(value, arena, out, n, err);
	json_decref(value);
	return rc;
}

/* ---- digest ---- */

/* One pattern for all values that are the same: zeros of both signs, NaNs of every kind. */
static uint64_t bits_of(double x)
{
	uint64_t bits;
	if (isnan(x))
		return 0x7ff8000000000000ull;
	x += 0.0;
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

uint64_t metrics_digest(const struct metric *metrics, size_t n)
{
	struct key128 total;
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		struct key128 key;
		key_init(&key, 0);
		key_mix_bytes(&key, metrics[i].name, strlen(metrics[i].name));
		key_mix(&key, bits_of(metrics[i].value));
		key_mix(&key, bits_of(metrics[i].stderr_));
		sum += key.low;
	}
	key_init(&total, n);
	key_mix(&total, sum);
	return total.low;
}
