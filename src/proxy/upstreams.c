#include "proxy/upstreams.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "pool/conn_list.h"
#include "pool/worker.h"
#include "proxy/check.h"
#include "proxy/resolve.h"
#include "proxy/upstream.h"
#include "proxy/upstream_queue.h"

/* How soon a place is seen that another worker has freed. */
#define LOOK_MS 20u

/* Beside two intervals: what a loaded machine may be late. */
#define LEASE_SLACK_MS 1000u

const struct proxy_plan *
upstreams_plan(const struct upstreams *u)
{
	return u->plan;
}

const struct dns_api *
upstreams_dns(const struct upstreams *u)
{
	return u->conns->worker->dns;
}

struct event_base *
upstreams_base(const struct upstreams *u)
{
	return u->conns->worker->base;
}

const char *
upstreams_listener(const struct upstreams *u)
{
	return u->conns->spec->name;
}

static void
arm(const struct upstreams *u, struct event *ev, uint32_t ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (event_add(ev, &tv) == -1)
		log_error("listener", upstreams_listener(u),
		    "no memory for a timer of its upstreams");
}

void
upstreams_look(struct upstreams *u)
{
	if (u->waiting > 0)
		arm(u, u->look, 0);
}

static void
free_now(struct upstreams *u)
{
	struct upstream *up;
	uint32_t i;

	for (i = 0; i < u->count; i++)
		upstream_free(&u->all[i]);
	while ((up = TAILQ_FIRST(&u->retired)) != NULL) {
		TAILQ_REMOVE(&u->retired, up, entry);
		upstream_free(&up);
	}
	if (u->tick != NULL)
		event_free(u->tick);
	if (u->look != NULL)
		event_free(u->look);
	free(u->plan);
	free(u);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct upstreams *u = arg;

	(void)fd;
	(void)what;
	u->looking = true;
	upstream_queue_look(u);
	u->looking = false;
	if (u->dead)
		free_now(u);
	else if (u->waiting > 0 && !event_pending(u->look, EV_TIMEOUT, NULL))
		arm(u, u->look, LOOK_MS);
}

/* --- checks --- */

static uint32_t
own_pid(void)
{
	return (uint32_t)getpid();
}

/* One worker of all checks: who has the lease. */
static bool
is_ours(struct upstreams *u)
{
	if (u->plan->check == CHECK_OFF ||
	    u->conns->phase != CONN_LIST_SERVING) {
		upstream_lease_drop(u->table, own_pid());
		return false;
	}
	return upstream_lease_take(u->table, own_pid(), clock_mono_ms(),
	    2 * u->plan->check_interval_ms + LEASE_SLACK_MS);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct upstreams *u = arg;
	uint32_t i;

	(void)fd;
	(void)what;
	if (u->plan->check != CHECK_OFF && u->conns->phase == CONN_LIST_SERVING)
		arm(u, u->tick, u->plan->check_interval_ms);
	if (!is_ours(u))
		return;
	for (i = 0; i < u->count; i++)
		if (upstream_row_mode(u->all[i]->row) != UPSTREAM_MODE_MAINT)
			check_begin(u->all[i]);
}

/* --- plans --- */

static struct proxy_plan *
copy_plan(const struct proxy_plan *plan, struct err *err)
{
	const size_t size = proxy_plan_size(plan->upstreams_count);
	struct proxy_plan *copy = malloc(size);

	if (copy == NULL) {
		(void)err_sys(err, "a plan");
		return NULL;
	}
	memcpy(copy, plan, size);
	return copy;
}

static struct upstream *
find_name(const struct upstreams *u, const char *name, uint32_t *at)
{
	for (*at = 0; *at < u->count; (*at)++)
		if (strcmp(u->all[*at]->plan.name, name) == 0)
			return u->all[*at];
	return NULL;
}

/* What a plan makes of us, until it is certain that it can be. */
struct change {
	struct upstream *all[UPSTREAMS_MAX];
	struct balance_entry entries[UPSTREAMS_MAX];
	bool fresh[UPSTREAMS_MAX];
	uint32_t count;
};

static void
drop_change(struct change *c)
{
	uint32_t i;

	for (i = 0; i < c->count; i++)
		if (c->fresh[i])
			upstream_free(&c->all[i]);
}

/* Returns 0, or -1 with *err, and nothing has changed. */
static int
make_change(struct upstreams *u, const struct proxy_plan *plan,
    struct change *c, struct err *err)
{
	uint32_t i, at;

	for (i = 0; i < plan->upstreams_count; i++) {
		const struct upstream_plan *p = &plan->upstreams[i];

		c->entries[i] = (struct balance_entry){ .weight = p->weight,
			.key = upstream_key(p->name) };
		c->all[i] = find_name(u, p->name, &at);
		c->fresh[i] = c->all[i] == NULL;
		if (!c->fresh[i])
			c->entries[i].turn = u->entries[at].turn;
		else if ((c->all[i] = upstream_new(u, p, err)) == NULL)
			return -1;
		c->count++;
	}
	return 0;
}

static bool
is_in(const struct change *c, const struct upstream *up)
{
	uint32_t i;

	for (i = 0; i < c->count; i++)
		if (c->all[i] == up)
			return true;
	return false;
}

/* It is in no plan any more. */
static void
retire(struct upstreams *u, struct upstream *up)
{
	check_end(up);
	resolve_end(up);
	if (up->claims == 0) {
		upstream_free(&up);
		return;
	}
	up->retired = true;
	TAILQ_INSERT_TAIL(&u->retired, up, entry);
}

static bool
resolves_otherwise(const struct proxy_plan *a, const struct proxy_plan *b)
{
	return a->resolve_every_ms != b->resolve_every_ms ||
	    memcmp(a->resolvers, b->resolvers, sizeof(a->resolvers)) != 0;
}

/* Those that are new, or all when it is done otherwise from now on. */
static void
resolve(struct upstreams *u, const struct change *c, bool all)
{
	struct err err;
	uint32_t i;

	for (i = 0; i < u->count; i++)
		if ((c->fresh[i] || all) &&
		    resolve_begin(u->all[i], &err) == -1)
			log_error("listener", upstreams_listener(u),
			    "upstream %s: %s", u->all[i]->plan.name, err.text);
}

int
upstreams_update(struct upstreams *u, const struct proxy_plan *plan,
    struct err *err)
{
	struct change c = { .count = 0 };
	struct proxy_plan *old = u->plan, *copy = copy_plan(plan, err);
	uint32_t i;

	if (copy == NULL)
		return -1;
	if (make_change(u, plan, &c, err) == -1) {
		drop_change(&c);
		free(copy);
		return -1;
	}
	for (i = 0; i < u->count; i++)
		if (!is_in(&c, u->all[i]))
			retire(u, u->all[i]);
	u->plan = copy;
	u->count = c.count;
	memcpy(u->all, c.all, sizeof(u->all));
	memcpy(u->entries, c.entries, sizeof(u->entries));
	for (i = 0; i < u->count; i++)
		u->all[i]->plan = plan->upstreams[i];
	resolve(u, &c, old != NULL && resolves_otherwise(old, plan));
	free(old);
	arm(u, u->tick, 0);
	upstreams_look(u);
	return 0;
}

struct upstreams *
upstreams_new(struct conn_list *conns, const struct proxy_plan *plan,
    struct err *err)
{
	struct worker *w = conns->worker;
	struct upstreams *u;

	if (w->upstreams == NULL) {
		(void)err_set(err, ERR_INTERNAL, "UPSTREAM_BOARD comes first");
		return NULL;
	}
	u = calloc(1, sizeof(*u));
	if (u == NULL) {
		(void)err_sys(err, "upstreams");
		return NULL;
	}
	u->conns = conns;
	u->table = &w->upstreams->tables[conns->board - w->board->entries];
	TAILQ_INIT(&u->retired);
	TAILQ_INIT(&u->moving);
	u->tick = event_new(w->base, -1, 0, on_tick, u);
	u->look = event_new(w->base, -1, 0, on_look, u);
	if (u->tick == NULL || u->look == NULL)
		(void)err_set(err, ERR_UNAVAILABLE, "no memory for a timer");
	else if (upstreams_update(u, plan, err) == 0)
		return u;
	free_now(u);
	return NULL;
}

void
upstreams_free(struct upstreams **up)
{
	struct upstreams *u = *up;

	*up = NULL;
	if (u == NULL)
		return;
	upstream_lease_drop(u->table, own_pid());
	if (u->looking)
		u->dead = true; /* on_look() frees it */
	else
		free_now(u);
}

/* --- picking --- */

enum fitness {
	UNFIT,
	FIT_DOWN,   /* it is known to be down */
	UNRESOLVED, /* its name is being looked up for the first time */
	FIT_UP
};

static size_t
index_of(const struct upstream *up)
{
	return upstream_row_index(up->owner->table, up->row);
}

static bool
has_tried(const struct upstream_asker *asker, const struct upstream *up)
{
	const size_t i = index_of(up);

	return (asker->tried[i / 64] >> i % 64 & 1) != 0;
}

static enum fitness
fitness_of(const struct upstream *up, const struct upstream_asker *asker)
{
	if (!upstream_is_ready(up) || has_tried(asker, up))
		return UNFIT;
	if (up->addresses_count == 0)
		return resolve_failed(up) ? UNFIT : UNRESOLVED;
	return upstream_row_health(up->row) == UPSTREAM_DOWN ? FIT_DOWN
							     : FIT_UP;
}

/* Without a limit nobody waits, but for a name. */
static bool
has_room(const struct upstream *up)
{
	const uint32_t max = up->plan.max_connections;

	return max == 0 ||
	    (atomic_load_explicit(&up->row->connections, memory_order_relaxed) <
		    max &&
		atomic_load_explicit(&up->row->waiting, memory_order_relaxed) ==
		    0);
}

static bool
take(struct upstream *up, struct upstream_asker *asker,
    struct upstream_address *out)
{
	if (!upstream_row_enter(up->row, up->plan.max_connections))
		return false;
	upstream_take_place(up, asker, out);
	return true;
}

/* Which of them are in question now. */
struct choice {
	enum fitness fitness[UPSTREAMS_MAX];
	enum fitness wanted;
	bool backup;
};

static bool
is_chosen(const struct upstreams *u, const struct choice *c, uint32_t i)
{
	/* That of each upstream was judged. */
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	return c->fitness[i] == c->wanted &&
	    (u->all[i]->plan.backup != 0) == c->backup;
}

static bool
pick_with_room(struct upstreams *u, const struct choice *c,
    struct upstream_asker *asker, struct upstream_address *out)
{
	const enum balance how =
	    asker->has_source || u->plan->balance != BALANCE_SOURCE
	    ? (enum balance)u->plan->balance
	    : BALANCE_ROUND_ROBIN;
	const uint64_t source =
	    asker->has_source ? balance_source(asker->source) : 0;
	struct balance_entry *e = u->entries;
	uint32_t i;
	size_t at;

	for (i = 0; i < u->count; i++) {
		e[i].usable = is_chosen(u, c, i) && has_room(u->all[i]);
		e[i].connections = atomic_load_explicit(
		    &u->all[i]->row->connections, memory_order_relaxed);
	}
	while ((at = balance_pick(how, e, u->count, source)) != BALANCE_NONE) {
		if (take(u->all[at], asker, out))
			return true;
		e[at].usable = false; /* somebody was faster */
	}
	return false;
}

static bool
wait_at_shortest(struct upstreams *u, struct choice *c,
    struct upstream_asker *asker)
{
	uint32_t i, best, waiting, least;

	for (;;) {
		best = UINT32_MAX;
		least = UINT32_MAX;
		for (i = 0; i < u->count; i++) {
			waiting = atomic_load_explicit(&u->all[i]->row->waiting,
			    memory_order_relaxed);
			if (!is_chosen(u, c, i) || waiting >= least)
				continue;
			best = i;
			least = waiting;
		}
		if (best == UINT32_MAX)
			return false;
		if (upstream_queue_join(u->all[best], asker))
			return true;
		c->fitness[best] = UNFIT; /* its queue is full */
	}
}

/* One that has failed it has other addresses. */
static bool
pick_last_again(struct upstreams *u, struct upstream_asker *asker,
    struct upstream_address *out)
{
	uint32_t i;

	if (asker->addresses_tried == 0)
		return false;
	for (i = 0; i < u->count; i++)
		if (index_of(u->all[i]) + 1 == asker->last)
			return u->all[i]->addresses_count > 0 &&
			    upstream_is_ready(u->all[i]) &&
			    take(u->all[i], asker, out);
	return false;
}

/*
 * Nobody checks one that is down but those who come: now and then one of them
 * is sent there.
 */
static bool
pick_for_a_try(struct upstreams *u, const struct choice *c,
    struct upstream_asker *asker, struct upstream_address *out)
{
	uint32_t i;

	if (u->plan->check != CHECK_OFF)
		return false;
	for (i = 0; i < u->count; i++)
		if (c->fitness[i] == FIT_DOWN && has_room(u->all[i]) &&
		    upstream_row_try(u->all[i]->row, clock_mono_ms(),
			u->plan->check_interval_ms) &&
		    take(u->all[i], asker, out))
			return true;
	return false;
}

enum upstream_pick
upstreams_pick(struct upstreams *u, struct upstream_asker *asker,
    struct upstream_address *out)
{
	static const enum fitness order[] = { FIT_UP, UNRESOLVED, FIT_DOWN };
	struct choice c;
	bool any_up = false;
	size_t n;
	uint32_t i;

	for (i = 0; i < u->count; i++) {
		c.fitness[i] = fitness_of(u->all[i], asker);
		any_up = any_up || c.fitness[i] == FIT_UP;
	}
	if (pick_last_again(u, asker, out) || pick_for_a_try(u, &c, asker, out))
		return UPSTREAM_PICKED;
	for (n = 0; n < 2 * sizeof(order) / sizeof(order[0]); n++) {
		c.wanted = order[n / 2];
		c.backup = n % 2 != 0;
		/* Full is not down. */
		if (c.wanted == FIT_DOWN && any_up)
			break;
		if (c.wanted != UNRESOLVED && pick_with_room(u, &c, asker, out))
			return UPSTREAM_PICKED;
		if (wait_at_shortest(u, &c, asker))
			return UPSTREAM_WAITS;
	}
	return UPSTREAM_NONE;
}

/* --- claims --- */

void
upstreams_connected(struct upstream_claim *claim)
{
	struct upstream *up = claim->upstream;

	atomic_fetch_add_explicit(&up->row->connected, 1, memory_order_relaxed);
	/* What a check expects of it, a connect does not show. */
	if (up->owner->plan->check != CHECK_EXPECT)
		upstream_note_good(up);
}

/* Is it a lack of ours, which says nothing of the upstream? */
static bool
is_our_lack(enum upstream_trouble trouble, int error)
{
	return trouble == UPSTREAM_TROUBLE_CONNECT &&
	    (error == EMFILE || error == ENFILE || error == ENOBUFS ||
		error == ENOMEM || error == EADDRNOTAVAIL);
}

void
upstreams_failed(struct upstream_asker *asker, enum upstream_trouble trouble,
    int error)
{
	struct upstream *up = asker->claim->upstream;
	const size_t i = index_of(up);

	atomic_fetch_add_explicit(&up->row->failed, 1, memory_order_relaxed);
	if (asker->address == up->address)
		upstream_next_address(up);
	if (++asker->addresses_tried >= up->addresses_count) {
		asker->addresses_tried = 0;
		asker->tried[i / 64] |= (uint64_t)1 << i % 64;
		if (is_our_lack(trouble, error))
			upstream_row_note(up->row, trouble, error);
		else
			upstream_note_bad(up, up->owner->plan->check_fall,
			    trouble, error);
	}
	upstreams_leave(asker->claim);
}

void
upstreams_leave(struct upstream_claim *claim)
{
	struct upstream *up = claim->upstream;
	struct upstreams *u;

	if (up == NULL)
		return;
	if (claim->asker != NULL) {
		upstream_queue_leave(claim->asker);
		return;
	}
	u = up->owner;
	upstream_row_leave(up->row);
	upstream_hold(&up->held->connections, -1);
	upstream_claim_end(claim);
	upstreams_look(u);
}

const struct upstream_plan *
upstreams_claimed(const struct upstream_claim *claim)
{
	return &claim->upstream->plan;
}
