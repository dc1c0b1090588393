#include "pool/acceptor.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/accept_error.h"
#include "pool/access.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/limits.h"
#include "pool/probe.h"
#include "pool/worker.h"

/* Accept at most so many before open connections get their turn. */
#define BATCH 64

#define PAUSE_MS 100

/* Without a pause for so long, a shortage is over. */
#define RECOVERED_MS 1000

static void on_readable(evutil_socket_t, short, void *);

/* Why the peer may not connect; NULL: it may. A probe may say nothing. */
static const char *
refusal(const struct conn_list *conns, const union addr *peer)
{
	const struct rules *r = &conns->rules;
	uint8_t address[16];

	if (conns->spec->proxy_protocol != PROXY_PROTOCOL_OFF &&
	    addr_bytes(peer, address) && !rules_is_trusted(r, address) &&
	    !probe_is_listed(conns, address))
		return "proxy_trusted";
	return access_denies(r->allow, r->deny, peer);
}

/* Close the connection of one who may not connect. */
static void
deny(struct conn_list *conns, int fd, const union addr *peer, const char *why)
{
	char text[ADDR_TEXT_SIZE] = "";

	(void)close(fd);
	(void)addr_text(peer, text);
	scoreboard_add(conns->board, COUNTER_DENIED, 1);
	folds_add(conns, EVENT_CONNECTION_DENIED, why, text);
}

/* Accept one, and find out who it is. */
static int
accept_peer(const struct acceptor *a, union addr *peer)
{
	socklen_t len = sizeof(*peer);
	int fd;

	peer->sa.sa_family = AF_UNSPEC;
	fd = accept4(a->fd, &peer->sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1 && errno == ECONNABORTED)
		probe_count_aborted(a->conns);
	return fd;
}

static bool
is_probe(const struct conn_list *conns, const union addr *peer)
{
	uint8_t address[16];

	return addr_bytes(peer, address) && probe_is_listed(conns, address);
}

/* A probe, for which no place and no token is taken. */
static enum accept_action
serve_probe(struct conn_list *conns, int fd, const union addr *peer)
{
	return conn_open(conns, fd, peer, PROBE_LISTED | PROBE_OUTSIDE) == 0
	    ? ACCEPT_NEXT
	    : ACCEPT_PAUSE;
}

/*
 * Accept one who needs a place. Returns the descriptor; or -1, and what to do
 * next, when there was none or it needs no place.
 */
static int
accept_client(const struct acceptor *a, union addr *peer,
    enum accept_action *next)
{
	const int fd = accept_peer(a, peer);
	const char *why;

	if (fd == -1) {
		*next = accept_error_action(errno);
		return -1;
	}
	why = refusal(a->conns, peer);
	if (why != NULL) {
		deny(a->conns, fd, peer, why);
		*next = ACCEPT_NEXT;
		return -1;
	}
	if (!is_probe(a->conns, peer))
		return fd;
	*next = serve_probe(a->conns, fd, peer);
	return -1;
}

/* One too many, who shall not wait. */
static enum accept_action
reject_one(struct acceptor *a)
{
	enum accept_action next = ACCEPT_NEXT;
	char text[ADDR_TEXT_SIZE] = "";
	union addr peer;
	const int fd = accept_client(a, &peer, &next);

	if (fd == -1)
		return next;
	(void)close(fd);
	(void)addr_text(&peer, text);
	scoreboard_add(a->conns->board, COUNTER_REJECTED, 1);
	folds_add(a->conns, EVENT_CONNECTION_REJECTED, "limit", text);
	return next;
}

/* Accept one for the place that was taken; *kept: somebody has it now. */
static enum accept_action
accept_into_place(struct acceptor *a, bool *kept)
{
	enum accept_action next = ACCEPT_NEXT;
	union addr peer;
	const int fd = accept_client(a, &peer, &next);

	*kept = fd != -1 && conn_open(a->conns, fd, &peer, 0) == 0;
	return fd == -1 || *kept ? next : ACCEPT_PAUSE;
}

/* One who has a place. */
static enum accept_action
accept_one(struct acceptor *a)
{
	bool kept;
	const enum accept_action action = accept_into_place(a, &kept);
	const int error = errno;

	if (!kept)
		limits_return(a->conns);
	errno = error;
	return action;
}

/* What last says: the socket closes, so nobody can wait. */
static enum accept_action
accept_next(struct acceptor *a, bool last)
{
	switch (last ? limits_enter_last(a->conns)
		     : limits_enter(a->conns, &a->wait_ms)) {
	case LIMIT_REJECT:
		return reject_one(a);
	case LIMIT_WAIT:
		return ACCEPT_LIMIT;
	case LIMIT_PASS:
		break;
	}
	return accept_one(a);
}

/*
 * Accept up to max. Returns why it ended, ACCEPT_NEXT when it was for max;
 * errno is set otherwise.
 */
static enum accept_action
accept_some(struct acceptor *a, uint32_t max, bool last)
{
	enum accept_action action = ACCEPT_NEXT;

	for (; max > 0 && action == ACCEPT_NEXT; max--)
		action = accept_next(a, last);
	return action;
}

static int
poll_socket(struct acceptor *a)
{
	if (event_assign(&a->io, a->conns->worker->base, a->fd,
		EV_READ | EV_PERSIST, on_readable, a) == -1)
		return -1;
	return event_add(&a->io, NULL);
}

/*
 * Nothing is left to try, as when somebody shut the socket down. A slot that
 * nobody serves would look like one that is served: the supervisor must see
 * it, and it sees us end.
 */
static _Noreturn void
give_up(const struct acceptor *a)
{
	log_error("listener", a->listener, "slot %u can't be served: %s",
	    a->slot, strerror(errno));
	exit(EXIT_FAILURE);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *a = arg;

	(void)fd;
	(void)what;
	if (poll_socket(a) == -1)
		give_up(a);
}

static void
poll_later(struct acceptor *a, uint32_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	(void)event_del(&a->io);
	if (evtimer_assign(&a->io, a->conns->worker->base, on_pause_over, a) ==
		-1 ||
	    event_add(&a->io, &tv) == -1)
		on_pause_over(-1, 0, a);
}

static void
pause_accepting(struct acceptor *a)
{
	if (!a->starved)
		log_warning("listener", a->listener,
		    "accepting on slot %u pauses: %s", a->slot,
		    strerror(errno));
	a->starved = true;
	a->starved_ms = clock_mono_ms();
	scoreboard_add(a->conns->board, COUNTER_ACCEPT_ERRORS, 1);
	poll_later(a, PAUSE_MS);
}

/* The queue is empty; so is a shortage over? */
static void
check_recovery(struct acceptor *a)
{
	if (!a->starved || clock_mono_ms() - a->starved_ms < RECOVERED_MS)
		return;
	a->starved = false;
	log_info("listener", a->listener, "accepting on slot %u goes on",
	    a->slot);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *a = arg;

	(void)fd;
	(void)what;
	switch (accept_some(a, BATCH, false)) {
	case ACCEPT_STOP:
		give_up(a);
		break;
	case ACCEPT_EMPTY:
		check_recovery(a);
		break;
	case ACCEPT_NEXT:
		break;
	case ACCEPT_PAUSE:
		pause_accepting(a);
		break;
	case ACCEPT_LIMIT:
		poll_later(a, a->wait_ms);
		break;
	}
}

/* Else it would never have a client, or fail at the first look. */
static int
check_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == -1)
		return -1;
	errno = EINVAL;
	return listening ? 0 : -1;
}

struct acceptor *
acceptor_new(int fd, uint32_t slot, const char *listener,
    struct conn_list *conns, struct err *err)
{
	struct acceptor *a = calloc(1, sizeof(*a));

	if (a == NULL || check_listening(fd) == -1 ||
	    evutil_make_socket_nonblocking(fd) == -1)
		goto out;
	a->fd = fd;
	a->slot = slot;
	a->listener = listener;
	a->conns = conns;
	if (poll_socket(a) == 0)
		return a;
out:
	(void)err_sys(err, "listening on slot %u", slot);
	(void)close(fd);
	free(a);
	return NULL;
}

void
acceptor_empty(struct acceptor *a, uint32_t max)
{
	const enum accept_action end = accept_some(a, max, true);

	if (end == ACCEPT_PAUSE || end == ACCEPT_STOP)
		log_warning("listener", a->listener,
		    "clients that wait on slot %u may be reset: %s", a->slot,
		    strerror(errno));
}

void
acceptor_free(struct acceptor **ap)
{
	struct acceptor *a = *ap;

	*ap = NULL;
	(void)event_del(&a->io);
	(void)close(a->fd);
	free(a);
}
