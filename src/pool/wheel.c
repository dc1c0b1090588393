#include "pool/wheel.h"

#include <stdlib.h>

static struct wheel_slot *
slot_of(const struct wheel *w, uint64_t tick)
{
	return &w->slots[tick % WHEEL_SLOTS];
}

int
wheel_put(struct wheel *w, struct wheel_item *item, uint64_t due_ms,
    uint64_t now_ms)
{
	uint64_t tick = due_ms / WHEEL_TICK_MS + 1;

	wheel_take(w, item);
	if (w->slots == NULL)
		w->slots = calloc(WHEEL_SLOTS, sizeof(*w->slots));
	if (w->slots == NULL)
		return -1;
	if (w->count == 0)
		w->tick = now_ms / WHEEL_TICK_MS;
	if (tick <= w->tick)
		tick = w->tick + 1;
	if (tick - w->tick >= WHEEL_SLOTS)
		tick = w->tick + WHEEL_SLOTS - 1;
	LIST_INSERT_HEAD(slot_of(w, tick), item, entry);
	item->is_in = true;
	w->count++;
	return 0;
}

void
wheel_take(struct wheel *w, struct wheel_item *item)
{
	if (!item->is_in)
		return;
	LIST_REMOVE(item, entry);
	item->is_in = false;
	w->count--;
}

struct wheel_item *
wheel_next(struct wheel *w, uint64_t now_ms)
{
	const uint64_t now = now_ms / WHEEL_TICK_MS;
	struct wheel_item *item;

	if (w->count == 0)
		return NULL;
	/* After a long sleep: each slot once. */
	if (now > w->tick + WHEEL_SLOTS)
		w->tick = now - WHEEL_SLOTS;
	for (; w->tick < now; w->tick++) {
		item = LIST_FIRST(slot_of(w, w->tick + 1));
		if (item != NULL) {
			wheel_take(w, item);
			return item;
		}
	}
	return NULL;
}

void
wheel_clear(struct wheel *w)
{
	free(w->slots);
	*w = (struct wheel){ .slots = NULL };
}
