#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "supervisor/pid_file.h"

TestSuite(pid_file, .init = scratch_make, .fini = scratch_remove,
    .timeout = 60);

static void
open_it(void)
{
	struct err err = { 0 };

	cr_assert_eq(pid_file_open(scratch_path("pid"), &err), 0, "%s",
	    err.text);
}

static long
pid_in_file(void)
{
	long pid = -1;
	FILE *f = fopen(scratch_path("pid"), "r");

	cr_assert_not_null(f);
	cr_assert_eq(fscanf(f, "%ld", &pid), 1);
	(void)fclose(f);
	return pid;
}

Test(pid_file, holds_our_pid_until_it_is_removed)
{
	const unsigned int before = scratch_open_fds();
	struct stat st;

	(void)umask(077);
	open_it();
	cr_expect_eq(pid_in_file(), getpid());
	cr_assert_eq(stat(scratch_path("pid"), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0644, "%o", st.st_mode);
	pid_file_remove();
	cr_expect_str_eq(scratch_names(), "");
	cr_expect_eq(scratch_open_fds(), before);
	pid_file_remove();
}

/* The lock dies with us; a worker that inherited it would keep it. */
Test(pid_file, its_descriptor_is_close_on_exec)
{
	const unsigned int before = scratch_open_fds();
	struct stat st, file;
	int fd, flags = 0;

	open_it();
	cr_expect_eq(scratch_open_fds(), before + 1);
	cr_assert_eq(stat(scratch_path("pid"), &file), 0);
	for (fd = 0; fd < 1000; fd++)
		if (fstat(fd, &st) == 0 && st.st_ino == file.st_ino &&
		    st.st_dev == file.st_dev)
			flags = fcntl(fd, F_GETFD);
	cr_expect(flags & FD_CLOEXEC);
	pid_file_remove();
}

/* In another process: its error must name us. Its exit code says so. */
static int
open_a_second(pid_t holder)
{
	struct err err = { 0 };
	char want[32];

	(void)snprintf(want, sizeof(want), "pid %d", (int)holder);
	if (pid_file_open(scratch_path("pid"), &err) != -1)
		return 1;
	if (err.code != ERR_EXISTS)
		return 2;
	return strstr(err.text, want) != NULL ? 0 : 3;
}

Test(pid_file, a_second_opener_is_refused)
{
	int status = -1;
	pid_t pid;

	open_it();
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0)
		_exit(open_a_second(getppid()));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
	cr_expect_eq(pid_in_file(), getpid(), "the second one wrote it");
	pid_file_remove();
}

/* A mercuryd that was killed leaves its file, but no lock. */
Test(pid_file, one_that_was_left_behind_is_taken)
{
	scratch_file("pid", "999999999\n");
	open_it();
	cr_expect_eq(pid_in_file(), getpid());
	pid_file_remove();
	cr_expect_str_eq(scratch_names(), "");
}

Test(pid_file, a_path_that_can_not_be_is_told)
{
	struct err err = { 0 };

	cr_expect_eq(pid_file_open(scratch_path("no/such/pid"), &err), -1);
	cr_expect_not_null(strstr(err.text, "no/such/pid"), "%s", err.text);
	cr_expect_neq(err.code, ERR_EXISTS);
	pid_file_remove();
	cr_expect_str_eq(scratch_names(), "");
	/* And afterwards a good one works. */
	open_it();
	pid_file_remove();
}
