/*
 * spawn: fork and exec of a role executable.
 *
 * The executables are opened once, at start, and children are started from
 * those descriptors: a package upgrade underneath can't mix versions.
 */
#ifndef MERCURY_SUPERVISOR_SPAWN_H
#define MERCURY_SUPERVISOR_SPAWN_H

#include <sys/types.h>

#include <stdint.h>

#include "common/err.h"
#include "common/role.h"

/*
 * Open the executables of all roles in dir. Returns 0, or -1 with *err that
 * names the file.
 */
int spawn_open(const char *dir, struct err *err);

/* What workers load: mercury-tls.so and mercury-dns.so. */
enum spawn_module { SPAWN_TLS, SPAWN_DNS, SPAWN_MODULE_COUNT };

/* One of these, opened with the executables (borrowed). */
int spawn_module(enum spawn_module);

/* Close them again. */
void spawn_close(void);

/* How a child is to be started. */
struct spawn {
	enum role role;
	const char *title; /* argv[1], for ps(1) only; may be NULL */
	int channel_fd;    /* becomes ROLE_CHANNEL_FD */
	int output_fd;     /* becomes stdout and stderr */
};

/*
 * Start a child; we wait until it has exec'ed, about half a millisecond. Until
 * it drops its rights (role_drop_rights()) it has ours. Nothing but stdin
 * (/dev/null), output_fd and channel_fd survives in it. Returns its pid and
 * sets *pidfd, which the caller owns; or -1 with *err.
 */
pid_t spawn(const struct spawn *, int *pidfd, struct err *err);

#endif /* MERCURY_SUPERVISOR_SPAWN_H */
