/*
 * The proxies: a pair of sockets, edge-triggered, each registered once. Bytes
 * go through one buffer, or through a pipe for as long as it holds some; what
 * can't be sent at once is kept, and nothing is read meanwhile.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reference.h"

#define CHUNK (64u * 1024u)
#define PIPE_BYTES (256 * 1024)
#define IDLE_PIPES 256

/* One side of a pair, and what was read from it and waits to be sent. */
struct side {
	struct side *other;
	struct pair *pair;
	int fd;
	bool connecting, finished; /* finished: its end has been read */
	bool passed_on;            /* and the other side was told */
	bool piped;                /* what waits is in the pipe */
	int pipe[2];
	char *rest;
	size_t from, waiting; /* bytes; from is of rest */
};

struct pair {
	struct side device, upstream;
	struct pair *next_ended;
	bool has_ended;
};

static struct {
	struct sockaddr_in to;
	bool by_splice;
	char chunk[CHUNK];
	struct pair *ended;
	int idle_pipes[IDLE_PIPES][2];
	unsigned int idle_count;
} proxy;

void
reference_proxy_to(uint16_t port, bool by_splice)
{
	proxy.to = reference_address(port);
	proxy.by_splice = by_splice;
}

static void
pipe_take(struct side *s)
{
	s->piped = true;
	if (proxy.idle_count > 0) {
		proxy.idle_count--;
		memcpy(s->pipe, proxy.idle_pipes[proxy.idle_count],
		    sizeof(s->pipe));
		return;
	}
	if (pipe2(s->pipe, O_NONBLOCK | O_CLOEXEC) == -1)
		reference_die("pipe2");
	(void)fcntl(s->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
}

/* A pipe that still holds bytes, or is one too many, is closed. */
static void
pipe_give(struct side *s)
{
	s->piped = false;
	if (s->waiting == 0 && proxy.idle_count < IDLE_PIPES) {
		memcpy(proxy.idle_pipes[proxy.idle_count++], s->pipe,
		    sizeof(s->pipe));
		return;
	}
	(void)close(s->pipe[0]);
	(void)close(s->pipe[1]);
}

static void
let_go(struct side *s)
{
	(void)close(s->fd);
	free(s->rest);
	if (s->piped)
		pipe_give(s);
}

static void
end(struct pair *p)
{
	let_go(&p->device);
	let_go(&p->upstream);
	p->has_ended = true;
	p->next_ended = proxy.ended;
	proxy.ended = p;
}

static ssize_t
read_copy(struct side *s)
{
	const ssize_t n = recv(s->fd, proxy.chunk, CHUNK, 0);
	ssize_t sent;

	if (n <= 0)
		return n;
	sent = send(s->other->fd, proxy.chunk, (size_t)n, MSG_NOSIGNAL);
	if (sent == -1) {
		if (errno != EAGAIN) {
			errno = EPIPE;
			return -1;
		}
		sent = 0;
	}
	if (sent < n) {
		s->from = 0;
		s->waiting = (size_t)(n - sent);
		s->rest = malloc(s->waiting);
		if (s->rest == NULL)
			reference_die("malloc");
		memcpy(s->rest, proxy.chunk + sent, s->waiting);
	}
	return n;
}

static ssize_t
read_splice(struct side *s)
{
	ssize_t n;

	pipe_take(s);
	n = splice(s->fd, NULL, s->pipe[1], NULL, PIPE_BYTES,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0)
		s->waiting = (size_t)n;
	else
		pipe_give(s);
	return n;
}

/* Send what waits. Returns 1: nothing is left, 0: some is, -1: failed. */
static int
send_waiting(struct side *s)
{
	ssize_t n;

	while (s->waiting > 0) {
		n = s->piped
		    ? splice(s->pipe[0], NULL, s->other->fd, NULL, s->waiting,
			  SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
		    : send(s->other->fd, s->rest + s->from, s->waiting,
			  MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		s->waiting -= (size_t)n;
		s->from += (size_t)n;
	}
	if (s->piped)
		pipe_give(s);
	free(s->rest);
	s->rest = NULL;
	return 1;
}

/*
 * Move bytes from a side to the other until one of them has to wait; hurry:
 * its end is near, so that a short read isn't the last. -1: the pair ends.
 */
static int
move(struct side *s, bool hurry)
{
	ssize_t n;
	int result;

	for (;;) {
		result = send_waiting(s);
		if (result != 1)
			return result;
		if (s->finished) {
			if (!s->passed_on)
				(void)shutdown(s->other->fd, SHUT_WR);
			s->passed_on = true;
			return s->other->passed_on ? -1 : 0;
		}
		n = proxy.by_splice ? read_splice(s) : read_copy(s);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		s->finished = n == 0;
		if (n > 0 && n < CHUNK && !hurry)
			return send_waiting(s) == -1 ? -1 : 0;
	}
}

static bool
connected(struct side *s)
{
	socklen_t size = sizeof(int);
	int error = 0;

	s->connecting = false;
	return getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
	    error == 0;
}

static void
happened(void *data, uint32_t events)
{
	struct side *s = data;
	struct pair *p = s->pair;
	const bool ends = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if (p->has_ended || (p->upstream.connecting && s == &p->device))
		return;
	if (s->connecting) {
		if (!connected(s) || move(s->other, true) == -1)
			end(p);
		return;
	}
	if (((events & ~(uint32_t)EPOLLOUT) != 0 && move(s, ends) == -1) ||
	    ((events & EPOLLOUT) != 0 && s->other->waiting > 0 &&
		move(s->other, true) == -1))
		end(p);
}

static void
opened(int epoll, int fd)
{
	const uint32_t all = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	struct pair *p = calloc(1, sizeof(*p));
	struct side *d, *u;

	if (p == NULL)
		reference_die("calloc");
	d = &p->device;
	u = &p->upstream;
	*d = (struct side){ .other = u, .pair = p, .fd = fd };
	*u = (struct side){ .other = d, .pair = p, .connecting = true };
	u->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd == -1)
		reference_die("socket");
	reference_nodelay(u->fd);
	if (connect(u->fd, (const struct sockaddr *)&proxy.to,
		sizeof(proxy.to)) == -1 &&
	    errno != EINPROGRESS) {
		end(p);
		return;
	}
	reference_watch(epoll, u->fd, all, u);
	reference_watch(epoll, d->fd, all, d);
}

static void
swept(void)
{
	struct pair *p;

	while ((p = proxy.ended) != NULL) {
		proxy.ended = p->next_ended;
		free(p);
	}
}

const struct reference reference_proxy = { opened, happened, swept };
