#include "common/event.h"

#include <stddef.h>

static const struct {
	const char *name;
	enum event_severity severity;
} types[EVENT_TYPE_COUNT] = {
#define EVENT(ID, NAME, SEVERITY) \
	[EVENT_##ID] = { NAME, EVENT_SEVERITY_##SEVERITY },
#include "common/event_list.h"
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
