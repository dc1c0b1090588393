#include "gateway/http_io.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/buffer.h>
#include <stdint.h>
#include <unistd.h>

#include "common/log.h"
#include "tls/tls.h"

#define PLAIN_RECV_SIZE 16384

/* Where bytes are received; they don't stay. */
static struct {
	uint8_t bytes[TLS_RECV_SIZE];
} room;

int
http_io_open(struct http_io *io, int fd, struct tls_context *context)
{
	*io = (struct http_io){ .fd = fd, .is_open = context == NULL };
	if (context == NULL)
		return 0;
	io->tls = mercury_tls.session_new(context, NULL, 0);
	if (io->tls != NULL)
		return 0;
	http_io_close(io, false);
	return -1;
}

static enum http_io_result
handshake_done(struct http_io *io)
{
	struct tls_facts facts;

	/* It gets small with this. */
	mercury_tls.describe(io->tls, &facts);
	io->is_open = true;
	return HTTP_IO_DONE;
}

enum http_io_result
http_io_handshake(struct http_io *io)
{
	const char *why;

	switch (mercury_tls.handshake(io->tls, io->fd)) {
	case TLS_DONE:
		return handshake_done(io);
	case TLS_AGAIN_READ:
		return HTTP_IO_READ;
	case TLS_AGAIN_WRITE:
		return HTTP_IO_WRITE;
	default:
		(void)mercury_tls.failure(io->tls, &why);
		log_debug(NULL, NULL, "a client's handshake failed: %s", why);
		return HTTP_IO_GONE;
	}
}

/* --- receiving --- */

static ssize_t
receive_plain(struct http_io *io)
{
	ssize_t n;

	do {
		n = recv(io->fd, room.bytes, PLAIN_RECV_SIZE, 0);
	} while (n == -1 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EAGAIN ? TLS_AGAIN : TLS_GONE;
}

static enum http_io_result
received(ssize_t n)
{
	if (n == TLS_AGAIN)
		return HTTP_IO_READ;
	if (n == TLS_FINISHED)
		return HTTP_IO_END;
	return n < 0 ? HTTP_IO_GONE : HTTP_IO_DONE;
}

enum http_io_result
http_io_receive(struct http_io *io, struct evbuffer *in)
{
	const ssize_t n = io->tls == NULL
	    ? receive_plain(io)
	    : mercury_tls.recv(io->tls, io->fd, room.bytes, sizeof(room.bytes));

	if (n > 0 && evbuffer_add(in, room.bytes, (size_t)n) == -1)
		return HTTP_IO_GONE;
	return received(n);
}

bool
http_io_pending(const struct http_io *io)
{
	return io->tls != NULL && io->is_open && mercury_tls.pending(io->tls);
}

/* Also of TLS: nobody wants to know what it means any more. */
enum http_io_result
http_io_discard(struct http_io *io, size_t *bytes)
{
	const ssize_t n = receive_plain(io);

	if (n > 0)
		*bytes += (size_t)n;
	return received(n);
}

/* --- sending --- */

/* Head and text in one go. SIGPIPE is ignored (role.h). */
static ssize_t
send_plain(struct http_io *io, struct evbuffer *out)
{
	ssize_t n;

	do {
		n = evbuffer_write(out, io->fd);
	} while (n == -1 && errno == EINTR);
	if (n > 0)
		return n;
	return n == -1 && errno == EAGAIN ? TLS_AGAIN : TLS_GONE;
}

static ssize_t
send_tls(struct http_io *io, struct evbuffer *out)
{
	struct evbuffer_iovec bytes;
	ssize_t n;

	if (evbuffer_peek(out, -1, NULL, &bytes, 1) < 1)
		return TLS_GONE;
	n = mercury_tls.send(io->tls, io->fd, bytes.iov_base, bytes.iov_len);
	if (n > 0 && evbuffer_drain(out, (size_t)n) == -1)
		return TLS_GONE;
	return n;
}

enum http_io_result
http_io_send(struct http_io *io, struct evbuffer *out)
{
	ssize_t n;

	while (evbuffer_get_length(out) > 0) {
		n = io->tls == NULL ? send_plain(io, out) : send_tls(io, out);
		if (n == TLS_AGAIN)
			return HTTP_IO_WRITE;
		if (n <= 0)
			return HTTP_IO_GONE;
	}
	return http_io_flush(io);
}

bool
http_io_unsent(const struct http_io *io)
{
	return io->tls != NULL && mercury_tls.unsent(io->tls) > 0;
}

enum http_io_result
http_io_flush(struct http_io *io)
{
	if (!http_io_unsent(io))
		return HTTP_IO_DONE;
	switch (mercury_tls.flush(io->tls, io->fd)) {
	case 0:
		return HTTP_IO_DONE;
	case TLS_AGAIN:
		return HTTP_IO_WRITE;
	default:
		return HTTP_IO_GONE;
	}
}

/* --- the end --- */

void
http_io_finish(struct http_io *io)
{
	if (io->tls != NULL && io->is_open)
		mercury_tls.finish(io->tls, io->fd);
}

int
http_io_shut(struct http_io *io)
{
	return shutdown(io->fd, SHUT_WR);
}

void
http_io_close(struct http_io *io, bool reset)
{
	const struct linger at_once = { .l_onoff = 1 };

	if (io->tls != NULL)
		mercury_tls.session_free(io->tls);
	io->tls = NULL;
	if (reset)
		(void)setsockopt(io->fd, SOL_SOCKET, SO_LINGER, &at_once,
		    sizeof(at_once));
	(void)close(io->fd);
	io->fd = -1;
}
