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

void
clock_format(uint64_t real_ms, char out[static CLOCK_RFC3339_SIZE])
{
	const time_t seconds = (time_t)(real_ms / 1000u);
	struct tm tm;
	size_t n = 0;

	/* gmtime_r reads no time zone file, so this never touches a disk. */
	if (gmtime_r(&seconds, &tm) != NULL)
		n = strftime(out, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, CLOCK_RFC3339_SIZE - n, ".%03uZ",
	    (unsigned int)(real_ms % 1000u));
}
