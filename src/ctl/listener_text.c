#include "ctl/listener_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "ctl/output.h"

const char *
listener_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "-" : text;
}

uint64_t
listener_number(const json_t *object, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(object, key));

	return n < 0 ? 0 : (uint64_t)n;
}

void
listener_place(const json_t *listener, char out[static LISTENER_PLACE_SIZE])
{
	const char *path = json_string_value(json_object_get(listener, "path"));
	char joined[ADDR_TEXT_SIZE];

	if (path == NULL)
		addr_join(listener_string(listener, "address"),
		    (uint16_t)listener_number(listener, "port"), joined);
	(void)snprintf(out, LISTENER_PLACE_SIZE, "%s",
	    path == NULL ? joined : path);
}

void
listener_state(const json_t *listener, char out[static LISTENER_STATE_SIZE])
{
	const char *state = listener_string(listener, "state");
	char wait[OUTPUT_HUMAN_SIZE];

	if (strcmp(state, "retrying") == 0) {
		output_duration(listener_number(listener, "retry_in_ms"), wait);
		(void)snprintf(out, LISTENER_STATE_SIZE,
		    "%s (attempt %" PRIu64 ", next in %s)", state,
		    listener_number(listener, "bind_attempts"), wait);
	} else {
		(void)snprintf(out, LISTENER_STATE_SIZE, "%.100s%s", state,
		    json_is_true(json_object_get(listener, "queueing"))
			? " (queue)"
			: "");
	}
}
