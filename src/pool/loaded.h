/*
 * loaded: a table of calls out of a shared object of Mercury's own, which a
 * worker loads when it first needs it, and never unloads.
 */
#ifndef MERCURY_POOL_LOADED_H
#define MERCURY_POOL_LOADED_H

#include <stddef.h>

#include "common/err.h"

/* How each such table begins. */
struct loaded_head {
	char build[64];
	size_t size;
};

struct loaded_wish {
	const char *what;   /* for messages, such as "TLS" */
	const char *symbol; /* of the table */
	const char *build;  /* what it must say, and its size */
	size_t size;
};

/*
 * Load the shared object that fd is open on. Returns its table, which lives as
 * long as the process, or NULL with *err, also when it is of another build.
 *
 * With success fd must stay open as long as the process: its number is in the
 * name that dlopen(3) knows the object by, and for another object with the same
 * name it would return this one again.
 */
const void *loaded_table(int fd, const struct loaded_wish *, struct err *err);

#endif /* MERCURY_POOL_LOADED_H */
