#include "proxy/relay_io.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls.h"

_Static_assert(TLS_RECV_SIZE <= RELAY_READ_SIZE, "what is received has room");
_Static_assert((int)TLS_FINISHED == (int)RELAY_IO_FINISHED &&
	(int)TLS_AGAIN == (int)RELAY_IO_AGAIN &&
	(int)TLS_GONE == (int)RELAY_IO_GONE,
    "one result stands for the other");

static ssize_t
of_socket(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN ? RELAY_IO_AGAIN : RELAY_IO_GONE;
}

static ssize_t
of_tls(ssize_t n)
{
	if (n != TLS_ERROR)
		return n;
	errno = EPROTO;
	return RELAY_IO_GONE;
}

ssize_t
relay_recv(const struct tls_api *tls, struct relay_end *e, uint8_t *data,
    size_t size)
{
	ssize_t n;

	if (e->tls != NULL)
		return of_tls(tls->recv(e->tls, e->fd, data, size));
	do
		n = recv(e->fd, data, size, 0);
	while (n == -1 && errno == EINTR);
	return of_socket(n);
}

ssize_t
relay_send(const struct tls_api *tls, struct relay_end *e, const uint8_t *data,
    size_t len)
{
	ssize_t n;

	if (e->tls != NULL)
		return of_tls(tls->send(e->tls, e->fd, data, len));
	do
		n = send(e->fd, data, len, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return of_socket(n);
}

int
relay_flush(const struct tls_api *tls, struct relay_end *e)
{
	int r;

	if (e->tls == NULL || tls->unsent(e->tls) == 0)
		return 1;
	r = tls->flush(e->tls, e->fd);
	return r == 0 ? 1 : (int)of_tls(r);
}

int
relay_pass_end(const struct tls_api *tls, struct relay_end *from,
    struct relay_end *to)
{
	int r;

	if (to->tls != NULL && !from->told)
		tls->finish(to->tls, to->fd);
	from->told = true;
	r = relay_flush(tls, to);
	if (r != 1)
		return r;
	/* Where the other direction is over, its owner closes the socket. */
	if (!to->passed && shutdown(to->fd, SHUT_WR) == -1)
		return RELAY_IO_GONE;
	from->passed = true;
	return 1;
}

int
relay_keep(struct relay_bytes **kept, const uint8_t *data, size_t len)
{
	const size_t old = *kept == NULL ? 0 : (*kept)->len;
	struct relay_bytes *b = realloc(*kept, sizeof(*b) + old + len);

	if (b == NULL)
		return -1;
	if (*kept == NULL)
		b->gone = 0;
	memcpy(b->data + old, data, len);
	b->len = old + len;
	*kept = b;
	return 0;
}

bool
relay_is_broken(const struct relay_end *e)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	    error == 0)
		return false;
	if (error != 0)
		errno = error;
	return true;
}
