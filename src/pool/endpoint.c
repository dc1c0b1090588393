#include "pool/endpoint.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/gate.h"
#include "common/log.h"
#include "pool/protocol.h"
#include "pool/trace.h"
#include "pool/transport.h"
#include "pool/worker.h"
#include "tls/tls.h"

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

/* Connections with as much state share a slab; those of a module may not. */
static void
choose_slab(struct endpoint *e)
{
	const struct protocol *p = e->conns.protocol;
	const struct protocol_use *use = e->conns.use;
	struct slab *shared = &e->worker->conns[e->spec.protocol];
	const size_t state =
	    use != NULL ? use->calls->state_size : p->state_size;

	slab_init(&e->own, sizeof(struct conn) + state);
	if (shared->size == 0)
		slab_init(shared, sizeof(struct conn) + state);
	e->conns.slab = shared->size == e->own.size ? shared : &e->own;
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
check(const struct worker *w, const struct msg_listen *m,
    const struct bulks *values, struct err *err)
{
	if (m->entry >= SCOREBOARD_ENTRIES)
		return err_set(err, ERR_INTERNAL,
		    "scoreboard entry %u is out of range", m->entry);
	if (spec_check(&m->spec, err) == -1) {
		err->code = ERR_INTERNAL;
		return -1;
	}
	if (w->protocols[m->spec.protocol] == NULL)
		return err_set(err, ERR_UNAVAILABLE,
		    "protocol \"%s\" is not built in",
		    protocol_name(m->spec.protocol));
	return check_values(&m->spec, values, err);
}

static void
begin_list(struct endpoint *e, const struct msg_listen *m)
{
	struct worker *w = e->worker;

	e->conns = (struct conn_list){
		.worker = w,
		.transport = transports[m->spec.transport],
		.protocol = w->protocols[m->spec.protocol],
		.board = &w->board->entries[m->entry],
		.gate = &w->gates->entries[m->entry],
		.spec = &e->spec,
		.emptied = on_emptied,
		.ctx = e,
	};
	TAILQ_INIT(&e->conns.all);
}

/* What its connections need of the values. Returns 0, or -1 with *err. */
static int
equip(struct endpoint *e, const struct bulks *values, struct err *err)
{
	struct conn_list *list = &e->conns;

	if (rules_make(&list->rules, values, err) == -1)
		return -1;
	if (e->spec.transport == TRANSPORT_TLS &&
	    make_context(e->worker, values->of[BULK_TLS_MATERIAL], &list->tls,
		err) == -1)
		return -1;
	if (list->protocol->configure(list, values, err) == -1)
		return -1;
	choose_slab(e);
	return 0;
}

/* Let go of what equip() has made, or some of it. */
static void
strip(struct endpoint *e)
{
	struct conn_list *list = &e->conns;

	if (list->slab != NULL && list->protocol->unconfigure != NULL)
		list->protocol->unconfigure(list);
	rules_clear(&list->rules);
	if (list->tls != NULL)
		e->worker->tls->context_free(list->tls);
	if (list->slab == &e->own)
		slab_clear(&e->own);
}

struct endpoint *
endpoint_new(struct worker *w, const struct msg_listen *m,
    const struct bulks *values, struct err *err)
{
	struct endpoint *e;

	if (check(w, m, values, err) == -1)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		(void)err_sys(err, "a listener");
		return NULL;
	}
	e->id = m->listener_id;
	e->worker = w;
	e->spec = m->spec;
	begin_list(e, m);
	if (equip(e, values, err) == -1) {
		strip(e);
		free(e);
		return NULL;
	}
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

/* Open connections go on as they began. Returns 0, or -1 with *err. */
static int
update_protocol(struct endpoint *e, const struct listener_spec *spec,
    const struct bulks *values, struct err *err)
{
	const struct protocol *p = e->conns.protocol;

	if (p->update == NULL ||
	    memcmp(spec->bulks, e->spec.bulks, sizeof(spec->bulks)) == 0)
		return 0;
	return p->update(&e->conns, values, err);
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
	if (update_protocol(e, spec, values, err) == -1) {
		rules_clear(&rules);
		return -1;
	}
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
	strip(e);
	explicit_bzero(&e->keys, sizeof(e->keys));
	if (e->cut != NULL)
		event_free(e->cut);
	free(e);
}
