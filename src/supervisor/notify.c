#include "supervisor/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	struct sockaddr_un addr;
	socklen_t len; /* 0: nobody wants to know */
} target;

void
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path != NULL && (path[0] == '/' || path[0] == '@') &&
	    strlen(path) < sizeof(target.addr.sun_path)) {
		target.addr.sun_family = AF_UNIX;
		(void)strlcpy(target.addr.sun_path, path,
		    sizeof(target.addr.sun_path));
		target.len =
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			strlen(path));
		/* An abstract socket's name starts with NUL. */
		if (path[0] == '@')
			target.addr.sun_path[0] = '\0';
	}
	(void)unsetenv("NOTIFY_SOCKET");
}

void
notify_send(const char *states)
{
	int fd;

	if (target.len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return;
	(void)sendto(fd, states, strlen(states), MSG_NOSIGNAL,
	    (const struct sockaddr *)&target.addr, target.len);
	(void)close(fd);
}
