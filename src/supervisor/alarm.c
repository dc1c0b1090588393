#include "supervisor/alarm.h"

#include <stddef.h>

#define HYSTERESIS 5u

static const unsigned int levels[] = { 100, 95, 80 };

unsigned int
alarm_level(unsigned int last, uint64_t connections, uint64_t max)
{
	unsigned int level;
	size_t i;

	for (i = 0; max != 0 && i < sizeof(levels) / sizeof(levels[0]); i++) {
		level = levels[i];
		/* One that it is at, it leaves later. */
		if (connections * 100 >=
		    (level <= last ? level - HYSTERESIS : level) * max)
			return level;
	}
	return 0;
}
