#include "pool/conn_peer.h"

#include <sys/socket.h>

#include <stdio.h>

#include "common/addr.h"
#include "pool/conn.h"
#include "pool/conn_origin.h"

void
conn_peer(const struct conn *c, char out[static CONN_PEER_SIZE])
{
	const struct conn_origin *o = c->origin;
	char text[ADDR_TEXT_SIZE];
	union addr a;

	if (o == NULL || !o->has_address) {
		conn_peer_socket(conn_fd(c), out);
		return;
	}
	addr_make(o->source, o->source_port, &a);
	(void)addr_text(&a, text);
	(void)snprintf(out, CONN_PEER_SIZE, "%.*s", CONN_PEER_SIZE - 1, text);
}

void
conn_peer_socket(int fd, char out[static CONN_PEER_SIZE])
{
	char text[ADDR_TEXT_SIZE];
	union addr a;
	socklen_t len = sizeof(a);

	out[0] = '\0';
	if (getpeername(fd, &a.sa, &len) == 0 && addr_text(&a, text))
		(void)snprintf(out, CONN_PEER_SIZE, "%.*s", CONN_PEER_SIZE - 1,
		    text);
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
