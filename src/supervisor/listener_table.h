/*
 * listener_table: all listeners, by id, and those that are listed by name.
 *
 * One whose name another one has taken over, or will take over, is there but
 * not listed.
 */
#ifndef MERCURY_SUPERVISOR_LISTENER_TABLE_H
#define MERCURY_SUPERVISOR_LISTENER_TABLE_H

#include <sys/tree.h>

#include <stdint.h>

#include "common/err.h"

struct listener;

RB_HEAD(listener_by_name, listener);
RB_HEAD(listener_by_id, listener);
RB_PROTOTYPE(listener_by_name, listener, by_name, )
RB_PROTOTYPE(listener_by_id, listener, by_id, )

/* Iterate with RB_FOREACH(l, listener_by_name, listeners()). */
struct listener_by_name *listeners(void);
struct listener_by_id *listeners_by_id(void);

/* NULL: there is none. */
struct listener *listener_find(const char *name);
struct listener *listener_find_id(uint64_t id);

/*
 * Is it another one of ours that has the place which l wants? Then say so in
 * *err.
 */
void listener_name_holder(const struct listener *l, struct err *err);

/* Another one that has bound this port, for itself or for health checks. */
const struct listener *listener_port_holder(const struct listener *l,
    uint16_t port);

/* Give l its id; take it out again. */
void listener_table_insert(struct listener *l);
void listener_table_remove(struct listener *l);

/* The name is its own from now on; it is free again. */
void listener_table_list(struct listener *l);
void listener_table_unlist(struct listener *l);

#endif /* MERCURY_SUPERVISOR_LISTENER_TABLE_H */
