/*
 * cell: members of an object of the daemon as cells of a table. What is
 * missing, null or of the wrong type is shown as "-".
 */
#ifndef MERCURY_CTL_CELL_H
#define MERCURY_CTL_CELL_H

#include <jansson.h>

struct table;

/* Of a member that is a text. */
void cell_text(struct table *, const json_t *object, const char *key);

/* Of a member that is a number, such as a pid: all its digits. */
void cell_number(struct table *, const json_t *object, const char *key);

/* Of a member that counts something: with a unit, or exact in a wide table. */
void cell_count(struct table *, const json_t *object, const char *key);

/* Of a member in milliseconds: likewise. */
void cell_duration(struct table *, const json_t *object, const char *key);

/* Of a member in units of so many bytes: likewise. */
void cell_bytes(struct table *, const json_t *object, const char *key,
    unsigned int unit);

#endif /* MERCURY_CTL_CELL_H */
