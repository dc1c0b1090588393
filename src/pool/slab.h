/*
 * slab: many objects of one size, allocated by the chunk and used again, so
 * that opening a connection needs no malloc.
 *
 * A slab never shrinks: what was needed once will be needed again when a
 * fleet of devices comes back.
 */
#ifndef MERCURY_POOL_SLAB_H
#define MERCURY_POOL_SLAB_H

#include <sys/queue.h>

#include <stddef.h>

struct slab_item;
struct slab_chunk;

struct slab {
	size_t size; /* of an object, rounded up so that any type fits */
	SLIST_HEAD(, slab_item) unused;
	SLIST_HEAD(, slab_chunk) chunks;
};

/* Allocates nothing yet. size is in bytes, not 0. */
void slab_init(struct slab *, size_t size);

/*
 * Gives an object of zeroed bytes, aligned for any type; return it with
 * slab_put(). NULL when out of memory.
 */
void *slab_get(struct slab *);

/* Takes an object of this slab. */
void slab_put(struct slab *, void *);

/* Free all chunks: no object may be in use. The slab can be used again. */
void slab_clear(struct slab *);

#endif /* MERCURY_POOL_SLAB_H */
