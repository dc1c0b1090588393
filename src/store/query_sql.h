/*
 * query_sql: the statements of query.h: one for each index that a page can
 * be found by, in both directions. Each names its index, so that SQLite
 * can't choose to sort, or to go over the whole table; without that index it
 * fails with SQLITE_ERROR when it is prepared.
 */
#ifndef MERCURY_STORE_QUERY_SQL_H
#define MERCURY_STORE_QUERY_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum query_access {
	QUERY_BY_TIME,
	QUERY_BY_LISTENER,
	QUERY_BY_TYPE,
	QUERY_BY_SEVERITY, /* one other than info */
	QUERY_BY_ID,
	QUERY_ACCESS_COUNT
};

/* The place of a row. By id, at_ms means nothing. */
struct query_key {
	int64_t at_ms;
	int64_t id;
};

/* Of the rows; backwards there are none behind the listener. */
enum query_column {
	QUERY_ID,
	QUERY_AT_MS,
	QUERY_TYPE,
	QUERY_SEVERITY,
	QUERY_LISTENER,
	QUERY_PEER,
	QUERY_REASON,
	QUERY_DETAIL
};

/* What to bind, where a statement has a place for it. */
enum query_bind {
	QUERY_BIND_MS = 1, /* the key */
	QUERY_BIND_ID,
	QUERY_BIND_BOUND, /* where the rows end; forwards by time: none */
	QUERY_BIND_VALUE  /* what the index goes by */
};

struct query_sql {
	const char *same_time; /* the rest of the key's at_ms; NULL by id */
	const char *beyond;
};

/* Never NULL; the strings live as long as the process. */
const struct query_sql *query_sql(enum query_access, bool backwards);

/*
 * The time in a column of the row that s stands on. In a database that
 * somebody has made it may be no whole number; then it is the next one in the
 * direction that we go, so that we never come back to that row.
 */
int64_t query_column_ms(sqlite3_stmt *s, int column, bool backwards);

#endif /* MERCURY_STORE_QUERY_SQL_H */
