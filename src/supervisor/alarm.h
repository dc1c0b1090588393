/*
 * alarm: how near a listener is to its limit of connections. Pure.
 */
#ifndef MERCURY_SUPERVISOR_ALARM_H
#define MERCURY_SUPERVISOR_ALARM_H

#include <stdint.h>

/*
 * The level in percent (0, 80, 95 or 100) of so many connections of max, when
 * it was at last before. It rises as it is reached, and falls only when the
 * connections are 5 percent of max below it, so that it does not flutter. max
 * 0: no limit, and no alarm.
 */
unsigned int alarm_level(unsigned int last, uint64_t connections, uint64_t max);

#endif /* MERCURY_SUPERVISOR_ALARM_H */
