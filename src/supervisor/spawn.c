#include "supervisor/spawn.h"

#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/spec.h"

/* Above what a child uses, so that dup2() in it never hits one of ours. */
#define FIRST_KEPT_FD 10

#define EXIT_CANNOT_EXEC 127

static struct {
	enum role role;
	const char *file;
	int fd; /* of the executable; -1: not open */
} executables[] = {
	{ ROLE_CONFIG, "mercury-config", -1 },
	{ ROLE_CONTROL, "mercury-control", -1 },
	{ ROLE_POOL, "mercury-pool", -1 },
};

#define EXECUTABLES (sizeof(executables) / sizeof(executables[0]))

static int null_fd = -1;

static int
open_high(const char *path, int flags)
{
	int low, high;

	low = open(path, flags | O_CLOEXEC);
	if (low == -1)
		return -1;
	high = fcntl(low, F_DUPFD_CLOEXEC, FIRST_KEPT_FD);
	(void)close(low);
	return high;
}

int
spawn_open(const char *dir, struct err *err)
{
	char path[4096];
	size_t i;

	for (i = 0; i < EXECUTABLES; i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir,
			executables[i].file) >= sizeof(path))
			return err_set(err, ERR_INVALID, "%s: path too long",
			    dir);
		executables[i].fd = open_high(path, O_RDONLY);
		if (executables[i].fd == -1)
			return err_sys(err, "%s", path);
	}
	null_fd = open_high("/dev/null", O_RDWR);
	if (null_fd == -1)
		return err_sys(err, "/dev/null");
	return 0;
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
	close_one(&null_fd);
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

/* In the child: give up every right for good. Returns 0 or -1. */
static int
drop_privileges(uint32_t uid, uint32_t gid)
{
	if (uid == SPEC_NO_ID)
		return 0;
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return -1;
	/* Never believe it unseen: a root worker would be the worst case. */
	if (uid != 0 && (setuid(0) != -1 || geteuid() != uid))
		return -1;
	return 0;
}

/* In the child: make the channel ROLE_CHANNEL_FD, and let it survive. */
static int
place_channel(int fd)
{
	if (fd == ROLE_CHANNEL_FD)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, ROLE_CHANNEL_FD);
}

/* In the child: no handler and no blocked signal of the parent's. */
static void
reset_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_main(const struct spawn *, size_t exe)
    __attribute__((noreturn));

static void
child_main(const struct spawn *s, size_t exe)
{
	char *const argv[] = { (char *)(uintptr_t)executables[exe].file,
		(char *)(uintptr_t)s->title, NULL };

	reset_signals();
	/* Away from our terminal: Ctrl-C there is for the supervisor. */
	(void)setsid();
	if (dup2(s->output_fd, STDOUT_FILENO) == -1 ||
	    dup2(s->output_fd, STDERR_FILENO) == -1 ||
	    dup2(null_fd, STDIN_FILENO) == -1 ||
	    place_channel(s->channel_fd) == -1 ||
	    close_range(ROLE_CHANNEL_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		_exit(EXIT_CANNOT_EXEC);
	if (s->role != ROLE_CONFIG &&
	    (drop_privileges(s->uid, s->gid) == -1 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1))
		_exit(EXIT_CANNOT_EXEC);
	(void)fexecve(executables[exe].fd, argv, environ);
	_exit(EXIT_CANNOT_EXEC);
}

pid_t
spawn(const struct spawn *s, int *pidfd, struct err *err)
{
	const size_t exe = find(s->role);
	sigset_t all, old;
	pid_t pid;

	/* A signal for us must not run a handler of ours in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		child_main(s, exe);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid == -1)
		return err_sys(err, "fork");
	*pidfd = pidfd_open(pid, 0);
	if (*pidfd == -1) {
		(void)err_sys(err, "pidfd_open");
		/* Not reaped yet, so the pid is still this child's. */
		(void)kill(pid, SIGKILL);
		(void)waitid(P_PID, (id_t)pid, NULL, WEXITED);
		return -1;
	}
	return pid;
}
