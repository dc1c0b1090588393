#include <sys/socket.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "common/check_port.h"

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
}

/* As servers do it. Returns the socket, or -1 with errno. */
static int
bind_at(uint16_t port)
{
	const struct sockaddr_in a = loopback(port);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	int saved;

	cr_assert_neq(fd, -1);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)),
	    0);
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

/* A port that was asked for stays with a socket that listens no more. */
static int
bind_free(void)
{
	const int probe = bind_at(0);
	const uint16_t port = port_of(probe);
	int fd;

	(void)close(probe);
	fd = bind_at(port);
	return fd != -1 ? fd : bind_free();
}

/* A socket that is connected, or -1 with errno. */
static int
connect_to(uint16_t port)
{
	const struct sockaddr_in a = loopback(port);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int saved;

	cr_assert_neq(fd, -1);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static void
expect_refused(uint16_t port)
{
	cr_expect_eq(connect_to(port), -1);
	cr_expect_eq(errno, ECONNREFUSED);
}

static void
expect_taken(uint16_t port)
{
	cr_expect_eq(bind_at(port), -1);
	cr_expect_eq(errno, EADDRINUSE);
}

Test(check_port, opens_and_closes_again_and_again)
{
	const int fd = bind_free();
	const uint16_t port = port_of(fd);
	int i, client;

	cr_assert_eq(check_port_close(fd), 0);
	for (i = 0; i < 3; i++) {
		expect_refused(port);
		cr_assert_eq(check_port_open(fd, 8), 0);
		cr_assert_eq(check_port_open(fd, 8), 0, "twice is as once");
		client = connect_to(port);
		cr_assert_neq(client, -1);
		(void)close(client);
		cr_assert_eq(check_port_close(fd), 0);
		cr_assert_eq(check_port_close(fd), 0, "twice is as once");
	}
	expect_refused(port);
	(void)close(fd);
}

Test(check_port, nobody_else_gets_the_port)
{
	const int fd = bind_free();
	const uint16_t port = port_of(fd);

	cr_assert_eq(check_port_close(fd), 0);
	expect_taken(port);
	cr_assert_eq(check_port_open(fd, 8), 0);
	expect_taken(port);
	cr_assert_eq(check_port_close(fd), 0);
	expect_taken(port);
	(void)close(fd);
}

/* The gateway has its copy for a moment after a listener is gone. */
Test(check_port, whoever_leaves_it_leaves_it_to_others)
{
	const int fd = bind_free(), copy = dup(fd);
	const uint16_t port = port_of(fd);
	int other;

	cr_assert_eq(check_port_open(fd, 8), 0);
	check_port_leave(fd);
	(void)close(fd);
	expect_refused(port);
	other = bind_at(port);
	cr_assert_neq(other, -1, "%s", strerror(errno));
	cr_expect_eq(listen(other, 8), 0);
	(void)close(copy);
	(void)close(other);
}

/* Else a mercuryd that is started again could not have it for a minute. */
Test(check_port, what_it_has_accepted_does_not_keep_the_port)
{
	const int fd = bind_free();
	const uint16_t port = port_of(fd);
	int client, conn, again;
	char byte;

	cr_assert_eq(check_port_close(fd), 0);
	cr_assert_eq(check_port_open(fd, 8), 0);
	client = connect_to(port);
	conn = accept(fd, NULL, NULL);
	cr_assert_neq(conn, -1);
	/* Who closes first has to wait (TIME_WAIT). */
	(void)close(conn);
	cr_expect_eq(read(client, &byte, 1), 0);
	(void)close(client);
	cr_assert_eq(check_port_close(fd), 0);
	(void)close(fd);
	again = bind_at(port);
	cr_assert_neq(again, -1, "%s", strerror(errno));
	(void)close(again);
}
