/*
 * loader: gets the table of calls out of a module, a shared object that
 * somebody else has written, and checks it.
 *
 * A module that is in use stays loaded as long as the worker lives: nobody can
 * know what it has left behind. One that was refused goes, so that a better
 * one can come in its place.
 */
#ifndef MERCURY_MODULE_LOADER_H
#define MERCURY_MODULE_LOADER_H

#include <mercury/protocol.h>

#include "common/err.h"

/*
 * Load the module at path, which is absolute, and copy its table to *out; what
 * a header older than ours did not have is 0. Returns what loader_unload()
 * takes, or NULL with *err, which says what is wrong with it and what would be
 * right.
 */
void *loader_load(const char *path, struct mercury_protocol *out,
    struct err *err);

/* It is of no use; none of it may be called any more. */
void loader_unload(void *module);

/* As above, of a table: for loader_load(), and for tests. */
int loader_check(const char *path, const struct mercury_protocol *table,
    struct mercury_protocol *out, struct err *err);

#endif /* MERCURY_MODULE_LOADER_H */
