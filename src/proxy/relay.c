#include "proxy/relay.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "proxy/pipes.h"
#include "proxy/relays.h"
#include "tls/tls.h"

/* So much one moves before it is the turn of others. */
#define TURN_BYTES (256 * 1024)

/* With smaller reads than this, copying is cheaper. */
#define SPLICE_MIN (16 * 1024)

/* What came of a step in one direction. */
enum flow {
	FLOW_ON,
	FLOW_STOP, /* for now */
	FLOW_LOST_SOURCE,
	FLOW_LOST_SINK,
	FLOW_NO_MEMORY
};

static struct relay_end *
other(struct relay *r, const struct relay_end *e)
{
	return &r->ends[e == &r->ends[0]];
}

static bool
is_device(const struct relay *r, const struct relay_end *e)
{
	return e == &r->ends[RELAY_DEVICE];
}

static void
count_read(struct relay *r, const struct relay_end *from, const uint8_t *data,
    size_t len)
{
	if (is_device(r, from))
		r->all->owner->in(r, data, len);
}

static void
count_sent(struct relay *r, const struct relay_end *to, const uint8_t *data,
    size_t len)
{
	if (is_device(r, to))
		r->all->owner->out(r, data, len);
}

static enum flow
lost_sink_or_stop(ssize_t n)
{
	return n == RELAY_IO_GONE ? FLOW_LOST_SINK : FLOW_STOP;
}

/* --- what is pending --- */

static enum flow
push_kept(struct relay *r, struct relay_end *from, struct relay_end *to)
{
	struct relay_bytes *b = from->kept;
	const uint8_t *data = b->data + b->gone;
	const ssize_t n = relay_send(r->all->tls, to, data, b->len - b->gone);

	if (n <= 0)
		return lost_sink_or_stop(n);
	count_sent(r, to, data, (size_t)n);
	b->gone += (size_t)n;
	if (b->gone < b->len)
		return FLOW_STOP;
	free(b);
	from->kept = NULL;
	return FLOW_ON;
}

static enum flow
push_pipe(struct relay *r, struct relay_end *from, struct relay_end *to)
{
	struct pipe *p = from->pipe;
	ssize_t n;

	while (p->held > 0) {
		n = splice(p->out, NULL, to->fd, NULL, p->held,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n == -1)
			return errno == EAGAIN ? FLOW_STOP : FLOW_LOST_SINK;
		count_sent(r, to, NULL, (size_t)n);
		p->held -= (size_t)n;
	}
	pipes_put(&r->all->pipes, &from->pipe);
	return FLOW_ON;
}

/* Pass on what is pending. FLOW_ON: nothing is, any more. */
static enum flow
push(struct relay *r, struct relay_end *from, struct relay_end *to)
{
	enum flow flow = FLOW_ON;
	int flushed;

	if (from->kept != NULL)
		flow = push_kept(r, from, to);
	if (flow == FLOW_ON && from->pipe != NULL)
		flow = push_pipe(r, from, to);
	if (flow != FLOW_ON || to->tls == NULL)
		return flow;
	flushed = relay_flush(r->all->tls, to);
	return flushed == 1 ? FLOW_ON : lost_sink_or_stop(flushed);
}

/* Does this direction wait for the other end's socket? */
static bool
is_pending(const struct relay *r, const struct relay_end *from,
    const struct relay_end *to)
{
	return from->kept != NULL || from->pipe != NULL ||
	    (from->finished && !from->passed) ||
	    (to->tls != NULL && r->all->tls->unsent(to->tls) > 0);
}

/* --- what comes --- */

static enum flow
not_read(struct relay_end *from, ssize_t n)
{
	from->ready = false;
	if (n == RELAY_IO_GONE)
		return FLOW_LOST_SOURCE;
	if (n == RELAY_IO_AGAIN)
		return FLOW_STOP;
	from->finished = true;
	return FLOW_ON;
}

/* A read of n bytes, all that there were: more will be told of. */
static void
note_drained(struct relay *r, struct relay_end *from)
{
	if (from->tls != NULL || from->closing)
		return;
	from->ready = false;
	from->unsure = true;
	relays_watch(r);
}

/* Send, and keep what is not taken. */
static enum flow
pass(struct relay *r, struct relay_end *from, const uint8_t *data, size_t len)
{
	struct relay_end *to = other(r, from);
	ssize_t n = relay_send(r->all->tls, to, data, len);

	if (n == RELAY_IO_GONE)
		return FLOW_LOST_SINK;
	if (n < 0)
		n = 0;
	if (n > 0)
		count_sent(r, to, data, (size_t)n);
	if ((size_t)n == len)
		return FLOW_ON;
	if (relay_keep(&from->kept, data + n, len - (size_t)n) == -1)
		return FLOW_NO_MEMORY;
	return FLOW_STOP;
}

static enum flow
pull_copy(struct relay *r, struct relay_end *from, size_t *moved)
{
	static _Alignas(64) uint8_t buffer[RELAY_READ_SIZE];
	const ssize_t n = relay_recv(r->all->tls, from, buffer, sizeof(buffer));

	if (n <= 0)
		return not_read(from, n);
	*moved += (size_t)n;
	count_read(r, from, buffer, (size_t)n);
	if ((size_t)n < sizeof(buffer))
		note_drained(r, from);
	else
		from->spliced = r->may_splice;
	return pass(r, from, buffer, (size_t)n);
}

static enum flow
pull_splice(struct relay *r, struct relay_end *from, size_t *moved)
{
	ssize_t n;
	int error;

	from->pipe = pipes_get(&r->all->pipes);
	if (from->pipe == NULL) {
		from->spliced = false;
		return pull_copy(r, from, moved);
	}
	n = splice(from->fd, NULL, from->pipe->in, NULL, PIPE_SIZE,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n <= 0) {
		error = errno;
		pipes_put(&r->all->pipes, &from->pipe);
		errno = error;
		if (n == -1)
			n = error == EAGAIN ? RELAY_IO_AGAIN : RELAY_IO_GONE;
		return not_read(from, n);
	}
	from->pipe->held = (size_t)n;
	*moved += (size_t)n;
	count_read(r, from, NULL, (size_t)n);
	/* A short one does not mean that this is all: the pipe may be full. */
	from->spliced = n >= SPLICE_MIN;
	return FLOW_ON;
}

static enum flow
pull(struct relay *r, struct relay_end *from, size_t *moved)
{
	if (from->spliced && r->may_splice)
		return pull_splice(r, from, moved);
	return pull_copy(r, from, moved);
}

/* --- one direction --- */

static enum flow
pass_end(struct relay *r, struct relay_end *from)
{
	int n;

	if (from->passed)
		return FLOW_STOP;
	if (r->finished == 0)
		r->finished =
		    is_device(r, from) ? 1 + RELAY_DEVICE : 1 + RELAY_UPSTREAM;
	n = relay_pass_end(r->all->tls, from, other(r, from));
	return n == RELAY_IO_GONE ? FLOW_LOST_SINK : FLOW_STOP;
}

static enum flow
move_until(struct relay *r, struct relay_end *from)
{
	struct relay_end *to = other(r, from);
	size_t moved = 0;
	enum flow flow;

	for (;;) {
		flow = push(r, from, to);
		if (flow != FLOW_ON)
			return flow;
		if (from->finished)
			return pass_end(r, from);
		if (!from->ready)
			return FLOW_STOP;
		if (moved >= TURN_BYTES) {
			relays_queue(r);
			return FLOW_STOP;
		}
		flow = pull(r, from, &moved);
		if (flow != FLOW_ON)
			return flow;
	}
}

/*
 * An end can't be written to any more. What it said before that is passed on
 * all the same, as far as that is possible at once: an answer, perhaps, to
 * what it did not read.
 */
static void
pass_last_words(struct relay *r, struct relay_end *lost)
{
	const int error = errno;

	lost->ready = true;
	(void)move_until(r, lost);
	errno = error;
}

static enum relay_result
lost(const struct relay *r, const struct relay_end *e)
{
	return is_device(r, e) ? RELAY_LOST_DEVICE : RELAY_LOST_UPSTREAM;
}

static enum relay_result
move(struct relay *r, struct relay_end *from)
{
	switch (move_until(r, from)) {
	case FLOW_ON:
	case FLOW_STOP:
		break;
	case FLOW_LOST_SOURCE:
		return lost(r, from);
	case FLOW_LOST_SINK:
		pass_last_words(r, other(r, from));
		return lost(r, other(r, from));
	case FLOW_NO_MEMORY:
		return RELAY_NO_MEMORY;
	}
	return r->ends[0].passed && r->ends[1].passed ? RELAY_DONE : RELAY_ON;
}

/* --- the pair --- */

void
relay_init(struct relay *r, struct relays *all)
{
	r->all = all;
}

static void
end_clear(struct relay *r, struct relay_end *e)
{
	free(e->kept);
	e->kept = NULL;
	if (e->pipe != NULL)
		pipes_put(&r->all->pipes, &e->pipe);
}

void
relay_clear(struct relay *r)
{
	relays_forget(r);
	end_clear(r, &r->ends[0]);
	end_clear(r, &r->ends[1]);
}

/*
 * The end has had an event, and was not read, as the other end takes nothing.
 * That event may be an error.
 */
static enum relay_result
look_for_error(const struct relay *r, const struct relay_end *e)
{
	return relay_is_broken(e) ? lost(r, e) : RELAY_ON;
}

enum relay_result
relay_event(struct relay *r, enum relay_place place, short what)
{
	struct relay_end *e = &r->ends[place], *peer = other(r, e);
	const bool was_finished = e->finished;
	enum relay_result result = RELAY_ON;

	r->stirred = true;
	if (what & EV_CLOSED)
		e->closing = true;
	if (what & (EV_READ | EV_CLOSED))
		e->ready = !e->finished;
	if ((what & EV_WRITE) && is_pending(r, peer, e))
		result = move(r, peer);
	if (result != RELAY_ON || !(what & (EV_READ | EV_CLOSED)))
		return result;
	if (!was_finished)
		result = move(r, e);
	if (result == RELAY_ON && (e->ready || was_finished))
		result = look_for_error(r, e);
	return result;
}

enum relay_result
relay_go_on(struct relay *r)
{
	enum relay_result result = move(r, &r->ends[RELAY_DEVICE]);

	if (result == RELAY_ON)
		result = move(r, &r->ends[RELAY_UPSTREAM]);
	return result;
}

size_t
relay_kept(const struct relay *r, enum relay_place place)
{
	const struct relay_end *from = &r->ends[1 - place];

	return (from->kept == NULL ? 0 : from->kept->len - from->kept->gone) +
	    (from->pipe == NULL ? 0 : from->pipe->held);
}
