/* config_dirs: the directories that must be there before the daemon runs. */
#ifndef MERCURY_CONFIG_CONFIG_DIRS_H
#define MERCURY_CONFIG_CONFIG_DIRS_H

#include <stdbool.h>

#include "common/err.h"
#include "common/spec.h"

/*
 * Make state_dir and its directory of saved listeners (0750, owned by uid and
 * gid unless they are SPEC_NO_ID), and the directory of the control socket
 * (0755). Only the last component of each is made; what is there is left as
 * it is. Returns 0, or -1 with *err.
 */
int config_dirs_make(const struct daemon_settings *, struct err *err);

/*
 * Could control, as the daemon's user, save listeners in state_dir? Returns
 * 0, also when nothing is there yet, or -1 with *err.
 */
int config_dirs_check(const struct daemon_settings *, struct err *err);

/*
 * The directory of the store's database, if there is a store. With make it is
 * made, as state_dir. Could the store, as the daemon's user, make its files
 * there? Returns 0, also when nothing is there yet, or -1 with *err: then the
 * daemon can do without.
 */
int config_dirs_store(const struct daemon_settings *, bool make,
    struct err *err);

#endif /* MERCURY_CONFIG_CONFIG_DIRS_H */
