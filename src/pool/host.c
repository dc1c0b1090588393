/* What a protocol may call: <mercury/protocol.h>. */
#include <mercury/protocol.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/conn_id.h"
#include "common/event.h"
#include "common/event_sink.h"
#include "common/log.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_origin.h"
#include "pool/conn_peer.h"
#include "pool/conn_tls.h"
#include "pool/printable.h"
#include "pool/protocol.h"
#include "pool/stream.h"
#include "pool/worker.h"

/* So many lines, and so many events, of one listener within a second. */
#define LINES_MAX 20u
#define REPORTS_MAX 20u

#define LINE_SIZE 900
#define REPORT_SIZE 121

static struct conn *
inside(struct mercury_conn *c)
{
	return (struct conn *)(void *)c;
}

void *
mercury_state(struct mercury_conn *c)
{
	return conn_state(inside(c));
}

void *
mercury_config(struct mercury_conn *c)
{
	return inside(c)->use->config;
}

int
mercury_send(struct mercury_conn *c, const void *data, size_t len)
{
	return stream_send(inside(c), data, len) ? 0 : -1;
}

size_t
mercury_unsent(struct mercury_conn *c)
{
	return stream_kept(inside(c));
}

void
mercury_finish(struct mercury_conn *c)
{
	stream_finish(inside(c));
}

void
mercury_reset(struct mercury_conn *c)
{
	if (!inside(c)->doomed)
		inside(c)->reset = true;
	stream_doom(inside(c), CONN_END_PROTOCOL_CLOSED);
}

void
mercury_set_timer(struct mercury_conn *c, uint64_t ms)
{
	if (inside(c)->state != CONN_FINISHING)
		conn_set_timer(inside(c), ms);
}

uint64_t
mercury_id(struct mercury_conn *c)
{
	return inside(c)->id;
}

uint64_t
mercury_now_ms(void)
{
	return clock_mono_ms();
}

void
mercury_count(struct mercury_conn *c, unsigned int counter, uint64_t n)
{
	if (counter < MERCURY_COUNTERS_MAX)
		scoreboard_add(inside(c)->list->board, COUNTER_MODULE + counter,
		    n);
}

/* --- the peer --- */

/* Its address as text, without the port. Returns the port, or 0. */
static uint16_t
take_address(const struct conn *c, char out[static ADDR_TEXT_SIZE])
{
	const struct conn_origin *o = c->origin;
	const bool behind = o != NULL && o->has_address;
	uint8_t bytes[16];
	union addr a;
	char *end;

	out[0] = '\0';
	if (!conn_peer_address(c, bytes))
		return 0;
	addr_make(bytes, 0, &a);
	if (!addr_text(&a, out))
		return 0;
	/* "[::1]:0" and "10.0.0.1:0" are "::1" and "10.0.0.1". */
	end = strrchr(out, ':');
	if (end != NULL)
		*end = '\0';
	if (out[0] == '[') {
		memmove(out, out + 1, strlen(out));
		out[strlen(out) - 1] = '\0';
	}
	return behind ? o->source_port : c->port;
}

static void
take_tls(const struct conn *c, struct mercury_peer *p)
{
	const struct conn_tls *t = c->agreed;
	const struct conn_origin *o = c->origin;

	if (t != NULL) {
		p->tls_version = t->version;
		p->tls_name = t->name;
		p->tls_subject = t->subject;
		p->tls_sans = t->sans;
		p->tls_serial = t->serial;
		p->server_name = t->server_name;
	} else if (o != NULL) {
		p->tls_version = o->tls_version;
		p->tls_name = o->tls_name;
		p->server_name = o->authority;
	}
}

void
mercury_get_peer(struct mercury_conn *c, struct mercury_peer *peer)
{
	static char address[ADDR_TEXT_SIZE];
	const size_t size = peer->size;
	struct mercury_peer p = { .size = size,
		.address = address,
		.tls_version = "",
		.tls_name = "",
		.tls_subject = "",
		.tls_sans = "",
		.tls_serial = "",
		.server_name = "" };

	p.port = take_address(inside(c), address);
	take_tls(inside(c), &p);
	memset(peer, 0, size);
	memcpy(peer, &p, size < sizeof(p) ? size : sizeof(p));
}

/* --- log and events --- */

/* One more: may it be said? */
static bool
may_say(struct protocol_quota *q, uint32_t most)
{
	const uint64_t second = clock_mono_ms() / 1000;

	if (q->second != second) {
		q->second = second;
		q->said = 0;
	}
	if (q->said < most) {
		q->said++;
		return true;
	}
	q->dropped++;
	return false;
}

/* conn: "connection <id>: ", or empty. quota may be NULL. */
static void
say(const struct conn_list *list, enum mercury_level level,
    struct protocol_quota *quota, const char *conn, const char *text)
{
	const enum log_level own = (unsigned int)level < LOG_LEVEL_COUNT
	    ? (enum log_level)level
	    : LOG_LEVEL_DEBUG;

	if (quota != NULL && !may_say(quota, LINES_MAX))
		return;
	if (quota != NULL && quota->dropped > 0) {
		log_warning("listener", list->spec->name,
		    "%u lines of its module were not written", quota->dropped);
		quota->dropped = 0;
	}
	log_write(own, "listener", list->spec->name, "%s%s", conn, text);
}

void
mercury_vlog(struct mercury_conn *outside, enum mercury_level level,
    const char *format, va_list args)
{
	const struct conn *c = inside(outside);
	char id[CONN_ID_SIZE], conn[CONN_ID_SIZE + 16], text[LINE_SIZE];

	(void)vsnprintf(text, sizeof(text), format, args);
	conn_id_format(c->id, id);
	(void)snprintf(conn, sizeof(conn), "connection %s: ", id);
	say(c->list, level, &c->use->lines, conn, text);
}

void
mercury_log(struct mercury_conn *c, enum mercury_level level,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	mercury_vlog(c, level, format, args);
	va_end(args);
}

const char *
mercury_listener_name(struct mercury_listener *l)
{
	return ((const struct conn_list *)(void *)l)->spec->name;
}

void
mercury_listener_log(struct mercury_listener *l, enum mercury_level level,
    const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say((const struct conn_list *)(void *)l, level, NULL, "", text);
}

static void
send_report(const struct conn *c, const char *reason, const char *text,
    uint32_t count)
{
	char id[CONN_ID_SIZE], peer[CONN_PEER_SIZE];
	struct health_event e = { .type = EVENT_CONNECTION_REPORTED,
		.listener = c->list->spec->name,
		.reason = reason };

	conn_id_format(c->id, id);
	conn_peer(c, peer);
	if (peer[0] != '\0')
		e.peer = peer;
	event_add_text(&e, FACT_CONNECTION, id);
	if (text[0] != '\0')
		event_add_text(&e, FACT_NOTE, text);
	if (count > 1)
		event_add_number(&e, FACT_COUNT, count);
	if (c->agreed != NULL && c->agreed->serial[0] != '\0') {
		event_add_text(&e, FACT_TLS_NAME, c->agreed->name);
		event_add_text(&e, FACT_TLS_SERIAL, c->agreed->serial);
	}
	event_sink_add(c->list->worker->events, &e);
}

void
mercury_report(struct mercury_conn *outside, const char *reason,
    const char *text)
{
	const struct conn *c = inside(outside);
	struct protocol_quota *quota = &c->use->reports;
	char word[MERCURY_NAME_MAX + 1], shown[REPORT_SIZE] = "";

	if (!may_say(quota, REPORTS_MAX))
		return;
	(void)printable((const uint8_t *)reason, strlen(reason), word,
	    sizeof(word));
	if (text != NULL)
		(void)printable((const uint8_t *)text, strlen(text), shown,
		    sizeof(shown));
	send_report(c, word, shown, quota->dropped + 1);
	quota->dropped = 0;
}
