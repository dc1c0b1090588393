#include "supervisor/health.h"

#include <sys/param.h>

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/gate.h"
#include "common/health_board.h"
#include "common/log.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/readiness.h"
#include "supervisor/supervisor.h"

_Static_assert(READINESS_SIZE <= HEALTH_WHY_SIZE,
    "every reason fits on the board");

/* Many may come or go together: then the board is written once. */
#define SOON_MS 20

static struct {
	int fd;
	struct health_board *board; /* NULL: not started */
	struct event *soon;
	bool stale;   /* listeners have come or gone */
	bool writing; /* within begin and end of the board */
	bool crowded; /* there are more listeners than entries */
	bool crowd_told;
	unsigned int blocking; /* listeners with blocks */
} health = { .fd = -1 };

/* --- writing --- */

static void
begin(void)
{
	if (!health.writing)
		health_board_begin(health.board);
	health.writing = true;
}

static void
end(void)
{
	if (health.writing)
		health_board_end(health.board);
	health.writing = false;
}

/* Returns whether there was any difference. */
static bool
put(struct health_entry *at, const struct health_entry *e)
{
	if (memcmp(at, e, sizeof(*e)) == 0)
		return false;
	begin();
	*at = *e;
	return true;
}

static void
fill(struct health_entry *e, const struct readiness *r)
{
	e->ready = r->ready;
	e->draining = r->draining;
	memcpy(e->why, r->why, sizeof(r->why));
}

/* Workers write that, so it may be anything. */
static uint32_t
connections(const struct listener *l)
{
	const uint64_t open =
	    atomic_load(&l->pool->gates->entries[l->entry].open);

	return (uint32_t)MIN(open, UINT32_MAX);
}

static struct health_entry
entry_of(const struct listener *l, const struct readiness *r)
{
	struct health_entry e;

	memset(&e, 0, sizeof(e));
	(void)strlcpy(e.name, l->spec.name, sizeof(e.name));
	fill(&e, r);
	e.paused = l->goal == GOAL_PAUSE;
	e.required = l->spec.required;
	e.max_connections = l->spec.max_connections;
	if (e.max_connections != 0)
		e.connections = connections(l);
	return e;
}

/* The first by name, for whose sake the daemon is not ready. */
static const struct listener *
first_blocking(void)
{
	struct listener *l;

	if (health.blocking == 0)
		return NULL;
	RB_FOREACH (l, listener_by_name, listeners())
		if (l->blocks)
			return l;
	return NULL;
}

static void
put_daemon(void)
{
	struct health_entry e;
	struct readiness r;

	memset(&e, 0, sizeof(e));
	readiness_of_daemon(health.blocking, first_blocking(), &r);
	fill(&e, &r);
	(void)put(&health.board->daemon, &e);
}

/* Returns whether there was any difference. */
static bool
put_listener(struct listener *l)
{
	const bool blocked = l->blocks;
	struct health_entry e;
	struct readiness r;
	bool differs;

	l->blocks = readiness_of_listener(l, &r);
	health.blocking += (unsigned int)l->blocks - (unsigned int)blocked;
	e = entry_of(l, &r);
	differs = put(&health.board->listeners[l->health_entry], &e);
	return differs || l->blocks != blocked;
}

static void
set_count(uint32_t count)
{
	static const struct health_entry none;
	uint32_t i;

	/* What is left behind is not looked at, but it need not stay. */
	for (i = count; i < health.board->count; i++)
		(void)put(&health.board->listeners[i], &none);
	if (health.board->count == count)
		return;
	begin();
	health.board->count = count;
}

/* Once, not four times a second. */
static void
note_crowd(void)
{
	if (health.crowded && !health.crowd_told)
		log_warning(NULL, NULL, "health checks know only %u listeners",
		    HEALTH_ENTRIES);
	health.crowd_told |= health.crowded;
}

/* Those that find no entry are not on the board, but count. */
static void
put_all(void)
{
	struct listener *l;
	struct readiness r;
	uint32_t count = 0;

	health.stale = false;
	health.crowded = false;
	health.blocking = 0;
	RB_FOREACH (l, listener_by_name, listeners()) {
		l->blocks = false;
		if (count < HEALTH_ENTRIES) {
			l->health_entry = count++;
			(void)put_listener(l);
			continue;
		}
		l->health_entry = HEALTH_NO_ENTRY;
		l->blocks = readiness_of_listener(l, &r);
		health.blocking += l->blocks;
		health.crowded = true;
	}
	note_crowd();
	set_count(count);
	put_daemon();
	end();
}

/* --- when --- */

static void
on_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	health_settle();
}

int
health_start(struct event_base *base, struct err *err)
{
	health.fd = health_board_create(err);
	if (health.fd == -1)
		return -1;
	health.board = health_board_map_write(health.fd, err);
	if (health.board == NULL)
		return -1;
	health.soon = event_new(base, -1, 0, on_soon, NULL);
	if (health.soon == NULL)
		return err_set(err, ERR_UNAVAILABLE, "a timer: out of memory");
	health_tick(clock_mono_ms());
	return 0;
}

void
health_stop(void)
{
	const struct health_board *board = health.board;

	if (health.soon != NULL)
		event_free(health.soon);
	if (board != NULL)
		health_board_unmap(&board);
	if (health.fd != -1)
		(void)close(health.fd);
	memset(&health, 0, sizeof(health));
	health.fd = -1;
}

int
health_fd(void)
{
	return health.fd;
}

void
health_tick(uint64_t now_ms)
{
	if (health.board == NULL)
		return;
	health_board_beat(health.board, now_ms);
	put_all();
}

void
health_listener(struct listener *l)
{
	if (health.board == NULL || !l->listed)
		return;
	if (health.crowded)
		put_all();
	else if (l->health_entry != HEALTH_NO_ENTRY && put_listener(l))
		put_daemon();
	end();
}

void
health_changed(void)
{
	if (health.board != NULL)
		put_all();
}

void
health_members_changed(void)
{
	static const struct timeval soon = { .tv_usec = SOON_MS * 1000 };

	if (health.board == NULL || health.stale)
		return;
	health.stale = true;
	/* Else the next tick will do: the daemon is not ready anyway. */
	if (supervisor_state() == DAEMON_RUNNING)
		(void)event_add(health.soon, &soon);
}

void
health_settle(void)
{
	if (health.board != NULL && health.stale)
		put_all();
}
