#include "ctl/frame.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/cell.h"
#include "ctl/client.h"
#include "ctl/detail_text.h"
#include "ctl/listener_text.h"
#include "ctl/order.h"
#include "ctl/output.h"
#include "ctl/status_text.h"
#include "ctl/store_text.h"
#include "ctl/table.h"
#include "ctl/units.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* "03:12:45Z": within "2026-01-31T03:12:45.123Z". */
#define TIME_AT 11
#define TIME_LEN 8

#define ALARM "\033[1;7;31m"
#define RESET "\033[0m"

/* Kinds of states that are counted apart; there are not so many. */
#define STATES_MAX 24

/* At most one in so many lines is about why the one above is not well. */
#define NOTES_PART 3

/* clang-format off */
static const struct column columns[] = {
	{ "NAME", COLUMN_NAME, COLUMN_ALWAYS, 0, 16, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 0, 14, 9 },
	{ "CONNS", COLUMN_RIGHT, COLUMN_ALWAYS, 1, 0, 5 },
	{ "ACCEPT/S", COLUMN_RIGHT, COLUMN_ALWAYS, 3, 0, 8 },
	{ "IN/S", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 8 },
	{ "OUT/S", COLUMN_RIGHT, COLUMN_ALWAYS, 5, 0, 8 },
	{ "ERRORS/S", COLUMN_RIGHT, COLUMN_ALWAYS, 2, 0, 8 },
	{ "ACCEPTED", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "IN", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "OUT", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "ERRORS", COLUMN_RIGHT, COLUMN_WIDE, 0, 0, 0 },
	{ "RESTARTS", COLUMN_RIGHT, COLUMN_ALWAYS, 6, 0, 0 },
	{ "ADDRESS", COLUMN_NAME, COLUMN_ALWAYS, 7, 21, 0 },
	{ "PROTOCOL", COLUMN_LEFT, COLUMN_ALWAYS, 8, 0, 0 },
};
/* clang-format on */

static FILE *
open_text(char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);

	if (f == NULL)
		err(CTL_REFUSED, NULL);
	return f;
}

static void
close_text(FILE *f)
{
	if (fclose(f) == EOF)
		err(CTL_REFUSED, NULL);
}

static void
print_time(FILE *f, uint64_t real_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format(real_ms, text);
	(void)fprintf(f, "%.*sZ", TIME_LEN, text + TIME_AT);
}

/*
 * The time of what follows. When that is old: first that it is, since when,
 * and why.
 */
static void
print_times(FILE *f, const struct frame *m)
{
	char since[UNITS_SIZE];

	if (m->trouble != NULL) {
		units_duration(m->now_ms - m->answer_at_ms, since);
		print_time(f, m->now_real_ms);
		(void)fprintf(f,
		    "  %sNO ANSWER FOR %s%s: ", m->look.colour ? ALARM : "",
		    since, m->look.colour ? RESET : "");
		output_text(f, m->trouble);
		(void)fputc('\n', f);
	}
	print_time(f, m->trouble == NULL ? m->now_real_ms : m->answer_real_ms);
	(void)fputs("  ", f);
}

/* A cell with a rate; "-": it is not known. */
static void
add_rate(struct table *t, const struct rates *r, double per_s,
    void (*format)(double, char[static UNITS_SIZE]))
{
	char text[UNITS_SIZE] = "-";

	if (r->known && table_is_wide(t))
		(void)snprintf(text, sizeof(text), "%.3f", per_s);
	else if (r->known)
		format(per_s, text);
	table_add(t, "%s", text);
}

static void
add_listener(struct table *t, const struct frame *m, const json_t *l)
{
	const struct rates r =
	    rates_of(m->before, m->answer, l, m->answer_at_ms);
	char text[LISTENER_PLACE_SIZE];

	cell_text(t, l, "name");
	listener_state(l, text);
	table_add(t, "%s", text);
	cell_count(t, l, "connections");
	add_rate(t, &r, r.accepted, units_rate);
	add_rate(t, &r, r.bytes_in, units_byte_rate);
	add_rate(t, &r, r.bytes_out, units_byte_rate);
	add_rate(t, &r, r.errors, units_rate);
	cell_number(t, l, "accepted");
	cell_number(t, l, "bytes_in");
	cell_number(t, l, "bytes_out");
	table_add(t, "%" PRIu64, listener_errors(l));
	cell_count(t, l, "restarts");
	listener_place(l, text);
	table_add(t, "%s", text);
	listener_protocol(l, text);
	table_add(t, "%s", text);
}

/* How many are in which state. */
static void
print_states(FILE *f, const json_t *const *l, size_t count, bool colour)
{
	char states[STATES_MAX][LISTENER_STATE_SIZE];
	char text[LISTENER_STATE_SIZE + UNITS_SIZE];
	size_t counts[STATES_MAX] = { 0 }, kinds = 0, i, k;

	for (i = 0; i < count; i++) {
		listener_state(l[i], text);
		for (k = 0; k < kinds && strcmp(states[k], text) != 0;)
			k++;
		if (k == STATES_MAX)
			continue;
		if (k == kinds)
			(void)snprintf(states[kinds++], sizeof(states[0]),
			    "%.*s", LISTENER_STATE_SIZE - 1, text);
		counts[k]++;
	}
	for (k = 0; k < kinds; k++) {
		(void)snprintf(text, sizeof(text), "%zu %s", counts[k],
		    states[k]);
		(void)fputs(k == 0 ? "" : ", ", f);
		output_state_as(f, text, states[k], colour);
	}
}

/* "12.3k connections, 120 accept/s, 0 errors/s, 1.2 MiB/s in, ..." */
static void
print_sums(FILE *f, const struct frame *m, const json_t *const *l, size_t count)
{
	char conns[UNITS_SIZE], accepted[UNITS_SIZE], errors[UNITS_SIZE];
	char in[UNITS_SIZE], out[UNITS_SIZE];
	struct rates sum = { 0 }, one;
	uint64_t open = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		one = rates_of(m->before, m->answer, l[i], m->answer_at_ms);
		rates_add(&sum, &one);
		open += listener_number(l[i], "connections");
	}
	units_count(open, conns);
	(void)fprintf(f, "%s connection%s", conns, open == 1 ? "" : "s");
	if (sum.known) {
		units_rate(sum.accepted, accepted);
		units_byte_rate(sum.bytes_in, in);
		units_byte_rate(sum.bytes_out, out);
		units_rate(sum.errors, errors);
		(void)fprintf(f,
		    ", %s accept/s, %s errors/s, %s/s in, %s/s out", accepted,
		    errors, in, out);
	}
	(void)fputc('\n', f);
}

/* What stands above the listeners. */
static void
print_head(FILE *f, const struct frame *m, const json_t *const *l, size_t count)
{
	const json_t *store = json_object_get(m->answer, "store");

	status_text_head(f, m->answer, &m->look);
	(void)fputc('\n', f);
	status_text_ready(f, m->answer, &m->look);
	if (!store_text_is_well(store))
		store_text(f, store, m->look.colour);
	if (count == 0) {
		(void)fputs("no listeners\n", f);
		return;
	}
	(void)fprintf(f, "%zu listener%s: ", count, count == 1 ? "" : "s");
	print_states(f, l, count, m->look.colour);
	(void)fputc('\n', f);
	print_sums(f, m, l, count);
}

/* How many of the listeners have a note, from the first on? */
static size_t
count_notes(const json_t *const *l, size_t count)
{
	char reason[LISTENER_REASON_SIZE];
	size_t i, n = 0;

	for (i = 0; i < count && order_is_wrong(l[i]); i++)
		n += listener_reason(l[i], reason);
	return n;
}

/*
 * Into a room of so many lines go how many listeners, and how many notes? A
 * line is for those that are left out. room 0: for all.
 */
static void
share_room(size_t room, size_t count, size_t *shown, size_t *notes)
{
	*shown = count;
	if (room == 0 || count + *notes <= room)
		return;
	if (*notes > room / NOTES_PART)
		*notes = room / NOTES_PART;
	if (count + *notes > room)
		*shown = room - *notes > 1 ? room - *notes - 1 : 0;
}

/* Print what fits into room lines below the titles; 0: all. */
static void
print_table(FILE *f, const struct frame *m, const json_t *const *l,
    size_t count, size_t room)
{
	struct table *t = table_new(columns, COUNT(columns), &m->look);
	size_t notes = count_notes(l, count), shown, i;
	char reason[LISTENER_REASON_SIZE];

	share_room(room, count, &shown, &notes);
	for (i = 0; i < shown; i++) {
		add_listener(t, m, l[i]);
		if (notes > 0 && listener_reason(l[i], reason)) {
			table_note(t, reason);
			notes--;
		}
	}
	table_end(&t, f);
	if (shown == count)
		return;
	(void)fprintf(f, "%zu more: ", count - shown);
	print_states(f, l + shown, count - shown, m->look.colour);
	(void)fputc('\n', f);
}

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* Old figures have no colour: green would say that all is well. */
static struct frame
figures_of(const struct frame *m)
{
	struct frame figures = *m;

	if (m->trouble != NULL)
		figures.look.colour = false;
	return figures;
}

static void
print_daemon(FILE *f, const struct frame *m)
{
	const struct frame figures = figures_of(m);
	const json_t *listeners = json_object_get(m->answer, "listeners");
	const json_t **sorted;
	char *head = NULL;
	size_t count, len, used;
	FILE *h;

	sorted = order_listeners(listeners, &count);
	h = open_text(&head, &len);
	print_times(h, m);
	print_head(h, &figures, sorted, count);
	close_text(h);
	(void)fputs(head, f);
	used = count_lines(head) + 1; /* and the titles */
	if (count > 0 && (m->height == 0 || m->height > used))
		print_table(f, &figures, sorted, count,
		    m->height == 0 ? 0 : m->height - used);
	free(head);
	free(sorted);
}

/* The lines of text that fit, and how many don't. */
static void
print_lines(FILE *f, const char *text, size_t height)
{
	const size_t count = count_lines(text);
	size_t left = height == 0 || count <= height ? count : height - 1;
	const size_t hidden = count - left;

	for (; left > 0; left--) {
		const char *end = strchr(text, '\n') + 1;

		(void)fwrite(text, 1, (size_t)(end - text), f);
		text = end;
	}
	if (hidden > 0)
		(void)fprintf(f, "%zu more lines\n", hidden);
}

/* All that is known of a listener, the figures first. */
static void
print_listener(FILE *f, const struct frame *m)
{
	const struct frame figures = figures_of(m);
	const json_t *one[] = { m->answer };
	char *text = NULL;
	size_t len;
	FILE *h = open_text(&text, &len);

	print_times(h, m);
	(void)fputs("listener ", h);
	output_text(h, listener_string(m->answer, "name"));
	(void)fputc('\n', h);
	print_table(h, &figures, one, 1, 0);
	(void)fputc('\n', h);
	detail_text_workers(h, m->answer, &figures.look);
	(void)fputc('\n', h);
	detail_text_members(h, m->answer, &figures.look);
	close_text(h);
	print_lines(f, text, m->height);
	free(text);
}

void
frame_print(FILE *f, const struct frame *m)
{
	if (json_object_get(m->answer, "listeners") != NULL)
		print_daemon(f, m);
	else
		print_listener(f, m);
}
