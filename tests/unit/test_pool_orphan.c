/*
 * A supervisor that dies: its worker drains and leaves, and one that is
 * stuck is killed.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/role.h"
#include "common/spec.h"
#include "pool_harness.h"

#define NOBODY 65534u

/* What the processes tell the test, each as one write of a pipe. */
static struct {
	int read_end;
	int write_end;
	pid_t supervisor;
} t;

struct report {
	pid_t pid;
	int result; /* of role_die_with_supervisor() */
	unsigned int alarm_s;
};

static void
setup(void)
{
	int ends[2];

	/* Orphans are ours to wait for. */
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert_eq(pipe(ends), 0);
	t.read_end = ends[0];
	t.write_end = ends[1];
}

TestSuite(orphan, .init = setup, .timeout = 60);

static void
say(int result, unsigned int alarm_s)
{
	const struct report r = { getpid(), result, alarm_s };

	if (write(t.write_end, &r, sizeof(r)) != sizeof(r))
		_exit(1);
}

static struct report
expect_report(void)
{
	struct pollfd p = { .fd = t.read_end, .events = POLLIN };
	struct report r = { .pid = -1 };

	cr_assert_eq(poll(&p, 1, HARNESS_WAIT_MS), 1, "it says nothing");
	cr_assert_eq(read(t.read_end, &r, sizeof(r)), sizeof(r));
	return r;
}

static int
wait_status(pid_t pid)
{
	int status = 0;

	EVENTUALLY(waitpid(pid, &status, WNOHANG) == pid);
	return status;
}

static void
kill_supervisor(void)
{
	cr_assert_eq(kill(t.supervisor, SIGKILL), 0);
	cr_assert(WIFSIGNALED(wait_status(t.supervisor)));
}

/*
 * Start a process that forks one that runs role(grace_ms) with a channel
 * between them, and then does nothing until it is killed.
 */
static void
start_supervisor(void (*role)(uint32_t), uint32_t grace_ms)
{
	int ends[2];
	pid_t pid;

	t.supervisor = fork();
	cr_assert_neq(t.supervisor, -1);
	if (t.supervisor != 0)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == -1 ||
	    (pid = fork()) == -1)
		_exit(1);
	if (pid == 0) {
		/* The pipe may be where the channel has to be. */
		t.write_end = dup(t.write_end);
		(void)dup2(ends[1], ROLE_CHANNEL_FD);
		role_start(ROLE_POOL);
		role(grace_ms);
		_exit(0);
	}
	for (;;)
		(void)pause();
}

static int
watch_supervisor(uint32_t grace_ms)
{
	const uint32_t id = geteuid() == 0 ? NOBODY : SPEC_NO_ID;
	struct err err;

	if (role_drop_rights(id, id, &err) == -1)
		_exit(1);
	return role_die_with_supervisor(grace_ms, &err);
}

/* Stuck: it looks at nothing that happens. */
static void
wedged(uint32_t grace_ms)
{
	say(watch_supervisor(grace_ms), 0);
	for (;;)
		(void)pause();
}

/* Tells after each signal whether an alarm is on, and stops it. */
static void
talkative(uint32_t grace_ms)
{
	const int result = watch_supervisor(grace_ms);
	sigset_t blocked, before;

	/* None may come before we wait for it. */
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &blocked, &before);
	say(result, 0);
	for (;;) {
		(void)sigsuspend(&before);
		say(0, alarm(0));
	}
}

/* Begins only when its supervisor is dead. */
static void
late(uint32_t grace_ms)
{
	const pid_t supervisor = getppid();

	say(0, 0);
	while (getppid() == supervisor)
		harness_nap();
	say(watch_supervisor(grace_ms), 0);
}

Test(orphan, that_is_stuck_is_killed)
{
	struct report r;
	uint64_t start_ms;
	int status;

	start_supervisor(wedged, 1);
	r = expect_report();
	cr_assert_eq(r.result, 0);
	start_ms = clock_mono_ms();
	kill_supervisor();
	status = wait_status(r.pid);
	cr_expect(WIFSIGNALED(status));
	cr_expect_eq(WTERMSIG(status), SIGALRM);
	cr_expect_geq(clock_mono_ms() - start_ms, 1900);
}

struct grace_case {
	uint32_t grace_ms;
	unsigned int min_s, max_s; /* a second may have begun */
};

ParameterizedTestParameters(orphan, grace)
{
	static struct grace_case cases[] = {
		{ 0, 1, 1 },
		{ 1, 2, 2 },
		{ 999, 2, 2 },
		{ 1000, 2, 2 },
		{ 1001, 3, 3 },
		{ 60000, 60, 61 },
		{ UINT32_MAX, 4294968, 4294969 },
	};

	return cr_make_param_array(struct grace_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct grace_case *k, orphan, grace, .init = setup,
    .timeout = 60)
{
	struct report r;

	start_supervisor(talkative, k->grace_ms);
	cr_assert_eq(expect_report().result, 0);
	kill_supervisor();
	r = expect_report();
	cr_expect_geq(r.alarm_s, k->min_s, "%u s", r.alarm_s);
	cr_expect_leq(r.alarm_s, k->max_s, "%u s", r.alarm_s);
	cr_assert_eq(kill(r.pid, SIGKILL), 0);
	(void)wait_status(r.pid);
}

/* killall -USR2 is for the supervisor; that one lives. */
Test(orphan, is_not_who_just_gets_the_signal)
{
	struct report r;

	start_supervisor(talkative, 60000);
	r = expect_report();
	cr_assert_eq(kill(r.pid, SIGUSR2), 0);
	cr_expect_eq(expect_report().alarm_s, 0);
	kill_supervisor();
	cr_expect_gt(expect_report().alarm_s, 0);
	cr_assert_eq(kill(r.pid, SIGKILL), 0);
	(void)wait_status(r.pid);
}

Test(orphan, before_it_could_watch_is_told)
{
	struct report r;

	start_supervisor(late, 0);
	r = expect_report();
	kill_supervisor();
	cr_expect_eq(expect_report().result, -1);
	cr_expect(WIFEXITED(wait_status(r.pid)));
}

/* --- a real worker ----------------------------------------------------------
 */

#define ID 4

/* The supervisor of a real worker with a listener, until it is killed. */
static void
start_real_supervisor(struct harness *h, int socket_fd, uint32_t drain_ms)
{
	const struct msg_listen m = harness_listen_msg(ID, 0, PROTOCOL_ECHO);

	t.supervisor = fork();
	cr_assert_neq(t.supervisor, -1);
	if (t.supervisor == 0) {
		harness_spawn(h, 0);
		harness_hello(h, drain_ms);
		(void)harness_expect(h, IPC_READY);
		harness_listen(h, &m, socket_fd);
		if (write(t.write_end, h, sizeof(*h)) != sizeof(*h))
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(socket_fd);
	cr_assert_eq(read(t.read_end, h, sizeof(*h)), sizeof(*h));
}

Test(orphan, that_works_drains_and_leaves_by_itself)
{
	static struct harness h;
	uint16_t port;
	int fd = harness_tcp_socket(&port), client, status;
	uint64_t start_ms;

	start_real_supervisor(&h, fd, 500);
	client = harness_connect(port);
	harness_expect_echo(client, "before");
	start_ms = clock_mono_ms();
	kill_supervisor();
	EVENTUALLY(harness_try_connect(port) == -1);
	harness_expect_echo(client, "still served");
	status = wait_status(h.pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0);
	cr_expect_geq(clock_mono_ms() - start_ms, 490);
}

/* The normal way must win over the alarm, whatever it was told before. */
Test(orphan, that_drains_already_is_not_killed)
{
	static struct harness h;
	uint16_t port;
	int fd = harness_tcp_socket(&port), client, status;

	start_real_supervisor(&h, fd, 60000);
	client = harness_connect(port);
	harness_expect_echo(client, "before");
	kill_supervisor();
	harness_expect_echo(client, "still served");
	cr_assert_eq(kill(h.pid, SIGUSR2), 0); /* a second time: no harm */
	harness_expect_echo(client, "still served");
	(void)close(client);
	status = wait_status(h.pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0);
}
