#include "supervisor/shutdown.h"

#include <sys/param.h>

#include <stdbool.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/control.h"
#include "supervisor/counters.h"
#include "supervisor/gateway.h"
#include "supervisor/health.h"
#include "supervisor/listener.h"
#include "supervisor/plan_load.h"
#include "supervisor/pool.h"
#include "supervisor/record_daemon.h"
#include "supervisor/store.h"
#include "supervisor/strays.h"
#include "supervisor/supervisor.h"
#include "supervisor/timer.h"

/*
 * A process that is there so long after SIGKILL waits for a device or a disk
 * in the kernel: it can't be waited for.
 */
#define UNKILLABLE_MS 1000

/*
 * What the store takes to write the last events; and what it has for that at
 * least, whatever the deadline: without them nobody could tell what happened.
 * So it can give up by itself when the database is locked (STOP_PATIENCE_MS).
 */
#define STORE_USUAL_MS 20
#define STORE_MIN_MS 1000

static void on_timer(void *);

static struct {
	struct timer timer;    /* the lame duck's end, later the last resort */
	bool announced;        /* ready no more */
	bool near;             /* lame duck: serving still */
	bool helpers_stopping; /* control and gateway */
	unsigned int helpers;  /* of those that are there still */
	bool store_stopping;
	uint32_t deadline_ms; /* for after the lame duck */
	char why[128];
	uint64_t since_ms; /* these two on CLOCK_MONOTONIC */
	uint64_t until_ms; /* the one deadline */
	uint64_t finished; /* connections, over all listeners */
	uint64_t cut;
} down = { .timer = { .fn = on_timer } };

/* By the deadline, or in the least that it has. */
static void
give_store_time(void)
{
	const uint64_t now = clock_mono_ms();
	uint32_t left_ms = STORE_MIN_MS;

	if (down.until_ms > now + left_ms)
		left_ms = (uint32_t)(down.until_ms - now);
	store_stop(left_ms);
	timer_arm(&down.timer, left_ms + UNKILLABLE_MS);
}

/* The store is the last to go: it writes how all that ended. */
static void
stop_store(void)
{
	const uint64_t now = clock_mono_ms();

	log_info(NULL, NULL, "%llu connections finished, %llu were cut",
	    (unsigned long long)down.finished, (unsigned long long)down.cut);
	record_stopped(down.finished, down.cut, now - down.since_ms);
	if (!store_exists()) {
		supervisor_finish();
		return;
	}
	down.store_stopping = true;
	give_store_time();
}

static void
helper_gone(void)
{
	if (--down.helpers == 0)
		stop_store();
}

/* Nobody needs control and gateway any more. */
static void
stop_helpers(void)
{
	down.helpers = 2;
	timer_arm(&down.timer, GATEWAY_STOP_MS + UNKILLABLE_MS);
	gateway_stop(helper_gone);
	if (control_child()->owner == NULL)
		helper_gone();
	else
		control_stop();
}

/* The pools are gone, and their processes, too, unless something is wrong. */
static void
check_pools(void)
{
	if (supervisor_state() != DAEMON_STOPPING || down.helpers_stopping ||
	    !TAILQ_EMPTY(pools()))
		return;
	down.helpers_stopping = true;
	timer_arm(&down.timer, UNKILLABLE_MS);
	strays_end(stop_helpers);
}

static uint64_t
open_connections(void)
{
	uint64_t counters[COUNTER_COUNT], sum = 0;
	struct listener *l;

	RB_FOREACH (l, listener_by_name, listeners()) {
		counters_of(l, counters);
		sum += counters[COUNTER_ACCEPTED] - counters[COUNTER_CLOSED];
	}
	return sum;
}

/*
 * What the workers are told, so that all is over at the deadline: then each
 * must wake, say what it did and exit, which takes some 300 us, and close its
 * connections at 30 us each, if it does not wait for a CPU.
 */
static uint32_t
workers_deadline_ms(uint32_t deadline_ms)
{
	const uint64_t us =
	    300 * (uint64_t)pools_processes() + 30 * open_connections();
	const uint64_t early_ms = us / 1000 / supervisor_cpus() +
	    (store_exists() ? STORE_USUAL_MS : 0);

	return deadline_ms - (uint32_t)MIN(early_ms, deadline_ms / 8);
}

static void
begin(uint32_t deadline_ms, uint32_t workers_ms)
{
	const uint64_t now = clock_mono_ms();
	struct listener *l, *next;

	down.since_ms = now;
	record_stopping(deadline_ms, down.why);
	if (supervisor_state() == DAEMON_RUNNING)
		log_info(NULL, NULL, "shutting down within %u ms", deadline_ms);
	supervisor_enter_stopping();
	health_changed();
	plan_load_cancel();
	RB_FOREACH_SAFE (l, listener_by_name, listeners(), next)
		listener_shut(l,
		    now + MIN(workers_ms, l->spec.drain_timeout_ms));
}

static void
stop(uint32_t deadline_ms)
{
	const uint32_t workers_ms = workers_deadline_ms(deadline_ms);

	if (supervisor_state() != DAEMON_STOPPING)
		begin(deadline_ms, workers_ms);
	down.until_ms = clock_mono_ms() + deadline_ms;
	pools_stop(workers_ms);
	timer_arm(&down.timer, deadline_ms + UNKILLABLE_MS);
	if (down.store_stopping)
		give_store_time();
	check_pools();
}

static void
on_timer(void *ctx)
{
	(void)ctx;
	if (supervisor_state() != DAEMON_STOPPING) {
		stop(down.deadline_ms);
		return;
	}
	log_error(NULL, NULL, "a process can't be killed: going without it");
	supervisor_set_exit_code(EXIT_CODE_FAILURE);
	supervisor_finish();
}

/* The first one counts. */
static void
note_reason(const char *why)
{
	if (down.why[0] == '\0')
		(void)strlcpy(down.why, why, sizeof(down.why));
}

bool
shutdown_is_near(void)
{
	return down.near;
}

bool
shutdown_is_announced(void)
{
	return down.announced;
}

void
shutdown_announce(void)
{
	down.announced = true;
	health_changed();
}

uint32_t
shutdown_lame_duck_ms(void)
{
	if (down.near || supervisor_state() != DAEMON_RUNNING)
		return 0;
	return supervisor_settings()->lame_duck_ms;
}

void
shutdown_begin(uint32_t deadline_ms, const char *why)
{
	const uint32_t lame_duck_ms = shutdown_lame_duck_ms();

	note_reason(why);
	shutdown_announce();
	if (lame_duck_ms == 0) {
		stop(deadline_ms);
		return;
	}
	log_info(NULL, NULL, "shutting down in %u ms: not ready from now on",
	    lame_duck_ms);
	record_draining(lame_duck_ms, why);
	down.near = true;
	down.deadline_ms = deadline_ms;
	timer_arm(&down.timer, lame_duck_ms);
}

void
shutdown_now(const char *why)
{
	note_reason(why);
	stop(0);
	pools_kill();
}

void
shutdown_count(uint64_t finished, uint64_t cut)
{
	down.finished += finished;
	down.cut += cut;
}

void
shutdown_pool_gone(void)
{
	check_pools();
}

void
shutdown_control_gone(void)
{
	helper_gone();
}

void
shutdown_free(void)
{
	timer_free(&down.timer);
}
