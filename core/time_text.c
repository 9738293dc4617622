#include "core/time_text.h"

#include <stdio.h>

#define DAY_MS 86400000ll

/* Days since 1970-01-01, and back, in eras of 400 years that begin on the 1st of March, so that the
 * leap day comes last. */
#define ERA_DAYS    146097
#define EPOCH_SHIFT 719468 /* days from 0000-03-01 to 1970-01-01 */

struct civil {
	int64_t year;
	int month, day;
};

static int64_t days_of(const struct civil *date)
{
	int64_t year = date->year - (date->month <= 2);
	int64_t era = year / 400;
	int64_t year_of_era = year % 400;
	int64_t month = (date->month + 9) % 12; /* March is 0 */
	int64_t day_of_year = (153 * month + 2) / 5 + date->day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * ERA_DAYS + day_of_era - EPOCH_SHIFT;
}

static struct civil civil_of(int64_t days)
{
	int64_t shifted = days + EPOCH_SHIFT;
	int64_t era = shifted / ERA_DAYS;
	int64_t day_of_era = shifted % ERA_DAYS;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
				      day_of_era / (ERA_DAYS - 1)) /
			      365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (int)((5 * day_of_year + 2) / 153);
	return (struct civil){
		.year = era * 400 + year_of_era + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
	};
}

void time_write(int64_t ms, char out[TIME_TEXT_SIZE])
{
	if (ms < 0)
		ms = 0;
	if (ms > TIME_MAX_MS)
		ms = TIME_MAX_MS;
	struct civil date = civil_of(ms / DAY_MS);
	unsigned rest = (unsigned)(ms % DAY_MS);
	/* The remainders say nothing but what the compiler needs to see the sizes. */
	snprintf(out, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		(unsigned)date.year % 10000u, (unsigned)date.month % 100u,
		(unsigned)date.day % 100u, rest / 3600000u % 100u, rest / 60000u % 60u,
		rest / 1000u % 60u, rest % 1000u);
}

/* n digits into *out; false if there are fewer. */
static bool take_digits(const char **at, int n, int *out)
{
	int x = 0;
	for (int i = 0; i < n; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		x = x * 10 + (**at - '0');
	}
	*out = x;
	return true;
}

static bool take_char(const char **at, const char *any_of)
{
	for (; *any_of; any_of++) {
		if (**at == *any_of) {
			(*at)++;
			return true;
		}
	}
	return false;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool take_date(const char **at, int64_t *days)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;

	if (!take_digits(at, 4, &year) || !take_char(at, "-") || !take_digits(at, 2, &month) ||
		!take_char(at, "-") || !take_digits(at, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1)
		return false;
	if (day > lengths[month - 1] + (month == 2 && is_leap(year)))
		return false;
	*days = days_of(&(struct civil){ year, month, day });
	return true;
}

/* The fraction of a second, if there is one, in milliseconds. */
static bool take_fraction(const char **at, int *ms)
{
	*ms = 0;
	if (!take_char(at, "."))
		return true;
	int scale = 100, digit;
	if (**at < '0' || **at > '9')
		return false;
	while (take_digits(at, 1, &digit)) {
		*ms += digit * scale;
		scale /= 10;
	}
	return true;
}

static bool take_offset(const char **at, int *minutes)
{
	*minutes = 0;
	if (take_char(at, "Zz"))
		return true;
	bool west = **at == '-';
	int hours;
	if (!take_char(at, "+-") || !take_digits(at, 2, &hours) || !take_char(at, ":") ||
		!take_digits(at, 2, minutes) || hours > 23 || *minutes > 59)
		return false;
	*minutes = (hours * 60 + *minutes) * (west ? -1 : 1);
	return true;
}

bool time_parse(const char *text, int64_t *ms)
{
	int64_t days;
	int hour, minute, second, milli, offset;

	if (!take_date(&text, &days) || !take_char(&text, "Tt ") || !take_digits(&text, 2, &hour) ||
		!take_char(&text, ":") || !take_digits(&text, 2, &minute) ||
		!take_char(&text, ":") || !take_digits(&text, 2, &second) ||
		!take_fraction(&text, &milli) || !take_offset(&text, &offset) || *text != '\0')
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	int64_t at = days * DAY_MS + ((hour * 60ll + minute - offset) * 60 + second) * 1000 + milli;
	if (at < 0 || at > TIME_MAX_MS)
		return false;
	*ms = at;
	return true;
}
