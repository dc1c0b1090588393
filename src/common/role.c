#include "common/role.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/spec.h"

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

int
role_drop_rights(uint32_t uid, uint32_t gid, struct err *err)
{
	if (uid != SPEC_NO_ID &&
	    (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
		setresuid(uid, uid, uid) == -1))
		return err_sys(err, "becoming user %u, group %u", uid, gid);
	/* Never believe it unseen: a root worker would be the worst case. */
	if (uid != SPEC_NO_ID && uid != 0 && setuid(0) != -1)
		return err_set(err, ERR_PERMISSION,
		    "user %u can still become root", uid);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "no_new_privs");
	return 0;
}
