#include "ctl/output.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"

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

void
output_spaces(FILE *f, size_t count)
{
	while (count-- > 0)
		(void)fputc(' ', f);
}

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"

/* How a state looks by its first word; NULL: as it is. */
static const char *
word_colour(const char *state)
{
	static const struct {
		const char *state;
		const char *colour;
	} colours[] = {
		{ "listening", GREEN },
		{ "running", GREEN },
		{ "starting", YELLOW },
		{ "degraded", YELLOW },
		{ "retrying", YELLOW },
		{ "paused", YELLOW },
		{ "draining", YELLOW },
		{ "stopping", YELLOW },
		{ "waiting", YELLOW },
		{ "finishing", YELLOW },
		{ "backoff", RED },
		{ "down", RED },
		{ "failed", RED },
	};
	const size_t len = strcspn(state, " ");
	size_t i;

	for (i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strlen(colours[i].state) == len &&
		    strncmp(colours[i].state, state, len) == 0)
			return colours[i].colour;
	return NULL;
}

/* A good state with a remark, such as "listening (drained)", is not quite. */
static const char *
state_colour(const char *state)
{
	const char *colour = word_colour(state);

	if (colour != NULL && strcmp(colour, GREEN) == 0 &&
	    strstr(state, " (") != NULL)
		return YELLOW;
	return colour;
}

void
output_state_as(FILE *f, const char *text, const char *state, bool colour)
{
	const char *on = colour ? state_colour(state) : NULL;

	if (on != NULL)
		(void)fputs(on, f);
	output_text(f, text);
	if (on != NULL)
		(void)fputs("\033[0m", f);
}

void
output_state(FILE *f, const char *state, bool colour)
{
	output_state_as(f, state, state, colour);
}

void
output_alarm(FILE *f, const char *text, bool is_bad, bool colour)
{
	if (colour)
		(void)fputs(is_bad ? RED : YELLOW, f);
	output_text(f, text);
	if (colour)
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
