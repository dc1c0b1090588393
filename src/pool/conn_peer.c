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
