/*
 * unix_path: a Unix socket in the file system, and the proof that it is ours.
 *
 * Beside PATH stands PATH.lock, locked for as long as the socket is used. In
 * it we write which socket (device and inode) is ours. A socket that no such
 * file names was not made by mercuryd and is never touched; one that a file
 * names which nobody holds locked was left behind by a mercuryd that was
 * killed. A PATH.lock that says anything else is somebody else's.
 */
#ifndef MERCURY_SUPERVISOR_UNIX_PATH_H
#define MERCURY_SUPERVISOR_UNIX_PATH_H

#include <sys/types.h>

#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"

/* A socket file that we made; ours while its inode is the same. */
struct unix_path {
	char path[SPEC_PATH_SIZE]; /* empty: none */
	dev_t dev;
	ino_t ino;
	int lock_fd; /* -1: none */
};

/*
 * Bind a listening socket to spec->path with its mode, owner and group.
 * Returns it and fills *made; or -1 with *err, and nothing is changed.
 */
int unix_path_bind(const struct listener_spec *, struct unix_path *made,
    struct err *err);

/* Give the socket the spec's mode, owner and group. Returns 0, or -1. */
int unix_path_apply(const struct listener_spec *, const struct unix_path *,
    struct err *err);

/* Remove the socket if it still is ours, and its lock. */
void unix_path_remove(struct unix_path *);

#endif /* MERCURY_SUPERVISOR_UNIX_PATH_H */
