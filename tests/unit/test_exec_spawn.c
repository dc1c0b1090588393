#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/spawn.h"
#include "unit/exec_plans.h"
#include "unit/scratch.h"

#define WAIT_MS 10000

static char *const no_environment[] = { NULL };

/* A program, and our end of its stdin and stdout. */
static struct {
	struct spawned program; /* pid 0: none runs */
	int peer;
	int theirs;
} t;

static void
setup(void)
{
	struct err err;
	int ends[2];

	scratch_make();
	memset(&t, 0, sizeof(t));
	cr_assert_eq(spawn_open(&err), 0, "%s", err.text);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
	    0);
	t.peer = ends[0];
	t.theirs = ends[1];
}

static void
teardown(void)
{
	if (t.program.pid > 0) {
		(void)kill(-t.program.pid, SIGKILL);
		(void)waitid(P_PID, (id_t)t.program.pid, NULL, WEXITED);
		(void)close(t.program.pidfd);
	}
	scratch_remove();
}

TestSuite(spawn, .init = setup, .fini = teardown, .timeout = 60);

static int
try_start(const struct exec_plan *plan, int error_output, struct err *err)
{
	const struct spawn_request r = { .plan = plan,
		.environment = no_environment,
		.socket = t.theirs,
		.error_output = error_output };

	return spawn_program(&r, &t.program, err);
}

static void
start(const struct exec_plan *plan)
{
	struct err err;

	cr_assert_eq(try_start(plan, -1, &err), 0, "%s", err.text);
	cr_assert_eq(close(t.theirs), 0);
}

/* All that it writes, until it closes its stdout. */
static const char *
output(void)
{
	static char text[4096];
	struct pollfd p = { .fd = t.peer, .events = POLLIN };
	size_t used = 0;
	ssize_t n;

	while (used < sizeof(text) - 1 && poll(&p, 1, WAIT_MS) == 1 &&
	    (n = read(t.peer, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

static siginfo_t
wait_for_end(void)
{
	struct pollfd p = { .fd = t.program.pidfd, .events = POLLIN };
	siginfo_t si = { 0 };

	cr_assert_eq(poll(&p, 1, WAIT_MS), 1, "it does not end");
	cr_assert_eq(waitid(P_PIDFD, (id_t)t.program.pidfd, &si, WEXITED), 0);
	t.program.pid = 0;
	(void)close(t.program.pidfd);
	return si;
}

/* The value of a line of /proc/PID/FILE; empty when there is none. */
static const char *
proc_line(const char *file, const char *key)
{
	static char line[512];
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)t.program.pid,
	    file);
	f = fopen(path, "re");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			break;
		else
			line[0] = '\0';
	(void)fclose(f);
	return line[0] == '\0' ? line : line + strlen(key);
}

static const char *
link_of(int fd)
{
	static char target[PATH_MAX];
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)t.program.pid,
	    fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return target;
}

static bool
is_socket(int fd)
{
	return strncmp(link_of(fd), "socket:", 7) == 0;
}

Test(spawn, has_three_descriptors_and_no_more)
{
	int fd;

	/* Some of ours would be left open without close_range(2). */
	for (fd = 0; fd < 20; fd++)
		cr_assert_neq(dup(t.peer), -1);
	start(exec_plans_make("/bin/cat", NULL));
	for (fd = 3; fd < 64; fd++)
		cr_expect_str_empty(link_of(fd), "descriptor %d is %s", fd,
		    link_of(fd));
	cr_expect(is_socket(0));
	cr_expect(is_socket(1));
	cr_expect_str_eq(link_of(2), "/dev/null");
}

Test(spawn, leaves_our_descriptors_as_they_were)
{
	const unsigned int before = scratch_open_fds();
	char here[PATH_MAX] = "";

	start(exec_plans_make("/bin/true", NULL));
	(void)wait_for_end();
	cr_expect_eq(scratch_open_fds(), before - 1, "t.theirs is closed");
	cr_assert_gt(readlink("/proc/self/fd/0", here, sizeof(here) - 1), 0);
	cr_expect_str_eq(here, "/dev/null");
	cr_expect_eq(write(STDOUT_FILENO, "", 0), 0);
}

Test(spawn, stdin_and_stdout_are_the_socket)
{
	start(exec_plans_make("/bin/cat", NULL));
	cr_assert_eq(write(t.peer, "hello", 5), 5);
	cr_assert_eq(shutdown(t.peer, SHUT_WR), 0);
	cr_expect_str_eq(output(), "hello");
	cr_expect_eq(wait_for_end().si_status, 0);
}

Test(spawn, stderr_can_be_the_socket)
{
	struct err err;

	cr_assert_eq(
	    try_start(exec_plans_make("/bin/sh", "-c", "echo oh >&2", NULL),
		t.theirs, &err),
	    0);
	(void)close(t.theirs);
	cr_expect_str_eq(output(), "oh\n");
}

Test(spawn, stderr_can_be_a_pipe)
{
	struct err err;
	char text[8] = "";
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(try_start(exec_plans_make("/bin/sh", "-c",
				   "echo out; echo oh >&2", NULL),
			 ends[1], &err),
	    0);
	(void)close(t.theirs);
	(void)close(ends[1]);
	cr_expect_str_eq(output(), "out\n");
	cr_expect_eq(read(ends[0], text, sizeof(text)), 3);
	cr_expect_str_eq(text, "oh\n");
}

Test(spawn, is_the_leader_of_a_group_and_a_session)
{
	start(exec_plans_make("/bin/cat", NULL));
	cr_expect_eq(getpgid(t.program.pid), t.program.pid);
	cr_expect_eq(getsid(t.program.pid), t.program.pid);
}

Test(spawn, has_all_signals_as_they_are_by_default)
{
	sigset_t blocked, now;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &blocked, NULL);
	start(exec_plans_make("/bin/cat", NULL));
	cr_expect_str_eq(proc_line("status", "SigIgn:\t"),
	    "0000000000000000\n");
	cr_expect_str_eq(proc_line("status", "SigBlk:\t"),
	    "0000000000000000\n");
	/* And ours are what they were. */
	(void)sigprocmask(SIG_BLOCK, NULL, &now);
	cr_expect_eq(sigismember(&now, SIGUSR1), 1);
	cr_expect_eq(sigismember(&now, SIGUSR2), 0);
	cr_expect_eq(signal(SIGPIPE, SIG_DFL), SIG_IGN);
}

Test(spawn, dies_with_the_process_that_started_it)
{
	struct err err;
	pid_t middle, pid = 0;
	int ends[2], status;

	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	middle = fork();
	cr_assert_neq(middle, -1);
	if (middle == 0) {
		if (try_start(exec_plans_make("/bin/sleep", "1000", NULL), -1,
			&err) == 0 &&
		    write(ends[1], &t.program.pid, sizeof(pid)) == -1)
			_exit(1);
		(void)raise(SIGKILL);
	}
	cr_assert_eq(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	cr_assert_eq(waitpid(middle, &status, 0), middle);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

struct limit_case {
	char line[24];
	char want[40]; /* the soft and the hard one */
};

ParameterizedTestParameters(spawn, limits)
{
	static struct limit_case cases[] = {
		{ "Max cpu time", "7 8" },
		{ "Max address space", "268435456 268435456" },
		{ "Max open files", "64 64" },
		{ "Max processes", "1234 1234" },
		{ "Max core file size", "1 1" },
	};

	return cr_make_param_array(struct limit_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct limit_case *k, spawn, limits, .init = setup,
    .fini = teardown)
{
	struct exec_plan *plan = exec_plans_make("/bin/cat", NULL);
	char soft[20] = "", hard[20] = "", got[48];

	plan->limit_cpu_s = 7;
	plan->limit_memory = 256u << 20;
	plan->limit_files = 64;
	plan->limit_processes = 1234;
	start(plan);
	cr_assert_eq(
	    sscanf(proc_line("limits", k->line), "%19s %19s", soft, hard), 2);
	(void)snprintf(got, sizeof(got), "%s %s", soft, hard);
	cr_expect_str_eq(got, k->want, "%s: %s", k->line, got);
}

Test(spawn, without_limits_has_those_of_any_program)
{
	struct rlimit rl;
	unsigned long soft = 0, hard = 0;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	rl.rlim_cur = rl.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	start(exec_plans_make("/bin/cat", NULL));
	cr_assert_eq(sscanf(proc_line("limits", "Max open files"), "%lu %lu",
			 &soft, &hard),
	    2);
	cr_expect_eq(soft, rl.rlim_max < 1024 ? rl.rlim_max : 1024);
	cr_expect_eq(hard, rl.rlim_max);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &rl), 0);
	cr_expect_eq(rl.rlim_cur, rl.rlim_max, "ours are ours");
}

Test(spawn, a_limit_of_cpu_time_ends_it)
{
	struct exec_plan *plan =
	    exec_plans_make("/bin/sh", "-c", "while :; do :; done", NULL);
	siginfo_t si;

	plan->limit_cpu_s = 1;
	start(plan);
	si = wait_for_end();
	cr_expect_eq(si.si_code, CLD_KILLED);
	cr_expect_eq(si.si_status, SIGXCPU);
}

Test(spawn, runs_in_its_directory)
{
	struct exec_plan *plan = exec_plans_make("/bin/pwd", "-P", NULL);
	char want[PATH_MAX];

	(void)snprintf(plan->directory, sizeof(plan->directory), "%s",
	    scratch_dir);
	(void)snprintf(want, sizeof(want), "%s\n", scratch_dir);
	start(plan);
	cr_expect_str_eq(output(), want);
}

Test(spawn, has_the_environment_that_it_is_given)
{
	static char a[] = "A=1", b[] = "B=two words";
	char *const environment[] = { a, b, NULL };
	const struct spawn_request r = { .plan = exec_plans_make("/usr/bin/env",
					     NULL),
		.environment = environment,
		.socket = t.theirs,
		.error_output = -1 };
	struct err err;

	cr_assert_eq(spawn_program(&r, &t.program, &err), 0, "%s", err.text);
	(void)close(t.theirs);
	cr_expect_str_eq(output(), "A=1\nB=two words\n");
}

Test(spawn, has_its_arguments)
{
	start(exec_plans_make("/usr/bin/printf", "%s|%s|%s", "a b", "", "c",
	    NULL));
	cr_expect_str_eq(output(), "a b||c");
}

struct failure_case {
	char program[32];
	char directory[32];
	char want[64];
};

ParameterizedTestParameters(spawn, failures)
{
	static struct failure_case cases[] = {
		{ "/nonexistent", "/",
		    "/nonexistent: No such file or directory" },
		{ "/etc/passwd", "/", "/etc/passwd: Permission denied" },
		{ "/", "/", "/: Permission denied" },
		{ "/bin/cat", "/nonexistent",
		    "directory /nonexistent: No such file or directory" },
		{ "/bin/cat", "/etc/passwd",
		    "directory /etc/passwd: Not a directory" },
	};

	return cr_make_param_array(struct failure_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct failure_case *k, spawn, failures, .init = setup,
    .fini = teardown)
{
	struct exec_plan *plan = exec_plans_make(k->program, NULL);
	const unsigned int before = scratch_open_fds();
	struct err err = { 0 };

	(void)snprintf(plan->directory, sizeof(plan->directory), "%s",
	    k->directory);
	cr_assert_eq(try_start(plan, -1, &err), -1);
	cr_expect_str_eq(err.text, k->want, "%s", err.text);
	cr_expect_eq(scratch_open_fds(), before);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_expect_eq(errno, ECHILD, "a child is left");
	t.program.pid = 0;
}

/* A script without #! is not for execve(2), and no shell is tried. */
Test(spawn, a_file_that_is_no_program)
{
	char path[PATH_MAX];
	struct err err = { 0 };

	(void)snprintf(path, sizeof(path), "%s", scratch_path("text"));
	scratch_file("text", "echo hello\n");
	cr_assert_eq(chmod(path, 0755), 0);
	cr_assert_eq(try_start(exec_plans_make(path, NULL), -1, &err), -1);
	cr_expect_not_null(strstr(err.text, "Exec format error"), "%s",
	    err.text);
}
