/* command_status: the table that an operator looks at first. */
#ifndef MERCURY_CTL_COMMAND_STATUS_H
#define MERCURY_CTL_COMMAND_STATUS_H

#include "ctl/command.h"

/* The command of its name, see the table in command.c. */
enum ctl_exit command_status(const struct options *, char **args, int count);

#endif /* MERCURY_CTL_COMMAND_STATUS_H */
