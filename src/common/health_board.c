#include "common/health_board.h"

#include <sys/param.h>

#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "common/shared.h"

/* A writer that goes on is done long before, on one CPU too. */
#define TRIES_MAX 10000
#define TRIES_PATIENT 100 /* before the CPU is given to others */

static const char board_name[] = "health board";

int
health_board_create(struct err *err)
{
	return shared_create(board_name, sizeof(struct health_board), err);
}

struct health_board *
health_board_map_write(int fd, struct err *err)
{
	return shared_map(fd, board_name, sizeof(struct health_board), true,
	    err);
}

const struct health_board *
health_board_map_read(int fd, struct err *err)
{
	return shared_map(fd, board_name, sizeof(struct health_board), false,
	    err);
}

void
health_board_unmap(const struct health_board **b)
{
	shared_unmap(*b, sizeof(**b));
	*b = NULL;
}

void
health_board_begin(struct health_board *b)
{
	atomic_fetch_add_explicit(&b->sequence, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

void
health_board_end(struct health_board *b)
{
	atomic_fetch_add_explicit(&b->sequence, 1, memory_order_release);
}

void
health_board_beat(struct health_board *b, uint64_t now_ms)
{
	atomic_store_explicit(&b->heartbeat_ms, now_ms, memory_order_release);
}

uint64_t
health_board_age_ms(const struct health_board *b, uint64_t now_ms)
{
	const uint64_t beat =
	    atomic_load_explicit(&b->heartbeat_ms, memory_order_acquire);

	return now_ms > beat ? now_ms - beat : 0;
}

/* By bisection; what is being written meanwhile may mislead it. */
static const struct health_entry *
look_up(const struct health_board *b, const char *name)
{
	uint32_t low = 0, high = MIN(b->count, HEALTH_ENTRIES), middle;
	const struct health_entry *e;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		e = &b->listeners[middle];
		order = strncmp(name, e->name, sizeof(e->name));
		if (order == 0)
			return e;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void
make_safe(struct health_entry *e)
{
	e->name[sizeof(e->name) - 1] = '\0';
	e->why[sizeof(e->why) - 1] = '\0';
	e->ready = e->ready != 0;
	e->draining = e->draining != 0;
	e->paused = e->paused != 0;
	e->required = e->required != 0;
}

/*
 * One more try to read. Returns the sequence number; odd: it is being
 * written. After many, the CPU is given to others.
 */
static uint32_t
begin_read(const struct health_board *b, unsigned int tries)
{
	if (tries > TRIES_PATIENT)
		(void)sched_yield();
	return atomic_load_explicit(&b->sequence, memory_order_acquire);
}

/* Is what was read since then of one moment? */
static bool
end_read(const struct health_board *b, uint32_t before)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&b->sequence, memory_order_relaxed) ==
	    before;
}

/* What to read: returns the entry to copy; NULL: there is none. */
typedef const struct health_entry *pick_fn(const struct health_board *,
    const char *name);

static enum health_found
copy(const struct health_board *b, pick_fn *pick, const char *name,
    struct health_entry *out)
{
	const struct health_entry *e;
	unsigned int tries;
	uint32_t before;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		before = begin_read(b, tries);
		if (before % 2 != 0)
			continue;
		e = pick(b, name);
		if (e != NULL)
			*out = *e;
		if (!end_read(b, before))
			continue;
		if (e == NULL)
			return HEALTH_NO_SUCH;
		make_safe(out);
		return HEALTH_FOUND;
	}
	return HEALTH_TORN;
}

static const struct health_entry *
pick_named(const struct health_board *b, const char *name)
{
	return name[0] == '\0' ? &b->daemon : look_up(b, name);
}

enum health_found
health_board_find(const struct health_board *b, const char *name,
    struct health_entry *out)
{
	return copy(b, pick_named, name, out);
}

/* Has a a greater share of its limit in use than b of its own? */
static bool
is_fuller(const struct health_entry *a, const struct health_entry *b)
{
	return (uint64_t)a->connections * b->max_connections >
	    (uint64_t)b->connections * a->max_connections;
}

static const struct health_entry *
pick_fullest(const struct health_board *b, const char *name)
{
	const uint32_t count = MIN(b->count, HEALTH_ENTRIES);
	const struct health_entry *e, *fullest = NULL;
	uint32_t i;

	(void)name;
	for (i = 0; i < count; i++) {
		e = &b->listeners[i];
		if (e->required && e->max_connections != 0 &&
		    (fullest == NULL || is_fuller(e, fullest)))
			fullest = e;
	}
	return fullest;
}

bool
health_board_fullest(const struct health_board *b, struct health_entry *out)
{
	return copy(b, pick_fullest, "", out) == HEALTH_FOUND;
}

enum health_found
health_board_copy(const struct health_board *b, struct health_entry *daemon,
    struct health_entry *listeners, uint32_t max, uint32_t *count)
{
	unsigned int tries;
	uint32_t before, i;

	max = MIN(max, HEALTH_ENTRIES);
	for (tries = 0; tries < TRIES_MAX; tries++) {
		before = begin_read(b, tries);
		if (before % 2 != 0)
			continue;
		*daemon = b->daemon;
		*count = MIN(b->count, max);
		memcpy(listeners, b->listeners, *count * sizeof(*listeners));
		if (!end_read(b, before))
			continue;
		make_safe(daemon);
		for (i = 0; i < *count; i++)
			make_safe(&listeners[i]);
		return HEALTH_FOUND;
	}
	return HEALTH_TORN;
}

uint32_t
health_board_version(const struct health_board *b)
{
	return atomic_load_explicit(&b->sequence, memory_order_acquire);
}
