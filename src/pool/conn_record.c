#include "pool/conn_record.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/conn_id.h"
#include "common/event_sink.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_peer.h"
#include "pool/conn_tls.h"
#include "pool/probe.h"
#include "pool/worker.h"

/* When it ends the kernel may not know its peer any more. */
struct conn_record {
	bool told;                 /* that it has come */
	char peer[CONN_PEER_SIZE]; /* empty: it has no address */
};

static void
send_event(const struct conn *c, const struct conn_record *r,
    struct health_event *e)
{
	char id[CONN_ID_SIZE];

	conn_id_format(c->id, id);
	e->listener = c->list->spec->name;
	if (r->peer[0] != '\0')
		e->peer = r->peer;
	event_add_text(e, FACT_CONNECTION, id);
	if (c->agreed != NULL && c->agreed->serial[0] != '\0') {
		event_add_text(e, FACT_TLS_NAME, c->agreed->name);
		event_add_text(e, FACT_TLS_SERIAL, c->agreed->serial);
	}
	event_sink_add(c->list->worker->events, e);
}

struct conn_record *
conn_record_open(const struct conn *c)
{
	struct conn_record *r;

	if (c->list->worker->events == NULL)
		return NULL;
	r = malloc(sizeof(*r));
	if (r == NULL)
		return NULL;
	r->told = false;
	conn_peer(c, r->peer);
	return r;
}

void
conn_record_tell(struct conn_record *r, const struct conn *c)
{
	struct health_event e = { .type = EVENT_CONNECTION_OPENED };

	if (r == NULL || r->told)
		return;
	r->told = true;
	e.at_ms = clock_real_ms() - (clock_mono_ms() - c->opened_ms);
	send_event(c, r, &e);
}

uint64_t
conn_record_due_ms(const struct conn_record *r, const struct conn *c)
{
	return r == NULL || r->told ? UINT64_MAX : c->opened_ms + PROBE_MS;
}

void
conn_record_close(struct conn_record **rp, const struct conn *c,
    enum conn_end end)
{
	struct health_event e = { .type = EVENT_CONNECTION_CLOSED,
		.reason = conn_end_name(end) };
	struct conn_record *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	conn_record_tell(r, c);
	event_add_number(&e, FACT_DURATION_MS,
	    (int64_t)(clock_mono_ms() - c->opened_ms));
	event_add_number(&e, FACT_BYTES_IN, (int64_t)c->bytes_in);
	event_add_number(&e, FACT_BYTES_OUT, (int64_t)c->bytes_out);
	send_event(c, r, &e);
	free(r);
}

void
conn_record_drop(struct conn_record **r)
{
	free(*r);
	*r = NULL;
}
