#include "ctl/store_text.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/units.h"

/* A shorter while is of no interest. */
#define WAL_HELD_MS 1000

/* A reader, such as sqlite3(1), keeps the log from being emptied. */
static void
print_wal(FILE *f, const json_t *store, bool colour)
{
	const uint64_t held_ms = listener_number(store, "wal_held_ms");
	char time[UNITS_SIZE], size[UNITS_SIZE], text[128];

	if (held_ms < WAL_HELD_MS)
		return;
	units_duration(held_ms, time);
	units_bytes(listener_number(store, "wal_bytes"), size);
	(void)snprintf(text, sizeof(text),
	    "a reader has held its write-ahead log for %s, it has grown to %s",
	    time, size);
	(void)fputs("; ", f);
	output_alarm(f, text, false, colour);
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
	output_alarm(f, trouble, true, colour);
	if (error == NULL)
		return;
	(void)fputs(": ", f);
	output_alarm(f, error, true, colour);
}

void
store_text(FILE *f, const json_t *store, bool colour)
{
	char events[UNITS_SIZE], dropped[UNITS_SIZE];

	if (!json_is_object(store))
		return;
	units_grouped(listener_number(store, "events"), events);
	units_grouped(listener_number(store, "dropped"), dropped);
	(void)fputs("store: ", f);
	output_state(f, listener_string(store, "state"), colour);
	(void)fprintf(f, ", %s events written", events);
	if (listener_number(store, "dropped") > 0)
		(void)fprintf(f, ", %s dropped", dropped);
	print_trouble(f, store, colour);
	print_wal(f, store, colour);
	(void)fputc('\n', f);
}

bool
store_text_is_well(const json_t *store)
{
	return !json_is_object(store) ||
	    (strcmp(listener_string(store, "state"), "running") == 0 &&
		!json_is_string(json_object_get(store, "trouble")) &&
		listener_number(store, "wal_held_ms") < WAL_HELD_MS);
}
