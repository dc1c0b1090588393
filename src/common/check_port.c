#include "common/check_port.h"

#include <sys/socket.h>

/*
 * A socket that is bound without SO_REUSEADDR and does not listen keeps its
 * port from everybody. While it listens it does so anyway; and what it has
 * accepted inherits the option, without which those connections, ended, would
 * keep the port from a mercuryd that is started again (TIME_WAIT).
 */
static int
set_reuse(int fd, int reuse)
{
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
}

int
check_port_open(int fd, int backlog)
{
	if (set_reuse(fd, 1) == -1)
		return -1;
	return listen(fd, backlog);
}

int
check_port_close(int fd)
{
	/* It fails where it does not listen. */
	(void)shutdown(fd, SHUT_RDWR);
	return set_reuse(fd, 0);
}

void
check_port_leave(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
	(void)set_reuse(fd, 1);
}
