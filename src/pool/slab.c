#include "pool/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_OBJECTS 64

/* An unused object. */
struct slab_item {
	SLIST_ENTRY(slab_item) next;
};

struct slab_chunk {
	SLIST_ENTRY(slab_chunk) next;
	max_align_t objects[];
};

void
slab_init(struct slab *s, size_t size)
{
	const size_t align = sizeof(max_align_t);

	if (size < sizeof(struct slab_item))
		size = sizeof(struct slab_item);
	s->size = (size + align - 1) / align * align;
	SLIST_INIT(&s->unused);
	SLIST_INIT(&s->chunks);
}

static int
grow(struct slab *s)
{
	struct slab_chunk *chunk;
	size_t i;

	chunk = malloc(sizeof(*chunk) + CHUNK_OBJECTS * s->size);
	if (chunk == NULL)
		return -1;
	SLIST_INSERT_HEAD(&s->chunks, chunk, next);
	for (i = CHUNK_OBJECTS; i > 0; i--)
		slab_put(s, (uint8_t *)chunk->objects + (i - 1) * s->size);
	return 0;
}

void *
slab_get(struct slab *s)
{
	struct slab_item *item;

	if (SLIST_EMPTY(&s->unused) && grow(s) == -1)
		return NULL;
	item = SLIST_FIRST(&s->unused);
	SLIST_REMOVE_HEAD(&s->unused, next);
	return memset(item, 0, s->size);
}

void
slab_put(struct slab *s, void *object)
{
	struct slab_item *item = object;

	SLIST_INSERT_HEAD(&s->unused, item, next);
}

void
slab_clear(struct slab *s)
{
	struct slab_chunk *chunk;

	while ((chunk = SLIST_FIRST(&s->chunks)) != NULL) {
		SLIST_REMOVE_HEAD(&s->chunks, next);
		free(chunk);
	}
	SLIST_INIT(&s->unused);
}
