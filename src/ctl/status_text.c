#include "ctl/status_text.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/table.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* clang-format off */
static const struct column listener_columns[] = {
	{ "NAME", COLUMN_LEFT },
	{ "STATE", COLUMN_STATE },
	{ "ADDRESS", COLUMN_LEFT },
	{ "PROTOCOL", COLUMN_LEFT },
	{ "POOL", COLUMN_LEFT },
	{ "WORKERS", COLUMN_RIGHT },
	{ "CONNS", COLUMN_RIGHT },
	{ "ACCEPTED", COLUMN_RIGHT },
	{ "IN", COLUMN_RIGHT },
	{ "OUT", COLUMN_RIGHT },
	{ "RESTARTS", COLUMN_RIGHT },
};

static const struct column worker_columns[] = {
	{ "SLOT", COLUMN_RIGHT },
	{ "PID", COLUMN_RIGHT },
	{ "STATE", COLUMN_STATE },
	{ "CONNS", COLUMN_RIGHT },
	{ "UPTIME", COLUMN_RIGHT },
	{ "RESTARTS", COLUMN_RIGHT },
};

/* The plain numbers that the details of a listener show. */
static const struct {
	const char *key;
	const char *label;
} numbers[] = {
	{ "generation", "generation" },
	{ "connections", "connections" },
	{ "accepted", "accepted" },
	{ "accept_errors", "accept errors" },
	{ "bytes_in", "bytes in" },
	{ "bytes_out", "bytes out" },
	{ "restarts", "restarts" },
	{ "bind_attempts", "bind attempts" },
};
/* clang-format on */

static void
add_number(struct table *t, const json_t *object, const char *key)
{
	table_add(t, "%" PRIu64, listener_number(object, key));
}

static void
add_bytes(struct table *t, const json_t *object, const char *key)
{
	char text[OUTPUT_HUMAN_SIZE];

	output_bytes(listener_number(object, key), text);
	table_add(t, "%s", text);
}

static void
add_listener(struct table *t, const json_t *l)
{
	char place[LISTENER_PLACE_SIZE], state[LISTENER_STATE_SIZE];

	listener_place(l, place);
	listener_state(l, state);
	table_add(t, "%s", listener_string(l, "name"));
	table_add(t, "%s", state);
	table_add(t, "%s", place);
	table_add(t, "%s", listener_string(l, "protocol"));
	table_add(t, "%s", listener_string(l, "pool"));
	table_add(t, "%zu", json_array_size(json_object_get(l, "workers")));
	add_number(t, l, "connections");
	add_number(t, l, "accepted");
	add_bytes(t, l, "bytes_in");
	add_bytes(t, l, "bytes_out");
	add_number(t, l, "restarts");
}

static void
print_header(FILE *f, const json_t *status, bool colour)
{
	char uptime[OUTPUT_HUMAN_SIZE];

	output_duration(listener_number(status, "uptime_ms"), uptime);
	(void)fputs("mercuryd ", f);
	output_text(f, listener_string(status, "version"));
	(void)fputs(" is ", f);
	output_state(f, listener_string(status, "state"), colour);
	if (!json_is_true(json_object_get(status, "ready")))
		(void)fputs(", not ready", f);
	(void)fprintf(f, ": pid %" PRIu64 ", up %s\n",
	    listener_number(status, "pid"), uptime);
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

void
status_text_daemon(FILE *f, const json_t *status, bool colour)
{
	const json_t *listeners = json_object_get(status, "listeners"), *l;
	struct table *t;
	size_t i;

	print_header(f, status, colour);
	if (json_array_size(listeners) == 0) {
		(void)fputs("no listeners\n", f);
		return;
	}
	t = table_new(listener_columns, COUNT(listener_columns));
	json_array_foreach (listeners, i, l)
		add_listener(t, l);
	table_end(&t, f, colour);
	print_errors(f, listeners);
}

static void
print_line(FILE *f, const char *label, const char *text)
{
	(void)fprintf(f, "%-15s", label);
	output_text(f, text);
	(void)fputc('\n', f);
}

static void
print_workers(FILE *f, const json_t *workers, bool colour)
{
	struct table *t = table_new(worker_columns, COUNT(worker_columns));
	char uptime[OUTPUT_HUMAN_SIZE];
	const json_t *w;
	size_t i;

	json_array_foreach (workers, i, w) {
		output_duration(listener_number(w, "uptime_ms"), uptime);
		add_number(t, w, "slot");
		cell_number(t, w, "pid");
		table_add(t, "%s", listener_string(w, "state"));
		add_number(t, w, "connections");
		table_add(t, "%s", uptime);
		add_number(t, w, "restarts");
	}
	table_end(&t, f, colour);
}

void
status_text_listener(FILE *f, const json_t *l, bool colour)
{
	char place[LISTENER_PLACE_SIZE], state[LISTENER_STATE_SIZE];
	size_t i;

	listener_place(l, place);
	listener_state(l, state);
	print_line(f, "name", listener_string(l, "name"));
	(void)fprintf(f, "%-15s", "state");
	output_state(f, state, colour);
	(void)fputc('\n', f);
	print_line(f, "address", place);
	print_line(f, "transport", listener_string(l, "transport"));
	print_line(f, "protocol", listener_string(l, "protocol"));
	print_line(f, "pool", listener_string(l, "pool"));
	for (i = 0; i < COUNT(numbers); i++)
		(void)fprintf(f, "%-15s%" PRIu64 "\n", numbers[i].label,
		    listener_number(l, numbers[i].key));
	print_line(f, "last error", listener_string(l, "last_error"));
	(void)fputc('\n', f);
	print_workers(f, json_object_get(l, "workers"), colour);
}
