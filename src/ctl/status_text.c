#include "ctl/status_text.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/store_text.h"
#include "ctl/table.h"
#include "ctl/units.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* clang-format off */
static const struct column columns[] = {
	{ "NAME", COLUMN_NAME, COLUMN_ALWAYS, 0, 16, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 0, 14, 0 },
	{ "ADDRESS", COLUMN_NAME, COLUMN_ALWAYS, 2, 21, 0 },
	{ "TRANSPORT", COLUMN_LEFT, COLUMN_WIDE, 0, 0, 0 },
	{ "PROTOCOL", COLUMN_LEFT, COLUMN_ALWAYS, 6, 0, 0 },
	{ "POOL", COLUMN_NAME, COLUMN_ALWAYS, 10, 12, 0 },
	{ "GEN", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "WORKERS", COLUMN_RIGHT, COLUMN_ALWAYS, 9, 0, 0 },
	{ "RUNNING", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "CONNS", COLUMN_RIGHT, COLUMN_ALWAYS, 1, 0, 0 },
	{ "MAX", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "ACCEPTED", COLUMN_RIGHT, COLUMN_ALWAYS, 5, 0, 0 },
	{ "IN", COLUMN_RIGHT, COLUMN_ALWAYS, 7, 0, 0 },
	{ "OUT", COLUMN_RIGHT, COLUMN_ALWAYS, 8, 0, 0 },
	{ "ERRORS", COLUMN_RIGHT, COLUMN_TERSE, 3, 0, 0 },
	{ "REJECTED", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "DENIED", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "BAD HANDSHAKES", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "ACCEPT ERRORS", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "PROBES", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "RESTARTS", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 0 },
};
/* clang-format on */

/* "2", or "1/2" where one of them does not run. */
static void
add_workers(struct table *t, const json_t *l)
{
	const size_t all = json_array_size(json_object_get(l, "workers"));
	const size_t running = listener_running(l);

	if (running == all || table_is_wide(t))
		table_add(t, "%zu", all);
	else
		table_add(t, "%zu/%zu", running, all);
	table_add(t, "%zu", running);
}

/* "3", or "3/20.0k" where there is a limit. */
static void
add_connections(struct table *t, const json_t *l)
{
	const uint64_t limit = listener_number(l, "max_connections");
	char open[UNITS_SIZE], max[UNITS_SIZE];

	if (limit == 0 || table_is_wide(t)) {
		cell_count(t, l, "connections");
	} else {
		units_count(listener_number(l, "connections"), open);
		units_count(limit, max);
		table_add(t, "%s/%s", open, max);
	}
	cell_number(t, l, "max_connections");
}

static void
add_errors(struct table *t, const json_t *l)
{
	char text[UNITS_SIZE];

	units_count(listener_errors(l), text);
	table_add(t, "%s", text);
	cell_number(t, l, "rejected");
	cell_number(t, l, "denied");
	cell_number(t, l, "handshake_failures");
	cell_number(t, l, "accept_errors");
	cell_number(t, l, "probes");
}

static void
add_listener(struct table *t, const json_t *l)
{
	char place[LISTENER_PLACE_SIZE], state[LISTENER_STATE_SIZE];
	char protocol[LISTENER_PROTOCOL_SIZE];

	listener_place(l, place);
	listener_state_long(l, state);
	listener_protocol(l, protocol);
	cell_text(t, l, "name");
	table_add(t, "%s", state);
	table_add(t, "%s", place);
	cell_text(t, l, "transport");
	table_add(t, "%s",
	    table_is_wide(t) ? listener_string(l, "protocol") : protocol);
	cell_text(t, l, "pool");
	cell_number(t, l, "generation");
	add_workers(t, l);
	add_connections(t, l);
	cell_count(t, l, "accepted");
	cell_bytes(t, l, "bytes_in", 1);
	cell_bytes(t, l, "bytes_out", 1);
	add_errors(t, l);
	cell_count(t, l, "restarts");
}

void
status_text_head(FILE *f, const json_t *status, const struct look *look)
{
	char uptime[UNITS_SIZE];

	units_duration(listener_number(status, "uptime_ms"), uptime);
	(void)fputs("mercuryd ", f);
	output_text(f, listener_string(status, "version"));
	(void)fputs(" is ", f);
	output_state(f, listener_string(status, "state"), look->colour);
	(void)fprintf(f, ": pid %" PRIu64 ", up %s",
	    listener_number(status, "pid"), uptime);
}

void
status_text_ready(FILE *f, const json_t *status, const struct look *look)
{
	const char *why =
	    json_string_value(json_object_get(status, "not_ready"));

	if (json_is_true(json_object_get(status, "ready")))
		return;
	if (why == NULL && json_is_true(json_object_get(status, "draining")))
		why = "it is drained";
	(void)fputs("ready: ", f);
	output_alarm(f, "no", true, look->colour);
	if (why != NULL) {
		(void)fputs(" (", f);
		output_text(f, why);
		(void)fputc(')', f);
	}
	(void)fputc('\n', f);
}

/* How to call the last error: why it is as it is, or what is over now. */
static const char *
error_label(const json_t *l)
{
	const char *state = listener_string(l, "state");

	if (strcmp(state, "failed") == 0 || strcmp(state, "retrying") == 0)
		return state;
	return "last error";
}

static void
print_errors(FILE *f, const json_t *listeners)
{
	const json_t *l;
	const char *text;
	size_t i;

	json_array_foreach (listeners, i, l) {
		text = json_string_value(json_object_get(l, "last_error"));
		if (text == NULL)
			continue;
		output_text(f, listener_string(l, "name"));
		(void)fprintf(f, ": %s: ", error_label(l));
		output_text(f, text);
		(void)fputc('\n', f);
	}
}

static void
print_listeners(FILE *f, const json_t *listeners, const struct look *look)
{
	struct table *t;
	const json_t *l;
	size_t i;

	if (json_array_size(listeners) == 0) {
		(void)fputs("no listeners\n", f);
		return;
	}
	t = table_new(columns, COUNT(columns), look);
	json_array_foreach (listeners, i, l)
		add_listener(t, l);
	table_end(&t, f);
	print_errors(f, listeners);
}

void
status_text_daemon(FILE *f, const json_t *status, const struct look *look)
{
	status_text_head(f, status, look);
	(void)fputc('\n', f);
	status_text_ready(f, status, look);
	print_listeners(f, json_object_get(status, "listeners"), look);
	store_text(f, json_object_get(status, "store"), look->colour);
}
