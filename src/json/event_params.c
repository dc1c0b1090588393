#include "json/event_params.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/event.h"
#include "option/value.h"

/* A param that takes words of a closed set; a bit stands for each. */
struct words {
	const char *key;
	unsigned int count;
	const char *(*name)(unsigned int);
};

static const struct words types = { "type", EVENT_TYPE_COUNT, event_type_name };
static const struct words severities = { "severity", EVENT_SEVERITY_COUNT,
	event_severity_name };
_Static_assert(EVENT_TYPE_COUNT <= 64 && EVENT_SEVERITY_COUNT <= 32,
    "a bit for each");

/* Always returns -1. */
static int __attribute__((format(printf, 2, 3)))
fail(char why[static EVENT_PARAMS_TEXT_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, EVENT_PARAMS_TEXT_SIZE, fmt, ap);
	va_end(ap);
	return -1;
}

/* Does word, of len bytes, mean name? "worker" and "worker.*" are a family. */
static bool
means(const char *word, size_t len, const char *name)
{
	const bool starred = len > 2 && strncmp(word + len - 2, ".*", 2) == 0;

	if (starred)
		len -= 2;
	if (strncmp(word, name, len) != 0)
		return false;
	return name[len] == '.' || (name[len] == '\0' && !starred);
}

static int
unknown(const struct words *w, const char *word, size_t len,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	char cut[128], quoted[VALUE_QUOTE_SIZE], list[EVENT_PARAMS_TEXT_SIZE];
	size_t used = 0;
	unsigned int i;

	(void)snprintf(cut, sizeof(cut), "%.*s", len > 100 ? 100 : (int)len,
	    word);
	value_quote(cut, quoted);
	for (i = 0; i < w->count && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", i == 0 ? "" : ", ", w->name(i));
	return fail(why, "%s: there is no %s; there are %s", w->key, quoted,
	    list);
}

/* Add what words with commas between them mean. */
static int
add_words(const struct words *w, const char *text, uint64_t *bits,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	uint64_t found;
	unsigned int i;
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		found = 0;
		for (i = 0; len > 0 && i < w->count; i++)
			if (means(text, len, w->name(i)))
				found |= (uint64_t)1 << i;
		if (found == 0)
			return unknown(w, text, len, why);
		*bits |= found;
		if (text[len] == '\0')
			return 0;
	}
}

/* A string or an array of strings; 0 where there is none. */
static int
read_words(const struct words *w, const json_t *params, uint64_t *bits,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	const json_t *value = json_object_get(params, w->key), *word;
	size_t i;

	*bits = 0;
	if (json_is_string(value))
		return add_words(w, json_string_value(value), bits, why);
	json_array_foreach (value, i, word)
		if (add_words(w, json_string_value(word), bits, why) == -1)
			return -1;
	if (value != NULL && *bits == 0)
		return fail(why, "%s: the array is empty", w->key);
	return 0;
}

int
event_params_filter(const json_t *params, struct event_filter *out,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	const char *listener =
	    json_string_value(json_object_get(params, "listener"));
	uint64_t bits;
	struct err err;

	memset(out, 0, sizeof(*out));
	if (listener != NULL &&
	    spec_check_name("listener", listener, &err) == -1)
		return fail(why, "%s", err.text);
	if (listener != NULL)
		(void)snprintf(out->listener, sizeof(out->listener), "%s",
		    listener);
	if (read_words(&types, params, &out->types, why) == -1 ||
	    read_words(&severities, params, &bits, why) == -1)
		return -1;
	out->severities = (uint32_t)bits;
	return 0;
}

int
event_params_number(const json_t *params, const char *key,
    const uint64_t range[static 2], uint64_t *out,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	const json_t *value = json_object_get(params, key);
	const json_int_t n = json_integer_value(value);

	if (value == NULL)
		return 0;
	if (n < 0 || (uint64_t)n < range[0] || (uint64_t)n > range[1])
		return fail(why, "%s: must be from %" PRIu64 " to %" PRIu64,
		    key, range[0], range[1]);
	*out = (uint64_t)n;
	return 0;
}
