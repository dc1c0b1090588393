/* usage: what a process takes of the machine, as /proc tells everybody. */
#ifndef MERCURY_JSON_USAGE_H
#define MERCURY_JSON_USAGE_H

#include <stdint.h>

/* -1: not known, for the process is gone or /proc does not show it. */
struct usage {
	int64_t memory_bytes; /* resident */
	int64_t cpu_ms;       /* in user and in system mode */
};

/* Looks a process up; usage_read() but in tests. */
typedef void (*usage_fn)(uint32_t pid, struct usage *out);

void usage_read(uint32_t pid, struct usage *out);

/* *sum becomes what both take together; what is not known counts nothing. */
void usage_add(struct usage *sum, const struct usage *);

/* The text of /proc/PID/statm and of /proc/PID/stat. Pure; -1: no sense. */
int64_t usage_parse_memory(const char *statm, int64_t page_bytes);
int64_t usage_parse_cpu(const char *stat, int64_t ticks_per_s);

#endif /* MERCURY_JSON_USAGE_H */
