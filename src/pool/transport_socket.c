#include <sys/socket.h>

#include <errno.h>

#include "pool/conn.h"
#include "pool/transport.h"

static ssize_t
failure(void)
{
	return errno == EAGAIN || errno == EINTR ? TRANSPORT_AGAIN
						 : TRANSPORT_GONE;
}

static ssize_t
socket_recv(struct conn *c, uint8_t *data, size_t size)
{
	ssize_t n = recv(conn_fd(c), data, size, 0);

	return n >= 0 ? n : failure();
}

static ssize_t
socket_send(struct conn *c, const uint8_t *data, size_t len)
{
	ssize_t n = send(conn_fd(c), data, len, MSG_NOSIGNAL);

	return n >= 0 ? n : failure();
}

const struct transport transport_socket = {
	.recv = socket_recv,
	.send = socket_send,
};
