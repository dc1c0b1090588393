/* A worker and its clients: bytes, slow readers, ends, and shortages. */
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "pool_harness.h"

#define ID 1

static struct harness h;

/* A worker with one listener; returns its port. */
static uint16_t
start(enum protocol_id protocol, unsigned int nofile)
{
	const struct msg_listen m = harness_listen_msg(ID, 0, protocol);
	uint16_t port;
	int fd = harness_tcp_socket(&port);

	harness_start(&h, nofile);
	harness_listen(&h, &m, fd);
	return port;
}

static uint64_t
count(enum counter_id id)
{
	return harness_count(&h, ID, id);
}

TestSuite(traffic, .timeout = 60);

Test(traffic, counters_are_exact)
{
	enum { CLIENTS = 100, ROUNDS = 20 };
	uint16_t port = start(PROTOCOL_ECHO, 0);
	int clients[CLIENTS], i, round;

	for (i = 0; i < CLIENTS; i++)
		clients[i] = harness_connect(port);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < CLIENTS; i++)
			harness_expect_echo(clients[i], "0123456789");
	cr_expect_eq(count(COUNTER_ACCEPTED), CLIENTS);
	cr_expect_eq(count(COUNTER_CLOSED), 0);
	cr_expect_eq(count(COUNTER_BYTES_IN), CLIENTS * ROUNDS * 10);
	/* The last echo may come to us before it is counted. */
	EVENTUALLY(count(COUNTER_BYTES_OUT) == CLIENTS * ROUNDS * 10);
	for (i = 0; i < CLIENTS; i++)
		(void)close(clients[i]);
	EVENTUALLY(count(COUNTER_CLOSED) == CLIENTS);
	cr_expect_eq(count(COUNTER_ACCEPT_ERRORS), 0);
	cr_expect_eq(count(COUNTER_DRAINED), 0);
}

/* All that was observed, in ms. */
static uint64_t
lives_ms(void)
{
	return count(COUNTER_LIFE + LIFE_CELLS - 1);
}

Test(traffic, the_life_of_a_connection_is_observed_at_its_end)
{
	uint16_t port = start(PROTOCOL_ECHO, 0);
	const uint64_t begun_ms = clock_mono_ms();
	int quick = harness_connect(port), slow = harness_connect(port), i;

	harness_expect_echo(quick, "quick");
	harness_expect_echo(slow, "slow");
	(void)close(quick);
	EVENTUALLY(count(COUNTER_CLOSED) == 1);
	for (i = 0; clock_mono_ms() - begun_ms < 150; i++)
		harness_nap();
	/* The first bucket ends at 100 ms, the second at 1 s. */
	cr_expect_eq(count(COUNTER_LIFE) + count(COUNTER_LIFE + 1), 1);
	(void)close(slow);
	EVENTUALLY(count(COUNTER_CLOSED) == 2);
	cr_expect_leq(count(COUNTER_LIFE), 1, "the slow one is none of these");
	cr_expect_geq(lives_ms(), 100);
	cr_expect_leq(lives_ms(), 2 * (clock_mono_ms() - begun_ms) + 10);
	for (i = 0; i < HANDSHAKE_CELLS; i++)
		cr_expect_eq(count(COUNTER_HANDSHAKE + (unsigned int)i), 0,
		    "there was no handshake");
}

Test(traffic, a_probe_has_no_life)
{
	uint16_t port = start(PROTOCOL_ECHO, 0);
	unsigned int i;

	(void)close(harness_connect(port));
	EVENTUALLY(count(COUNTER_CLOSED) == 1);
	cr_expect_eq(count(COUNTER_PROBES_FIN), 1);
	for (i = 0; i < LIFE_CELLS; i++)
		cr_expect_eq(count(COUNTER_LIFE + i), 0);
}

Test(traffic, discard_reads_all_and_says_nothing)
{
	static char block[1 << 20];
	uint16_t port = start(PROTOCOL_DISCARD, 0);
	int client = harness_connect(port), i;

	for (i = 0; i < 8; i++)
		cr_assert_eq(send(client, block, sizeof(block), MSG_NOSIGNAL),
		    sizeof(block));
	cr_assert_eq(shutdown(client, SHUT_WR), 0);
	harness_expect_end(client, 0);
	cr_expect_eq(count(COUNTER_BYTES_IN), 8 * sizeof(block));
	cr_expect_eq(count(COUNTER_BYTES_OUT), 0);
	EVENTUALLY(count(COUNTER_CLOSED) == 1);
}

/* Send as much as is taken now; returns how much. */
static size_t
send_some(int client)
{
	static char block[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = send(client, block, sizeof(block),
		    MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		total += (size_t)n;
	cr_assert_eq(errno, EAGAIN);
	return total;
}

/* Send on all, reading nothing, until nothing more is taken. */
static void
stuff(const int *clients, size_t *sent, int n)
{
	size_t now;
	int i, quiet;

	for (quiet = 0; quiet < 50; quiet++) {
		for (i = 0; i < n; i++) {
			now = send_some(clients[i]);
			sent[i] += now;
			if (now > 0)
				quiet = 0;
		}
		harness_nap();
	}
}

/* Small buffers in the kernel, so that the worker's own count. */
static int
connect_small(uint16_t port)
{
	const int bytes = 65536;
	int client = harness_connect(port);

	(void)setsockopt(client, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)setsockopt(client, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return client;
}

Test(traffic, half_close_echoes_everything_then_ends)
{
	uint16_t port = start(PROTOCOL_ECHO, 0);
	int client = connect_small(port);
	size_t sent = 0;

	stuff(&client, &sent, 1);
	cr_assert_gt(sent, 3 * 65536, "only %zu bytes were stuck", sent);
	cr_assert_eq(shutdown(client, SHUT_WR), 0);
	harness_expect_end(client, sent);
	EVENTUALLY(count(COUNTER_CLOSED) == 1);
	cr_expect_eq(count(COUNTER_BYTES_IN), sent);
	cr_expect_eq(count(COUNTER_BYTES_OUT), sent);
}

Test(traffic, half_close_at_once)
{
	uint16_t port = start(PROTOCOL_ECHO, 0);
	int client = harness_connect(port);

	cr_assert_eq(send(client, "bye", 3, MSG_NOSIGNAL), 3);
	cr_assert_eq(shutdown(client, SHUT_WR), 0);
	harness_expect_end(client, 3);
}

/* At most one chunk is kept for each client that does not read. */
Test(traffic, clients_that_never_read_take_bounded_memory)
{
	enum { CLIENTS = 64 };
	uint16_t port = start(PROTOCOL_ECHO, 0);
	unsigned long before_kib = harness_status(&h, "VmRSS:"), grown_kib;
	size_t sent[CLIENTS] = { 0 };
	int clients[CLIENTS], i;

	for (i = 0; i < CLIENTS; i++)
		clients[i] = connect_small(port);
	stuff(clients, sent, CLIENTS);
	grown_kib = harness_status(&h, "VmRSS:") - before_kib;
	cr_expect_leq(grown_kib, CLIENTS * 66 + 256, "%lu KiB", grown_kib);
	harness_expect_echo(harness_connect(port), "others go on");
	for (i = 0; i < CLIENTS; i++) {
		cr_assert_eq(shutdown(clients[i], SHUT_WR), 0);
		harness_expect_end(clients[i], sent[i]);
	}
	EVENTUALLY(count(COUNTER_CLOSED) == CLIENTS);
}

/* The processor time of the worker, in clock ticks. */
static unsigned long
cpu_ticks(void)
{
	char path[64], text[512];
	unsigned long user = 0, system = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)h.pid);
	f = fopen(path, "re");
	cr_assert_not_null(f);
	cr_assert_not_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	cr_assert_eq(
	    sscanf(strrchr(text, ')'),
		") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		&system),
	    2);
	return user + system;
}

/* Does accepting fail no more often than pauses allow, at no cost? */
static void
expect_pauses(void)
{
	const unsigned long ticks = cpu_ticks();
	const uint64_t from = count(COUNTER_ACCEPT_ERRORS);
	const uint64_t from_ms = clock_mono_ms();

	EVENTUALLY(count(COUNTER_ACCEPT_ERRORS) >= from + 10);
	cr_expect_geq(clock_mono_ms() - from_ms, 800);
	cr_expect_leq(cpu_ticks() - ticks, 10);
}

Test(traffic, a_stuck_client_costs_no_time)
{
	uint16_t port = start(PROTOCOL_ECHO, 0);
	int client = connect_small(port), i;
	unsigned long before;
	size_t sent = 0;

	stuff(&client, &sent, 1);
	before = cpu_ticks();
	for (i = 0; i < 500; i++)
		harness_nap();
	cr_expect_leq(cpu_ticks() - before, 10);
}

static void
reset(int client)
{
	const struct linger now = { .l_onoff = 1 };

	(void)setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(client);
}

Test(traffic, resets_end_a_connection_and_nothing_else)
{
	uint16_t port = start(PROTOCOL_ECHO, 0);
	int idle = harness_connect(port), stuck = connect_small(port);
	int stays = harness_connect(port);
	size_t sent = 0;

	harness_expect_echo(idle, "a");
	stuff(&stuck, &sent, 1);
	reset(idle);
	EVENTUALLY(count(COUNTER_CLOSED) == 1);
	reset(stuck);
	EVENTUALLY(count(COUNTER_CLOSED) == 2);
	harness_expect_echo(stays, "alive");
}

/* With 20 descriptors, 8 of them its own, 12 clients fit. */
Test(traffic, without_descriptors_accepting_pauses_and_goes_on)
{
	enum { FIT = 12, CLIENTS = 30 };
	uint16_t port = start(PROTOCOL_ECHO, 20);
	int clients[CLIENTS], i;

	for (i = 0; i < CLIENTS; i++)
		clients[i] = harness_connect(port);
	EVENTUALLY(count(COUNTER_ACCEPT_ERRORS) > 0);
	cr_expect_eq(count(COUNTER_ACCEPTED), FIT);
	expect_pauses();
	for (i = 0; i < FIT; i++)
		harness_expect_echo(clients[i], "served on");
	for (i = 0; i < CLIENTS; i++) {
		harness_expect_echo(clients[i], "in turn");
		(void)close(clients[i]);
	}
	EVENTUALLY(count(COUNTER_CLOSED) == CLIENTS);
	cr_expect_eq(count(COUNTER_ACCEPTED), CLIENTS);
}
