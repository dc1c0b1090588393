#include "common/exit_table.h"

#include <signal.h>
#include <stddef.h>

/* The cells of a table. */
#define STARTED 0u
#define FAILED 1u
#define CODES 2u
#define SIGNALS (CODES + EXIT_CODES)

static void
count(struct exit_table *t, size_t cell)
{
	/* One writer: a plain load and store is exact. */
	atomic_store_explicit(&t->cells[cell],
	    atomic_load_explicit(&t->cells[cell], memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

void
exit_table_clear(struct exit_table *t)
{
	size_t i;

	for (i = 0; i < EXIT_CELLS; i++)
		atomic_store_explicit(&t->cells[i], 0, memory_order_relaxed);
}

void
exit_table_start(struct exit_table *t)
{
	count(t, STARTED);
}

void
exit_table_fail(struct exit_table *t)
{
	count(t, FAILED);
}

void
exit_table_end(struct exit_table *t, bool by_signal, int status)
{
	if (status < 0 ||
	    (unsigned int)status >= (by_signal ? EXIT_SIGNALS : EXIT_CODES))
		return;
	count(t, (by_signal ? SIGNALS : CODES) + (unsigned int)status);
}

static uint64_t
get(const struct exit_table *t, size_t cell)
{
	return atomic_load_explicit(&t->cells[cell], memory_order_relaxed);
}

/* Ends first: a sum never has more of them than were started. */
void
exit_sum_add_table(struct exit_sum *sum, const struct exit_table *t)
{
	unsigned int i;

	for (i = 0; i < EXIT_SIGNALS; i++)
		sum->signals[i] += get(t, SIGNALS + i);
	for (i = 0; i < EXIT_CODES; i++)
		sum->codes[i] += get(t, CODES + i);
	sum->failed += get(t, FAILED);
	sum->started += get(t, STARTED);
}

void
exit_sum_add(struct exit_sum *sum, const struct exit_sum *more)
{
	unsigned int i;

	sum->started += more->started;
	sum->failed += more->failed;
	for (i = 0; i < EXIT_CODES; i++)
		sum->codes[i] += more->codes[i];
	for (i = 0; i < EXIT_SIGNALS; i++)
		sum->signals[i] += more->signals[i];
}

uint64_t
exit_sum_running(const struct exit_sum *sum)
{
	uint64_t ended = 0;
	unsigned int i;

	for (i = 0; i < EXIT_CODES; i++)
		ended += sum->codes[i];
	for (i = 0; i < EXIT_SIGNALS; i++)
		ended += sum->signals[i];
	return sum->started > ended ? sum->started - ended : 0;
}

void
exit_sum_kill(struct exit_sum *sum)
{
	sum->signals[SIGKILL] += exit_sum_running(sum);
}
