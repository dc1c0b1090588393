/*
 * upstream_queue: who waits for a place at an upstream, or for its name to be
 * resolved: in the order in which they came, as far as this worker knows.
 */
#ifndef MERCURY_PROXY_UPSTREAM_QUEUE_H
#define MERCURY_PROXY_UPSTREAM_QUEUE_H

#include <stdbool.h>

struct upstream;
struct upstream_asker;
struct upstreams;

/* Wait for it. Returns whether there was room in its queue. */
bool upstream_queue_join(struct upstream *, struct upstream_asker *);

/* Wait no more; its claim is empty then. */
void upstream_queue_leave(struct upstream_asker *);

/*
 * Give those who wait what there is by now, find those another upstream whose
 * own can't be used any more, and end the waits that have lasted too long.
 */
void upstream_queue_look(struct upstreams *);

#endif /* MERCURY_PROXY_UPSTREAM_QUEUE_H */
