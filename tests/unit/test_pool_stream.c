#include <sys/socket.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/gate.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn_list.h"
#include "pool/protocol.h"
#include "pool/slab.h"
#include "pool/stream.h"
#include "pool/transport.h"
#include "pool/worker.h"

/*
 * A protocol of words, each of which ends with a blank and is one command. It
 * consumes whole words only.
 */
static struct {
	struct event_base *base;
	struct slab slab;
	struct listener_spec spec;
	struct worker worker;
	struct gate gate;
	struct scoreboard_entry board;
	struct conn_list list;
	int peer;
	struct mercury_conn *other; /* that "tell " sends to */
	unsigned int calls;         /* of received() */
	unsigned int writable;
	unsigned int rung;
	int closed;           /* an enum mercury_end; -1: not yet */
	int sent;             /* what the last mercury_send() returned */
	bool stops;           /* received() does nothing while output waits */
	bool one;             /* it consumes one byte a call */
	const char *greeting; /* the command of opened(); NULL: none */
	const char *last;     /* and of peer_finished() */
	size_t too_many;      /* that it says it has consumed */
} t;

static const union addr nobody = { .sa = { .sa_family = AF_UNIX } };

static void
obey(struct mercury_conn *c, const char *word)
{
	static char much[8 << 20];

	if (strcmp(word, "finish") == 0)
		mercury_finish(c);
	else if (strcmp(word, "reset") == 0)
		mercury_reset(c);
	else if (strcmp(word, "ring") == 0)
		mercury_set_timer(c, 1);
	else if (strcmp(word, "never") == 0)
		mercury_set_timer(c, UINT64_MAX);
	else if (strcmp(word, "much") == 0)
		t.sent = mercury_send(c, much, sizeof(much));
	else if (strcmp(word, "me") == 0)
		t.other = c;
	else if (strcmp(word, "tell") == 0)
		t.sent = mercury_send(t.other, "told", 4);
	else
		t.sent = mercury_send(c, word, strlen(word));
}

static size_t
take_words(struct mercury_conn *c, uint8_t *data, size_t len)
{
	char word[32];
	size_t used = 0;
	const uint8_t *end;

	t.calls++;
	if (t.one)
		return 1;
	while ((!t.stops || mercury_unsent(c) == 0) &&
	    (end = memchr(data + used, ' ', len - used)) != NULL) {
		const size_t n = (size_t)(end - data) - used;

		cr_assert_lt(n, sizeof(word));
		memcpy(word, data + used, n);
		word[n] = '\0';
		used += n + 1;
		obey(c, word);
	}
	return used + t.too_many;
}

static void
on_writable(struct mercury_conn *c)
{
	cr_expect_eq(mercury_unsent(c), 0);
	t.writable++;
}

static void
on_timer(struct mercury_conn *c)
{
	t.rung++;
	(void)mercury_send(c, "rung", 4);
}

static void
on_closed(struct mercury_conn *c, enum mercury_end end)
{
	t.closed = (int)end;
	cr_expect_eq(mercury_send(c, "x", 1), -1, "nothing can be sent");
	mercury_finish(c);
	mercury_reset(c);
}

static void
greet(struct mercury_conn *c)
{
	if (t.greeting != NULL)
		obey(c, t.greeting);
}

static void
say_last(struct mercury_conn *c)
{
	obey(c, t.last == NULL ? "finish" : t.last);
}

static const struct mercury_protocol words = {
	.abi = MERCURY_ABI,
	.size = sizeof(struct mercury_protocol),
	.name = "words",
	.opened = greet,
	.received = take_words,
	.peer_finished = say_last,
	.writable = on_writable,
	.timer = on_timer,
	.closed = on_closed,
};

static struct protocol_use use = { .calls = &words, .holders = 1 };

static void
setup(void)
{
	t.base = event_base_new();
	slab_init(&t.slab, sizeof(struct conn));
	t.worker.base = t.base;
	t.list.worker = &t.worker;
	TAILQ_INIT(&t.list.all);
	t.list.transport = &transport_socket;
	t.list.protocol = &protocol_echo;
	t.list.use = &use;
	t.list.board = &t.board;
	t.list.slab = &t.slab;
	t.list.gate = &t.gate;
	t.list.spec = &t.spec;
	t.closed = -1;
}

static void
teardown(void)
{
	conn_list_cut(&t.list);
	cr_expect_eq(use.holders, 1, "each connection let go of it");
	timeouts_clear(&t.worker.timeouts);
	slab_clear(&t.slab);
	event_base_free(t.base);
}

TestSuite(stream, .init = setup, .fini = teardown, .timeout = 20);

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

static void
settle(void)
{
	int i;

	for (i = 0; i < 10; i++)
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

static void
say(const char *text)
{
	cr_assert_eq(write(t.peer, text, strlen(text)), (ssize_t)strlen(text));
	settle();
}

static void
expect_heard(const char *text)
{
	char buffer[64];
	const ssize_t n = read(t.peer, buffer, sizeof(buffer));

	cr_assert_eq(n, (ssize_t)strlen(text), "%zd bytes, not \"%s\"", n,
	    text);
	cr_expect_eq(memcmp(buffer, text, strlen(text)), 0);
}

static void
expect_end(ssize_t got)
{
	char byte;

	cr_expect_eq(read(t.peer, &byte, 1), got);
}

Test(stream, what_is_not_consumed_comes_again)
{
	connect_peer();
	say("ab");
	say("c de");
	expect_heard("abc");
	say(" f");
	expect_heard("de");
	cr_expect_eq(t.calls, 3);
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_BYTES_IN), 8);
}

Test(stream, one_that_never_consumes_is_ended)
{
	static const char much[16384] = "";
	size_t i;

	connect_peer();
	for (i = 0; i < 3; i++) {
		cr_assert_eq(write(t.peer, much, sizeof(much)), sizeof(much));
		settle();
	}
	cr_assert_eq(t.list.open, 1);
	cr_assert_eq(write(t.peer, much, sizeof(much)), sizeof(much));
	settle();
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(t.closed, MERCURY_END_REFUSED);
	cr_expect_eq(
	    scoreboard_get(&t.board, COUNTER_ENDS + CONN_END_PROTOCOL_ERROR),
	    1);
}

/* What a module leaves while output waits, however much it is. */
Test(stream, what_is_left_while_output_waits_comes_again)
{
	static char many[60000], buffer[65536];
	size_t total = 0, i;
	ssize_t n;

	for (i = 0; i < sizeof(many); i += 2)
		memcpy(many + i, "x ", 2);
	connect_peer();
	t.stops = true;
	say("much ");
	cr_assert_eq(write(t.peer, many, sizeof(many)), sizeof(many));
	do {
		settle();
		n = read(t.peer, buffer, sizeof(buffer));
		total += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	cr_expect_eq(total, (8 << 20) + sizeof(many) / 2);
	cr_expect_eq(t.list.open, 1);
}

Test(stream, more_than_the_limit_is_consumed_in_several_calls)
{
	static char many[MERCURY_INPUT_MAX - 1];

	memset(many, 'y', sizeof(many));
	connect_peer();
	t.one = true; /* a byte at a time */
	cr_assert_eq(write(t.peer, many, sizeof(many)), sizeof(many));
	settle();
	cr_expect_eq(t.list.open, 1);
	cr_assert_eq(write(t.peer, many, 1000), 1000);
	settle();
	cr_expect_eq(t.list.open, 1, "it has taken what was too much");
}

Test(stream, who_consumes_more_than_there_is_is_ended)
{
	connect_peer();
	t.too_many = 1;
	say("x ");
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(t.closed, MERCURY_END_REFUSED);
}

Test(stream, the_peer_finishes_first)
{
	connect_peer();
	say("x ");
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	settle();
	expect_heard("x");
	expect_end(0);
	cr_expect_eq(t.closed, MERCURY_END_PEER_CLOSED);
}

Test(stream, we_finish_first)
{
	connect_peer();
	say("bye finish ignored ");
	expect_heard("bye");
	expect_end(0);
	cr_expect_eq(t.list.open, 1, "it waits for the peer");
	say("what it says now is lost ");
	cr_expect_eq(t.closed, -1);
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	settle();
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(t.closed, MERCURY_END_FINISHED);
}

Test(stream, after_finish_a_peer_has_some_time)
{
	connect_peer();
	say("finish ");
	cr_expect_leq(timeouts_due_ms(TAILQ_FIRST(&t.list.all)),
	    TAILQ_FIRST(&t.list.all)->active_ms + STREAM_LINGER_MS + 1000);
	stream_timer(TAILQ_FIRST(&t.list.all));
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(t.closed, MERCURY_END_FINISHED);
}

Test(stream, finish_sends_all_that_waits)
{
	static char buffer[65536];
	size_t total = 0;
	ssize_t n;

	connect_peer();
	say("much finish ");
	do {
		settle();
		n = read(t.peer, buffer, sizeof(buffer));
		total += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	cr_expect_eq(n, 0);
	cr_expect_eq(total, 8 << 20);
	cr_expect_eq(t.writable, 0, "there is nothing to write any more");
}

Test(stream, writable_when_all_was_taken)
{
	static char buffer[65536];
	size_t total = 0;
	ssize_t n;

	connect_peer();
	say("much x ");
	cr_expect_eq(t.writable, 0);
	do {
		settle();
		n = read(t.peer, buffer, sizeof(buffer));
		total += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	cr_expect_eq(total, (8 << 20) + 1);
	cr_expect_eq(t.writable, 1);
}

Test(stream, reset)
{
	connect_peer();
	say("reset x ");
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(t.sent, -1, "nothing is sent any more");
	cr_expect_eq(t.closed, MERCURY_END_REFUSED);
}

Test(stream, broken_is_valid_until_the_call_returns)
{
	connect_peer();
	cr_assert_eq(write(t.peer, "x y z ", 6), 6);
	(void)close(t.peer);
	settle();
	cr_expect_eq(t.sent, -1);
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(t.closed, MERCURY_END_PEER_RESET);
}

Test(stream, one_connection_may_send_on_another)
{
	int first;

	connect_peer();
	first = t.peer;
	say("me ");
	connect_peer();
	say("tell ");
	t.peer = first;
	expect_heard("told");
}

Test(stream, another_that_is_broken_ends_later)
{
	int first;

	connect_peer();
	say("me ");
	first = t.peer;
	connect_peer();
	(void)close(first);
	/* Before the loop has seen that. */
	cr_assert_eq(write(t.peer, "tell x ", 7), 7);
	settle();
	expect_heard("x");
	cr_expect_eq(t.list.open, 1);
}

/* All that comes until nothing does for now; how much that was. */
static size_t
hear_all(void)
{
	static char buffer[65536];
	size_t total = 0;
	ssize_t n;

	do {
		settle();
		n = read(t.peer, buffer, sizeof(buffer));
		total += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	return total;
}

/* A slow peer has all the time that it needs. */
Test(stream, finish_forgets_the_timer)
{
	connect_peer();
	say("ring much finish ");
	cr_expect_eq(timeouts_due_ms(TAILQ_FIRST(&t.list.all)), UINT64_MAX);
	cr_expect_eq(hear_all(), 8 << 20);
}

Test(stream, what_the_peer_left_unsaid_is_dropped)
{
	connect_peer();
	t.last = "much";
	say("x y");
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	cr_expect_eq(hear_all(), (8 << 20) + 1);
	cr_expect_eq(t.writable, 1);
	cr_expect_eq(t.calls, 1, "nothing comes behind peer_finished()");
}

/* As when bytes have come behind a PROXY header. */
static void
begin_with(const char *greeting, const char *text)
{
	uint8_t data[32];

	connect_peer();
	t.greeting = greeting;
	memcpy(data, text, strlen(text));
	stream_begin(TAILQ_FIRST(&t.list.all), data, strlen(text));
	settle();
}

Test(stream, nothing_is_received_after_a_finish_in_opened)
{
	begin_with("finish", "x ");
	cr_expect_eq(t.calls, 0);
	expect_end(0);
	cr_expect_eq(t.list.open, 1, "it waits for the peer");
}

Test(stream, what_came_early_waits_for_the_output_of_opened)
{
	begin_with("much", "x ");
	cr_expect_eq(t.calls, 0);
	cr_expect_eq(hear_all(), (8 << 20) + 1);
	cr_expect_eq(t.calls, 1);
}

/* One that never catches up costs no more than what it has not taken. */
Test(stream, what_was_taken_is_not_kept)
{
	static char buffer[65536];
	struct conn *c;
	ssize_t n;
	int i;

	connect_peer();
	say("me much ");
	c = TAILQ_FIRST(&t.list.all);
	/* So much that it has taken all that waits at first, and half as much.
	 */
	for (i = 0; i < 200; i++) {
		n = read(t.peer, buffer, sizeof(buffer));
		cr_assert_gt(n, 0);
		settle();
		cr_assert_eq(mercury_send(t.other, buffer, (size_t)n), 0);
	}
	cr_assert_gt(mercury_unsent(t.other), 0);
	cr_expect_leq(c->output->len,
	    2 * mercury_unsent(t.other) + sizeof(buffer));
}

Test(stream, a_timer_of_more_than_any_clock_never_rings)
{
	connect_peer();
	say("never ");
	cr_expect_eq(timeouts_due_ms(TAILQ_FIRST(&t.list.all)), UINT64_MAX);
}

/* Run the loop until the timer has rung, for ten seconds at most. */
static void
wait_rung(unsigned int times)
{
	const struct timeval step = { .tv_usec = 10000 };
	int i;

	for (i = 0; i < 1000 && t.rung < times; i++) {
		(void)event_base_loopexit(t.base, &step);
		(void)event_base_dispatch(t.base);
	}
	cr_assert_eq(t.rung, times);
}

Test(stream, timer)
{
	connect_peer();
	say("ring ");
	wait_rung(1);
	expect_heard("rung");
	cr_expect_eq(t.worker.timeouts.wheel.count, 0, "it rings once");
	say("ring ");
	wait_rung(2);
}

Test(stream, stopped)
{
	connect_peer();
	conn_close(TAILQ_FIRST(&t.list.all), CONN_END_KICKED);
	cr_expect_eq(t.closed, MERCURY_END_STOPPED);
}
