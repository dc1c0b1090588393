/*
 * strays: processes that were left behind by a run of mercuryd, found by what
 * their environment says (ipc_msg.h).
 */
#ifndef MERCURY_CONFIG_STRAYS_H
#define MERCURY_CONFIG_STRAYS_H

#include <stdbool.h>

#include "common/ipc_msg.h"

/*
 * Kill them, and call found for each. end gets their number and when to look
 * again.
 */
typedef void stray_fn(const struct msg_stray *);
void strays_kill(const struct msg_config_find_strays *request, stray_fn *found,
    struct msg_strays_end *end);

/*
 * The supervisor's pid in a run of the mercuryd with this control socket; 0:
 * it is none. Pure.
 */
unsigned int strays_supervisor(const char *run, const char *control_socket);

#endif /* MERCURY_CONFIG_STRAYS_H */
