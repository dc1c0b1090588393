/*
 * event_source: the ways in which events reach the store, one for each
 * process that sends some.
 *
 * The store's end of each is kept here too, until all is read: what a store
 * that died had not read waits there for the next one.
 */
#ifndef MERCURY_SUPERVISOR_EVENT_SOURCE_H
#define MERCURY_SUPERVISOR_EVENT_SOURCE_H

#include "common/err.h"
#include "supervisor/child.h"

struct event_source;

/*
 * A new one for a worker of pool; empty: for the supervisor. *sender_fd is
 * the sender's end, which the caller owns. Returns NULL with *err.
 */
struct event_source *event_source_open(const char *pool, int *sender_fd,
    struct err *err);

/*
 * Its sender is gone. The store, or the next one, still reads what was sent.
 * Nulls *s; NULL is fine.
 */
void event_source_close(struct event_source **s);

/* To be called now and then: forget those of dead senders that are read. */
void event_sources_look(void);

/* From now on this process reads them all; NULL: it is dead. */
void event_sources_attach(struct child *store);

/* Close all. */
void event_sources_free(void);

#endif /* MERCURY_SUPERVISOR_EVENT_SOURCE_H */
