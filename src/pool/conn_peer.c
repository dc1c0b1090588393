#include "pool/conn_peer.h"

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "pool/conn.h"
#include "pool/conn_origin.h"

void
conn_peer_set(struct conn *c, const union addr *a)
{
	c->has_address = addr_bytes(a, c->address);
	c->port = addr_port(a);
}

static void
format(const uint8_t address[static 16], uint16_t port,
    char out[static CONN_PEER_SIZE])
{
	char text[ADDR_TEXT_SIZE];
	union addr a;

	addr_make(address, port, &a);
	(void)addr_text(&a, text);
	(void)snprintf(out, CONN_PEER_SIZE, "%.*s", CONN_PEER_SIZE - 1, text);
}

void
conn_peer(const struct conn *c, char out[static CONN_PEER_SIZE])
{
	const struct conn_origin *o = c->origin;

	if (o == NULL || !o->has_address)
		conn_peer_socket(c, out);
	else
		format(o->source, o->source_port, out);
}

void
conn_peer_socket(const struct conn *c, char out[static CONN_PEER_SIZE])
{
	out[0] = '\0';
	if (c->has_address)
		format(c->address, c->port, out);
}

bool
conn_peer_address(const struct conn *c, uint8_t out[static 16])
{
	const struct conn_origin *o = c->origin;
	const bool behind = o != NULL && o->has_address;

	memcpy(out, behind ? o->source : c->address, 16);
	return behind || c->has_address;
}

static void
take_address(const union addr *a, struct trace_address *out)
{
	(void)addr_bytes(a, out->bytes);
	out->port = addr_port(a);
}

void
conn_addresses(const struct conn *c, struct trace_address *peer,
    struct trace_address *local)
{
	const struct conn_origin *o = c->origin;
	union addr a = { 0 };
	socklen_t len = sizeof(a);

	if (o != NULL && o->has_address) {
		memcpy(peer->bytes, o->source, sizeof(peer->bytes));
		peer->port = o->source_port;
		memcpy(local->bytes, o->destination, sizeof(local->bytes));
		local->port = o->destination_port;
		return;
	}
	if (getpeername(conn_fd(c), &a.sa, &len) == -1)
		memset(&a, 0, sizeof(a));
	take_address(&a, peer);
	len = sizeof(a);
	if (getsockname(conn_fd(c), &a.sa, &len) == -1)
		memset(&a, 0, sizeof(a));
	take_address(&a, local);
}

uint32_t
conn_peer_pid(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	/* Of a TCP socket it is nobody. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ||
	    peer.pid < 0)
		return 0;
	return (uint32_t)peer.pid;
}
