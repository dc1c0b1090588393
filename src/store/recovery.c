#include "store/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define SUFFIX_SIZE 48

bool
recovery_may(struct recovery *r, uint64_t now_ms)
{
	const uint64_t oldest = r->at_ms[0];

	if (oldest != 0 && now_ms - oldest < RECOVERY_WINDOW_MS)
		return false;
	memmove(r->at_ms, r->at_ms + 1, sizeof(r->at_ms) - sizeof(r->at_ms[0]));
	r->at_ms[RECOVERY_MAX - 1] = now_ms;
	return true;
}

/* ".corrupt-20260101T000000000Z" */
static void
make_suffix(uint64_t real_ms, char out[static SUFFIX_SIZE])
{
	char time[CLOCK_RFC3339_SIZE], *p = time;
	const char *q;

	clock_format(real_ms, time);
	for (q = time; *q != '\0'; q++)
		if (*q != '-' && *q != ':' && *q != '.')
			*p++ = *q;
	*p = '\0';
	(void)snprintf(out, SUFFIX_SIZE, ".corrupt-%s", time);
}

/* Never over a file that is there. A missing one is fine if may_miss. */
static int
move(const char *from, const char *to, bool may_miss, struct err *err)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not every file system knows that. */
	if (errno == EINVAL && access(to, F_OK) == -1 && errno == ENOENT &&
	    rename(from, to) == 0)
		return 0;
	if (errno == ENOENT && may_miss)
		return 0;
	return err_sys(err, "%s", to);
}

static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

int
recovery_set_aside(const char *path, char name[static RECOVERY_NAME_SIZE],
    struct err *err)
{
	char from[RECOVERY_NAME_SIZE + 8], to[RECOVERY_NAME_SIZE + 8];
	char suffix[SUFFIX_SIZE];

	make_suffix(clock_real_ms(), suffix);
	(void)snprintf(name, RECOVERY_NAME_SIZE, "%s%s", base(path), suffix);
	/* The log first: a new database must never see it. */
	(void)snprintf(from, sizeof(from), "%s-wal", path);
	(void)snprintf(to, sizeof(to), "%s%s-wal", path, suffix);
	if (move(from, to, true, err) == -1)
		return -1;
	(void)snprintf(from, sizeof(from), "%s-shm", path);
	if (unlink(from) == -1 && errno != ENOENT)
		return err_sys(err, "%s", from);
	(void)snprintf(to, sizeof(to), "%s%s", path, suffix);
	return move(path, to, true, err);
}
