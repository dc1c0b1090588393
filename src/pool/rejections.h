/*
 * rejections: tells the store of the connections that a listener rejected, of
 * all within a second at once: they may come by the thousand.
 */
#ifndef MERCURY_POOL_REJECTIONS_H
#define MERCURY_POOL_REJECTIONS_H

#include <stdint.h>

struct conn_list;
struct event;

/* One that is zeroed is ready. */
struct rejections {
	struct event *due; /* NULL until it is needed */
	uint64_t count;    /* not told yet */
};

/* One more of the listener whose list this is. */
void rejections_add(struct rejections *, struct conn_list *);

/* The listener goes: tell what is not told yet, and free. */
void rejections_end(struct rejections *, struct conn_list *);

#endif /* MERCURY_POOL_REJECTIONS_H */
