#include <sys/socket.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/gate.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn_list.h"
#include "pool/protocol.h"
#include "pool/slab.h"
#include "pool/stream.h"
#include "pool/transport.h"
#include "pool/worker.h"

/* One connection over a socketpair; we are the peer. */
static struct {
	struct event_base *base;
	struct slab slab;
	struct listener_spec spec;
	struct worker worker;
	struct gate gate;
	struct scoreboard_entry board;
	struct conn_list list;
	int peer;
	int emptied;
	bool sent; /* what the last conn_send() returned */
} t;

/* Answers each chunk three times, in three sends, after a greeting. */
static void
greet(struct mercury_conn *c)
{
	(void)mercury_send(c, "hi", 2);
}

static size_t
answer_thrice(struct mercury_conn *c, uint8_t *data, size_t len)
{
	uint32_t *calls = mercury_state(c);
	int i;

	++*calls;
	for (i = 0; i < 3; i++)
		t.sent = mercury_send(c, data, len) == 0;
	return len;
}

static const struct mercury_protocol thrice = {
	.abi = MERCURY_ABI,
	.size = sizeof(struct mercury_protocol),
	.name = "thrice",
	.state_size = sizeof(uint32_t),
	.opened = greet,
	.received = answer_thrice,
};

static struct protocol_use thrice_use = { .calls = &thrice, .holders = 1 };

/* A Unix socket's. */
static const union addr nobody = { .sa = { .sa_family = AF_UNIX } };

static void
on_emptied(void *ctx)
{
	(void)ctx;
	t.emptied++;
}

static void
setup(void)
{
	t.base = event_base_new();
	slab_init(&t.slab, sizeof(struct conn) + thrice.state_size);
	t.worker.base = t.base;
	t.list.worker = &t.worker;
	TAILQ_INIT(&t.list.all);
	t.list.transport = &transport_socket;
	t.list.protocol = &protocol_echo;
	t.list.use = &thrice_use;
	t.list.board = &t.board;
	t.list.slab = &t.slab;
	t.list.gate = &t.gate;
	t.list.spec = &t.spec;
	t.list.emptied = on_emptied;
}

static void
teardown(void)
{
	conn_list_cut(&t.list);
	timeouts_clear(&t.worker.timeouts);
	slab_clear(&t.slab);
	event_base_free(t.base);
}

TestSuite(conn, .init = setup, .fini = teardown, .timeout = 20);

static void
connect_peer(void)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX,
			 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
	    0);
	t.peer = ends[0];
	cr_assert_eq(conn_open(&t.list, ends[1], &nobody, 0), 0);
}

static uint64_t
count(enum counter_id id)
{
	return scoreboard_get(&t.board, id);
}

/* Run the loop until nothing happens any more. */
static void
settle(void)
{
	int i;

	for (i = 0; i < 10; i++)
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

/* Read what has come; returns how much, *eof tells whether that is all. */
static size_t
read_all(bool *eof)
{
	static char buffer[CONN_READ_SIZE];
	size_t total = 0;
	ssize_t n;

	*eof = false;
	for (;;) {
		n = read(t.peer, buffer, sizeof(buffer));
		if (n > 0) {
			total += (size_t)n;
			settle();
			continue;
		}
		*eof = n == 0;
		return total;
	}
}

static struct conn *
only_conn(enum conn_state state)
{
	struct conn *c;

	TAILQ_FOREACH (c, &t.list.all, entry)
		if (c->state == state)
			return c;
	cr_assert_fail("there is none in that state");
	abort();
}

static uint32_t *
state_of(struct conn *c)
{
	return (uint32_t *)c->protocol_state;
}

Test(conn, sends_from_opened_and_several_times)
{
	char buffer[32];

	connect_peer();
	cr_assert_eq(write(t.peer, "abc", 3), 3);
	settle();
	cr_expect_eq(read(t.peer, buffer, sizeof(buffer)), 11);
	cr_expect_eq(memcmp(buffer, "hiabcabcabc", 11), 0);
	cr_expect_eq(*state_of(only_conn(CONN_OPEN)), 1);
	cr_expect_eq(count(COUNTER_ACCEPTED), 1);
	cr_expect_eq(count(COUNTER_BYTES_IN), 3);
	cr_expect_eq(count(COUNTER_BYTES_OUT), 11);
}

Test(conn, state_is_zeroed_for_the_next_connection)
{
	connect_peer();
	*state_of(only_conn(CONN_OPEN)) = 77;
	(void)close(t.peer);
	settle();
	cr_assert_eq(t.list.open, 0);
	connect_peer();
	cr_expect_eq(*state_of(only_conn(CONN_OPEN)), 0);
}

/* Fill both directions until the connection reads no more. */
static size_t
write_until_stuck(void)
{
	static char buffer[CONN_READ_SIZE];
	size_t total = 0;
	ssize_t n;

	while ((n = write(t.peer, buffer, sizeof(buffer))) > 0) {
		total += (size_t)n;
		settle();
	}
	cr_assert_eq(errno, EAGAIN);
	return total;
}

Test(conn, a_peer_that_does_not_read_is_not_read_from)
{
	size_t written, got;
	bool eof;

	connect_peer();
	written = write_until_stuck();
	cr_assert_not_null(only_conn(CONN_WAITING));
	cr_expect_lt(count(COUNTER_BYTES_IN), written);
	got = read_all(&eof);
	cr_expect(!eof);
	cr_expect_eq(got, 2 + 3 * written, "%zu of %zu", got, written);
	cr_assert_not_null(only_conn(CONN_OPEN));
	cr_expect_eq(count(COUNTER_BYTES_IN), written);
	cr_expect_eq(count(COUNTER_BYTES_OUT), got);
}

Test(conn, sends_all_that_waits_before_it_ends)
{
	size_t written, got;
	bool eof;

	connect_peer();
	written = write_until_stuck();
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	got = read_all(&eof);
	cr_expect(eof);
	cr_expect_eq(got, 2 + 3 * written);
	cr_expect_eq(count(COUNTER_CLOSED), 1);
}

Test(conn, finishing_waits_for_the_output)
{
	struct conn *c;
	bool eof;

	connect_peer();
	(void)write_until_stuck();
	c = only_conn(CONN_WAITING);
	c->peer_finished = true;
	stream_finish(c);
	cr_expect_eq(only_conn(CONN_FINISHING), c);
	(void)read_all(&eof);
	settle();
	cr_expect_eq(t.list.open, 0);
}

Test(conn, send_says_when_the_connection_is_gone)
{
	static char buffer[8];

	connect_peer();
	cr_assert_eq(write(t.peer, buffer, sizeof(buffer)), sizeof(buffer));
	(void)close(t.peer); /* the answer meets EPIPE */
	t.sent = true;
	settle();
	cr_expect(!t.sent);
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(count(COUNTER_CLOSED), 1);
}

Test(conn, a_peer_that_leaves_while_output_waits)
{
	connect_peer();
	(void)write_until_stuck();
	(void)close(t.peer);
	settle();
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(count(COUNTER_CLOSED), 1);
}

Test(conn, ends_while_draining_are_counted_apart)
{
	int first;

	connect_peer();
	first = t.peer;
	connect_peer();
	conn_list_drain(&t.list);
	(void)close(first);
	settle();
	cr_expect_eq(count(COUNTER_DRAINED), 1);
	cr_expect_eq(t.emptied, 0);
	(void)close(t.peer);
	settle();
	cr_expect_eq(count(COUNTER_DRAINED), 2);
	cr_expect_eq(count(COUNTER_CUT), 0);
	cr_expect_eq(t.emptied, 1);
}

Test(conn, cut_ends_all_in_any_state)
{
	connect_peer();
	(void)write_until_stuck();
	connect_peer();
	conn_list_drain(&t.list);
	conn_list_cut(&t.list);
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(count(COUNTER_CLOSED), 2);
	cr_expect_eq(count(COUNTER_CUT), 2);
	cr_expect_eq(count(COUNTER_ENDS + CONN_END_DEADLINE), 2);
	cr_expect_eq(count(COUNTER_DRAINED), 0);
	cr_expect_eq(t.emptied, 0);
}

static uint64_t
ended(enum conn_end end)
{
	return count(COUNTER_ENDS + end);
}

Test(conn, each_end_is_counted_by_its_reason)
{
	char greeting[2];

	connect_peer();
	cr_assert_eq(read(t.peer, greeting, sizeof(greeting)), 2);
	(void)close(t.peer);
	settle();
	cr_expect_eq(ended(CONN_END_PEER_CLOSED), 1);
	connect_peer();
	/* What it did not read makes it a reset. */
	(void)close(t.peer);
	settle();
	cr_expect_eq(ended(CONN_END_PEER_RESET), 1);
	connect_peer();
	conn_close(only_conn(CONN_OPEN), CONN_END_KICKED);
	cr_expect_eq(ended(CONN_END_KICKED), 1);
	cr_expect_eq(count(COUNTER_CLOSED), 3);
}

Test(conn, they_stand_in_the_order_in_which_they_came)
{
	struct conn *a, *b;

	connect_peer();
	connect_peer();
	a = TAILQ_FIRST(&t.list.all);
	b = TAILQ_NEXT(a, entry);
	cr_expect_lt(a->id, b->id);
	cr_expect_eq(conn_list_behind(&t.list, 0), a);
	cr_expect_eq(conn_list_behind(&t.list, a->id), b);
	cr_expect_null(conn_list_behind(&t.list, b->id));
	cr_expect_eq(conn_list_find(&t.list, b->id), b);
	cr_expect_null(conn_list_find(&t.list, b->id + 1));
}

Test(conn, it_counts_what_it_carries)
{
	const struct conn *c;

	connect_peer();
	cr_assert_eq(write(t.peer, "abc", 3), 3);
	settle();
	c = TAILQ_FIRST(&t.list.all);
	cr_expect_eq(c->bytes_in, 3);
	cr_expect_eq(c->bytes_out, 2 + 9);
}

/* Run the loop until there are so many, for ten seconds at most. */
static void
wait_open(uint32_t open)
{
	const struct timeval step = { .tv_usec = 10000 };
	int i;

	for (i = 0; i < 1000 && t.list.open != open; i++) {
		(void)event_base_loopexit(t.base, &step);
		(void)event_base_dispatch(t.base);
	}
	cr_assert_eq(t.list.open, open);
}

Test(conn, one_that_says_nothing_is_ended)
{
	t.spec.idle_timeout_ms = 50;
	connect_peer();
	wait_open(0);
	cr_expect_eq(ended(CONN_END_IDLE_TIMEOUT), 1);
	cr_expect_eq(t.worker.timeouts.wheel.count, 0);
}

Test(conn, one_that_speaks_is_not)
{
	const struct conn *c;
	uint64_t due_ms;

	t.spec.idle_timeout_ms = 60000;
	connect_peer();
	c = TAILQ_FIRST(&t.list.all);
	due_ms = timeouts_due_ms(c);
	cr_expect_eq(due_ms, c->opened_ms + 60000);
	while (clock_mono_ms() < c->opened_ms + 2)
		settle();
	cr_assert_eq(write(t.peer, "x", 1), 1);
	settle();
	cr_expect_gt(timeouts_due_ms(c), due_ms);
}

Test(conn, one_that_is_too_old_is_ended)
{
	t.spec.max_lifetime_ms = 50;
	connect_peer();
	wait_open(0);
	cr_expect_eq(ended(CONN_END_MAX_LIFETIME), 1);
}

Test(conn, lives_differ_by_a_tenth_at_most)
{
	struct conn c = { .list = &t.list,
		.opened_ms = 5000,
		.state = CONN_OPEN };
	uint64_t due_ms, lowest = UINT64_MAX, highest = 0;

	t.spec.max_lifetime_ms = 1000000;
	for (c.id = 77; c.id < 1077; c.id++) {
		due_ms = timeouts_due_ms(&c);
		cr_assert_leq(due_ms, 1005000);
		cr_assert_gt(due_ms, 905000);
		lowest = due_ms < lowest ? due_ms : lowest;
		highest = due_ms > highest ? due_ms : highest;
	}
	cr_expect_gt(highest - lowest, 95000);
}

Test(conn, a_timeout_comes_and_goes_with_an_update)
{
	connect_peer();
	cr_expect_eq(t.worker.timeouts.wheel.count, 0);
	t.spec.idle_timeout_ms = 60000;
	conn_list_watch(&t.list);
	cr_expect_eq(t.worker.timeouts.wheel.count, 1);
	t.spec.idle_timeout_ms = 0;
	conn_list_watch(&t.list);
	cr_expect_eq(t.worker.timeouts.wheel.count, 0);
}

Test(conn, a_descriptor_that_cannot_be_polled_is_closed)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* epoll refuses it with EPERM. */
	cr_assert_neq(fd, -1);
	cr_expect_eq(conn_open(&t.list, fd, &nobody, 0), -1);
	cr_expect_eq(fcntl(fd, F_GETFD), -1);
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(count(COUNTER_ACCEPTED), 0);
}
