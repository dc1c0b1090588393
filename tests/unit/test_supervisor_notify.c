#include <sys/socket.h>
#include <sys/un.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "supervisor/notify.h"

TestSuite(notify, .init = scratch_make, .fini = scratch_remove);

/* A socket as systemd's, at this value of NOTIFY_SOCKET; sets that too. */
static int
listen_at(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const size_t len = strlen(name);
	int fd;

	cr_assert_leq(len, sizeof(a.sun_path));
	memcpy(a.sun_path, name, len);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_neq(fd, -1);
	cr_assert_eq(
	    bind(fd, (const struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	cr_assert_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void
expect_message(int fd, const char *want)
{
	char got[200];
	const ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	cr_assert_geq(n, 0, "no message: %s", want);
	got[n] = '\0';
	cr_expect_str_eq(got, want);
}

static void
expect_silence(int fd)
{
	char got[200];

	cr_expect_eq(recv(fd, got, sizeof(got), 0), -1);
	cr_expect_eq(errno, EAGAIN);
}

Test(notify, sends_to_a_path)
{
	const int fd = listen_at(scratch_path("notify"));
	const unsigned int before = scratch_open_fds();

	notify_open();
	expect_silence(fd);
	notify_send("READY=1");
	expect_message(fd, "READY=1");
	notify_send("STOPPING=1\nSTATUS=draining");
	expect_message(fd, "STOPPING=1\nSTATUS=draining");
	expect_silence(fd);
	cr_expect_eq(scratch_open_fds(), before);
}

Test(notify, sends_to_an_abstract_name)
{
	char name[64];
	int fd;

	(void)snprintf(name, sizeof(name), "@mercury-test-%d", (int)getpid());
	fd = listen_at(name);
	notify_open();
	notify_send("READY=1");
	expect_message(fd, "READY=1");
}

/* An inherited NOTIFY_SOCKET would let a child speak for us. */
Test(notify, leaves_nothing_in_the_environment)
{
	(void)listen_at(scratch_path("notify"));
	notify_open();
	cr_expect_null(getenv("NOTIFY_SOCKET"));
	cr_assert_eq(setenv("NOTIFY_SOCKET", "nonsense", 1), 0);
	notify_open();
	cr_expect_null(getenv("NOTIFY_SOCKET"));
}

Test(notify, without_systemd_nothing_happens)
{
	const unsigned int before = scratch_open_fds();

	(void)unsetenv("NOTIFY_SOCKET");
	notify_open();
	notify_send("READY=1");
	cr_expect_eq(scratch_open_fds(), before);
}

Test(notify, a_name_that_is_none_is_ignored)
{
	static const char *const bad[] = { "", "relative", "vsock:2:1" };
	char longest[200];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(setenv("NOTIFY_SOCKET", bad[i], 1), 0);
		notify_open();
		notify_send("READY=1");
	}
	memset(longest, '/', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	cr_assert_eq(setenv("NOTIFY_SOCKET", longest, 1), 0);
	notify_open();
	notify_send("READY=1");
}

/* systemd may be slow, or gone: we neither wait nor fail. */
Test(notify, does_not_wait_for_its_reader, .timeout = 60)
{
	const int fd = listen_at(scratch_path("notify"));
	int i;

	notify_open();
	for (i = 0; i < 10000; i++)
		notify_send("STATUS=one more");
	expect_message(fd, "STATUS=one more");
	(void)close(fd);
	notify_send("STATUS=nobody there");
	cr_assert_eq(unlink(scratch_path("notify")), 0);
	notify_send("STATUS=nothing there");
}
