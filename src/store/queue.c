#include "store/queue.h"

#include <stdlib.h>
#include <string.h>

#include "common/event_wire.h"

struct queue_batch {
	STAILQ_ENTRY(queue_batch) next;
	struct origin origin;
	uint64_t since_ms;
	size_t size;
	size_t offset; /* of the first event that is not settled */
	uint32_t left; /* events from there on */
	_Alignas(8) uint8_t bytes[];
};

void
queue_init(struct queue *q)
{
	*q = (struct queue){ .events = 0 };
	STAILQ_INIT(&q->batches);
}

static void
remove_first(struct queue *q)
{
	struct queue_batch *b = STAILQ_FIRST(&q->batches);

	STAILQ_REMOVE_HEAD(&q->batches, next);
	q->events -= b->left;
	q->bytes -= b->size;
	free(b);
}

void
queue_clear(struct queue *q)
{
	while (!STAILQ_EMPTY(&q->batches))
		remove_first(q);
}

int
queue_add(struct queue *q, const struct origin *origin, const void *datagram,
    size_t size, uint32_t count, uint64_t now_ms)
{
	struct queue_batch *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return -1;
	b->origin = *origin;
	b->since_ms = now_ms;
	b->size = size;
	b->offset = sizeof(struct event_batch);
	b->left = count;
	memcpy(b->bytes, datagram, size);
	STAILQ_INSERT_TAIL(&q->batches, b, next);
	q->events += count;
	q->bytes += size;
	return 0;
}

bool
queue_is_full(const struct queue *q)
{
	return q->events >= QUEUE_EVENTS_MAX || q->bytes >= QUEUE_BYTES_MAX;
}

uint64_t
queue_since_ms(const struct queue *q)
{
	const struct queue_batch *b = STAILQ_FIRST(&q->batches);

	return b == NULL ? 0 : b->since_ms;
}

/* The start of what is left in b. */
static void
enter(struct queue_place *p, struct queue_batch *b)
{
	p->batch = b;
	p->offset = b == NULL ? 0 : b->offset;
	p->left = b == NULL ? 0 : b->left;
}

struct queue_place
queue_first(const struct queue *q)
{
	struct queue_place p = { .passed = 0 };

	enter(&p, STAILQ_FIRST(&q->batches));
	return p;
}

const struct origin *
queue_next(struct queue_place *p, struct health_event *e)
{
	const struct queue_batch *b = p->batch;
	size_t n;

	while (b != NULL && p->left == 0) {
		enter(p, STAILQ_NEXT(b, next));
		b = p->batch;
	}
	if (b == NULL)
		return NULL;
	n = event_decode(b->bytes + p->offset, b->size - p->offset, e);
	if (n == 0)
		abort(); /* it was checked */
	p->offset += n;
	p->left--;
	p->passed++;
	return &b->origin;
}

void
queue_settle(struct queue *q, const struct queue_place *p)
{
	struct queue_batch *b;

	while ((b = STAILQ_FIRST(&q->batches)) != NULL && b != p->batch)
		remove_first(q);
	if (b == NULL)
		return;
	q->events -= b->left - p->left;
	b->left = p->left;
	b->offset = p->offset;
	if (b->left == 0)
		remove_first(q);
}
