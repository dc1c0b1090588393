/*
 * sandbox: what a role may ask of the kernel, from when it is set up to its
 * end. A profile is made of a table, NAME.rules, when the programs are built;
 * see filter_maker.c for what those say. Never for the supervisor: a filter
 * outlives an upgrade of it, and its children have it, too.
 */
#ifndef MERCURY_SANDBOX_SANDBOX_H
#define MERCURY_SANDBOX_SANDBOX_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* In a filter, for our own pid, which is put there when it is known. */
#define SANDBOX_SELF 0x6d657263u

struct sandbox_profile {
	const char *name;
	const struct sock_filter *filter; /* NULL: built without */
	unsigned short length;
	bool no_processes; /* it starts none, nor threads */
	bool no_files;     /* it writes to none */
};

extern const struct sandbox_profile sandbox_config;
extern const struct sandbox_profile sandbox_control;
extern const struct sandbox_profile sandbox_gateway;
extern const struct sandbox_profile sandbox_pool;
extern const struct sandbox_profile sandbox_programs; /* a pool's that starts
							 some */
extern const struct sandbox_profile sandbox_store;

/* Why there is no filter, for people; NULL: there can be one. */
const char *sandbox_missing(void);

/*
 * Enter it for good: limits, and the filter. The last thing that a role does
 * before it looks at what comes from outside, and after role_drop_rights().
 * Where the kernel takes no filter, that is logged as a warning, and is no
 * error. Returns 0, or -1 with *err: the role must not go on.
 */
int sandbox_enter(const struct sandbox_profile *, struct err *err);

#endif /* MERCURY_SANDBOX_SANDBOX_H */
