/*
 * conn_id: what a connection is called: a number that no other has, also
 * after a restart: the worker's own random number, and a count.
 */
#ifndef MERCURY_COMMON_CONN_ID_H
#define MERCURY_COMMON_CONN_ID_H

#include <stdint.h>

#define CONN_ID_SIZE sizeof("ffffffff-4294967295")

/* As people see it: "b13cfa44-17". */
void conn_id_format(uint64_t id, char out[static CONN_ID_SIZE]);

/* Returns 0, or -1 when text is no id. */
int conn_id_parse(const char *text, uint64_t *id);

#endif /* MERCURY_COMMON_CONN_ID_H */
