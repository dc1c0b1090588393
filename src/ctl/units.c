#include "ctl/units.h"

#include <inttypes.h>
#include <stdio.h>

/* From here on a count has a unit. */
#define COUNT_PLAIN_MAX 9999

/* From here on what has a unit has no decimal: so it rounds to 100. */
#define WHOLE_FROM 99.95

void
units_duration(uint64_t ms, char out[static UNITS_SIZE])
{
	const uint64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

	if (s == 0)
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64 "ms", ms);
	else if (m == 0)
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64 "s", s);
	else if (h == 0)
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64 "m%02" PRIu64 "s", m,
		    s % 60);
	else if (d == 0)
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64 "h%02" PRIu64 "m", h,
		    m % 60);
	else
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64 "d%02" PRIu64 "h", d,
		    h % 24);
}

void
units_seconds(uint64_t ms, char out[static UNITS_SIZE])
{
	(void)snprintf(out, UNITS_SIZE, "%" PRIu64 ".%03" PRIu64 "s", ms / 1000,
	    ms % 1000);
}

/*
 * Bring *n below the next unit of base, also when it is rounded: never
 * "1000k". Gives how many units it went up.
 */
static size_t
scale(double *n, double base)
{
	size_t unit = 0;

	*n /= base;
	while (*n >= base - 0.5) {
		*n /= base;
		unit++;
	}
	return unit;
}

void
units_count(uint64_t n, char out[static UNITS_SIZE])
{
	static const char units[] = "kMGTPE";
	double scaled = (double)n;
	size_t unit;

	if (n <= COUNT_PLAIN_MAX) {
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64, n);
		return;
	}
	unit = scale(&scaled, 1000);
	(void)snprintf(out, UNITS_SIZE, "%.*f%c", scaled < WHOLE_FROM ? 1 : 0,
	    scaled, units[unit]);
}

void
units_bytes(uint64_t bytes, char out[static UNITS_SIZE])
{
	static const char units[] = "KMGTPE";
	double scaled = (double)bytes;
	size_t unit;

	if (bytes < 1024) {
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64 " B", bytes);
		return;
	}
	unit = scale(&scaled, 1024);
	(void)snprintf(out, UNITS_SIZE, "%.*f %ciB",
	    scaled < WHOLE_FROM ? 1 : 0, scaled, units[unit]);
}

void
units_rate(double per_s, char out[static UNITS_SIZE])
{
	if (per_s <= 0)
		(void)snprintf(out, UNITS_SIZE, "0");
	else if (per_s < 0.05)
		(void)snprintf(out, UNITS_SIZE, "<0.1");
	else if (per_s < WHOLE_FROM)
		(void)snprintf(out, UNITS_SIZE, "%.1f", per_s);
	else
		units_count((uint64_t)(per_s + 0.5), out);
}

void
units_byte_rate(double per_s, char out[static UNITS_SIZE])
{
	/* A trickle is not nothing. */
	if (per_s > 0 && per_s < 1)
		(void)snprintf(out, UNITS_SIZE, "<1 B");
	else
		units_bytes(per_s <= 0 ? 0 : (uint64_t)(per_s + 0.5), out);
}

void
units_grouped(uint64_t n, char out[static UNITS_SIZE])
{
	char digits[UNITS_SIZE];
	const int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	int i;

	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
}
