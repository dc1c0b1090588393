#include "common/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these clocks */
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

uint64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

uint64_t
clock_mono_tick_ms(void)
{
	return read_ms(CLOCK_MONOTONIC_COARSE);
}

uint64_t
clock_real_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

uint64_t
clock_real_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/*
 * Year, month and day of a day counted from 1970-01-01, in the Gregorian
 * calendar. gmtime_r(3) would read a time zone file, and count leap seconds
 * where that one says so. Counted from March on, a leap day is the last of
 * its year, and 153 days are five months.
 */
static void
civil_date(uint64_t day, unsigned int out[static 3])
{
	const uint64_t z = day + 719468u; /* from 0000-03-01 */
	const uint64_t era = z / 146097u, of_era = z % 146097u;
	const uint64_t year =
	    (of_era - of_era / 1460u + of_era / 36524u - of_era / 146096u) /
	    365u;
	const uint64_t of_year =
	    of_era - (365u * year + year / 4u - year / 100u);
	const uint64_t month = (5u * of_year + 2u) / 153u;

	out[0] = (unsigned int)((year + era * 400u + (month >= 10u)) % 10000u);
	out[1] = (unsigned int)(month < 10u ? month + 3u : month - 9u);
	out[2] = (unsigned int)(of_year - (153u * month + 2u) / 5u + 1u);
}

void
clock_format(uint64_t real_ms, char out[static CLOCK_RFC3339_SIZE])
{
	const uint64_t seconds = real_ms / 1000u;
	const unsigned int of_day = (unsigned int)(seconds % 86400u);
	unsigned int date[3];

	civil_date(seconds / 86400u, date);
	(void)snprintf(out, CLOCK_RFC3339_SIZE,
	    "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", date[0], date[1] % 100u,
	    date[2] % 100u, of_day / 3600u, of_day / 60u % 60u, of_day % 60u,
	    (unsigned int)(real_ms % 1000u));
}
