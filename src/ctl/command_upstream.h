/* command_upstream: upstreams and upstream-set, see command.h. */
#ifndef MERCURY_CTL_COMMAND_UPSTREAM_H
#define MERCURY_CTL_COMMAND_UPSTREAM_H

#include "ctl/client.h"
#include "ctl/options.h"

enum ctl_exit command_upstreams(const struct options *, char **args, int count);
enum ctl_exit command_upstream_set(const struct options *, char **args,
    int count);

#endif /* MERCURY_CTL_COMMAND_UPSTREAM_H */
