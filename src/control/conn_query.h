/*
 * conn_query: one page of connection.list while it is put together: which
 * connections are wanted, where it is, and what it has. Pure.
 */
#ifndef MERCURY_CONTROL_CONN_QUERY_H
#define MERCURY_CONTROL_CONN_QUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/peer_filter.h"
#include "control/rpc.h"
#include "json/cursor.h"

struct msg_conn_row;
struct worker;
struct worker_answer;

#define CONN_QUERY_LIMIT_MAX 1000u

#define CONN_CURSOR_NUMBERS 4
#define CONN_CURSOR_SIZE CURSOR_SIZE(CONN_CURSOR_NUMBERS)

/* A place between connections: behind this one of this worker. */
struct conn_cursor {
	uint32_t slot;
	uint32_t generation;
	uint32_t pid;
	uint64_t after_id; /* UINT64_MAX: behind all of the worker */
};

struct conn_query {
	struct peer_filter peer;
	uint64_t min_idle_ms;
	uint32_t limit; /* rows in the page */
	struct conn_cursor at;
	json_t *rows;    /* NULL: none yet, as missing */
	json_t *missing; /* slots of the workers that were lost */
};

void conn_cursor_format(const struct conn_cursor *,
    char out[static CONN_CURSOR_SIZE]);

/* Returns 0, or -1 when text is none that conn_cursor_format() made. */
int conn_cursor_parse(const char *text, struct conn_cursor *out);

/*
 * Begin with the params limit, after, peer and min_idle, whose JSON types are
 * checked. Returns 0, or -1 with *e. End it with conn_query_end().
 */
int conn_query_begin(struct conn_query *, const json_t *params,
    struct rpc_error *e);

/*
 * The worker where it goes on, of count in their order, and which connection
 * of it was the last: *after_id, 0 for none. Returns count when none is left.
 */
unsigned int conn_query_next(const struct conn_query *,
    const struct worker *workers, unsigned int count, uint64_t *after_id);

/*
 * Take what this worker has answered at now_ms (CLOCK_REALTIME), as far as it
 * is wanted and there is room. Returns 0, or -1 when out of memory.
 */
int conn_query_take(struct conn_query *, const struct worker *,
    const struct worker_answer *, uint64_t now_ms);

bool conn_query_is_full(const struct conn_query *);

/*
 * The result; is_last says that no more pages follow. Gives a new reference,
 * NULL when out of memory. What it is made of is taken.
 */
json_t *conn_query_result(struct conn_query *, bool is_last);

/* Drop what it has; all zero is fine. */
void conn_query_end(struct conn_query *);

#endif /* MERCURY_CONTROL_CONN_QUERY_H */
