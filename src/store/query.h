/*
 * query: a page of events for control, found in slices.
 *
 * Nothing in the database is held from slice to slice: no statement is open,
 * so that no snapshot keeps the write-ahead log from being emptied, and rows
 * may come and go meanwhile. A slice looks at a bounded number of rows, by an
 * index where the filter has one.
 *
 * Whatever stands in the database, also what no store would write, is
 * survived. Rows with an id or a time below 1 are never shown.
 */
#ifndef MERCURY_STORE_QUERY_H
#define MERCURY_STORE_QUERY_H

#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"

struct db;
struct query;

/* Rows that are looked at in a slice, and for a page, at most. */
#define QUERY_SLICE_ROWS 2000

/* A page ends early when it has so many bytes. */
#define QUERY_PAGE_BYTES (1u << 20)

enum query_result {
	QUERY_MORE,  /* call query_step() again, at another turn of the loop */
	QUERY_READY, /* the page is complete: query_seal() */
	QUERY_FAILED /* with db->code; it may be tried again */
};

/* Check what control asks for. Returns NULL with *err. */
struct query *query_new(const struct msg_events_query *, struct err *err);

/* Nulls *q; NULL is fine. */
void query_free(struct query **q);

/* How control calls it. */
uint32_t query_request(const struct query *);

/* One slice. db is open. */
enum query_result query_step(struct query *, struct db *db);

/*
 * Make the page a snapshot (snapshot.h). Returns its descriptor, which the
 * caller closes, or -1 with *err.
 */
int query_seal(struct query *, struct err *err);

#endif /* MERCURY_STORE_QUERY_H */
