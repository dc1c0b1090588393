#include "pool/printable.h"

#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

#define CHARACTER_MAX 4

/* Length of the character at data, 0 if there is none; reads len at most. */
static size_t
character_length(const uint8_t *data, size_t len)
{
	char text[CHARACTER_MAX + 1] = "";

	memcpy(text, data, len < CHARACTER_MAX ? len : CHARACTER_MAX);
	return utf8_length(text);
}

int
printable(const uint8_t *data, size_t len, char *out, size_t size)
{
	char unit[CHARACTER_MAX + 1] = "";
	size_t i, n, unit_len, used = 0;

	for (i = 0; i < len; i += n) {
		n = character_length(data + i, len - i);
		if (n == 0 || data[i] == '\\') {
			n = 1;
			(void)snprintf(unit, sizeof(unit),
			    data[i] == '\\' ? "\\\\" : "\\x%02x", data[i]);
			unit_len = strlen(unit);
		} else {
			memcpy(unit, data + i, n);
			unit_len = n;
		}
		if (unit_len >= size - used)
			break;
		memcpy(out + used, unit, unit_len);
		used += unit_len;
	}
	out[used] = '\0';
	return i < len ? -1 : 0;
}
