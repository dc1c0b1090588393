#include "ctl/status_text.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/table.h"

#define RED "\033[31m"
#define YELLOW "\033[33m"

/* A shorter while is of no interest. */
#define WAL_HELD_MS 1000

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

static const struct column probe_columns[] = {
	{ "PROBES FROM", COLUMN_LEFT },
	{ "COUNT", COLUMN_RIGHT },
	{ "LAST SEEN", COLUMN_LEFT },
};

/* The plain numbers that the details of a listener show. */
static const struct {
	const char *key;
	const char *label;
} numbers[] = {
	{ "generation", "generation" },
	{ "connections", "connections" },
	{ "accepted", "accepted" },
	{ "rejected", "rejected" },
	{ "denied", "denied" },
	{ "handshake_failures", "bad handshakes" },
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

/* Print text in a colour, where it is wanted. */
static void
print_alarm(FILE *f, const char *text, const char *on, bool colour)
{
	if (colour)
		(void)fputs(on, f);
	output_text(f, text);
	if (colour)
		(void)fputs("\033[0m", f);
}

/* A reader, such as sqlite3(1), keeps the log from being emptied. */
static void
print_wal(FILE *f, const json_t *store, bool colour)
{
	const uint64_t held_ms = listener_number(store, "wal_held_ms");
	char time[OUTPUT_HUMAN_SIZE], size[OUTPUT_HUMAN_SIZE], text[128];

	if (held_ms < WAL_HELD_MS)
		return;
	output_duration(held_ms, time);
	output_bytes(listener_number(store, "wal_bytes"), size);
	(void)snprintf(text, sizeof(text),
	    "a reader has held its write-ahead log for %s, it has grown to %s",
	    time, size);
	(void)fputs("; ", f);
	print_alarm(f, text, YELLOW, colour);
}

/* The trouble in a word, and what to do about it. */
static void
print_trouble(FILE *f, const json_t *store, bool colour)
{
	const char *trouble =
	    json_string_value(json_object_get(store, "trouble"));
	const char *error = json_string_value(json_object_get(store, "error"));

	if (trouble == NULL)
		return;
	(void)fputs("; ", f);
	print_alarm(f, trouble, RED, colour);
	if (error == NULL)
		return;
	(void)fputs(": ", f);
	print_alarm(f, error, RED, colour);
}

/* "store: running, 1,234 events written, 5 dropped" */
static void
print_store(FILE *f, const json_t *store, bool colour)
{
	char events[OUTPUT_GROUPED_SIZE], dropped[OUTPUT_GROUPED_SIZE];

	if (!json_is_object(store))
		return;
	output_grouped(listener_number(store, "events"), events);
	output_grouped(listener_number(store, "dropped"), dropped);
	(void)fputs("store: ", f);
	output_state(f, listener_string(store, "state"), colour);
	(void)fprintf(f, ", %s events written", events);
	if (listener_number(store, "dropped") > 0)
		(void)fprintf(f, ", %s dropped", dropped);
	print_trouble(f, store, colour);
	print_wal(f, store, colour);
	(void)fputc('\n', f);
}

static void
print_listeners(FILE *f, const json_t *listeners, bool colour)
{
	struct table *t;
	const json_t *l;
	size_t i;

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

void
status_text_daemon(FILE *f, const json_t *status, bool colour)
{
	print_header(f, status, colour);
	print_listeners(f, json_object_get(status, "listeners"), colour);
	print_store(f, json_object_get(status, "store"), colour);
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

/* "ends           3 peer_closed, 1 kicked" */
static void
print_ends(FILE *f, const json_t *l)
{
	json_t *ends = json_object_get(l, "ends");
	const char *separator = "";
	const char *why;
	json_t *count;

	(void)fprintf(f, "%-15s", "ends");
	json_object_foreach (ends, why, count) {
		if (json_integer_value(count) <= 0)
			continue;
		(void)fprintf(f, "%s%" JSON_INTEGER_FORMAT " ", separator,
		    json_integer_value(count));
		output_text(f, why);
		separator = ", ";
	}
	(void)fputs(separator[0] == ',' ? "\n" : "-\n", f);
}

/* "probes         12 (10 fin, 2 rst)" */
static void
print_probes(FILE *f, const json_t *l)
{
	json_t *kinds = json_object_get(l, "probe_kinds");
	const char *separator = " (";
	const char *kind;
	json_t *count;

	(void)fprintf(f, "%-15s%" PRIu64, "probes",
	    listener_number(l, "probes"));
	json_object_foreach (kinds, kind, count) {
		if (json_integer_value(count) <= 0)
			continue;
		(void)fprintf(f, "%s%" JSON_INTEGER_FORMAT " ", separator,
		    json_integer_value(count));
		output_text(f, kind);
		separator = ", ";
	}
	(void)fputs(separator[0] == ',' ? ")\n" : "\n", f);
}

static void
print_probe_sources(FILE *f, const json_t *sources, bool colour)
{
	struct table *t;
	const json_t *s;
	size_t i;

	if (json_array_size(sources) == 0)
		return;
	t = table_new(probe_columns, COUNT(probe_columns));
	json_array_foreach (sources, i, s) {
		table_add(t, "%s", listener_string(s, "address"));
		add_number(t, s, "count");
		table_add(t, "%s", listener_string(s, "last_seen"));
	}
	(void)fputc('\n', f);
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
	print_ends(f, l);
	print_probes(f, l);
	print_line(f, "last error", listener_string(l, "last_error"));
	(void)fputc('\n', f);
	print_workers(f, json_object_get(l, "workers"), colour);
	print_probe_sources(f, json_object_get(l, "probe_sources"), colour);
}
