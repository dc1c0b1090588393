#include <sys/socket.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/gate.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn_list.h"
#include "pool/handshake_state.h"
#include "pool/protocol.h"
#include "pool/slab.h"
#include "pool/transport.h"
#include "pool/worker.h"
#include "tls/tls.h"

#define WAITING_MAX 50
#define PEERS_MAX (HANDSHAKES_MAX + WAITING_MAX)

/* Many that shake hands with a TLS that never gets on; we are the peers. */
static struct {
	struct event_base *base;
	struct slab slab;
	struct listener_spec spec;
	struct worker worker;
	struct gate gate;
	struct scoreboard_entry board;
	struct conn_list list;
	int peers[PEERS_MAX];
	unsigned int count;
	unsigned int sessions; /* that there are now */
	unsigned int steps;
} t;

/* Never looked into. */
static char context;

static bool
speaks_first(const struct tls_context *c)
{
	(void)c;
	return false;
}

static struct tls_session *
session_new(struct tls_context *c, const uint8_t *first, size_t len)
{
	(void)c;
	(void)first;
	(void)len;
	t.sessions++;
	return malloc(1);
}

static void
session_free(struct tls_session *s)
{
	t.sessions--;
	free(s);
}

static enum tls_handshake
handshake(struct tls_session *s, int fd)
{
	char byte;

	(void)s;
	(void)!read(fd, &byte, 1);
	t.steps++;
	return TLS_AGAIN_READ;
}

static bool
is_pending(const struct tls_session *s)
{
	(void)s;
	return false;
}

static size_t
unsent(const struct tls_session *s)
{
	(void)s;
	return 0;
}

static void
finish(struct tls_session *s, int fd)
{
	(void)s;
	(void)fd;
}

static const struct tls_api api = {
	.context_speaks_first = speaks_first,
	.session_new = session_new,
	.session_free = session_free,
	.handshake = handshake,
	.pending = is_pending,
	.unsent = unsent,
	.finish = finish,
};

static void
on_emptied(void *ctx)
{
	(void)ctx;
}

static void
setup(void)
{
	t.base = event_base_new();
	slab_init(&t.slab, sizeof(struct conn));
	t.worker.base = t.base;
	t.worker.tls = &api;
	cr_assert_eq(handshakes_init(&t.worker), 0);
	t.spec.handshake_timeout_ms = 60000;
	t.list.worker = &t.worker;
	TAILQ_INIT(&t.list.all);
	t.list.transport = &transport_tls;
	t.list.protocol = &protocol_echo;
	cr_assert_eq(protocol_echo.configure(&t.list, NULL, NULL), 0);
	t.list.tls = (struct tls_context *)(void *)&context;
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
	cr_expect_eq(t.sessions, 0);
	while (t.count > 0)
		(void)close(t.peers[--t.count]);
	timeouts_clear(&t.worker.timeouts);
	handshakes_clear(&t.worker.handshakes);
	slab_clear(&t.slab);
	event_base_free(t.base);
}

TestSuite(handshakes, .init = setup, .fini = teardown, .timeout = 20);

static void
say_something(unsigned int peer)
{
	cr_assert_eq(write(t.peers[peer], "x", 1), 1);
}

/* So many more, which say something before anybody looks. */
static void
connect_peers(unsigned int more)
{
	static const union addr nobody = { .sa = { .sa_family = AF_UNIX } };
	int ends[2];

	for (; more > 0; more--) {
		cr_assert_eq(socketpair(AF_UNIX,
				 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
				 ends),
		    0);
		t.peers[t.count] = ends[0];
		cr_assert_eq(conn_open(&t.list, ends[1], &nobody, 0), 0);
		say_something(t.count++);
	}
}

static void
settle(void)
{
	unsigned int steps;

	do {
		steps = t.steps;
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	} while (t.steps != steps);
}

/* The one of that number, in the order in which they came. */
static struct conn *
conn_number(unsigned int number)
{
	struct conn *c = TAILQ_FIRST(&t.list.all);

	for (; number > 0; number--)
		c = TAILQ_NEXT(c, entry);
	return c;
}

Test(handshakes, no_more_than_the_maximum_are_under_way)
{
	connect_peers(PEERS_MAX);
	settle();
	cr_expect_eq(t.sessions, HANDSHAKES_MAX);
	cr_expect_eq(t.list.open, PEERS_MAX);
}

Test(handshakes, who_goes_makes_room)
{
	unsigned int i;

	connect_peers(PEERS_MAX);
	settle();
	for (i = 0; i < 10; i++)
		conn_close(conn_number(0), CONN_END_KICKED);
	cr_expect_eq(t.sessions, HANDSHAKES_MAX - 10);
	settle();
	cr_expect_eq(t.sessions, HANDSHAKES_MAX);
}

Test(handshakes, one_that_goes_before_its_turn_leaves_its_place)
{
	struct conn *next, *last;

	connect_peers(HANDSHAKES_MAX);
	settle();
	connect_peers(2);
	settle();
	next = conn_number(HANDSHAKES_MAX);
	last = conn_number(HANDSHAKES_MAX + 1);
	conn_close(conn_number(0), CONN_END_KICKED);
	conn_close(next, CONN_END_KICKED);
	settle();
	cr_expect_not_null(last->tls);
	cr_expect_eq(t.sessions, HANDSHAKES_MAX);
}

static void
make_old(void)
{
	struct conn *c;

	TAILQ_FOREACH (c, &t.list.all, entry)
		if (c->tls != NULL)
			c->handshake->stepped_ms -= 2000;
}

Test(handshakes, one_that_stands_still_gives_way)
{
	struct conn *last;

	connect_peers(HANDSHAKES_MAX);
	settle();
	make_old();
	connect_peers(1);
	last = conn_number(HANDSHAKES_MAX);
	settle();
	cr_expect_not_null(last->tls);
	cr_expect_eq(t.list.open, HANDSHAKES_MAX);
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_HANDSHAKE_FAILURES), 1);
}

/* It is we who have no time for them. */
Test(handshakes, one_whose_turn_is_due_does_not_stand_still)
{
	unsigned int i;

	connect_peers(HANDSHAKES_MAX);
	settle();
	make_old();
	for (i = 0; i < HANDSHAKES_MAX; i++)
		say_something(i);
	connect_peers(1);
	settle();
	cr_expect_eq(t.list.open, HANDSHAKES_MAX + 1);
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_HANDSHAKE_FAILURES), 0);
}

/* Its bytes count as any: who shakes hands is not idle. */
Test(handshakes, idle_time_begins_behind_them)
{
	struct conn *c;

	t.spec.idle_timeout_ms = 10000;
	connect_peers(1);
	settle();
	c = conn_number(0);
	cr_expect_eq(timeouts_due_ms(c), c->opened_ms + 60000);
	c->opened_ms -= 8000;
	c->active_ms -= 8000;
	conn_begin(c, NULL, 0);
	cr_expect_geq(timeouts_due_ms(c), c->opened_ms + 18000);
}
