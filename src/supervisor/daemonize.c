#include "supervisor/daemonize.h"

#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

static int report_fd = -1; /* the command waits for a byte on it */

static void wait_for_report(int fd) __attribute__((noreturn));

static void
wait_for_report(int fd)
{
	unsigned char code = EXIT_CODE_FAILURE;
	ssize_t n;

	do
		n = read(fd, &code, 1);
	while (n == -1 && errno == EINTR);
	/* EOF: the daemon died before it could say anything. */
	_exit(code);
}

static pid_t
checked_fork(void)
{
	const pid_t pid = fork();

	if (pid == -1)
		err(EXIT_CODE_FAILURE, "fork");
	return pid;
}

void
daemonize(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		err(EXIT_CODE_FAILURE, "pipe");
	if (checked_fork() > 0) {
		(void)close(ends[1]);
		wait_for_report(ends[0]);
	}
	(void)close(ends[0]);
	report_fd = ends[1];
	if (setsid() == -1)
		err(EXIT_CODE_FAILURE, "setsid");
	/* A second fork: a session's leader could get a terminal again. */
	if (checked_fork() > 0)
		_exit(EXIT_CODE_CLEAN);
	if (chdir("/") == -1)
		err(EXIT_CODE_FAILURE, "chdir");
	(void)umask(027);
}

void
daemonize_report(int exit_code, bool keep_stderr)
{
	const unsigned char code = (unsigned char)exit_code;
	int null_fd;

	if (report_fd == -1)
		return;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd != -1) {
		(void)dup2(null_fd, STDIN_FILENO);
		(void)dup2(null_fd, STDOUT_FILENO);
		if (!keep_stderr)
			(void)dup2(null_fd, STDERR_FILENO);
		if (null_fd > STDERR_FILENO)
			(void)close(null_fd);
	}
	/* It may have been killed: then there is nobody to tell. */
	if (write(report_fd, &code, 1) == -1)
		errno = 0;
	(void)close(report_fd);
	report_fd = -1;
}
