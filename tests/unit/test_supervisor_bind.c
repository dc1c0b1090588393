#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/syn_filter.h"
#include "scratch.h"
#include "supervisor/bind.h"

#define WAIT_MS 10000
#define SLOTS 4

/* An ordinary user, for tests that run as root. */
#define NOBODY 65534

TestSuite(bind, .timeout = 60);

static struct listener_spec
make_spec(const char *address, uint16_t port)
{
	struct listener_spec s = { .name = "pos",
		.pool = "pos",
		.port = port,
		.nodelay = 1,
		.backlog = 64,
		.mode = 0660,
		.owner = SPEC_NO_ID,
		.group = SPEC_NO_ID,
		.keepalive = { 60, 10, 3 } };

	(void)snprintf(s.address, sizeof(s.address), "%s", address);
	return s;
}

/* n sockets, and what bind_tcp() said of them. */
struct bound {
	int fds[SLOTS];
	unsigned int n;
	uint16_t port;
	char address[SPEC_ADDRESS_SIZE];
	struct err err;
};

static int
try_bind(struct bound *b, const struct listener_spec *s, unsigned int n)
{
	memset(b, 0, sizeof(*b));
	b->n = n;
	return bind_tcp(s, n, b->fds, &b->port, b->address, &b->err);
}

static void
bind_at(struct bound *b, const char *address, uint16_t port, unsigned int n)
{
	const struct listener_spec s = make_spec(address, port);

	cr_assert_eq(try_bind(b, &s, n), 0, "%s", b->err.text);
}

static bool
has_ipv6(void)
{
	const struct sockaddr_in6 a = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool usable;

	if (fd == -1)
		return false;
	usable = bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
	(void)close(fd);
	return usable;
}

/*
 * A port that is free, and that the kernel gives to nobody's client meanwhile,
 * for those who need one twice: it is below the range that those come from.
 */
static uint16_t
quiet_port(void)
{
	static uint16_t next;
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	uint16_t port;
	int fd, r;

	if (next == 0)
		next = (uint16_t)(5000 + (unsigned int)getpid() * 31 % 20000);
	do {
		port = next++;
		a.sin6_port = htons(port);
		a.sin6_family = has_ipv6() ? AF_INET6 : AF_INET;
		fd = socket(a.sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		cr_assert_neq(fd, -1);
		/* The port is at the same place in both families' addresses. */
		r = bind(fd, (const struct sockaddr *)&a, sizeof(a));
		(void)close(fd);
	} while (r == -1);
	return port;
}

static void
unbind(struct bound *b)
{
	unsigned int i;

	for (i = 0; i < b->n; i++)
		(void)close(b->fds[i]);
}

static int
get_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	cr_assert_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static uint16_t
port_of(int fd)
{
	union addr a;
	socklen_t len = sizeof(a);

	cr_assert_eq(getsockname(fd, &a.sa, &len), 0);
	return addr_port(&a);
}

/* A client; on its way already, wait for it with is_connected(). */
static int
start_connect(const char *address, uint16_t port)
{
	union addr a;
	const socklen_t len = addr_parse(address, port, &a);
	int fd;

	cr_assert_neq(len, 0);
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	cr_assert_neq(fd, -1);
	if (connect(fd, &a.sa, len) == -1 && errno != EINPROGRESS) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The errno of a connect that has ended; -1 while it has not by then. */
static int
connect_result(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, wait_ms) != 1)
		return -1;
	return get_option(fd, SOL_SOCKET, SO_ERROR);
}

static void
expect_answer(const char *address, uint16_t port)
{
	const int fd = start_connect(address, port);

	cr_assert_neq(fd, -1, "%s: %s", address, strerror(errno));
	cr_expect_eq(connect_result(fd, WAIT_MS), 0, "%s", address);
	(void)close(fd);
}

/* Accept what waits on fd; returns how many, each closed at once. */
static unsigned int
accept_all(int fd)
{
	unsigned int n = 0;
	int conn;

	while ((conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		(void)close(conn);
		n++;
	}
	cr_assert_eq(errno, EAGAIN);
	return n;
}

Test(bind, port_0_gives_one_port_to_all_slots)
{
	struct bound b;
	unsigned int i;

	bind_at(&b, "127.0.0.1", 0, SLOTS);
	cr_expect_neq(b.port, 0);
	cr_expect_str_eq(b.address, "127.0.0.1");
	for (i = 0; i < SLOTS; i++) {
		cr_expect_eq(port_of(b.fds[i]), b.port);
		cr_expect(get_option(b.fds[i], SOL_SOCKET, SO_ACCEPTCONN));
		cr_expect(fcntl(b.fds[i], F_GETFD) & FD_CLOEXEC);
		cr_expect(fcntl(b.fds[i], F_GETFL) & O_NONBLOCK);
	}
	unbind(&b);
}

Test(bind, a_given_port_is_kept)
{
	struct bound b, again;

	bind_at(&b, "127.0.0.1", quiet_port(), 1);
	unbind(&b);
	bind_at(&again, "127.0.0.1", b.port, SLOTS);
	cr_expect_eq(again.port, b.port);
	unbind(&again);
}

Test(bind, the_kernel_spreads_connections_over_the_slots)
{
	struct bound b;
	unsigned int i, total = 0, n;

	bind_at(&b, "127.0.0.1", 0, SLOTS);
	for (i = 0; i < 100; i++)
		expect_answer("127.0.0.1", b.port);
	for (i = 0; i < SLOTS; i++) {
		n = accept_all(b.fds[i]);
		cr_expect_gt(n, 0, "slot %u was never chosen", i);
		total += n;
	}
	cr_expect_eq(total, 100);
	unbind(&b);
}

Test(bind, takes_ipv6)
{
	struct bound b;

	if (!has_ipv6())
		cr_skip_test("no IPv6 here");
	bind_at(&b, "::1", 0, SLOTS);
	cr_expect_str_eq(b.address, "::1");
	expect_answer("::1", b.port);
	unbind(&b);
}

Test(bind, any_address_is_dual_stack)
{
	struct bound b;

	bind_at(&b, "::", 0, SLOTS);
	expect_answer("127.0.0.1", b.port);
	if (has_ipv6()) {
		cr_expect_str_eq(b.address, "::");
		expect_answer("::1", b.port);
	} else {
		cr_expect_str_eq(b.address, "0.0.0.0");
	}
	unbind(&b);
}

struct busy_case {
	char theirs[16];
	int option; /* of theirs, of SOL_SOCKET; 0: none */
	char ours[16];
};

ParameterizedTestParameters(bind, a_busy_port_is_told)
{
	static struct busy_case cases[] = {
		{ "127.0.0.1", 0, "127.0.0.1" },
		{ "127.0.0.1", SO_REUSEADDR, "127.0.0.1" },
		{ "127.0.0.1", SO_REUSEPORT, "127.0.0.1" },
		{ "0.0.0.0", 0, "127.0.0.1" },
		{ "0.0.0.0", SO_REUSEPORT, "127.0.0.1" },
		{ "127.0.0.1", SO_REUSEPORT, "0.0.0.0" },
		{ "127.0.0.1", SO_REUSEPORT, "::" },
		{ "0.0.0.0", SO_REUSEPORT, "::" },
		{ "::1", SO_REUSEPORT, "::" },
		{ "::", SO_REUSEPORT, "::" },
		{ "::", SO_REUSEPORT, "127.0.0.1" },
	};

	return cr_make_param_array(struct busy_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

/* A listening socket of another program. */
static int
their_socket(const char *address, int option)
{
	const int on = 1;
	union addr a;
	const socklen_t len = addr_parse(address, quiet_port(), &a);
	const int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	if (option != 0)
		cr_assert_eq(
		    setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on)), 0);
	cr_assert_eq(bind(fd, &a.sa, len), 0);
	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

ParameterizedTest(struct busy_case *k, bind, a_busy_port_is_told)
{
	struct listener_spec s;
	char place[ADDR_TEXT_SIZE];
	unsigned int before;
	struct bound b;
	int fd;

	if (strchr(k->theirs, ':') != NULL && !has_ipv6())
		return;
	fd = their_socket(k->theirs, k->option);
	s = make_spec(k->ours, port_of(fd));
	before = scratch_open_fds();
	cr_expect_eq(try_bind(&b, &s, SLOTS), -1, "%s with %s", k->ours,
	    k->theirs);
	cr_expect_eq(b.err.code, ERR_PORT_IN_USE, "%s", b.err.text);
	addr_join(s.address, s.port, place);
	cr_expect_not_null(strstr(b.err.text, place), "%s", b.err.text);
	cr_expect_eq(scratch_open_fds(), before);
	/* As soon as they leave, it is ours. */
	(void)close(fd);
	cr_expect_eq(try_bind(&b, &s, SLOTS), 0, "%s", b.err.text);
	unbind(&b);
}

/* Our own listener, of this daemon, is no exception. */
Test(bind, a_port_of_ours_is_busy_too)
{
	struct listener_spec s;
	struct bound b, second;

	bind_at(&b, "127.0.0.1", 0, 2);
	s = make_spec("127.0.0.1", b.port);
	cr_expect_eq(try_bind(&second, &s, 2), -1);
	cr_expect_eq(second.err.code, ERR_PORT_IN_USE);
	unbind(&b);
}

Test(bind, the_same_port_of_another_address_is_free)
{
	struct bound b, other;

	bind_at(&b, "127.0.0.1", quiet_port(), 2);
	bind_at(&other, "127.0.0.2", b.port, 2);
	cr_expect_eq(other.port, b.port);
	unbind(&b);
	unbind(&other);
}

/* A connection that lingers in TIME_WAIT does not hold the port. */
Test(bind, a_port_can_be_bound_again_at_once)
{
	struct pollfd p = { .events = POLLIN };
	struct bound b, again;
	int client, conn;
	char byte;

	bind_at(&b, "127.0.0.1", quiet_port(), 1);
	client = start_connect("127.0.0.1", b.port);
	p.fd = b.fds[0];
	cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
	conn = accept4(b.fds[0], NULL, NULL, SOCK_CLOEXEC);
	cr_assert_neq(conn, -1);
	(void)close(conn);
	p.fd = client;
	cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
	cr_assert_eq(read(client, &byte, 1), 0);
	(void)close(client);
	unbind(&b);
	bind_at(&again, "127.0.0.1", b.port, 2);
	unbind(&again);
}

struct address_case {
	char address[32];
	char says[48];
};

ParameterizedTestParameters(bind, a_wrong_address_is_told)
{
	static struct address_case cases[] = {
		{ "192.0.2.1", "192.0.2.1 is not an address of this machine" },
		{ "localhost", "is not a numeric address" },
		{ "", "is not a numeric address" },
	};

	return cr_make_param_array(struct address_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct address_case *k, bind, a_wrong_address_is_told)
{
	const struct listener_spec s = make_spec(k->address, 0);
	const unsigned int before = scratch_open_fds();
	struct bound b;

	cr_expect_eq(try_bind(&b, &s, 2), -1);
	cr_expect_eq(b.err.code, ERR_INVALID);
	cr_expect_not_null(strstr(b.err.text, k->says), "%s", b.err.text);
	cr_expect_eq(scratch_open_fds(), before);
}

/* In a process without rights: is port 1 refused as it should be? */
static int
bind_without_rights(void)
{
	const struct listener_spec s = make_spec("127.0.0.1", 1);
	struct bound b;

	if (geteuid() == 0 && setuid(NOBODY) == -1)
		return 2;
	if (try_bind(&b, &s, 1) == 0)
		return 3;
	if (b.err.code != ERR_PERMISSION)
		return 4;
	return strstr(b.err.text, "127.0.0.1:1") != NULL ? 0 : 5;
}

Test(bind, a_port_that_needs_rights_is_told)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
	int first = 0, status = -1;
	pid_t pid;

	cr_assert_not_null(f);
	cr_assert_eq(fscanf(f, "%d", &first), 1);
	(void)fclose(f);
	if (first <= 1)
		cr_skip_test("every port is free for everybody here");
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0)
		_exit(bind_without_rights());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}

static void
limit_descriptors(rlim_t n)
{
	struct rlimit rl;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = n;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
}

/* The lowest descriptor that is free. */
static int
next_fd(void)
{
	const int fd = dup(STDIN_FILENO);

	cr_assert_neq(fd, -1);
	(void)close(fd);
	return fd;
}

Test(bind, a_failure_half_way_leaves_no_socket)
{
	struct listener_spec s = make_spec("127.0.0.1", 0);
	const unsigned int before = scratch_open_fds();
	struct rlimit rl;
	struct bound b;
	unsigned int i;

	s.port = quiet_port();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	limit_descriptors((rlim_t)next_fd() + 2);
	cr_expect_eq(try_bind(&b, &s, SLOTS), -1);
	cr_expect_eq(b.err.code, ERR_UNAVAILABLE, "%s", b.err.text);
	limit_descriptors(rl.rlim_cur);
	for (i = 0; i < 2; i++)
		cr_expect_eq(b.fds[i], -1);
	cr_expect_eq(scratch_open_fds(), before);
	cr_expect_eq(try_bind(&b, &s, SLOTS), 0, "%s", b.err.text);
	unbind(&b);
}

/* What accept(2) finds inherits this: no system call per connection. */
Test(bind, options_are_inherited)
{
	struct pollfd p = { .events = POLLIN };
	struct bound b;
	int client;

	bind_at(&b, "127.0.0.1", 0, 1);
	client = start_connect("127.0.0.1", b.port);
	p.fd = b.fds[0];
	cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
	p.fd = accept4(b.fds[0], NULL, NULL, SOCK_CLOEXEC);
	cr_assert_neq(p.fd, -1);
	cr_expect_eq(get_option(p.fd, IPPROTO_TCP, TCP_NODELAY), 1);
	cr_expect_eq(get_option(p.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	cr_expect_eq(get_option(p.fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	cr_expect_eq(get_option(p.fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
	cr_expect_eq(get_option(p.fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
	(void)close(p.fd);
	(void)close(client);
	unbind(&b);
}

/* Linux shows the backlog of a listening socket here. */
static unsigned int
backlog_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_sacked;
}

Test(bind, apply_changes_a_socket_that_listens)
{
	struct listener_spec s = make_spec("127.0.0.1", 0);
	struct err err = { 0 };
	struct bound b;

	bind_at(&b, "127.0.0.1", 0, 1);
	cr_expect_eq(backlog_of(b.fds[0]), 64);
	s.backlog = 7;
	s.nodelay = 0;
	s.keepalive = (struct keepalive){ 5, 6, 7 };
	cr_assert_eq(bind_apply(&s, b.fds[0], &err), 0, "%s", err.text);
	cr_expect_eq(backlog_of(b.fds[0]), 7);
	cr_expect_eq(get_option(b.fds[0], IPPROTO_TCP, TCP_NODELAY), 0);
	cr_expect_eq(get_option(b.fds[0], IPPROTO_TCP, TCP_KEEPIDLE), 5);
	cr_expect_eq(get_option(b.fds[0], IPPROTO_TCP, TCP_KEEPINTVL), 6);
	cr_expect_eq(get_option(b.fds[0], IPPROTO_TCP, TCP_KEEPCNT), 7);
	s.keepalive = (struct keepalive){ 0, 0, 0 };
	cr_assert_eq(bind_apply(&s, b.fds[0], &err), 0, "%s", err.text);
	cr_expect_eq(get_option(b.fds[0], SOL_SOCKET, SO_KEEPALIVE), 0);
	expect_answer("127.0.0.1", b.port);
	unbind(&b);
}

Test(bind, what_can_not_be_applied_is_told)
{
	struct listener_spec s = make_spec("127.0.0.1", 0);
	const unsigned int before = scratch_open_fds();
	struct bound b;

	s.keepalive.idle_s = UINT32_MAX;
	cr_expect_eq(try_bind(&b, &s, 1), -1);
	cr_expect_eq(strncmp(b.err.text, "keepalive", 9), 0, "%s", b.err.text);
	cr_expect_eq(scratch_open_fds(), before);
	cr_expect_eq(bind_apply(&s, -1, &b.err), -1);
}

/* Some kernels take a filter from root only; bind.h: that is harmless. */
static bool
may_attach_filter(void)
{
	static struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K,
	    UINT32_MAX) };
	const struct sock_fprog program = { .len = 1, .filter = all };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	cr_assert_neq(fd, -1);
	r = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
	(void)close(fd);
	return r == 0;
}

/*
 * A client that comes too late is refused in the end, never reset: its SYN
 * is not answered as long as the socket is emptied.
 */
Test(bind, stop_new_drops_syns)
{
	struct bound b;
	int queued, late;

	if (!may_attach_filter())
		cr_skip_test("no rights to attach a filter");
	bind_at(&b, "127.0.0.1", 0, 1);
	queued = start_connect("127.0.0.1", b.port);
	cr_expect_eq(connect_result(queued, WAIT_MS), 0);
	syn_filter_add(b.fds[0]);
	late = start_connect("127.0.0.1", b.port);
	/* Over loopback an answer would be there before connect() returns. */
	cr_expect_eq(connect_result(late, 0), -1, "it was answered");
	/* What was queued before is there still. */
	cr_expect_eq(accept_all(b.fds[0]), 1);
	unbind(&b);
	cr_expect_eq(connect_result(late, WAIT_MS), ECONNREFUSED);
	(void)close(late);
	(void)close(queued);
}

/* Who was not answered tries again by itself. */
Test(bind, stop_new_can_be_taken_back)
{
	struct bound b;
	int late;

	if (!may_attach_filter())
		cr_skip_test("no rights to attach a filter");
	bind_at(&b, "127.0.0.1", 0, 1);
	syn_filter_remove(b.fds[0]); /* there is none */
	syn_filter_add(b.fds[0]);
	late = start_connect("127.0.0.1", b.port);
	cr_expect_eq(connect_result(late, 0), -1, "it was answered");
	syn_filter_remove(b.fds[0]);
	cr_expect_eq(connect_result(late, WAIT_MS), 0);
	unbind(&b);
	(void)close(late);
}

Test(bind, stop_new_keeps_open_connections_working)
{
	struct pollfd p = { .events = POLLIN };
	char byte = 'x';
	struct bound b;
	int client, conn;

	bind_at(&b, "127.0.0.1", 0, 1);
	client = start_connect("127.0.0.1", b.port);
	cr_expect_eq(connect_result(client, WAIT_MS), 0);
	syn_filter_add(b.fds[0]);
	conn = accept4(b.fds[0], NULL, NULL, SOCK_CLOEXEC);
	cr_assert_neq(conn, -1);
	cr_assert_eq(write(client, &byte, 1), 1);
	p.fd = conn;
	cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
	cr_expect_eq(read(conn, &byte, 1), 1);
	cr_assert_eq(write(conn, &byte, 1), 1);
	p.fd = client;
	cr_assert_eq(poll(&p, 1, WAIT_MS), 1);
	cr_expect_eq(read(client, &byte, 1), 1);
	(void)close(conn);
	(void)close(client);
	unbind(&b);
}
