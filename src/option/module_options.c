#include "option/module_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option/value.h"

#define NAME_SIZE 256 /* of an option, with its NUL */

/* Objects within objects; the control socket has its own bound. */
#define DEPTH_MAX 8

static int
check_name(const char *name, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (name[0] != '\0' && strlen(name) < NAME_SIZE &&
	    strchr(name, '=') == NULL)
		return 0;
	value_quote(name, quoted);
	return err_set(err, ERR_INVALID,
	    "%s is no name of an option: must have 1 to %d bytes and no \"=\"",
	    quoted, NAME_SIZE - 1);
}

/* Put an option that is new into options. */
static int
put(json_t *options, const char *name, json_t *value, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (check_name(name, err) == -1) {
		json_decref(value);
		return -1;
	}
	if (json_object_get(options, name) != NULL) {
		json_decref(value);
		value_quote(name, quoted);
		return err_set(err, ERR_INVALID, "%s is given twice", quoted);
	}
	if (json_object_set_new(options, name, value) == -1)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	return 0;
}

/* Put "name=value", of len bytes. */
static int
put_text(json_t *options, const char *text, size_t len, struct err *err)
{
	const char *equals = memchr(text, '=', len);
	char name[NAME_SIZE + 1], quoted[VALUE_QUOTE_SIZE];
	size_t name_len;

	if (equals == NULL || equals == text) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
		value_quote(name, quoted);
		return err_set(err, ERR_INVALID,
		    "%s is no option: must be name=value", quoted);
	}
	name_len = (size_t)(equals - text);
	(void)snprintf(name, sizeof(name), "%.*s", (int)name_len, text);
	return put(options, name, json_stringn(equals + 1, len - name_len - 1),
	    err);
}

int
module_options_check(const char *text, struct err *err)
{
	json_t *options = json_object();
	const int result = put_text(options, text, strlen(text), err);

	json_decref(options);
	return result;
}

static int
put_split(json_t *options, const char *text, struct err *err)
{
	size_t len;

	if (text[0] == '\0')
		return 0;
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (put_text(options, text, len, err) == -1)
			return -1;
		if (text[len] == '\0')
			return 0;
	}
}

static int
put_array(json_t *options, const json_t *value, struct err *err)
{
	const json_t *item;
	size_t i;

	for (i = 0; i < json_array_size(value); i++) {
		item = json_array_get(value, i);
		if (!json_is_string(item))
			return err_set(err, ERR_INVALID,
			    "entry %zu must be name=value in a string", i + 1);
		if (put_text(options, json_string_value(item),
			json_string_length(item), err) == -1)
			return -1;
	}
	return 0;
}

/* A value of JSON as text; NULL: it has none. */
static json_t *
value_text(const json_t *value)
{
	if (json_is_string(value))
		return json_string(json_string_value(value));
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value))
		return json_sprintf("%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	if (json_is_real(value))
		return json_sprintf("%.17g", json_real_value(value));
	return NULL;
}

static int
no_text(const char *name, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];

	value_quote(name, quoted);
	return err_set(err, ERR_INVALID,
	    "%s must be a string, a number, true or false", quoted);
}

/* before: the name that the names in object follow, or "". */
static int
put_object(json_t *options, const json_t *object, const char *before,
    unsigned int depth, struct err *err)
{
	char name[NAME_SIZE + 1];
	const char *key;
	json_t *value, *text;
	int result;

	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		(void)snprintf(name, sizeof(name), "%s%s%s", before,
		    before[0] == '\0' ? "" : ".", key);
		if (json_is_object(value) && depth < DEPTH_MAX)
			result =
			    put_object(options, value, name, depth + 1, err);
		else if ((text = value_text(value)) != NULL)
			result = put(options, name, text, err);
		else
			result = no_text(name, err);
		if (result == -1)
			return -1;
	}
	return 0;
}

/* --- the plan --- */

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int
append(struct module_plan *p, const char *text)
{
	const size_t len = strlen(text) + 1;

	if (len > sizeof(p->texts) - p->size)
		return -1;
	memcpy(p->texts + p->size, text, len);
	p->size += (uint32_t)len;
	return 0;
}

static int
fill(struct module_plan *p, const json_t *options, struct err *err)
{
	const char *names[MODULE_OPTIONS_MAX], *key;
	size_t count = 0, i;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)options, key, value)
		names[count++] = key;
	qsort(names, count, sizeof(names[0]), by_name);
	for (i = 0; i < count; i++)
		if (append(p, names[i]) == -1 ||
		    append(p,
			json_string_value(
			    json_object_get(options, names[i]))) == -1)
			return err_set(err, ERR_INVALID,
			    "are too long: must have at most %d bytes "
			    "together",
			    MODULE_OPTIONS_SIZE);
	p->options = (uint32_t)count;
	return 0;
}

json_t *
module_options_make(const struct option *o, const json_t *value,
    struct module_plan *plan, struct err *err)
{
	json_t *options = json_object();
	int result;

	if (json_is_object(value))
		result = put_object(options, value, "", 0, err);
	else if (json_is_array(value))
		result = put_array(options, value, err);
	else if (json_is_string(value))
		result = put_split(options, json_string_value(value), err);
	else
		result = err_set(err, ERR_INVALID, "must be %s",
		    option_type_wants(o->type));
	if (result == 0 && json_object_size(options) > o->max)
		result = err_set(err, ERR_INVALID,
		    "has too many entries: must be at most %u",
		    (unsigned int)o->max);
	if (result == 0)
		result = fill(plan, options, err);
	if (result == 0)
		return options;
	json_decref(options);
	return NULL;
}
