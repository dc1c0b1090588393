#include "supervisor/record.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"

static uint64_t last_seq;

uint64_t
record_last_seq(void)
{
	return last_seq;
}

static struct history_record
new_record(enum event_type type)
{
	const struct history_record r = { .seq = ++last_seq,
		.real_ms = clock_real_ms(),
		.mono_ms = clock_mono_ms(),
		.type = (uint8_t)type };

	return r;
}

static enum log_level
level_of(enum event_type type)
{
	switch (event_type_severity(type)) {
	case EVENT_SEVERITY_ERROR:
		return LOG_LEVEL_ERROR;
	case EVENT_SEVERITY_WARNING:
		return LOG_LEVEL_WARNING;
	default:
		return LOG_LEVEL_INFO;
	}
}

void
record_listener(struct listener *l, enum event_type type, const char *fmt, ...)
{
	struct history_record r = new_record(type);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r.reason, sizeof(r.reason), fmt, ap);
	va_end(ap);
	history_add(&l->history, &r);
	log_write(level_of(type), "listener", l->spec.name, "%s%s%s",
	    event_type_name(type) + sizeof("listener"),
	    r.reason[0] != '\0' ? ": " : "", r.reason);
}

void
record_worker(struct worker *w, enum event_type type, pid_t pid,
    uint64_t uptime_ms, const char *fmt, ...)
{
	struct history_record r = new_record(type);
	va_list ap;

	r.slot = w->number;
	r.pid = (uint32_t)pid;
	r.uptime_ms = uptime_ms;
	va_start(ap, fmt);
	(void)vsnprintf(r.reason, sizeof(r.reason), fmt, ap);
	va_end(ap);
	history_add(&w->crew->pool->history, &r);
	if (type == EVENT_WORKER_HUNG || type == EVENT_WORKER_RESTART_LIMIT)
		log_write(level_of(type), "worker", w->child.title, "%s: %s",
		    event_type_name(type) + sizeof("worker"), r.reason);
}
