#include "tls/tls.h"

#include "tls/tls_context.h"
#include "tls/tls_session.h"

static bool
speaks_first(const struct tls_context *c)
{
	return c->role == TLS_ROLE_CLIENT;
}

const struct tls_api mercury_tls = {
	.build = TLS_BUILD,
	.size = sizeof(struct tls_api),
	.context_new = tls_context_new,
	.context_free = tls_context_free,
	.context_set_tickets = tls_context_set_tickets,
	.context_speaks_first = speaks_first,
	.session_new = tls_session_new,
	.session_connect = tls_session_connect,
	.session_free = tls_session_free,
	.handshake = tls_session_handshake,
	.recv = tls_session_recv,
	.pending = tls_session_pending,
	.send = tls_session_send,
	.unsent = tls_session_unsent,
	.flush = tls_session_flush,
	.finish = tls_session_finish,
	.describe = tls_session_describe,
	.failure = tls_session_failure,
};
