/*
 * command: the table of commands, their help, and what they share.
 */
#ifndef MERCURY_CTL_COMMAND_H
#define MERCURY_CTL_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/options.h"

#define COMMAND_ARGS_ANY 1000

struct command {
	const char *name;
	const char *usage; /* what follows the name */
	const char *help;
	unsigned int options; /* set of enum option_bit, beside the global */
	int args_min;
	int args_max;
	void (*more_help)(FILE *); /* what its help lists; NULL: nothing */
	enum ctl_exit (*run)(const struct options *, char **args, int count);
};

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

/* The one that was probably meant by a name that there is not; or NULL. */
const struct command *command_nearest(const char *name);

/* Help about everything, or about one command. */
void command_help_all(FILE *);
void command_help(FILE *, const struct command *);

/* Say on stderr what is wrong; returns CTL_USAGE. */
enum ctl_exit command_usage_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* Say on stderr why it did not work; returns its exit code. */
enum ctl_exit command_failed(const struct failure *);

/* When to give up, on CLOCK_MONOTONIC. */
uint64_t command_deadline(const struct options *);

/*
 * Connect, call a method with params (taken), print the result where --json
 * is wanted, and hang up. Returns CTL_DONE with *result for json_decref(), or
 * what command_failed() returned.
 */
enum ctl_exit command_call(const struct options *, const char *method,
    json_t *params, json_t **result);

/* The same for a method that changes something; see client_open(). */
enum ctl_exit command_change(const struct options *, const char *method,
    json_t *params, json_t **result);

/* The same for listener.remove of name, which shows its progress. */
enum ctl_exit command_remove(const struct options *, const char *name,
    json_t *params, json_t **result);

/* The same for listener.restart, which shows its progress. */
enum ctl_exit command_restart(const struct options *, json_t *params,
    json_t **result);

#endif /* MERCURY_CTL_COMMAND_H */
