#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/role.h"
#include "common/spec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a child that was started rightly ends with. */
#define EXIT_AS_PROMISED 42

struct role_case {
	enum role role;
	char name[16];
	char process[16];
};

ParameterizedTestParameters(role, names)
{
	static struct role_case cases[] = {
		{ ROLE_SUPERVISOR, "supervisor", "" },
		{ ROLE_CONFIG, "config", "mercury-config" },
		{ ROLE_CONTROL, "control", "mercury-control" },
		{ ROLE_POOL, "pool", "mercury-pool" },
		{ (enum role)0, "unknown", "" },
		{ (enum role)(ROLE_POOL | ROLE_CONTROL), "unknown", "" },
	};

	return cr_make_param_array(struct role_case, cases, COUNT(cases));
}

/* In the child: does role_start() do what it says? */
static int
check_start(const struct role_case *k)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1,
		SIGUSR2, SIGPIPE };
	struct sigaction sa;
	char name[16] = "";
	size_t i;

	role_start(k->role);
	for (i = 0; i < COUNT(ignored); i++)
		if (sigaction(ignored[i], NULL, &sa) == -1 ||
		    sa.sa_handler != SIG_IGN)
			return (int)i + 1;
	if (!(fcntl(ROLE_CHANNEL_FD, F_GETFD) & FD_CLOEXEC))
		return 22;
	if (prctl(PR_GET_NAME, name) == -1 || strcmp(name, k->process) != 0)
		return 20;
	return EXIT_AS_PROMISED;
}

ParameterizedTest(struct role_case *k, role, names)
{
	int ends[2], status = -1;
	pid_t pid;

	cr_expect_str_eq(role_name(k->role), k->name);
	if (k->process[0] == '\0')
		return;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		if (dup2(ends[1], ROLE_CHANNEL_FD) == -1)
			_exit(21);
		_exit(check_start(k));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), EXIT_AS_PROMISED, "%d",
	    WEXITSTATUS(status));
}

/* A sanitizer would have more to say at exit, and not of this process. */
static void
leave(int status, void *unused)
{
	(void)unused;
	(void)fflush(NULL);
	_exit(status);
}

/* Started with this as its channel (-1: none), it must refuse. */
static void
expect_refusal(int channel)
{
	char said[200] = "";
	int out[2], status = -1;
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe(out), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		(void)dup2(out[1], STDERR_FILENO);
		if (channel == -1)
			(void)close(ROLE_CHANNEL_FD);
		else
			(void)dup2(channel, ROLE_CHANNEL_FD);
		(void)on_exit(leave, NULL);
		role_start(ROLE_POOL);
		_exit(EXIT_AS_PROMISED);
	}
	(void)close(out[1]);
	n = read(out[0], said, sizeof(said) - 1);
	cr_expect_gt(n, 0);
	cr_expect_eq(strncmp(said, "mercury-pool: ", 14), 0, "%s", said);
	(void)close(out[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 2);
}

Test(role, is_not_started_by_hand)
{
	int stream[2], datagram[2], ends[2];

	expect_refusal(-1);
	cr_assert_eq(pipe(ends), 0);
	expect_refusal(ends[0]);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	expect_refusal(stream[0]);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram), 0);
	expect_refusal(datagram[0]);
}

/* In a child, which is root only if it may be: drop the rights, then look at
 * what is left. */
static int
check_drop(bool ordinary, uint32_t uid, uint32_t gid)
{
	const uid_t want_uid = uid == SPEC_NO_ID ? getuid() : uid;
	const gid_t want_gid = uid == SPEC_NO_ID ? getgid() : gid;
	struct err err = { 0 };
	uid_t r, e, s;

	if (ordinary && geteuid() == 0 && setuid(65534) == -1)
		return 8;
	if (role_drop_rights(uid, gid, &err) == -1)
		return err.code == ERR_PERMISSION ? 1 : 2;
	if (getresuid(&r, &e, &s) == -1 || r != want_uid || e != want_uid ||
	    s != want_uid)
		return 3;
	if (getresgid(&r, &e, &s) == -1 || r != want_gid || e != want_gid ||
	    s != want_gid)
		return 4;
	if (uid != SPEC_NO_ID && getgroups(0, NULL) != 0)
		return 5;
	if (uid != SPEC_NO_ID && setuid(0) != -1)
		return 6;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 7;
	return EXIT_AS_PROMISED;
}

static int
drop_in_child(bool ordinary, uint32_t uid, uint32_t gid)
{
	int status = -1;
	pid_t pid;

	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0)
		_exit(check_drop(ordinary, uid, gid));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(role, root_becomes_somebody_for_good)
{
	if (geteuid() != 0)
		cr_skip_test("only root can become somebody else");
	cr_expect_eq(drop_in_child(false, 65534, 65533), EXIT_AS_PROMISED);
}

Test(role, who_stays_himself_takes_no_new_privileges)
{
	cr_expect_eq(drop_in_child(false, SPEC_NO_ID, SPEC_NO_ID),
	    EXIT_AS_PROMISED);
}

Test(role, an_ordinary_user_becomes_nobody_else)
{
	cr_expect_eq(drop_in_child(true, 65533, 65533), 1);
}
