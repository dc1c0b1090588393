/* command_tree: the supervision tree. */
#ifndef MERCURY_CTL_COMMAND_TREE_H
#define MERCURY_CTL_COMMAND_TREE_H

#include "ctl/command.h"

/* The command of its name, see the table in command.c. */
enum ctl_exit command_tree(const struct options *, char **args, int count);

#endif /* MERCURY_CTL_COMMAND_TREE_H */
