/* when: a moment as people write it. Pure. */
#ifndef MERCURY_JSON_WHEN_H
#define MERCURY_JSON_WHEN_H

#include <stdint.h>

#include "common/err.h"

/* A hundred years. */
#define WHEN_AGO_MAX_MS ((uint64_t)36500 * 86400000)

/*
 * Read "1h", which is so long before now_ms; a time as in RFC 3339, its
 * fraction cut to milliseconds; or a date, which is its midnight in UTC.
 * All on CLOCK_REALTIME; what is before 1970 becomes 0. Returns 0, or -1 with
 * *err, whose text says what would be right.
 */
int when_parse(const char *text, uint64_t now_ms, uint64_t *out_ms,
    struct err *err);

#endif /* MERCURY_JSON_WHEN_H */
