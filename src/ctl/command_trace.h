/* command_trace: trace. */
#ifndef MERCURY_CTL_COMMAND_TRACE_H
#define MERCURY_CTL_COMMAND_TRACE_H

#include "ctl/command.h"

enum ctl_exit command_trace(const struct options *, char **args, int count);

#endif /* MERCURY_CTL_COMMAND_TRACE_H */
