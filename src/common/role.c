#include "common/role.h"

#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
	/*
	 * Peers are nobody's business, whatever is written. Programs that a
	 * pool starts have the umask that mercuryd was started with.
	 */
	if (which != ROLE_POOL)
		(void)umask(027);
	log_open(name);
}

/* What no user would give back. Returns 0, or -1 with *err. */
static int
empty_bounding_set(struct err *err)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) == -1 && errno != EPERM)
			return err_sys(err, "capability %d", cap);
	return 0;
}

/* Those of a mercuryd that is an ordinary user with some rights. */
static int
drop_capabilities(struct err *err)
{
	const struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	const struct __user_cap_data_struct none[2] = { { .effective = 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 ||
	    syscall(SYS_capset, &header, none) == -1)
		return err_sys(err, "dropping capabilities");
	return 0;
}

int
role_drop_rights(uint32_t uid, uint32_t gid, struct err *err)
{
	if (empty_bounding_set(err) == -1)
		return -1;
	if (uid != SPEC_NO_ID &&
	    (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
		setresuid(uid, uid, uid) == -1))
		return err_sys(err, "becoming user %u, group %u", uid, gid);
	if (drop_capabilities(err) == -1)
		return -1;
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

int
role_keep_secrets(bool apart, struct err *err)
{
	struct rlimit core;

	/* A limit that is 0 can't be raised; it keeps core files away, too. */
	if (getrlimit(RLIMIT_CORE, &core) == -1)
		return err_sys(err, "getrlimit");
	core.rlim_max = MIN(core.rlim_max, ROLE_NO_CORE);
	core.rlim_cur = core.rlim_max;
	if (setrlimit(RLIMIT_CORE, &core) == -1)
		return err_sys(err, "a limit of core dumps");
	if (apart && prctl(PR_SET_DUMPABLE, 0) == -1)
		return err_sys(err, "a process that leaves no core dump");
	return 0;
}
