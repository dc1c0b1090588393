#include <sys/socket.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "exec/program.h"
#include "exec/spawn.h"
#include "unit/exec_plans.h"
#include "unit/scratch.h"

#define WAIT_MS 10000

static char *const no_environment[] = { NULL };

static struct {
	struct event_base *base;
	struct program *program;
	int peer;
	uint32_t kill_after_ms; /* 0: what exec_plans_make() says */
	int ends;               /* how often it has ended */
	struct program_exit exit;
	char log[65536]; /* what was logged, when read_log() was called */
	int log_fd;
} t;

static void
setup(void)
{
	struct err err;

	memset(&t, 0, sizeof(t));
	scratch_make();
	cr_assert_eq(spawn_open(&err), 0, "%s", err.text);
	t.base = event_base_new();
}

static void
teardown(void)
{
	struct program_exit exit;

	if (t.program != NULL)
		program_abandon(&t.program, &exit);
	event_base_free(t.base);
	scratch_remove();
}

TestSuite(program, .init = setup, .fini = teardown, .timeout = 60);

static void
on_ended(void *ctx, const struct program_exit *exit)
{
	cr_expect_eq(ctx, &t);
	t.program = NULL;
	t.ends++;
	t.exit = *exit;
}

static void
start(const char *script, enum exec_stderr to)
{
	struct exec_plan *plan = exec_plans_make("/bin/sh", "-c", script, NULL);
	struct program_request r = { .base = t.base,
		.plan = plan,
		.environment = no_environment,
		.listener = "pos",
		.connection = 7,
		.ended = on_ended,
		.ctx = &t };
	struct err err;
	int ends[2];

	plan->stderr_to = (uint8_t)to;
	if (t.kill_after_ms != 0)
		plan->kill_after_ms = t.kill_after_ms;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
	    0);
	r.socket = ends[0];
	t.peer = ends[1];
	t.program = program_start(&r, &err);
	cr_assert_not_null(t.program, "%s", err.text);
	(void)close(ends[0]);
}

static void
run_until_it_ends(void)
{
	const uint64_t until_ms = clock_mono_ms() + WAIT_MS;

	while (t.ends == 0 && clock_mono_ms() < until_ms)
		cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	cr_assert_eq(t.ends, 1, "it does not end");
}

/* A line that the program writes. */
static void
read_line(char line[64])
{
	size_t used = 0;

	while (used < 63 && read(t.peer, line + used, 1) == 1 &&
	    line[used] != '\n')
		used++;
	line[used] = '\0';
}

/* Its descriptors are closed before it is a zombie. */
static void
wait_for_zombie(void)
{
	while (waitid(P_PID, (id_t)program_pid(t.program), &(siginfo_t){ 0 },
		   WEXITED | WNOWAIT) == -1)
		cr_assert_eq(errno, EINTR);
}

static void
expect_no_child(void)
{
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_expect_eq(errno, ECHILD, "it was not reaped");
}

Test(program, tells_the_exit_code)
{
	start("exit 42", EXEC_STDERR_NULL);
	run_until_it_ends();
	cr_expect_eq(t.exit.by_signal, false);
	cr_expect_eq(t.exit.status, 42);
	expect_no_child();
}

Test(program, tells_the_signal)
{
	start("kill -SEGV $$", EXEC_STDERR_NULL);
	run_until_it_ends();
	cr_expect_eq(t.exit.by_signal, true);
	cr_expect_eq(t.exit.status, SIGSEGV);
}

Test(program, gets_a_signal_as_a_group)
{
	char line[64];

	start("sleep 1000 & echo started; wait", EXEC_STDERR_NULL);
	read_line(line);
	cr_assert_str_eq(line, "started");
	program_signal(t.program, SIGTERM);
	run_until_it_ends();
	cr_expect_eq(t.exit.status, SIGTERM);
	/* Whoever had the socket is gone. */
	cr_expect_eq(read(t.peer, line, sizeof(line)), 0);
}

Test(program, gets_a_signal_when_it_is_stopped)
{
	char line[64];

	start("echo started; kill -STOP $$; sleep 1000", EXEC_STDERR_NULL);
	read_line(line);
	program_signal(t.program, SIGTERM);
	run_until_it_ends();
	cr_expect_eq(t.exit.status, SIGTERM);
}

/* As that of a pipeline, whose first program has read all. */
static const char rest_script[] =
    "exec 3<&0; { echo started; read x <&3; echo rest $x; } & exit 3";

Test(program, the_rest_of_its_group_may_finish)
{
	char line[64];

	start(rest_script, EXEC_STDERR_NULL);
	read_line(line);
	cr_assert_str_eq(line, "started");
	wait_for_zombie();
	cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	expect_no_child();
	cr_assert_eq(t.ends, 0, "not all of it has ended");
	cr_assert_eq(write(t.peer, "x\n", 2), 2);
	read_line(line);
	cr_expect_str_eq(line, "rest x");
	run_until_it_ends();
	cr_expect_eq(t.exit.by_signal, false);
	cr_expect_eq(t.exit.status, 3);
	expect_no_child();
}

/* Nobody keeps the connection open for ever. */
Test(program, the_rest_of_its_group_is_killed_in_the_end)
{
	char line[64];

	t.kill_after_ms = 100;
	start("trap '' TERM; sleep 1000 & echo started; exit 3",
	    EXEC_STDERR_NULL);
	read_line(line);
	cr_assert_str_eq(line, "started");
	run_until_it_ends();
	cr_expect_eq(t.exit.status, 3);
	cr_expect_eq(read(t.peer, line, sizeof(line)), 0);
}

Test(program, the_rest_of_its_group_gets_a_signal)
{
	char line[64];

	start(rest_script, EXEC_STDERR_NULL);
	read_line(line);
	wait_for_zombie();
	cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	program_signal(t.program, SIGTERM);
	run_until_it_ends();
	cr_expect_eq(t.exit.status, 3);
	cr_expect_eq(read(t.peer, line, sizeof(line)), 0);
}

Test(program, the_rest_of_its_group_can_be_abandoned)
{
	struct program_exit exit;
	char line[64];

	start(rest_script, EXEC_STDERR_NULL);
	read_line(line);
	wait_for_zombie();
	cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	cr_assert_not_null(t.program);
	program_abandon(&t.program, &exit);
	cr_expect_eq(exit.by_signal, false);
	cr_expect_eq(exit.status, 3);
	cr_expect_eq(program_left(), 0);
	cr_expect_eq(read(t.peer, line, sizeof(line)), 0);
	expect_no_child();
}

Test(program, abandoned_is_killed_at_once)
{
	struct program_exit exit;
	char line[64];

	start("trap '' TERM; sleep 1000 & echo started; wait",
	    EXEC_STDERR_NULL);
	read_line(line);
	program_abandon(&t.program, &exit);
	cr_expect_null(t.program);
	cr_expect(exit.by_signal && exit.status == SIGKILL);
	cr_expect_eq(read(t.peer, line, sizeof(line)), 0);
	while (program_left() > 0)
		cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	cr_expect_eq(t.ends, 0, "nobody wanted to hear of it");
	expect_no_child();
}

Test(program, abandoned_after_its_end_says_how_it_ended)
{
	struct program_exit exit;
	char byte;

	start("exit 5", EXEC_STDERR_NULL);
	cr_assert_eq(read(t.peer, &byte, 1), 0);
	wait_for_zombie();
	program_abandon(&t.program, &exit);
	cr_expect_eq(exit.by_signal, false);
	cr_expect_eq(exit.status, 5);
	cr_expect_eq(program_left(), 0);
}

/* --- stderr --- */

/* Have the log go to a file, and read it. */
static void
catch_log(void)
{
	scratch_file("log", "");
	cr_assert_not_null(freopen(scratch_path("log"), "w", stderr));
}

static const char *
read_log(void)
{
	FILE *f = fopen(scratch_path("log"), "re");

	cr_assert_not_null(f);
	t.log[fread(t.log, 1, sizeof(t.log) - 1, f)] = '\0';
	(void)fclose(f);
	return t.log;
}

static unsigned int
count(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

Test(program, its_stderr_is_logged_by_lines)
{
	catch_log();
	start("printf 'one\\ntwo\\n\\nthr' >&2; printf 'ee' >&2; exit 0",
	    EXEC_STDERR_LOG);
	run_until_it_ends();
	(void)read_log();
	cr_expect_eq(count(t.log, "(connection 00000000-7): one\n"), 1, "%s",
	    t.log);
	cr_expect_eq(count(t.log, ": two\n"), 1, "%s", t.log);
	cr_expect_eq(count(t.log, ": three\n"), 1, "%s", t.log);
	cr_expect_eq(count(t.log, "\n"), 3, "%s", t.log);
}

Test(program, a_long_line_of_its_stderr_is_told_in_pieces)
{
	catch_log();
	start("head -c 1000 /dev/zero | tr '\\0' x >&2", EXEC_STDERR_LOG);
	run_until_it_ends();
	(void)read_log();
	cr_expect_eq(count(t.log, "\n"), 3, "%s", t.log);
	cr_expect_eq(count(t.log, "x"), 1000, "%s", t.log);
}

/* It waits, so nothing is lost, and no log is flooded. */
Test(program, much_on_its_stderr_is_told_slowly)
{
	uint64_t since_ms;

	catch_log();
	since_ms = clock_mono_ms();
	start("i=0; while [ $i -lt 120 ]; do echo line$i.; i=$((i + 1)); "
	      "done >&2; exec cat",
	    EXEC_STDERR_LOG);
	while (count(read_log(), "line119.") == 0)
		cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	cr_expect_eq(count(t.log, "line"), 120);
	/* A second may have begun before the first line. */
	cr_expect_geq(clock_mono_ms() - since_ms, 1000);
}

Test(program, may_close_its_stderr)
{
	char line[64];

	start("exec 2>&-; echo closed; read x; exit 4", EXEC_STDERR_LOG);
	read_line(line);
	/* The loop would spin, were its end told for ever. */
	cr_assert_geq(event_base_loop(t.base, EVLOOP_NONBLOCK), 0);
	cr_assert_geq(event_base_loop(t.base, EVLOOP_NONBLOCK), 0);
	cr_expect_eq(event_base_get_num_events(t.base, EVENT_BASE_COUNT_ACTIVE),
	    0);
	cr_expect_eq(event_base_get_num_events(t.base, EVENT_BASE_COUNT_ADDED),
	    1);
	cr_assert_eq(write(t.peer, "x\n", 2), 2);
	run_until_it_ends();
	cr_expect_eq(t.exit.status, 4);
}

Test(program, leaves_no_descriptor)
{
	const unsigned int before = scratch_open_fds();

	start("echo hello >&2", EXEC_STDERR_LOG);
	run_until_it_ends();
	(void)close(t.peer);
	cr_expect_eq(scratch_open_fds(), before);
}
