#include "supervisor/listener_module.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "supervisor/crew.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/pool_restart.h"

/* The text of a worker, as far as it is text. */
static void
take_text(char *to, size_t size, const char *from, size_t from_size)
{
	size_t n, used = 0;
	char unit[5] = "";

	while (used < from_size && from[used] != '\0') {
		memset(unit, 0, sizeof(unit));
		memcpy(unit, from + used,
		    from_size - used < 4 ? from_size - used : 4);
		n = utf8_length(unit);
		if (n == 0 || n >= size - used)
			break;
		memcpy(to + used, from + used, n);
		used += n;
	}
	to[used] = '\0';
}

void
listener_refused(struct listener *l, struct worker *w,
    const struct msg_refused *m)
{
	char text[sizeof(l->last_error)];

	take_text(text, sizeof(text), m->text, sizeof(m->text));
	switch (w->crew->phase) {
	case CREW_LEAVING:
		return;
	case CREW_CANDIDATE:
		pool_restart_refused(l->pool, w, text);
		return;
	case CREW_SERVING:
		break;
	}
	listener_fail(l, text);
}

/* A letter, then letters, digits and underscores; it ends. */
static bool
is_name(const char name[static MODULE_NAME_SIZE])
{
	const size_t len = strnlen(name, MODULE_NAME_SIZE);

	return len < MODULE_NAME_SIZE && name[0] >= 'a' && name[0] <= 'z' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

void
listener_take_module(struct listener *l, const struct msg_module *m)
{
	size_t i;

	if (l->spec.protocol != PROTOCOL_MODULE)
		return;
	take_text(l->module, sizeof(l->module), m->name, sizeof(m->name));
	memset(l->module_counters, 0, sizeof(l->module_counters));
	for (i = 0; i < MODULE_COUNTERS; i++)
		if (is_name(m->counters[i]))
			memcpy(l->module_counters[i], m->counters[i],
			    sizeof(l->module_counters[i]));
}
