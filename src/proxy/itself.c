#include "proxy/itself.h"

#include <sys/socket.h>

#include <string.h>

#include "common/addr.h"

bool
itself_is(int fd, uint16_t port)
{
	union addr own = { .storage = { 0 } }, peer = { .storage = { 0 } };
	socklen_t own_len = sizeof(own), peer_len = sizeof(peer);

	/* The one call that most of them need. */
	if (port == 0 || getsockname(fd, &own.sa, &own_len) == -1 ||
	    addr_port(&own) != port)
		return false;
	return getpeername(fd, &peer.sa, &peer_len) == 0 &&
	    own_len == peer_len && memcmp(&own, &peer, own_len) == 0;
}
