#include "store/epochs.h"

#include <stdlib.h>
#include <string.h>

/* A wall clock that is off by less has not jumped. */
#define JUMP_MS 60000
#define JUMP_MIN_MS 1000

/* More than a clock that jumps each minute makes in two months. */
#define EPOCHS_MAX 100000

/*
 * How often rows that waited may make the epochs alternate after a jump. It is
 * bounded since stamps come from workers, and one may be broken.
 */
#define ALTERNATIONS_MAX 1000

/* No time and no offset is beyond this, so that sums of three can't overflow.
 */
#define TIME_MAX (INT64_MAX / 4)

struct epochs {
	struct epoch *list; /* by first_id */
	size_t count;
	size_t size;
	int64_t own_ms;  /* our clock, when ... */
	int64_t boot_ms; /* ... CLOCK_BOOTTIME was this */
	int64_t jump_ms;
	unsigned int alternations; /* that are left */
};

struct epochs *
epochs_new(void)
{
	struct epochs *e = calloc(1, sizeof(*e));

	if (e != NULL)
		e->jump_ms = JUMP_MS;
	return e;
}

void
epochs_free(struct epochs **e)
{
	if (*e == NULL)
		return;
	free((*e)->list);
	free(*e);
	*e = NULL;
}

static int64_t
distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static int64_t
bounded(int64_t ms)
{
	if (ms > TIME_MAX)
		return TIME_MAX;
	return ms < -TIME_MAX ? -TIME_MAX : ms;
}

static bool
append(struct epochs *e, const struct epoch *added)
{
	struct epoch *list;
	size_t size;

	if (e->count == EPOCHS_MAX)
		return false;
	if (e->count == e->size) {
		size = e->size == 0 ? 16 : 2 * e->size;
		list = reallocarray(e->list, size, sizeof(*list));
		if (list == NULL)
			return false;
		e->list = list;
		e->size = size;
	}
	/* There is a list where there is a size. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	e->list[e->count++] = *added;
	return true;
}

void
epochs_load(struct epochs *e, const struct epoch *loaded)
{
	if (loaded->offset_ms != bounded(loaded->offset_ms))
		return;
	if (e->count > 0 && loaded->first_id <= e->list[e->count - 1].first_id)
		return;
	(void)append(e, loaded);
}

static bool
in_range(int64_t ms)
{
	return ms >= 0 && ms <= TIME_MAX;
}

static bool
makes_sense(const struct epochs_saved *saved)
{
	return saved != NULL && in_range(saved->own_ms) &&
	    in_range(saved->clocks.wall_ms) && in_range(saved->clocks.boot_ms);
}

/* How far our clock has to go on since it was saved. */
static int64_t
passed(const struct epoch_clocks *then, const struct epoch_clocks *now,
    uint64_t retention_ms)
{
	int64_t ms;

	if (now->boot_id[0] != '\0' &&
	    strncmp(then->boot_id, now->boot_id, sizeof(now->boot_id)) == 0 &&
	    now->boot_ms >= then->boot_ms)
		return now->boot_ms - then->boot_ms;
	ms = now->wall_ms - then->wall_ms;
	return ms >= 0 && (uint64_t)ms <= retention_ms / 2 ? ms : 0;
}

void
epochs_start(struct epochs *e, const struct epochs_saved *saved,
    const struct epoch_clocks *now, uint64_t retention_ms)
{
	e->boot_ms = now->boot_ms;
	e->own_ms = now->wall_ms;
	if (makes_sense(saved))
		e->own_ms =
		    saved->own_ms + passed(&saved->clocks, now, retention_ms);
	else if (e->count > 0)
		e->own_ms -= e->list[e->count - 1].offset_ms;
	e->own_ms = bounded(e->own_ms);
	e->jump_ms = JUMP_MS;
	if (retention_ms / 2 < JUMP_MS)
		e->jump_ms = (int64_t)(retention_ms / 2);
	if (e->jump_ms < JUMP_MIN_MS)
		e->jump_ms = JUMP_MIN_MS;
}

int64_t
epochs_own_ms(const struct epochs *e, const struct epoch_clocks *now)
{
	return bounded(e->own_ms + (now->boot_ms - e->boot_ms));
}

void
epochs_save(const struct epochs *e, const struct epoch_clocks *now,
    struct epochs_saved *saved)
{
	saved->own_ms = epochs_own_ms(e, now);
	saved->clocks = *now;
}

/* Is one of the two newest epochs about as far ahead? */
static bool
is_known(const struct epochs *e, int64_t offset_ms)
{
	size_t i;

	for (i = e->count; i > 0 && e->count - i < 2; i--) {
		if (distance(e->list[i - 1].offset_ms, offset_ms) <= e->jump_ms)
			return true;
	}
	return false;
}

/*
 * By how much the clock that stamped a row is ahead of ours: either as far as
 * the wall clock is now, or as one of the two newest epochs, for a row may
 * have waited while the wall clock jumped. It is the one that makes the row
 * fresh.
 */
static int64_t
offset_of(const struct epochs *e, int64_t own_ms, int64_t wall_ms,
    int64_t at_ms)
{
	const int64_t ahead = bounded(at_ms) - own_ms;
	int64_t best = wall_ms - own_ms, offset;
	size_t i;

	for (i = e->count; i > 0 && e->count - i < 2; i--) {
		offset = e->list[i - 1].offset_ms;
		if (distance(ahead, offset) < distance(ahead, best))
			best = offset;
	}
	return best;
}

/* Append begun, within the bounds for what is no new jump. */
static bool
begin(struct epochs *e, const struct epoch *begun)
{
	if (!is_known(e, begun->offset_ms))
		e->alternations = ALTERNATIONS_MAX;
	else if (e->alternations > 0)
		e->alternations--;
	return append(e, begun);
}

bool
epochs_place(struct epochs *e, const struct epoch_clocks *now, int64_t id,
    int64_t at_ms, struct epoch *begun)
{
	const int64_t own_ms = epochs_own_ms(e, now);
	const int64_t wall_ms = bounded(now->wall_ms);
	const struct epoch *newest =
	    e->count == 0 ? NULL : &e->list[e->count - 1];

	begun->first_id = id;
	begun->offset_ms = wall_ms - own_ms;
	if (e->alternations > 0 || !is_known(e, begun->offset_ms))
		begun->offset_ms = offset_of(e, own_ms, wall_ms, at_ms);
	if (newest != NULL &&
	    (id <= newest->first_id ||
		distance(begun->offset_ms, newest->offset_ms) <= e->jump_ms))
		return false;
	return begin(e, begun);
}

void
epochs_forget_from(struct epochs *e, int64_t id)
{
	while (e->count > 0 && e->list[e->count - 1].first_id >= id)
		e->count--;
}

/* The place of the epoch that id belongs to; those before all: of the first. */
static size_t
find(const struct epochs *e, int64_t id)
{
	size_t low = 0, high = e->count, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (e->list[middle].first_id <= id)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int64_t
epochs_forget_before(struct epochs *e, int64_t lowest_id)
{
	size_t first;

	if (e->count == 0)
		return INT64_MIN;
	first = find(e, lowest_id);
	e->count -= first;
	memmove(e->list, e->list + first, e->count * sizeof(*e->list));
	return e->list[0].first_id;
}

static int64_t
limit(int64_t own_ms, uint64_t age_ms, int64_t offset_ms)
{
	const int64_t age = age_ms > TIME_MAX ? TIME_MAX : (int64_t)age_ms;

	return own_ms - age + offset_ms;
}

int64_t
epochs_limit_ms(const struct epochs *e, int64_t own_ms, uint64_t age_ms,
    int64_t id)
{
	return limit(own_ms, age_ms,
	    e->count == 0 ? 0 : e->list[find(e, id)].offset_ms);
}

int64_t
epochs_highest_limit_ms(const struct epochs *e, int64_t own_ms, uint64_t age_ms)
{
	int64_t highest = e->count == 0 ? 0 : e->list[0].offset_ms;
	size_t i;

	for (i = 1; i < e->count; i++) {
		if (e->list[i].offset_ms > highest)
			highest = e->list[i].offset_ms;
	}
	return limit(own_ms, age_ms, highest);
}
