/*
 * under_callgrind: stands where a role's executable is looked for, and runs
 * the real one under valgrind's callgrind.
 *
 * The real one has the same name in the folder real beside it; what was
 * counted goes to callgrind.out.PID beside it. The supervisor starts roles
 * from a descriptor, so that this can't be a script.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 64

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* The folder of this executable, and its name; both are kept. */
static const char *
whoami(char *path, size_t size)
{
	const ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n == -1)
		die("/proc/self/exe");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		die(path);
	*slash = '\0';
	return slash + 1;
}

int
main(int argc, char **argv)
{
	static char path[PATH_MAX], real[2 * PATH_MAX], out[2 * PATH_MAX];
	const char *name = whoami(path, sizeof(path));
	const char *args[ARGS_MAX] = { "valgrind", "--tool=callgrind", "-q",
		"--vgdb=no", out, real };
	int i;

	if (argc > ARGS_MAX - 7)
		return 2;
	(void)snprintf(out, sizeof(out),
	    "--callgrind-out-file=%s/callgrind.out.%%p", path);
	(void)snprintf(real, sizeof(real), "%s/real/%s", path, name);
	for (i = 1; i < argc; i++)
		args[5 + i] = argv[i];
	execv("/usr/bin/valgrind", (char *const *)(uintptr_t)args);
	die("/usr/bin/valgrind");
	return 1;
}
