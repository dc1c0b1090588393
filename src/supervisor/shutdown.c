#include "supervisor/shutdown.h"

#include <sys/param.h>

#include <stdbool.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/control.h"
#include "supervisor/listener.h"
#include "supervisor/plan_load.h"
#include "supervisor/pool.h"
#include "supervisor/supervisor.h"

static bool control_stopping;

/* The pools are gone: nobody needs the control process any more. */
static void
check_pools(void)
{
	if (supervisor_state() != DAEMON_STOPPING || control_stopping ||
	    !TAILQ_EMPTY(pools()))
		return;
	control_stopping = true;
	if (control_child()->owner == NULL)
		supervisor_finish();
	else
		control_stop();
}

void
shutdown_begin(uint32_t deadline_ms)
{
	const uint64_t now = clock_mono_ms();
	struct listener *l, *next;

	if (supervisor_state() != DAEMON_STOPPING) {
		if (supervisor_state() == DAEMON_RUNNING)
			log_info(NULL, NULL, "shutting down within %u ms",
			    deadline_ms);
		supervisor_enter_stopping();
		plan_load_cancel();
		RB_FOREACH_SAFE (l, listener_by_name, listeners(), next)
			listener_shut(l,
			    now + MIN(deadline_ms, l->spec.drain_timeout_ms));
	}
	pools_stop(deadline_ms);
	check_pools();
}

void
shutdown_now(void)
{
	shutdown_begin(0);
	pools_kill();
}

void
shutdown_pool_gone(void)
{
	check_pools();
}

void
shutdown_control_gone(void)
{
	supervisor_finish();
}
