#include "supervisor/record_listener.h"

#include <string.h>

#include "common/ipc_msg.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/record.h"

/* Where it is, or wants to be. */
static void
add_place(struct health_event *e, const struct listener *l)
{
	const struct sockets *s = &l->sockets;

	if (l->spec.path[0] != '\0') {
		event_add_text(e, FACT_PATH, l->spec.path);
		return;
	}
	event_add_text(e, FACT_ADDRESS,
	    s->address[0] != '\0' ? s->address : l->spec.address);
	event_add_number(e, FACT_PORT, s->port != 0 ? s->port : l->spec.port);
}

static const char *
origin_word(enum spec_origin origin)
{
	switch (origin) {
	case ORIGIN_FILE:
		return "file";
	case ORIGIN_SAVED:
		return "saved";
	default:
		return "runtime";
	}
}

void
record_added(struct listener *l)
{
	struct health_event e = { .type = EVENT_LISTENER_ADDED };

	add_place(&e, l);
	event_add_text(&e, FACT_ORIGIN, origin_word(l->origin));
	event_add_text(&e, FACT_POOL, l->pool->name);
	event_add_number(&e, FACT_WORKERS, pool_slots(l->pool));
	record_listener_event(l, &e, "%s", "");
}

void
record_listening(struct listener *l)
{
	struct health_event e = { .type = EVENT_LISTENER_LISTENING };
	char place[SPEC_PLACE_SIZE];

	spec_place(&l->spec, l->sockets.port, place);
	add_place(&e, l);
	event_add_number(&e, FACT_ATTEMPT, l->bind_attempts);
	record_listener_event(l, &e, "on %s", place);
}

void
record_bind_retry(struct listener *l, const char *why, uint32_t next_ms)
{
	struct health_event e = { .type = EVENT_LISTENER_BIND_RETRY };

	add_place(&e, l);
	event_add_number(&e, FACT_ATTEMPT, l->bind_attempts);
	event_add_number(&e, FACT_NEXT_RETRY_MS, next_ms);
	record_listener_event(l, &e, "attempt %u: %s; next in %u ms",
	    l->bind_attempts, why, next_ms);
}

void
record_bind_failed(struct listener *l, const char *why)
{
	struct health_event e = { .type = EVENT_LISTENER_BIND_FAILED };

	add_place(&e, l);
	event_add_number(&e, FACT_ATTEMPT, l->bind_attempts);
	record_listener_event(l, &e, "%s", why);
}

void
record_paused(struct listener *l)
{
	struct health_event e = { .type = EVENT_LISTENER_PAUSED };

	event_add_number(&e, FACT_QUEUE, l->queueing);
	record_listener_event(l, &e, "%s",
	    l->queueing ? "clients wait in the queue" : "");
}

void
record_updated(struct listener *l, option_set set)
{
	char names[256] = "";
	unsigned int id;

	for (id = 0; id < LISTENER_OPTION_COUNT; id++) {
		if (!(set & OPTION_BIT(id)))
			continue;
		if (names[0] != '\0')
			(void)strlcat(names, ", ", sizeof(names));
		(void)strlcat(names, spec_option_name((enum listener_option)id),
		    sizeof(names));
	}
	record_listener(l, EVENT_LISTENER_UPDATED, "%s", names);
}

void
record_restarted(struct listener *l)
{
	struct health_event e = { .type = EVENT_LISTENER_RESTARTED };
	const struct crew *crew = l->pool->crew;

	event_add_text(&e, FACT_POOL, l->pool->name);
	event_add_number(&e, FACT_GENERATION, crew->generation);
	event_add_number(&e, FACT_WORKERS, crew->workers_count);
	record_listener_event(l, &e, "generation %u, %u workers",
	    crew->generation, crew->workers_count);
}

void
record_removed(struct listener *l, uint64_t finished, uint64_t cut)
{
	struct health_event e = { .type = EVENT_LISTENER_REMOVED };

	event_add_number(&e, FACT_FINISHED, (int64_t)finished);
	event_add_number(&e, FACT_CUT, (int64_t)cut);
	record_listener_event(l, &e, "%llu connections finished, %llu were cut",
	    (unsigned long long)finished, (unsigned long long)cut);
}
