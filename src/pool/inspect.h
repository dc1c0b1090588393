/*
 * inspect: answers control about the connections of this worker, each over a
 * channel of its own that lives for one request of a client.
 *
 * A page of connections at a time, so that looking at twenty thousand of them
 * never keeps one waiting.
 */
#ifndef MERCURY_POOL_INSPECT_H
#define MERCURY_POOL_INSPECT_H

#include <sys/queue.h>

#include <stdint.h>

struct conn_list;
struct event_base;
struct inspection;

/* Who answers; zeroed but for the first two, it is ready. */
struct inspector {
	struct event_base *base;
	/* The connections of a listener; NULL when there is none of that id. */
	struct conn_list *(*find)(uint64_t listener_id);
	LIST_HEAD(, inspection) all;
	unsigned int count;
};

/* Answer what comes over fd, which is taken, until control closes it. */
void inspect_begin(struct inspector *, int fd);

/* End all. */
void inspect_clear(struct inspector *);

#endif /* MERCURY_POOL_INSPECT_H */
