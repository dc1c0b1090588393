/*
 * options: what stands on the command line beside the command and its
 * arguments. Options may stand before and after the command.
 */
#ifndef MERCURY_CTL_OPTIONS_H
#define MERCURY_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

/* Each a bit: those that were given, and those that a command takes. */
enum option_bit {
	OPTION_SOCKET = 1 << 0,
	OPTION_JSON = 1 << 1,
	OPTION_TIMEOUT = 1 << 2,
	OPTION_HELP = 1 << 3,
	OPTION_VERSION = 1 << 4,
	OPTION_WATCH = 1 << 5,
	OPTION_FILE = 1 << 6,
	OPTION_SAVE = 1 << 7,
	OPTION_DEADLINE = 1 << 8,
	OPTION_QUEUE = 1 << 9,
	OPTION_ALL = 1 << 10,
	OPTION_DRY_RUN = 1 << 11,
	OPTION_WINDOW = 1 << 12,
	OPTION_SINCE = 1 << 13,
	OPTION_LISTENER = 1 << 14,
	OPTION_TYPE = 1 << 15,
	OPTION_SEVERITY = 1 << 16,
	OPTION_LIMIT = 1 << 17,
	OPTION_FOLLOW = 1 << 18,
	OPTION_OLDER_THAN = 1 << 19,
	OPTION_PEER = 1 << 20,
	OPTION_IDLE = 1 << 21,
	OPTION_COUNT = 1 << 22,
	OPTION_PCAP = 1 << 23,
	OPTION_OUTPUT = 1 << 24
};

/* Those that every command takes. */
#define OPTIONS_GLOBAL                                                 \
	((unsigned int)(OPTION_SOCKET | OPTION_JSON | OPTION_TIMEOUT | \
	    OPTION_HELP | OPTION_VERSION | OPTION_OUTPUT))

struct options {
	unsigned int given; /* set of enum option_bit */
	const char *socket;
	/* As given, such as "5s"; NULL: not given. */
	const char *file, *timeout, *deadline, *window;
	const char *since, *listener, *type, *severity, *limit, *older_than;
	const char *peer, *idle, *records, *pcap, *output, *every;
	uint64_t timeout_ms;    /* how long to wait for the daemon */
	uint64_t limit_rows;    /* 0: all */
	uint64_t count_records; /* 0: all */
	uint64_t every_ms;      /* --watch: from one look to the next */
	uint64_t deadline_ms;   /* 0: none was given */
	char **args; /* what is left: the command and its arguments */
	int count;   /* of args */
};

/*
 * Take argv apart. All text is borrowed from argv and the environment.
 * Returns 0, or -1 with *err: a usage error.
 */
int options_parse(int argc, char **argv, struct options *, struct err *err);

/* The first given option that is not in allowed, such as "--watch"; or NULL. */
const char *options_unwanted(const struct options *, unsigned int allowed);

/* List the global options with their help. */
void options_help(FILE *);

#endif /* MERCURY_CTL_OPTIONS_H */
