/*
 * exit_table: how the programs of a listener ended: a table in a worker's
 * scoreboard, which has one writer, and the sum of several such tables.
 */
#ifndef MERCURY_COMMON_EXIT_TABLE_H
#define MERCURY_COMMON_EXIT_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EXIT_CODES 256u
#define EXIT_SIGNALS 65u /* by their number; 0 is none */

/* Those that were started, that could not be, and how they ended. */
#define EXIT_CELLS (2u + EXIT_CODES + EXIT_SIGNALS)

struct exit_table {
	_Alignas(64) _Atomic uint64_t cells[EXIT_CELLS];
};

/* Zeroed, it has none. */
struct exit_sum {
	uint64_t started;
	uint64_t failed; /* could not be started */
	uint64_t codes[EXIT_CODES];
	uint64_t signals[EXIT_SIGNALS];
};
/* Forget all; the writer's side, as the next three. */
void exit_table_clear(struct exit_table *);

void exit_table_start(struct exit_table *);
void exit_table_fail(struct exit_table *);

/* status: exit code, or number of the signal; none that can be is nothing. */
void exit_table_end(struct exit_table *, bool by_signal, int status);

/* Add a table, which may be changing, to a sum. */
void exit_sum_add_table(struct exit_sum *, const struct exit_table *);

/* Add one sum to another. */
void exit_sum_add(struct exit_sum *, const struct exit_sum *);

/* So many run: those that were started and have not ended. */
uint64_t exit_sum_running(const struct exit_sum *);

/* Their worker has ended: those that ran were killed with it. */
void exit_sum_kill(struct exit_sum *);

#endif /* MERCURY_COMMON_EXIT_TABLE_H */
