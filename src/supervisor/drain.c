#include "supervisor/drain.h"

#include "common/log.h"
#include "supervisor/health.h"
#include "supervisor/listener.h"
#include "supervisor/record.h"
#include "supervisor/record_daemon.h"

static struct {
	bool on;
} drain;

bool
drain_is_on(void)
{
	return drain.on;
}

void
drain_daemon(bool on)
{
	if (drain.on == on)
		return;
	drain.on = on;
	health_changed();
	log_info(NULL, NULL,
	    on ? "drained: not ready from now on" : "undrained");
	record_drain(on);
}

int
drain_listener(struct listener *l, bool on, struct err *err)
{
	if (l->goal == GOAL_REMOVE)
		return err_set(err, ERR_BUSY, "%s is being removed",
		    l->spec.name);
	if (l->drained == on)
		return 0;
	l->drained = on;
	health_listener(l);
	record_listener(l, EVENT_LISTENER_UPDATED, "%s",
	    on ? "drain" : "undrain");
	return 0;
}
