/*
 * The echo server: what can't be sent back at once is kept until it can be,
 * and nothing is read meanwhile. Edge-triggered, so a descriptor is registered
 * once.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reference.h"

#define CHUNK (64u * 1024u)

struct echo {
	int fd;                   /* -1: has ended */
	unsigned int from, until; /* of rest, what is to be sent */
	char *rest;               /* NULL: nothing */
	struct echo *next_ended;
};

static char chunk[CHUNK];
static struct echo *ended;

static void
opened(int epoll, int fd)
{
	struct echo *e = calloc(1, sizeof(*e));

	if (e == NULL)
		reference_die("calloc");
	e->fd = fd;
	reference_watch(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
	    e);
}

static void
end(struct echo *e)
{
	(void)close(e->fd);
	free(e->rest);
	e->fd = -1;
	e->next_ended = ended;
	ended = e;
}

/* Send what is kept. Returns 1: all, 0: not all, -1: it has failed. */
static int
send_rest(struct echo *e)
{
	const ssize_t n =
	    send(e->fd, e->rest + e->from, e->until - e->from, MSG_NOSIGNAL);

	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	e->from += (unsigned int)n;
	if (e->from < e->until)
		return 0;
	free(e->rest);
	e->rest = NULL;
	return 1;
}

static void
keep(struct echo *e, const char *data, size_t size)
{
	e->rest = malloc(size);
	if (e->rest == NULL)
		reference_die("malloc");
	memcpy(e->rest, data, size);
	e->from = 0;
	e->until = (unsigned int)size;
}

/* Read and send back. Returns 1: there may be more, 0: wait, -1: it ends. */
static int
turn(struct echo *e, uint32_t events)
{
	ssize_t n, sent;

	if (e->rest != NULL)
		return send_rest(e);
	n = recv(e->fd, chunk, CHUNK, 0);
	if (n == 0)
		return -1;
	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	sent = send(e->fd, chunk, (size_t)n, MSG_NOSIGNAL);
	if (sent == -1 && errno != EAGAIN)
		return -1;
	if (sent < n) {
		sent = sent == -1 ? 0 : sent;
		keep(e, chunk + sent, (size_t)(n - sent));
		return 0;
	}
	/* A short read has emptied the socket, but for its end. */
	return n == CHUNK || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
}

static void
happened(void *data, uint32_t events)
{
	struct echo *e = data;
	int result;

	if (e->fd == -1)
		return;
	do
		result = turn(e, events);
	while (result == 1);
	if (result == -1)
		end(e);
}

static void
swept(void)
{
	struct echo *e;

	while ((e = ended) != NULL) {
		ended = e->next_ended;
		free(e);
	}
}

const struct reference reference_echo = { opened, happened, swept };
