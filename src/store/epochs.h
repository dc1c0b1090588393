/*
 * epochs: how old a row is, whatever the wall clock does. Pure.
 *
 * The store has a clock of its own: the wall clock of when the database was
 * made, which then advances as CLOCK_BOOTTIME does, and over a restart of
 * the machine by what the wall clock says, if that makes sense. Rows are
 * stamped by the wall clock; by how much that was ahead of our own is kept
 * for ranges of ids, the epochs. So neither a wall clock that jumps by years
 * nor one that is set back makes a fresh row look old.
 *
 * Owned by the store (store.h), which keeps it in the database as well.
 */
#ifndef MERCURY_STORE_EPOCHS_H
#define MERCURY_STORE_EPOCHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EPOCHS_BOOT_ID_SIZE 37

/* What the clocks say at one moment, in milliseconds (epoch_clock.h). */
struct epoch_clocks {
	int64_t wall_ms;                   /* CLOCK_REALTIME */
	int64_t boot_ms;                   /* CLOCK_BOOTTIME */
	char boot_id[EPOCHS_BOOT_ID_SIZE]; /* empty: not known */
};

/* What is kept in the database, so that our clock goes on from there. */
struct epochs_saved {
	int64_t own_ms;
	struct epoch_clocks clocks; /* of the same moment */
};

/* From this id on, rows were stamped by a clock so far ahead of our own. */
struct epoch {
	int64_t first_id;
	int64_t offset_ms;
};

struct epochs;

/* Returns NULL when out of memory. */
struct epochs *epochs_new(void);
void epochs_free(struct epochs **e); /* Nulls *e; NULL is fine. */

/*
 * Add one that was kept, in the order of ids. One that makes no sense, or that
 * there is no room for, is left out.
 */
void epochs_load(struct epochs *, const struct epoch *);

/*
 * Set our own clock, once the epochs are loaded. saved may be NULL (none) or
 * nonsense: then it is put where the newest epoch says. A database that has
 * neither begins now.
 */
void epochs_start(struct epochs *, const struct epochs_saved *saved,
    const struct epoch_clocks *now, uint64_t retention_ms);

/* Our own clock; epochs_start() has been called. */
int64_t epochs_own_ms(const struct epochs *, const struct epoch_clocks *now);

/* What to keep of our clock: at least once a minute, and at the end. */
void epochs_save(const struct epochs *, const struct epoch_clocks *now,
    struct epochs_saved *saved);

/*
 * A row that was stamped at_ms is about to get this id, the highest so far.
 * Returns true when an epoch begins with it: *begun has to be kept, in the
 * same transaction.
 */
bool epochs_place(struct epochs *, const struct epoch_clocks *now, int64_t id,
    int64_t at_ms, struct epoch *begun);

/* Forget those from id on: they were not committed, or are of no use. */
void epochs_forget_from(struct epochs *, int64_t id);

/*
 * Forget those that no row from lowest_id on belongs to. Returns the first_id
 * of the oldest that is left: those below it need not be kept; INT64_MIN when
 * there is none.
 */
int64_t epochs_forget_before(struct epochs *, int64_t lowest_id);

/*
 * A row with this id is older than age_ms when its at_ms is less than what
 * this returns.
 */
int64_t epochs_limit_ms(const struct epochs *, int64_t own_ms, uint64_t age_ms,
    int64_t id);

/* The highest that epochs_limit_ms() may return for any id. */
int64_t epochs_highest_limit_ms(const struct epochs *, int64_t own_ms,
    uint64_t age_ms);

#endif /* MERCURY_STORE_EPOCHS_H */
