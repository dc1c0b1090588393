/* A worker and its supervisor: who says what when, and how it all ends. */
#include <sys/socket.h>
#include <sys/un.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "pool_harness.h"

#define ID 7

static struct harness h;

/* A worker with one echo listener; returns its port. */
static uint16_t
start_echo(void)
{
	const struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	uint16_t port;
	int fd = harness_tcp_socket(&port);

	harness_start(&h, 0);
	harness_listen(&h, &m, fd);
	return port;
}

static void
expect_closed_and_drained(uint64_t id)
{
	harness_expect_of(&h, IPC_CLOSED, id);
	harness_expect_of(&h, IPC_DRAINED, id);
}

static void
teardown(void)
{
	harness_continue(&h);
}

TestSuite(worker, .fini = teardown, .timeout = 60);

Test(worker, ready_serves_and_leaves)
{
	uint16_t port = start_echo();
	int client = harness_connect(port);

	cr_expect_eq(atomic_load(&h.board->version), SCOREBOARD_VERSION);
	cr_expect_eq((pid_t)atomic_load(&h.board->pid), h.pid);
	cr_expect_leq(clock_mono_ms() - atomic_load(&h.board->heartbeat_ms),
	    HARNESS_WAIT_MS);
	cr_expect_eq(atomic_load(&h.board->entries[ID].listener_id), ID);
	harness_expect_echo(client, "hello");
	cr_expect_eq(harness_count(&h, ID, COUNTER_ACCEPTED), 1);
	cr_expect_eq(harness_count(&h, ID, COUNTER_CLOSED), 0);
	(void)close(client);
	EVENTUALLY(harness_count(&h, ID, COUNTER_CLOSED) == 1);
	harness_close(&h, ID, 10000);
	expect_closed_and_drained(ID);
	cr_expect_eq(harness_try_connect(port), -1);
	harness_hang_up(&h);
	cr_expect_eq(harness_exit_code(&h), 0);
}

static uint64_t
heartbeat(void)
{
	return atomic_load(&h.board->heartbeat_ms);
}

Test(worker, has_a_heartbeat_before_it_is_ready)
{
	const uint64_t before_ms = clock_mono_ms();

	harness_start(&h, 0);
	cr_expect_geq(heartbeat(), before_ms);
	cr_expect_leq(heartbeat(), clock_mono_ms());
}

Test(worker, heartbeat_is_as_often_as_asked_for)
{
	enum { BEATS = 10 };
	uint64_t start_ms, last;
	int i;

	harness_start(&h, 0);
	start_ms = heartbeat();
	for (i = 0; i < BEATS; i++) {
		last = heartbeat();
		EVENTUALLY(heartbeat() != last);
	}
	/* A beat late does not make the next one early. */
	cr_expect_geq(heartbeat() - start_ms,
	    (BEATS - 1) * HARNESS_HEARTBEAT_MS);
}

Test(worker, heartbeat_goes_on_while_it_drains)
{
	uint16_t port = start_echo();
	int client = harness_connect(port);
	uint64_t last;

	harness_expect_echo(client, "open");
	harness_drain(&h, 60000);
	harness_expect_of(&h, IPC_CLOSED, ID);
	last = heartbeat();
	EVENTUALLY(heartbeat() != last);
}

Test(worker, has_no_descriptor_but_its_own)
{
	int count;

	(void)start_echo();
	count = harness_descriptors(&h);
	/* standard ones, channel, epoll, libevent's pipe, the listener */
	cr_expect_eq(count, 3 + 1 + 1 + 2 + 1, "%d descriptors", count);
}

Test(worker, serves_a_unix_socket)
{
	struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/mercury-test-XXXXXX";
	int fd, client;

	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(fd, 5), 0);
	m.spec.transport = TRANSPORT_UNIX;
	m.spec.address[0] = '\0';
	(void)strcpy(m.spec.path, a.sun_path);
	harness_start(&h, 0);
	harness_listen(&h, &m, fd); /* blocking: the worker must cope */
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(client, (struct sockaddr *)&a, sizeof(a)), 0);
	harness_expect_echo(client, "over unix");
	(void)unlink(a.sun_path);
	(void)rmdir(dir);
}

Test(worker, close_serves_who_waits_in_the_queue)
{
	enum { CLIENTS = 50 };
	uint16_t port = start_echo();
	int clients[CLIENTS], i;

	harness_stop(&h);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = harness_connect(port);
	harness_close(&h, ID, 10000);
	harness_continue(&h);
	harness_expect_of(&h, IPC_CLOSED, ID);
	cr_expect_eq(harness_count(&h, ID, COUNTER_ACCEPTED), CLIENTS);
	cr_expect_eq(harness_try_connect(port), -1);
	for (i = 0; i < CLIENTS; i++) {
		harness_expect_echo(clients[i], "served");
		(void)close(clients[i]);
	}
	harness_expect_of(&h, IPC_DRAINED, ID);
	cr_expect_eq(harness_count(&h, ID, COUNTER_CLOSED), CLIENTS);
	cr_expect_eq(harness_count(&h, ID, COUNTER_DRAINED), CLIENTS);
	cr_expect_eq(harness_count(&h, ID, COUNTER_CUT), 0);
}

Test(worker, close_cuts_at_the_deadline)
{
	uint16_t port = start_echo();
	int stays = harness_connect(port), goes = harness_connect(port);
	char byte;

	harness_expect_echo(stays, "a");
	harness_expect_echo(goes, "b");
	harness_close(&h, ID, 200);
	harness_expect_of(&h, IPC_CLOSED, ID);
	(void)close(goes);
	harness_expect_echo(stays, "still here");
	harness_expect_of(&h, IPC_DRAINED, ID);
	cr_expect_eq(harness_count(&h, ID, COUNTER_DRAINED), 1);
	cr_expect_eq(harness_count(&h, ID, COUNTER_CUT), 1);
	cr_expect_eq(harness_count(&h, ID, COUNTER_CLOSED), 2);
	cr_expect_leq(recv(stays, &byte, 1, 0), 0);
}

Test(worker, a_deadline_that_is_past_cuts_at_once)
{
	uint16_t port = start_echo();
	const struct msg_close m = { .listener_id = ID, .deadline_ms = 1 };
	int client = harness_connect(port);

	harness_expect_echo(client, "a");
	harness_send(&h, IPC_CLOSE, &m, -1);
	expect_closed_and_drained(ID);
	cr_expect_eq(harness_count(&h, ID, COUNTER_CUT), 1);
}

Test(worker, the_earlier_deadline_counts)
{
	uint16_t port = start_echo();
	int client = harness_connect(port);

	harness_expect_echo(client, "a");
	harness_close(&h, ID, 60000);
	harness_expect_of(&h, IPC_CLOSED, ID);
	harness_close(&h, ID, 50); /* no second CLOSED */
	harness_close(&h, ID, 60000);
	harness_expect_of(&h, IPC_DRAINED, ID);
}

Test(worker, release_keeps_connections_and_other_slots)
{
	const struct msg_listen own = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	const struct msg_listen adopted =
	    harness_listen_msg(ID, 1, PROTOCOL_ECHO);
	const struct msg_slot release = { .listener_id = ID, .slot = 1 };
	uint16_t port, other_port;
	int fd = harness_tcp_socket(&port);
	int other_fd = harness_tcp_socket(&other_port), kept = dup(other_fd);
	int early, late;

	harness_start(&h, 0);
	harness_listen(&h, &own, fd);
	harness_listen(&h, &adopted, other_fd);
	early = harness_connect(other_port);
	harness_expect_echo(early, "adopted");
	harness_send(&h, IPC_RELEASE, &release, -1);
	harness_send(&h, IPC_RELEASE, &release, -1); /* again: no harm */
	harness_expect_echo(harness_connect(port), "own");
	harness_expect_echo(early, "still served");
	/* We still hold the socket: who comes now waits, and is not taken. */
	late = harness_connect(other_port);
	harness_expect_echo(harness_connect(port), "own");
	cr_expect_eq(harness_count(&h, ID, COUNTER_ACCEPTED), 3);
	(void)close(late);
	(void)close(kept);
}

Test(worker, release_of_the_last_socket_keeps_the_listener)
{
	const struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	const struct msg_slot release = { .listener_id = ID };
	uint16_t port;
	int fd = harness_tcp_socket(&port), kept = dup(fd), client, late;

	harness_start(&h, 0);
	harness_listen(&h, &m, fd);
	client = harness_connect(port);
	harness_expect_echo(client, "before");
	harness_send(&h, IPC_RELEASE, &release, -1);
	harness_expect_echo(client, "after");
	late = harness_connect(port);
	harness_listen(&h, &m, kept);
	harness_expect_echo(late, "waited");
	cr_expect_eq(harness_count(&h, ID, COUNTER_ACCEPTED), 2);
	harness_send(&h, IPC_RELEASE, &release, -1);
	harness_close(&h, ID, 60000);
	harness_expect_of(&h, IPC_CLOSED, ID);
	(void)close(client);
	(void)close(late);
	harness_expect_of(&h, IPC_DRAINED, ID);
	cr_expect_eq(harness_count(&h, ID, COUNTER_DRAINED), 2);
}

/* As when an adopted slot is given to its new worker, which is us. */
Test(worker, a_slot_that_it_has_is_kept)
{
	const struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	const struct msg_slot release = { .listener_id = ID };
	uint16_t port;
	int fd = harness_tcp_socket(&port), before, client;

	harness_start(&h, 0);
	harness_listen(&h, &m, dup(fd));
	before = harness_descriptors(&h);
	harness_listen(&h, &m, dup(fd));
	harness_listen(&h, &m, dup(fd));
	cr_expect_eq(harness_descriptors(&h), before);
	client = harness_connect(port);
	harness_expect_echo(client, "once");
	cr_expect_eq(harness_count(&h, ID, COUNTER_ACCEPTED), 1);
	harness_send(&h, IPC_RELEASE, &release, -1);
	/* All of it was released: nobody but us has the socket. */
	(void)close(fd);
	harness_expect_echo(client, "still");
	EVENTUALLY(harness_try_connect(port) == -1);
}

/* A slot that is not served may not look like one that is. */
Test(worker, a_socket_that_was_shut_down_ends_it)
{
	const struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	uint16_t port;
	int fd = harness_tcp_socket(&port);

	harness_start(&h, 0);
	harness_listen(&h, &m, dup(fd));
	harness_expect_echo(harness_connect(port), "served");
	cr_assert_eq(shutdown(fd, SHUT_RD), 0);
	harness_expect_end_of_channel(&h);
	cr_expect_eq(harness_exit_code(&h), 1);
}

Test(worker, listeners_do_not_touch_each_other)
{
	const struct msg_listen a = harness_listen_msg(1, 0, PROTOCOL_ECHO);
	const struct msg_listen b = harness_listen_msg(2, 0, PROTOCOL_DISCARD);
	uint16_t port_a, port_b;
	int fd_a = harness_tcp_socket(&port_a);
	int fd_b = harness_tcp_socket(&port_b), client;

	harness_start(&h, 0);
	harness_listen(&h, &a, fd_a);
	harness_listen(&h, &b, fd_b);
	client = harness_connect(port_a);
	harness_expect_echo(client, "before");
	harness_close(&h, 2, 10000);
	expect_closed_and_drained(2);
	harness_expect_echo(client, "after");
	harness_expect_echo(harness_connect(port_a), "new");
	cr_expect_eq(harness_try_connect(port_b), -1);
	cr_expect_eq(harness_count(&h, 2, COUNTER_ACCEPTED), 0);
}

Test(worker, messages_about_an_unknown_listener_do_no_harm)
{
	const struct msg_slot release = { .listener_id = 99 };
	const struct msg_listen valid =
	    harness_listen_msg(99, 0, PROTOCOL_ECHO);
	const struct msg_update update = { .listener_id = 99,
		.spec = valid.spec };
	uint16_t port = start_echo();

	harness_send(&h, IPC_RELEASE, &release, -1);
	harness_send(&h, IPC_UPDATE, &update, -1);
	harness_close(&h, 99, 0);
	expect_closed_and_drained(99);
	harness_expect_echo(harness_connect(port), "alive");
}

Test(worker, without_a_listener_it_waits_for_the_next)
{
	const struct msg_listen m = harness_listen_msg(8, 0, PROTOCOL_ECHO);
	uint16_t port;
	int fd = harness_tcp_socket(&port);

	(void)start_echo();
	harness_close(&h, ID, 10000);
	expect_closed_and_drained(ID);
	harness_listen(&h, &m, fd);
	harness_expect_echo(harness_connect(port), "the next");
}

Test(worker, drain_answers_for_each_and_exits)
{
	struct msg_listen m;
	uint16_t ports[3];
	int fd, client = -1;
	uint64_t i;

	harness_start(&h, 0);
	for (i = 0; i < 3; i++) {
		m = harness_listen_msg(i + 1, 0, PROTOCOL_ECHO);
		fd = harness_tcp_socket(&ports[i]);
		harness_listen(&h, &m, fd);
	}
	client = harness_connect(ports[2]);
	harness_expect_echo(client, "open");
	harness_drain(&h, 10000);
	expect_closed_and_drained(1);
	expect_closed_and_drained(2);
	harness_expect_of(&h, IPC_CLOSED, 3);
	harness_expect_echo(client, "may finish");
	(void)close(client);
	harness_expect_of(&h, IPC_DRAINED, 3);
	cr_expect_eq(harness_exit_code(&h), 0);
}

Test(worker, drain_takes_over_an_earlier_close)
{
	uint16_t port = start_echo();
	int client = harness_connect(port);

	harness_expect_echo(client, "a");
	harness_close(&h, ID, 60000);
	harness_expect_of(&h, IPC_CLOSED, ID);
	harness_drain(&h, 100);
	harness_expect_of(&h, IPC_DRAINED, ID);
	cr_expect_eq(harness_exit_code(&h), 0);
}

Test(worker, drain_without_listeners_exits)
{
	harness_start(&h, 0);
	harness_drain(&h, 10000);
	cr_expect_eq(harness_exit_code(&h), 0);
}

Test(worker, an_orphan_serves_until_all_have_finished)
{
	const struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	uint16_t port;
	int fd = harness_tcp_socket(&port), client, queued;

	harness_spawn(&h, 0);
	harness_hello(&h, 60000);
	(void)harness_expect(&h, IPC_READY);
	harness_listen(&h, &m, fd);
	client = harness_connect(port);
	harness_expect_echo(client, "before");
	harness_stop(&h);
	queued = harness_connect(port);
	harness_hang_up(&h);
	harness_continue(&h);
	harness_expect_echo(queued, "was in the queue");
	harness_expect_echo(client, "after");
	cr_expect_eq(harness_try_connect(port), -1);
	(void)close(client);
	(void)close(queued);
	cr_expect_eq(harness_exit_code(&h), 0);
}

/* Each worker says it: one line of a level that nobody is woken for. */
Test(worker, an_orphan_logs_it_as_information)
{
	struct msg_pool_hello hello = harness_hello_msg(100);
	char said[1000] = "";
	size_t len = 0;
	int out[2];
	ssize_t n;

	cr_assert_eq(pipe(out), 0);
	cr_assert_neq(dup2(out[1], STDERR_FILENO), -1);
	(void)close(out[1]);
	harness_spawn(&h, 0);
	(void)close(STDERR_FILENO);
	hello.log.level = LOG_LEVEL_INFO;
	harness_send(&h, IPC_POOL_HELLO, &hello, h.board_fd);
	(void)harness_expect(&h, IPC_READY);
	harness_hang_up(&h);
	while (len < sizeof(said) - 1 &&
	    (n = read(out[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	cr_expect_not_null(strstr(said, "info: mercuryd closed the channel"),
	    "%s", said);
	cr_expect_null(strstr(said, "warning"), "%s", said);
	cr_expect_eq(harness_exit_code(&h), 0);
}

Test(worker, an_orphan_cuts_at_its_deadline)
{
	uint16_t port = start_echo();
	int client = harness_connect(port);

	harness_expect_echo(client, "a");
	harness_hang_up(&h);
	cr_expect_eq(harness_exit_code(&h), 0);
	cr_expect_eq(harness_count(&h, ID, COUNTER_CUT), 1);
}

Test(worker, ignores_signals_that_go_to_the_whole_family)
{
	uint16_t port = start_echo();

	cr_assert_eq(kill(h.pid, SIGTERM), 0);
	cr_assert_eq(kill(h.pid, SIGINT), 0);
	cr_assert_eq(kill(h.pid, SIGHUP), 0);
	harness_expect_echo(harness_connect(port), "alive");
}

/* --- what a sane supervisor never sends ends the worker ------------------ */

enum nonsense {
	NO_HELLO,
	HELLO_TWICE,
	NO_HEARTBEAT,
	NO_SCOREBOARD,
	ENTRY_OUT_OF_RANGE,
	BAD_SPEC,
	NOT_LISTENING,
	LISTEN_WHILE_DRAINING,
	NOT_FOR_US,
};

ParameterizedTestParameters(worker, nonsense_ends_it)
{
	static enum nonsense cases[] = { NO_HELLO, HELLO_TWICE, NO_HEARTBEAT,
		NO_SCOREBOARD, ENTRY_OUT_OF_RANGE, BAD_SPEC, NOT_LISTENING,
		LISTEN_WHILE_DRAINING, NOT_FOR_US };

	return cr_make_param_array(enum nonsense, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

static void
send_listen(uint32_t entry, uint8_t protocol)
{
	struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	uint16_t port;
	int fd = harness_tcp_socket(&port);

	m.entry = entry;
	m.spec.protocol = protocol;
	harness_send(&h, IPC_LISTEN, &m, fd);
	(void)close(fd);
}

static void
send_nonsense(enum nonsense kind)
{
	const struct msg_request not_for_us = { .request = 1 };
	const struct msg_listen valid =
	    harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	struct msg_pool_hello hello = harness_hello_msg(0);
	uint16_t port;
	int other;

	switch (kind) {
	case NO_HELLO:
		harness_spawn(&h, 0);
		send_listen(1, PROTOCOL_ECHO);
		break;
	case HELLO_TWICE:
		harness_start(&h, 0);
		harness_send(&h, IPC_POOL_HELLO, &hello, h.board_fd);
		break;
	case NO_HEARTBEAT:
		harness_spawn(&h, 0);
		hello.heartbeat_ms = 0;
		harness_send(&h, IPC_POOL_HELLO, &hello, h.board_fd);
		break;
	case NO_SCOREBOARD:
		harness_spawn(&h, 0);
		other = h.board_fd;
		h.board_fd = harness_tcp_socket(&port);
		harness_hello(&h, 0);
		(void)close(other);
		break;
	case ENTRY_OUT_OF_RANGE:
		harness_start(&h, 0);
		send_listen(SCOREBOARD_ENTRIES, PROTOCOL_ECHO);
		break;
	case BAD_SPEC:
		harness_start(&h, 0);
		send_listen(1, PROTOCOL_COUNT);
		break;
	case NOT_LISTENING:
		harness_start(&h, 0);
		other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		harness_send(&h, IPC_LISTEN, &valid, other);
		(void)close(other);
		break;
	case LISTEN_WHILE_DRAINING:
		port = start_echo();
		harness_expect_echo(harness_connect(port), "open");
		harness_close(&h, ID, 60000);
		send_listen(ID, PROTOCOL_ECHO);
		break;
	case NOT_FOR_US:
		harness_start(&h, 0);
		(void)send(h.channel, &not_for_us, sizeof(not_for_us), 0);
		break;
	}
}

ParameterizedTest(enum nonsense *kind, worker, nonsense_ends_it, .timeout = 60)
{
	send_nonsense(*kind);
	cr_expect_eq(harness_exit_code(&h), *kind == NOT_FOR_US ? 0 : 1);
}
