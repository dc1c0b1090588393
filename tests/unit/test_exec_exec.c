#include <sys/socket.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/bulk.h"
#include "common/clock.h"
#include "common/exec_plan.h"
#include "common/gate.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "exec/exec.h"
#include "exec/program.h"
#include "pool/conn_list.h"
#include "pool/limits.h"
#include "pool/probe.h"
#include "pool/protocol.h"
#include "pool/slab.h"
#include "pool/transport.h"
#include "pool/worker.h"
#include "unit/exec_plans.h"

#define WAIT_MS 20000

/* What a proxy says; what stands behind it goes through the pump. */
#define HEADER "PROXY TCP4 192.0.2.7 192.0.2.1 4711 9100\r\n"

#define MUCH (4u << 20)

/* A listener with one connection, over a socketpair; we are the peer. */
static struct {
	struct event_base *base;
	struct slab slab;
	struct listener_spec spec;
	struct worker worker;
	struct gate gate;
	struct conn_list list;
	int peer;
} t;

static const union addr nobody = { .sa = { .sa_family = AF_UNIX } };

static struct conn *
conn(void)
{
	return TAILQ_FIRST(&t.list.all);
}

/* The listener uses this plan. */
static void
use_plan(const struct exec_plan *plan, bool again)
{
	struct bulks values = { 0 };
	struct err err;

	values.of[BULK_PROTOCOL_PLAN] = bulk_new(plan, sizeof(*plan), &err);
	cr_assert_not_null(values.of[BULK_PROTOCOL_PLAN]);
	cr_assert_eq(again ? protocol_exec.update(&t.list, &values, &err)
			   : protocol_exec.configure(&t.list, &values, &err),
	    0, "%s", err.text);
	bulks_drop(&values);
}

static void
setup(void)
{
	memset(&t, 0, sizeof(t));
	t.base = event_base_new();
	slab_init(&t.slab, sizeof(struct conn) + protocol_exec.state_size);
	t.worker.base = t.base;
	t.worker.board = calloc(1, sizeof(*t.worker.board));
	cr_assert_not_null(t.worker.board);
	t.list.worker = &t.worker;
	TAILQ_INIT(&t.list.all);
	t.list.transport = &transport_socket;
	t.list.protocol = &protocol_exec;
	t.list.board = &t.worker.board->entries[0];
	t.list.slab = &t.slab;
	t.list.gate = &t.gate;
	t.list.spec = &t.spec;
	t.spec.proxy_protocol = PROXY_PROTOCOL_ANY;
	t.spec.handshake_timeout_ms = WAIT_MS;
	use_plan(exec_plans_make("/bin/cat", NULL), false);
}

static void
teardown(void)
{
	conn_list_cut(&t.list);
	while (program_left() > 0)
		cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	protocol_exec.unconfigure(&t.list);
	timeouts_clear(&t.worker.timeouts);
	slab_clear(&t.slab);
	event_base_free(t.base);
	free(t.worker.board);
}

TestSuite(exec, .init = setup, .fini = teardown, .timeout = 60);

static void
use_script(const char *script)
{
	use_plan(exec_plans_make("/bin/sh", "-c", script, NULL), true);
}

/* Connect, and say something, unless it is NULL. */
static void
connect_and_say(const char *text)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX,
			 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
	    0);
	t.peer = ends[0];
	cr_assert_eq(conn_open(&t.list, ends[1], &nobody, 0), 0);
	if (text != NULL)
		cr_assert_eq(write(t.peer, text, strlen(text)),
		    (ssize_t)strlen(text));
}

/* Run the loop once, for a moment at most. */
static void
turn(void)
{
	const struct timeval moment = { .tv_usec = 10000 };

	(void)event_base_loopexit(t.base, &moment);
	cr_assert_geq(event_base_loop(t.base, EVLOOP_ONCE), 0);
}

#define EVENTUALLY(condition)                                         \
	do {                                                          \
		const uint64_t until_ms_ = clock_mono_ms() + WAIT_MS; \
		while (!(condition) && clock_mono_ms() < until_ms_)   \
			turn();                                       \
		cr_assert(condition, "waited in vain: " #condition);  \
	} while (0)

/* Read len bytes, or to the end of the stream. Returns how many. */
static size_t
read_from_program(char *out, size_t len)
{
	const uint64_t until_ms = clock_mono_ms() + WAIT_MS;
	size_t used = 0;
	ssize_t n;

	while (used < len && clock_mono_ms() < until_ms) {
		n = read(t.peer, out + used, len - used);
		if (n == 0 || (n == -1 && errno != EAGAIN))
			break;
		if (n == -1)
			turn();
		else
			used += (size_t)n;
	}
	return used;
}

/* Expect exactly this, then the end of the stream. */
static void
expect_all(const char *want)
{
	char text[512];
	const size_t n = read_from_program(text, sizeof(text) - 1);

	text[n] = '\0';
	cr_expect_str_eq(text, want, "%s", text);
}

static void
expect_line(const char *want)
{
	char text[64];
	const size_t n = read_from_program(text, strlen(want));

	text[n] = '\0';
	cr_assert_str_eq(text, want, "%s", text);
}

static uint64_t
ends(enum conn_end end)
{
	return scoreboard_get(t.list.board, COUNTER_ENDS + end);
}

static struct exit_sum
exits(void)
{
	struct exit_sum sum = { 0 };

	scoreboard_sum_exits(t.worker.board, t.list.board, &sum);
	return sum;
}

/* --- through the pump --- */

Test(exec, early_bytes_reach_the_program)
{
	connect_and_say(HEADER "early ");
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	expect_all("early ");
	EVENTUALLY(t.list.open == 0);
	cr_expect_eq(ends(CONN_END_PROGRAM_ENDED), 1);
	cr_expect_eq(exits().codes[0], 1);
	cr_expect_eq(scoreboard_get(t.list.board, COUNTER_BYTES_IN), 6);
	cr_expect_eq(scoreboard_get(t.list.board, COUNTER_BYTES_OUT), 6);
}

Test(exec, bytes_go_both_ways)
{
	char text[8] = "";

	connect_and_say(HEADER "one");
	cr_expect_eq(read_from_program(text, 3), 3);
	cr_expect_str_eq(text, "one");
	cr_assert_eq(write(t.peer, "two", 3), 3);
	cr_expect_eq(read_from_program(text, 3), 3);
	cr_expect_str_eq(text, "two");
	cr_expect_eq(t.list.open, 1);
}

/* Both ways fill up: what is not read is not lost, nor kept without end. */
Test(exec, slow_readers_stop_writers)
{
	static char much[MUCH], back[MUCH];
	size_t sent = 0, i;
	ssize_t n;

	for (i = 0; i < sizeof(much); i++)
		much[i] = (char)(i * 7 + i / 4096);
	connect_and_say(HEADER "x");
	cr_assert_eq(read_from_program(back, 1), 1);
	while (sent < sizeof(much)) {
		n = write(t.peer, much + sent, sizeof(much) - sent);
		if (n > 0)
			sent += (size_t)n;
		for (i = 0; n == -1 && i < 50; i++)
			turn();
		/* Stuck: the program waits for us, and we for it. */
		if (n == -1 &&
		    write(t.peer, much + sent, sizeof(much) - sent) == -1)
			break;
	}
	cr_expect_lt(sent, sizeof(much), "somebody keeps all of it");
	cr_expect_eq(read_from_program(back, sent), sent);
	cr_expect_eq(memcmp(back, much, sent), 0);
}

/* The reader of a program that has ended long ago gets all of it. */
Test(exec, what_a_program_leaves_is_sent)
{
	static char all[MUCH + 1];

	use_script("head -c 4194304 /dev/zero");
	connect_and_say(HEADER "input that nobody reads");
	cr_expect_eq(read_from_program(all, sizeof(all)), MUCH);
	cr_expect_eq(read(t.peer, all, 1), 0, "there is no end");
	cr_expect_eq(t.list.open, 1, "it waits for us to finish, too");
	cr_assert_eq(close(t.peer), 0);
	EVENTUALLY(t.list.open == 0);
	cr_expect_eq(ends(CONN_END_PROGRAM_ENDED), 1);
}

Test(exec, a_program_may_finish_its_output_early)
{
	use_script("echo done; exec 1>&- 0<&-; sleep 1000");
	connect_and_say(HEADER "x");
	expect_all("done\n");
	cr_expect_eq(t.list.open, 1);
}

/* Over a socketpair, too, SIGPIPE or EPIPE says that nobody listens. */
Test(exec, a_program_notices_that_the_peer_is_gone)
{
	char byte;

	use_script("echo hello; cat; exec yes");
	connect_and_say(HEADER "x");
	cr_expect_eq(read_from_program(&byte, 1), 1);
	cr_assert_eq(close(t.peer), 0);
	EVENTUALLY(t.list.open == 0);
	cr_expect_eq(ends(CONN_END_PEER_RESET), 1);
	/* A write that was waiting fails with EPIPE, and no signal. */
	cr_expect_eq(exits().signals[SIGPIPE] + exits().codes[1], 1);
}

/* --- with the socket itself --- */

static void
connect_directly(void)
{
	t.spec.proxy_protocol = PROXY_PROTOCOL_OFF;
	connect_and_say(NULL);
}

Test(exec, the_socket_is_the_programs_only)
{
	connect_directly();
	cr_expect_eq(conn_fd(conn()), -1);
	cr_assert_eq(write(t.peer, "hello", 5), 5);
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	expect_all("hello");
	EVENTUALLY(t.list.open == 0);
	cr_expect_eq(ends(CONN_END_PROGRAM_ENDED), 1);
}

/* Old programs know nothing of EAGAIN. */
Test(exec, the_socket_blocks)
{
	use_script("read line; echo got $line");
	connect_directly();
	turn();
	cr_assert_eq(write(t.peer, "it\n", 3), 3);
	expect_all("got it\n");
}

Test(exec, a_program_that_can_not_be_started_resets)
{
	use_plan(exec_plans_make("/nonexistent", NULL), true);
	connect_directly();
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(ends(CONN_END_PROGRAM_FAILED), 1);
	cr_expect_eq(exits().failed, 1);
	cr_expect_eq(exits().started, 0);
}

Test(exec, a_new_plan_is_for_new_connections)
{
	connect_directly();
	use_script("echo new");
	cr_assert_eq(write(t.peer, "old", 3), 3);
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	expect_all("old");
	connect_directly();
	expect_all("new\n");
}

Test(exec, a_plan_that_makes_no_sense_changes_nothing)
{
	struct exec_plan *plan = exec_plans_make("cat", NULL);
	struct bulks values = { 0 };
	struct err err;

	values.of[BULK_PROTOCOL_PLAN] = bulk_new(plan, sizeof(*plan), &err);
	cr_expect_eq(protocol_exec.update(&t.list, &values, &err), -1);
	bulks_drop(&values);
	cr_expect_eq(protocol_exec.update(&t.list, &values, &err), -1);
	connect_directly();
	cr_assert_eq(write(t.peer, "x", 1), 1);
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	expect_all("x");
}

/* --- being ended --- */

Test(exec, stopping_asks_first)
{
	use_script("trap 'echo bye; exit 7' TERM; echo ready; "
		   "while :; do sleep 0.05; done");
	connect_directly();
	expect_line("ready\n");
	conn_stop(conn(), CONN_END_KICKED);
	cr_expect_eq(t.list.open, 1, "it has time for that");
	expect_all("bye\n");
	EVENTUALLY(t.list.open == 0);
	cr_expect_eq(ends(CONN_END_KICKED), 1);
	cr_expect_eq(exits().codes[7], 1);
}

Test(exec, stopping_kills_who_does_not_listen)
{
	struct exec_plan *plan = exec_plans_make("/bin/sh", "-c",
	    "trap '' TERM; echo ready; while :; do sleep 0.05; done", NULL);

	plan->kill_after_ms = 200;
	use_plan(plan, true);
	connect_directly();
	expect_line("ready\n");
	conn_stop(conn(), CONN_END_MAX_LIFETIME);
	conn_stop(conn(), CONN_END_KICKED);
	EVENTUALLY(t.list.open == 0);
	cr_expect_eq(ends(CONN_END_MAX_LIFETIME), 1, "the first one counts");
	cr_expect_eq(exits().signals[SIGKILL], 1);
}

Test(exec, a_cut_kills_at_once)
{
	use_script("trap '' TERM; sleep 1000 & echo ready; wait");
	connect_directly();
	expect_line("ready\n");
	conn_list_cut(&t.list);
	cr_expect_eq(t.list.open, 0);
	cr_expect_eq(ends(CONN_END_DEADLINE), 1);
	cr_expect_eq(exits().signals[SIGKILL], 1);
	expect_all("");
}

/* --- who gets a program --- */

Test(exec, a_listed_probe_gets_none)
{
	int ends_[2];

	t.spec.proxy_protocol = PROXY_PROTOCOL_OFF;
	cr_assert_eq(socketpair(AF_UNIX,
			 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_),
	    0);
	cr_assert_eq(
	    conn_open(&t.list, ends_[1], &nobody, PROBE_LISTED | PROBE_OUTSIDE),
	    0);
	cr_assert_eq(write(ends_[0], "are you there?", 14), 14);
	turn();
	cr_expect_eq(t.list.open, 1);
	cr_assert_eq(close(ends_[0]), 0);
	EVENTUALLY(t.list.open == 0);
	cr_expect_eq(exits().started, 0);
}

Test(exec, max_processes_bounds_connections)
{
	struct exec_plan *plan = exec_plans_make("/bin/cat", NULL);
	uint32_t wait_ms;

	plan->max_processes = 2;
	use_plan(plan, true);
	cr_expect_eq(limits_enter(&t.list, &wait_ms), LIMIT_PASS);
	cr_expect_eq(limits_enter(&t.list, &wait_ms), LIMIT_PASS);
	cr_expect_eq(limits_enter(&t.list, &wait_ms), LIMIT_WAIT);
	limits_leave(&t.list);
	t.spec.max_connections = 1;
	cr_expect_eq(limits_enter(&t.list, &wait_ms), LIMIT_WAIT);
	t.spec.max_connections = 5;
	cr_expect_eq(limits_enter(&t.list, &wait_ms), LIMIT_PASS);
	limits_leave(&t.list);
	limits_leave(&t.list);
}
