/*
 * world: what a supervisor finds around it, for fuzzing: processes that are
 * none, sockets that are bound nowhere, and a clock that only moves when it is
 * told to. World owns all of it; a process is gone once it was reaped.
 */
#ifndef MERCURY_TESTS_FUZZ_WORLD_H
#define MERCURY_TESTS_FUZZ_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/role.h"

#define WORLD_PROCESSES 64
#define WORLD_SHARED 4

struct process {
	bool exists;
	bool dead;    /* and not reaped yet */
	bool mute;    /* it neither reads nor answers */
	bool hung_up; /* it has closed its channel */
	enum role role;
	unsigned int age; /* the order in which they were made */
	int channel;      /* its end; -1: closed */
	int pidfd;        /* the supervisor's */
	int code;         /* that it has exited with; -1: by signal */
	int signal;
	int shared[WORLD_SHARED]; /* memory that it may write to; -1: none */
	uint64_t listener_id;     /* of the last LISTEN */
	uint32_t slot;
};

/*
 * In between the clock stands still, but for world_wait(). Returns how many
 * processes were not reaped.
 */
void world_begin(void);
unsigned int world_end(void);
void world_wait(uint32_t ms);

/* The process with that number among those that live; NULL: there are none. */
struct process *world_process(unsigned int number);

/* The oldest of that role that lives, or NULL. */
struct process *world_role(enum role role);

/* It ends: with that code, or, -1, killed by the signal. */
void world_exit(struct process *, int code, int signal);

/* Keep a duplicate of memory that it has got. */
void world_share(struct process *, int fd);

#endif /* MERCURY_TESTS_FUZZ_WORLD_H */
