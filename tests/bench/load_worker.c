/* One process of the load generator: its clients, and the clock. */
#include <sys/epoll.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "load_client.h"

#define EVENTS 256
#define TICK_NS (10 * NS_PER_MS)
#define HUNG_S 10

/* hold: connections under way at a time. */
#define OPENING_MAX 64u

/* After the time is over an answer may take so long. */
#define GRACE_NS NS_PER_S

static struct {
	const struct settings *settings;
	struct tally *tally;
	const struct orders *orders;
	struct client *clients;
	unsigned int count;
	int epoll;
	uint64_t began_ns, measure_ns,
	    end_ns;          /* pace: began when all are open */
	uint64_t tick_ns;    /* the next one */
	unsigned int opened; /* clients that have been tried: hold, pace */
	unsigned int busy;   /* hold: opening, or waiting for their message */
	unsigned int asked;  /* hold: clients that have been sent a message */
	uint64_t due;        /* pace: messages that were due until now */
	bool pacing, verifying, over;
} worker;

uint64_t
load_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Something ended; whether it counts tells the time `at`. */
static void
count(uint64_t at, uint64_t since, uint64_t now)
{
	struct tally *t = worker.tally;

	t->total++;
	if (worker.settings->mode != LOAD_HOLD &&
	    (at < worker.measure_ns || at >= worker.end_ns))
		return;
	t->done++;
	if (worker.settings->depth == 1)
		spread_add(&t->latency, now - since);
}

/* Is this process to make no more of what it makes? */
static bool
enough(uint64_t now)
{
	const unsigned int limit = worker.settings->limit;

	if (limit != 0)
		return worker.tally->total >= limit;
	return now >= worker.end_ns;
}

static void
start(struct client *c)
{
	enum load_failure failure;

	if (client_start(c, worker.epoll, &failure) == -1)
		worker.tally->failed[failure]++;
}

static void
failed(struct client *c, bool was_open, enum load_failure failure)
{
	worker.tally->failed[failure]++;
	if (worker.settings->mode != LOAD_HOLD)
		return;
	if (!was_open || c->wanted > c->received)
		worker.busy--;
}

/* A new connection: what it may send at first. */
static void
on_opened(struct client *c)
{
	const struct settings *s = worker.settings;

	worker.tally->opened++;
	if (s->tls && client_resumed(c))
		worker.tally->resumed++;
	switch (s->mode) {
	case LOAD_ECHO:
		c->began_ns = c->moved_ns;
		c->wanted = (uint64_t)s->bytes * s->depth;
		break;
	case LOAD_RATE:
		c->wanted = s->bytes;
		break;
	case LOAD_HOLD:
		worker.busy--;
		break;
	default:
		c->due_ns = 0;
		break;
	}
}

/* Messages have come back; `before` is what was received until then. */
static void
on_answers(struct client *c, uint64_t before)
{
	const struct settings *s = worker.settings;
	const uint64_t now = c->moved_ns;
	uint64_t due, i;

	for (i = before / s->bytes; i < c->received / s->bytes; i++) {
		due = c->due_ns + i * s->period_ns;
		if (s->mode == LOAD_PACE)
			count(due, due, now);
		else
			count(now, c->began_ns, now);
		if (s->mode == LOAD_ECHO) {
			c->began_ns = now;
			if (!enough(now))
				c->wanted += s->bytes;
		}
	}
}

/* Let a client go on until it has to wait. */
static void
step(struct client *c)
{
	enum load_failure failure = FAILED_OTHER;
	enum client_news news;
	uint64_t before;
	bool was_open;

	do {
		was_open = c->state == CLIENT_OPEN;
		before = c->received;
		news = client_step(c, &failure);
		if (news == CLIENT_FAILED) {
			failed(c, was_open, failure);
			return;
		}
		if (news == CLIENT_OPENED)
			on_opened(c);
		if (c->received / worker.settings->bytes >
		    before / worker.settings->bytes)
			on_answers(c, before);
	} while (news == CLIENT_OPENED ||
	    (c->state == CLIENT_OPEN && c->received != before &&
		c->sent < c->wanted));
	if (c->wanted == 0 || c->received < c->wanted)
		return;
	if (worker.settings->mode == LOAD_HOLD) {
		worker.busy--;
		client_close(c);
	} else if (worker.settings->mode == LOAD_RATE) {
		client_close(c);
		if (!enough(load_now()) && worker.settings->period_ns == 0)
			start(c); /* else it is for tick() */
	}
}

/* hold: open or ask the next ones, a few at a time. */
static void
hold_on(void)
{
	struct client *c;

	while (worker.opened < worker.count && worker.busy < OPENING_MAX) {
		c = &worker.clients[worker.opened++];
		start(c);
		if (c->state != CLIENT_CLOSED)
			worker.busy++;
	}
	if (worker.opened == worker.count && worker.busy == 0)
		atomic_store(&worker.tally->ready, true);
	if (!worker.verifying && atomic_load(&worker.orders->verify))
		worker.verifying = true;
	while (worker.verifying && worker.asked < worker.count &&
	    worker.busy < OPENING_MAX) {
		c = &worker.clients[worker.asked++];
		if (c->state != CLIENT_OPEN)
			continue;
		c->began_ns = c->moved_ns = load_now();
		c->wanted = worker.settings->bytes;
		worker.busy++;
		step(c);
	}
	worker.over = worker.verifying && worker.asked == worker.count &&
	    worker.busy == 0;
}

static uint64_t
due_at(uint64_t message)
{
	return worker.began_ns +
	    message * worker.settings->period_ns / worker.count;
}

/* pace: message number n of all clients is due n/count periods after begin. */
static void
send_due(uint64_t now)
{
	struct client *c;

	while (
	    due_at(worker.due) <= now && due_at(worker.due) < worker.end_ns) {
		c = &worker.clients[worker.due % worker.count];
		if (c->state == CLIENT_OPEN) {
			if (c->wanted == 0)
				c->due_ns = due_at(worker.due);
			if (c->wanted == c->received)
				c->moved_ns = now;
			c->wanted += worker.settings->bytes;
			step(c);
		} else {
			worker.tally->skipped++;
		}
		worker.due++;
	}
}

static bool
all_answered(void)
{
	unsigned int i;

	for (i = 0; i < worker.count; i++)
		if (worker.clients[i].state == CLIENT_OPEN &&
		    worker.clients[i].received < worker.clients[i].wanted)
			return false;
	return true;
}

static void
set_times(uint64_t now)
{
	worker.began_ns = now;
	worker.measure_ns = now + worker.settings->warm_up_ns;
	worker.end_ns = worker.measure_ns + worker.settings->measure_ns;
}

/* pace: the clock starts when all are open, or have failed. */
static void
begin_pace(uint64_t now)
{
	unsigned int i;

	for (i = 0; i < worker.count; i++)
		if (worker.clients[i].state == CLIENT_CONNECTING ||
		    worker.clients[i].state == CLIENT_HANDSHAKING)
			return;
	set_times(now);
	worker.pacing = true;
}

/* Those that hang are ended, and those that were lost begin anew. */
static void
tick(uint64_t now)
{
	struct client *c;
	unsigned int i;
	bool waits;

	for (i = 0; i < worker.count; i++) {
		c = &worker.clients[i];
		waits = c->state != CLIENT_OPEN || c->received < c->wanted;
		if (c->state != CLIENT_CLOSED && waits &&
		    now > c->moved_ns + HUNG_S * NS_PER_S) {
			failed(c, c->state == CLIENT_OPEN, FAILED_HUNG);
			client_close(c);
		}
		if (c->state == CLIENT_CLOSED &&
		    worker.settings->mode != LOAD_HOLD && !enough(now) &&
		    (worker.settings->mode != LOAD_RATE ||
			now >= c->began_ns + worker.settings->period_ns))
			start(c);
	}
	worker.tick_ns = now + TICK_NS;
}

/* What the clock says is to be done now. */
static void
on_time(uint64_t now)
{
	const struct settings *s = worker.settings;

	if (now >= worker.tick_ns)
		tick(now);
	if (s->mode == LOAD_HOLD) {
		hold_on();
	} else if (s->mode == LOAD_PACE && !worker.pacing) {
		begin_pace(now);
	} else if (s->mode == LOAD_PACE) {
		send_due(now);
		worker.over = now >= worker.end_ns &&
		    (now >= worker.end_ns + GRACE_NS || all_answered());
	} else {
		worker.over = enough(now) && (s->limit == 0 || all_answered());
	}
}

/* How long nothing is to be done, unless an event comes. */
static struct timespec
time_left(uint64_t now)
{
	uint64_t until = worker.tick_ns;

	if (worker.pacing && due_at(worker.due) < until &&
	    due_at(worker.due) < worker.end_ns)
		until = due_at(worker.due);
	if (until <= now)
		return (struct timespec){ 0 };
	return (struct timespec){ .tv_sec = (time_t)((until - now) / NS_PER_S),
		.tv_nsec = (long)((until - now) % NS_PER_S) };
}

static void
wait_for_events(void)
{
	struct epoll_event events[EVENTS];
	const struct timespec left = time_left(load_now());
	struct client *c;
	int i, n;

	n = epoll_pwait2(worker.epoll, events, EVENTS, &left, NULL);
	if (n == -1 && errno != EINTR)
		load_die("epoll_pwait2");
	for (i = 0; i < n; i++) {
		c = events[i].data.ptr;
		if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			c->ending = true;
		step(c);
	}
}

static void
set_up(unsigned int index)
{
	const struct settings *s = worker.settings;
	unsigned int i, first;

	first = s->connections * index / s->processes;
	worker.count = s->connections * (index + 1) / s->processes - first;
	worker.clients = calloc(worker.count, sizeof(*worker.clients));
	worker.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker.clients == NULL || worker.epoll == -1)
		load_die("start");
	for (i = 0; i < worker.count; i++) {
		worker.clients[i].fd = -1;
		worker.clients[i].shift = (first + i) * 7919u;
	}
	set_times(load_now());
	for (i = 0; s->mode != LOAD_HOLD && i < worker.count; i++)
		start(&worker.clients[i]);
	worker.tick_ns = load_now() + TICK_NS;
}

void
load_process(const struct settings *s, unsigned int index, struct tally *t,
    const struct orders *o)
{
	unsigned int i;

	worker.settings = s;
	worker.tally = t;
	worker.orders = o;
	set_up(index);
	while (!worker.over) {
		on_time(load_now());
		if (!worker.over)
			wait_for_events();
	}
	for (i = 0; i < worker.count; i++) {
		if (worker.clients[i].state == CLIENT_OPEN &&
		    s->mode == LOAD_PACE)
			t->unanswered += (worker.clients[i].wanted -
					     worker.clients[i].received) /
			    s->bytes;
		client_close(&worker.clients[i]);
	}
	_exit(0);
}
