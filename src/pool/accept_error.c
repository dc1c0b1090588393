#include "pool/accept_error.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Linux also passes on the network errors of the connection that it was to
 * return, see accept(2): they say nothing of the listening socket.
 */
static const uint8_t actions[] = {
	[EAGAIN] = ACCEPT_EMPTY,
	[ECONNABORTED] = ACCEPT_NEXT,
	[ECONNRESET] = ACCEPT_NEXT,
	[EHOSTDOWN] = ACCEPT_NEXT,
	[EHOSTUNREACH] = ACCEPT_NEXT,
	[EINTR] = ACCEPT_NEXT,
	[ENETDOWN] = ACCEPT_NEXT,
	[ENETUNREACH] = ACCEPT_NEXT,
	[ENONET] = ACCEPT_NEXT,
	[ENOPROTOOPT] = ACCEPT_NEXT,
	[EOPNOTSUPP] = ACCEPT_NEXT,
	[EPERM] = ACCEPT_NEXT, /* a firewall or security module said no */
	[EPROTO] = ACCEPT_NEXT,
	[EPROTONOSUPPORT] = ACCEPT_NEXT,
	[ESOCKTNOSUPPORT] = ACCEPT_NEXT,
	[ETIMEDOUT] = ACCEPT_NEXT,
	[EMFILE] = ACCEPT_PAUSE,
	[ENFILE] = ACCEPT_PAUSE,
	[ENOBUFS] = ACCEPT_PAUSE,
	[ENOMEM] = ACCEPT_PAUSE,
	[ENOSR] = ACCEPT_PAUSE,
};

enum accept_action
accept_error_action(int error)
{
	if (error < 0 || (size_t)error >= sizeof(actions))
		return ACCEPT_STOP;
	return (enum accept_action)actions[error];
}
