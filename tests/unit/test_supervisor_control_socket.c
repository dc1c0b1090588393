#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "supervisor/control_socket.h"

/* An ordinary user, and a group that he isn't in. */
#define NOBODY 65534
#define STRANGERS 65533

static struct daemon_settings settings;
static struct err err;

/* Each test's socket is "control.sock" in its folder. */
static void
make_settings(void)
{
	scratch_make();
	settings = (struct daemon_settings){ .uid = SPEC_NO_ID,
		.gid = SPEC_NO_ID,
		.control_gid = SPEC_NO_ID,
		.readers_gid = SPEC_NO_ID };
	(void)strlcpy(settings.control_socket, scratch_path("control.sock"),
	    sizeof(settings.control_socket));
}

TestSuite(control_socket, .init = make_settings, .fini = scratch_remove,
    .timeout = 60);

static int
open_it(void)
{
	const int fd = control_socket_open(&settings, &err);

	cr_assert_neq(fd, -1, "%s", err.text);
	return fd;
}

static struct sockaddr_un
address(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memcpy(a.sun_path, settings.control_socket,
	    strlen(settings.control_socket));
	return a;
}

static int
connect_to_it(void)
{
	const struct sockaddr_un a = address();
	const int fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void
expect_answer(void)
{
	const int fd = connect_to_it();

	cr_expect_neq(fd, -1, "%s", strerror(errno));
	if (fd != -1)
		(void)close(fd);
}

/* A socket of somebody else at our path. */
static int
their_socket(int type)
{
	const struct sockaddr_un a = address();
	const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	if (type != SOCK_DGRAM)
		cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

static struct stat
stat_it(void)
{
	struct stat st;

	cr_assert_eq(lstat(settings.control_socket, &st), 0);
	return st;
}

static void
expect_refusal(enum err_code code, const char *says)
{
	const unsigned int before = scratch_open_fds();

	cr_expect_eq(control_socket_open(&settings, &err), -1);
	cr_expect_eq(err.code, code, "%s", err.text);
	cr_expect_not_null(strstr(err.text, says), "%s", err.text);
	cr_expect_eq(scratch_open_fds(), before);
	control_socket_remove();
}

Test(control_socket, opens_and_removes)
{
	const int fd = open_it();

	cr_expect_str_eq(scratch_names(), "control.sock ");
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	expect_answer();
	(void)close(fd);
	control_socket_remove();
	cr_expect_str_eq(scratch_names(), "");
	control_socket_remove();
}

struct mode_case {
	bool group, readers;
	mode_t mode;
};

ParameterizedTestParameters(control_socket, its_mode_keeps_strangers_out)
{
	static struct mode_case cases[] = {
		{ false, false, 0600 },
		{ true, false, 0660 },
		{ false, true, 0666 },
		{ true, true, 0666 },
	};

	return cr_make_param_array(struct mode_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct mode_case *k, control_socket,
    its_mode_keeps_strangers_out)
{
	const mode_t before = umask(0);

	settings.control_gid = k->group ? getegid() : SPEC_NO_ID;
	settings.readers_gid = k->readers ? getegid() : SPEC_NO_ID;
	(void)open_it();
	cr_expect_eq(stat_it().st_mode & 07777, k->mode, "%o",
	    stat_it().st_mode);
	cr_expect_eq(stat_it().st_uid, geteuid());
	cr_expect_eq(umask(before), 0, "the umask was changed");
	control_socket_remove();
}

Test(control_socket, root_gives_it_to_user_and_group)
{
	if (geteuid() != 0)
		scratch_skip("only root can give a file away");
	settings.uid = NOBODY;
	settings.control_gid = STRANGERS;
	(void)open_it();
	cr_expect_eq(stat_it().st_uid, NOBODY);
	cr_expect_eq(stat_it().st_gid, STRANGERS);
	cr_expect_eq(stat_it().st_mode & 07777, 0660);
	control_socket_remove();
}

/* Become one, in a process of its own, in a folder that is his. */
static void
become_ordinary(void)
{
	if (geteuid() != 0)
		return;
	if (chown(scratch_dir, NOBODY, NOBODY) == -1 ||
	    setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 ||
	    setuid(NOBODY) == -1)
		_exit(90);
}

/* He can't give it to a group that he isn't in; it opens all the same. */
static int
open_as_ordinary_user(void)
{
	struct stat st;
	int fd;

	become_ordinary();
	settings.control_gid = STRANGERS;
	fd = control_socket_open(&settings, &err);
	if (fd == -1)
		return 1;
	if (lstat(settings.control_socket, &st) == -1)
		return 2;
	if (st.st_uid != geteuid() || st.st_gid == STRANGERS)
		return 3;
	if ((st.st_mode & 07777) != 0660)
		return 4;
	if (connect_to_it() == -1)
		return 5;
	control_socket_remove();
	return scratch_names()[0] == '\0' ? 0 : 6;
}

Test(control_socket, an_ordinary_user_opens_it_too)
{
	int status = -1;
	pid_t pid;

	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0)
		_exit(open_as_ordinary_user());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}

Test(control_socket, the_socket_of_the_dead_is_replaced)
{
	(void)close(their_socket(SOCK_STREAM));
	cr_expect_eq(connect_to_it(), -1);
	(void)open_it();
	expect_answer();
	cr_expect_str_eq(scratch_names(), "control.sock ");
	control_socket_remove();
	cr_expect_str_eq(scratch_names(), "");
}

struct live_case {
	int type;
};

ParameterizedTestParameters(control_socket, a_live_socket_is_kept)
{
	static struct live_case cases[] = {
		{ SOCK_STREAM },
		{ SOCK_DGRAM },
		{ SOCK_SEQPACKET },
	};

	return cr_make_param_array(struct live_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

/* Of whatever type: somebody uses it. */
ParameterizedTest(struct live_case *k, control_socket, a_live_socket_is_kept)
{
	const int fd = their_socket(k->type);
	const ino_t old = stat_it().st_ino;

	expect_refusal(ERR_EXISTS, settings.control_socket);
	cr_expect_eq(stat_it().st_ino, old);
	cr_expect_str_eq(scratch_names(), "control.sock ");
	(void)close(fd);
}

Test(control_socket, a_live_socket_with_a_full_queue_is_kept)
{
	const int fd = their_socket(SOCK_STREAM);
	const ino_t old = stat_it().st_ino;

	while (connect_to_it() != -1)
		continue;
	cr_assert_eq(errno, EAGAIN);
	expect_refusal(ERR_EXISTS, "answers");
	cr_expect_eq(stat_it().st_ino, old);
	(void)close(fd);
}

Test(control_socket, a_file_is_kept)
{
	scratch_file("control.sock", "precious");
	expect_refusal(ERR_EXISTS, "is not a socket");
	cr_expect(S_ISREG(stat_it().st_mode));
	cr_assert_eq(unlink(settings.control_socket), 0);
	cr_assert_eq(symlink("nowhere", settings.control_socket), 0);
	expect_refusal(ERR_EXISTS, "is not a socket");
	cr_expect(S_ISLNK(stat_it().st_mode));
	cr_expect_str_eq(scratch_names(), "control.sock ");
}

Test(control_socket, what_took_its_place_is_kept)
{
	(void)open_it();
	cr_assert_eq(unlink(settings.control_socket), 0);
	scratch_file("control.sock", "theirs");
	control_socket_remove();
	cr_expect_str_eq(scratch_names(), "control.sock ");
}

Test(control_socket, a_folder_that_is_missing_is_told)
{
	(void)strlcpy(settings.control_socket, scratch_path("no/such/sock"),
	    sizeof(settings.control_socket));
	expect_refusal(ERR_INTERNAL, "no/such/sock");
}

/* It needs a little room for the name that it has before it is ready. */
Test(control_socket, a_path_that_is_too_long_is_told)
{
	const size_t len = strlen(scratch_dir) + 1;

	(void)snprintf(settings.control_socket, sizeof(settings.control_socket),
	    "%s/", scratch_dir);
	memset(settings.control_socket + len, 'x',
	    sizeof(settings.control_socket) - 1 - len);
	expect_refusal(ERR_INVALID, "too long");
	cr_expect_str_eq(scratch_names(), "");
}

/* One that was killed in between left it, and had the pid that we have. */
Test(control_socket, a_temporary_name_that_was_left_is_no_obstacle)
{
	char path[SPEC_PATH_SIZE];

	(void)strlcpy(path, settings.control_socket, sizeof(path));
	(void)snprintf(settings.control_socket, sizeof(settings.control_socket),
	    "%s.%d", scratch_path("control.sock"), (int)getpid());
	(void)close(their_socket(SOCK_STREAM));
	(void)strlcpy(settings.control_socket, path,
	    sizeof(settings.control_socket));
	(void)open_it();
	expect_answer();
	control_socket_remove();
	cr_expect_str_eq(scratch_names(), "");
}
