/* command_listener: the commands that change listeners. */
#ifndef MERCURY_CTL_COMMAND_LISTENER_H
#define MERCURY_CTL_COMMAND_LISTENER_H

#include "ctl/command.h"

/* Each is the command of its name, see the table in command.c. */
enum ctl_exit command_add_listener(const struct options *, char **args,
    int count);
enum ctl_exit command_remove_listener(const struct options *, char **args,
    int count);
enum ctl_exit command_update_listener(const struct options *, char **args,
    int count);
enum ctl_exit command_pause(const struct options *, char **args, int count);
enum ctl_exit command_resume(const struct options *, char **args, int count);
enum ctl_exit command_restart_listener(const struct options *, char **args,
    int count);

#endif /* MERCURY_CTL_COMMAND_LISTENER_H */
