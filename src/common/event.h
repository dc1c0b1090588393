/*
 * event: health events: their types, and one of them as a value. History, log
 * and store use the same words (mercuryctl(1)).
 */
#ifndef MERCURY_COMMON_EVENT_H
#define MERCURY_COMMON_EVENT_H

#include <stdint.h>

enum event_type {
#define EVENT(ID, ...) EVENT_##ID,
#include "common/event_list.h"
	EVENT_TYPE_COUNT
};

enum event_severity {
	EVENT_SEVERITY_INFO,
	EVENT_SEVERITY_WARNING,
	EVENT_SEVERITY_ERROR,
	EVENT_SEVERITY_COUNT
};

enum fact_id {
#define FACT(ID, ...) FACT_##ID,
#include "common/fact_list.h"
	FACT_COUNT_OF_ALL
};

enum fact_kind { FACT_NUMBER, FACT_BOOL, FACT_TEXT };

/* More than any event has. */
#define EVENT_FACTS_MAX 12

struct event_fact {
	enum fact_id id;
	int64_t number;
	const char *text; /* FACT_TEXT only; borrowed */
};

/* One that is zeroed but for its type can be added to. */
struct health_event {
	uint64_t at_ms; /* CLOCK_REALTIME */
	enum event_type type;
	const char *listener; /* these three: NULL for none; borrowed */
	const char *peer;
	const char *reason;
	unsigned int fact_count;
	struct event_fact facts[EVENT_FACTS_MAX];
};

/* "worker.crashed"; NULL out of range. */
const char *event_type_name(unsigned int type);

enum event_severity event_type_severity(enum event_type);

/* The set of enum role whose word the store takes for it. */
unsigned int event_type_senders(enum event_type);

/* "warning"; NULL out of range. */
const char *event_severity_name(unsigned int severity);

/* "exit_code"; NULL out of range. */
const char *fact_key(unsigned int id);

enum fact_kind fact_kind(enum fact_id);

/*
 * Add a fact; one for which there is no room, or whose text is NULL, is left
 * out. text is borrowed.
 */
void event_add_number(struct health_event *, enum fact_id, int64_t number);
void event_add_text(struct health_event *, enum fact_id, const char *text);

#endif /* MERCURY_COMMON_EVENT_H */
