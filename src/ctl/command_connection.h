/* command_connection: the commands connections and kick. */
#ifndef MERCURY_CTL_COMMAND_CONNECTION_H
#define MERCURY_CTL_COMMAND_CONNECTION_H

#include "ctl/command.h"

/* Each runs the command of its name with its arguments. */
enum ctl_exit command_connections(const struct options *, char **args,
    int count);
enum ctl_exit command_kick(const struct options *, char **args, int count);

#endif /* MERCURY_CTL_COMMAND_CONNECTION_H */
