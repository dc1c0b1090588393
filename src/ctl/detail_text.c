#include "ctl/detail_text.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/table.h"
#include "ctl/units.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* clang-format off */
static const struct column worker_columns[] = {
	{ "SLOT", COLUMN_RIGHT, COLUMN_ALWAYS, 0, 0, 0 },
	{ "PID", COLUMN_RIGHT, COLUMN_ALWAYS, 1, 0, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 0, 0, 0 },
	{ "CONNS", COLUMN_RIGHT, COLUMN_ALWAYS, 2, 0, 0 },
	{ "UPTIME", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 0 },
	{ "RESTARTS", COLUMN_RIGHT, COLUMN_ALWAYS, 3, 0, 0 },
};

static const struct column probe_columns[] = {
	{ "PROBES FROM", COLUMN_NAME, COLUMN_ALWAYS, 0, 16, 0 },
	{ "COUNT", COLUMN_RIGHT, COLUMN_ALWAYS, 1, 0, 0 },
	{ "LAST SEEN", COLUMN_LEFT, COLUMN_ALWAYS, 2, 0, 0 },
};

/* How a number is shown, where it need not be exact. */
enum form { FORM_COUNT, FORM_BYTES };

static const struct number {
	const char *key;
	const char *label;
	enum form form;
} numbers[] = {
	{ "generation", "generation", FORM_COUNT },
	{ "connections", "connections", FORM_COUNT },
	{ "accepted", "accepted", FORM_COUNT },
	{ "rejected", "rejected", FORM_COUNT },
	{ "denied", "denied", FORM_COUNT },
	{ "handshake_failures", "bad handshakes", FORM_COUNT },
	{ "accept_errors", "accept errors", FORM_COUNT },
	{ "bytes_in", "bytes in", FORM_BYTES },
	{ "bytes_out", "bytes out", FORM_BYTES },
	{ "restarts", "restarts", FORM_COUNT },
	{ "bind_attempts", "bind attempts", FORM_COUNT },
};
/* clang-format on */

static void
print_label(FILE *f, const char *label)
{
	(void)fprintf(f, "%-15s", label);
}

static void
print_text(FILE *f, const char *label, const char *text)
{
	print_label(f, label);
	output_text(f, text);
	(void)fputc('\n', f);
}

static void
format_number(uint64_t n, enum form form, bool wide,
    char out[static UNITS_SIZE])
{
	if (wide)
		(void)snprintf(out, UNITS_SIZE, "%" PRIu64, n);
	else if (form == FORM_BYTES)
		units_bytes(n, out);
	else
		units_grouped(n, out);
}

/* "connections    3 of 20,000" */
static void
print_number(FILE *f, const json_t *l, const struct number *n, bool wide)
{
	const uint64_t max = listener_number(l, "max_connections");
	char text[UNITS_SIZE];

	format_number(listener_number(l, n->key), n->form, wide, text);
	print_label(f, n->label);
	(void)fputs(text, f);
	if (max > 0 && strcmp(n->key, "connections") == 0) {
		format_number(max, n->form, wide, text);
		(void)fprintf(f, " of %s", text);
	}
	(void)fputc('\n', f);
}

/* Counts by what they are of: "3 peer_closed, 1 kicked". Was there any? */
static bool
print_counts(FILE *f, json_t *counts)
{
	const char *separator = "";
	const char *what;
	json_t *count;

	json_object_foreach (counts, what, count) {
		if (json_integer_value(count) <= 0)
			continue;
		(void)fprintf(f, "%s%" JSON_INTEGER_FORMAT " ", separator,
		    json_integer_value(count));
		output_text(f, what);
		separator = ", ";
	}
	return separator[0] != '\0';
}

static bool
is_any(json_t *counts)
{
	const char *what;
	json_t *count;

	json_object_foreach (counts, what, count)
		if (json_integer_value(count) > 0)
			return true;
	return false;
}

/* "probes         12 (10 fin, 2 rst)" */
static void
print_probes(FILE *f, const json_t *l)
{
	json_t *kinds = json_object_get(l, "probe_kinds");

	print_label(f, "probes");
	(void)fprintf(f, "%" PRIu64, listener_number(l, "probes"));
	if (is_any(kinds)) {
		(void)fputs(" (", f);
		(void)print_counts(f, kinds);
		(void)fputc(')', f);
	}
	(void)fputc('\n', f);
}

/* "module         modbus-sim (12 requests, 1 exceptions)" */
static void
print_module(FILE *f, const json_t *l)
{
	json_t *module = json_object_get(l, "module");
	json_t *counters = json_object_get(module, "counters");

	if (module == NULL)
		return;
	print_label(f, "module");
	output_text(f, listener_string(module, "name"));
	if (is_any(counters)) {
		(void)fputs(" (", f);
		(void)print_counts(f, counters);
		(void)fputc(')', f);
	}
	(void)fputc('\n', f);
}

static void
print_ends(FILE *f, const json_t *l)
{
	print_label(f, "ends");
	if (!print_counts(f, json_object_get(l, "ends")))
		(void)fputc('-', f);
	(void)fputc('\n', f);
}

/* "ready          no (it is paused)"; a daemon need not say so. */
static void
print_ready(FILE *f, const json_t *l)
{
	const json_t *ready = json_object_get(l, "ready");
	const char *why = json_string_value(json_object_get(l, "not_ready"));

	if (!json_is_boolean(ready))
		return;
	print_label(f, "ready");
	(void)fputs(json_is_true(ready) ? "yes" : "no", f);
	if (!json_is_true(ready) && why != NULL) {
		(void)fputs(" (", f);
		output_text(f, why);
		(void)fputc(')', f);
	}
	if (json_is_false(json_object_get(l, "required")))
		(void)fputs(", not required", f);
	(void)fputc('\n', f);
}

/* "upstreams      2 up, 1 down"; nothing where there are none of these. */
static void
print_set(FILE *f, const char *label, json_t *counts)
{
	if (!is_any(counts))
		return;
	print_label(f, label);
	(void)print_counts(f, counts);
	(void)fputc('\n', f);
}

void
detail_text_members(FILE *f, const json_t *l, const struct look *look)
{
	char place[LISTENER_PLACE_SIZE], state[LISTENER_STATE_SIZE];
	size_t i;

	listener_place(l, place);
	listener_state_long(l, state);
	print_text(f, "name", listener_string(l, "name"));
	print_label(f, "state");
	output_state(f, state, look->colour);
	(void)fputc('\n', f);
	print_ready(f, l);
	print_text(f, "address", place);
	print_text(f, "transport", listener_string(l, "transport"));
	print_text(f, "protocol", listener_string(l, "protocol"));
	print_module(f, l);
	print_set(f, "upstreams", json_object_get(l, "proxy"));
	print_set(f, "programs", json_object_get(l, "exec"));
	print_text(f, "pool", listener_string(l, "pool"));
	for (i = 0; i < COUNT(numbers); i++)
		print_number(f, l, &numbers[i], look->wide);
	print_ends(f, l);
	print_probes(f, l);
	print_text(f, "last error", listener_string(l, "last_error"));
}

void
detail_text_workers(FILE *f, const json_t *l, const struct look *look)
{
	struct table *t =
	    table_new(worker_columns, COUNT(worker_columns), look);
	const json_t *w;
	size_t i;

	json_array_foreach (json_object_get(l, "workers"), i, w) {
		cell_number(t, w, "slot");
		cell_number(t, w, "pid");
		cell_text(t, w, "state");
		cell_count(t, w, "connections");
		cell_duration(t, w, "uptime_ms");
		cell_count(t, w, "restarts");
	}
	table_end(&t, f);
}

static void
print_probe_sources(FILE *f, const json_t *sources, const struct look *look)
{
	struct table *t;
	const json_t *s;
	size_t i;

	if (json_array_size(sources) == 0)
		return;
	t = table_new(probe_columns, COUNT(probe_columns), look);
	json_array_foreach (sources, i, s) {
		cell_text(t, s, "address");
		cell_count(t, s, "count");
		cell_text(t, s, "last_seen");
	}
	(void)fputc('\n', f);
	table_end(&t, f);
}

void
detail_text(FILE *f, const json_t *l, const struct look *look)
{
	detail_text_members(f, l, look);
	(void)fputc('\n', f);
	detail_text_workers(f, l, look);
	print_probe_sources(f, json_object_get(l, "probe_sources"), look);
}
