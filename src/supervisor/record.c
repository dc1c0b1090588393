#include "supervisor/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/store.h"

static uint64_t last_seq;

uint64_t
record_last_seq(void)
{
	return last_seq;
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

/* Both keep the same time and reason, but the history has less room. */
static struct history_record
new_record(struct health_event *e, const char *reason)
{
	struct history_record r = { .seq = ++last_seq,
		.real_ms = clock_real_ms(),
		.mono_ms = clock_mono_ms(),
		.type = (uint8_t)e->type };

	(void)strlcpy(r.reason, reason, sizeof(r.reason));
	e->at_ms = r.real_ms;
	if (reason[0] != '\0')
		e->reason = reason;
	return r;
}

/* --- listeners --- */

static void
write_listener(struct listener *l, struct health_event *e, const char *reason)
{
	const struct history_record r = new_record(e, reason);

	history_add(&l->history, &r);
	log_write(level_of(e->type), "listener", l->spec.name, "%s%s%s",
	    event_type_name(e->type) + sizeof("listener"),
	    reason[0] != '\0' ? ": " : "", reason);
	e->listener = l->spec.name;
	store_record(e);
}

void
record_listener_event(struct listener *l, struct health_event *e,
    const char *fmt, ...)
{
	char reason[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	write_listener(l, e, reason);
}

void
record_listener(struct listener *l, enum event_type type, const char *fmt, ...)
{
	struct health_event e = { .type = type };
	char reason[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	write_listener(l, &e, reason);
}

/* --- workers --- */

/* What all events of a worker tell. */
static void
add_worker_facts(const struct worker *w, struct health_event *e, pid_t pid,
    uint64_t uptime_ms)
{
	const struct pool *p = w->crew->pool;

	/* One that serves several is nobody's. */
	e->listener = pool_only_listener(p);
	event_add_text(e, FACT_POOL, p->name);
	event_add_number(e, FACT_SLOT, w->number);
	event_add_number(e, FACT_GENERATION, w->crew->generation);
	if (pid != 0)
		event_add_number(e, FACT_PID, pid);
	if (uptime_ms != 0)
		event_add_number(e, FACT_UPTIME_MS, (int64_t)uptime_ms);
}

void
record_worker(struct worker *w, struct health_event *e, pid_t pid,
    uint64_t uptime_ms, const char *fmt, ...)
{
	struct history_record r;
	char reason[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	r = new_record(e, reason);
	r.slot = w->number;
	r.pid = (uint32_t)pid;
	r.uptime_ms = uptime_ms;
	history_add(&w->crew->pool->history, &r);
	if (e->type == EVENT_WORKER_HUNG ||
	    e->type == EVENT_WORKER_RESTART_LIMIT)
		log_write(level_of(e->type), "worker", w->child.title, "%s: %s",
		    event_type_name(e->type) + sizeof("worker"), reason);
	add_worker_facts(w, e, pid, uptime_ms);
	store_record(e);
}

void
record_worker_end(struct worker *w, enum event_type type,
    const struct child_exit *how, uint64_t uptime_ms)
{
	struct health_event e = { .type = type };

	if (how->exit_code != -1)
		event_add_number(&e, FACT_EXIT_CODE, how->exit_code);
	if (how->signal != 0)
		event_add_number(&e, FACT_SIGNAL, how->signal);
	record_worker(w, &e, how->pid, uptime_ms, "%s", how->text);
}
