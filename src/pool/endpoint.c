#include "pool/endpoint.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/gate.h"
#include "common/log.h"
#include "pool/trace.h"
#include "pool/transport.h"
#include "pool/worker.h"
#include "protocol/protocol.h"
#include "tls/tls.h"

static const struct protocol *const protocols[PROTOCOL_COUNT] = {
	[PROTOCOL_ECHO] = &protocol_echo,
	[PROTOCOL_DISCARD] = &protocol_discard,
};

static const struct transport *const transports[TRANSPORT_COUNT] = {
	[TRANSPORT_TCP] = &transport_socket,
	[TRANSPORT_UNIX] = &transport_socket,
	[TRANSPORT_TLS] = &transport_tls,
};

static void
on_emptied(void *ctx)
{
	struct endpoint *e = ctx;

	e->worker->drained(e);
}

static struct slab *
slab_of(struct worker *w, uint8_t protocol)
{
	struct slab *s = &w->conns[protocol];

	if (s->size == 0)
		slab_init(s,
		    sizeof(struct conn) + protocols[protocol]->state_size);
	return s;
}

/* Have the values come that the spec refers to? */
static int
check_values(const struct listener_spec *spec, const struct bulks *values,
    struct err *err)
{
	size_t i;

	for (i = 0; i < BULK_COUNT; i++)
		if (!bulk_ref_matches(&spec->bulks[i], values->of[i]))
			return err_set(err, ERR_INTERNAL,
			    "value %zu did not come", i);
	return 0;
}

/*
 * Make a context of the material, for a listener that is TLS. Returns 0, or -1
 * with *err.
 */
static int
make_context(const struct worker *w, const struct bulk *material,
    struct tls_context **out, struct err *err)
{
	const void *bytes;

	*out = NULL;
	if (w->tls == NULL)
		return err_set(err, ERR_INTERNAL, "TLS_MODULE comes first");
	if (material == NULL)
		return err_set(err, ERR_INTERNAL,
		    "its TLS material is missing");
	bytes = bulk_map(material, err);
	if (bytes == NULL)
		return -1;
	*out = w->tls->context_new(bytes, material->ref.size, err);
	bulk_unmap(material, bytes);
	return *out == NULL ? -1 : 0;
}

static int
check(const struct msg_listen *m, const struct bulks *values, struct err *err)
{
	if (m->entry >= SCOREBOARD_ENTRIES)
		return err_set(err, ERR_INVALID,
		    "scoreboard entry %u is out of range", m->entry);
	if (spec_check(&m->spec, err) == -1)
		return -1;
	return check_values(&m->spec, values, err);
}

struct endpoint *
endpoint_new(struct worker *w, const struct msg_listen *m,
    const struct bulks *values, struct err *err)
{
	struct endpoint *e;

	if (check(m, values, err) == -1)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		(void)err_sys(err, "a listener");
		return NULL;
	}
	if (rules_make(&e->conns.rules, values, err) == -1 ||
	    (m->spec.transport == TRANSPORT_TLS &&
		make_context(w, values->of[BULK_TLS_MATERIAL], &e->conns.tls,
		    err) == -1)) {
		rules_clear(&e->conns.rules);
		free(e);
		return NULL;
	}
	e->id = m->listener_id;
	e->worker = w;
	e->spec = m->spec;
	e->conns = (struct conn_list){
		.worker = w,
		.transport = transports[m->spec.transport],
		.protocol = protocols[m->spec.protocol],
		.board = &w->board->entries[m->entry],
		.gate = &w->gates->entries[m->entry],
		.slab = slab_of(w, m->spec.protocol),
		.rules = e->conns.rules,
		.tls = e->conns.tls,
		.spec = &e->spec,
		.emptied = on_emptied,
		.ctx = e,
	};
	TAILQ_INIT(&e->conns.all);
	scoreboard_claim(e->conns.board, e->id);
	trace_list_begin(w->tracer, e->id, &e->conns);
	return e;
}

static struct acceptor *
find_slot(const struct endpoint *e, uint32_t slot)
{
	struct acceptor *a;

	SLIST_FOREACH (a, &e->acceptors, entry)
		if (a->slot == slot)
			return a;
	return NULL;
}

int
endpoint_listen(struct endpoint *e, int fd, uint32_t slot, struct err *err)
{
	struct acceptor *a;

	if (endpoint_is_draining(e)) {
		(void)close(fd);
		return err_set(err, ERR_INVALID, "slot %u of %s: draining",
		    slot, e->spec.name);
	}
	if (find_slot(e, slot) != NULL) {
		(void)close(fd);
		return 0;
	}
	a = acceptor_new(fd, slot, e->spec.name, &e->conns, err);
	if (a == NULL)
		return -1;
	SLIST_INSERT_HEAD(&e->acceptors, a, entry);
	return 0;
}

void
endpoint_release(struct endpoint *e, uint32_t slot)
{
	struct acceptor *a = find_slot(e, slot);

	if (a == NULL)
		return;
	SLIST_REMOVE(&e->acceptors, a, acceptor, entry);
	acceptor_free(&a);
}

void
endpoint_set_tickets(struct endpoint *e, const struct ticket_keys *keys)
{
	e->keys = *keys;
	if (e->conns.tls != NULL && keys->count > 0 &&
	    e->worker->tls->context_set_tickets(e->conns.tls, keys) == -1)
		log_warning("listener", e->spec.name,
		    "new ticket keys are not used: out of memory");
}

/* Other certificates: open connections keep theirs. Returns 0, or -1. */
static int
renew_context(struct endpoint *e, const struct listener_spec *spec,
    const struct bulks *values, struct err *err)
{
	const size_t id = BULK_TLS_MATERIAL;
	struct tls_context *fresh;

	if (e->conns.tls == NULL ||
	    memcmp(&spec->bulks[id], &e->spec.bulks[id],
		sizeof(spec->bulks[id])) == 0)
		return 0;
	if (make_context(e->worker, values->of[id], &fresh, err) == -1)
		return -1;
	e->worker->tls->context_free(e->conns.tls);
	e->conns.tls = fresh;
	endpoint_set_tickets(e, &e->keys);
	return 0;
}

int
endpoint_update(struct endpoint *e, const struct listener_spec *spec,
    const struct bulks *values, struct err *err)
{
	const bool timed = spec->idle_timeout_ms != e->spec.idle_timeout_ms ||
	    spec->max_lifetime_ms != e->spec.max_lifetime_ms;

	struct rules rules;

	if (check_values(spec, values, err) == -1 ||
	    renew_context(e, spec, values, err) == -1 ||
	    rules_make(&rules, values, err) == -1)
		return -1;
	rules_clear(&e->conns.rules);
	e->conns.rules = rules;
	e->spec = *spec;
	if (timed)
		conn_list_watch(&e->conns);
	return 0;
}

static void
free_acceptors(struct endpoint *e)
{
	struct acceptor *a;

	while ((a = SLIST_FIRST(&e->acceptors)) != NULL) {
		SLIST_REMOVE_HEAD(&e->acceptors, entry);
		acceptor_free(&a);
	}
}

static void
empty_queues(struct endpoint *e)
{
	struct acceptor *a;

	/* A queue holds one more than the backlog. */
	SLIST_FOREACH (a, &e->acceptors, entry)
		acceptor_empty(a, e->spec.backlog + 1);
}

void
endpoint_stop(struct endpoint *e, bool keep_queue)
{
	if (!keep_queue)
		empty_queues(e);
	free_acceptors(e);
}

/* Cut what is left, if anything is; frees e. */
static void
finish(struct endpoint *e)
{
	if (e->conns.open > 0)
		log_info("listener", e->spec.name,
		    "%u connections were cut at the drain deadline",
		    e->conns.open);
	conn_list_cut(&e->conns);
	e->worker->drained(e);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	finish(arg);
}

/* Returns 0, or -1 when the deadline can't be waited for. */
static int
arm(struct endpoint *e, uint64_t ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (e->cut == NULL)
		e->cut = evtimer_new(e->worker->base, on_deadline, e);
	return e->cut == NULL ? -1 : event_add(e->cut, &tv);
}

void
endpoint_drain(struct endpoint *e, uint64_t deadline_ms)
{
	const uint64_t now_ms = clock_mono_ms();

	if (endpoint_is_draining(e) && deadline_ms >= e->cut_at_ms)
		return;
	conn_list_drain(&e->conns);
	e->cut_at_ms = deadline_ms;
	if (e->conns.open == 0 || deadline_ms <= now_ms ||
	    arm(e, deadline_ms - now_ms) == -1)
		finish(e);
}

bool
endpoint_is_draining(const struct endpoint *e)
{
	return e->conns.phase != CONN_LIST_SERVING;
}

void
endpoint_free(struct endpoint **ep)
{
	struct endpoint *e = *ep;

	*ep = NULL;
	free_acceptors(e);
	trace_list_end(e->worker->tracer, &e->conns);
	folds_end(&e->conns);
	rules_clear(&e->conns.rules);
	if (e->conns.tls != NULL)
		e->worker->tls->context_free(e->conns.tls);
	explicit_bzero(&e->keys, sizeof(e->keys));
	if (e->cut != NULL)
		event_free(e->cut);
	free(e);
}
