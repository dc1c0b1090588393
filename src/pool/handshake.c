#include "pool/handshake.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>

#include "common/addr.h"
#include "common/log.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/access.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_origin.h"
#include "pool/conn_peer.h"
#include "pool/proxy_header.h"

/* Any header fits, and what may have come behind it. */
#define READ_SIZE 4096

struct handshake {
	bool begun; /* a byte has come */
	struct proxy_reader proxy;
};

bool
handshake_is_wanted(const struct conn_list *list)
{
	return list->spec->proxy_protocol != PROXY_PROTOCOL_OFF;
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

int
handshake_begin(struct conn *c)
{
	c->handshake = calloc(1, sizeof(*c->handshake));
	if (c->handshake == NULL)
		return -1;
	c->handshake->proxy.which = which_of(c->list->spec);
	c->state = CONN_HANDSHAKE;
	return 0;
}

void
handshake_free(struct handshake **h)
{
	free(*h);
	*h = NULL;
}

void
handshake_fail(struct conn *c, enum conn_end end, const char *why)
{
	char peer[CONN_PEER_SIZE];

	conn_peer(c, peer);
	scoreboard_add(c->list->board, COUNTER_HANDSHAKE_FAILURES, 1);
	folds_add(c->list, EVENT_CONNECTION_HANDSHAKE_FAILED,
	    conn_end_name(end), peer);
	log_debug("listener", c->list->spec->name,
	    "the handshake of %s failed: %s", peer,
	    why == NULL ? conn_end_name(end) : why);
	conn_close(c, end);
}

/* The peer has gone, which is no failure if it never said a word. */
static void
lose_peer(struct conn *c, enum conn_end end)
{
	if (c->handshake->begun)
		handshake_fail(c, end, NULL);
	else
		conn_close(c, end);
}

/* May the real peer connect? Ends the connection if not. */
static bool
admit(struct conn *c)
{
	const struct rules *rules = &c->list->rules;
	char peer[CONN_PEER_SIZE];
	const char *why;
	union addr a;

	if (!c->origin->has_address)
		return true;
	addr_make(c->origin->source, c->origin->source_port, &a);
	why = access_denies(rules->allow, rules->deny, &a);
	if (why == NULL)
		return true;
	conn_peer(c, peer);
	scoreboard_add(c->list->board, COUNTER_DENIED, 1);
	folds_add(c->list, EVENT_CONNECTION_DENIED, why, peer);
	conn_close(c, CONN_END_DENIED);
	return false;
}

/* The header is whole; len bytes at data have come behind it. */
static void
take_header(struct conn *c, const struct proxy_header *h, uint8_t *data,
    size_t len)
{
	if (h->kind != PROXY_LOCAL) {
		c->origin = conn_origin_new(h);
		if (c->origin == NULL) {
			conn_close(c, CONN_END_NO_MEMORY);
			return;
		}
		if (!admit(c))
			return;
	}
	conn_begin(c, data, len);
}

static void
read_header(struct conn *c, uint8_t *data, size_t len)
{
	static struct proxy_header header;
	size_t used = len;
	struct err err;

	c->handshake->begun = true;
	switch (proxy_read(&c->handshake->proxy, data, &used, &header, &err)) {
	case PROXY_MORE:
		break;
	case PROXY_DONE:
		take_header(c, &header, data + used, len - used);
		break;
	case PROXY_BAD:
		handshake_fail(c, CONN_END_PROTOCOL_ERROR, err.text);
		break;
	}
}

void
handshake_go_on(struct conn *c)
{
	static uint8_t buffer[READ_SIZE];
	const ssize_t n = recv(conn_fd(c), buffer, sizeof(buffer), 0);

	if (n > 0)
		read_header(c, buffer, (size_t)n);
	else if (n == 0)
		lose_peer(c, CONN_END_PEER_CLOSED);
	else if (errno != EAGAIN && errno != EINTR)
		lose_peer(c, CONN_END_PEER_RESET);
}
