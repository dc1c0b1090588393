#include "proxy/upstream_queue.h"

#include "common/clock.h"
#include "proxy/resolve.h"
#include "proxy/upstream.h"

bool
upstream_queue_join(struct upstream *up, struct upstream_asker *asker)
{
	struct upstreams *u = up->owner;
	const uint32_t timeout_ms = u->plan->queue_timeout_ms;

	/* Until a name is resolved all may wait. */
	if (!upstream_row_wait(up->row,
		up->addresses_count == 0 ? UINT32_MAX : up->plan.queue))
		return false;
	upstream_hold(&up->held->waiting, 1);
	upstream_claim_begin(up, asker->claim);
	asker->claim->asker = asker;
	if (asker->until_ms == 0)
		asker->until_ms =
		    timeout_ms == 0 ? UINT64_MAX : clock_mono_ms() + timeout_ms;
	TAILQ_INSERT_TAIL(&up->waiters, asker, entry);
	if (u->waiting++ == 0)
		upstreams_look(u);
	return true;
}

void
upstream_queue_leave(struct upstream_asker *asker)
{
	struct upstream *up = asker->claim->upstream;

	if (asker->moving)
		TAILQ_REMOVE(&up->owner->moving, asker, entry);
	else
		TAILQ_REMOVE(&up->waiters, asker, entry);
	asker->moving = false;
	up->owner->waiting--;
	upstream_row_wait_end(up->row);
	upstream_hold(&up->held->waiting, -1);
	upstream_claim_end(asker->claim);
}

/* Is there one that is up, and can be used? */
static bool
any_is_up(const struct upstreams *u)
{
	uint32_t i;

	for (i = 0; i < u->count; i++)
		if (upstream_is_ready(u->all[i]) &&
		    upstream_row_health(u->all[i]->row) != UPSTREAM_DOWN &&
		    u->all[i]->addresses_count > 0)
			return true;
	return false;
}

/* Is it worth while to wait for it? */
static bool
is_hopeful(const struct upstream *up)
{
	if (!upstream_is_ready(up))
		return false;
	if (up->addresses_count == 0)
		return !resolve_failed(up);
	return upstream_row_health(up->row) != UPSTREAM_DOWN ||
	    !any_is_up(up->owner);
}

/* Those at the head get the places that are free. */
static void
serve(struct upstream *up)
{
	struct upstreams *u = up->owner;
	struct upstream_address address;
	struct upstream_asker *a;

	while (!u->dead && (a = TAILQ_FIRST(&up->waiters)) != NULL &&
	    up->addresses_count > 0 && is_hopeful(up) &&
	    upstream_row_enter(up->row, up->plan.max_connections)) {
		/* The claim that goes is followed by one at once. */
		up->claims++;
		upstream_queue_leave(a);
		upstream_take_place(up, a, &address);
		up->claims--;
		a->ready(a, UPSTREAM_PICKED, &address);
	}
}

/* Take out those that wait in vain. */
static void
take_out(struct upstream *up, uint64_t now_ms)
{
	const bool hopeful = is_hopeful(up);
	struct upstream_asker *a, *next;

	TAILQ_FOREACH_SAFE (a, &up->waiters, entry, next) {
		if (hopeful && now_ms < a->until_ms)
			continue;
		TAILQ_REMOVE(&up->waiters, a, entry);
		a->moving = true;
		TAILQ_INSERT_TAIL(&up->owner->moving, a, entry);
	}
}

/* Find those who were taken out another place, or tell them. */
static void
move_on(struct upstreams *u, uint64_t now_ms)
{
	enum upstream_pick pick;
	struct upstream_address address;
	struct upstream_asker *a;

	while (!u->dead && (a = TAILQ_FIRST(&u->moving)) != NULL) {
		upstream_queue_leave(a);
		if (now_ms < a->until_ms)
			pick = upstreams_pick(u, a, &address);
		else
			pick = UPSTREAM_NONE;
		if (pick != UPSTREAM_WAITS)
			a->ready(a, pick, &address);
	}
}

void
upstream_queue_look(struct upstreams *u)
{
	const uint64_t now_ms = clock_mono_ms();
	struct upstream *up;
	uint32_t i;

	for (i = 0; i < u->count && !u->dead; i++) {
		serve(u->all[i]);
		if (!u->dead)
			take_out(u->all[i], now_ms);
	}
	if (!u->dead)
		TAILQ_FOREACH (up, &u->retired, entry)
			take_out(up, now_ms);
	move_on(u, now_ms);
}
