/*
 * mercury-config as a process: what it answers over its channel. Started from
 * the build folder, as the supervisor would start it.
 */
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc.h"

#define PROGRAM "./mercury-config"

static int channel = -1;
static pid_t child;

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
