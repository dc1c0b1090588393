/*
 * reference: what a server of its kind can do here, without anything else.
 *
 *     reference echo PORT PROCESSES
 *     reference copy|splice PORT PROCESSES UPSTREAM-PORT
 *
 * An epoll loop for each process, with a listening socket of its own
 * (SO_REUSEPORT): an echo server, a proxy that copies through one buffer, a
 * proxy that splices through pipes. No limits, no timeouts, no counters: it is
 * what is left of a server when all that one wants is taken away.
 */
#include "reference.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS 256
#define ACCEPTS_AT_ONCE 64

void
reference_die(const char *what)
{
	perror(what);
	exit(1);
}

void
reference_watch(int epoll, int fd, uint32_t events, void *data)
{
	struct epoll_event ev = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		reference_die("epoll_ctl");
}

struct sockaddr_in
reference_address(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

void
reference_nodelay(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
listen_at(uint16_t port)
{
	const struct sockaddr_in at = reference_address(port);
	const int on = 1;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == -1 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		reference_die("listen");
	return fd;
}

static void
accept_some(int epoll, int listening, const struct reference *kind)
{
	int fd, i;

	for (i = 0; i < ACCEPTS_AT_ONCE; i++) {
		fd = accept4(listening, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			return;
		reference_nodelay(fd);
		kind->opened(epoll, fd);
	}
}

/* One process. The listening socket's event has no data. */
static _Noreturn void
serve(const struct reference *kind, int listening)
{
	struct epoll_event events[EVENTS];
	int epoll, i, n;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll == -1)
		reference_die("epoll_create1");
	reference_watch(epoll, listening, EPOLLIN, NULL);
	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		if (n == -1 && errno != EINTR)
			reference_die("epoll_wait");
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_some(epoll, listening, kind);
			else
				kind->happened(events[i].data.ptr,
				    events[i].events);
		}
		kind->swept();
	}
}

static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		reference_die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		reference_die("setrlimit");
}

static uint16_t
number(const char *text)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value == 0 || value > UINT16_MAX) {
		(void)fputs("usage: reference echo PORT PROCESSES\n"
			    "       reference copy|splice PORT PROCESSES "
			    "UPSTREAM-PORT\n",
		    stderr);
		exit(2);
	}
	return (uint16_t)value;
}

static const struct reference *
choose(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "echo") == 0)
		return &reference_echo;
	if (argc == 5 &&
	    (strcmp(argv[1], "copy") == 0 || strcmp(argv[1], "splice") == 0)) {
		reference_proxy_to(number(argv[4]), argv[1][0] == 's');
		return &reference_proxy;
	}
	(void)number("");
	return NULL;
}

int
main(int argc, char **argv)
{
	const struct reference *kind = choose(argc, argv);
	const uint16_t port = number(argv[2]), processes = number(argv[3]);
	const pid_t parent = getpid();
	uint16_t i;
	int listening;
	pid_t pid;

	raise_limit();
	for (i = 0; i < processes; i++) {
		/* Bound by this one: a port that is taken ends us at once. */
		listening = listen_at(port);
		pid = fork();
		if (pid == -1)
			reference_die("fork");
		if (pid == 0) {
			if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
			    getppid() != parent)
				_exit(1);
			serve(kind, listening);
		}
		(void)close(listening);
	}
	while (wait(NULL) > 0)
		continue;
	return 1;
}
