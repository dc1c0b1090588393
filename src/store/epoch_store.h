/*
 * epoch_store: what epochs.h knows, kept in the database: the store's own
 * clock in store_state, the epochs in store_epochs.
 */
#ifndef MERCURY_STORE_EPOCH_STORE_H
#define MERCURY_STORE_EPOCH_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct epoch_clocks;
struct epochs;

/*
 * A database was opened: go by what it has kept. One that has nothing goes on
 * from where e is, if that was started before. Returns 0, or a code, kept in
 * db->code.
 */
int epoch_store_load(struct db *, struct epochs *e, bool started,
    uint64_t retention_ms);

/* Within a transaction: keep our clock. Returns 0, or a code. */
int epoch_store_save(struct db *, const struct epochs *e);

/* A row that is about to be inserted. */
struct epoch_row {
	uint64_t id; /* the highest so far */
	uint64_t at_ms;
};

/*
 * Within a transaction: see which epoch row belongs to. now is what the clocks
 * say. Returns 0, or a code; when the transaction is taken back, so must be
 * this: epochs_forget_from().
 */
int epoch_store_place(struct db *, struct epochs *e,
    const struct epoch_clocks *now, const struct epoch_row *row);

#endif /* MERCURY_STORE_EPOCH_STORE_H */
