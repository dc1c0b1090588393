/* command_supervisor: what the supervisor knows of its children. */
#ifndef MERCURY_CTL_COMMAND_SUPERVISOR_H
#define MERCURY_CTL_COMMAND_SUPERVISOR_H

#include "ctl/command.h"

/* Each is the command of its name, see the table in command.c. */
enum ctl_exit command_history(const struct options *, char **args, int count);
enum ctl_exit command_failure_rate(const struct options *, char **args,
    int count);
enum ctl_exit command_stats(const struct options *, char **args, int count);

#endif /* MERCURY_CTL_COMMAND_SUPERVISOR_H */
