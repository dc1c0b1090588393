/*
 * stand_in: in the place of a role, to fail as a test wants it to.
 *
 * The file "mood" in its folder has lines "TITLE DEED [ARGUMENT]". The first
 * whose TITLE is argv[1], or "*", says what to do; without one it becomes
 * the executable of its own name in the folder "real" beside it.
 *
 * "stand_in --kinds ROLE" prints the messages that the role may send.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc.h"

struct kind {
	const char *name;
	unsigned int senders;
};

static const struct kind kinds[] = {
#define KIND(NAME, SENDERS, PAYLOAD, DESCRIPTORS) { #NAME, (SENDERS) },
	IPC_MESSAGES(KIND)
#undef KIND
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int
print_kinds(const char *role)
{
	unsigned int i, sender;

	for (sender = 1; strcmp(role_name((enum role)sender), role) != 0;)
		if ((sender <<= 1) > ROLE_GATEWAY)
			return 64;
	for (i = 0; i < KINDS; i++)
		if (kinds[i].senders & sender)
			(void)puts(kinds[i].name);
	return 0;
}

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

/* Until there is another mood, or none. */
static void
wait_for_change(const char *mood)
{
	struct stat old, now;

	if (stat(mood, &old) == -1)
		return;
	while (stat(mood, &now) == 0 && now.st_ino == old.st_ino)
		(void)usleep(5000);
}

/* Tell the supervisor this, with a payload of such bytes. */
static void
tell(const char *name, int byte)
{
	union ipc_payload payload;
	struct err err;
	unsigned int i;
	int fd;

	memset(&payload, byte, sizeof(payload));
	for (i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		fd = ipc_carries_fd((enum ipc_kind)i)
		    ? open("/dev/null", O_RDONLY | O_CLOEXEC)
		    : -1;
		(void)ipc_send(ROLE_CHANNEL_FD, (enum ipc_kind)i, &payload, fd,
		    true, &err);
		return;
	}
}

/*
 * "KIND", "KIND*TIMES", "exit", more of them after commas; "once" before them:
 * the next one in our place shall not. Without "exit" wait to be ended.
 */
static void
tell_all(const char *mood, char *what, int byte)
{
	char *one, *times, rest[8192];
	int n;

	while ((one = strsep(&what, ",")) != NULL) {
		if (strcmp(one, "once") == 0)
			(void)unlink(mood);
		if (strcmp(one, "exit") == 0)
			_exit(0);
		times = strchr(one, '*');
		n = times == NULL ? 1 : atoi(times + 1);
		if (times != NULL)
			*times = '\0';
		while (n-- > 0)
			tell(one, byte);
	}
	while (recv(ROLE_CHANNEL_FD, rest, sizeof(rest), 0) > 0)
		;
	_exit(0);
}

static void
act(const char *mood, const char *deed, char *argument)
{
	if (strcmp(deed, "child") == 0)
		leave_child(atoi(argument) != 0);
	if (strcmp(deed, "exit") == 0)
		_exit(atoi(argument));
	if (strcmp(deed, "signal") == 0)
		(void)raise(atoi(argument));
	if (strcmp(deed, "hang") == 0)
		for (;;)
			(void)pause();
	if (strcmp(deed, "wait") == 0)
		wait_for_change(mood);
	if (strcmp(deed, "zeros") == 0)
		tell_all(mood, argument, 0);
	if (strcmp(deed, "ones") == 0)
		tell_all(mood, argument, 0xff);
}

static void
follow(const char *dir, const char *title)
{
	char path[PATH_MAX + 8], line[2048], whom[128], deed[16];
	char argument[1600];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/mood", dir);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		argument[0] = '\0';
		if (sscanf(line, "%127s %15s %1599s", whom, deed, argument) < 2)
			continue;
		if (strcmp(whom, "*") == 0 || strcmp(whom, title) == 0) {
			act(path, deed, argument);
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

	if (argc == 3 && strcmp(argv[1], "--kinds") == 0)
		return print_kinds(argv[2]);
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
