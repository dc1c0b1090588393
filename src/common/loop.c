#include "common/loop.h"

#include <event2/event.h>

#include "common/log.h"

static void
on_libevent_log(int severity, const char *text)
{
	if (severity == EVENT_LOG_ERR)
		log_error(NULL, NULL, "libevent: %s", text);
	else if (severity == EVENT_LOG_WARN)
		log_warning(NULL, NULL, "libevent: %s", text);
	else
		log_debug(NULL, NULL, "libevent: %s", text);
}

struct event_base *
loop_new(struct err *err)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	event_set_log_callback(on_libevent_log);
	if (config != NULL) {
		(void)event_config_set_flag(config,
		    EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
		base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (base == NULL)
		(void)err_set(err, ERR_INTERNAL,
		    "the event loop could not be made");
	return base;
}
