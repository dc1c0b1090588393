/* What a recorded connection tells the store (conn_record.h). */
#include "pool/conn_record.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/event_sink.h"
#include "common/event_wire.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_peer.h"
#include "pool/probe.h"
#include "pool/worker.h"

static struct {
	struct event_base *base;
	struct worker worker;
	struct listener_spec spec;
	struct conn_list list;
	int store; /* the store's end */
	uint8_t datagram[EVENT_BATCH_SIZE];
} t;

static void
setup(void)
{
	struct err err;
	int ends[2];

	t.base = event_base_new();
	cr_assert_eq(event_sink_pair(ends, &err), 0);
	t.store = ends[0];
	t.worker.events = event_sink_new(t.base, ends[1], &err);
	cr_assert_not_null(t.worker.events);
	t.list.worker = &t.worker;
	t.list.spec = &t.spec;
	memcpy(t.spec.name, "pos", sizeof("pos"));
}

static void
teardown(void)
{
	event_sink_free(&t.worker.events);
	(void)close(t.store);
	event_base_free(t.base);
}

TestSuite(conn_record, .init = setup, .fini = teardown, .timeout = 20);

/* A connection over fd that has just come. */
static struct conn
conn_over(int fd)
{
	struct conn c = { .list = &t.list,
		.id = conn_ids_next(&t.worker.ids),
		.opened_ms = clock_mono_ms() };

	cr_assert_eq(event_assign(&c.io, t.base, fd, EV_READ, NULL, NULL), 0);
	return c;
}

/* As the acceptor does it. */
static void
set_peer(struct conn *c)
{
	union addr a;
	socklen_t len = sizeof(a);

	cr_assert_eq(getpeername(conn_fd(c), &a.sa, &len), 0);
	conn_peer_set(c, &a);
}

/* Both ends of a TCP connection; *port is the connecting one's. */
static int
tcp_pair(int *client, uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int served;

	cr_assert_eq(bind(listener, (struct sockaddr *)&in, len), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(*client, (struct sockaddr *)&in, len), 0);
	served = accept(listener, NULL, NULL);
	cr_assert_eq(getsockname(*client, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	(void)close(listener);
	return served;
}

/* What has been sent, as events; texts live in t.datagram. */
static unsigned int
receive(struct health_event *events, unsigned int max)
{
	ssize_t n, at = sizeof(struct event_batch);
	unsigned int count = 0;
	size_t size;

	event_sink_flush(t.worker.events);
	n = recv(t.store, t.datagram, sizeof(t.datagram), 0);
	cr_assert_gt(n, at);
	for (; at < n && count < max; at += (ssize_t)size) {
		size = event_decode(t.datagram + at, (size_t)(n - at),
		    &events[count++]);
		cr_assert_neq(size, 0);
	}
	cr_assert_eq(at, n);
	return count;
}

static const struct event_fact *
fact(const struct health_event *e, enum fact_id id)
{
	unsigned int i;

	for (i = 0; i < e->fact_count; i++)
		if (e->facts[i].id == id)
			return &e->facts[i];
	cr_assert_fail("no fact %s", fact_key(id));
	return NULL;
}

Test(conn_record, tells_of_both_ends_of_a_connection)
{
	struct health_event e[2];
	struct conn_record *r;
	char want[64];
	uint64_t before_ms;
	uint16_t port;
	int client, fd = tcp_pair(&client, &port);
	struct conn c = conn_over(fd);

	set_peer(&c);
	c.opened_ms -= 500;
	r = conn_record_open(&c);
	cr_assert_not_null(r);
	cr_expect_eq(conn_record_due_ms(r, &c), c.opened_ms + PROBE_MS);
	before_ms = clock_real_ms();
	conn_record_tell(r, &c);
	conn_record_tell(r, &c);
	cr_expect_eq(conn_record_due_ms(r, &c), UINT64_MAX);
	c.bytes_in = 7;
	c.bytes_out = 9;
	conn_record_close(&r, &c, CONN_END_PEER_CLOSED);
	cr_expect_null(r);

	cr_assert_eq(receive(e, 2), 2);
	(void)snprintf(want, sizeof(want), "127.0.0.1:%u", port);
	cr_expect_eq(e[0].type, EVENT_CONNECTION_OPENED);
	cr_expect_eq(e[1].type, EVENT_CONNECTION_CLOSED);
	/* It came earlier than it was told. */
	cr_expect_leq(e[0].at_ms, before_ms - 400);
	cr_expect_geq(e[1].at_ms, before_ms);
	cr_expect_str_eq(e[0].listener, "pos");
	cr_expect_str_eq(e[0].peer, want);
	cr_expect_str_eq(e[1].peer, want);
	cr_expect_str_eq(e[1].reason, "peer_closed");
	cr_expect_str_eq(fact(&e[0], FACT_CONNECTION)->text,
	    fact(&e[1], FACT_CONNECTION)->text);
	cr_expect_eq(fact(&e[1], FACT_BYTES_IN)->number, 7);
	cr_expect_eq(fact(&e[1], FACT_BYTES_OUT)->number, 9);
	cr_expect_geq(fact(&e[1], FACT_DURATION_MS)->number, 0);
	(void)close(client);
	(void)close(fd);
}

/* A probe: it must leave nothing behind. */
Test(conn_record, what_is_dropped_tells_nothing)
{
	struct conn_record *r;
	struct conn c = conn_over(t.store);
	uint8_t byte;

	cr_expect_eq(conn_record_due_ms(NULL, &c), UINT64_MAX);
	conn_record_tell(NULL, &c);
	r = conn_record_open(&c);
	conn_record_drop(&r);
	cr_expect_null(r);
	conn_record_drop(&r);
	event_sink_flush(t.worker.events);
	cr_expect_eq(recv(t.store, &byte, 1, MSG_DONTWAIT), -1);
}

/* It ends before it is told that it has come, and is no probe. */
Test(conn_record, a_unix_socket_has_no_address_to_tell)
{
	struct health_event e[2];
	struct conn_record *r;
	struct conn c;
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	c = conn_over(ends[0]);
	r = conn_record_open(&c);
	conn_record_close(&r, &c, CONN_END_KICKED);
	cr_assert_eq(receive(e, 2), 2);
	cr_expect_null(e[0].peer);
	cr_expect_null(e[1].peer);
	cr_expect_str_eq(e[1].reason, "kicked");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

Test(conn_record, without_a_store_nothing_is_recorded)
{
	struct conn_record *r;
	struct conn c = conn_over(t.store);

	event_sink_free(&t.worker.events);
	r = conn_record_open(&c);
	cr_expect_null(r);
	conn_record_close(&r, &c, CONN_END_KICKED);
}
