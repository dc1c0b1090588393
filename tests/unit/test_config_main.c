/*
 * mercury-config as a process: what it answers over its channel. Started from
 * the build folder, as the supervisor would start it.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc.h"

#define PROGRAM "./mercury-config"

/* Somebody without rights. */
#define NOBODY 65534

static int channel = -1;
static pid_t child;
static uid_t uid; /* who it is; 0: who we are */

static void
start(void)
{
	struct err err;
	int ends[2];

	if (access(PROGRAM, X_OK) == -1)
		cr_skip_test("needs " PROGRAM);
	cr_assert_eq(ipc_pair(ends, &err), 0, "%s", err.text);
	child = fork();
	cr_assert_neq(child, -1);
	if (child == 0) {
		/* Also clears close-on-exec, unless it is there already. */
		if (ends[1] == ROLE_CHANNEL_FD)
			(void)fcntl(ROLE_CHANNEL_FD, F_SETFD, 0);
		else
			(void)dup2(ends[1], ROLE_CHANNEL_FD);
		if (uid != 0 && setuid(uid) == -1)
			_exit(126);
		(void)execl(PROGRAM, "mercury-config", (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	channel = ends[0];
}

static int
exit_status(void)
{
	int status;

	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
ask(const char *path)
{
	struct msg_config_read request = { .check_only = 1 };
	struct err err;

	(void)snprintf(request.path, sizeof(request.path), "%s", path);
	cr_assert_eq(
	    ipc_send(channel, IPC_CONFIG_READ, &request, -1, true, &err),
	    IPC_OK);
}

static struct ipc_message
answer(void)
{
	struct ipc_message msg;
	struct err err;

	cr_assert_eq(ipc_recv(channel, ROLE_CONFIG, true, &msg, &err), IPC_OK);
	return msg;
}

/* A file with this text; it is open, so that its name can be given away. */
static const char *
file_with(const char *text)
{
	static char path[64];
	FILE *f = tmpfile();

	cr_assert_not_null(f);
	(void)fputs(text, f);
	(void)fflush(f);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(),
	    fileno(f));
	return path;
}

Test(config_main, a_good_file_becomes_a_plan, .timeout = 20)
{
	struct ipc_message msg;

	start();
	ask(file_with("daemon { user = nobody state_dir = /nonexistent }\n"
		      "listener a { port = 1 protocol = echo }\n"
		      "listener b { port = 2 protocol = discard }\n"));
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_DAEMON);
	cr_expect_str_eq(msg.payload.PLAN_DAEMON.user, "nobody");
	cr_expect_str_eq(msg.payload.PLAN_DAEMON.store.database,
	    "/nonexistent/health.db");
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_LISTENER);
	cr_expect_str_eq(msg.payload.PLAN_LISTENER.spec.name, "a");
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_LISTENER);
	cr_expect_eq(msg.payload.PLAN_LISTENER.spec.protocol, PROTOCOL_DISCARD);
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_END);
	cr_expect_eq(msg.payload.PLAN_END.listeners, 2);
	cr_expect_eq(msg.payload.PLAN_END.errors, 0);
	cr_expect_eq(exit_status(), 0);
}

Test(config_main, errors_and_nothing_else_of_a_bad_file, .timeout = 20)
{
	struct ipc_message msg;

	start();
	ask(file_with("listener a { port = 1 protocol = echo }\n"
		      "listener b { port = x }\nlistener c { }\n"));
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_ERROR);
	cr_expect_not_null(strstr(msg.payload.PLAN_ERROR.text, ":2: port: "));
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_ERROR);
	cr_expect_not_null(strstr(msg.payload.PLAN_ERROR.text, ":3: "));
	do
		msg = answer();
	while (msg.kind == IPC_PLAN_ERROR);
	cr_assert_eq(msg.kind, IPC_PLAN_END);
	cr_expect_geq(msg.payload.PLAN_END.errors, 2);
	cr_expect_eq(msg.payload.PLAN_END.listeners, 0);
	cr_expect_eq(exit_status(), 0);
}

Test(config_main, a_group_comes_with_its_children_in_order, .timeout = 20)
{
	struct ipc_message msg;

	start();
	ask(file_with("daemon { user = nobody state_dir = /nonexistent }\n"
		      "listener a { port = 1 protocol = echo }\n"
		      "listener b { port = 2 protocol = echo }\n"
		      "group g { children = {b, a} max_seconds = 7 }\n"));
	do
		msg = answer();
	while (msg.kind != IPC_PLAN_GROUP);
	cr_expect_str_eq(msg.payload.PLAN_GROUP.name, "g");
	cr_expect_eq(msg.payload.PLAN_GROUP.children, 2);
	cr_expect_eq(msg.payload.PLAN_GROUP.max_seconds, 7);
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_CHILD);
	cr_expect_str_eq(msg.payload.PLAN_CHILD.name, "b");
	msg = answer();
	cr_assert_eq(msg.kind, IPC_PLAN_CHILD);
	cr_expect_str_eq(msg.payload.PLAN_CHILD.name, "a");
	cr_expect_eq(answer().kind, IPC_PLAN_END);
	cr_expect_eq(exit_status(), 0);
}

Test(config_main, finds_who_has_a_port, .timeout = 20)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	struct msg_config_find_holder place = { .address = "127.0.0.1" };
	struct sockaddr_in got;
	socklen_t len = sizeof(got);
	struct ipc_message msg;
	struct err err;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&got, &len), 0);
	place.port = ntohs(got.sin_port);
	start();
	cr_assert_eq(
	    ipc_send(channel, IPC_CONFIG_FIND_HOLDER, &place, -1, true, &err),
	    IPC_OK);
	msg = answer();
	cr_assert_eq(msg.kind, IPC_HOLDER);
	cr_expect_eq(msg.payload.HOLDER.pid, (uint32_t)getpid());
	cr_expect_eq(exit_status(), 0);
	(void)close(fd);
	start();
	cr_assert_eq(
	    ipc_send(channel, IPC_CONFIG_FIND_HOLDER, &place, -1, true, &err),
	    IPC_OK);
	cr_expect_eq(answer().payload.HOLDER.pid, 0, "nobody has it now");
	cr_expect_eq(exit_status(), 0);
}

/* A process that says in its environment that it belongs to this run. */
static pid_t
start_stray_of(const char *executable, const char *run, const char *drain_ms,
    const char *worker)
{
	char variable[RUN_SIZE + 32], drain[64], of[64];
	char *const env[] = { variable, drain, worker == NULL ? NULL : of,
		NULL };
	char *const argv[] = { (char *)(uintptr_t) "sleep",
		(char *)(uintptr_t) "60", NULL };
	const pid_t pid = fork();

	(void)snprintf(variable, sizeof(variable), RUN_VARIABLE "=%s", run);
	(void)snprintf(drain, sizeof(drain), RUN_DRAIN_VARIABLE "=%s",
	    drain_ms);
	(void)snprintf(of, sizeof(of), WORKER_VARIABLE "=%s",
	    worker == NULL ? "" : worker);
	if (pid == 0) {
		(void)execve(executable, argv, env);
		_exit(127);
	}
	return pid;
}

static pid_t
start_stray(const char *executable, const char *run, const char *drain_ms)
{
	return start_stray_of(executable, run, drain_ms, NULL);
}

/* It has exec'ed once its name says so. */
static void
wait_until_started(pid_t pid, const char *want)
{
	char path[64], name[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	while (strncmp(name, want, strlen(want)) != 0) {
		f = fopen(path, "re");
		cr_assert_not_null(f);
		cr_expect_not_null(fgets(name, sizeof(name), f));
		(void)fclose(f);
	}
}

/* Ask for the strays of a control socket that nobody else has. */
static struct msg_strays_end
hunt(uint32_t of, uint32_t elapsed_ms, uint32_t *first)
{
	struct msg_config_find_strays request = { .of = of,
		.elapsed_ms = elapsed_ms,
		.supervisor = (uint32_t)getpid() };
	struct ipc_message msg;
	struct err err;

	(void)snprintf(request.control_socket, sizeof(request.control_socket),
	    "/test/%d", (int)getpid());
	(void)snprintf(request.run, sizeof(request.run), "/test/%d:%d:2",
	    (int)getpid(), (int)getpid());
	start();
	cr_assert_eq(
	    ipc_send(channel, IPC_CONFIG_FIND_STRAYS, &request, -1, true, &err),
	    IPC_OK);
	*first = 0;
	while ((msg = answer()).kind == IPC_STRAY)
		if (*first == 0)
			*first = msg.payload.STRAY.pid;
	cr_assert_eq(msg.kind, IPC_STRAYS_END);
	cr_expect_eq(exit_status(), 0);
	(void)close(channel);
	return msg.payload.STRAYS_END;
}

Test(config_main, kills_the_strays_of_an_earlier_run, .timeout = 20)
{
	char run[RUN_SIZE];
	struct msg_strays_end end;
	uint32_t first;
	pid_t pid;
	int status;

	(void)snprintf(run, sizeof(run), "/test/%d:%d:1", (int)getpid(),
	    (int)getpid());
	pid = start_stray("/bin/sleep", run, "5000");
	wait_until_started(pid, "sleep");
	end = hunt(STRAYS_OF_THIS_RUN, 10000, &first);
	cr_expect_eq(end.strays, 0, "it is not of this run");
	end = hunt(STRAYS_OF_EARLIER_RUNS, 2000, &first);
	cr_expect_eq(end.strays, 0, "it may drain");
	cr_expect_eq(end.again_ms, 4000);
	cr_expect_eq(kill(pid, 0), 0);
	end = hunt(STRAYS_OF_EARLIER_RUNS, 6000, &first);
	cr_expect_eq(end.strays, 1);
	cr_expect_eq(end.again_ms, 0);
	cr_expect_eq(first, (uint32_t)pid);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

Test(config_main, kills_the_strays_of_this_run, .timeout = 20)
{
	char run[RUN_SIZE];
	uint32_t first;
	pid_t pid;

	(void)snprintf(run, sizeof(run), "/test/%d:%d:2", (int)getpid(),
	    (int)getpid());
	pid = start_stray("/bin/sleep", run, "5000");
	wait_until_started(pid, "sleep");
	cr_expect_eq(hunt(STRAYS_OF_EARLIER_RUNS, 100000, &first).strays, 0,
	    "it is ours");
	cr_expect_eq(hunt(STRAYS_OF_THIS_RUN, 0, &first).strays, 1);
	cr_expect_eq(first, (uint32_t)pid);
	cr_expect_eq(waitpid(pid, NULL, 0), pid);
}

/* What a program of a worker has started knows whose it was. */
Test(config_main, kills_what_a_dead_worker_left, .timeout = 20)
{
	char run[RUN_SIZE], folder[] = "/tmp/mercury-test-XXXXXX", path[64];
	char worker[16];
	uint32_t first;
	pid_t pid, program;

	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/mercury-pool", folder);
	cr_assert_eq(symlink("/bin/sleep", path), 0);
	(void)snprintf(run, sizeof(run), "/test/%d:%d:2", (int)getpid(),
	    (int)getpid());
	pid = start_stray(path, run, "5000");
	wait_until_started(pid, "mercury-pool");
	(void)snprintf(worker, sizeof(worker), "%d", (int)pid);
	program = start_stray_of("/bin/sleep", run, "5000", worker);
	wait_until_started(program, "sleep");
	cr_expect_eq(hunt(STRAYS_OF_DEAD_WORKERS, 0, &first).strays, 0,
	    "the worker lives, and is none itself");
	cr_expect_eq(kill(pid, SIGKILL), 0);
	cr_expect_eq(waitpid(pid, NULL, 0), pid);
	cr_expect_eq(hunt(STRAYS_OF_DEAD_WORKERS, 0, &first).strays, 1);
	cr_expect_eq(first, (uint32_t)program);
	cr_expect_eq(waitpid(program, NULL, 0), program);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* It was started again while others were looked for. */
Test(config_main, spares_the_store_of_this_run, .timeout = 20)
{
	char run[RUN_SIZE], folder[] = "/tmp/mercury-test-XXXXXX", path[64];
	uint32_t first;
	pid_t pid;

	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/mercury-store", folder);
	cr_assert_eq(symlink("/bin/sleep", path), 0);
	(void)snprintf(run, sizeof(run), "/test/%d:%d:2", (int)getpid(),
	    (int)getpid());
	pid = start_stray(path, run, "5000");
	wait_until_started(pid, "mercury-store");
	cr_expect_eq(hunt(STRAYS_OF_THIS_RUN, 0, &first).strays, 0);
	cr_expect_eq(kill(pid, SIGKILL), 0);
	cr_expect_eq(waitpid(pid, NULL, 0), pid);
	(void)unlink(path);
	(void)rmdir(folder);
}

Test(config_main, ends_when_the_supervisor_is_gone, .timeout = 20)
{
	start();
	(void)close(channel);
	cr_expect_eq(exit_status(), 1);
}

Test(config_main, ends_at_a_message_that_is_not_for_it, .timeout = 20)
{
	struct msg_drain drain = { 0 };
	struct err err;

	start();
	cr_assert_eq(ipc_send(channel, IPC_DRAIN, &drain, -1, true, &err),
	    IPC_OK);
	cr_expect_eq(exit_status(), 1);
}

/* Has it become the program? */
static bool
is_running(void)
{
	char path[64], name[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
	f = fopen(path, "re");
	cr_assert_not_null(f);
	(void)!fgets(name, sizeof(name), f);
	(void)fclose(f);
	return strcmp(name, "mercury-config\n") == 0;
}

/* It reads private keys: who can't be dumped belongs to root in /proc. */
Test(config_main, leaves_no_core, .timeout = 20)
{
	char path[64];
	struct stat st;

	if (geteuid() == 0)
		uid = NOBODY;
	start();
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)child);
	do {
		(void)usleep(5000);
		cr_assert_eq(stat(path, &st), 0);
	} while (!is_running() || st.st_uid != 0);
	(void)close(channel);
	(void)exit_status();
}
