/* Two crews on the same sockets: what the old one leaves to the new one. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "pool_harness.h"

#define ID 5

static struct harness old, new;
static struct msg_listen listen_msg;
static uint16_t port;
static int kept; /* our descriptor of the socket, as the supervisor has one */

static void
start_crew(struct harness *h)
{
	harness_start(h, 0);
	harness_listen(h, &listen_msg, dup(kept));
}

static void
setup(void)
{
	listen_msg = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	kept = harness_tcp_socket(&port);
	start_crew(&old);
}

static void
teardown(void)
{
	harness_continue(&old);
	harness_continue(&new);
}

TestSuite(hand_over, .init = setup, .fini = teardown, .timeout = 60);

static uint64_t
count(const struct harness *h, enum counter_id id)
{
	return harness_count(h, ID, id);
}

/* A connection that the old crew has accepted. */
static int
connect_to_old(void)
{
	const uint64_t before = count(&old, COUNTER_ACCEPTED);
	int client = harness_connect(port);

	harness_expect_echo(client, "old");
	cr_assert_eq(count(&old, COUNTER_ACCEPTED), before + 1);
	return client;
}

static void
expect_gone(struct harness *h)
{
	harness_expect_end_of_channel(h);
	cr_expect_eq(harness_exit_code(h), 0);
	cr_expect_eq(count(h, COUNTER_ACCEPTED), count(h, COUNTER_CLOSED));
}

/* It answers only when it has read what was sent before. */
static void
expect_all_read(struct harness *h)
{
	harness_pause(h, 99, false);
	harness_expect_of(h, IPC_CLOSED, 99);
}

Test(hand_over, without_connections_ends_at_once)
{
	harness_hand_over(&old);
	expect_gone(&old);
	cr_expect_eq(count(&old, COUNTER_DRAINED), 0);
}

Test(hand_over, without_listeners_ends_at_once)
{
	harness_start(&new, 0);
	harness_hand_over(&new);
	harness_expect_end_of_channel(&new);
	cr_expect_eq(harness_exit_code(&new), 0);
}

Test(hand_over, connections_may_finish)
{
	int client = connect_to_old(), other = connect_to_old();

	start_crew(&new);
	harness_hand_over(&old);
	harness_expect_echo(client, "still served");
	harness_expect_echo(harness_connect(port), "by the new crew");
	cr_expect_eq(count(&new, COUNTER_ACCEPTED), 1);
	(void)close(other);
	harness_expect_echo(client, "still served");
	(void)close(client);
	expect_gone(&old);
	cr_expect_eq(count(&old, COUNTER_DRAINED), 2);
	cr_expect_eq(count(&old, COUNTER_CUT), 0);
}

Test(hand_over, drops_its_descriptor)
{
	int client = connect_to_old();
	const int before = harness_descriptors(&old);

	harness_hand_over(&old);
	EVENTUALLY(harness_descriptors(&old) == before - 1);
	harness_expect_echo(client, "still served");
}

/* Each listener has its own drain_timeout. */
Test(hand_over, cuts_at_the_drain_timeout_of_the_listener)
{
	struct msg_listen short_msg =
	    harness_listen_msg(ID + 1, 0, PROTOCOL_ECHO);
	uint16_t short_port;
	int fd = harness_tcp_socket(&short_port), client, cut;
	uint64_t start_ms;
	char byte;

	client = connect_to_old();
	short_msg.spec.drain_timeout_ms = 200;
	harness_listen(&old, &short_msg, fd);
	cut = harness_connect(short_port);
	harness_expect_echo(cut, "open");
	start_ms = clock_mono_ms();
	harness_hand_over(&old);
	harness_expect_echo(cut, "still served");
	cr_expect_leq(recv(cut, &byte, 1, 0), 0);
	cr_expect_geq(clock_mono_ms() - start_ms, 190);
	harness_expect_echo(client, "still served");
	cr_expect_eq(harness_count(&old, ID + 1, COUNTER_CUT), 1);
	(void)close(client);
	expect_gone(&old);
	cr_expect_eq(count(&old, COUNTER_CUT), 0);
	cr_expect_eq(count(&old, COUNTER_DRAINED), 1);
}

Test(hand_over, leaves_the_queue_to_the_new_crew)
{
	/* More than a worker accepts in one go. */
	enum { CLIENTS = 120 };
	int clients[CLIENTS], first = connect_to_old(), i;

	start_crew(&new);
	harness_stop(&old);
	harness_stop(&new);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = harness_connect(port);
	harness_hand_over(&old);
	harness_continue(&old);
	expect_all_read(&old);
	cr_expect_leq(count(&old, COUNTER_ACCEPTED), CLIENTS);
	harness_continue(&new);
	for (i = 0; i < CLIENTS; i++) {
		harness_expect_echo(clients[i], "served");
		(void)close(clients[i]);
	}
	(void)close(first);
	expect_gone(&old);
	EVENTUALLY(count(&old, COUNTER_CLOSED) + count(&new, COUNTER_CLOSED) ==
	    CLIENTS + 1);
	cr_expect_eq(count(&old, COUNTER_ACCEPTED) +
		count(&new, COUNTER_ACCEPTED),
	    CLIENTS + 1);
}

Test(hand_over, then_listen_is_ignored)
{
	int client = connect_to_old();
	int before;

	harness_hand_over(&old);
	expect_all_read(&old);
	(void)harness_connect(port); /* waits in the queue */
	before = harness_descriptors(&old);
	harness_send(&old, IPC_LISTEN, &listen_msg, kept);
	expect_all_read(&old);
	cr_expect_leq(harness_descriptors(&old), before);
	cr_expect_eq(count(&old, COUNTER_ACCEPTED), 1);
	harness_expect_echo(client, "still served");
	(void)close(client);
	expect_gone(&old);
}

Test(hand_over, then_drain_with_an_earlier_deadline_counts)
{
	(void)connect_to_old();
	harness_hand_over(&old);
	harness_drain(&old, 50);
	expect_gone(&old);
	cr_expect_eq(count(&old, COUNTER_CUT), 1);
}

Test(hand_over, then_drain_with_a_later_deadline_does_not)
{
	struct msg_update update = { .listener_id = ID,
		.spec = listen_msg.spec };

	(void)connect_to_old();
	update.spec.drain_timeout_ms = 50;
	harness_send(&old, IPC_UPDATE, &update, -1);
	harness_hand_over(&old);
	harness_drain(&old, 3600 * 1000);
	harness_hand_over(&old);
	expect_gone(&old);
	cr_expect_eq(count(&old, COUNTER_CUT), 1);
}

/* As when a listener is removed while the old crew still drains. */
Test(hand_over, then_close_is_answered)
{
	(void)connect_to_old();
	harness_hand_over(&old);
	harness_close(&old, ID, 50);
	harness_expect_of(&old, IPC_CLOSED, ID);
	harness_expect_of(&old, IPC_DRAINED, ID);
	expect_gone(&old);
	cr_expect_eq(count(&old, COUNTER_CUT), 1);
}

Test(hand_over, does_not_forget_a_close_before_it)
{
	int client = connect_to_old();

	harness_close(&old, ID, 60000);
	harness_expect_of(&old, IPC_CLOSED, ID);
	harness_hand_over(&old);
	(void)close(client);
	harness_expect_of(&old, IPC_DRAINED, ID);
	expect_gone(&old);
}

Test(hand_over, of_a_paused_listener_drains)
{
	int client = connect_to_old(), waits;

	harness_pause(&old, ID, true);
	harness_expect_of(&old, IPC_CLOSED, ID);
	waits = harness_connect(port);
	harness_hand_over(&old);
	harness_expect_echo(client, "still served");
	(void)close(client);
	expect_gone(&old);
	cr_expect_eq(count(&old, COUNTER_ACCEPTED), 1);
	start_crew(&new);
	harness_expect_echo(waits, "resumed by the new crew");
}

Test(hand_over, then_an_orphan_has_the_earlier_deadline)
{
	(void)connect_to_old();
	harness_hand_over(&old);
	harness_hang_up(&old);
	cr_expect_eq(harness_exit_code(&old), 0);
	cr_expect_eq(count(&old, COUNTER_CUT), 1);
}

/* --- a socket that several serve at once ---------------------------------- */

#define STORM_MAX 100000u

/* One connection: 0 when it was served. */
static int
try_once(void)
{
	char buffer[8];
	int fd = harness_try_connect(port), bad = 1;

	if (fd == -1)
		return 1;
	if (send(fd, "storm", 5, MSG_NOSIGNAL) == 5 &&
	    recv(fd, buffer, 5, MSG_WAITALL) == 5)
		bad = memcmp(buffer, "storm", 5) != 0;
	(void)close(fd);
	return bad;
}

/* In a child: connect until stop is closed, then tell how often it was. */
static _Noreturn void
storm(int stop, int result)
{
	uint32_t served = 0;
	char byte;

	while (served < STORM_MAX && recv(stop, &byte, 1, MSG_DONTWAIT) != 0) {
		if (try_once() != 0)
			_exit(1);
		served++;
	}
	_exit(write(result, &served, sizeof(served)) == sizeof(served) ? 0 : 2);
}

static uint64_t
accepted_by_all(const struct harness *crews, int n)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < n; i++) {
		cr_expect_eq(count(&crews[i], COUNTER_ACCEPT_ERRORS), 0);
		sum += count(&crews[i], COUNTER_ACCEPTED);
	}
	return sum;
}

Test(hand_over, in_a_storm_loses_nobody)
{
	enum { CREWS = 8 };
	static struct harness crews[CREWS];
	int stop[2], result[2], status = -1, i;
	uint32_t served = 0;
	uint64_t seen;
	pid_t pid;

	crews[0] = old;
	old.pid = 0;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stop),
	    0);
	cr_assert_eq(pipe(result), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		(void)close(stop[0]);
		storm(stop[1], result[1]);
	}
	for (i = 1; i < CREWS; i++) {
		start_crew(&crews[i]);
		harness_hand_over(&crews[i - 1]);
		expect_gone(&crews[i - 1]);
		seen = count(&crews[i], COUNTER_ACCEPTED);
		EVENTUALLY(count(&crews[i], COUNTER_ACCEPTED) > seen);
	}
	(void)close(stop[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "a connection was not served");
	cr_assert_eq(read(result[0], &served, sizeof(served)), sizeof(served));
	cr_expect_gt(served, CREWS);
	EVENTUALLY(count(&crews[CREWS - 1], COUNTER_CLOSED) ==
	    count(&crews[CREWS - 1], COUNTER_ACCEPTED));
	cr_expect_eq(accepted_by_all(crews, CREWS), served);
}

Test(hand_over, a_crew_that_is_stopped_hides_nobody)
{
	int i;

	start_crew(&new);
	harness_stop(&old);
	for (i = 0; i < 100; i++)
		cr_assert_eq(try_once(), 0, "connection %d", i);
	harness_continue(&old);
	harness_stop(&new);
	for (i = 0; i < 100; i++)
		cr_assert_eq(try_once(), 0, "connection %d", i);
	cr_expect_eq(count(&old, COUNTER_ACCEPTED), 100);
	cr_expect_eq(count(&new, COUNTER_ACCEPTED), 100);
}

/* Who finds the queue empty has no error, and waits for the next client. */
Test(hand_over, losing_the_race_for_a_client_is_normal)
{
	enum { CLIENTS = 500 };
	int i;

	start_crew(&new);
	for (i = 0; i < CLIENTS; i++)
		cr_assert_eq(try_once(), 0);
	EVENTUALLY(count(&old, COUNTER_CLOSED) + count(&new, COUNTER_CLOSED) ==
	    CLIENTS);
	cr_expect_eq(count(&old, COUNTER_ACCEPT_ERRORS), 0);
	cr_expect_eq(count(&new, COUNTER_ACCEPT_ERRORS), 0);
	harness_drain(&old, 0);
	harness_expect_of(&old, IPC_CLOSED, ID);
	harness_expect_of(&old, IPC_DRAINED, ID);
	harness_expect_echo(harness_connect(port), "alone");
}
