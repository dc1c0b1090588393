/*
 * stand_in: in the place of a role, to fail as a test wants it to.
 *
 * The file "mood" in its folder has lines "TITLE DEED [NUMBER]". The first
 * whose TITLE is argv[1], or "*", says what to do; without one it becomes
 * the executable of its own name in the folder "real" beside it.
 */
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Leave a child of our own, which ends when we do, or, if it is to stay,
 * never. It may not hold our channel open.
 */
static void
leave_child(bool stays)
{
	const pid_t parent = getpid();

	if (fork() != 0)
		return;
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	while (stays || getppid() == parent)
		(void)usleep(10000);
	_exit(0);
}

static void
act(const char *deed, int number)
{
	if (strcmp(deed, "child") == 0)
		leave_child(number != 0);
	if (strcmp(deed, "exit") == 0)
		_exit(number);
	if (strcmp(deed, "signal") == 0)
		(void)raise(number);
	if (strcmp(deed, "hang") == 0)
		for (;;)
			(void)pause();
}

static void
follow(const char *dir, const char *title)
{
	char path[PATH_MAX + 8], line[160], whom[128], deed[16];
	FILE *f;
	int number = 0;

	(void)snprintf(path, sizeof(path), "%s/mood", dir);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%127s %15s %d", whom, deed, &number) < 2)
			continue;
		if (strcmp(whom, "*") == 0 || strcmp(whom, title) == 0) {
			act(deed, number);
			break;
		}
	}
	(void)fclose(f);
}

int
main(int argc, char **argv)
{
	char path[PATH_MAX], real[PATH_MAX + 8], *slash;
	const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n == -1)
		return 70;
	path[n] = '\0';
	slash = strrchr(path, '/');
	*slash = '\0';
	follow(path, argc > 1 ? argv[1] : "");
	(void)snprintf(real, sizeof(real), "%s/real/%s", path, slash + 1);
	(void)execv(real, argv);
	return 71;
}
