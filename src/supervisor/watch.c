#include "supervisor/watch.h"

#include <sys/param.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/gate.h"
#include "common/health_board.h"
#include "supervisor/alarm.h"
#include "supervisor/gateway.h"
#include "supervisor/health.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/record.h"
#include "supervisor/store.h"

#define LOOK_MS HEALTH_BEAT_MS

/*
 * A worker is stuck when it has missed two heartbeats, and a little more. Its
 * clients shall be served by its siblings within two seconds. One that is
 * alone has nobody to take over: looking less often will do.
 */
#define HEARTBEAT_MS 500
#define HEARTBEAT_ALONE_MS 1000
#define HEARTBEATS_A_HANG 4
#define MISSED 2
#define MERCY_MS 200

/* If we were away for so long ourselves, old heartbeats prove nothing. */
#define OWN_LAG_MS 2000

static struct {
	struct event *timer;
	uint64_t last_ms;
	uint64_t trust_ms; /* heartbeats count as this young at least */
} watch;

uint32_t
watch_heartbeat_ms(const struct crew *crew)
{
	return MIN(crew->pool->hang_timeout_ms / HEARTBEATS_A_HANG,
	    crew->workers_count > 1 ? HEARTBEAT_MS : HEARTBEAT_ALONE_MS);
}

static void
set_stuck(struct worker *w, bool stuck)
{
	struct listener *l;

	if (w->stuck == stuck)
		return;
	w->stuck = stuck;
	TAILQ_FOREACH (l, &w->crew->pool->listeners, in_pool)
		slots_worker_changed(l, w);
}

static void
kill_hung(struct worker *w, uint64_t age_ms)
{
	struct health_event e = { .type = EVENT_WORKER_HUNG };

	if (w->hung)
		return;
	w->hung = true;
	record_worker(w, &e, w->child.pid,
	    clock_mono_ms() - w->child.started_ms,
	    "its loop has not turned for %llu ms", (unsigned long long)age_ms);
	child_kill(&w->child, "it hangs");
}

/* One that drains may do so for a day: its clients shall not hang so long. */
static bool
drains(const struct worker *w)
{
	return w->child.state == CHILD_STOPPING && w->child.up_ms != 0;
}

static void
look_at(struct worker *w, uint64_t now)
{
	uint64_t beat;

	if ((w->child.state != CHILD_UP && !drains(w)) || w->board == NULL)
		return;
	beat =
	    atomic_load_explicit(&w->board->heartbeat_ms, memory_order_relaxed);
	beat = MAX(beat, MAX(watch.trust_ms, w->child.up_ms));
	/* A worker may write what it likes there, the future too. */
	if (beat > now)
		beat = now;
	/* What drains has no slots for its siblings. */
	if (!drains(w))
		set_stuck(w,
		    now - beat >=
			MISSED * watch_heartbeat_ms(w->crew) + MERCY_MS);
	if (now - beat >= w->crew->pool->hang_timeout_ms)
		kill_hung(w, now - beat);
}

/* Tell when a listener comes near its limit, and when that is over. */
static void
look_at_limit(struct listener *l)
{
	struct health_event e = { .type = EVENT_LISTENER_ALARM };
	const uint64_t max = l->spec.max_connections;
	uint64_t open;
	unsigned int level;

	if (max == 0 && l->alarm == 0)
		return;
	open = atomic_load(&l->pool->gates->entries[l->entry].open);
	level = alarm_level(l->alarm, open, max);
	if (level == l->alarm)
		return;
	l->alarm = level;
	event_add_number(&e, FACT_LEVEL, level);
	event_add_number(&e, FACT_CONNECTIONS, (int64_t)open);
	event_add_number(&e, FACT_MAX_CONNECTIONS, (int64_t)max);
	record_listener_event(l, &e, "%llu connections, the limit is %llu",
	    (unsigned long long)open, (unsigned long long)max);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const uint64_t now = clock_mono_ms();
	struct crew *crew;
	struct listener *l;
	struct pool *p;
	unsigned int i;

	(void)fd;
	(void)what;
	(void)arg;
	if (now - watch.last_ms > OWN_LAG_MS)
		watch.trust_ms = now;
	watch.last_ms = now;
	store_look(now, watch.trust_ms);
	gateway_look(now, watch.trust_ms);
	TAILQ_FOREACH (p, pools(), in_all)
		TAILQ_FOREACH (crew, &p->crews, next)
			for (i = 0; i < crew->workers_count; i++)
				look_at(&crew->workers[i], now);
	RB_FOREACH (l, listener_by_name, listeners())
		look_at_limit(l);
	health_tick(now);
}

int
watch_start(struct event_base *base, struct err *err)
{
	static const struct timeval period = { .tv_usec = LOOK_MS * 1000 };

	watch.last_ms = clock_mono_ms();
	watch.timer = event_new(base, -1, EV_PERSIST, on_look, NULL);
	if (watch.timer == NULL || event_add(watch.timer, &period) == -1)
		return err_set(err, ERR_UNAVAILABLE, "a timer: out of memory");
	return 0;
}

void
watch_stop(void)
{
	if (watch.timer != NULL)
		event_free(watch.timer);
	watch.timer = NULL;
}
