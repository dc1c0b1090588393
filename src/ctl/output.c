#include "ctl/output.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"

void
output_duration(uint64_t ms, char out[static OUTPUT_HUMAN_SIZE])
{
	const uint64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

	if (s == 0)
		(void)snprintf(out, OUTPUT_HUMAN_SIZE, "%" PRIu64 "ms", ms);
	else if (m == 0)
		(void)snprintf(out, OUTPUT_HUMAN_SIZE, "%" PRIu64 "s", s);
	else if (h == 0)
		(void)snprintf(out, OUTPUT_HUMAN_SIZE,
		    "%" PRIu64 "m%02" PRIu64 "s", m, s % 60);
	else if (d == 0)
		(void)snprintf(out, OUTPUT_HUMAN_SIZE,
		    "%" PRIu64 "h%02" PRIu64 "m", h, m % 60);
	else
		(void)snprintf(out, OUTPUT_HUMAN_SIZE,
		    "%" PRIu64 "d%02" PRIu64 "h", d, h % 24);
}

void
output_bytes(uint64_t bytes, char out[static OUTPUT_HUMAN_SIZE])
{
	static const char units[] = "kMGTPE";
	double n = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(out, OUTPUT_HUMAN_SIZE, "%" PRIu64, bytes);
		return;
	}
	/* Never "1024k": what would round up to that is the next unit. */
	for (n /= 1024; n >= 1023.5; n /= 1024)
		unit++;
	(void)snprintf(out, OUTPUT_HUMAN_SIZE, "%.*f%c", n < 9.95 ? 1 : 0, n,
	    units[unit]);
}

/* Is the character at p one that a terminal obeys? C1 is U+0080 to U+009F. */
static bool
is_control(const unsigned char *p)
{
	return p[0] < 0x20 || p[0] == 0x7f ||
	    (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
}

static char *
add_hex(char *to, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = 'x';
	*to++ = digits[c >> 4];
	*to++ = digits[c & 15];
	return to;
}

char *
output_escape(const char *text, bool keep_lines)
{
	const unsigned char *p = (const unsigned char *)text;
	char *out = malloc(4 * strlen(text) + 1), *to = out;

	if (out == NULL)
		return NULL;
	for (; *p != '\0'; p++) {
		if (!is_control(p) || (keep_lines && *p == '\n')) {
			*to++ = (char)*p;
			continue;
		}
		to = add_hex(to, *p);
		if (*p == 0xc2)
			to = add_hex(to, *++p);
	}
	*to = '\0';
	return out;
}

static char *
escape_or_die(const char *text)
{
	char *escaped = output_escape(text, false);

	if (escaped == NULL)
		err(CTL_REFUSED, NULL);
	return escaped;
}

void
output_text(FILE *f, const char *text)
{
	char *escaped = escape_or_die(text);

	(void)fputs(escaped, f);
	free(escaped);
}

size_t
output_width(const char *text)
{
	size_t n = 0;

	/* Bytes that do not continue a character. */
	for (; *text != '\0'; text++)
		if ((*text & 0xc0) != 0x80)
			n++;
	return n;
}

void
output_spaces(FILE *f, size_t count)
{
	while (count-- > 0)
		(void)fputc(' ', f);
}

void
output_grouped(uint64_t n, char out[static OUTPUT_GROUPED_SIZE])
{
	char digits[OUTPUT_GROUPED_SIZE];
	const int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	int i;

	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
}

bool
output_has_colour(FILE *f)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fileno(f)) && (no == NULL || no[0] == '\0');
}

/* How a state looks by its first word; NULL: as it is. */
static const char *
state_colour(const char *state)
{
	static const struct {
		const char *state;
		const char *colour;
	} colours[] = {
		{ "listening", "\033[32m" },
		{ "running", "\033[32m" },
		{ "starting", "\033[33m" },
		{ "degraded", "\033[33m" },
		{ "retrying", "\033[33m" },
		{ "paused", "\033[33m" },
		{ "draining", "\033[33m" },
		{ "stopping", "\033[33m" },
		{ "waiting", "\033[33m" },
		{ "finishing", "\033[33m" },
		{ "backoff", "\033[31m" },
		{ "down", "\033[31m" },
		{ "failed", "\033[31m" },
	};
	const size_t len = strcspn(state, " ");
	size_t i;

	for (i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strlen(colours[i].state) == len &&
		    strncmp(colours[i].state, state, len) == 0)
			return colours[i].colour;
	return NULL;
}

void
output_state(FILE *f, const char *state, bool colour)
{
	const char *on = colour ? state_colour(state) : NULL;

	if (on != NULL)
		(void)fputs(on, f);
	output_text(f, state);
	if (on != NULL)
		(void)fputs("\033[0m", f);
}

void
output_json(FILE *f, const json_t *value)
{
	(void)json_dumpf(value, f, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	(void)fputc('\n', f);
}

int
output_flush(bool *over, struct failure *f)
{
	if (fflush(stdout) != EOF)
		return 0;
	*over = true;
	if (errno == EPIPE || errno == EINTR)
		return 0;
	return client_fail(f, CTL_REFUSED, "standard output: %s",
	    strerror(errno));
}
