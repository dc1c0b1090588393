#include "common/role.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "common/spec.h"

static struct {
	pid_t supervisor;
	unsigned int grace_s;
} role;

const char *
role_name(enum role which)
{
	switch (which) {
	case ROLE_SUPERVISOR:
		return "supervisor";
	case ROLE_CONFIG:
		return "config";
	case ROLE_CONTROL:
		return "control";
	case ROLE_POOL:
		return "pool";
	case ROLE_STORE:
		return "store";
	case ROLE_GATEWAY:
		return "gateway";
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
role_start(enum role which)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1,
		SIGUSR2, SIGPIPE };
	static char name[32];
	size_t i;

	(void)snprintf(name, sizeof(name), "mercury-%s", role_name(which));
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

/* Who made the channel; our parent might be another one by now. */
static pid_t
find_supervisor(void)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(ROLE_CHANNEL_FD, SOL_SOCKET, SO_PEERCRED, &peer, &len) ==
	    -1)
		return -1;
	return peer.pid;
}

static void
on_supervisor_death(int sig)
{
	(void)sig;
	/* By then it is not our parent; else somebody just sent a signal. */
	if (getppid() != role.supervisor)
		(void)alarm(role.grace_s);
}

static int
catch_supervisor_death(void)
{
	struct sigaction action = { .sa_handler = on_supervisor_death,
		.sa_flags = SA_RESTART };
	sigset_t needed;

	(void)sigemptyset(&needed);
	(void)sigaddset(&needed, SIGUSR2);
	(void)sigaddset(&needed, SIGALRM);
	if (signal(SIGALRM, SIG_DFL) == SIG_ERR ||
	    sigaction(SIGUSR2, &action, NULL) == -1 ||
	    sigprocmask(SIG_UNBLOCK, &needed, NULL) == -1)
		return -1;
	return prctl(PR_SET_PDEATHSIG, SIGUSR2);
}

int
role_die_with_supervisor(uint32_t grace_ms, struct err *err)
{
	role.supervisor = find_supervisor();
	role.grace_s = grace_ms / 1000 + (grace_ms % 1000 != 0) + 1;
	if (role.supervisor == -1 || catch_supervisor_death() == -1)
		return err_sys(err, "watching the supervisor");
	if (getppid() != role.supervisor)
		return err_set(err, ERR_UNAVAILABLE,
		    "the supervisor is dead already");
	return 0;
}

/*
 * No mapping shall be in a core dump; see core(5). The file of a process that
 * can't be traced is root's.
 */
static int
dump_nothing(struct err *err)
{
	const int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	int result = -1;

	if (fd != -1)
		result = fd_write_all(fd, "0\n", 2);
	if (result == -1)
		(void)err_sys(err, "/proc/self/coredump_filter");
	if (fd != -1)
		(void)close(fd);
	return result;
}

int
role_keep_secrets(bool apart, struct err *err)
{
	if (!apart)
		return dump_nothing(err);
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return err_sys(err, "a process that leaves no core dump");
	return 0;
}
