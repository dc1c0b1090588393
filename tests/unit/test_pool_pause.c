/* A listener that is paused: no new connections, the open ones live on. */
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#include "common/clock.h"
#include "pool_harness.h"

#define ID 3

static struct harness h;
static struct msg_listen listen_msg;
static uint16_t port;
static int kept; /* our descriptor of the socket, as the supervisor has one */

static void
setup(void)
{
	listen_msg = harness_listen_msg(ID, 0, PROTOCOL_ECHO);
	kept = harness_tcp_socket(&port);
	harness_start(&h, 0);
	harness_listen(&h, &listen_msg, dup(kept));
}

static void
teardown(void)
{
	harness_continue(&h);
}

TestSuite(pause, .init = setup, .fini = teardown, .timeout = 60);

static uint64_t
count(enum counter_id id)
{
	return harness_count(&h, ID, id);
}

static void
pause_listener(bool keep_queue)
{
	harness_pause(&h, ID, keep_queue);
	harness_expect_of(&h, IPC_CLOSED, ID);
}

static void
resume(void)
{
	harness_listen(&h, &listen_msg, dup(kept));
}

static void
expect_exit_after_drain(void)
{
	harness_drain(&h, 0);
	harness_expect_of(&h, IPC_CLOSED, ID);
	harness_expect_of(&h, IPC_DRAINED, ID);
	cr_expect_eq(harness_exit_code(&h), 0);
}

Test(pause, keeps_connections_and_takes_no_more)
{
	int early = harness_connect(port), late;

	harness_expect_echo(early, "before");
	pause_listener(true);
	late = harness_connect(port); /* the kernel lets it wait */
	harness_expect_echo(early, "while paused");
	cr_expect_eq(count(COUNTER_ACCEPTED), 1);
	resume();
	harness_expect_echo(late, "resumed");
	harness_expect_echo(early, "after");
	cr_expect_eq(count(COUNTER_ACCEPTED), 2);
	(void)close(early);
	(void)close(late);
	EVENTUALLY(count(COUNTER_CLOSED) == 2);
	cr_expect_eq(count(COUNTER_DRAINED), 0);
	expect_exit_after_drain();
}

Test(pause, gives_up_its_descriptors)
{
	const int before = harness_descriptors(&h);
	int i;

	for (i = 0; i < 20; i++) {
		pause_listener(i % 2 != 0);
		cr_expect_eq(harness_descriptors(&h), before - 1);
		resume();
		cr_expect_eq(harness_descriptors(&h), before);
	}
	pause_listener(false);
	(void)close(kept);
	cr_expect_eq(harness_try_connect(port), -1);
}

Test(pause, serves_who_waits_in_the_queue)
{
	enum { CLIENTS = 100 };
	int clients[CLIENTS], i;

	harness_stop(&h);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = harness_connect(port);
	harness_pause(&h, ID, false);
	harness_continue(&h);
	harness_expect_of(&h, IPC_CLOSED, ID);
	cr_expect_eq(count(COUNTER_ACCEPTED), CLIENTS);
	(void)close(kept);
	cr_expect_eq(harness_try_connect(port), -1);
	for (i = 0; i < CLIENTS; i++)
		harness_expect_echo(clients[i], "served");
	expect_exit_after_drain();
	cr_expect_eq(count(COUNTER_CLOSED), CLIENTS);
	cr_expect_eq(count(COUNTER_CUT), CLIENTS);
}

Test(pause, with_keep_queue_leaves_it_to_others)
{
	/* More than a worker accepts in one go. */
	enum { CLIENTS = 120 };
	int clients[CLIENTS], i;

	harness_stop(&h);
	for (i = 0; i < CLIENTS; i++)
		clients[i] = harness_connect(port);
	harness_pause(&h, ID, true);
	harness_continue(&h);
	harness_expect_of(&h, IPC_CLOSED, ID);
	cr_expect_lt(count(COUNTER_ACCEPTED), CLIENTS);
	resume();
	for (i = 0; i < CLIENTS; i++)
		harness_expect_echo(clients[i], "served in the end");
	cr_expect_eq(count(COUNTER_ACCEPTED), CLIENTS);
}

Test(pause, is_answered_each_time)
{
	pause_listener(false);
	pause_listener(false);
	pause_listener(true);
	resume();
	harness_expect_echo(harness_connect(port), "alive");
}

Test(pause, of_an_unknown_listener_is_answered)
{
	harness_pause(&h, 99, false);
	harness_expect_of(&h, IPC_CLOSED, 99);
	harness_expect_echo(harness_connect(port), "alive");
}

Test(pause, takes_all_slots_of_the_listener_and_no_other)
{
	const struct msg_listen second =
	    harness_listen_msg(ID, 1, PROTOCOL_ECHO);
	const struct msg_listen other =
	    harness_listen_msg(ID + 1, 0, PROTOCOL_ECHO);
	uint16_t second_port, other_port;
	int second_fd = harness_tcp_socket(&second_port);
	int other_fd = harness_tcp_socket(&other_port);

	harness_listen(&h, &second, second_fd);
	harness_listen(&h, &other, other_fd);
	pause_listener(false);
	(void)close(kept);
	cr_expect_eq(harness_try_connect(port), -1);
	cr_expect_eq(harness_try_connect(second_port), -1);
	harness_expect_echo(harness_connect(other_port), "alive");
}

Test(pause, then_close_drains_as_ever)
{
	int client = harness_connect(port);

	harness_expect_echo(client, "open");
	pause_listener(false);
	harness_close(&h, ID, 60000);
	harness_expect_of(&h, IPC_CLOSED, ID);
	harness_expect_echo(client, "may finish");
	(void)close(client);
	harness_expect_of(&h, IPC_DRAINED, ID);
	cr_expect_eq(count(COUNTER_DRAINED), 1);
	cr_expect_eq(count(COUNTER_CUT), 0);
}

Test(pause, then_close_without_connections_drains_at_once)
{
	pause_listener(true);
	harness_close(&h, ID, 60000);
	harness_expect_of(&h, IPC_CLOSED, ID);
	harness_expect_of(&h, IPC_DRAINED, ID);
}

Test(pause, while_draining_is_answered)
{
	int client = harness_connect(port);

	harness_expect_echo(client, "open");
	harness_close(&h, ID, 60000);
	harness_expect_of(&h, IPC_CLOSED, ID);
	pause_listener(false);
	(void)close(client);
	harness_expect_of(&h, IPC_DRAINED, ID);
}

Test(pause, does_not_keep_an_orphan)
{
	int client = harness_connect(port);

	harness_expect_echo(client, "open");
	pause_listener(true);
	harness_hang_up(&h);
	cr_expect_eq(harness_exit_code(&h), 0);
	cr_expect_eq(count(COUNTER_CLOSED), 1);
	cr_expect_eq(count(COUNTER_CUT), 1);
}

Test(pause, lets_the_values_change)
{
	struct msg_update update = { .listener_id = ID,
		.spec = listen_msg.spec };

	pause_listener(false);
	update.spec.drain_timeout_ms = 1;
	harness_send(&h, IPC_UPDATE, &update, -1);
	resume();
	harness_expect_echo(harness_connect(port), "open");
	harness_hand_over(&h); /* cuts after the new drain_timeout */
	cr_expect_eq(harness_exit_code(&h), 0);
	cr_expect_eq(count(COUNTER_CUT), 1);
}
