#include <errno.h>
#include <stdlib.h>

#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/transport.h"
#include "pool/worker.h"
#include "tls/tls.h"

_Static_assert(TLS_RECV_SIZE <= CONN_READ_SIZE, "what is received has room");
_Static_assert((int)TLS_FINISHED == (int)TRANSPORT_FINISHED &&
	(int)TLS_AGAIN == (int)TRANSPORT_AGAIN &&
	(int)TLS_GONE == (int)TRANSPORT_GONE,
    "one result stands for the other");

static const struct tls_api *
api(const struct conn *c)
{
	return c->list->worker->tls;
}

static ssize_t
result(ssize_t n)
{
	if (n != TLS_ERROR)
		return n;
	errno = EPROTO;
	return TRANSPORT_GONE;
}

static ssize_t
recv_tls(struct conn *c, uint8_t *data, size_t size)
{
	return result(api(c)->recv(c->tls, conn_fd(c), data, size));
}

static ssize_t
send_tls(struct conn *c, const uint8_t *data, size_t len)
{
	return result(api(c)->send(c->tls, conn_fd(c), data, len));
}

static bool
pending_tls(const struct conn *c)
{
	return api(c)->pending(c->tls);
}

static bool
unsent_tls(const struct conn *c)
{
	return api(c)->unsent(c->tls) > 0;
}

static ssize_t
flush_tls(struct conn *c)
{
	const int r = api(c)->flush(c->tls, conn_fd(c));

	return r == 0 ? 1 : r;
}

static void
finish_tls(struct conn *c)
{
	api(c)->finish(c->tls, conn_fd(c));
}

static void
close_tls(struct conn *c)
{
	if (c->tls == NULL)
		return;
	/* With output left the peer must not take this for all there is. */
	if (c->state == CONN_OPEN)
		api(c)->finish(c->tls, conn_fd(c));
	api(c)->session_free(c->tls);
	c->tls = NULL;
}

const struct transport transport_tls = {
	.recv = recv_tls,
	.send = send_tls,
	.pending = pending_tls,
	.unsent = unsent_tls,
	.flush = flush_tls,
	.finish = finish_tls,
	.close = close_tls,
};
