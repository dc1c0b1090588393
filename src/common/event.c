#include "common/event.h"

#include <stddef.h>

#include "common/role.h"

static const struct {
	const char *name;
	enum event_severity severity;
	unsigned int senders;
} types[EVENT_TYPE_COUNT] = {
#define EVENT(ID, NAME, SEVERITY, SENDERS, FACTS, HELP) \
	[EVENT_##ID] = { NAME, EVENT_SEVERITY_##SEVERITY, SENDERS },
#include "common/event_list.h"
};

static const char *const severities[EVENT_SEVERITY_COUNT] = {
	[EVENT_SEVERITY_INFO] = "info",
	[EVENT_SEVERITY_WARNING] = "warning",
	[EVENT_SEVERITY_ERROR] = "error",
};

static const struct {
	const char *key;
	enum fact_kind kind;
} facts[FACT_COUNT_OF_ALL] = {
#define FACT(ID, KEY, KIND, HELP) [FACT_##ID] = { KEY, FACT_##KIND },
#include "common/fact_list.h"
};

const char *
event_type_name(unsigned int type)
{
	return type < EVENT_TYPE_COUNT ? types[type].name : NULL;
}

enum event_severity
event_type_severity(enum event_type type)
{
	return types[type].severity;
}

unsigned int
event_type_senders(enum event_type type)
{
	return types[type].senders;
}

const char *
event_severity_name(unsigned int severity)
{
	return severity < EVENT_SEVERITY_COUNT ? severities[severity] : NULL;
}

const char *
fact_key(unsigned int id)
{
	return id < FACT_COUNT_OF_ALL ? facts[id].key : NULL;
}

enum fact_kind
fact_kind(enum fact_id id)
{
	return facts[id].kind;
}

static void
add(struct health_event *e, struct event_fact fact)
{
	if (e->fact_count < EVENT_FACTS_MAX)
		e->facts[e->fact_count++] = fact;
}

void
event_add_number(struct health_event *e, enum fact_id id, int64_t number)
{
	add(e, (struct event_fact){ .id = id, .number = number });
}

void
event_add_text(struct health_event *e, enum fact_id id, const char *text)
{
	if (text != NULL)
		add(e, (struct event_fact){ .id = id, .text = text });
}
