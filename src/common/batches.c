#include "common/batches.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
batches_init(struct batches *b, unsigned int max, size_t size)
{
	memset(b, 0, sizeof(*b));
	STAILQ_INIT(&b->queue);
	b->max = max;
	b->size = size;
}

struct batch *
batches_last(const struct batches *b)
{
	return STAILQ_LAST(&b->queue, batch, next);
}

struct batch *
batches_add(struct batches *b, const void *head, size_t len)
{
	struct batch *new = b->spare;

	if (b->count == b->max)
		return NULL;
	b->spare = NULL;
	if (new == NULL)
		new = malloc(sizeof(*new) + b->size);
	if (new == NULL)
		return NULL;
	memcpy(new->bytes, head, len);
	new->len = len;
	STAILQ_INSERT_TAIL(&b->queue, new, next);
	b->count++;
	return new;
}

size_t
batches_room(const struct batches *b, const struct batch *one)
{
	return b->size - one->len;
}

bool
batches_send(struct batches *b, int fd)
{
	struct batch *one;

	b->starved = false;
	while ((one = STAILQ_FIRST(&b->queue)) != NULL) {
		if (send(fd, one->bytes, one->len,
			MSG_DONTWAIT | MSG_NOSIGNAL) == -1) {
			b->starved = errno == ENOBUFS || errno == ENOMEM;
			return b->starved || errno == EAGAIN || errno == EINTR;
		}
		STAILQ_REMOVE_HEAD(&b->queue, next);
		b->count--;
		free(b->spare);
		b->spare = one;
	}
	return true;
}

void
batches_clear(struct batches *b)
{
	struct batch *one;

	while ((one = STAILQ_FIRST(&b->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->queue, next);
		free(one);
	}
	b->count = 0;
	free(b->spare);
	b->spare = NULL;
}
