/* args: the command line of mercuryd(8). */
#ifndef MERCURY_SUPERVISOR_ARGS_H
#define MERCURY_SUPERVISOR_ARGS_H

#include <stdbool.h>

struct args {
	const char *config;   /* -c; absolute after args_resolve() */
	const char *pid_file; /* -p; NULL: beside the control socket */
	bool foreground;      /* -f */
	bool check;           /* -t */
	bool debug;           /* -d */
};

/*
 * Parse the command line; strings are borrowed from argv. Prints what -h and
 * -V ask for, or what is wrong, and exits then.
 */
void args_parse(int argc, char **argv, struct args *);

/*
 * Make paths absolute, since a daemon leaves its folder. What is allocated
 * lives as long as the process. Exits on failure.
 */
void args_resolve(struct args *);

#endif /* MERCURY_SUPERVISOR_ARGS_H */
