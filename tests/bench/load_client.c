#include "load_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (256u * 1024u)

/* A prime: no message size has the stream repeat with its messages. */
#define PATTERN 65521u

/* Results of moving bytes besides how many. */
#define MOVED_NOTHING (-1)
#define MOVED_FAILED (-2)

static struct {
	const struct settings *settings;
	unsigned char pattern[PATTERN + CHUNK]; /* repeats after PATTERN */
	unsigned char answer[CHUNK];
	SSL_CTX *tls;
} parts;

/* Keep the newest ticket of a connection for the next one. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct client *c = SSL_get_app_data(ssl);

	SSL_SESSION_free(c->session);
	c->session = session;
	return 1; /* ours now */
}

static void
prepare_tls(void)
{
	parts.tls = SSL_CTX_new(TLS_client_method());
	if (parts.tls == NULL ||
	    SSL_CTX_set_min_proto_version(parts.tls, TLS1_3_VERSION) != 1)
		load_die("SSL_CTX_new");
	SSL_CTX_set_mode(parts.tls,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (!parts.settings->resume)
		return;
	SSL_CTX_set_session_cache_mode(parts.tls,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(parts.tls, on_session);
}

void
client_prepare(const struct settings *s)
{
	uint32_t x = 2463534242u;
	size_t i;

	parts.settings = s;
	for (i = 0; i < PATTERN; i++) { /* xorshift */
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		parts.pattern[i] = (unsigned char)x;
	}
	for (; i < PATTERN + CHUNK; i++)
		parts.pattern[i] = parts.pattern[i - PATTERN];
	if (s->tls)
		prepare_tls();
}

static enum load_failure
failure_of(int error)
{
	switch (error) {
	case 0:
		return FAILED_ENDED;
	case ECONNREFUSED:
		return FAILED_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return FAILED_RESET;
	default:
		return FAILED_OTHER;
	}
}

static void
start_tls(struct client *c)
{
	c->ssl = SSL_new(parts.tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    (c->session != NULL && SSL_set_session(c->ssl, c->session) != 1))
		load_die("SSL_new");
	(void)SSL_set_app_data(c->ssl, c);
	SSL_set_connect_state(c->ssl);
	/* Else it would not resume what we end by a reset. */
	SSL_set_quiet_shutdown(c->ssl, 1);
}

int
client_start(struct client *c, int epoll, enum load_failure *failure)
{
	const struct sockaddr_in *to = &parts.settings->to;
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = c,
	};
	const int on = 1;

	c->sent = c->received = c->wanted = 0;
	c->began_ns = c->moved_ns = load_now();
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		load_die("socket");
	c->state = CLIENT_CONNECTING;
	c->ending = false;
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		load_die("TCP_NODELAY");
	if (connect(c->fd, (const struct sockaddr *)to, sizeof(*to)) == -1 &&
	    errno != EINPROGRESS) {
		*failure = failure_of(errno);
		client_close(c);
		return -1;
	}
	/* Before connect() it would tell of a hangup. */
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		load_die("epoll_ctl");
	return 0;
}

void
client_close(struct client *c)
{
	const struct linger at_once = { .l_onoff = 1 };

	if (c->state == CLIENT_CLOSED)
		return;
	if (c->ssl != NULL) {
		(void)SSL_shutdown(c->ssl); /* quiet: sends nothing */
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
	    sizeof(at_once));
	(void)close(c->fd);
	c->fd = -1;
	c->state = CLIENT_CLOSED;
}

bool
client_resumed(const struct client *c)
{
	return c->ssl != NULL && SSL_session_reused(c->ssl) == 1;
}

/* What an SSL_...() that returned no bytes means. */
static ssize_t
tls_result(struct client *c, int result, enum load_failure *failure)
{
	const int error = errno;

	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return MOVED_NOTHING;
	case SSL_ERROR_ZERO_RETURN:
		*failure = FAILED_ENDED;
		return MOVED_FAILED;
	case SSL_ERROR_SYSCALL:
		*failure = failure_of(error);
		return MOVED_FAILED;
	default:
		*failure = FAILED_TLS;
		return MOVED_FAILED;
	}
}

static ssize_t
plain_result(ssize_t n, enum load_failure *failure)
{
	if (n > 0)
		return n;
	if (n == -1 && errno == EAGAIN)
		return MOVED_NOTHING;
	*failure = failure_of(n == 0 ? 0 : errno);
	return MOVED_FAILED;
}

static ssize_t
put(struct client *c, const void *data, size_t size, enum load_failure *failure)
{
	size_t n = 0;
	int result;

	if (c->ssl == NULL)
		return plain_result(send(c->fd, data, size, MSG_NOSIGNAL),
		    failure);
	ERR_clear_error();
	errno = 0;
	result = SSL_write_ex(c->ssl, data, size, &n);
	return result == 1 ? (ssize_t)n : tls_result(c, result, failure);
}

static ssize_t
take(struct client *c, size_t size, enum load_failure *failure)
{
	size_t n = 0;
	int result;

	if (c->ssl == NULL)
		return plain_result(recv(c->fd, parts.answer, size, 0),
		    failure);
	ERR_clear_error();
	errno = 0;
	result = SSL_read_ex(c->ssl, parts.answer, size, &n);
	return result == 1 ? (ssize_t)n : tls_result(c, result, failure);
}

/* The bytes of a client's stream from that position on, CHUNK of them. */
static const unsigned char *
stream_at(const struct client *c, uint64_t position)
{
	return parts.pattern + (position + c->shift) % PATTERN;
}

/* Both return 0 when no more can be moved now, and -1 at a failure. */
static int
send_all(struct client *c, enum load_failure *failure)
{
	uint64_t size;
	ssize_t n;

	while (c->sent < c->wanted) {
		size = c->wanted - c->sent;
		n = put(c, stream_at(c, c->sent), size < CHUNK ? size : CHUNK,
		    failure);
		if (n < 0)
			return n == MOVED_NOTHING ? 0 : -1;
		c->sent += (uint64_t)n;
	}
	return 0;
}

static int
receive_all(struct client *c, enum load_failure *failure)
{
	ssize_t n;

	for (;;) {
		n = take(c, CHUNK, failure);
		if (n < 0)
			return n == MOVED_NOTHING ? 0 : -1;
		if (c->received + (uint64_t)n > c->sent ||
		    memcmp(parts.answer, stream_at(c, c->received),
			(size_t)n) != 0) {
			*failure = FAILED_WRONG;
			return -1;
		}
		c->received += (uint64_t)n;
		c->moved_ns = load_now();
		/* A short read has emptied the socket, but for its end. */
		if (c->ssl == NULL && (size_t)n < CHUNK && !c->ending)
			return 0;
	}
}

/* Has it been connected, and its handshake ended? -1 at a failure. */
static int
open_up(struct client *c, enum load_failure *failure)
{
	socklen_t size = sizeof(int);
	int error = 0, result;

	if (c->state == CLIENT_CONNECTING) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) ==
			-1 ||
		    error != 0) {
			*failure = failure_of(error);
			return -1;
		}
		c->state = CLIENT_OPEN;
		if (parts.tls != NULL) {
			start_tls(c);
			c->state = CLIENT_HANDSHAKING;
		}
	}
	if (c->state == CLIENT_HANDSHAKING) {
		ERR_clear_error();
		errno = 0;
		result = SSL_do_handshake(c->ssl);
		if (result != 1)
			return tls_result(c, result, failure) == MOVED_NOTHING
			    ? 0
			    : -1;
		c->state = CLIENT_OPEN;
	}
	return 0;
}

enum client_news
client_step(struct client *c, enum load_failure *failure)
{
	const enum client_state before = c->state;

	if (before == CLIENT_CLOSED)
		return CLIENT_NOTHING;
	if (before != CLIENT_OPEN && open_up(c, failure) == -1)
		goto out;
	if (c->state != CLIENT_OPEN)
		return CLIENT_NOTHING;
	if (before != CLIENT_OPEN) {
		c->moved_ns = load_now();
		return CLIENT_OPENED;
	}
	if (send_all(c, failure) == -1 || receive_all(c, failure) == -1)
		goto out;
	return CLIENT_NOTHING;
out:
	client_close(c);
	return CLIENT_FAILED;
}
