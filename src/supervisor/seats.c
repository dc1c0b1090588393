#include "supervisor/seats.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/crew.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/spawn.h"
#include "supervisor/upstreams.h"

typedef bool seat_test(unsigned int seat, unsigned int wanted);

static bool
any(const struct listener *l, seat_test *is, unsigned int wanted)
{
	const struct crew *crew;
	unsigned int i;

	TAILQ_FOREACH (crew, &l->pool->crews, next)
		for (i = 0; i < crew->workers_count; i++)
			if (is(worker_seat(&crew->workers[i], l->entry),
				wanted))
				return true;
	return false;
}

static bool
has(unsigned int seat, unsigned int wanted)
{
	return (seat & wanted) != 0;
}

bool
seats_any(const struct listener *l, unsigned int seat)
{
	return any(l, has, seat);
}

static bool
is_kept(unsigned int seat, unsigned int wanted)
{
	(void)wanted;
	return seat_is_kept(seat);
}

bool
seats_any_kept(const struct listener *l)
{
	return any(l, is_kept, 0);
}

typedef void seat_fn(struct listener *, struct worker *);

static void
for_each(struct listener *l, unsigned int seat, seat_fn *f)
{
	struct crew *crew;
	unsigned int i;

	TAILQ_FOREACH (crew, &l->pool->crews, next)
		for (i = 0; i < crew->workers_count; i++)
			if (worker_seat(&crew->workers[i], l->entry) & seat)
				f(l, &crew->workers[i]);
}

void
seats_pause_worker(struct listener *l, struct worker *w)
{
	const struct msg_pause m = { .listener_id = l->id,
		.keep_queue = l->phase != SOCKETS_CLOSING };

	worker_sent_close(w, l->entry, false);
	child_send(&w->child, IPC_PAUSE, &m, -1);
}

void
seats_close_worker(struct listener *l, struct worker *w)
{
	const struct msg_close m = { .listener_id = l->id,
		.deadline_ms = l->drain_until_ms };

	worker_sent_close(w, l->entry, true);
	child_send(&w->child, IPC_CLOSE, &m, -1);
}

static void
send_tickets(struct listener *l, struct worker *w)
{
	struct msg_ticket_keys m = { .listener_id = l->id,
		.keys = l->tickets->keys };

	child_send(&w->child, IPC_TICKET_KEYS, &m, -1);
	explicit_bzero(&m, sizeof(m));
}

/* What a worker needs for TLS, once. */
static void
send_tls_module(struct worker *w)
{
	const struct msg_empty none = { 0 };

	if (!w->has_tls)
		child_send(&w->child, IPC_TLS_MODULE, &none,
		    spawn_module(SPAWN_TLS));
	w->has_tls = true;
}

/* What it needs to resolve names, once. */
static void
send_dns_module(struct worker *w)
{
	const struct msg_empty none = { 0 };

	if (!w->has_dns)
		child_send(&w->child, IPC_DNS_MODULE, &none,
		    spawn_module(SPAWN_DNS));
	w->has_dns = true;
}

/* The keys of a listener with transport tls. */
static void
send_keys(struct listener *l, struct worker *w)
{
	/* New ones are for all workers at once: see tickets_start(). */
	if (l->tickets == NULL)
		l->tickets = tickets_new(clock_mono_ms());
	if (l->tickets != NULL)
		send_tickets(l, w);
	else
		log_warning("listener", l->spec.name,
		    "no session tickets: out of memory");
}

void
seats_send_values(struct listener *l, struct worker *w)
{
	if (l->spec.transport == TRANSPORT_TLS ||
	    l->bulks.of[BULK_UPSTREAM_TLS] != NULL)
		send_tls_module(w);
	if (l->spec.transport == TRANSPORT_TLS)
		send_keys(l, w);
	if (upstreams_have_names(l))
		send_dns_module(w);
	upstreams_send(l, w);
	child_send_bulks(&w->child, 0, &l->bulks);
}

static void
update_worker(struct listener *l, struct worker *w)
{
	struct msg_update m = { .listener_id = l->id };

	seats_send_values(l, w);
	m.spec = l->spec;
	child_send(&w->child, IPC_UPDATE, &m, -1);
}

void
seats_pause(struct listener *l)
{
	for_each(l, SEAT_OPEN, seats_pause_worker);
}

void
seats_close(struct listener *l)
{
	for_each(l, SEAT_TAKEN, seats_close_worker);
}

void
seats_send_tickets(struct listener *l)
{
	for_each(l, SEAT_TAKEN, send_tickets);
}

void
seats_update(struct listener *l)
{
	for_each(l, SEAT_TAKEN, update_worker);
}
