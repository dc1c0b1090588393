#include "supervisor/upstreams.h"

#include <string.h>
#include <unistd.h>

#include "common/bulk.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/upstream_board.h"
#include "supervisor/crew.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/record.h"

static bool
is_proxy(const struct listener_spec *spec)
{
	return spec->protocol == PROTOCOL_PROXY;
}

static struct upstream_table *
table_of(const struct listener *l)
{
	return &l->pool->upstreams->tables[l->entry];
}

/* The value that the spec refers to: a new one, or one that l has. */
static const struct bulk *
plan_value(const struct listener *l, const struct listener_spec *spec,
    const struct bulks *values)
{
	const struct bulk_ref *ref = &spec->bulks[BULK_PROTOCOL_PLAN];
	const struct bulk *b = values->of[BULK_PROTOCOL_PLAN];

	if (b != NULL && bulk_ref_matches(ref, b))
		return b;
	b = l->bulks.of[BULK_PROTOCOL_PLAN];
	return b != NULL && bulk_ref_matches(ref, b) ? b : NULL;
}

/* Map a plan; to be unmapped with bulk_unmap(). NULL with *err. */
static const struct proxy_plan *
map_plan(const struct bulk *b, struct err *err)
{
	const struct proxy_plan *plan;

	if (b == NULL) {
		(void)err_set(err, ERR_INTERNAL, "its proxy plan is missing");
		return NULL;
	}
	plan = bulk_map(b, err);
	if (plan == NULL || proxy_plan_check(plan, b->ref.size, err) == 0)
		return plan;
	bulk_unmap(b, plan);
	return NULL;
}

/* Returns 0, or -1 with *err. */
static int
open_board(struct pool *p, struct err *err)
{
	if (p->upstreams != NULL)
		return 0;
	p->upstreams_fd = upstream_board_create(err);
	if (p->upstreams_fd == -1)
		return -1;
	p->upstreams = upstream_board_map(p->upstreams_fd, err);
	if (p->upstreams != NULL)
		return 0;
	(void)close(p->upstreams_fd);
	p->upstreams_fd = -1;
	return -1;
}

void
upstreams_close(struct pool *p)
{
	upstream_board_unmap(&p->upstreams);
	if (p->upstreams_fd != -1)
		(void)close(p->upstreams_fd);
	p->upstreams_fd = -1;
}

int
upstreams_assign(struct listener *l, const struct listener_spec *spec,
    const struct bulks *values, struct err *err)
{
	const struct proxy_plan *plan;
	const struct bulk *b;
	int r;

	if (!is_proxy(spec))
		return 0;
	if (open_board(l->pool, err) == -1)
		return -1;
	b = plan_value(l, spec, values);
	plan = map_plan(b, err);
	if (plan == NULL)
		return -1;
	r = upstream_table_assign(table_of(l), plan, err);
	bulk_unmap(b, plan);
	return r;
}

int
upstreams_begin(struct listener *l, struct err *err)
{
	if (!is_proxy(&l->spec))
		return 0;
	if (l->pool->upstreams != NULL)
		upstream_table_reset(table_of(l));
	return upstreams_assign(l, &l->spec, &l->bulks, err);
}

bool
upstreams_have_names(const struct listener *l)
{
	const struct bulk *b = l->bulks.of[BULK_PROTOCOL_PLAN];
	const struct proxy_plan *plan;
	bool found = false;
	struct err err;
	uint32_t i;

	if (!is_proxy(&l->spec))
		return false;
	plan = map_plan(b, &err);
	if (plan == NULL)
		return true;
	for (i = 0; i < plan->upstreams_count && !found; i++)
		found = plan->upstreams[i].kind == UPSTREAM_NAME;
	bulk_unmap(b, plan);
	return found;
}

void
upstreams_send(const struct listener *l, struct worker *w)
{
	const struct msg_empty none = { 0 };

	if (!is_proxy(&l->spec) || w->has_upstreams)
		return;
	w->has_upstreams = true;
	child_send(&w->child, IPC_UPSTREAM_BOARD, &none, l->pool->upstreams_fd);
}

void
upstreams_reclaim(struct listener *l, const struct worker *w)
{
	if (!is_proxy(&l->spec) || worker_entry(w, l) == NULL)
		return;
	upstream_table_reclaim(table_of(l), &w->board->upstreams[l->entry],
	    (uint32_t)w->child.pid);
}

/* --- modes --- */

void
upstreams_succeed(struct listener *heir, const struct listener *old)
{
	const struct bulk *b = heir->bulks.of[BULK_PROTOCOL_PLAN];
	const struct proxy_plan *plan;
	struct upstream_row *from, *to;
	struct err err;
	uint32_t i;

	if (!is_proxy(&heir->spec) || !is_proxy(&old->spec))
		return;
	plan = map_plan(b, &err);
	if (plan == NULL)
		return;
	for (i = 0; i < plan->upstreams_count; i++) {
		const uint64_t key = upstream_key(plan->upstreams[i].name);

		from = upstream_table_find(table_of(old), key);
		to = upstream_table_find(table_of(heir), key);
		if (from != NULL && to != NULL)
			atomic_store(&to->mode, upstream_row_mode(from));
	}
	bulk_unmap(b, plan);
}

/* "pos has no upstream named x: it has a, b". */
static int
unknown(const struct listener *l, const struct proxy_plan *plan,
    const char *name, struct err *err)
{
	char names[256] = "";
	uint32_t i;

	for (i = 0; i < plan->upstreams_count; i++) {
		if (i > 0)
			(void)strlcat(names, ", ", sizeof(names));
		if (strlcat(names, plan->upstreams[i].name, sizeof(names)) >=
		    sizeof(names))
			break;
	}
	return err_set(err, ERR_NOT_FOUND,
	    "%s has no upstream named %.80s: it has %s", l->spec.name, name,
	    names);
}

static void
set_mode(struct listener *l, struct upstream_row *row, const char *name,
    enum upstream_mode mode)
{
	if (upstream_row_mode(row) == mode)
		return;
	atomic_store(&row->mode, mode);
	record_listener(l, EVENT_LISTENER_UPDATED, "upstream %s: %s", name,
	    upstream_mode_words[mode]);
}

static bool
is_named(const struct proxy_plan *plan, const char *name)
{
	uint32_t i;

	for (i = 0; i < plan->upstreams_count; i++)
		if (strcmp(plan->upstreams[i].name, name) == 0)
			return true;
	return false;
}

/* Returns the plan of a proxy, to be unmapped, or NULL with *err. */
static const struct proxy_plan *
plan_of(const struct listener *l, struct err *err)
{
	if (is_proxy(&l->spec))
		return map_plan(l->bulks.of[BULK_PROTOCOL_PLAN], err);
	(void)err_set(err, ERR_INVALID,
	    "%s has no upstreams: its protocol is not proxy", l->spec.name);
	return NULL;
}

int
upstreams_set(struct listener *l, const char *name, enum upstream_mode mode,
    struct err *err)
{
	const struct proxy_plan *plan = plan_of(l, err);
	struct upstream_row *row;
	int r = 0;

	if (plan == NULL)
		return -1;
	row = upstream_table_find(table_of(l), upstream_key(name));
	if (!is_named(plan, name) || row == NULL)
		r = unknown(l, plan, name, err);
	else
		set_mode(l, row, name, mode);
	bulk_unmap(l->bulks.of[BULK_PROTOCOL_PLAN], plan);
	return r;
}

/* --- what is known of them --- */

static uint64_t
ago_ms(uint64_t then_ms)
{
	const uint64_t now_ms = clock_mono_ms();

	if (then_ms == 0)
		return UPSTREAM_NEVER;
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

static void
add_row(struct snapshot_writer *sw, const struct upstream_plan *plan,
    const struct upstream_row *r)
{
	struct snapshot_upstream row = { .mode = upstream_row_mode(r),
		.health = upstream_row_health(r),
		.backup = plan->backup,
		.weight = plan->weight,
		.connections = atomic_load(&r->connections),
		.max_connections = plan->max_connections,
		.waiting = atomic_load(&r->waiting),
		.queue = plan->queue,
		.connected = atomic_load(&r->connected),
		.failed = atomic_load(&r->failed),
		.checks = atomic_load(&r->checks),
		.checks_failed = atomic_load(&r->checks_failed),
		.checked_ms_ago = ago_ms(atomic_load(&r->checked_ms)),
		.since_ms = atomic_load(&r->since_ms),
		.trouble = atomic_load(&r->trouble) };

	(void)strlcpy(row.name, plan->name, sizeof(row.name));
	snapshot_add(sw, SNAPSHOT_UPSTREAM, &row, sizeof(row));
}

static void
add_all(struct snapshot_writer *sw, const struct listener *l,
    const struct proxy_plan *plan)
{
	const struct upstream_row *r;
	uint32_t i;

	for (i = 0; i < plan->upstreams_count; i++) {
		r = upstream_table_find(table_of(l),
		    upstream_key(plan->upstreams[i].name));
		if (r != NULL)
			add_row(sw, &plan->upstreams[i], r);
	}
}

void
upstreams_add(struct snapshot_writer *sw, const struct listener *l)
{
	const struct proxy_plan *plan;
	struct err err;

	if (!is_proxy(&l->spec))
		return;
	plan = plan_of(l, &err);
	if (plan == NULL) {
		log_error("listener", l->spec.name, "%s", err.text);
		return;
	}
	add_all(sw, l, plan);
	bulk_unmap(l->bulks.of[BULK_PROTOCOL_PLAN], plan);
}

int
upstreams_snapshot(const struct listener *l, struct err *err)
{
	const struct proxy_plan *plan = plan_of(l, err);
	struct snapshot_writer w = { 0 };

	if (plan == NULL)
		return -1;
	add_all(&w, l, plan);
	bulk_unmap(l->bulks.of[BULK_PROTOCOL_PLAN], plan);
	return snapshot_seal(&w, err);
}
