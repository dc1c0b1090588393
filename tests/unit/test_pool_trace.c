#include <sys/socket.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/gate.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/protocol.h"
#include "pool/slab.h"
#include "pool/trace.h"
#include "pool/transport.h"
#include "pool/worker.h"

#define ID 7u

/* Connections of an echo listener over TCP; we are their peers. */
static struct {
	struct event_base *base;
	struct slab slab;
	struct listener_spec spec;
	struct worker worker;
	struct tracer tracer;
	struct gate gate;
	struct scoreboard_entry board;
	struct conn_list list;
	bool has_list; /* find() finds it */
} t;

static struct conn_list *
find(uint64_t listener_id)
{
	return t.has_list && listener_id == ID ? &t.list : NULL;
}

static void
on_emptied(void *ctx)
{
	(void)ctx;
}

static void
setup(void)
{
	memset(&t, 0, sizeof(t));
	t.base = event_base_new();
	slab_init(&t.slab, sizeof(struct conn));
	t.worker.base = t.tracer.base = t.base;
	t.tracer.find = find;
	t.worker.tracer = &t.tracer;
	t.has_list = true;
	t.list = (struct conn_list){ .worker = &t.worker,
		.transport = &transport_socket,
		.protocol = &protocol_echo,
		.board = &t.board,
		.slab = &t.slab,
		.gate = &t.gate,
		.spec = &t.spec,
		.emptied = on_emptied };
	TAILQ_INIT(&t.list.all);
	cr_assert_eq(protocol_echo.configure(&t.list, NULL, NULL), 0);
}

static void
teardown(void)
{
	conn_list_cut(&t.list);
	trace_clear(&t.tracer, 0);
	cr_expect_null(t.list.traced);
	timeouts_clear(&t.worker.timeouts);
	slab_clear(&t.slab);
	event_base_free(t.base);
}

TestSuite(trace, .init = setup, .fini = teardown, .timeout = 20);

static void
settle(void)
{
	int i;

	for (i = 0; i < 10; i++)
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

/* A peer of a new connection. */
static int
connect_peer(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(a);
	int listening = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), s, fd;
	union addr from;

	cr_assert_eq(bind(listening, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(listening, 1), 0);
	cr_assert_eq(getsockname(listening, (struct sockaddr *)&a, &len), 0);
	s = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(s, (struct sockaddr *)&a, sizeof(a)), 0);
	len = sizeof(from);
	fd = accept4(listening, &from.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_neq(fd, -1);
	(void)close(listening);
	cr_assert_eq(conn_open(&t.list, fd, &from, 0), 0);
	return s;
}

/* The other end of a new trace. */
static int
begin(const struct trace_filter *filter)
{
	struct msg_trace m = { .listener_id = ID };
	struct err err;
	int ends[2];

	if (filter != NULL)
		m.filter = *filter;
	cr_assert_eq(trace_pair(ends, &err), 0);
	trace_begin(&t.tracer, &m, ends[1]);
	return ends[0];
}

static struct trace_filter
network(const char *text, uint16_t port)
{
	struct trace_filter f = { .by_peer = 1, .port = port };
	struct err err;

	cr_assert_eq(cidr_parse(text, &f.network, &err), 0);
	return f;
}

/*
 * What a trace shows: a letter for each record (Joined, Opened, In, outpUt,
 * Closed, loSt, Left), and for data its length. "EOF" where it ends.
 */
static const char *
shown(int fd)
{
	static const char letters[TRACE_KIND_COUNT + 1] = "JOIUCSL";
	static _Alignas(8) uint8_t bytes[TRACE_BATCH_SIZE];
	static char text[256];
	size_t used = 0, left = 0, size;
	const uint8_t *at, *data;
	struct trace_record r;
	ssize_t n;

	text[0] = '\0';
	settle();
	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		at = trace_batch_open(bytes, (size_t)n, &left);
		for (; left > 0; at += size, left -= size) {
			size = trace_decode(at, left, &r, &data);
			cr_assert_neq(size, 0);
			used += (size_t)snprintf(text + used,
			    sizeof(text) - used, r.len > 0 ? "%c%u " : "%c ",
			    letters[r.kind], r.len);
		}
		settle();
	}
	if (n == 0)
		(void)snprintf(text + used, sizeof(text) - used, "EOF");
	return text;
}

static void
say(int peer, const char *text)
{
	char back[64];

	cr_assert_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
	settle();
	cr_assert_eq(recv(peer, back, sizeof(back), 0), (ssize_t)strlen(text));
}

Test(trace, all_that_a_connection_does)
{
	const int fd = begin(NULL), peer = connect_peer();

	say(peer, "hello");
	(void)close(peer);
	cr_expect_str_eq(shown(fd), "J O I5 U5 C ");
	(void)close(fd);
	settle();
	cr_expect_null(t.list.traced);
	cr_expect_null(t.tracer.all[0]);
}

Test(trace, one_that_is_open_already_and_one_that_stays_so)
{
	const int peer = connect_peer(), fd = begin(NULL);

	say(peer, "hi");
	cr_expect_str_eq(shown(fd), "J I2 U2 ");
	(void)close(fd);
	settle();
	say(peer, "unseen");
	(void)close(peer);
}

Test(trace, who_is_not_wanted_is_not_shown)
{
	struct trace_filter filters[] = { network("::1", 0),
		network("10.0.0.0/8", 0), network("::/0", 1) };
	int fds[3], peer;
	size_t i;

	for (i = 0; i < 3; i++)
		fds[i] = begin(&filters[i]);
	peer = connect_peer();
	say(peer, "x");
	(void)close(peer);
	cr_expect_str_eq(shown(fds[0]), "J O I1 U1 C ");
	cr_expect_str_eq(shown(fds[1]), "J ");
	cr_expect_str_eq(shown(fds[2]), "J ");
	for (i = 0; i < 3; i++)
		(void)close(fds[i]);
}

/* A place that one leaves is another's, who wants something else. */
Test(trace, one_after_the_other)
{
	const struct trace_filter nobody = network("10.0.0.0/8", 0);
	const int peer = connect_peer(), stays = begin(&nobody);
	int fd, i;

	for (i = 0; i < 20; i++) {
		fd = begin(i % 2 == 0 ? NULL : &nobody);
		say(peer, "x");
		cr_expect_str_eq(shown(fd), i % 2 == 0 ? "J I1 U1 " : "J ");
		(void)close(fd);
		settle();
	}
	cr_expect_str_eq(shown(stays), "J ");
	(void)close(stays);
	(void)close(peer);
}

Test(trace, long_data_is_cut_up)
{
	static uint8_t data[CONN_READ_SIZE];
	const int fd = begin(NULL), peer = connect_peer();

	settle();
	trace_in(TAILQ_FIRST(&t.list.all), data, sizeof(data));
	trace_out(TAILQ_FIRST(&t.list.all), data, TRACE_DATA_MAX + 1);
	cr_expect_str_eq(shown(fd), "J O I32768 I32768 U32768 U1 ");
	(void)close(fd);
	(void)close(peer);
}

Test(trace, so_many_and_no_more)
{
	int fds[TRACES_MAX + 1], peer;
	size_t i;

	for (i = 0; i <= TRACES_MAX; i++)
		fds[i] = begin(NULL);
	peer = connect_peer();
	for (i = 0; i < TRACES_MAX; i++)
		cr_expect_str_eq(shown(fds[i]), "J O ");
	cr_expect_str_eq(shown(fds[TRACES_MAX]), "EOF");
	for (i = 0; i <= TRACES_MAX; i++)
		(void)close(fds[i]);
	(void)close(peer);
}

Test(trace, a_filter_that_makes_no_sense)
{
	struct trace_filter bad = network("10.0.0.0/8", 0);
	int fd;

	bad.network.bits = 200;
	fd = begin(&bad);
	cr_expect_str_eq(shown(fd), "EOF");
	(void)close(fd);
}

Test(trace, a_listener_that_comes_and_goes)
{
	int fd, peer;

	t.has_list = false;
	fd = begin(NULL);
	cr_expect_str_eq(shown(fd), "J ");
	trace_list_begin(&t.tracer, ID + 1, &t.list);
	cr_expect_null(t.list.traced);
	trace_list_begin(&t.tracer, ID, &t.list);
	peer = connect_peer();
	cr_expect_str_eq(shown(fd), "O ");
	trace_list_end(&t.tracer, &t.list);
	cr_expect_null(t.list.traced);
	cr_expect_str_eq(shown(fd), "L EOF");
	cr_expect_null(t.tracer.all[0]);
	(void)close(fd);
	(void)close(peer);
}

Test(trace, at_the_end_of_the_process)
{
	const int fd = begin(NULL), peer = connect_peer();

	trace_clear(&t.tracer, 1000);
	cr_expect_str_eq(shown(fd), "J O L EOF");
	(void)close(fd);
	(void)close(peer);
}
