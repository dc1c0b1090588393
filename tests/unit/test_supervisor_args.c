#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "supervisor/args.h"
#include "supervisor/supervisor.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX 12

#define DEFAULT_CONFIG SYSCONF_DIR "/mercury/mercury.conf"

/* Cut line at its spaces and parse it; what is parsed points into line. */
static void
parse(char *line, struct args *a)
{
	char *argv[WORDS_MAX + 1] = { NULL };
	int argc = 0;
	char *word;

	while ((word = strsep(&line, " ")) != NULL) {
		cr_assert_lt(argc, WORDS_MAX);
		argv[argc++] = word;
	}
	args_parse(argc, argv, a);
}

struct good_case {
	char line[64];
	char config[128];
	char pid_file[32]; /* empty: not given */
	bool foreground, check, debug;
};

ParameterizedTestParameters(args, good_ones)
{
	static struct good_case cases[] = {
		{ "mercuryd", DEFAULT_CONFIG, "", false, false, false },
		{ "mercuryd -f", DEFAULT_CONFIG, "", true, false, false },
		{ "mercuryd -t", DEFAULT_CONFIG, "", false, true, false },
		{ "mercuryd -d", DEFAULT_CONFIG, "", false, false, true },
		{ "mercuryd -ftd", DEFAULT_CONFIG, "", true, true, true },
		{ "mercuryd -c /a", "/a", "", false, false, false },
		{ "mercuryd -c/a -p/b", "/a", "/b", false, false, false },
		{ "mercuryd -fc a -p b", "a", "b", true, false, false },
		{ "mercuryd -c a -c b", "b", "", false, false, false },
		{ "mercuryd -c -f", "-f", "", false, false, false },
		{ "mercuryd -f --", DEFAULT_CONFIG, "", true, false, false },
	};

	return cr_make_param_array(struct good_case, cases, COUNT(cases));
}

ParameterizedTest(struct good_case *k, args, good_ones)
{
	struct args a = { 0 };

	parse(k->line, &a);
	cr_expect_str_eq(a.config, k->config);
	if (k->pid_file[0] == '\0')
		cr_expect_null(a.pid_file);
	else
		cr_expect_str_eq(a.pid_file, k->pid_file);
	cr_expect_eq(a.foreground, k->foreground);
	cr_expect_eq(a.check, k->check);
	cr_expect_eq(a.debug, k->debug);
}

struct ending_case {
	char line[64];
	int code;
	bool on_stderr; /* else on stdout; nothing on the other one */
	char says[1024];
};

ParameterizedTestParameters(args, some_end_it)
{
	static struct ending_case cases[] = {
		{ "mercuryd -x", EXIT_CODE_USAGE, true, "usage: mercuryd " },
		{ "mercuryd -x", EXIT_CODE_USAGE, true, "'x'" },
		{ "mercuryd -fx", EXIT_CODE_USAGE, true, "usage: mercuryd " },
		{ "mercuryd -c", EXIT_CODE_USAGE, true, "usage: mercuryd " },
		{ "mercuryd -p", EXIT_CODE_USAGE, true, "'p'" },
		{ "mercuryd --foreground", EXIT_CODE_USAGE, true, "usage: " },
		{ "mercuryd --help", EXIT_CODE_USAGE, true, "usage: " },
		{ "mercuryd start", EXIT_CODE_USAGE, true, "argument: start" },
		{ "mercuryd -f start", EXIT_CODE_USAGE, true,
		    "argument: start" },
		{ "mercuryd start -f", EXIT_CODE_USAGE, true, "usage: " },
		{ "mercuryd -f -- -t", EXIT_CODE_USAGE, true, "argument: -t" },
		{ "mercuryd -h", EXIT_CODE_CLEAN, false, "usage: mercuryd " },
		{ "mercuryd -h", EXIT_CODE_CLEAN, false, DEFAULT_CONFIG },
		{ "mercuryd -fh start", EXIT_CODE_CLEAN, false, "usage: " },
		{ "mercuryd -V", EXIT_CODE_CLEAN, false,
		    "mercuryd " PACKAGE_VERSION "\n" },
	};

	return cr_make_param_array(struct ending_case, cases, COUNT(cases));
}

/* All that comes from fd. */
static void
read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	(void)close(fd);
}

/* A sanitizer would have more to say at exit, and not of this process. */
static void
leave(int status, void *unused)
{
	(void)unused;
	(void)fflush(NULL);
	_exit(status);
}

ParameterizedTest(struct ending_case *k, args, some_end_it)
{
	char said[4096], other[4096];
	int out[2], err[2], status = -1;
	struct args a = { 0 };
	pid_t pid;

	cr_assert_eq(pipe(out), 0);
	cr_assert_eq(pipe(err), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		(void)on_exit(leave, NULL);
		parse(k->line, &a);
		_exit(99);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	read_all(k->on_stderr ? err[0] : out[0], said, sizeof(said));
	read_all(k->on_stderr ? out[0] : err[0], other, sizeof(other));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), k->code, "%d", WEXITSTATUS(status));
	cr_expect_not_null(strstr(said, k->says), "%s", said);
	cr_expect_str_empty(other);
}

/* These numbers are a contract with init scripts: mercuryd(8). */
Test(args, exit_codes_are_a_contract)
{
	cr_expect_eq(EXIT_CODE_CLEAN, 0);
	cr_expect_eq(EXIT_CODE_FAILURE, 1);
	cr_expect_eq(EXIT_CODE_USAGE, 2);
	cr_expect_eq(EXIT_CODE_CANNOT_BIND, 69);
	cr_expect_eq(EXIT_CODE_BAD_CONFIG, 78);
}

Test(args, relative_paths_become_absolute, .init = scratch_make,
    .fini = scratch_remove)
{
	struct args a = { .config = "mercury.conf", .pid_file = "run/pid" };

	cr_assert_eq(chdir(scratch_dir), 0);
	args_resolve(&a);
	cr_assert_eq(chdir("/"), 0);
	cr_expect_str_eq(a.config, scratch_path("mercury.conf"));
	cr_expect_str_eq(a.pid_file, scratch_path("run/pid"));
	free((char *)(uintptr_t)a.config);
	free((char *)(uintptr_t)a.pid_file);
}

Test(args, absolute_paths_and_none_stay_as_they_are)
{
	struct args a = { .config = "/etc/mercury.conf" };

	args_resolve(&a);
	cr_expect_str_eq(a.config, "/etc/mercury.conf");
	cr_expect_null(a.pid_file);
	a.pid_file = "/run/../run/pid";
	args_resolve(&a);
	cr_expect_str_eq(a.pid_file, "/run/../run/pid");
}
