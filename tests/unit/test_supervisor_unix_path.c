#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "supervisor/unix_path.h"

#define NOBODY 65534

static struct listener_spec spec;
static struct unix_path made;
static struct err err;

/* Each test listens at "s" in its folder. */
static void
make_spec(void)
{
	scratch_make();
	spec = (struct listener_spec){ .name = "pos",
		.pool = "pos",
		.transport = TRANSPORT_UNIX,
		.backlog = 16,
		.mode = 0660,
		.owner = SPEC_NO_ID,
		.group = SPEC_NO_ID };
	(void)strlcpy(spec.path, scratch_path("s"), sizeof(spec.path));
}

TestSuite(unix_path, .init = make_spec, .fini = scratch_remove, .timeout = 60);

static int
bind_it(void)
{
	const int fd = unix_path_bind(&spec, &made, &err);

	cr_assert_neq(fd, -1, "%s", err.text);
	return fd;
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memcpy(a.sun_path, path, strlen(path));
	return a;
}

/* A client at path; -1 with errno. */
static int
connect_to(const char *path)
{
	const struct sockaddr_un a = address_of(path);
	const int fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void
expect_answer(const char *path)
{
	const int fd = connect_to(path);

	cr_expect_neq(fd, -1, "%s: %s", path, strerror(errno));
	if (fd != -1)
		(void)close(fd);
}

/* A socket of somebody else at path, bound and listening. */
static int
their_socket(const char *path, int type)
{
	const struct sockaddr_un a = address_of(path);
	const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

static ino_t
inode_of(const char *path)
{
	struct stat st;

	cr_assert_eq(lstat(path, &st), 0, "%s is gone", path);
	return st.st_ino;
}

/* A lock file such as mercuryd writes, for the file that is at path now. */
static void
write_lock(const char *path)
{
	char text[100];
	struct stat st;

	cr_assert_eq(lstat(path, &st), 0);
	(void)snprintf(text, sizeof(text), "mercuryd socket %llu %llu\n",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	scratch_file("s.lock", text);
}

static void
expect_refusal(enum err_code code, const char *says)
{
	const unsigned int before = scratch_open_fds();

	cr_expect_eq(unix_path_bind(&spec, &made, &err), -1);
	cr_expect_eq(err.code, code, "%s", err.text);
	cr_expect_not_null(strstr(err.text, says), "%s", err.text);
	cr_expect_eq(made.lock_fd, -1);
	cr_expect_eq(scratch_open_fds(), before);
	/* Nothing to remove, and so nothing is. */
	unix_path_remove(&made);
}

Test(unix_path, binds_and_removes)
{
	const unsigned int before = scratch_open_fds();
	int fd;

	fd = bind_it();
	cr_expect_str_eq(scratch_names(), "s s.lock ");
	cr_expect_str_eq(made.path, spec.path);
	cr_expect_eq(made.ino, inode_of(spec.path));
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(made.lock_fd, F_GETFD) & FD_CLOEXEC);
	expect_answer(spec.path);
	(void)close(fd);
	unix_path_remove(&made);
	cr_expect_str_eq(scratch_names(), "");
	cr_expect_eq(scratch_open_fds(), before);
	unix_path_remove(&made);
	/* And once more. */
	fd = bind_it();
	expect_answer(spec.path);
	(void)close(fd);
	unix_path_remove(&made);
}

struct mode_case {
	mode_t umask, mode;
};

ParameterizedTestParameters(unix_path, has_its_mode_whatever_the_umask)
{
	static struct mode_case cases[] = {
		{ 022, 0660 },
		{ 077, 0666 },
		{ 0777, 0777 },
		{ 0, 0600 },
		{ 027, 0 },
	};

	return cr_make_param_array(struct mode_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct mode_case *k, unix_path,
    has_its_mode_whatever_the_umask)
{
	struct stat st;
	int fd;

	spec.mode = k->mode;
	(void)umask(k->umask);
	fd = bind_it();
	cr_expect_eq(umask(022), k->umask, "the umask was changed");
	cr_assert_eq(stat(spec.path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, k->mode, "%o", st.st_mode);
	(void)close(fd);
	unix_path_remove(&made);
}

Test(unix_path, owner_and_group_are_set)
{
	struct stat st;

	spec.owner = geteuid() == 0 ? NOBODY : geteuid();
	spec.group = geteuid() == 0 ? NOBODY : getegid();
	(void)bind_it();
	cr_assert_eq(stat(spec.path, &st), 0);
	cr_expect_eq(st.st_uid, spec.owner);
	cr_expect_eq(st.st_gid, spec.group);
	unix_path_remove(&made);
}

/* In a process that is no longer root's, which may set any owner. */
static int
bind_for_somebody_else(void)
{
	if (geteuid() == 0 &&
	    (chown(scratch_dir, NOBODY, NOBODY) == -1 || setuid(NOBODY) == -1))
		return 1;
	spec.owner = 0;
	if (unix_path_bind(&spec, &made, &err) != -1)
		return 2;
	if (err.code != ERR_PERMISSION || strstr(err.text, "owner of ") == NULL)
		return 3;
	return scratch_names()[0] == '\0' ? 0 : 4;
}

Test(unix_path, an_owner_that_can_not_be_set_leaves_nothing)
{
	int status = -1;
	pid_t pid;

	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0)
		_exit(bind_for_somebody_else());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}

/* What a mercuryd that was killed leaves: a dead socket and a free lock. */
Test(unix_path, our_stale_socket_is_replaced)
{
	ino_t old;
	int fd;

	fd = bind_it();
	(void)close(fd);
	(void)close(made.lock_fd);
	old = inode_of(spec.path);
	cr_expect_str_eq(scratch_names(), "s s.lock ");
	cr_assert_eq(rename(scratch_path("s"), scratch_path("old")), 0);
	cr_assert_eq(link(scratch_path("old"), scratch_path("s")), 0);
	(void)bind_it();
	/* "old" keeps its inode from being used again. */
	cr_expect_neq(inode_of(spec.path), old);
	expect_answer(spec.path);
	unix_path_remove(&made);
	cr_expect_str_eq(scratch_names(), "old ");
}

Test(unix_path, a_stale_socket_of_others_is_kept)
{
	ino_t old;

	(void)close(their_socket(spec.path, SOCK_STREAM));
	old = inode_of(spec.path);
	expect_refusal(ERR_PORT_IN_USE, "mercuryd did not make it");
	cr_expect_eq(inode_of(spec.path), old);
	cr_expect_str_eq(scratch_names(), "s ");
}

/* Neither an empty lock file nor one of another socket makes it ours. */
Test(unix_path, a_stale_socket_needs_a_lock_that_names_it)
{
	ino_t old;

	(void)close(their_socket(spec.path, SOCK_STREAM));
	old = inode_of(spec.path);
	scratch_file("s.lock", "");
	expect_refusal(ERR_PORT_IN_USE, "mercuryd did not make it");
	write_lock(scratch_dir);
	expect_refusal(ERR_PORT_IN_USE, "mercuryd did not make it");
	cr_expect_eq(inode_of(spec.path), old);
	write_lock(spec.path);
	(void)bind_it();
	unix_path_remove(&made);
	cr_expect_str_eq(scratch_names(), "");
}

struct live_case {
	int type;
	bool lock;
};

ParameterizedTestParameters(unix_path, a_live_socket_is_kept)
{
	static struct live_case cases[] = {
		{ SOCK_STREAM, false },
		{ SOCK_STREAM, true },
		{ SOCK_DGRAM, false },
		{ SOCK_DGRAM, true },
	};

	return cr_make_param_array(struct live_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

/* Not even a lock that names it makes it ours, but it is not lost either. */
ParameterizedTest(struct live_case *k, unix_path, a_live_socket_is_kept)
{
	const int fd = their_socket(spec.path, k->type);
	const ino_t old = inode_of(spec.path);

	if (k->lock)
		write_lock(spec.path);
	expect_refusal(ERR_PORT_IN_USE, "is in use");
	cr_expect_eq(inode_of(spec.path), old);
	cr_expect_str_eq(scratch_names(), k->lock ? "s s.lock " : "s ");
	if (k->type == SOCK_STREAM)
		expect_answer(spec.path);
	(void)close(fd);
}

/* Who has no room for one more client is not dead. */
Test(unix_path, a_live_socket_with_a_full_queue_is_kept)
{
	const int fd = their_socket(spec.path, SOCK_STREAM);
	const ino_t old = inode_of(spec.path);

	write_lock(spec.path);
	while (connect_to(spec.path) != -1)
		continue;
	cr_assert_eq(errno, EAGAIN);
	expect_refusal(ERR_PORT_IN_USE, "is in use");
	cr_expect_eq(inode_of(spec.path), old);
	(void)close(fd);
}

Test(unix_path, a_file_is_kept)
{
	scratch_file("s", "precious");
	expect_refusal(ERR_PORT_IN_USE, "is not a socket");
	cr_expect_str_eq(scratch_names(), "s ");
	scratch_file("s.lock", "");
	expect_refusal(ERR_PORT_IN_USE, "is not a socket");
	cr_assert_eq(unlink(spec.path), 0);
	cr_assert_eq(mkdir(spec.path, 0700), 0);
	expect_refusal(ERR_PORT_IN_USE, "is not a socket");
	cr_expect_str_eq(scratch_names(), "s ");
}

Test(unix_path, a_symbolic_link_is_not_followed)
{
	const int fd = their_socket(scratch_path("theirs"), SOCK_STREAM);

	(void)close(fd);
	cr_assert_eq(symlink("theirs", spec.path), 0);
	write_lock(scratch_path("theirs"));
	expect_refusal(ERR_PORT_IN_USE, "is not a socket");
	cr_expect_str_eq(scratch_names(), "s theirs ");
	cr_assert_eq(unlink(spec.path), 0);
	cr_assert_eq(symlink("nowhere", spec.path), 0);
	expect_refusal(ERR_PORT_IN_USE, "is not a socket");
	cr_expect_str_eq(scratch_names(), "s theirs ");
}

Test(unix_path, a_lock_that_is_a_link_is_not_followed)
{
	scratch_file("precious", "x");
	cr_assert_eq(symlink("precious", scratch_path("s.lock")), 0);
	cr_expect_eq(unix_path_bind(&spec, &made, &err), -1);
	cr_expect_str_eq(scratch_names(), "precious s.lock ");
}

/* A file that only has the name that our lock would have is left alone. */
Test(unix_path, a_lock_file_of_others_is_kept)
{
	scratch_file("s.lock", "precious");
	expect_refusal(ERR_PORT_IN_USE, "s.lock exists and is not mercuryd's");
	cr_expect_str_eq(scratch_names(), "s.lock ");
	cr_assert_eq(unlink(scratch_path("s.lock")), 0);
	/* Nor do we wait for who writes into it. */
	cr_assert_eq(mkfifo(scratch_path("s.lock"), 0600), 0);
	expect_refusal(ERR_PORT_IN_USE, "s.lock exists and is not mercuryd's");
	cr_assert_eq(unlink(scratch_path("s.lock")), 0);
	cr_assert_eq(mkdir(scratch_path("s.lock"), 0700), 0);
	cr_expect_eq(unix_path_bind(&spec, &made, &err), -1);
	cr_expect_str_eq(scratch_names(), "s.lock ");
}

Test(unix_path, one_path_serves_one_listener)
{
	struct unix_path second;
	const int fd = bind_it();

	cr_expect_eq(unix_path_bind(&spec, &second, &err), -1);
	cr_expect_eq(err.code, ERR_PORT_IN_USE);
	unix_path_remove(&second);
	cr_expect_str_eq(scratch_names(), "s s.lock ");
	expect_answer(spec.path);
	(void)close(fd);
	unix_path_remove(&made);
}

Test(unix_path, a_lock_that_others_hold_is_kept)
{
	int fd;

	scratch_file("s.lock", "");
	fd = open(scratch_path("s.lock"), O_RDWR | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	expect_refusal(ERR_PORT_IN_USE, "s.lock");
	cr_expect_str_eq(scratch_names(), "s.lock ");
	(void)close(fd);
	(void)bind_it();
	unix_path_remove(&made);
}

/* Anybody may make a file in a folder such as /tmp. */
Test(unix_path, a_lock_of_another_user_is_no_proof)
{
	if (geteuid() != 0)
		scratch_skip("only root can give a file away");
	(void)close(their_socket(spec.path, SOCK_STREAM));
	write_lock(spec.path);
	cr_assert_eq(chown(scratch_path("s.lock"), NOBODY, NOBODY), 0);
	expect_refusal(ERR_PORT_IN_USE, "s.lock");
	cr_expect_str_eq(scratch_names(), "s s.lock ");
}

Test(unix_path, what_took_our_place_is_kept)
{
	const int fd = bind_it();

	cr_assert_eq(unlink(spec.path), 0);
	scratch_file("s", "theirs");
	unix_path_remove(&made);
	cr_expect_str_eq(scratch_names(), "s ");
	(void)close(fd);
}

Test(unix_path, a_socket_that_is_gone_is_no_harm)
{
	const int fd = bind_it();

	cr_assert_eq(unlink(spec.path), 0);
	unix_path_remove(&made);
	cr_expect_str_eq(scratch_names(), "");
	(void)close(fd);
}

Test(unix_path, a_folder_that_is_missing_is_told)
{
	(void)strlcpy(spec.path, scratch_path("no/such/s"), sizeof(spec.path));
	expect_refusal(ERR_INVALID, "no/such/s: its folder does not exist");
	cr_expect_str_eq(scratch_names(), "");
}

Test(unix_path, the_longest_path_works)
{
	const size_t len = strlen(scratch_dir) + 1;
	int fd;

	(void)snprintf(spec.path, sizeof(spec.path), "%s/", scratch_dir);
	memset(spec.path + len, 'x', sizeof(spec.path) - 1 - len);
	spec.path[sizeof(spec.path) - 1] = '\0';
	fd = bind_it();
	expect_answer(spec.path);
	cr_expect_eq(strlen(scratch_names()),
	    2 * strlen(spec.path + len) + strlen(".lock") + 2);
	(void)close(fd);
	unix_path_remove(&made);
	cr_expect_str_eq(scratch_names(), "");
}
