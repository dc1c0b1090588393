/*
 * access: who is at the other end of a control connection, and what may they
 * do. Decided before a byte is read.
 */
#ifndef MERCURY_CONTROL_ACCESS_H
#define MERCURY_CONTROL_ACCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Each includes the one before it. */
enum right { RIGHT_NONE, RIGHT_LOOK, RIGHT_DO };

struct access_rules {
	uid_t uid;         /* who, besides root, may do everything */
	gid_t control_gid; /* (gid_t)-1: none */
	gid_t readers_gid; /* (gid_t)-1: none */
};

struct access_peer {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t group_count;
};

/* What the rules let this peer do. */
enum right access_decide(const struct access_rules *,
    const struct access_peer *);

/*
 * Ask the kernel who is connected to fd. Returns 0 with *right and *is_root,
 * or -1 with *err.
 */
int access_check(int fd, const struct access_rules *, enum right *right,
    bool *is_root, struct err *err);

#endif /* MERCURY_CONTROL_ACCESS_H */
