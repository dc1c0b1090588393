/* proc: what /proc tells of other processes. */
#ifndef MERCURY_CONFIG_PROC_H
#define MERCURY_CONFIG_PROC_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc_msg.h"

/* Call fn for each process, until it returns false. */
typedef bool proc_fn(void *ctx, pid_t pid);
void proc_each(proc_fn *fn, void *ctx);

/* Its name, printable; empty when it is gone. */
void proc_name(pid_t pid, char out[static PROCESS_NAME_SIZE]);

/* When it started, in clock ticks since boot; UINT64_MAX when it is gone. */
uint64_t proc_start(pid_t pid);

/*
 * The value of a variable in the environment that it was started with.
 * Returns false when there is none that fits, or it may not be read.
 */
bool proc_variable(pid_t pid, const char *name, char *out, size_t size);

/* Is it in our own pid namespace, so that its pids mean what ours do? */
bool proc_is_near(pid_t pid);

/* Has it a descriptor of the socket with this inode? */
bool proc_has_socket(pid_t pid, unsigned long long inode);

#endif /* MERCURY_CONFIG_PROC_H */
