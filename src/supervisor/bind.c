#include "supervisor/bind.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/check_port.h"

static int
set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int
set_keepalive(int fd, const struct keepalive *k)
{
	if (set_option(fd, SOL_SOCKET, SO_KEEPALIVE, k->idle_s != 0) == -1)
		return -1;
	if (k->idle_s == 0)
		return 0;
	if (set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)k->idle_s) == -1 ||
	    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)k->interval_s) ==
		-1)
		return -1;
	return set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)k->count);
}

int
bind_apply(const struct listener_spec *spec, int fd, struct err *err)
{
	if (spec->transport != TRANSPORT_UNIX) {
		if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, spec->nodelay) ==
		    -1)
			return err_sys(err, "nodelay");
		if (set_keepalive(fd, &spec->keepalive) == -1)
			return err_sys(err, "keepalive");
		if (set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
			(int)spec->user_timeout_ms) == -1)
			return err_sys(err, "user_timeout");
	}
	/* On a socket that listens already this changes the backlog. */
	if (listen(fd, (int)spec->backlog) == -1)
		return err_sys(err, "listen");
	return 0;
}

/* What a failed bind(2) or listen(2) means to the operator. */
static int
explain(const char *address, uint16_t port, struct err *err)
{
	char place[ADDR_TEXT_SIZE];

	addr_join(address, port, place);
	switch (errno) {
	case EADDRINUSE:
		return err_set(err, ERR_PORT_IN_USE, "%s is in use", place);
	case EACCES:
		return err_set(err, ERR_PERMISSION,
		    "no permission to bind %s: a port below 1024 needs root "
		    "or CAP_NET_BIND_SERVICE",
		    place);
	case EADDRNOTAVAIL:
		return err_set(err, ERR_INVALID,
		    "address: %s is not an address of this machine", address);
	default:
		return err_sys(err, "binding %s", place);
	}
}

/* A new socket that is not bound yet; -1 with *err. */
static int
open_tcp(const union addr *a, struct err *err)
{
	const int fd = socket(a->sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return err_sys(err, "socket");
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
	    (a->sa.sa_family != AF_INET6 ||
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) == 0))
		return fd;
	(void)err_sys(err, "socket options");
	(void)close(fd);
	return -1;
}

/*
 * One socket, bound and listening. The first of a listener is bound without
 * SO_REUSEPORT, so that it fails if anybody else has the port, and only then
 * opened for the others to join.
 */
static int
bind_one(const struct listener_spec *spec, const union addr *a, socklen_t len,
    bool first, struct err *err)
{
	const int fd = open_tcp(a, err);

	if (fd == -1)
		return -1;
	if (!first && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1) {
		(void)err_sys(err, "SO_REUSEPORT");
		goto out;
	}
	if (bind(fd, &a->sa, len) == -1) {
		(void)explain(spec->address, spec->port, err);
		goto out;
	}
	if (first && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1) {
		(void)err_sys(err, "SO_REUSEPORT");
		goto out;
	}
	if (bind_apply(spec, fd, err) == 0)
		return fd;
	if (errno == EADDRINUSE)
		(void)explain(spec->address, spec->port, err);
out:
	(void)close(fd);
	return -1;
}

/* Is IPv6 to be had at all? Where it is off, "::" means 0.0.0.0. */
static bool
has_ipv6(void)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	bool usable;
	int fd;

	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	usable = bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;
	(void)close(fd);
	return usable;
}

static void
close_all(int *fds, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		(void)close(fds[i]);
		fds[i] = -1;
	}
}

/* What to bind for an address; its length, or 0 with *err. */
static socklen_t
resolve(const char **text, uint16_t port, union addr *a, struct err *err)
{
	socklen_t len;

	if (strcmp(*text, "::") == 0 && !has_ipv6())
		*text = "0.0.0.0";
	len = addr_parse(*text, port, a);
	if (len == 0)
		(void)err_set(err, ERR_INVALID,
		    "address: \"%s\" is not a numeric address", *text);
	return len;
}

int
bind_plain(const char *address, uint16_t port, int backlog, struct err *err)
{
	union addr a;
	const socklen_t len = resolve(&address, port, &a, err);
	int fd;

	if (len == 0)
		return -1;
	fd = open_tcp(&a, err);
	if (fd == -1)
		return -1;
	if (bind(fd, &a.sa, len) == 0 &&
	    (backlog == 0 ? check_port_close(fd) : listen(fd, backlog)) == 0)
		return fd;
	(void)explain(address, port, err);
	(void)close(fd);
	return -1;
}

int
bind_tcp(const struct listener_spec *spec, unsigned int n, int *fds,
    uint16_t *port, char address[static SPEC_ADDRESS_SIZE], struct err *err)
{
	const char *text = spec->address;
	socklen_t len, bound_len;
	union addr a;
	unsigned int i;

	len = resolve(&text, spec->port, &a, err);
	if (len == 0)
		return -1;
	for (i = 0; i < n; i++) {
		fds[i] = bind_one(spec, &a, len, i == 0, err);
		if (fds[i] == -1)
			goto out;
		/* The others join the port that the first one got. */
		bound_len = sizeof(a);
		if (i == 0 && getsockname(fds[0], &a.sa, &bound_len) == -1) {
			(void)err_sys(err, "getsockname");
			i++;
			goto out;
		}
	}
	*port = addr_port(&a);
	(void)snprintf(address, SPEC_ADDRESS_SIZE, "%s", text);
	return 0;
out:
	close_all(fds, i);
	return -1;
}

int
bind_tcp_join(const struct listener_spec *spec, const char *address,
    unsigned int n, int *fds, struct err *err)
{
	union addr a;
	const socklen_t len = addr_parse(address, spec->port, &a);
	unsigned int i;

	for (i = 0; i < n; i++) {
		fds[i] = bind_one(spec, &a, len, false, err);
		if (fds[i] == -1) {
			close_all(fds, i);
			return -1;
		}
	}
	return 0;
}
