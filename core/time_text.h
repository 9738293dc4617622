/*
 * Times as text: RFC 3339 in UTC with milliseconds, "2026-01-31T09:30:00.000Z". The calendar is
 * computed here (proleptic Gregorian, days from civil), so neither the C library's locale nor its
 * time zone matters. Years 1970 to 9999.
 */
#ifndef CORE_TIME_TEXT_H
#define CORE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 25		 /* "2026-01-31T09:30:00.000Z" and NUL */
#define TIME_MAX_MS    253402300799999ll /* 9999-12-31T23:59:59.999Z */

/* ms since the Unix epoch, 0 .. TIME_MAX_MS; beyond that the nearest of these is written. */
void time_write(int64_t ms, char out[TIME_TEXT_SIZE]);

/* Strict RFC 3339: any offset, "Z" or "+hh:mm"; digits beyond milliseconds are dropped; a leap
 * second is refused, as the Unix epoch has no name for it. False, and *ms untouched, if text is
 * nothing of the kind or outside the years above. */
bool time_parse(const char *text, int64_t *ms);

#endif
