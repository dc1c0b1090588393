/*
 * acceptor: one listening socket, the one of one slot of a listener.
 *
 * The socket is shared with the supervisor and may be with other workers:
 * never shutdown(2) it, that would end it for all.
 */
#ifndef MERCURY_POOL_ACCEPTOR_H
#define MERCURY_POOL_ACCEPTOR_H

#include <sys/queue.h>

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct conn_list;

struct acceptor {
	SLIST_ENTRY(acceptor) entry; /* in its endpoint */
	struct event io; /* the socket is readable; in a pause, its timer */
	int fd;
	uint32_t slot;
	const char *listener; /* its name, for the log; borrowed */
	struct conn_list *conns;
	uint32_t wait_ms;    /* until a limit is looked at again */
	bool starved;        /* a pause was logged, its end was not */
	uint64_t starved_ms; /* when it last paused; CLOCK_MONOTONIC */
};

/*
 * Accept on fd for conns. Takes fd, also when it fails; listener and conns
 * are borrowed. Returns NULL with *err. Should the socket be of no more use
 * later, the process is ended.
 */
struct acceptor *acceptor_new(int fd, uint32_t slot, const char *listener,
    struct conn_list *conns, struct err *err);

/*
 * Accept all that wait, but no more than max, so that none of them is reset
 * when the socket is closed. Those beyond max_connections are closed at once.
 */
void acceptor_empty(struct acceptor *, uint32_t max);

/* Close our descriptor and free. Nulls *a. */
void acceptor_free(struct acceptor **a);

#endif /* MERCURY_POOL_ACCEPTOR_H */
