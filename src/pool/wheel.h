/*
 * wheel: many things that are due at some time, of which few at a time are
 * looked at. Pure: the caller has the clock.
 *
 * Made for deadlines that keep moving: nothing is done when one moves. A thing
 * comes up at the time that it was put in for, and goes in again if it is not
 * due yet. One that is due later than the wheel reaches comes up early.
 */
#ifndef MERCURY_POOL_WHEEL_H
#define MERCURY_POOL_WHEEL_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_TICK_MS 100u
#define WHEEL_SLOTS 256u

/* Part of the thing; zeroed, it is in no wheel. */
struct wheel_item {
	LIST_ENTRY(wheel_item) entry;
	bool is_in;
};

LIST_HEAD(wheel_slot, wheel_item);

/* One that is zeroed is empty and ready; it allocates at the first item. */
struct wheel {
	struct wheel_slot *slots;
	uint64_t tick; /* that was the last to come up */
	size_t count;
};

/*
 * Put an item in, or move it. It comes up at due_ms or up to a tick later, or
 * earlier as said above. Returns 0, or -1 when out of memory.
 */
int wheel_put(struct wheel *, struct wheel_item *, uint64_t due_ms,
    uint64_t now_ms);

/* Take it out; nothing happens when it is in no wheel. */
void wheel_take(struct wheel *, struct wheel_item *);

/* One that comes up at now_ms, taken out; NULL: no more. */
struct wheel_item *wheel_next(struct wheel *, uint64_t now_ms);

/* Free what it allocated; what is in it is out. */
void wheel_clear(struct wheel *);

#endif /* MERCURY_POOL_WHEEL_H */
