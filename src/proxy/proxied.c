#include "proxy/proxied.h"

#include <sys/param.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_peer.h"
#include "pool/trace.h"
#include "pool/worker.h"
#include "proxy/itself.h"
#include "proxy/relays.h"
#include "proxy/upstream_hello.h"
#include "tls/tls.h"

/* A connection that is not there by then takes long. */
#define SOON_MS 100

/* How soon one is tried again whose queue is full. */
#define AGAIN_MS 50

static struct relays *relays;

void
proxied_use(struct relays *all)
{
	relays = all;
}

struct proxied *
proxied_of(struct conn *c)
{
	return (struct proxied *)(void *)c->protocol_state;
}

static const struct proxy *
proxy_of(const struct conn *c)
{
	return c->list->context;
}

static const struct tls_api *
api(const struct conn *c)
{
	return c->list->worker->tls;
}

static struct conn *
conn_of(struct relay *r)
{
	return ((struct proxied *)(void *)r)->conn;
}

static int
upstream_fd(const struct proxied *p)
{
	return event_get_fd(&p->io);
}

/* --- ends --- */

/* No upstream, or none any more: the device sees a reset, and no more. */
static void
fail(struct conn *c)
{
	c->reset = true;
	/* Nor a word of TLS that would call it a proper end. */
	c->state = CONN_WAITING;
	conn_close(c, CONN_END_UPSTREAM_FAILED);
}

/* Was it the device, or the way to it, that broke? */
static bool
has_lost_device(const struct conn *c)
{
	switch (c->end) {
	case CONN_END_PEER_RESET:
	case CONN_END_USER_TIMEOUT:
	case CONN_END_KEEPALIVE:
	case CONN_END_TLS_ERROR:
		return true;
	default:
		return false;
	}
}

/* The upstream is not to take what it has for all there is. */
static void
reset_on_close(int fd)
{
	static const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void
hang_up(struct proxied *p)
{
	struct tls_session **tls = &p->relay.ends[RELAY_UPSTREAM].tls;
	const int fd = upstream_fd(p);

	if (fd == -1)
		return;
	(void)event_del(&p->io);
	if (*tls != NULL)
		api(p->conn)->session_free(*tls);
	*tls = NULL;
	(void)close(fd);
	(void)event_assign(&p->io, event_get_base(&p->io), -1, 0,
	    event_get_callback(&p->io), p->conn);
}

/* There is to be another one. */
static void
drop_upstream(struct proxied *p)
{
	hang_up(p);
	p->relay.ends[RELAY_UPSTREAM] = (struct relay_end){ .fd = -1 };
}

void
proxied_ended(struct conn *c)
{
	struct proxied *p = proxied_of(c);

	if (p->state == PROXIED_OPEN &&
	    (has_lost_device(c) || relay_kept(&p->relay, RELAY_UPSTREAM) > 0))
		reset_on_close(upstream_fd(p));
	hang_up(p);
	upstreams_leave(&p->claim);
	free(p->search);
	p->search = NULL;
	relay_clear(&p->relay);
}

/* --- open --- */

static void
note_state(struct conn *c)
{
	const struct relay *r = &proxied_of(c)->relay;

	if (relay_kept(r, RELAY_DEVICE) > 0)
		c->state = CONN_WAITING;
	else
		c->state = r->finished != 0 ? CONN_FINISHING : CONN_OPEN;
}

static void
judge(struct conn *c, enum relay_result result)
{
	switch (result) {
	case RELAY_ON:
		note_state(c);
		break;
	case RELAY_DONE:
		conn_close(c,
		    proxied_of(c)->relay.finished == 1 + RELAY_DEVICE
			? CONN_END_PEER_CLOSED
			: CONN_END_UPSTREAM_CLOSED);
		break;
	case RELAY_LOST_DEVICE:
		conn_close(c, conn_broken_end(c));
		break;
	case RELAY_LOST_UPSTREAM:
		fail(c);
		break;
	case RELAY_NO_MEMORY:
		conn_close(c, CONN_END_NO_MEMORY);
		break;
	}
}

/* Those who trace want to see the bytes. */
static void
choose_splice(struct conn *c)
{
	struct relay *r = &proxied_of(c)->relay;

	r->may_splice = proxy_of(c)->plan->splice && c->list->traced == NULL &&
	    r->ends[0].tls == NULL && r->ends[1].tls == NULL;
}

static void
take_event(struct conn *c, enum relay_place place, short what)
{
	choose_splice(c);
	judge(c, relay_event(&proxied_of(c)->relay, place, what));
}

static void
take_turn(struct relay *r)
{
	struct conn *c = conn_of(r);

	choose_splice(c);
	judge(c, relay_go_on(r));
}

static void
count_in(struct relay *r, const uint8_t *data, size_t len)
{
	struct conn *c = conn_of(r);

	if (data != NULL)
		trace_in(c, data, len);
	conn_count_in(c, len);
}

static void
count_out(struct relay *r, const uint8_t *data, size_t len)
{
	struct conn *c = conn_of(r);

	if (data != NULL)
		trace_out(c, data, len);
	conn_count_out(c, len);
}

/* The socket works without it, too; one of an upstream's path has none. */
static void
set_option(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* The device's socket has it from its listener. */
static void
keep_alive(struct relay *r)
{
	const struct keepalive *k = &conn_of(r)->list->spec->keepalive;
	const int fd = r->ends[RELAY_UPSTREAM].fd;

	if (k->idle_s == 0)
		return;
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)k->idle_s);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)k->interval_s);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)k->count);
}

const struct relay_owner proxied_owner = {
	.in = count_in,
	.out = count_out,
	.turn = take_turn,
	.lasts = keep_alive,
};

/* --- on its way --- */

/* An event of an end that is not to be read yet. */
static void
note_event(struct relay_end *e, short what)
{
	if (what & (EV_READ | EV_CLOSED))
		e->ready = true;
	if (what & EV_CLOSED)
		e->closing = true;
}

/* The upstream is there. */
static void
open_relay(struct conn *c)
{
	struct proxied *p = proxied_of(c);

	upstreams_connected(&p->claim);
	free(p->search);
	p->search = NULL;
	conn_set_timer(c, 0);
	p->state = PROXIED_OPEN;
	relays_watch(&p->relay);
	/* What a session has read already, no event tells. */
	if (c->tls != NULL)
		p->relay.ends[RELAY_DEVICE].ready = true;
	if (p->relay.ends[RELAY_UPSTREAM].tls != NULL)
		p->relay.ends[RELAY_UPSTREAM].ready = true;
	take_turn(&p->relay);
}

static void seek(struct conn *);

/*
 * It could not be reached. Returns whether another may be tried; if not, the
 * connection has ended.
 */
static bool
fall_back(struct conn *c, enum upstream_trouble trouble, int error)
{
	struct proxied *p = proxied_of(c);

	drop_upstream(p);
	upstreams_failed(&p->search->asker, trouble, error);
	if (++p->search->failures <= proxy_of(c)->plan->retries)
		return true;
	fail(c);
	return false;
}

static void
try_another(struct conn *c, enum upstream_trouble trouble, int error)
{
	if (fall_back(c, trouble, error))
		seek(c);
}

static void
shake_hands(struct conn *c)
{
	struct proxied *p = proxied_of(c);
	struct tls_session *tls = p->relay.ends[RELAY_UPSTREAM].tls;
	struct tls_facts facts;
	const char *text;

	switch (api(c)->handshake(tls, upstream_fd(p))) {
	case TLS_DONE:
		api(c)->describe(tls, &facts);
		open_relay(c);
		break;
	case TLS_AGAIN_READ:
	case TLS_AGAIN_WRITE:
		break;
	case TLS_FAILED:
		try_another(c, UPSTREAM_TROUBLE_TLS,
		    1 + (int)api(c)->failure(tls, &text));
		break;
	}
}

/* What the upstream's certificate must be for. */
static const char *
server_of(struct conn *c)
{
	const struct proxy_plan *plan = proxy_of(c)->plan;
	const struct upstream_plan *u =
	    upstreams_claimed(&proxied_of(c)->claim);

	if (plan->server_name[0] != '\0')
		return plan->server_name;
	return u->kind == UPSTREAM_UNIX ? NULL : u->host;
}

static void
begin_tls(struct conn *c)
{
	struct proxied *p = proxied_of(c);

	p->relay.ends[RELAY_UPSTREAM].tls =
	    api(c)->session_connect(proxy_of(c)->tls, server_of(c));
	if (p->relay.ends[RELAY_UPSTREAM].tls == NULL) {
		conn_close(c, CONN_END_NO_MEMORY);
		return;
	}
	p->state = PROXIED_SHAKING;
	shake_hands(c);
}

/* A new socket has room for it. */
static int
say_hello(struct conn *c)
{
	static uint8_t hello[PROXY_V2_MAX];
	const size_t len = upstream_hello(c,
	    (enum send_proxy)proxy_of(c)->plan->send_proxy, hello);
	ssize_t n;

	if (len == 0)
		return 0;
	n = send(upstream_fd(proxied_of(c)), hello, len, MSG_NOSIGNAL);
	if (n == -1)
		return -1;
	errno = ENOBUFS;
	return (size_t)n == len ? 0 : -1;
}

/* It is connected, but to nobody else. Sets errno then. */
static bool
is_alone(const struct conn *c)
{
	const struct proxied *p = (const void *)c->protocol_state;

	errno = ECONNREFUSED;
	return itself_is(upstream_fd(p), addr_port(&p->search->to.addr));
}

/* A socket that is but writable is connected. */
static void
end_connecting(struct conn *c, short what)
{
	struct relay_end *e = &proxied_of(c)->relay.ends[RELAY_UPSTREAM];

	note_event(e, what);
	if (((what & EV_READ) && relay_is_broken(e)) || is_alone(c) ||
	    say_hello(c) == -1)
		try_another(c, UPSTREAM_TROUBLE_CONNECT, errno);
	else if (proxy_of(c)->tls != NULL)
		begin_tls(c);
	else
		open_relay(c);
}

static void
on_upstream(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	switch (proxied_of(c)->state) {
	case PROXIED_SEEKING:
		break;
	case PROXIED_CONNECTING:
		end_connecting(c, what);
		break;
	case PROXIED_SHAKING:
		shake_hands(c);
		break;
	case PROXIED_OPEN:
		take_event(c, RELAY_UPSTREAM, what);
		break;
	}
}

/* Is it we who lack something? */
static bool
is_short(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	    error == ENOBUFS;
}

/* Returns 0, or -1 with errno. */
static int
begin_connecting(struct conn *c)
{
	struct proxied *p = proxied_of(c);
	const struct upstream_address *to = &p->search->to;
	const int fd = socket(to->addr.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (to->addr.sa.sa_family != AF_UNIX && c->list->spec->nodelay)
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	p->relay.ends[RELAY_UPSTREAM].fd = fd;
	p->state = PROXIED_CONNECTING;
	if (event_assign(&p->io, c->list->worker->base, fd, RELAY_EVENTS,
		on_upstream, c) == -1) {
		(void)close(fd);
		errno = ENOMEM;
		return -1;
	}
	if (connect(fd, &to->addr.sa, to->size) == -1 && errno != EINPROGRESS)
		return -1;
	if (event_add(&p->io, NULL) == -1) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

/* Ring at the deadline, at the latest. */
static void
watch_connecting(struct conn *c, uint64_t most_ms)
{
	const uint64_t at_ms = proxied_of(c)->search->deadline_ms;
	const uint64_t now_ms = clock_mono_ms();

	conn_set_timer(c, at_ms > now_ms ? MIN(at_ms - now_ms, most_ms) : 1);
}

/*
 * Connect to the upstream that was picked. Returns whether another one is to
 * be picked; else the connection may be gone.
 */
static bool
try_it(struct conn *c)
{
	struct proxied *p = proxied_of(c);

	if (begin_connecting(c) == 0) {
		watch_connecting(c,
		    p->search->takes_long ? UINT64_MAX : SOON_MS);
		return false;
	}
	/* Where TCP lets us wait, a Unix socket says that its queue is full. */
	if (errno == EAGAIN) {
		drop_upstream(p);
		watch_connecting(c, AGAIN_MS);
		return false;
	}
	if (!is_short(errno))
		return fall_back(c, UPSTREAM_TROUBLE_CONNECT, errno);
	conn_close(c, CONN_END_NO_MEMORY);
	return false;
}

/* The same, for the first time. */
static bool
go_to(struct conn *c, const struct upstream_address *to)
{
	struct proxied_search *s = proxied_of(c)->search;

	s->to = *to;
	s->deadline_ms =
	    clock_mono_ms() + proxy_of(c)->plan->connect_timeout_ms;
	return try_it(c);
}

static void
seek(struct conn *c)
{
	struct proxied *p = proxied_of(c);
	struct upstream_address to;

	for (;;) {
		p->state = PROXIED_SEEKING;
		switch (upstreams_pick(proxy_of(c)->upstreams,
		    &p->search->asker, &to)) {
		case UPSTREAM_PICKED:
			if (go_to(c, &to))
				break;
			return;
		case UPSTREAM_WAITS:
			conn_set_timer(c, 0);
			return;
		case UPSTREAM_NONE:
			fail(c);
			return;
		}
	}
}

/* It waits no more. */
static void
on_place(struct upstream_asker *asker, enum upstream_pick pick,
    const struct upstream_address *to)
{
	struct conn *c = asker->ctx;

	if (pick != UPSTREAM_PICKED)
		fail(c);
	else if (go_to(c, to))
		seek(c);
}

/* Has it said something, which was taken from its socket already? */
static bool
has_spoken(const struct conn *c, const struct relay_end *device)
{
	return device->kept != NULL ||
	    (device->tls != NULL && api(c)->pending(device->tls));
}

/*
 * Its device has done something while it waits. One that has gone, or has
 * said nothing and finished, waits in vain. Returns whether it waits on.
 */
static bool
look_at_device(struct conn *c)
{
	const struct relay_end *e = &proxied_of(c)->relay.ends[RELAY_DEVICE];
	uint8_t byte;
	ssize_t n;

	if (!e->ready)
		return true;
	n = recv(conn_fd(c), &byte, 1, MSG_PEEK);
	if (n == 0 && !has_spoken(c, e))
		conn_close(c, CONN_END_PEER_CLOSED);
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		conn_close(c, conn_broken_end(c));
	else
		return true;
	return false;
}

void
proxied_timer(struct conn *c)
{
	struct proxied *p = proxied_of(c);

	if (p->search == NULL || p->state == PROXIED_SEEKING)
		return;
	if (p->search->deadline_ms <= clock_mono_ms()) {
		try_another(c, UPSTREAM_TROUBLE_TIMED_OUT, 0);
		return;
	}
	p->search->takes_long = true;
	if (!look_at_device(c))
		return;
	if (upstream_fd(p) != -1)
		watch_connecting(c, UINT64_MAX);
	else if (try_it(c))
		seek(c);
}

void
proxied_ready(struct conn *c, short what)
{
	struct proxied *p = proxied_of(c);

	if (p->state == PROXIED_OPEN) {
		take_event(c, RELAY_DEVICE, what);
		return;
	}
	note_event(&p->relay.ends[RELAY_DEVICE], what);
	if (p->state == PROXIED_SEEKING || p->search->takes_long)
		(void)look_at_device(c);
}

/* --- it begins --- */

static int
begin_search(struct conn *c)
{
	struct proxied *p = proxied_of(c);
	struct proxied_search *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -1;
	s->asker.claim = &p->claim;
	s->asker.has_source = conn_peer_address(c, s->asker.source);
	s->asker.ready = on_place;
	s->asker.ctx = c;
	p->search = s;
	return 0;
}

void
proxied_begin(struct conn *c, uint8_t *data, size_t len)
{
	struct proxied *p = proxied_of(c);
	struct relay_end *device = &p->relay.ends[RELAY_DEVICE];

	p->conn = c;
	relay_init(&p->relay, relays);
	device->fd = conn_fd(c);
	device->tls = c->tls;
	p->relay.ends[RELAY_UPSTREAM].fd = -1;
	c->state = CONN_WAITING;
	if (event_assign(&p->io, c->list->worker->base, -1, 0, on_upstream,
		c) == -1 ||
	    conn_poll(c, RELAY_EVENTS) == -1 || begin_search(c) == -1 ||
	    (len > 0 && relay_keep(&device->kept, data, len) == -1)) {
		conn_close(c, CONN_END_NO_MEMORY);
		return;
	}
	if (len > 0)
		count_in(&p->relay, data, len);
	seek(c);
}

size_t
proxied_kept(const struct conn *c)
{
	const struct proxied *p = (const void *)c->protocol_state;

	return relay_kept(&p->relay, RELAY_DEVICE);
}
