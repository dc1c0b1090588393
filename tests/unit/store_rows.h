/*
 * store_rows: a database of events for a test, in its folder (scratch.h).
 * Whatever fails, fails the running test.
 */
#ifndef MERCURY_TESTS_STORE_ROWS_H
#define MERCURY_TESTS_STORE_ROWS_H

#include <stdint.h>

#include "store/db.h"

/* The row that a test does not care about further. */
#define ROW_TYPE "worker.started"
#define ROW_SEVERITY "info"

/* Make one, with our schema and no rows, and open it. */
void rows_open(struct db *);

/* Run sql. */
void rows_exec(struct db *, const char *sql);

/* First column of its first row; otherwise when there is none, or NULL. */
int64_t rows_number(struct db *, const char *sql, int64_t otherwise);

/* Add count rows, a transaction; ids from first_id on, step_ms apart. */
struct rows_series {
	int64_t first_id;
	int64_t count;
	int64_t at_ms;
	int64_t step_ms;
	const char *listener; /* NULL: none */
};

void rows_add(struct db *, const struct rows_series *);

/* SQLite must find its rows by an index, and sort nothing. */
void rows_check_plan(struct db *, const char *sql);

/* The same for every statement that is prepared on db; returns how many. */
unsigned int rows_check_plans(struct db *);

#endif /* MERCURY_TESTS_STORE_ROWS_H */
