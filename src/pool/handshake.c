#include "pool/handshake.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/log.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/access.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_origin.h"
#include "pool/conn_peer.h"
#include "pool/handshake_state.h"
#include "pool/handshakes.h"
#include "pool/probe.h"
#include "pool/proxy_header.h"
#include "pool/worker.h"
#include "tls/tls.h"

/* Any header fits, and what may have come behind it. */
#define READ_SIZE 4096

bool
handshake_is_wanted(const struct conn_list *list)
{
	return list->spec->proxy_protocol != PROXY_PROTOCOL_OFF ||
	    list->tls != NULL;
}

static enum proxy_which
which_of(const struct listener_spec *spec)
{
	switch (spec->proxy_protocol) {
	case PROXY_PROTOCOL_V1:
		return PROXY_V1;
	case PROXY_PROTOCOL_V2:
		return PROXY_V2;
	default:
		return PROXY_ANY;
	}
}

void
handshake_free(struct conn *c)
{
	struct handshake *h = c->handshake;

	if (h == NULL)
		return;
	if (h->conn->list->tls != NULL)
		handshakes_forget(c);
	c->handshake = NULL;
	free(h->proxy);
	free(h->first);
	free(h);
}

void
handshake_fail(struct conn *c, enum conn_end end, const char *reason,
    const char *why)
{
	char peer[CONN_PEER_SIZE];

	if (reason == NULL)
		reason = conn_end_name(end);
	conn_peer(c, peer);
	if (!probe_is_sure(c)) {
		c->probe |= PROBE_FAILED;
		scoreboard_add(c->list->board, COUNTER_HANDSHAKE_FAILURES, 1);
		folds_add(c->list, EVENT_CONNECTION_HANDSHAKE_FAILED, reason,
		    peer);
	}
	log_debug("listener", c->list->spec->name,
	    "the handshake of %s failed: %s", peer, why == NULL ? reason : why);
	conn_close(c, end);
}

void
handshake_lose_peer(struct conn *c, enum conn_end end)
{
	if (c->handshake->begun)
		handshake_fail(c, end, NULL, NULL);
	else
		conn_close(c, end);
}

/* --- TLS --- */

/* Are we to say the first word of TLS? */
static bool
speaks_first(const struct conn *c)
{
	return c->list->worker->tls->context_speaks_first(c->list->tls);
}

/* The header is over: len bytes at data have come behind it. */
static void
go_on_with_tls(struct conn *c, const uint8_t *data, size_t len)
{
	struct handshake *h = c->handshake;

	h->over_proxy = true;
	if (len > 0) {
		h->first = malloc(len);
		if (h->first == NULL) {
			conn_close(c, CONN_END_NO_MEMORY);
			return;
		}
		memcpy(h->first, data, len);
		h->first_len = len;
	}
	/* Else nothing is made before the peer has said a word. */
	if (len > 0 || speaks_first(c))
		handshakes_ready(c);
}

/* --- the PROXY header --- */

/* It may not connect, as why says. */
static void
deny(struct conn *c, const char *why)
{
	char peer[CONN_PEER_SIZE];

	conn_peer(c, peer);
	scoreboard_add(c->list->board, COUNTER_DENIED, 1);
	folds_add(c->list, EVENT_CONNECTION_DENIED, why, peer);
	conn_close(c, CONN_END_DENIED);
}

/* May the real peer connect? Ends the connection if not. */
static bool
admit(struct conn *c)
{
	const struct rules *rules = &c->list->rules;
	const char *why;
	union addr a;

	if (!c->origin->has_address)
		return true;
	addr_make(c->origin->source, c->origin->source_port, &a);
	why = access_denies(rules->allow, rules->deny, &a);
	if (why != NULL) {
		deny(c, why);
		return false;
	}
	if (rules_is_probe(rules, c->origin->source))
		c->probe |= PROBE_LISTED;
	return true;
}

/* Probes need not be trusted unless they talk. */
static bool
may_talk(const struct conn *c)
{
	return !c->has_address || rules_is_trusted(&c->list->rules, c->address);
}

/* The header is whole; len bytes at data have come behind it. */
static void
take_header(struct conn *c, const struct proxy_header *h, uint8_t *data,
    size_t len)
{
	if (h->kind == PROXY_LOCAL) {
		c->probe |= PROBE_LOCAL;
	} else {
		c->origin = conn_origin_new(h);
		if (c->origin == NULL) {
			conn_close(c, CONN_END_NO_MEMORY);
			return;
		}
		if (!admit(c))
			return;
	}
	if (c->list->tls != NULL)
		go_on_with_tls(c, data, len);
	else
		conn_begin(c, data, len);
}

static void
read_header(struct conn *c, uint8_t *data, size_t len)
{
	static struct proxy_header header;
	struct handshake *h = c->handshake;
	size_t used = len;
	struct err err;

	if (h->proxy == NULL && !may_talk(c)) {
		deny(c, "proxy_trusted");
		return;
	}
	if (h->proxy == NULL) {
		h->proxy = calloc(1, sizeof(*h->proxy));
		if (h->proxy == NULL) {
			conn_close(c, CONN_END_NO_MEMORY);
			return;
		}
		h->proxy->which = which_of(c->list->spec);
	}
	switch (proxy_read(h->proxy, data, &used, &header, &err)) {
	case PROXY_MORE:
		break;
	case PROXY_DONE:
		take_header(c, &header, data + used, len - used);
		break;
	case PROXY_BAD:
		handshake_fail(c, CONN_END_PROTOCOL_ERROR, NULL, err.text);
		break;
	}
}

static void
receive_header(struct conn *c)
{
	static uint8_t buffer[READ_SIZE];
	const ssize_t n = recv(conn_fd(c), buffer, sizeof(buffer), 0);

	if (n > 0) {
		c->handshake->begun = true;
		read_header(c, buffer, (size_t)n);
	} else if (n == 0) {
		handshake_lose_peer(c, CONN_END_PEER_CLOSED);
	} else if (errno != EAGAIN && errno != EINTR) {
		handshake_lose_peer(c, CONN_END_PEER_RESET);
	}
}

/* --- both --- */

void
handshake_begin(struct conn *c)
{
	struct handshake *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		conn_close(c, CONN_END_NO_MEMORY);
		return;
	}
	h->conn = c;
	c->handshake = h;
	c->state = CONN_HANDSHAKE;
	if (c->list->spec->proxy_protocol == PROXY_PROTOCOL_OFF)
		go_on_with_tls(c, NULL, 0);
}

/* Has the peer said a first word of TLS? One that never does costs nothing. */
static bool
has_begun(struct conn *c)
{
	uint8_t byte;
	const ssize_t n = recv(conn_fd(c), &byte, 1, MSG_PEEK);

	if (n > 0) {
		c->handshake->begun = true;
		return true;
	}
	if (n == 0)
		handshake_lose_peer(c, CONN_END_PEER_CLOSED);
	else if (errno != EAGAIN && errno != EINTR)
		handshake_lose_peer(c, CONN_END_PEER_RESET);
	return false;
}

/* Where we speak first: has the peer answered? The session finds its end. */
static void
notice_first(struct conn *c)
{
	uint8_t byte;

	if (!c->handshake->begun && recv(conn_fd(c), &byte, 1, MSG_PEEK) > 0)
		c->handshake->begun = true;
}

void
handshake_go_on(struct conn *c)
{
	const struct handshake *h = c->handshake;

	if (!h->over_proxy) {
		receive_header(c);
	} else if (speaks_first(c)) {
		notice_first(c);
		handshakes_ready(c);
	} else if (h->begun || has_begun(c)) {
		handshakes_ready(c);
	}
}
