/*
 * event: the types of health events. History, log and store use the same
 * words (mercuryctl(1)).
 */
#ifndef MERCURY_COMMON_EVENT_H
#define MERCURY_COMMON_EVENT_H

enum event_type {
#define EVENT(ID, NAME, SEVERITY) EVENT_##ID,
#include "common/event_list.h"
	EVENT_TYPE_COUNT
};

enum event_severity {
	EVENT_SEVERITY_INFO,
	EVENT_SEVERITY_WARNING,
	EVENT_SEVERITY_ERROR
};

/* "worker.crashed"; NULL out of range. */
const char *event_type_name(unsigned int type);

enum event_severity event_type_severity(enum event_type);

#endif /* MERCURY_COMMON_EVENT_H */
