/* command_daemon: the commands about the daemon as a whole. */
#ifndef MERCURY_CTL_COMMAND_DAEMON_H
#define MERCURY_CTL_COMMAND_DAEMON_H

#include "ctl/command.h"

/* Each is the command of its name, see the table in command.c. */
enum ctl_exit command_reload(const struct options *, char **args, int count);
enum ctl_exit command_drain(const struct options *, char **args, int count);
enum ctl_exit command_undrain(const struct options *, char **args, int count);
enum ctl_exit command_shutdown(const struct options *, char **args, int count);

#endif /* MERCURY_CTL_COMMAND_DAEMON_H */
