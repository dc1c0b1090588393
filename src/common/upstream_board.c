#include "common/upstream_board.h"

#include <sys/param.h>

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/shared.h"
#include "common/tls_failure.h"

static const char name[] = "board of upstreams";

const char *const upstream_health_words[UPSTREAM_HEALTH_COUNT] = {
#define X(NAME, WORD) [UPSTREAM_##NAME] = WORD,
	UPSTREAM_HEALTHS(X)
#undef X
};

int
upstream_board_create(struct err *err)
{
	return shared_create(name, sizeof(struct upstream_board), err);
}

struct upstream_board *
upstream_board_map(int fd, struct err *err)
{
	return shared_map(fd, name, sizeof(struct upstream_board), true, err);
}

void
upstream_board_unmap(struct upstream_board **b)
{
	shared_unmap(*b, sizeof(**b));
	*b = NULL;
}

/* FNV-1a: the names are the operator's own. */
uint64_t
upstream_key(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3u;
	return h == 0 ? 1 : h;
}

/* --- rows --- */

static size_t
rows_used(const struct upstream_table *t)
{
	const uint32_t used = atomic_load(&t->rows_used);

	return used > UPSTREAM_ROWS ? UPSTREAM_ROWS : used;
}

struct upstream_row *
upstream_table_find(struct upstream_table *t, uint64_t key)
{
	const size_t used = rows_used(t);
	size_t i;

	for (i = 0; i < used; i++)
		if (atomic_load(&t->rows[i].key) == key)
			return &t->rows[i];
	return NULL;
}

static void
reset_row(struct upstream_row *r, uint64_t key)
{
	atomic_store(&r->mode, UPSTREAM_MODE_READY);
	atomic_store(&r->connections, 0);
	atomic_store(&r->waiting, 0);
	atomic_store(&r->health, UPSTREAM_UNCHECKED);
	atomic_store(&r->since_ms, clock_real_ms());
	atomic_store(&r->trouble, 0);
	atomic_store(&r->tried_ms, 0);
	atomic_store(&r->connected, 0);
	atomic_store(&r->failed, 0);
	atomic_store(&r->checks, 0);
	atomic_store(&r->checks_failed, 0);
	atomic_store(&r->checked_ms, 0);
	atomic_store(&r->dropped, 0);
	atomic_store(&r->key, key);
}

void
upstream_table_reset(struct upstream_table *t)
{
	const size_t used = rows_used(t);
	size_t i;

	for (i = 0; i < used; i++)
		reset_row(&t->rows[i], 0);
	atomic_store(&t->lease, 0);
	atomic_store(&t->rows_used, 0);
}

static bool
has_key(const struct proxy_plan *plan, uint64_t key)
{
	uint32_t i;

	for (i = 0; i < plan->upstreams_count; i++)
		if (upstream_key(plan->upstreams[i].name) == key)
			return true;
	return false;
}

static bool
is_idle(const struct upstream_row *r)
{
	return atomic_load(&r->connections) == 0 &&
	    atomic_load(&r->waiting) == 0;
}

/* May it be given to another name? */
static bool
is_free(const struct upstream_row *r, const struct proxy_plan *plan)
{
	return is_idle(r) && !has_key(plan, atomic_load(&r->key));
}

static size_t
count_free(const struct upstream_table *t, const struct proxy_plan *plan)
{
	const size_t used = rows_used(t);
	size_t i, count = UPSTREAM_ROWS - used;

	for (i = 0; i < used; i++)
		count += is_free(&t->rows[i], plan);
	return count;
}

static size_t
count_new(struct upstream_table *t, const struct proxy_plan *plan)
{
	size_t count = 0;
	uint32_t i;

	for (i = 0; i < plan->upstreams_count; i++)
		count += upstream_table_find(t,
			     upstream_key(plan->upstreams[i].name)) == NULL;
	return count;
}

/* The first that was never in use, else the one that was dropped first. */
static struct upstream_row *
find_free(struct upstream_table *t, const struct proxy_plan *plan)
{
	const size_t used = rows_used(t);
	struct upstream_row *r, *best = NULL;

	if (used < UPSTREAM_ROWS)
		return &t->rows[used];
	for (r = t->rows; r < t->rows + UPSTREAM_ROWS; r++)
		if (is_free(r, plan) &&
		    (best == NULL ||
			atomic_load(&r->dropped) < atomic_load(&best->dropped)))
			best = r;
	return best;
}

/* The name was in no plan any more: it starts anew, but for who is there. */
static void
revive(struct upstream_row *r, uint64_t key)
{
	if (is_idle(r))
		reset_row(r, key);
	atomic_store(&r->mode, UPSTREAM_MODE_READY);
	atomic_store(&r->dropped, 0);
}

static void
give_row(struct upstream_table *t, const struct proxy_plan *plan, uint64_t key)
{
	struct upstream_row *r = upstream_table_find(t, key);
	size_t i;

	if (r != NULL) {
		if (atomic_load(&r->dropped) != 0)
			revive(r, key);
		return;
	}
	r = find_free(t, plan);
	if (r == NULL)
		return;
	i = upstream_row_index(t, r);
	reset_row(r, key);
	if (i >= rows_used(t))
		atomic_store(&t->rows_used, (uint32_t)i + 1);
}

/* Those that are in the plan no more. */
static void
drop_others(struct upstream_table *t, const struct proxy_plan *plan)
{
	const size_t used = rows_used(t);
	uint64_t last = 0;
	size_t i;

	for (i = 0; i < used; i++)
		last = MAX(last, atomic_load(&t->rows[i].dropped));
	for (i = 0; i < used; i++)
		if (atomic_load(&t->rows[i].dropped) == 0 &&
		    !has_key(plan, atomic_load(&t->rows[i].key)))
			atomic_store(&t->rows[i].dropped, last + 1);
}

int
upstream_table_assign(struct upstream_table *t, const struct proxy_plan *plan,
    struct err *err)
{
	uint32_t i;

	if (count_new(t, plan) > count_free(t, plan))
		return err_set(err, ERR_BUSY,
		    "proxy.upstreams: too many that are not in it any more "
		    "still have connections: wait until these are over");
	drop_others(t, plan);
	for (i = 0; i < plan->upstreams_count; i++)
		give_row(t, plan, upstream_key(plan->upstreams[i].name));
	return 0;
}

/* A worker may have written what it likes there: not below 0. */
static void
subtract(_Atomic uint32_t *value, uint32_t n)
{
	uint32_t v = atomic_load_explicit(value, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(value, &v,
	    v > n ? v - n : 0, memory_order_relaxed, memory_order_relaxed))
		;
}

void
upstream_table_reclaim(struct upstream_table *t,
    const struct upstream_holdings *had, uint32_t pid)
{
	const size_t used = rows_used(t);
	size_t i;

	for (i = 0; i < used; i++) {
		subtract(&t->rows[i].connections,
		    atomic_load(&had->of[i].connections));
		subtract(&t->rows[i].waiting, atomic_load(&had->of[i].waiting));
	}
	upstream_lease_drop(t, pid);
}

enum upstream_mode
upstream_row_mode(const struct upstream_row *r)
{
	const uint32_t mode =
	    atomic_load_explicit(&r->mode, memory_order_relaxed);

	return mode < UPSTREAM_MODE_COUNT ? (enum upstream_mode)mode
					  : UPSTREAM_MODE_READY;
}

/* --- places --- */

static bool
add_below(_Atomic uint32_t *value, uint32_t max)
{
	uint32_t v = atomic_load_explicit(value, memory_order_relaxed);

	do {
		if (v >= max)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(value, &v, v + 1,
	    memory_order_relaxed, memory_order_relaxed));
	return true;
}

bool
upstream_row_enter(struct upstream_row *r, uint32_t max)
{
	return add_below(&r->connections, max == 0 ? UINT32_MAX : max);
}

void
upstream_row_leave(struct upstream_row *r)
{
	subtract(&r->connections, 1);
}

bool
upstream_row_wait(struct upstream_row *r, uint32_t max)
{
	return add_below(&r->waiting, max);
}

void
upstream_row_wait_end(struct upstream_row *r)
{
	subtract(&r->waiting, 1);
}

/* --- health: the state, and how many in a row speak against it --- */

#define HEALTH_BITS 8

static uint64_t
health_make(enum upstream_health state, uint64_t streak)
{
	return streak << HEALTH_BITS | (uint64_t)state;
}

static enum upstream_health
state_of(uint64_t health)
{
	const uint64_t state = health & ((1u << HEALTH_BITS) - 1);

	return state < UPSTREAM_HEALTH_COUNT ? (enum upstream_health)state
					     : UPSTREAM_UNCHECKED;
}

enum upstream_health
upstream_row_health(const struct upstream_row *r)
{
	return state_of(atomic_load_explicit(&r->health, memory_order_relaxed));
}

/*
 * One more that says it is verdict: after enough in a row it is. Returns what
 * it was, if that has changed it, else verdict.
 */
static enum upstream_health
judge(struct upstream_row *r, enum upstream_health verdict, uint32_t enough)
{
	uint64_t now = atomic_load(&r->health), next, streak;
	enum upstream_health was;

	do {
		was = state_of(now);
		streak = (now >> HEALTH_BITS) + 1;
		if (was == verdict || streak >= enough)
			next = health_make(verdict, 0);
		else
			next = health_make(was, streak);
		if (next == now)
			return verdict;
	} while (!atomic_compare_exchange_weak(&r->health, &now, next));
	if (state_of(next) == was)
		return verdict;
	atomic_store(&r->since_ms, clock_real_ms());
	return was;
}

bool
upstream_row_good(struct upstream_row *r, uint32_t rise)
{
	if (upstream_row_health(r) == UPSTREAM_UNCHECKED)
		rise = 1;
	return judge(r, UPSTREAM_UP, rise) == UPSTREAM_DOWN;
}

void
upstream_row_note(struct upstream_row *r, enum upstream_trouble trouble,
    int error)
{
	atomic_store(&r->trouble,
	    (uint64_t)(uint32_t)error << 32 | (uint64_t)trouble);
}

bool
upstream_row_bad(struct upstream_row *r, uint32_t fall,
    enum upstream_trouble trouble, int error)
{
	upstream_row_note(r, trouble, error);
	if (judge(r, UPSTREAM_DOWN, fall) == UPSTREAM_DOWN)
		return false;
	atomic_store(&r->tried_ms, clock_mono_ms());
	return true;
}

bool
upstream_row_try(struct upstream_row *r, uint64_t now_ms, uint64_t every_ms)
{
	uint64_t last = atomic_load(&r->tried_ms);

	if (last != 0 && last < now_ms + every_ms && now_ms < last + every_ms)
		return false;
	return atomic_compare_exchange_strong(&r->tried_ms, &last, now_ms);
}

/* --- troubles --- */

void
upstream_trouble_text(uint64_t packed, char out[static UPSTREAM_TROUBLE_SIZE])
{
	static const char *const words[UPSTREAM_TROUBLE_COUNT] = {
#define X(NAME, WORDS) [UPSTREAM_TROUBLE_##NAME] = WORDS,
		UPSTREAM_TROUBLES(X)
#undef X
	};
	const uint32_t trouble = (uint32_t)packed;
	const int error = (int)(packed >> 32);
	const char *more = NULL;

	out[0] = '\0';
	if (trouble >= UPSTREAM_TROUBLE_COUNT)
		return;
	if (trouble == UPSTREAM_TROUBLE_TLS)
		more = tls_failure_name((uint32_t)error - 1);
	else if (error != 0)
		more = strerror(error);
	(void)snprintf(out, UPSTREAM_TROUBLE_SIZE, "%s%s%s", words[trouble],
	    more == NULL ? "" : ": ", more == NULL ? "" : more);
}

/* --- the lease: until when, and whose --- */

#define LEASE_PID_BITS 24 /* the kernel's pids have 22 */

static uint32_t
lease_pid(uint64_t lease)
{
	return (uint32_t)(lease & ((1u << LEASE_PID_BITS) - 1));
}

bool
upstream_lease_take(struct upstream_table *t, uint32_t pid, uint64_t now_ms,
    uint32_t for_ms)
{
	uint64_t lease = atomic_load(&t->lease), until;
	const uint64_t mine = (now_ms + for_ms) << LEASE_PID_BITS | pid;

	do {
		until = lease >> LEASE_PID_BITS;
		/* What nobody can have asked for is void. */
		if (lease_pid(lease) != pid && until > now_ms &&
		    until - now_ms <= 2 * (uint64_t)for_ms)
			return false;
	} while (!atomic_compare_exchange_weak(&t->lease, &lease, mine));
	return true;
}

void
upstream_lease_drop(struct upstream_table *t, uint32_t pid)
{
	uint64_t lease = atomic_load(&t->lease);

	while (lease_pid(lease) == pid &&
	    !atomic_compare_exchange_weak(&t->lease, &lease, 0))
		;
}
