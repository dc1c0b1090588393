/*
 * role: which kind of process this is, and the prologue of every child.
 */
#ifndef MERCURY_COMMON_ROLE_H
#define MERCURY_COMMON_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* A set bit each: the IPC table names who may send a message. */
enum role {
	ROLE_SUPERVISOR = 1 << 0,
	ROLE_CONFIG = 1 << 1,
	ROLE_CONTROL = 1 << 2,
	ROLE_POOL = 1 << 3,
	ROLE_STORE = 1 << 4,
	ROLE_GATEWAY = 1 << 5,
};

/* Where a child finds its end of the socketpair to the supervisor. */
#define ROLE_CHANNEL_FD 3

/* "config", "control", "gateway" and so on; never NULL. */
const char *role_name(enum role);

/*
 * The start of every child's main(): check that the supervisor started us
 * (else say so on stderr and exit 2), name the process, and ignore the
 * signals that a terminal or killall(1) sends to the whole family, for it is
 * the supervisor that decides when a child stops. Logging goes to stderr
 * until the first message brings the settings (log.h).
 */
void role_start(enum role);

/*
 * Give up every right for good: become that user and group (SPEC_NO_ID: stay
 * who we are), have no capability, nor any that could come back, and take
 * no_new_privs. The first message brings the ids. This
 * is done after exec and not before, since until then the supervisor waits
 * (spawn.h), and whoever has our user id could stop us with a signal.
 * Returns 0, or -1 with *err: the role must not go on.
 */
int role_drop_rights(uint32_t uid, uint32_t gid, struct err *err);

/*
 * A backstop for a role whose event loop is stuck, so that it can't see the
 * channel close: should the supervisor die, we are killed by SIGALRM when
 * grace_ms have passed, and one to two seconds more for the normal way to
 * come first. To be called after role_drop_rights(), which would disarm it.
 * Returns 0, or -1 with *err, also when the supervisor is dead already: the
 * role must not go on.
 */
int role_die_with_supervisor(uint32_t grace_ms, struct err *err);

/*
 * The limit of core dumps with which there is none at all. With 0 a program
 * that takes them, see core(5), would be handed one all the same; 1 is what the
 * kernel takes for the end of that.
 */
#define ROLE_NO_CORE 1

/*
 * There are, or will be, secrets in our memory: leave nothing of it in a core
 * dump. Where we run as another user than the supervisor (apart), we can't be
 * traced either; one of the same user has to be found in /proc when it is left
 * behind. To be called after role_drop_rights(). Returns 0, or -1 with *err.
 */
int role_keep_secrets(bool apart, struct err *err);

#endif /* MERCURY_COMMON_ROLE_H */
