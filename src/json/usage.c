#include "json/usage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE 1024 /* of both files, at most */

int64_t
usage_parse_memory(const char *statm, int64_t page_bytes)
{
	uint64_t pages;

	if (sscanf(statm, "%*u %" SCNu64, &pages) != 1)
		return -1;
	return (int64_t)pages * page_bytes;
}

int64_t
usage_parse_cpu(const char *stat, int64_t ticks_per_s)
{
	/* The second field is a name in brackets with anything in it. */
	const char *rest = strrchr(stat, ')');
	uint64_t user, system;

	if (rest == NULL || ticks_per_s <= 0 ||
	    sscanf(rest + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
		" %" SCNu64,
		&user, &system) != 2)
		return -1;
	return (int64_t)(user + system) * 1000 / ticks_per_s;
}

/* The start of a file of a process; an empty text when it can't be read. */
static void
read_file(uint32_t pid, const char *name, char text[static TEXT_SIZE])
{
	char path[64];
	ssize_t n;
	int fd;

	text[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = read(fd, text, TEXT_SIZE - 1);
	text[n > 0 ? n : 0] = '\0';
	(void)close(fd);
}

void
usage_read(uint32_t pid, struct usage *out)
{
	char text[TEXT_SIZE];

	read_file(pid, "statm", text);
	out->memory_bytes = usage_parse_memory(text, sysconf(_SC_PAGESIZE));
	read_file(pid, "stat", text);
	out->cpu_ms = usage_parse_cpu(text, sysconf(_SC_CLK_TCK));
}

static int64_t
sum_of(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a + b;
}

void
usage_add(struct usage *sum, const struct usage *u)
{
	sum->memory_bytes = sum_of(sum->memory_bytes, u->memory_bytes);
	sum->cpu_ms = sum_of(sum->cpu_ms, u->cpu_ms);
}
