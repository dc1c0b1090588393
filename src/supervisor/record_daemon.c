#include "supervisor/record_daemon.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "supervisor/store.h"
#include "supervisor/supervisor.h"

void
record_started(size_t listeners)
{
	struct health_event e = { .type = EVENT_DAEMON_STARTED };

	event_add_text(&e, FACT_VERSION, PACKAGE_VERSION);
	event_add_number(&e, FACT_PID, getpid());
	event_add_number(&e, FACT_LISTENERS, (int64_t)listeners);
	store_record(&e);
}

void
record_ready(void)
{
	struct health_event e = { .type = EVENT_DAEMON_READY };

	event_add_number(&e, FACT_DURATION_MS,
	    (int64_t)(clock_mono_ms() - supervisor_started_ms()));
	store_record(&e);
}

void
record_drain(bool on)
{
	struct health_event e = {
		.type = on ? EVENT_DAEMON_DRAINING : EVENT_DAEMON_READY,
		.reason = on ? "drain" : "undrain",
	};

	store_record(&e);
}

void
record_draining(uint32_t lame_duck_ms, const char *why)
{
	struct health_event e = { .type = EVENT_DAEMON_DRAINING,
		.reason = why };

	event_add_number(&e, FACT_LAME_DUCK_MS, lame_duck_ms);
	store_record(&e);
}

void
record_stopping(uint32_t deadline_ms, const char *why)
{
	struct health_event e = { .type = EVENT_DAEMON_STOPPING,
		.reason = why };

	event_add_number(&e, FACT_DEADLINE_MS, deadline_ms);
	store_record(&e);
}

void
record_stopped(uint64_t finished, uint64_t cut, uint64_t duration_ms)
{
	struct health_event e = { .type = EVENT_DAEMON_STOPPED };
	char reason[96];

	(void)snprintf(reason, sizeof(reason),
	    "%llu connections finished, %llu were cut",
	    (unsigned long long)finished, (unsigned long long)cut);
	e.reason = reason;
	event_add_number(&e, FACT_FINISHED, (int64_t)finished);
	event_add_number(&e, FACT_CUT, (int64_t)cut);
	event_add_number(&e, FACT_DURATION_MS, (int64_t)duration_ms);
	store_record(&e);
}

void
record_reloaded(const struct reload_counts *n, const char *text)
{
	struct health_event e = { .type = EVENT_DAEMON_RELOADED,
		.reason = text };

	event_add_number(&e, FACT_ADDED, n->added);
	event_add_number(&e, FACT_UPDATED, n->updated);
	event_add_number(&e, FACT_RESTARTED, n->restarted);
	event_add_number(&e, FACT_REMOVED, n->removed);
	store_record(&e);
}
