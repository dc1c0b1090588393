#include "ctl/trace_text.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/output.h"
#include "ctl/trace_note.h"

#define LINE_BYTES 16u

void
trace_text_time(uint64_t at_us, char out[static TRACE_TEXT_TIME_SIZE])
{
	char ms[CLOCK_RFC3339_SIZE];

	clock_format(at_us / 1000, ms);
	/* All but its Z, and three digits more. */
	(void)snprintf(out, TRACE_TEXT_TIME_SIZE, "%.*s%03uZ",
	    (int)(CLOCK_RFC3339_SIZE - 2), ms, (unsigned int)(at_us % 1000));
}

static void
put_hex(char *out, unsigned int byte)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = digits[byte >> 4];
	out[1] = digits[byte & 15];
}

static void
dump_line(FILE *f, size_t offset, const uint8_t *data, size_t len)
{
	/* Each byte has two digits and a blank, the ninth a blank before. */
	char hex[3 * LINE_BYTES + 2], seen[LINE_BYTES + 1];
	size_t i;

	memset(hex, ' ', sizeof(hex));
	for (i = 0; i < len; i++) {
		put_hex(hex + 3 * i + (i >= LINE_BYTES / 2), data[i]);
		seen[i] =
		    data[i] < 0x20 || data[i] > 0x7e ? '.' : (char)data[i];
	}
	seen[len] = '\0';
	hex[sizeof(hex) - 1] = '\0';
	(void)fprintf(f, "  %08zx  %s |%s|\n", offset, hex, seen);
}

void
trace_text_dump(FILE *f, const uint8_t *data, size_t len)
{
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = len - i < LINE_BYTES ? len - i : LINE_BYTES;
		dump_line(f, i, data + i, n);
	}
}

static void
print_data(FILE *f, const struct trace_note *n)
{
	(void)fprintf(f, " %s %zu byte%s\n", n->in ? "->" : "<-", n->len,
	    n->len == 1 ? "" : "s");
	trace_text_dump(f, n->data, n->len);
}

static void
print_closed(FILE *f, const struct trace_note *n)
{
	(void)fputs(" closed: ", f);
	output_text(f, n->reason);
	(void)fprintf(f, ", %" PRIu64 " bytes in, %" PRIu64 " out\n",
	    n->bytes_in, n->bytes_out);
}

static void
print_lost(FILE *f, const struct trace_note *n)
{
	(void)fprintf(f,
	    "lost %" PRIu64 " records, %" PRIu64 " bytes in, %" PRIu64
	    " out, of the worker in slot %" PRIu64 "\n",
	    n->records, n->bytes_in, n->bytes_out, n->slot);
}

static void
print_worker(FILE *f, const struct trace_note *n)
{
	(void)fprintf(f, "worker in slot %" PRIu64 ", pid %" PRIu64 ": ",
	    n->slot, n->pid);
	output_text(f, n->state);
	(void)fputc('\n', f);
}

static void
print_conn(FILE *f, const struct trace_note *n)
{
	output_text(f, n->id);
	(void)fputc(' ', f);
	output_text(f, n->peer == NULL ? "unix" : n->peer);
	if (n->kind == TRACE_NOTE_DATA)
		print_data(f, n);
	else if (n->kind == TRACE_NOTE_CLOSED)
		print_closed(f, n);
	else
		(void)fputs(" opened\n", f);
}

void
trace_text_print(FILE *f, const struct trace_note *n)
{
	char at[TRACE_TEXT_TIME_SIZE];

	if (n->kind == TRACE_NOTE_END || n->kind == TRACE_NOTE_OTHER)
		return;
	trace_text_time(n->at_us, at);
	(void)fprintf(f, "%s ", at);
	if (n->kind == TRACE_NOTE_LOST)
		print_lost(f, n);
	else if (n->kind == TRACE_NOTE_WORKER)
		print_worker(f, n);
	else
		print_conn(f, n);
}
