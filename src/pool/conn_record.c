#include "pool/conn_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/event_sink.h"

static void
make_id(struct recorder *rec, struct conn_record *r)
{
	while (rec->nonce == 0)
		rec->nonce = arc4random();
	(void)snprintf(r->id, sizeof(r->id), "%08" PRIx32 "-%" PRIu64,
	    rec->nonce, ++rec->count);
}

static void
find_peer(struct conn_record *r, int fd)
{
	char text[ADDR_TEXT_SIZE];
	union addr a;
	socklen_t len = sizeof(a);

	if (getpeername(fd, &a.sa, &len) == 0 && addr_text(&a, text))
		(void)snprintf(r->peer, sizeof(r->peer), "%.63s", text);
}

/* What both events have in common. */
static struct health_event
new_event(enum event_type type, const struct conn_record *r,
    const char *listener)
{
	struct health_event e = { .type = type, .listener = listener };

	if (r->peer[0] != '\0')
		e.peer = r->peer;
	event_add_text(&e, FACT_CONNECTION, r->id);
	return e;
}

struct conn_record *
conn_record_open(struct recorder *rec, const char *listener, int fd)
{
	struct conn_record *r;
	struct health_event e;

	if (rec->sink == NULL)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->opened_ms = clock_mono_ms();
	make_id(rec, r);
	find_peer(r, fd);
	e = new_event(EVENT_CONNECTION_OPENED, r, listener);
	event_sink_add(rec->sink, &e);
	return r;
}

void
conn_record_close(struct conn_record **rp, struct recorder *rec,
    const char *listener, const char *why)
{
	struct conn_record *r = *rp;
	struct health_event e;

	*rp = NULL;
	if (r == NULL)
		return;
	e = new_event(EVENT_CONNECTION_CLOSED, r, listener);
	e.reason = why;
	event_add_number(&e, FACT_DURATION_MS,
	    (int64_t)(clock_mono_ms() - r->opened_ms));
	event_add_number(&e, FACT_BYTES_IN, (int64_t)r->bytes_in);
	event_add_number(&e, FACT_BYTES_OUT, (int64_t)r->bytes_out);
	event_sink_add(rec->sink, &e);
	free(r);
}
