#include "proxy/upstream.h"

#include <sys/un.h>

#include <stdlib.h>
#include <string.h>

#include "common/event_sink.h"
#include "common/log.h"
#include "pool/conn_list.h"
#include "pool/worker.h"
#include "proxy/check.h"
#include "proxy/resolve.h"

/* Returns 0, or -1 with *err. */
static int
make_unix(const char *path, struct upstream_address *out, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->addr.storage;

	const size_t size = strlen(path) + 1;

	un->sun_family = AF_UNIX;
	if (size > sizeof(un->sun_path))
		return err_set(err, ERR_INVALID,
		    "proxy.upstreams: the path %s is longer than %zu bytes",
		    path, sizeof(un->sun_path) - 1);
	memcpy(un->sun_path, path, size);
	out->size = sizeof(*un);
	return 0;
}

static int
make_numeric(const struct upstream_plan *plan, struct upstream_address *out,
    struct err *err)
{
	out->size = addr_parse(plan->host, plan->port, &out->addr);
	if (out->size == 0)
		return err_set(err, ERR_INVALID,
		    "proxy.upstreams: %s is no numeric address", plan->host);
	return 0;
}

/* What needs no resolver has its address from the start. */
static int
make_address(struct upstream *up, struct err *err)
{
	struct upstream_address a = { .size = 0 };

	if (up->plan.kind == UPSTREAM_NAME)
		return 0;
	if (up->plan.kind == UPSTREAM_UNIX) {
		if (make_unix(up->plan.host, &a, err) == -1)
			return -1;
	} else if (make_numeric(&up->plan, &a, err) == -1) {
		return -1;
	}
	if (upstream_set_addresses(up, &a, 1) == -1)
		return err_sys(err, "an address");
	return 0;
}

/* Find its row on the board, and our part of it in the scoreboard. */
static int
find_row(struct upstream *up, struct err *err)
{
	const struct conn_list *conns = up->owner->conns;
	struct worker *w = conns->worker;
	const size_t entry = (size_t)(conns->board - w->board->entries);
	struct upstream_table *table;

	if (w->upstreams == NULL)
		return err_set(err, ERR_INTERNAL, "UPSTREAM_BOARD comes first");
	table = &w->upstreams->tables[entry];
	up->row = upstream_table_find(table, upstream_key(up->plan.name));
	if (up->row == NULL)
		return err_set(err, ERR_INTERNAL,
		    "upstream %s has no row on the board", up->plan.name);
	up->held =
	    &w->board->upstreams[entry].of[upstream_row_index(table, up->row)];
	return 0;
}

struct upstream *
upstream_new(struct upstreams *owner, const struct upstream_plan *plan,
    struct err *err)
{
	struct upstream *up = calloc(1, sizeof(*up));

	if (up == NULL) {
		(void)err_sys(err, "an upstream");
		return NULL;
	}
	up->owner = owner;
	up->plan = *plan;
	TAILQ_INIT(&up->waiters);
	if (find_row(up, err) == -1 || make_address(up, err) == -1)
		upstream_free(&up);
	return up;
}

void
upstream_free(struct upstream **upp)
{
	struct upstream *up = *upp;

	*upp = NULL;
	if (up == NULL)
		return;
	check_end(up);
	resolve_end(up);
	free(up->addresses);
	free(up);
}

/* --- addresses --- */

const struct upstream_address *
upstream_address(const struct upstream *up)
{
	return &up->addresses[up->address];
}

void
upstream_next_address(struct upstream *up)
{
	if (up->addresses_count > 0)
		up->address = (up->address + 1) % up->addresses_count;
}

static bool
is_same(const struct upstream_address *a, const struct upstream_address *b)
{
	return a->size == b->size && memcmp(&a->addr, &b->addr, a->size) == 0;
}

int
upstream_set_addresses(struct upstream *up, const struct upstream_address *a,
    uint32_t count)
{
	struct upstream_address *fresh = calloc(count, sizeof(*fresh));
	uint32_t i, use = 0;

	if (fresh == NULL)
		return -1;
	memcpy(fresh, a, count * sizeof(*fresh));
	/* One that works goes on being used. */
	for (i = 0; up->addresses_count > 0 && i < count; i++)
		if (is_same(&fresh[i], upstream_address(up)))
			use = i;
	free(up->addresses);
	up->addresses = fresh;
	up->addresses_count = count;
	up->address = use;
	return 0;
}

/* --- claims --- */

bool
upstream_is_ready(const struct upstream *up)
{
	return !up->retired &&
	    upstream_row_mode(up->row) == UPSTREAM_MODE_READY;
}

void
upstream_claim_begin(struct upstream *up, struct upstream_claim *claim)
{
	claim->upstream = up;
	up->claims++;
}

void
upstream_claim_end(struct upstream_claim *claim)
{
	struct upstream *up = claim->upstream;

	*claim = (struct upstream_claim){ 0 };
	if (--up->claims > 0 || !up->retired)
		return;
	TAILQ_REMOVE(&up->owner->retired, up, entry);
	upstream_free(&up);
}

void
upstream_hold(_Atomic uint32_t *held, int more)
{
	/* We alone write it. */
	atomic_store_explicit(held,
	    atomic_load_explicit(held, memory_order_relaxed) + (uint32_t)more,
	    memory_order_relaxed);
}

void
upstream_take_place(struct upstream *up, struct upstream_asker *asker,
    struct upstream_address *out)
{
	const uint32_t id =
	    (uint32_t)upstream_row_index(up->owner->table, up->row) + 1;

	upstream_claim_begin(up, asker->claim);
	upstream_hold(&up->held->connections, 1);
	if (asker->last != id)
		asker->addresses_tried = 0;
	asker->last = id;
	asker->address = up->address;
	*out = *upstream_address(up);
}

/* --- health --- */

static void
tell(const struct upstream *up, enum event_type type, const char *reason)
{
	const struct conn_list *conns = up->owner->conns;
	struct health_event e = { .type = type,
		.listener = conns->spec->name,
		.reason = reason };

	event_add_text(&e, FACT_UPSTREAM, up->plan.name);
	if (strcmp(conns->spec->pool, conns->spec->name) != 0)
		event_add_text(&e, FACT_POOL, conns->spec->pool);
	event_sink_add(conns->worker->events, &e);
}

void
upstream_note_good(struct upstream *up)
{
	if (!upstream_row_good(up->row, upstreams_plan(up->owner)->check_rise))
		return;
	log_info("listener", upstreams_listener(up->owner), "upstream %s is up",
	    up->plan.name);
	tell(up, EVENT_UPSTREAM_UP, NULL);
	upstreams_look(up->owner);
}

void
upstream_note_bad(struct upstream *up, uint32_t fall,
    enum upstream_trouble trouble, int error)
{
	char text[UPSTREAM_TROUBLE_SIZE];

	if (!upstream_row_bad(up->row, fall, trouble, error))
		return;
	upstream_trouble_text(atomic_load(&up->row->trouble), text);
	log_warning("listener", upstreams_listener(up->owner),
	    "upstream %s is down: %s", up->plan.name, text);
	tell(up, EVENT_UPSTREAM_DOWN, text);
	upstreams_look(up->owner);
}
