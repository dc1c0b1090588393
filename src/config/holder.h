/* holder: the process that has a TCP port or the path of a Unix socket. */
#ifndef MERCURY_CONFIG_HOLDER_H
#define MERCURY_CONFIG_HOLDER_H

#include <stdbool.h>

#include "common/ipc_msg.h"

/*
 * Who keeps others from binding this place? Of several that have the same
 * socket it is the one that started first. holder->pid is 0 if nobody has it,
 * or we may not see who.
 */
void holder_find(const struct msg_config_find_holder *place,
    struct msg_holder *holder);

/*
 * Does a row of /proc/net/tcp or tcp6 keep us from binding place? *inode is
 * its socket, *listening whether that listens. Pure.
 */
bool holder_row_matches(const char *row,
    const struct msg_config_find_holder *place, unsigned long long *inode,
    bool *listening);

#endif /* MERCURY_CONFIG_HOLDER_H */
