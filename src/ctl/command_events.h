/* command_events: what the store has kept, and its cleanup. */
#ifndef MERCURY_CTL_COMMAND_EVENTS_H
#define MERCURY_CTL_COMMAND_EVENTS_H

#include "ctl/command.h"

/* Each is the command of its name, see the table in command.c. */
enum ctl_exit command_events(const struct options *, char **args, int count);
enum ctl_exit command_cleanup(const struct options *, char **args, int count);

#endif /* MERCURY_CTL_COMMAND_EVENTS_H */
