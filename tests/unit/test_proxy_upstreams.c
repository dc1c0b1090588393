/* The upstreams of a listener, in one worker (upstreams.h). */
#include "proxy/upstreams.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "dns/dns.h"
#include "pool/conn_list.h"
#include "pool/worker.h"

#define WAIT_MS 10000u
#define ENTRY 3u
#define OTHER_PID 4000000u

static struct worker worker;
static struct listener_spec spec;
static struct conn_list conns;
static struct upstream_table *table;
static struct upstreams *upstreams;
static struct err error;

/* A connection that wants an upstream. */
struct client {
	struct upstream_asker asker;
	struct upstream_claim claim;
	enum upstream_pick pick;
	bool told; /* by ready() */
	struct upstream_address address;
};

static void
setup(void)
{
	int fd;

	worker =
	    (struct worker){ .base = event_base_new(), .dns = &mercury_dns };
	cr_assert_not_null(worker.base);
	fd = scoreboard_create(&error);
	worker.board = scoreboard_map_write(fd, &error);
	cr_assert_not_null(worker.board);
	(void)close(fd);
	fd = upstream_board_create(&error);
	worker.upstreams = upstream_board_map(fd, &error);
	cr_assert_not_null(worker.upstreams);
	(void)close(fd);
	(void)strlcpy(spec.name, "pos", sizeof(spec.name));
	(void)strlcpy(spec.pool, "pos", sizeof(spec.pool));
	conns = (struct conn_list){ .worker = &worker,
		.spec = &spec,
		.board = &worker.board->entries[ENTRY] };
	table = &worker.upstreams->tables[ENTRY];
}

static void
teardown(void)
{
	const struct scoreboard *board = worker.board;

	upstreams_free(&upstreams);
	scoreboard_unmap(&board);
	upstream_board_unmap(&worker.upstreams);
	event_base_free(worker.base);
}

TestSuite(upstreams, .init = setup, .fini = teardown, .timeout = 60);

/* Let the loop run until the condition holds. */
#define UNTIL(condition)                                                     \
	do {                                                                 \
		const uint64_t end_ = clock_mono_ms() + WAIT_MS;             \
		while (!(condition) && clock_mono_ms() < end_) {             \
			(void)event_base_loop(worker.base, EVLOOP_NONBLOCK); \
			(void)usleep(500);                                   \
		}                                                            \
		cr_assert(condition, "waited in vain: " #condition);         \
	} while (0)

/* Let it run for a while. */
static void
pass(uint64_t ms)
{
	const uint64_t end_ms = clock_mono_ms() + ms;

	UNTIL(clock_mono_ms() >= end_ms);
}

/* --- plans --- */

static struct proxy_plan *
plan_of(uint32_t count)
{
	struct proxy_plan *plan = calloc(1, proxy_plan_size(count));
	uint32_t i;

	cr_assert_not_null(plan);
	plan->upstreams_count = count;
	plan->connect_timeout_ms = 1000;
	plan->queue_timeout_ms = WAIT_MS;
	plan->check_interval_ms = 50;
	plan->check_timeout_ms = 200;
	plan->check_rise = 2;
	plan->check_fall = 3;
	plan->resolve_every_ms = 100;
	for (i = 0; i < count; i++) {
		struct upstream_plan *up = &plan->upstreams[i];

		up->kind = UPSTREAM_ADDRESS;
		up->port = (uint16_t)(1000 + i);
		up->weight = 1;
		up->queue = 2;
		(void)strlcpy(up->host, "127.0.0.1", sizeof(up->host));
		(void)snprintf(up->name, sizeof(up->name), "127.0.0.1:%u",
		    up->port);
	}
	return plan;
}

/* Its address is another one: 127.0.0.1 and this port. */
static void
place(struct proxy_plan *plan, uint32_t i, uint16_t port)
{
	struct upstream_plan *up = &plan->upstreams[i];

	up->port = port;
	(void)snprintf(up->name, sizeof(up->name), "127.0.0.1:%u", port);
}

/* Begin with it, as the supervisor and a worker do. Takes plan. */
static void
begin(struct proxy_plan *plan)
{
	int r = upstream_table_assign(table, plan, &error);

	cr_assert_eq(r, 0);
	if (upstreams == NULL) {
		upstreams = upstreams_new(&conns, plan, &error);
		cr_assert_not_null(upstreams, "%s", error.text);
	} else {
		r = upstreams_update(upstreams, plan, &error);
		cr_assert_eq(r, 0, "%s", error.text);
	}
	free(plan);
}

static struct upstream_row *
row_of(const char *name)
{
	struct upstream_row *r = upstream_table_find(table, upstream_key(name));

	cr_assert_not_null(r, "%s", name);
	return r;
}

static struct upstream_row *
row(unsigned int port)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	return row_of(name);
}

/* --- clients --- */

static void
on_ready(struct upstream_asker *asker, enum upstream_pick pick,
    const struct upstream_address *address)
{
	struct client *c = asker->ctx;

	c->told = true;
	c->pick = pick;
	if (pick == UPSTREAM_PICKED)
		c->address = *address;
	else
		cr_expect_null(c->claim.upstream);
}

static enum upstream_pick
ask(struct client *c)
{
	c->asker.claim = &c->claim;
	c->asker.ready = on_ready;
	c->asker.ctx = c;
	c->told = false;
	c->pick = upstreams_pick(upstreams, &c->asker, &c->address);
	return c->pick;
}

/* Which port it got. */
static unsigned int
got(const struct client *c)
{
	return addr_port(&c->address.addr);
}

static unsigned int
ask_port(struct client *c)
{
	cr_assert_eq(ask(c), UPSTREAM_PICKED);
	return got(c);
}

/* --- picking --- */

Test(upstreams, share_connections_and_count_them)
{
	struct client clients[4] = { 0 };
	const struct upstream_holding *held = worker.board->upstreams[ENTRY].of;

	begin(plan_of(2));
	cr_expect_eq(ask_port(&clients[0]), 1000);
	cr_expect_eq(ask_port(&clients[1]), 1001);
	cr_expect_eq(ask_port(&clients[2]), 1000);
	cr_expect_str_eq(upstreams_claimed(&clients[1].claim)->name,
	    "127.0.0.1:1001");
	cr_expect_eq(row(1000)->connections, 2);
	cr_expect_eq(held[0].connections, 2);
	cr_expect_eq(held[1].connections, 1);
	upstreams_connected(&clients[0].claim);
	cr_expect_eq(row(1000)->connected, 1);
	upstreams_leave(&clients[0].claim);
	upstreams_leave(&clients[0].claim);
	upstreams_leave(&clients[1].claim);
	upstreams_leave(&clients[2].claim);
	cr_expect_eq(row(1000)->connections, 0);
	cr_expect_eq(held[0].connections, 0);
	cr_expect_null(clients[0].claim.upstream);
}

Test(upstreams, take_backups_only_when_no_other_can_be_used)
{
	struct proxy_plan *plan = plan_of(3);
	struct client clients[3] = { 0 };

	plan->upstreams[0].backup = 1;
	plan->check_fall = 1;
	begin(plan);
	cr_expect_eq(ask_port(&clients[0]), 1001);
	atomic_store(&row(1001)->mode, UPSTREAM_MODE_DRAIN);
	cr_expect_eq(ask_port(&clients[1]), 1002);
	(void)upstream_row_bad(row(1002), 1, UPSTREAM_TROUBLE_TLS, 0);
	cr_expect_eq(ask_port(&clients[2]), 1000);
	upstreams_leave(&clients[0].claim);
	upstreams_leave(&clients[1].claim);
	upstreams_leave(&clients[2].claim);
}

Test(upstreams, give_who_was_failed_by_one_another)
{
	struct client c = { 0 };
	unsigned int first;

	begin(plan_of(2));
	first = ask_port(&c);
	upstreams_failed(&c.asker, UPSTREAM_TROUBLE_CONNECT, ECONNREFUSED);
	cr_expect_null(c.claim.upstream);
	cr_expect_neq(ask_port(&c), first);
	upstreams_failed(&c.asker, UPSTREAM_TROUBLE_CONNECT, ECONNREFUSED);
	cr_expect_eq(ask(&c), UPSTREAM_NONE);
	cr_expect_eq(row(first)->failed, 1);
	cr_expect_eq(row(first)->connections, 0);
}

Test(upstreams, are_down_after_failures_in_a_row_and_avoided)
{
	struct proxy_plan *plan = plan_of(2);
	struct client c;
	int i, bad = 0;

	plan->check_interval_ms = 1000000; /* and nobody is let try */
	begin(plan);
	for (i = 0; i < 10; i++) {
		c = (struct client){ 0 };
		if (ask_port(&c) == 1000) {
			bad++;
			upstreams_failed(&c.asker, UPSTREAM_TROUBLE_CONNECT,
			    ECONNREFUSED);
		} else {
			upstreams_connected(&c.claim);
			upstreams_leave(&c.claim);
		}
	}
	cr_expect_eq(bad, 3);
	cr_expect_eq(upstream_row_health(row(1000)), UPSTREAM_DOWN);
	cr_expect_eq(upstream_row_health(row(1001)), UPSTREAM_UP);
}

Test(upstreams, do_not_pay_for_a_lack_of_ours)
{
	struct proxy_plan *plan = plan_of(1);
	struct client c;
	int i;

	plan->check_fall = 1;
	begin(plan);
	for (i = 0; i < 3; i++) {
		c = (struct client){ 0 };
		(void)ask_port(&c);
		upstreams_failed(&c.asker, UPSTREAM_TROUBLE_CONNECT, EMFILE);
	}
	cr_expect_eq(upstream_row_health(row(1000)), UPSTREAM_UNCHECKED);
	/* But an operator is to know. */
	cr_expect_eq(row(1000)->trouble,
	    (uint64_t)EMFILE << 32 | UPSTREAM_TROUBLE_CONNECT);
}

Test(upstreams, are_tried_all_the_same_when_none_is_up)
{
	struct proxy_plan *plan = plan_of(3);
	struct client c = { 0 };

	plan->check_interval_ms = 1000000;
	plan->upstreams[2].backup = 1;
	begin(plan);
	(void)upstream_row_bad(row(1000), 1, UPSTREAM_TROUBLE_TLS, 0);
	(void)upstream_row_bad(row(1001), 1, UPSTREAM_TROUBLE_TLS, 0);
	(void)upstream_row_bad(row(1002), 1, UPSTREAM_TROUBLE_TLS, 0);
	atomic_store(&row(1000)->mode, UPSTREAM_MODE_MAINT);
	cr_expect_eq(ask_port(&c), 1001);
	upstreams_leave(&c.claim);
	atomic_store(&row(1001)->mode, UPSTREAM_MODE_MAINT);
	atomic_store(&row(1002)->mode, UPSTREAM_MODE_MAINT);
	cr_expect_eq(ask(&c), UPSTREAM_NONE);
}

Test(upstreams, let_one_try_what_nobody_checks)
{
	struct proxy_plan *plan = plan_of(2);
	struct client c[4] = { 0 };
	int i;

	plan->check_interval_ms = 300;
	begin(plan);
	(void)upstream_row_bad(row(1000), 1, UPSTREAM_TROUBLE_TLS, 0);
	cr_expect_eq(ask_port(&c[0]), 1001);
	pass(400);
	cr_expect_eq(ask_port(&c[1]), 1000);
	cr_expect_eq(ask_port(&c[2]), 1001);
	pass(400);
	cr_expect_eq(ask_port(&c[3]), 1000);
	for (i = 0; i < 4; i++)
		upstreams_leave(&c[i].claim);
}

/* --- queues --- */

static struct proxy_plan *
plan_with_room(uint32_t upstreams_count, uint32_t max)
{
	struct proxy_plan *plan = plan_of(upstreams_count);
	uint32_t i;

	for (i = 0; i < upstreams_count; i++)
		plan->upstreams[i].max_connections = max;
	return plan;
}

Test(upstreams, have_queues_that_are_served_in_order)
{
	struct client c[5] = { 0 };
	int i;

	begin(plan_with_room(1, 1));
	(void)ask_port(&c[0]);
	cr_expect_eq(ask(&c[1]), UPSTREAM_WAITS);
	cr_expect_eq(ask(&c[2]), UPSTREAM_WAITS);
	cr_expect_eq(ask(&c[3]), UPSTREAM_NONE);
	cr_expect_eq(row(1000)->waiting, 2);
	upstreams_leave(&c[0].claim);
	/* Nobody gets past those who wait. */
	cr_expect_eq(ask(&c[4]), UPSTREAM_NONE);
	UNTIL(c[1].told);
	cr_expect_eq(c[1].pick, UPSTREAM_PICKED);
	cr_expect_eq(got(&c[1]), 1000);
	cr_expect_not(c[2].told);
	upstreams_leave(&c[1].claim);
	UNTIL(c[2].told);
	cr_expect_eq(row(1000)->waiting, 0);
	cr_expect_eq(row(1000)->connections, 1);
	for (i = 0; i < 5; i++)
		upstreams_leave(&c[i].claim);
	cr_expect_eq(row(1000)->connections, 0);
}

Test(upstreams, forget_who_gives_up_waiting)
{
	struct client c[3] = { 0 };

	begin(plan_with_room(1, 1));
	(void)ask_port(&c[0]);
	cr_expect_eq(ask(&c[1]), UPSTREAM_WAITS);
	cr_expect_eq(ask(&c[2]), UPSTREAM_WAITS);
	upstreams_leave(&c[1].claim);
	cr_expect_eq(row(1000)->waiting, 1);
	upstreams_leave(&c[0].claim);
	UNTIL(c[2].told);
	cr_expect_not(c[1].told);
	upstreams_leave(&c[2].claim);
}

Test(upstreams, end_a_wait_that_lasts_too_long)
{
	struct proxy_plan *plan = plan_with_room(1, 1);
	struct client c[2] = { 0 };
	const uint64_t began_ms = clock_mono_ms();

	plan->queue_timeout_ms = 100;
	begin(plan);
	(void)ask_port(&c[0]);
	cr_expect_eq(ask(&c[1]), UPSTREAM_WAITS);
	UNTIL(c[1].told);
	cr_expect_eq(c[1].pick, UPSTREAM_NONE);
	cr_expect_geq(clock_mono_ms() - began_ms, 100);
	cr_expect_eq(row(1000)->waiting, 0);
	upstreams_leave(&c[0].claim);
}

Test(upstreams, see_a_place_that_another_worker_frees)
{
	struct client c[2] = { 0 };
	uint64_t freed_ms;

	begin(plan_with_room(1, 1));
	cr_assert(upstream_row_enter(row(1000), 1));
	cr_expect_eq(ask(&c[0]), UPSTREAM_WAITS);
	pass(50);
	cr_expect_not(c[0].told);
	upstream_row_leave(row(1000));
	freed_ms = clock_mono_ms();
	UNTIL(c[0].told);
	cr_expect_eq(c[0].pick, UPSTREAM_PICKED);
	cr_expect_lt(clock_mono_ms() - freed_ms, 1000);
	upstreams_leave(&c[0].claim);
}

Test(upstreams, let_wait_where_the_fewest_do)
{
	struct client c[6] = { 0 };
	int i;

	begin(plan_with_room(2, 1));
	for (i = 0; i < 6; i++)
		(void)ask(&c[i]);
	cr_expect_eq(row(1000)->connections, 1);
	cr_expect_eq(row(1001)->connections, 1);
	cr_expect_eq(row(1000)->waiting, 2);
	cr_expect_eq(row(1001)->waiting, 2);
	for (i = 5; i >= 0; i--)
		upstreams_leave(&c[i].claim);
}

Test(upstreams, find_those_who_wait_another_when_theirs_is_drained)
{
	struct client c[3] = { 0 };
	int i;

	begin(plan_with_room(2, 1));
	(void)ask_port(&c[0]);
	(void)ask_port(&c[1]);
	cr_expect_eq(ask(&c[2]), UPSTREAM_WAITS);
	cr_expect_eq(row(1000)->waiting, 1);
	atomic_store(&row(1000)->mode, UPSTREAM_MODE_DRAIN);
	UNTIL(row(1001)->waiting == 1);
	cr_expect_eq(row(1000)->waiting, 0);
	upstreams_leave(&c[1].claim);
	UNTIL(c[2].told);
	cr_expect_eq(got(&c[2]), 1001);
	for (i = 0; i < 3; i++)
		upstreams_leave(&c[i].claim);
}

/* --- plans that change --- */

Test(upstreams, stay_while_connections_are_open)
{
	struct client c[3] = { 0 };
	struct proxy_plan *plan;
	int i;

	begin(plan_with_room(1, 1));
	(void)ask_port(&c[0]);
	cr_expect_eq(ask(&c[1]), UPSTREAM_WAITS);
	plan = plan_of(1);
	place(plan, 0, 2000);
	begin(plan);
	UNTIL(c[1].told);
	cr_expect_eq(got(&c[1]), 2000);
	cr_expect_eq(ask_port(&c[2]), 2000);
	cr_expect_str_eq(upstreams_claimed(&c[0].claim)->name,
	    "127.0.0.1:1000");
	cr_expect_eq(row(1000)->connections, 1);
	upstreams_leave(&c[0].claim);
	cr_expect_eq(row(1000)->connections, 0);
	for (i = 1; i < 3; i++)
		upstreams_leave(&c[i].claim);
}

Test(upstreams, take_new_limits_for_those_that_wait)
{
	struct client c[2] = { 0 };

	begin(plan_with_room(1, 1));
	(void)ask_port(&c[0]);
	cr_expect_eq(ask(&c[1]), UPSTREAM_WAITS);
	begin(plan_with_room(1, 2));
	UNTIL(c[1].told);
	cr_expect_eq(c[1].pick, UPSTREAM_PICKED);
	upstreams_leave(&c[0].claim);
	upstreams_leave(&c[1].claim);
}

Test(upstreams, refuse_a_plan_without_rows)
{
	struct proxy_plan *plan = plan_of(1);

	begin(plan_of(1));
	place(plan, 0, 2000);
	cr_expect_eq(upstreams_update(upstreams, plan, &error), -1);
	free(plan);
	cr_expect_not_null(row(1000));
}

/* --- checks --- */

static int
listen_on(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const int on = 1;
	int r;

	cr_assert_neq(fd, -1);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	r = bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	cr_assert_eq(r, 0);
	r = listen(fd, 64);
	cr_assert_eq(r, 0);
	(void)getsockname(fd, (struct sockaddr *)&sin, &len);
	*port = ntohs(sin.sin_port);
	return fd;
}

Test(upstreams, are_checked_at_once_and_again)
{
	struct proxy_plan *plan = plan_of(1);
	char text[UPSTREAM_TROUBLE_SIZE];
	struct upstream_row *r;
	uint16_t port = 0;
	int fd = listen_on(&port);

	plan->check = CHECK_CONNECT;
	place(plan, 0, port);
	begin(plan);
	r = row(port);
	UNTIL(upstream_row_health(r) == UPSTREAM_UP);
	cr_expect_gt(r->checked_ms, 0);
	(void)close(fd);
	UNTIL(upstream_row_health(r) == UPSTREAM_DOWN);
	cr_expect_geq(r->checks_failed, 3);
	upstream_trouble_text(r->trouble, text);
	cr_expect_str_eq(text, "connect: Connection refused");
	fd = listen_on(&port);
	UNTIL(upstream_row_health(r) == UPSTREAM_UP);
	(void)close(fd);
}

Test(upstreams, are_not_checked_in_maintenance)
{
	struct proxy_plan *plan = plan_of(1);
	struct upstream_row *r;
	uint16_t port = 0;
	const int fd = listen_on(&port);
	uint64_t checks;

	plan->check = CHECK_CONNECT;
	place(plan, 0, port);
	begin(plan);
	r = row(port);
	UNTIL(upstream_row_health(r) == UPSTREAM_UP);
	atomic_store(&r->mode, UPSTREAM_MODE_MAINT);
	pass(100);
	checks = r->checks;
	pass(200);
	cr_expect_eq(r->checks, checks);
	atomic_store(&r->mode, UPSTREAM_MODE_DRAIN);
	UNTIL(r->checks > checks);
	(void)close(fd);
}

Test(upstreams, are_checked_by_one_worker)
{
	struct proxy_plan *plan = plan_of(1);
	struct upstream_holdings had = { 0 };
	struct upstream_row *r;
	uint16_t port = 0;
	const int fd = listen_on(&port);

	plan->check = CHECK_CONNECT;
	place(plan, 0, port);
	cr_assert(upstream_lease_take(table, OTHER_PID, clock_mono_ms(), 1000));
	begin(plan);
	r = row(port);
	pass(300);
	cr_expect_eq(r->checks, 0);
	/* The other one has died, says the supervisor. */
	upstream_table_reclaim(table, &had, OTHER_PID);
	UNTIL(r->checks > 0);
	/* And so does one that drains. */
	conns.phase = CONN_LIST_DRAINING;
	UNTIL(upstream_lease_take(table, OTHER_PID, clock_mono_ms(), 1000));
	(void)close(fd);
}

/* An upstream that reads, answers, and ends. */
struct answer_case {
	const char send[32]; /* check_send */
	const char expect[32];
	const char answer[64]; /* empty: none, and it stays open */
	enum upstream_health want;
	const char trouble[64];
};

ParameterizedTestParameters(upstreams, are_asked_and_listened_to)
{
	static struct answer_case cases[] = {
		{ "PING\r\n", "+PONG", "+PONG\r\n", UPSTREAM_UP, "" },
		{ "", "220 ", "220 ready\r\n", UPSTREAM_UP, "" },
		{ "x", "", "", UPSTREAM_UP, "" },
		{ "PING\r\n", "+PONG", "-ERR loading\r\n", UPSTREAM_DOWN,
		    "check: unexpected answer" },
		{ "", "220 ", "", UPSTREAM_DOWN, "check: timed out" },
	};

	return cr_make_param_array(struct answer_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

static void
on_asked(evutil_socket_t client, short what, void *arg)
{
	const struct answer_case *k = arg;
	const size_t len = strlen(k->answer);
	char bytes[64] = "";
	size_t i;

	if (what & EV_READ)
		cr_expect_eq(read(client, bytes, sizeof(bytes)),
		    (ssize_t)strlen(k->send));
	cr_expect_str_eq(bytes, k->send);
	if (len == 0)
		return; /* left open, for the process ends soon */
	for (i = 0; i < len; i++)
		(void)!write(client, &k->answer[i], 1);
	(void)close(client);
}

static void
on_connect(evutil_socket_t fd, short what, void *arg)
{
	const struct answer_case *k = arg;
	const int client = accept(fd, NULL, NULL);

	(void)what;
	if (client == -1)
		return;
	cr_assert_eq(event_base_once(worker.base, client,
			 k->send[0] == '\0' ? EV_WRITE : EV_READ, on_asked, arg,
			 NULL),
	    0);
}

ParameterizedTest(struct answer_case *k, upstreams, are_asked_and_listened_to)
{
	struct proxy_plan *plan = plan_of(1);
	char text[UPSTREAM_TROUBLE_SIZE];
	struct upstream_row *r;
	struct event *ev;
	uint16_t port = 0;
	const int fd = listen_on(&port);

	ev = event_new(worker.base, fd, EV_READ | EV_PERSIST, on_connect, k);
	cr_assert_eq(event_add(ev, NULL), 0);
	plan->check = CHECK_EXPECT;
	plan->check_send.size = (uint32_t)strlen(k->send);
	memcpy(plan->check_send.bytes, k->send, sizeof(k->send));
	plan->check_expect.size = (uint32_t)strlen(k->expect);
	memcpy(plan->check_expect.bytes, k->expect, sizeof(k->expect));
	place(plan, 0, port);
	begin(plan);
	r = row(port);
	UNTIL(upstream_row_health(r) == k->want);
	upstream_trouble_text(r->trouble, text);
	cr_expect_str_eq(text, k->trouble);
	event_free(ev);
	(void)close(fd);
}

Test(upstreams, may_be_unix_sockets)
{
	struct proxy_plan *plan = plan_of(1);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct client c = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;

	(void)snprintf(un.sun_path, sizeof(un.sun_path),
	    "/tmp/test_upstreams.%d", (int)getpid());
	(void)unlink(un.sun_path);
	r = bind(fd, (struct sockaddr *)&un, sizeof(un));
	cr_assert_eq(r, 0);
	(void)listen(fd, 5);
	plan->check = CHECK_CONNECT;
	plan->upstreams[0].kind = UPSTREAM_UNIX;
	plan->upstreams[0].port = 0;
	(void)strlcpy(plan->upstreams[0].host, un.sun_path,
	    sizeof(plan->upstreams[0].host));
	(void)strlcpy(plan->upstreams[0].name, "unix:x",
	    sizeof(plan->upstreams[0].name));
	begin(plan);
	UNTIL(upstream_row_health(row_of("unix:x")) == UPSTREAM_UP);
	cr_expect_eq(ask(&c), UPSTREAM_PICKED);
	(void)close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	r = connect(fd, &c.address.addr.sa, c.address.size);
	cr_expect(r == -1 && errno == ECONNREFUSED);
	(void)unlink(un.sun_path);
	upstreams_leave(&c.claim);
	(void)close(fd);
}

/* --- names: with a server that knows one address, or none --- */

struct dns {
	int fd;
	struct event *ev;
	uint16_t port;
	unsigned int asked;
	uint8_t last_byte; /* of the address 127.0.0.x; 0: there is none */
	bool silent;
};

static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	struct dns *d = arg;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t m[512];
	size_t end = 12;
	const ssize_t n =
	    recvfrom(fd, m, sizeof(m) - 16, 0, (struct sockaddr *)&from, &len);

	(void)what;
	if (n < 17)
		return;
	d->asked++;
	if (d->silent)
		return;
	while (end < (size_t)n && m[end] != 0)
		end += m[end] + 1u;
	end += 5;
	m[2] = 0x81;
	m[3] = d->last_byte == 0 ? 0x83 : 0x80;
	memset(m + 6, 0, 6);
	if (d->last_byte != 0 && m[end - 3] == 1) {
		const uint8_t record[16] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0,
			0, 4, 127, 0, 0, d->last_byte };

		m[7] = 1;
		memcpy(m + end, record, sizeof(record));
		end += sizeof(record);
	}
	(void)sendto(fd, m, end, 0, (struct sockaddr *)&from, len);
}

static void
dns_begin(struct dns *d)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int r;

	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	r = bind(d->fd, (struct sockaddr *)&sin, sizeof(sin));
	cr_assert_eq(r, 0);
	(void)getsockname(d->fd, (struct sockaddr *)&sin, &len);
	d->port = ntohs(sin.sin_port);
	d->ev =
	    event_new(worker.base, d->fd, EV_READ | EV_PERSIST, on_question, d);
	cr_assert_eq(event_add(d->ev, NULL), 0);
}

static void
dns_end(struct dns *d)
{
	event_free(d->ev);
	(void)close(d->fd);
}

static struct proxy_plan *
plan_with_name(const struct dns *d)
{
	struct proxy_plan *plan = plan_of(1);

	plan->upstreams[0].kind = UPSTREAM_NAME;
	(void)strlcpy(plan->upstreams[0].host, "pos.example.",
	    sizeof(plan->upstreams[0].host));
	(void)strlcpy(plan->upstreams[0].name, "pos",
	    sizeof(plan->upstreams[0].name));
	(void)snprintf(plan->resolvers[0], RESOLVER_SIZE, "127.0.0.1:%u",
	    d->port);
	return plan;
}

static uint8_t
last_byte(const struct client *c)
{
	uint8_t bytes[16];

	cr_assert(addr_bytes(&c->address.addr, bytes));
	return bytes[15];
}

Test(upstreams, that_are_names_are_resolved_and_refreshed)
{
	struct dns d = { .last_byte = 7 };
	struct client c = { 0 };
	unsigned int asked;

	dns_begin(&d);
	begin(plan_with_name(&d));
	cr_expect_eq(ask(&c), UPSTREAM_WAITS);
	UNTIL(c.told);
	cr_expect_eq(c.pick, UPSTREAM_PICKED);
	cr_expect_eq(last_byte(&c), 7);
	cr_expect_eq(got(&c), 1000);
	upstreams_leave(&c.claim);
	d.last_byte = 8;
	UNTIL(ask(&c) == UPSTREAM_PICKED && (upstreams_leave(&c.claim), 1) &&
	    last_byte(&c) == 8);
	/* The last answer holds while there is none. */
	d.last_byte = 0;
	asked = d.asked;
	UNTIL(d.asked >= asked + 4);
	pass(50);
	cr_expect_eq(ask(&c), UPSTREAM_PICKED);
	cr_expect_eq(last_byte(&c), 8);
	upstreams_leave(&c.claim);
	upstreams_free(&upstreams);
	pass(10);
	dns_end(&d);
}

/* What stands for /etc/hosts; empty: that. */
static char hosts[64];

int __wrap_stat(const char *, struct stat *);
int __real_stat(const char *, struct stat *);
int __wrap_evdns_base_load_hosts(struct evdns_base *, const char *);
int __real_evdns_base_load_hosts(struct evdns_base *, const char *);

static const char *
instead_of(const char *path)
{
	return hosts[0] != '\0' && strcmp(path, "/etc/hosts") == 0 ? hosts
								   : path;
}

int
__wrap_stat(const char *path, struct stat *st)
{
	return __real_stat(instead_of(path), st);
}

int
__wrap_evdns_base_load_hosts(struct evdns_base *base, const char *path)
{
	return __real_evdns_base_load_hosts(base, instead_of(path));
}

static void
write_hosts(const char *line)
{
	FILE *f = fopen(hosts, "we");

	cr_assert_not_null(f);
	cr_expect_geq(fputs(line, f), 0);
	(void)fclose(f);
}

Test(upstreams, whose_names_are_in_hosts_are_refreshed)
{
	struct dns d = { .last_byte = 9 };
	struct client c = { 0 };
	struct proxy_plan *plan;

	(void)snprintf(hosts, sizeof(hosts), "/tmp/test_upstreams_hosts.%d",
	    (int)getpid());
	write_hosts("127.0.0.7 pos.example\n");
	dns_begin(&d);
	plan = plan_with_name(&d);
	(void)strlcpy(plan->upstreams[0].host, "pos.example",
	    sizeof(plan->upstreams[0].host));
	begin(plan);
	cr_expect_eq(ask(&c), UPSTREAM_WAITS);
	UNTIL(c.told);
	cr_expect_eq(last_byte(&c), 7);
	upstreams_leave(&c.claim);
	write_hosts("127.0.0.8 pos.example\n");
	UNTIL(ask(&c) == UPSTREAM_PICKED && (upstreams_leave(&c.claim), 1) &&
	    last_byte(&c) == 8);
	(void)unlink(hosts);
	upstreams_free(&upstreams);
	pass(10);
	dns_end(&d);
}

Test(upstreams, whose_name_is_unknown_are_not_waited_for)
{
	struct dns d = { .last_byte = 0 };
	struct client c = { 0 };
	struct proxy_plan *plan;

	dns_begin(&d);
	plan = plan_with_name(&d);
	plan->check = CHECK_CONNECT;
	begin(plan);
	cr_expect_eq(ask(&c), UPSTREAM_WAITS);
	UNTIL(c.told);
	cr_expect_eq(c.pick, UPSTREAM_NONE);
	cr_expect_eq(ask(&c), UPSTREAM_NONE);
	UNTIL(upstream_row_health(row_of("pos")) == UPSTREAM_DOWN);
	d.last_byte = 1;
	UNTIL(ask(&c) == UPSTREAM_PICKED);
	upstreams_leave(&c.claim);
	dns_end(&d);
}

Test(upstreams, may_be_freed_while_their_names_are_looked_up)
{
	struct dns d = { .silent = true };
	struct client c = { 0 };

	dns_begin(&d);
	begin(plan_with_name(&d));
	cr_expect_eq(ask(&c), UPSTREAM_WAITS);
	UNTIL(d.asked > 0);
	upstreams_leave(&c.claim);
	upstreams_free(&upstreams);
	d.silent = false;
	d.last_byte = 1;
	/* Another one has the same resolver. */
	begin(plan_with_name(&d));
	UNTIL(ask(&c) == UPSTREAM_PICKED);
	upstreams_leave(&c.claim);
	dns_end(&d);
}

/* The last connection of a listener that is to go, and that waits for one. */
static void
free_all(struct upstream_asker *asker, enum upstream_pick pick,
    const struct upstream_address *address)
{
	struct client *c = asker->ctx;

	(void)pick;
	(void)address;
	c->told = true;
	upstreams_leave(&c->claim);
	upstreams_free(&upstreams);
}

Test(upstreams, may_be_freed_by_who_was_waiting)
{
	struct client c[2] = { 0 };

	begin(plan_with_room(1, 1));
	(void)ask_port(&c[0]);
	cr_expect_eq(ask(&c[1]), UPSTREAM_WAITS);
	c[1].asker.ready = free_all;
	upstreams_leave(&c[0].claim);
	UNTIL(c[1].told);
	cr_expect_null(upstreams);
}
