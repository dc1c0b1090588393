#include "json/fields.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

json_t *
field_string(const char *text, size_t size)
{
	const size_t len = strnlen(text, size);
	json_t *s = json_stringn(text, len);
	char *plain;
	size_t i;

	if (s != NULL)
		return s;
	plain = malloc(len + 1);
	if (plain == NULL)
		return NULL;
	for (i = 0; i < len; i++)
		plain[i] = (text[i] & 0x80) ? '?' : text[i];
	s = json_stringn(plain, len);
	free(plain);
	return s;
}

json_t *
field_string_or_null(const char *text, size_t size)
{
	return text[0] == '\0' ? json_null() : field_string(text, size);
}

json_t *
field_number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *
field_number_or_null(uint64_t n)
{
	return n == 0 ? json_null() : field_number(n);
}

json_t *
field_known_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

json_t *
field_time(uint64_t real_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	if (real_ms == 0)
		return json_null();
	clock_format(real_ms, text);
	return json_string(text);
}

const char *
field_word(const char *word)
{
	return word == NULL ? "unknown" : word;
}
