#include "common/role.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

const char *
role_name(enum role role)
{
	switch (role) {
	case ROLE_SUPERVISOR:
		return "supervisor";
	case ROLE_CONFIG:
		return "config";
	case ROLE_CONTROL:
		return "control";
	case ROLE_POOL:
		return "pool";
	}
	return "unknown";
}

static int
channel_is_seqpacket(void)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(ROLE_CHANNEL_FD, SOL_SOCKET, SO_TYPE, &type, &len) ==
	    0 &&
	    type == SOCK_SEQPACKET;
}

void
role_start(enum role role)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1,
		SIGUSR2, SIGPIPE };
	static char name[32];
	size_t i;

	(void)snprintf(name, sizeof(name), "mercury-%s", role_name(role));
	if (!channel_is_seqpacket()) {
		(void)fprintf(stderr,
		    "%s: is started by mercuryd(8), not by hand\n", name);
		exit(2);
	}
	/* Nothing that a role starts may hold the channel open. */
	(void)fcntl(ROLE_CHANNEL_FD, F_SETFD, FD_CLOEXEC);
	/* fexecve(3) may have left the number of a descriptor as our name. */
	(void)prctl(PR_SET_NAME, name);
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	log_open(name);
}
