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
clock_real_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

/* A number that gcc knows to have two digits. */
static unsigned int
two(int n)
{
	return (unsigned int)n % 100u;
}

void
clock_format(uint64_t real_ms, char out[static CLOCK_RFC3339_SIZE])
{
	const time_t seconds = (time_t)(real_ms / 1000u);
	struct tm tm = { 0 };

	/* Unlike strftime(3) these read no time zone file: no disk here. */
	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(out, CLOCK_RFC3339_SIZE,
	    "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    (unsigned int)(tm.tm_year + 1900) % 10000u, two(tm.tm_mon + 1),
	    two(tm.tm_mday), two(tm.tm_hour), two(tm.tm_min), two(tm.tm_sec),
	    (unsigned int)(real_ms % 1000u));
}
