/*
 * control_socket: the Unix socket that control's clients connect to. Bound by
 * the supervisor, which may own what an unprivileged process may not.
 */
#ifndef MERCURY_SUPERVISOR_CONTROL_SOCKET_H
#define MERCURY_SUPERVISOR_CONTROL_SOCKET_H

#include "common/err.h"
#include "common/spec.h"

/*
 * Bind and listen at settings->control_socket, replacing the socket of a
 * mercuryd that is dead; one that answers is an error. Returns the
 * descriptor, or -1 with *err.
 */
int control_socket_open(const struct daemon_settings *, struct err *err);

/* Remove the socket file if it still is ours. */
void control_socket_remove(void);

#endif /* MERCURY_SUPERVISOR_CONTROL_SOCKET_H */
