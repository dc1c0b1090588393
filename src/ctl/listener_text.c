#include "ctl/listener_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "ctl/units.h"

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

bool
listener_is_full(const json_t *listener)
{
	const uint64_t max = listener_number(listener, "max_connections");

	return max > 0 && listener_number(listener, "connections") >= max;
}

/* What is to be known beside the state; NULL: nothing. */
static const char *
remark(const json_t *listener)
{
	if (json_is_true(json_object_get(listener, "queueing")))
		return "queue";
	if (json_is_true(json_object_get(listener, "drain")))
		return "drained";
	if (strcmp(listener_string(listener, "state"), "listening") != 0)
		return NULL;
	if (json_is_false(json_object_get(listener, "ready")))
		return "not ready";
	return listener_is_full(listener) ? "full" : NULL;
}

void
listener_state(const json_t *listener, char out[static LISTENER_STATE_SIZE])
{
	const char *more = remark(listener);

	(void)snprintf(out, LISTENER_STATE_SIZE, "%.100s%s%s%s",
	    listener_string(listener, "state"), more == NULL ? "" : " (",
	    more == NULL ? "" : more, more == NULL ? "" : ")");
}

static bool
is_retrying(const json_t *listener)
{
	return strcmp(listener_string(listener, "state"), "retrying") == 0;
}

/* "attempt 2, next in 3s" */
static void
next_attempt(const json_t *listener, char out[static LISTENER_STATE_SIZE])
{
	char wait[UNITS_SIZE];

	units_duration(listener_number(listener, "retry_in_ms"), wait);
	(void)snprintf(out, LISTENER_STATE_SIZE,
	    "attempt %" PRIu64 ", next in %s",
	    listener_number(listener, "bind_attempts"), wait);
}

void
listener_state_long(const json_t *listener,
    char out[static LISTENER_STATE_SIZE])
{
	char next[LISTENER_STATE_SIZE];

	if (!is_retrying(listener)) {
		listener_state(listener, out);
		return;
	}
	next_attempt(listener, next);
	(void)snprintf(out, LISTENER_STATE_SIZE, "retrying (%.100s)", next);
}

/* What its state is about: an error that is over is of no interest. */
static const char *
present_error(const json_t *listener)
{
	static const char *const states[] = { "failed", "retrying",
		"degraded" };
	const char *state = listener_string(listener, "state");
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(state, states[i]) == 0)
			return json_string_value(
			    json_object_get(listener, "last_error"));
	return NULL;
}

/* Is its state why it is not ready, or is it ready? */
static bool
says_why(const json_t *listener)
{
	return !json_is_false(json_object_get(listener, "ready")) ||
	    json_is_true(json_object_get(listener, "drain")) ||
	    strcmp(listener_string(listener, "state"), "paused") == 0;
}

bool
listener_reason(const json_t *listener, char out[static LISTENER_REASON_SIZE])
{
	const char *error = present_error(listener);
	const char *why =
	    json_string_value(json_object_get(listener, "not_ready"));
	char next[LISTENER_STATE_SIZE] = "";

	if (is_retrying(listener))
		next_attempt(listener, next);
	if (error == NULL && next[0] == '\0' && !says_why(listener))
		error = why;
	(void)snprintf(out, LISTENER_REASON_SIZE, "%s%s%s", next,
	    next[0] == '\0' || error == NULL ? "" : ": ",
	    error == NULL ? "" : error);
	return out[0] != '\0';
}

void
listener_protocol(const json_t *listener,
    char out[static LISTENER_PROTOCOL_SIZE])
{
	const bool tls =
	    strcmp(listener_string(listener, "transport"), "tls") == 0;

	(void)snprintf(out, LISTENER_PROTOCOL_SIZE, "%.32s%s",
	    listener_string(listener, "protocol"), tls ? " (tls)" : "");
}

uint64_t
listener_errors(const json_t *listener)
{
	return listener_number(listener, "rejected") +
	    listener_number(listener, "denied") +
	    listener_number(listener, "handshake_failures") +
	    listener_number(listener, "accept_errors");
}

size_t
listener_running(const json_t *listener)
{
	const json_t *worker;
	size_t i, n = 0;

	json_array_foreach (json_object_get(listener, "workers"), i, worker)
		if (strcmp(listener_string(worker, "state"), "running") == 0)
			n++;
	return n;
}
