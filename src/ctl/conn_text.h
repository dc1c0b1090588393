/*
 * conn_text: connections as rows of a table, which is printed page by page.
 * Pure.
 */
#ifndef MERCURY_CTL_CONN_TEXT_H
#define MERCURY_CTL_CONN_TEXT_H

#include <jansson.h>

struct look;
struct table;

/* An empty table for connections; end it with table_end(). */
struct table *conn_text_new(const struct look *);

/* Add one connection. */
void conn_text_add(struct table *, const json_t *connection);

#endif /* MERCURY_CTL_CONN_TEXT_H */
