#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/vfork.h"

/*
 * What a child needs stands between these two: above what it uses itself, so
 * that dup2() in it never hits one of ours, and below everything else that
 * the supervisor has open.
 */
#define FIRST_KEPT_FD 10
#define LAST_KEPT_FD 19

static struct {
	enum role role;
	const char *file;
	int fd; /* of the executable; -1: not open */
} executables[] = {
	{ ROLE_CONFIG, "mercury-config", -1 },
	{ ROLE_CONTROL, "mercury-control", -1 },
	{ ROLE_POOL, "mercury-pool", -1 },
	{ ROLE_STORE, "mercury-store", -1 },
	{ ROLE_GATEWAY, "mercury-gateway", -1 },
};

#define EXECUTABLES (sizeof(executables) / sizeof(executables[0]))

static struct {
	const char *file;
	int fd;
} modules[SPAWN_MODULE_COUNT] = {
	[SPAWN_TLS] = { "mercury-tls.so", -1 },
	[SPAWN_DNS] = { "mercury-dns.so", -1 },
};

static int null_fd = -1;
static int channel_place = -1; /* where a child finds its channel */

static int
open_high(const char *path, int flags)
{
	int low, high;

	low = open(path, flags | O_CLOEXEC);
	if (low == -1)
		return -1;
	high = fcntl(low, F_DUPFD_CLOEXEC, FIRST_KEPT_FD);
	(void)close(low);
	if (high <= LAST_KEPT_FD)
		return high;
	(void)close(high);
	errno = EMFILE;
	return -1;
}

/* Returns the descriptor, or -1 with *err. */
static int
open_in(const char *dir, const char *file, struct err *err)
{
	char path[4096];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) >=
	    sizeof(path))
		return err_set(err, ERR_INVALID, "%.100s...: path too long",
		    dir);
	fd = open_high(path, O_RDONLY);
	if (fd == -1)
		(void)err_sys(err, "%s", path);
	return fd;
}

int
spawn_open(const char *dir, struct err *err)
{
	size_t i;

	for (i = 0; i < EXECUTABLES; i++) {
		executables[i].fd = open_in(dir, executables[i].file, err);
		if (executables[i].fd == -1)
			return -1;
	}
	for (i = 0; i < SPAWN_MODULE_COUNT; i++) {
		modules[i].fd = open_in(dir, modules[i].file, err);
		if (modules[i].fd == -1)
			return -1;
	}
	null_fd = open_high("/dev/null", O_RDWR);
	channel_place = open_high("/dev/null", O_RDWR);
	if (null_fd == -1 || channel_place == -1)
		return err_sys(err, "/dev/null");
	return 0;
}

int
spawn_module(enum spawn_module which)
{
	return modules[which].fd;
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

void
spawn_close(void)
{
	size_t i;

	for (i = 0; i < EXECUTABLES; i++)
		close_one(&executables[i].fd);
	for (i = 0; i < SPAWN_MODULE_COUNT; i++)
		close_one(&modules[i].fd);
	close_one(&null_fd);
	close_one(&channel_place);
}

static size_t
find(enum role role)
{
	size_t i;

	for (i = 0; i < EXECUTABLES - 1; i++)
		if (executables[i].role == role)
			break;
	return i;
}

/* What the child is given. */
struct start {
	const struct spawn *spawn;
	size_t exe;
};

/*
 * In the child, which shares our memory and our descriptors and has us wait:
 * first it leaves all but the kept descriptors behind.
 */
static int
child_main(void *arg)
{
	const struct start *start = arg;
	const struct spawn *s = start->spawn;
	char *const argv[] = { (char *)(uintptr_t)executables[start->exe].file,
		(char *)(uintptr_t)s->title, NULL };

	if (close_range(LAST_KEPT_FD + 1, ~0U, CLOSE_RANGE_UNSHARE) == -1)
		_exit(VFORK_CANNOT_EXEC);
	vfork_reset_signals();
	/*
	 * Ctrl-C at our terminal is for the supervisor. A process group is
	 * enough for that: in a session of its own each worker would be a
	 * scheduling group of its own too (sched(7), autogroup), and wake
	 * four times as often for the same messages.
	 */
	(void)setpgid(0, 0);
	if (dup2(s->output_fd, STDOUT_FILENO) == -1 ||
	    dup2(s->output_fd, STDERR_FILENO) == -1 ||
	    dup2(null_fd, STDIN_FILENO) == -1 ||
	    dup2(channel_place, ROLE_CHANNEL_FD) == -1 ||
	    close_range(ROLE_CHANNEL_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		_exit(VFORK_CANNOT_EXEC);
	(void)fexecve(executables[start->exe].fd, argv, environ);
	_exit(VFORK_CANNOT_EXEC);
}

pid_t
spawn(const struct spawn *s, int *pidfd, struct err *err)
{
	struct start start = { s, find(s->role) };
	pid_t pid;

	if (dup3(s->channel_fd, channel_place, O_CLOEXEC) == -1)
		return err_sys(err, "dup3");
	pid = vfork_run(child_main, &start, pidfd);
	if (pid == -1)
		(void)err_sys(err, "clone");
	/* Else nobody would see it close. */
	(void)dup3(null_fd, channel_place, O_CLOEXEC);
	return pid;
}
