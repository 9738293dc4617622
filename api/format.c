#include "api/reply.h"

#include <string.h>
#include <strings.h>

/* In order of preference among equals. */
static const struct media {
	const char *type;
	enum format format;
} medias[] = {
	{ "application/json", FORMAT_JSON },
	{ "application/x-ndjson", FORMAT_NDJSON },
	{ "application/ndjson", FORMAT_NDJSON },
	{ "text/csv", FORMAT_CSV },
	{ "text/event-stream", FORMAT_EVENTS },
};

#define MEDIAS (sizeof(medias) / sizeof(*medias))

/* How closely range[n] names type: 0 not at all, 1 all types, 2 its family, 3 itself. */
static int range_covers(const char *range, size_t n, const char *type)
{
	size_t family = strcspn(type, "/") + 1;

	if (n == 3 && memcmp(range, "*/*", 3) == 0)
		return 1;
	if (n == family + 1 && range[family] == '*' && strncasecmp(range, type, family) == 0)
		return 2;
	return n == strlen(type) && strncasecmp(range, type, n) == 0 ? 3 : 0;
}

/* The q of one range of Accept, in thousandths; 1000 when it names none. */
static int range_quality(const char *parameters, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++) {
		bool start = i == 0 || strchr("; \t", parameters[i - 1]);
		if (!start || (parameters[i] | 0x20) != 'q' || parameters[i + 1] != '=')
			continue;
		int q = 0, scale = 1000;
		for (i += 2; i < n && scale; i++) {
			if (parameters[i] == '.')
				continue;
			if (parameters[i] < '0' || parameters[i] > '9')
				break;
			q += (parameters[i] - '0') * scale;
			scale /= 10;
		}
		return q < 1000 ? q : 1000;
	}
	return 1000;
}

/* The q that accept gives to type: of the closest range that covers it; -1 when none does. */
static int type_quality(const char *accept, const char *type)
{
	int closest = 0, quality = -1;

	while (*accept) {
		accept += strspn(accept, ", \t");
		size_t part = strcspn(accept, ","), range = strcspn(accept, ",; \t");
		int covers = range_covers(accept, range, type);
		if (covers > closest) {
			closest = covers;
			quality = range_quality(accept + range, part - range);
		}
		accept += part;
	}
	return quality;
}

enum format reply_format(struct call *call, bool allow_events)
{
	const char *accept = call->transport->header(call, "Accept");
	enum format best = FORMAT_JSON;
	int best_quality = 0;

	call_header(call, "Vary", "Accept");
	if (!accept)
		return FORMAT_JSON;
	for (size_t i = 0; i < MEDIAS; i++) {
		if (medias[i].format == FORMAT_EVENTS && !allow_events)
			continue;
		int quality = type_quality(accept, medias[i].type);
		if (quality > best_quality) {
			best = medias[i].format;
			best_quality = quality;
		}
	}
	return best;
}
