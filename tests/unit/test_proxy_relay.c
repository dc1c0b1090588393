#include <sys/socket.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/relay.h"
#include "proxy/relays.h"

#define BULK (3 * 1024 * 1024 + 17)

/* Two pairs of sockets: the test holds the outer ends. */
static struct {
	struct event_base *base;
	struct relays relays;
	struct relay relay;
	struct event io[2];
	int inner[2];
	int outer[2]; /* of the device, of the upstream; -1: closed */
	enum relay_result result;
	uint64_t in, out;
	unsigned int lasted;
	uint64_t unseen; /* bytes of in and out that were spliced */
} t;

/* How a case is run. */
struct mode {
	bool tcp;
	bool splice;
	unsigned int pipes; /* at most; 0: PIPES_MAX */
};

static void
close_inner(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		(void)event_del(&t.io[i]);
		if (t.inner[i] != -1)
			(void)close(t.inner[i]);
		t.inner[i] = -1;
	}
}

static void
end(enum relay_result result)
{
	t.result = result;
	if (result != RELAY_ON)
		close_inner();
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	const enum relay_place place = arg == &t.io[RELAY_UPSTREAM];

	(void)fd;
	end(relay_event(&t.relay, place, what));
}

static void
on_turn(struct relay *r)
{
	end(relay_go_on(r));
}

static void
count_in(struct relay *r, const uint8_t *data, size_t len)
{
	(void)r;
	t.in += len;
	t.unseen += data == NULL ? len : 0;
}

static void
count_out(struct relay *r, const uint8_t *data, size_t len)
{
	(void)r;
	t.out += len;
	t.unseen += data == NULL ? len : 0;
}

static void
make_tcp_pair(int ends[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	const int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(l, (struct sockaddr *)&a, len), 0);
	cr_assert_eq(listen(l, 1), 0);
	cr_assert_eq(getsockname(l, (struct sockaddr *)&a, &len), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(ends[0], (struct sockaddr *)&a, len), 0);
	ends[1] = accept(l, NULL, NULL);
	cr_assert_neq(ends[1], -1);
	(void)close(l);
}

static void
make_pair(bool tcp, int i)
{
	int ends[2], k;

	if (tcp)
		make_tcp_pair(ends);
	else
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	for (k = 0; k < 2; k++)
		cr_assert_eq(evutil_make_socket_nonblocking(ends[k]), 0);
	t.outer[i] = ends[0];
	t.inner[i] = ends[1];
}

static void
on_lasts(struct relay *r)
{
	cr_expect_eq(r, &t.relay);
	cr_expect(!r->has_lasted, "it is told once");
	t.lasted++;
}

static void
start(const struct mode *m)
{
	static const struct relay_owner owner = { count_in, count_out, on_turn,
		on_lasts };
	int i;

	t.base = event_base_new();
	cr_assert_eq(relays_init(&t.relays, t.base, &owner), 0);
	t.relays.pipes.max = m->pipes;
	relay_init(&t.relay, &t.relays);
	t.relay.may_splice = m->splice;
	for (i = 0; i < 2; i++) {
		make_pair(m->tcp, i);
		t.relay.ends[i].fd = t.inner[i];
		cr_assert_eq(event_assign(&t.io[i], t.base, t.inner[i],
				 RELAY_EVENTS, on_event, &t.io[i]),
		    0);
		cr_assert_eq(event_add(&t.io[i], NULL), 0);
	}
}

static void
close_outer(int i)
{
	if (t.outer[i] != -1)
		(void)close(t.outer[i]);
	t.outer[i] = -1;
}

static void
stop(void)
{
	int i;

	relay_clear(&t.relay);
	close_inner();
	for (i = 0; i < 2; i++)
		close_outer(i);
	relays_clear(&t.relays);
	cr_expect_eq(t.relays.pipes.count, 0, "every pipe has come back");
	event_base_free(t.base);
}

static void
reset_outer(int i)
{
	const struct linger now = { 1, 0 };

	cr_assert_eq(
	    setsockopt(t.outer[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now)),
	    0);
	close_outer(i);
}

/* Turn the loop a few times. */
static void
settle(void)
{
	int i;

	for (i = 0; i < 8; i++)
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

/* Turn it until the relay has ended. */
static enum relay_result
await_end(void)
{
	while (t.result == RELAY_ON)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	return t.result;
}

static uint8_t
pattern(size_t at, int seed)
{
	return (uint8_t)((at * 2654435761u >> 13) + (unsigned int)seed);
}

/* Bytes on their way from one outer end to the other. */
struct flow {
	int from;
	size_t total, sent, got;
	size_t step; /* most that is read at a time */
};

static void
send_more(struct flow *f)
{
	static uint8_t data[50000];
	size_t i, len = f->total - f->sent;
	ssize_t n;

	len = len < sizeof(data) ? len : sizeof(data);
	if (len == 0)
		return;
	for (i = 0; i < len; i++)
		data[i] = pattern(f->sent + i, f->from);
	n = send(t.outer[f->from], data, len, MSG_NOSIGNAL);
	if (n == -1)
		cr_assert_eq(errno, EAGAIN);
	else
		f->sent += (size_t)n;
	if (f->sent == f->total)
		cr_assert_eq(shutdown(t.outer[f->from], SHUT_WR), 0);
}

/* Returns false at the end of the stream. */
static bool
receive_more(struct flow *f)
{
	static uint8_t data[100000];
	const ssize_t n = recv(t.outer[1 - f->from], data, f->step, 0);
	ssize_t i;

	if (n == -1)
		cr_assert_eq(errno, EAGAIN);
	for (i = 0; i < n; i++)
		cr_assert_eq(data[i], pattern(f->got + (size_t)i, f->from),
		    "byte %zu is wrong", f->got + (size_t)i);
	f->got += n > 0 ? (size_t)n : 0;
	return n != 0;
}

/* Both ways at once, until both streams have ended. */
static void
run_flows(struct flow flows[2])
{
	bool open[2] = { true, true };
	int i;

	while (open[0] || open[1]) {
		for (i = 0; i < 2; i++) {
			send_more(&flows[i]);
			open[i] = open[i] && receive_more(&flows[i]);
		}
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	}
	for (i = 0; i < 2; i++)
		cr_expect_eq(flows[i].got, flows[i].total);
}

static struct mode modes[] = {
	{ .tcp = false },
	{ .tcp = true },
	{ .tcp = true, .splice = true },
	{ .tcp = true, .splice = true, .pipes = 1 },
	{ .tcp = false, .splice = true },
};

TestSuite(relay, .fini = stop, .timeout = 60);

#define MODES(NAME)                                            \
	ParameterizedTestParameters(relay, NAME)               \
	{                                                      \
		return cr_make_param_array(struct mode, modes, \
		    sizeof(modes) / sizeof(modes[0]));         \
	}                                                      \
	ParameterizedTest(struct mode *m, relay, NAME)

MODES(passes_large_streams_both_ways)
{
	struct flow flows[2] = { { 0, BULK, 0, 0, 100000 },
		{ 1, BULK / 2, 0, 0, 100000 } };

	start(m);
	run_flows(flows);
	cr_expect_eq(await_end(), RELAY_DONE);
	cr_expect_eq(t.in, BULK);
	cr_expect_eq(t.out, BULK / 2);
	if (m->splice && m->tcp)
		cr_expect_gt(t.unseen, 0, "nothing was spliced");
	if (!m->splice)
		cr_expect_eq(t.unseen, 0);
}

MODES(waits_for_slow_readers)
{
	struct flow flows[2] = { { 0, BULK, 0, 0, 7777 },
		{ 1, BULK, 0, 0, 9999 } };

	start(m);
	run_flows(flows);
	cr_expect_eq(await_end(), RELAY_DONE);
	cr_expect_eq(t.in, BULK);
	cr_expect_eq(t.out, BULK);
}

MODES(keeps_a_bounded_number_of_bytes)
{
	static uint8_t data[65536];
	size_t sent = 0, kept;
	int idle = 0;
	ssize_t n;

	start(m);
	while (idle < 20) {
		n = send(t.outer[0], data, sizeof(data), MSG_NOSIGNAL);
		idle = n > 0 ? 0 : idle + 1;
		sent += n > 0 ? (size_t)n : 0;
		settle();
	}
	kept = relay_kept(&t.relay, RELAY_UPSTREAM);
	cr_expect_gt(kept, 0);
	cr_expect_leq(kept, m->splice ? PIPE_SIZE : RELAY_READ_SIZE);
	cr_expect_eq(relay_kept(&t.relay, RELAY_DEVICE), 0);
	cr_expect_eq(t.result, RELAY_ON);
	cr_expect_lt(t.in, sent, "the kernel keeps what we don't");
}

MODES(owns_nothing_while_idle)
{
	char text[6] = "";

	start(m);
	cr_assert_eq(send(t.outer[0], "hello", 5, 0), 5);
	settle();
	cr_expect_eq(recv(t.outer[1], text, 5, 0), 5);
	cr_expect_str_eq(text, "hello");
	cr_expect_null(t.relay.ends[0].kept);
	cr_expect_null(t.relay.ends[0].pipe);
	cr_expect_eq(t.in, 5);
	cr_expect_eq(t.out, 0);
}

MODES(passes_the_end_of_one_direction)
{
	char text[8];
	int from;

	start(m);
	for (from = 0; from < 2; from++) {
		cr_assert_eq(send(t.outer[from], "last", 4, 0), 4);
		cr_assert_eq(shutdown(t.outer[from], SHUT_WR), 0);
		settle();
		cr_expect_eq(recv(t.outer[1 - from], text, sizeof(text), 0), 4);
		cr_expect_eq(recv(t.outer[1 - from], text, sizeof(text), 0), 0);
		cr_expect_eq(t.result, from == 0 ? RELAY_ON : RELAY_DONE);
	}
	cr_expect_eq(t.relay.finished, 1 + RELAY_DEVICE);
}

Test(relay, tells_who_finished_first)
{
	start(&modes[1]);
	close_outer(1);
	settle();
	cr_expect_eq(t.result, RELAY_ON);
	close_outer(0);
	cr_expect_eq(await_end(), RELAY_DONE);
	cr_expect_eq(t.relay.finished, 1 + RELAY_UPSTREAM);
}

struct loss {
	int who;
	enum relay_result result;
};

ParameterizedTestParameters(relay, tells_a_reset)
{
	static struct loss losses[] = { { 0, RELAY_LOST_DEVICE },
		{ 1, RELAY_LOST_UPSTREAM } };

	return cr_make_param_array(struct loss, losses, 2);
}

ParameterizedTest(struct loss *l, relay, tells_a_reset)
{
	start(&modes[1]);
	settle();
	reset_outer(l->who);
	cr_expect_eq(await_end(), l->result);
}

/*
 * Data and the reset come as one event, which does not show the error: that
 * is found all the same, with the data passed on before.
 */
ParameterizedTestParameters(relay, tells_a_reset_that_comes_with_the_last_bytes)
{
	static struct loss losses[] = { { 0, RELAY_LOST_DEVICE },
		{ 1, RELAY_LOST_UPSTREAM } };

	return cr_make_param_array(struct loss, losses, 2);
}

ParameterizedTest(struct loss *l, relay,
    tells_a_reset_that_comes_with_the_last_bytes)
{
	char text[8];

	start(&modes[1]);
	settle();
	cr_assert_eq(send(t.outer[l->who], "last", 4, 0), 4);
	reset_outer(l->who);
	settle();
	cr_expect_eq(recv(t.outer[1 - l->who], text, sizeof(text), 0), 4);
	cr_expect_eq(await_end(), l->result);
}

/* So with one who has finished, while the other takes nothing. */
MODES(tells_a_reset_while_the_other_end_takes_nothing)
{
	static uint8_t data[65536];
	int idle = 0;

	start(m);
	while (idle < 20) {
		idle = send(t.outer[0], data, sizeof(data), MSG_NOSIGNAL) > 0
		    ? 0
		    : idle + 1;
		settle();
	}
	if (!m->tcp)
		return;
	reset_outer(0);
	cr_expect_eq(await_end(), RELAY_LOST_DEVICE);
}

Test(relay, tells_a_reset_after_the_end)
{
	start(&modes[1]);
	cr_assert_eq(shutdown(t.outer[0], SHUT_WR), 0);
	settle();
	reset_outer(0);
	cr_expect_eq(await_end(), RELAY_LOST_DEVICE);
}

/* An upstream answers without reading all, and resets: the answer arrives. */
Test(relay, passes_the_last_words_of_one_that_reads_no_more)
{
	static uint8_t data[65536];
	char text[8];
	int i;

	start(&modes[1]);
	settle();
	for (i = 0; i < 4; i++)
		(void)send(t.outer[0], data, sizeof(data), MSG_NOSIGNAL);
	settle();
	cr_assert_eq(send(t.outer[1], "no", 2, 0), 2);
	close_outer(1); /* with bytes unread: a reset */
	cr_expect_eq(await_end(), RELAY_LOST_UPSTREAM);
	cr_expect_eq(recv(t.outer[0], text, sizeof(text), 0), 2);
}

/* Others of the loop, who always have something to do. */
struct others {
	struct event *turn;
	uint64_t seen; /* of t.in, the last time */
	uint64_t most; /* that has come from one time to the next */
};

static void
on_others(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = { 0, 0 };
	struct others *o = arg;

	(void)fd;
	(void)what;
	o->most = t.in - o->seen > o->most ? t.in - o->seen : o->most;
	o->seen = t.in;
	(void)event_add(o->turn, &at_once);
}

Test(relay, lets_others_have_their_turn)
{
	static uint8_t data[1024 * 1024];
	const int size = 4 * 1024 * 1024;
	struct others others = { .turn = NULL };
	int i;

	start(&modes[1]);
	for (i = 0; i < 2; i++) {
		(void)setsockopt(t.outer[i], SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size));
		(void)setsockopt(t.inner[i], SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size));
	}
	settle();
	for (i = 0; i < 100; i++)
		(void)send(t.outer[0], data, sizeof(data), MSG_NOSIGNAL);
	others.turn = evtimer_new(t.base, on_others, &others);
	on_others(-1, 0, &others);
	while (t.in < 3 * 1024 * 1024)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_expect_leq(others.most, 1024 * 1024u);
	event_free(others.turn);
}

Test(relay, one_that_lasts_is_told_once)
{
	const struct timeval step = { .tv_usec = 10000 };
	int i;

	start(&modes[0]);
	relays_watch(&t.relay);
	cr_expect_eq(t.lasted, 0, "short ones do without");
	for (i = 0; i < 1000 && t.lasted == 0; i++) {
		(void)event_base_loopexit(t.base, &step);
		(void)event_base_dispatch(t.base);
	}
	cr_expect_eq(t.lasted, 1);
	relays_watch(&t.relay);
	for (i = 0; i < 1000 && t.relay.is_watched; i++) {
		(void)event_base_loopexit(t.base, &step);
		(void)event_base_dispatch(t.base);
	}
	cr_expect_eq(t.lasted, 1);
}
