/*
 * prune: deleting events that nobody wants to keep, in slices.
 *
 * First those that are too old (epochs.h), then, of what is left, the oldest
 * ones that are too many; then the space is given back. A slice is one
 * transaction at most, and short: it adapts to what the disk can do. It keeps
 * nothing open, so that others may read and write between two slices, and it
 * can be interrupted for good at any.
 *
 * Owned by the cleanup job (cleanup.h).
 */
#ifndef MERCURY_STORE_PRUNE_H
#define MERCURY_STORE_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/query_sql.h"

struct db;
struct epochs;

/* Rows in a transaction, and rows that are looked at in a slice, at most. */
#define PRUNE_BATCH_MAX 2000
#define PRUNE_LOOK_MAX 5000

struct prune_order {
	uint64_t age_ms;     /* older ones go */
	uint64_t max_events; /* UINT64_MAX: however many there are */
	bool dry_run;        /* only count those that would go */
};

enum prune_phase {
	PRUNE_OLD,
	PRUNE_COUNT,   /* all rows, by an index */
	PRUNE_SURPLUS, /* delete as many as are too many */
	PRUNE_VACUUM,
	PRUNE_EPOCHS, /* forget those of no row */
	PRUNE_COMPLETE
};

enum prune_result {
	PRUNE_MORE,
	PRUNE_DONE,
	PRUNE_FAILED /* with db->code; the slice may be tried again */
};

struct prune {
	struct db *db;
	struct epochs *epochs;
	struct prune_order order;
	enum prune_phase phase;
	struct query_key key; /* of the last row that was looked at */
	uint64_t counted;
	uint64_t surplus;
	unsigned int batch;       /* rows in a transaction */
	unsigned int batch_pages; /* the same for the vacuum */
	uint64_t rows;            /* deleted so far, or that would be */
	uint64_t bytes;           /* given back so far */
	struct query_key doomed[PRUNE_BATCH_MAX];
};

/* Begin. db and epochs are borrowed until it is complete. */
void prune_start(struct prune *, struct db *db, struct epochs *,
    const struct prune_order *);

/* Begin again, with what was counted so far: it may be another database. */
void prune_restart(struct prune *);

/* One slice. The database is open. */
enum prune_result prune_step(struct prune *);

#endif /* MERCURY_STORE_PRUNE_H */
