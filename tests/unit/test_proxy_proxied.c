#include <sys/socket.h>
#include <sys/un.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
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
#include "pool/transport.h"
#include "pool/worker.h"
#include "proxy/proxied.h"
#include "proxy/relays.h"
#include "proxy/upstreams.h"

/* One connection; we are its device, and its upstreams. */
static struct {
	struct event_base *base;
	struct slab slab;
	struct listener_spec spec;
	struct worker worker;
	struct gate gate;
	struct scoreboard_entry board;
	struct relays relays;
	struct proxy proxy;
	struct conn_list list;
	int device;   /* our end */
	int upstream; /* what was accepted; -1: nothing */
	int listening;
	/* What upstreams_pick() says, and what it was told. */
	enum upstream_pick picks[8];
	struct upstream_address where[8];
	int picked, failed, connected, left, error;
	enum upstream_trouble trouble;
	struct upstream_asker *waiting;
	/* What comes of the next time that it connects. */
	enum { CONNECT, CONNECT_TO_ITSELF, CONNECT_FROM_NOWHERE } next_connect;
} t;

int __wrap_connect(int, const struct sockaddr *, socklen_t);
int __real_connect(int, const struct sockaddr *, socklen_t);

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	if (t.list.open > 0 && t.next_connect == CONNECT_FROM_NOWHERE) {
		t.next_connect = CONNECT;
		errno = EADDRNOTAVAIL;
		return -1;
	}
	if (t.list.open > 0 && t.next_connect == CONNECT_TO_ITSELF) {
		t.next_connect = CONNECT;
		cr_assert_eq(bind(fd, to, size), 0);
	}
	return __real_connect(fd, to, size);
}

static struct upstream *const somewhere = (struct upstream *)&t;

enum upstream_pick
upstreams_pick(struct upstreams *u, struct upstream_asker *asker,
    struct upstream_address *out)
{
	const int i = t.picked++;

	(void)u;
	*out = t.where[i];
	if (t.picks[i] != UPSTREAM_NONE)
		asker->claim->upstream = somewhere;
	if (t.picks[i] == UPSTREAM_WAITS)
		t.waiting = asker;
	return t.picks[i];
}

void
upstreams_connected(struct upstream_claim *claim)
{
	cr_expect_eq(claim->upstream, somewhere);
	t.connected++;
}

void
upstreams_failed(struct upstream_asker *asker, enum upstream_trouble trouble,
    int error)
{
	cr_expect_eq(asker->claim->upstream, somewhere);
	asker->claim->upstream = NULL;
	t.failed++;
	t.trouble = trouble;
	t.error = error;
}

void
upstreams_leave(struct upstream_claim *claim)
{
	t.left += claim->upstream != NULL;
	claim->upstream = NULL;
}

const struct upstream_plan *
upstreams_claimed(const struct upstream_claim *claim)
{
	(void)claim;
	return NULL;
}

static const struct protocol protocol = {
	.state_size = sizeof(struct proxied),
	.events = RELAY_EVENTS,
	.begin = proxied_begin,
	.ready = proxied_ready,
	.timer = proxied_timer,
	.ended = proxied_ended,
	.kept = proxied_kept,
};

static void
on_emptied(void *ctx)
{
	(void)ctx;
}

/* A socket that nobody accepts from, yet. */
static struct upstream_address
listen_somewhere(int *fd, bool refuse)
{
	struct upstream_address out = { .size = sizeof(struct sockaddr_in) };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(*fd, (struct sockaddr *)&in, sizeof(in)), 0);
	if (!refuse)
		cr_assert_eq(listen(*fd, 8), 0);
	cr_assert_eq(getsockname(*fd, &out.addr.sa, &out.size), 0);
	return out;
}

static void
setup(void)
{
	static struct proxy_plan plan;

	plan.connect_timeout_ms = 300;
	plan.retries = 2;
	plan.splice = 1;
	t.proxy.plan = &plan;
	t.base = event_base_new();
	slab_init(&t.slab, sizeof(struct conn) + protocol.state_size);
	t.worker.base = t.base;
	t.list.worker = &t.worker;
	TAILQ_INIT(&t.list.all);
	t.list.transport = &transport_socket;
	t.list.protocol = &protocol;
	t.list.context = &t.proxy;
	t.list.board = &t.board;
	t.list.slab = &t.slab;
	t.list.gate = &t.gate;
	t.list.spec = &t.spec;
	t.list.emptied = on_emptied;
	cr_assert_eq(relays_init(&t.relays, t.base, &proxied_owner), 0);
	proxied_use(&t.relays);
	t.where[0] = listen_somewhere(&t.listening, false);
	t.upstream = -1;
}

static void
teardown(void)
{
	conn_list_cut(&t.list);
	timeouts_clear(&t.worker.timeouts);
	relays_clear(&t.relays);
	slab_clear(&t.slab);
	event_base_free(t.base);
}

TestSuite(proxied, .init = setup, .fini = teardown, .timeout = 20);

static void
settle(void)
{
	int i;

	for (i = 0; i < 10; i++)
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

static void
connect_device(void)
{
	const union addr nobody = { .sa = { .sa_family = AF_UNIX } };
	struct upstream_address a;
	int l, fd;

	a = listen_somewhere(&l, false);
	t.device = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(t.device, &a.addr.sa, a.size), 0);
	fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	cr_assert_neq(fd, -1);
	(void)close(l);
	cr_assert_eq(conn_open(&t.list, fd, &nobody, 0), 0);
}

static void
accept_upstream(void)
{
	t.upstream = accept4(t.listening, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_neq(t.upstream, -1);
	settle();
}

static void
reset(int fd)
{
	const struct linger now = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

static uint64_t
ended(enum conn_end end)
{
	return scoreboard_get(&t.board,
	    (enum counter_id)((int)COUNTER_ENDS + (int)end));
}

/* Turn the loop until the connection has ended, so. */
static void
expect_end(enum conn_end end)
{
	while (t.list.open > 0)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_expect_eq(ended(end), 1, "it did not end as %s", conn_end_name(end));
}

/* What the peer's socket shows within its time: 0, or an errno. */
static int
read_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 ? errno : 0;
}

Test(proxied, passes_bytes_and_counts_them)
{
	char text[16] = "";

	connect_device();
	cr_assert_eq(send(t.device, "ping", 4, 0), 4);
	settle();
	accept_upstream();
	cr_expect_eq(recv(t.upstream, text, sizeof(text), 0), 4);
	cr_expect_str_eq(text, "ping");
	cr_assert_eq(send(t.upstream, "hello", 5, 0), 5);
	settle();
	cr_expect_eq(recv(t.device, text, sizeof(text), 0), 5);
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_BYTES_IN), 4);
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_BYTES_OUT), 5);
	cr_expect_eq(t.connected, 1);
	cr_expect_null(proxied_of(TAILQ_FIRST(&t.list.all))->search);
	(void)close(t.device);
	settle();
	(void)close(t.upstream);
	expect_end(CONN_END_PEER_CLOSED);
	cr_expect_eq(t.left, 1);
}

Test(proxied, ends_as_the_upstream_ends)
{
	connect_device();
	accept_upstream();
	(void)close(t.upstream);
	settle();
	cr_expect_eq(read_end(t.device), 0, "the end of the stream");
	(void)close(t.device);
	expect_end(CONN_END_UPSTREAM_CLOSED);
}

Test(proxied, passes_resets_of_the_upstream)
{
	connect_device();
	accept_upstream();
	reset(t.upstream);
	expect_end(CONN_END_UPSTREAM_FAILED);
	cr_expect_eq(read_end(t.device), ECONNRESET);
}

Test(proxied, passes_resets_of_the_device)
{
	connect_device();
	accept_upstream();
	reset(t.device);
	expect_end(CONN_END_PEER_RESET);
	cr_expect_eq(read_end(t.upstream), ECONNRESET);
}

Test(proxied, reads_nothing_before_it_has_an_upstream)
{
	int unread = 0;

	t.picks[0] = UPSTREAM_WAITS;
	connect_device();
	cr_assert_eq(send(t.device, "ping", 4, 0), 4);
	settle();
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_BYTES_IN), 0);
	cr_assert_not_null(t.waiting);
	t.waiting->ready(t.waiting, UPSTREAM_PICKED, &t.where[0]);
	settle();
	accept_upstream();
	cr_expect_eq(recv(t.upstream, &unread, sizeof(unread), 0), 4);
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_BYTES_IN), 4);
}

Test(proxied, tries_another_one)
{
	int refusing;

	t.where[1] = t.where[0];
	t.where[0] = listen_somewhere(&refusing, true);
	connect_device();
	settle();
	accept_upstream();
	cr_expect_eq(t.failed, 1);
	cr_expect_eq(t.trouble, UPSTREAM_TROUBLE_CONNECT);
	cr_expect_eq(t.error, ECONNREFUSED);
	cr_expect_eq(t.connected, 1);
}

Test(proxied, tries_only_so_often)
{
	int refusing;

	t.where[0] = listen_somewhere(&refusing, true);
	t.where[1] = t.where[2] = t.where[3] = t.where[0];
	connect_device();
	expect_end(CONN_END_UPSTREAM_FAILED);
	cr_expect_eq(t.failed, 3);
	cr_expect_eq(t.left, 0);
	cr_expect_eq(read_end(t.device), ECONNRESET);
}

Test(proxied, tries_another_one_than_a_unix_socket_that_is_not_there)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX,
		.sun_path = "/nonexistent/app.sock" };

	t.where[1] = t.where[0];
	memcpy(&t.where[0].addr, &un, sizeof(un));
	t.where[0].size = sizeof(un);
	connect_device();
	settle();
	accept_upstream();
	cr_expect_eq(t.error, ENOENT);
	cr_expect_eq(t.connected, 1);
}

Test(proxied, ends_when_there_is_none)
{
	t.picks[0] = UPSTREAM_NONE;
	connect_device();
	expect_end(CONN_END_UPSTREAM_FAILED);
	cr_expect_eq(read_end(t.device), ECONNRESET);
	cr_expect_eq(t.left, 0);
}

Test(proxied, ends_when_there_is_none_after_a_wait)
{
	t.picks[0] = UPSTREAM_WAITS;
	connect_device();
	settle();
	t.waiting->claim->upstream = NULL;
	t.waiting->ready(t.waiting, UPSTREAM_NONE, NULL);
	expect_end(CONN_END_UPSTREAM_FAILED);
}

/* The queue of a socket that nobody accepts from is full: no answer. */
Test(proxied, waits_for_an_answer_only_so_long)
{
	int fds[8], l, i;
	struct upstream_address full = listen_somewhere(&l, false);

	cr_assert_eq(listen(l, 0), 0);
	for (i = 0; i < 8; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], &full.addr.sa, full.size);
	}
	t.where[1] = t.where[0];
	t.where[0] = full;
	connect_device();
	while (t.connected == 0)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_expect_eq(t.trouble, UPSTREAM_TROUBLE_TIMED_OUT);
	accept_upstream();
	for (i = 0; i < 8; i++)
		(void)close(fds[i]);
	(void)close(l);
}

/* That of a Unix socket refuses, and so says nothing against the upstream. */
static struct upstream_address
fill_unix(int *l, int *fd)
{
	struct upstream_address a = { .size = sizeof(struct sockaddr_un) };
	struct sockaddr_un *un = (struct sockaddr_un *)&a.addr.storage;

	un->sun_family = AF_UNIX;
	(void)snprintf(un->sun_path + 1, sizeof(un->sun_path) - 1,
	    "mercury-test-%d", (int)getpid());
	*l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(*l, &a.addr.sa, a.size), 0);
	cr_assert_eq(listen(*l, 0), 0);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(*fd, &a.addr.sa, a.size), 0);
	return a;
}

Test(proxied, waits_while_the_queue_of_a_unix_socket_is_full)
{
	int l, fd;

	t.proxy.plan->connect_timeout_ms = 10000;
	t.where[0] = fill_unix(&l, &fd);
	connect_device();
	settle();
	cr_expect_eq(t.failed, 0);
	cr_assert_eq(t.list.open, 1);
	(void)close(accept(l, NULL, NULL));
	while (t.connected == 0 && t.list.open == 1)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_expect_eq(t.connected, 1);
	cr_expect_eq(t.picked, 1);
	(void)close(fd);
	(void)close(l);
}

Test(proxied, waits_for_the_queue_of_a_unix_socket_only_so_long)
{
	int l, fd;

	t.where[1] = t.where[0];
	t.where[0] = fill_unix(&l, &fd);
	connect_device();
	while (t.connected == 0 && t.list.open == 1)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_expect_eq(t.trouble, UPSTREAM_TROUBLE_TIMED_OUT);
	cr_expect_eq(t.failed, 1);
	accept_upstream();
	(void)close(fd);
	(void)close(l);
}

Test(proxied, lets_a_device_go_while_the_queue_of_a_unix_socket_is_full)
{
	int l, fd;

	t.proxy.plan->connect_timeout_ms = 10000;
	t.where[0] = fill_unix(&l, &fd);
	connect_device();
	(void)close(t.device);
	expect_end(CONN_END_PEER_CLOSED);
	cr_expect_eq(t.left, 1);
	(void)close(fd);
	(void)close(l);
}

Test(proxied, takes_itself_for_no_upstream)
{
	int unused;

	t.where[1] = t.where[0];
	t.where[0] = listen_somewhere(&unused, true);
	(void)close(unused);
	t.next_connect = CONNECT_TO_ITSELF;
	connect_device();
	settle();
	accept_upstream();
	cr_expect_eq(t.failed, 1);
	cr_expect_eq(t.error, ECONNREFUSED);
	cr_expect_eq(t.connected, 1);
}

/* So may it be with one address of a name, and not with another. */
Test(proxied, tries_another_one_when_it_has_no_address_of_its_own)
{
	t.where[1] = t.where[0];
	t.next_connect = CONNECT_FROM_NOWHERE;
	connect_device();
	settle();
	accept_upstream();
	cr_expect_eq(t.error, EADDRNOTAVAIL);
	cr_expect_eq(t.connected, 1);
}

Test(proxied, lets_a_device_go_that_leaves_while_it_waits)
{
	t.picks[0] = UPSTREAM_WAITS;
	connect_device();
	settle();
	(void)close(t.device);
	expect_end(CONN_END_PEER_CLOSED);
	cr_expect_eq(t.left, 1);
}

Test(proxied, keeps_one_waiting_that_has_said_something_and_finished)
{
	char text[8];

	t.picks[0] = UPSTREAM_WAITS;
	connect_device();
	cr_assert_eq(send(t.device, "ping", 4, 0), 4);
	cr_assert_eq(shutdown(t.device, SHUT_WR), 0);
	settle();
	cr_assert_eq(t.list.open, 1);
	t.waiting->ready(t.waiting, UPSTREAM_PICKED, &t.where[0]);
	settle();
	accept_upstream();
	cr_expect_eq(recv(t.upstream, text, sizeof(text), 0), 4);
	cr_expect_eq(recv(t.upstream, text, sizeof(text), 0), 0);
}

Test(proxied, lets_a_device_go_that_resets_while_it_waits)
{
	t.picks[0] = UPSTREAM_WAITS;
	connect_device();
	settle();
	reset(t.device);
	expect_end(CONN_END_PEER_RESET);
	cr_expect_eq(t.left, 1);
}

Test(proxied, says_first_whose_connection_it_is)
{
	char text[128] = "";

	t.proxy.plan->send_proxy = SEND_PROXY_V1;
	connect_device();
	cr_assert_eq(send(t.device, "ping", 4, 0), 4);
	settle();
	accept_upstream();
	cr_expect_eq(recv(t.upstream, text, sizeof(text), 0), 19);
	cr_expect_str_eq(text, "PROXY UNKNOWN\r\nping");
	cr_expect_eq(scoreboard_get(&t.board, COUNTER_BYTES_IN), 4);
}

/* What a loop would have to ask the kernel about it is there when it is. */
Test(proxied, is_small)
{
	cr_expect_leq(sizeof(struct conn) + sizeof(struct proxied), 800u,
	    "%zu bytes", sizeof(struct conn) + sizeof(struct proxied));
}
