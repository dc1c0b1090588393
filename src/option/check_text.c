#include "option/check_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/hex.h"

static const struct {
	char letter;
	uint8_t byte;
} escapes[] = { { 'r', '\r' }, { 'n', '\n' }, { 't', '\t' }, { '\\', '\\' } };
#define ESCAPES (sizeof(escapes) / sizeof(escapes[0]))

/* The byte behind a backslash; how many letters it has, or 0: none. */
static size_t
unescape(const char *text, uint8_t *byte)
{
	int high, low;
	size_t i;

	for (i = 0; i < ESCAPES; i++)
		if (text[0] == escapes[i].letter) {
			*byte = escapes[i].byte;
			return 1;
		}
	if (text[0] != 'x' || (high = hex_digit(text[1])) == -1 ||
	    (low = hex_digit(text[2])) == -1)
		return 0;
	*byte = (uint8_t)(high * 16 + low);
	return 3;
}

int
check_text_parse(const char *text, struct check_text *out, struct err *err)
{
	struct check_text made = { 0 };
	uint8_t byte;
	size_t n;

	while (*text != '\0') {
		byte = (uint8_t)*text++;
		if (byte == '\\') {
			n = unescape(text, &byte);
			if (n == 0)
				return err_set(err, ERR_INVALID,
				    "has a backslash without a meaning: must "
				    "be \\r, \\n, \\t, \\\\ or \\xHH");
			text += n;
		}
		if (made.size == sizeof(made.bytes))
			return err_set(err, ERR_INVALID,
			    "is too long: must have at most %zu bytes",
			    sizeof(made.bytes));
		made.bytes[made.size++] = byte;
	}
	*out = made;
	return 0;
}

void
check_text_format(const struct check_text *t,
    char out[static CHECK_TEXT_WRITTEN])
{
	size_t i, k, used = 0;

	out[0] = '\0';
	for (i = 0; i < t->size && i < sizeof(t->bytes); i++) {
		for (k = 0; k < ESCAPES; k++)
			if (t->bytes[i] == escapes[k].byte)
				break;
		if (k < ESCAPES)
			used += (size_t)snprintf(out + used,
			    CHECK_TEXT_WRITTEN - used, "\\%c",
			    escapes[k].letter);
		else if (t->bytes[i] < 0x20 || t->bytes[i] > 0x7e)
			used += (size_t)snprintf(out + used,
			    CHECK_TEXT_WRITTEN - used, "\\x%02x", t->bytes[i]);
		else {
			out[used++] = (char)t->bytes[i];
			out[used] = '\0';
		}
	}
}
