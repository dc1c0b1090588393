#include <sys/mman.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

Test(fd, writes_all_to_a_file)
{
	static const char text[] = "some bytes";
	const int fd = memfd_create("test", MFD_CLOEXEC);
	char back[32] = "";

	cr_assert_neq(fd, -1);
	cr_expect_eq(fd_write_all(fd, text, sizeof(text)), 0);
	cr_expect_eq(fd_write_all(fd, "", 0), 0);
	cr_expect_eq(pread(fd, back, sizeof(back), 0), sizeof(text));
	cr_expect_str_eq(back, text);
	(void)close(fd);
}

Test(fd, a_failure_is_told)
{
	const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	cr_assert_neq(fd, -1);
	cr_expect_eq(fd_write_all(fd, "x", 1), -1);
	(void)close(fd);
	cr_expect_eq(fd_write_all(-1, "x", 1), -1);
}

static void
on_signal(int number)
{
	(void)number;
}

#define PIPED_BYTES ((size_t)1 << 20)

/* Interrupt the writer whenever its pipe is full, then make room. */
static void *
disturb(void *arg)
{
	const int *fds = arg;
	static char rest[65536];
	size_t got = 0;
	ssize_t n;

	while (got < PIPED_BYTES) {
		(void)kill(getpid(), SIGUSR1);
		n = read(fds[0], rest, sizeof(rest));
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return (void *)got;
}

Test(fd, signals_and_short_writes_lose_nothing, .timeout = 30)
{
	const struct sigaction act = { .sa_handler = on_signal };
	static char bytes[PIPED_BYTES];
	sigset_t set;
	pthread_t thread;
	void *got = NULL;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(sigaction(SIGUSR1, &act, NULL), 0);
	/* The thread does not take the signals itself. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	cr_assert_eq(pthread_create(&thread, NULL, disturb, fds), 0);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	cr_expect_eq(fd_write_all(fds[1], bytes, sizeof(bytes)), 0);
	(void)close(fds[1]);
	cr_assert_eq(pthread_join(thread, &got), 0);
	cr_expect_eq((size_t)got, sizeof(bytes));
	(void)close(fds[0]);
}
