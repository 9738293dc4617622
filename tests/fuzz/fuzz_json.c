/* What json_read accepts, json_write writes so that it reads back equal, and writes again alike. */
#include <string.h>

#include "core/json.h"
#include "core/limits.h"
#include "tests/fuzz/fuzz.h"

static json_t *read_again(const struct buffer *text)
{
	json_t *value = NULL;
	REQUIRE(json_read(buffer_text(text), text->size, &value, NULL) == 0);
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct buffer first, second;
	struct key128 key, key_again;
	json_t *value = NULL;
	double metric;

	int rc = json_read((const char *)data, size, &value, &err);
	if (rc) {
		REQUIRE(rc == CODE_MALFORMED && !value && err.message[0]);
		return 0;
	}
	buffer_init(&first, 8 * size + 64); /* \u00xx is the worst a byte can become */
	buffer_init(&second, 8 * size + 64);
	REQUIRE(json_write(value, &first, &err) == 0);
	json_t *again = read_again(&first);
	json_key(value, &key);
	json_key(again, &key_again);
	REQUIRE(key_equal(&key, &key_again));
	REQUIRE(json_write(again, &second, &err) == 0);
	REQUIRE(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
	json_metric(value, &metric);
	json_decref(value);
	json_decref(again);
	buffer_release(&first);
	buffer_release(&second);
	return 0;
}
