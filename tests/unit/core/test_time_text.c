#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/time_text.h"

static void assert_text(int64_t ms, const char *want)
{
	char text[TIME_TEXT_SIZE];
	int64_t back = -1;

	time_write(ms, text);
	assert_string_equal(text, want);
	assert_true(time_parse(text, &back));
	assert_int_equal(back, ms);
}

static void test_known(void **state)
{
	(void)state;
	assert_text(0, "1970-01-01T00:00:00.000Z");
	assert_text(1, "1970-01-01T00:00:00.001Z");
	assert_text(951782400000, "2000-02-29T00:00:00.000Z");
	assert_text(1709164799999, "2024-02-28T23:59:59.999Z");
	assert_text(1709164800000, "2024-02-29T00:00:00.000Z");
	assert_text(1709251200000, "2024-03-01T00:00:00.000Z");
	assert_text(4107542400000, "2100-03-01T00:00:00.000Z"); /* 2100 has no leap day */
	assert_text(4107456000000, "2100-02-28T00:00:00.000Z");
	assert_text(TIME_MAX_MS, "9999-12-31T23:59:59.999Z");

	char text[TIME_TEXT_SIZE];
	time_write(-1, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	time_write(TIME_MAX_MS + 1, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

/* Every day of a whole cycle of 400 years, then some of each year up to 9999, against the C
 * library.
 */
static void test_every_day(void **state)
{
	(void)state;
	for (int64_t day = 0; day * 86400000 <= TIME_MAX_MS; day += day < 146097 ? 1 : 59) {
		int64_t second = day * 86400 + day % 86400;
		time_t when = (time_t)second;
		struct tm tm;
		char want[64], text[TIME_TEXT_SIZE];
		int64_t back = -1;

		assert_non_null(gmtime_r(&when, &tm));
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
		time_write(second * 1000, text);
		if (strcmp(text, want) != 0)
			assert_string_equal(text, want);
		if (!time_parse(text, &back) || back != second * 1000)
			assert_int_equal(back, second * 1000);
	}
}

static void test_parse(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "1970-01-01T00:00:01Z", 1000 },
		{ "1970-01-01t00:00:01z", 1000 },
		{ "1970-01-01 00:00:01Z", 1000 },
		{ "1970-01-01T00:00:00.5Z", 500 },
		{ "1970-01-01T00:00:00.12Z", 120 },
		{ "1970-01-01T00:00:00.1239999999Z", 123 },
		{ "1970-01-01T01:00:00+01:00", 0 },
		{ "1969-12-31T23:30:00-00:30", 0 },
		{ "1970-01-01T00:00:00-05:45", 20700000 },
		{ "1970-01-01T00:00:00+00:01", -1 }, /* before the epoch */
		{ "9999-12-31T23:59:59.999-00:01", -1 },
		{ "", -1 },
		{ "1970-01-01", -1 },
		{ "1970-01-01T00:00:00", -1 }, /* whose time? */
		{ "1970-01-01T00:00Z", -1 },
		{ "1970-01-01T00:00:00.Z", -1 },
		{ "1970-01-01T00:00:00Z ", -1 },
		{ " 1970-01-01T00:00:00Z", -1 },
		{ "1970-1-1T00:00:00Z", -1 },
		{ "1970-13-01T00:00:00Z", -1 },
		{ "1970-00-01T00:00:00Z", -1 },
		{ "1970-04-31T00:00:00Z", -1 },
		{ "1970-04-00T00:00:00Z", -1 },
		{ "2023-02-29T00:00:00Z", -1 },
		{ "2100-02-29T00:00:00Z", -1 },
		{ "1970-01-01T24:00:00Z", -1 },
		{ "1970-01-01T00:60:00Z", -1 },
		{ "1970-01-01T00:00:60Z", -1 },
		{ "1970-01-01T00:00:00+24:00", -1 },
		{ "1970-01-01T00:00:00+01:60", -1 },
		{ "1970-01-01T00:00:00+0100", -1 },
		{ "+1970-01-01T00:00:00Z", -1 },
		{ "19700101T000000Z", -1 },
		{ "1970-01-01T00:00:00UTC", -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t ms = -1;
		assert_int_equal(time_parse(cases[i].text, &ms), cases[i].ms >= 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_parse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
