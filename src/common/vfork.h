/*
 * vfork: start a child that shares our memory and our descriptors, and has us
 * wait, until it executes a program or ends.
 *
 * It costs the same however large we are. The child may make system calls
 * and nothing else: what it writes to memory, it writes to ours.
 */
#ifndef MERCURY_COMMON_VFORK_H
#define MERCURY_COMMON_VFORK_H

#include <sys/types.h>

/* The exit code of a child that could not execute its program. */
#define VFORK_CANNOT_EXEC 127

/*
 * Run child(arg) in a new process. Its table of descriptors is ours until it
 * calls close_range(2) with CLOSE_RANGE_UNSHARE; no signal reaches it before
 * vfork_reset_signals(). Returns its pid, and in *pidfd a descriptor for it
 * (close-on-exec), or -1 with errno.
 */
pid_t vfork_run(int (*child)(void *), void *arg, int *pidfd);

/*
 * In the child: no handler, nothing ignored and no blocked signal of its
 * parent's.
 */
void vfork_reset_signals(void);

#endif /* MERCURY_COMMON_VFORK_H */
