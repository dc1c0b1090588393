#include "exec/pump.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/stream.h"
#include "pool/trace.h"
#include "pool/transport.h"

/* One way. */
struct way {
	uint8_t *kept; /* what the reader has not taken; NULL: nothing */
	size_t len;
	size_t gone;
	bool over;   /* nothing more comes from the writer */
	bool closed; /* and the reader has been told; or it reads no more */
};

struct pump {
	struct conn *conn; /* its io is polled for input, while we want any */
	struct event peer_writable;
	struct event readable; /* these two: of our end of the socketpair */
	struct event writable;
	int fd;
	struct way in;  /* from the peer to the program */
	struct way out; /* from the program to the peer */
	bool peer_gone; /* the connection is broken, as end says */
	bool finishing; /* pump_finish() was called */
	bool told_peer; /* that nothing more comes */
	bool lingering; /* all was sent: the peer may finish, too */
	uint8_t end;    /* enum conn_end */
};

/* What goes through, one at a time. */
static _Alignas(64) uint8_t buffer[CONN_READ_SIZE];

/* --- one way --- */

static int
keep(struct way *w, const uint8_t *data, size_t len)
{
	w->kept = malloc(len);
	if (w->kept == NULL)
		return -1;
	memcpy(w->kept, data, len);
	w->len = len;
	w->gone = 0;
	return 0;
}

/* n of what was kept were taken. */
static void
drop(struct way *w, size_t n)
{
	w->gone += n;
	if (w->gone < w->len)
		return;
	free(w->kept);
	w->kept = NULL;
}

/* --- the connection --- */

static const struct transport *
transport(const struct pump *p)
{
	return p->conn->list->transport;
}

/* Has the transport taken what the socket has not? */
static bool
is_unsent(const struct pump *p)
{
	return transport(p)->unsent != NULL && transport(p)->unsent(p->conn);
}

/* It is broken: nothing can be read or sent any more. */
static void
lose_peer(struct pump *p, enum conn_end end)
{
	p->peer_gone = true;
	if (!p->finishing)
		p->end = (uint8_t)end;
	p->in.over = true;
	free(p->out.kept);
	p->out.kept = NULL;
	p->out.over = true;
	p->out.closed = true;
	/* The program sees that, too. */
	(void)shutdown(p->fd, SHUT_RDWR);
}

/* Returns how much of it was taken, also when the peer is gone. */
static size_t
send_to_peer(struct pump *p, const uint8_t *data, size_t len)
{
	const ssize_t n = transport(p)->send(p->conn, data, len);

	if (n == TRANSPORT_GONE) {
		lose_peer(p, conn_broken_end(p->conn));
		return len;
	}
	if (n == TRANSPORT_AGAIN)
		return 0;
	trace_out(p->conn, data, (size_t)n);
	conn_count_out(p->conn, (uint64_t)n);
	return (size_t)n;
}

/* The program has finished, and the peer has all of it. */
static void
finish_peer(struct pump *p)
{
	if (transport(p)->finish != NULL)
		transport(p)->finish(p->conn);
	p->out.closed = true;
}

/* What waits for the peer. Nothing waits any more: true. */
static bool
flush_to_peer(struct pump *p)
{
	struct way *w = &p->out;

	if (w->kept != NULL)
		drop(w, send_to_peer(p, w->kept + w->gone, w->len - w->gone));
	if (p->peer_gone)
		return true;
	if (w->kept != NULL)
		return false;
	if (w->over && !w->closed)
		finish_peer(p);
	if (is_unsent(p) && transport(p)->flush(p->conn) == TRANSPORT_GONE)
		lose_peer(p, conn_broken_end(p->conn));
	return p->peer_gone || !is_unsent(p);
}

/* --- the program --- */

/* It reads no more: what comes for it is thrown away. */
static void
lose_program(struct pump *p)
{
	p->in.closed = true;
	free(p->in.kept);
	p->in.kept = NULL;
}

static size_t
send_to_program(struct pump *p, const uint8_t *data, size_t len)
{
	const ssize_t n = send(p->fd, data, len, MSG_NOSIGNAL);

	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	lose_program(p);
	return len;
}

static void
flush_to_program(struct pump *p)
{
	struct way *w = &p->in;
	size_t n;

	if (w->kept != NULL) {
		n = send_to_program(p, w->kept + w->gone, w->len - w->gone);
		if (w->kept != NULL)
			drop(w, n);
	}
	if (w->kept == NULL && w->over && !w->closed) {
		(void)shutdown(p->fd, SHUT_WR);
		w->closed = true;
	}
}

/* --- reading --- */

int
pump_feed(struct pump *p, const uint8_t *data, size_t len)
{
	size_t n;

	trace_in(p->conn, data, len);
	conn_count_in(p->conn, len);
	if (p->in.closed)
		return 0;
	n = send_to_program(p, data, len);
	return n == len ? 0 : keep(&p->in, data + n, len - n);
}

/* Returns 0, or -1: out of memory. */
static int
read_from_peer(struct pump *p)
{
	const ssize_t n = transport(p)->recv(p->conn, buffer, sizeof(buffer));

	if (n > 0)
		return pump_feed(p, buffer, (size_t)n);
	if (n == TRANSPORT_GONE)
		lose_peer(p, conn_broken_end(p->conn));
	if (n == TRANSPORT_FINISHED) {
		p->in.over = true;
		p->conn->peer_finished = true;
	}
	return 0;
}

/* The same. When the program has ended nothing more can come. */
static int
read_from_program(struct pump *p)
{
	const ssize_t n = recv(p->fd, buffer, sizeof(buffer), 0);
	size_t taken;

	if (n == -1 && (errno == EINTR || (errno == EAGAIN && !p->finishing)))
		return 0;
	if (n <= 0) {
		p->out.over = true;
		return 0;
	}
	if (p->peer_gone)
		return 0;
	taken = send_to_peer(p, buffer, (size_t)n);
	return taken == (size_t)n || p->peer_gone
	    ? 0
	    : keep(&p->out, buffer + taken, (size_t)n - taken);
}

/* --- what to wait for --- */

/* Returns 0, or -1: out of memory. */
static int
want(struct event *e, bool wanted)
{
	const bool pending = event_pending(e, EV_READ | EV_WRITE, NULL) != 0;

	if (wanted == pending)
		return 0;
	return wanted ? event_add(e, NULL) : event_del(e);
}

static int
want_events(struct pump *p)
{
	struct conn *c = p->conn;
	const bool read_peer =
	    !p->peer_gone && !p->in.over && p->in.kept == NULL;
	const bool read_program = !p->out.over && p->out.kept == NULL;

	if (want(&c->io, read_peer) == -1 ||
	    want(&p->readable, read_program) == -1 ||
	    want(&p->writable, p->in.kept != NULL) == -1 ||
	    want(&p->peer_writable,
		!p->peer_gone && (p->out.kept != NULL || is_unsent(p))) == -1)
		return -1;
	/* The transport may have what the socket has not any more. */
	if (read_peer && transport(p)->pending != NULL &&
	    transport(p)->pending(c))
		event_active(&c->io, EV_READ, 0);
	/* One who has left the program's group may hold the other end open. */
	if (read_program && p->finishing)
		event_active(&p->readable, EV_READ, 0);
	return 0;
}

/*
 * The peer has all that the program will ever write. Closing with input unread
 * would reset the connection, and lose that, so wait for its end.
 */
static bool
is_done(struct pump *p)
{
	struct conn *c = p->conn;

	if (p->peer_gone || c->peer_finished)
		return true;
	if (!p->lingering)
		conn_set_timer(c, STREAM_LINGER_MS);
	p->lingering = true;
	return false;
}

/* Something has changed: send what can be sent, and wait for the rest. */
static void
go_on(struct pump *p)
{
	struct conn *c = p->conn;
	bool sent;

	flush_to_program(p);
	sent = flush_to_peer(p);
	if (sent && p->out.closed && !p->peer_gone && !p->told_peer) {
		p->told_peer = true;
		(void)shutdown(conn_fd(c), SHUT_WR);
	}
	if (p->finishing && sent && p->out.over && is_done(p))
		conn_close(c, (enum conn_end)p->end);
	else if (want_events(p) == -1)
		conn_close(c, CONN_END_NO_MEMORY);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pump *p = arg;

	(void)fd;
	(void)what;
	if (read_from_program(p) == -1)
		conn_close(p->conn, CONN_END_NO_MEMORY);
	else
		go_on(p);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

/* --- outside --- */

static int
assign_events(struct pump *p)
{
	struct event_base *base = event_get_base(&p->conn->io);

	return event_assign(&p->readable, base, p->fd, EV_READ | EV_PERSIST,
		   on_readable, p) == -1 ||
		event_assign(&p->writable, base, p->fd, EV_WRITE | EV_PERSIST,
		    on_writable, p) == -1 ||
		event_assign(&p->peer_writable, base, conn_fd(p->conn),
		    EV_WRITE | EV_PERSIST, on_writable, p) == -1
	    ? -1
	    : 0;
}

struct pump *
pump_new(struct conn *c, int *end)
{
	struct pump *p = calloc(1, sizeof(*p));
	int ends[2];

	if (p == NULL)
		return NULL;
	p->conn = c;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) {
		free(p);
		return NULL;
	}
	p->fd = ends[0];
	if (fcntl(p->fd, F_SETFL, O_NONBLOCK) == -1 || assign_events(p) == -1 ||
	    conn_poll(c, EV_READ) == -1 || want_events(p) == -1) {
		(void)close(ends[1]);
		pump_free(&p);
		return NULL;
	}
	*end = ends[1];
	return p;
}

void
pump_finish(struct pump *p, enum conn_end end)
{
	p->finishing = true;
	if (!p->peer_gone)
		p->end = (uint8_t)end;
	lose_program(p);
	go_on(p);
}

void
pump_ready(struct pump *p)
{
	if (read_from_peer(p) == -1)
		conn_close(p->conn, CONN_END_NO_MEMORY);
	else
		go_on(p);
}

void
pump_timer(struct pump *p)
{
	if (p->lingering)
		conn_close(p->conn, (enum conn_end)p->end);
}

void
pump_free(struct pump **pp)
{
	struct pump *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	if (event_initialized(&p->peer_writable)) {
		(void)event_del(&p->readable);
		(void)event_del(&p->writable);
		(void)event_del(&p->peer_writable);
	}
	(void)close(p->fd);
	free(p->in.kept);
	free(p->out.kept);
	free(p);
}
