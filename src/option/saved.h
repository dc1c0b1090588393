/*
 * saved: listeners that were added with --save: one file each, a JSON object
 * of its name and the options that were given, in STATE_DIR/listeners.
 *
 * Written by control, as daemon.user; read by config, which may be root and
 * so takes the files for hostile.
 */
#ifndef MERCURY_OPTION_SAVED_H
#define MERCURY_OPTION_SAVED_H

#include <stdint.h>

#include "common/err.h"
#include "common/wanted.h"

/* The directory within state_dir. */
#define SAVED_DIR "listeners"

/*
 * Saving takes two steps, so that what can fail fails before the listener is
 * touched. First write the options of its set to a draft, a file that nobody
 * reads, and have it on disk; draft is a number of the caller's choice that
 * tells it from others. Returns 0, or -1 with *err and no draft left.
 */
int saved_prepare(const char *state_dir, const struct wanted *, uint32_t draft,
    struct err *err);

/* Then let it take the place of the listener's file, if there is one. */
int saved_commit(const char *state_dir, const char *name, uint32_t draft,
    struct err *err);

/* Or remove the draft; it is fine when there is none. */
void saved_abandon(const char *state_dir, const char *name, uint32_t draft);

/* Remove the drafts of a process that did not live to do it. */
void saved_sweep(const char *state_dir);

/* Remove the file of a listener; it is fine when there is none. */
int saved_remove(const char *state_dir, const char *name, struct err *err);

/*
 * One saved listener. file is its path; when it is of no use, wanted is NULL
 * and err says why, else err is NULL. All is borrowed during the call.
 */
typedef void saved_fn(void *ctx, const char *file, const struct wanted *wanted,
    const struct err *err);

/*
 * Call fn for each saved listener, in the order of their names. Returns 0,
 * also when nothing was ever saved, or -1 with *err (permission: the
 * directory may not be read).
 */
int saved_read_all(const char *state_dir, saved_fn *fn, void *ctx,
    struct err *err);

#endif /* MERCURY_OPTION_SAVED_H */
