#include "config/config_section.h"

#include <stdio.h>
#include <string.h>

#include "option/option.h"
#include "option/tls_section.h"

static bool
is_in(const struct config_place *p, const char *section)
{
	return strcmp(p->section, section) == 0;
}

int
config_section_table(const struct config_place *p)
{
	if (is_in(p, "daemon"))
		return OPTION_DAEMON;
	if (is_in(p, "listener"))
		return OPTION_LISTENER;
	if (is_in(p, "store"))
		return OPTION_STORE;
	if (is_in(p, "gateway"))
		return OPTION_GATEWAY;
	if (is_in(p, "proxy"))
		return OPTION_PROXY;
	if (is_in(p, "exec"))
		return OPTION_EXEC;
	if (is_in(p, "module"))
		return OPTION_MODULE;
	return is_in(p, "group") ? OPTION_GROUP : -1;
}

bool
config_section_is_tls(const struct config_place *p)
{
	return is_in(p, "tls") || is_in(p, "sni") || is_in(p, "proxy.tls");
}

static enum tls_section_kind
tls_kind(const struct config_place *p)
{
	if (is_in(p, "sni"))
		return TLS_SECTION_SNI;
	return is_in(p, "tls") ? TLS_SECTION_LISTENER : TLS_SECTION_UPSTREAM;
}

/* Is it the section of a protocol? */
static bool
is_protocol(const struct config_place *p)
{
	return is_in(p, "proxy") || is_in(p, "exec") || is_in(p, "module");
}

int
config_section_check(const struct config_place *p, const char *key,
    const char *value, struct err *err)
{
	if (config_section_is_tls(p))
		return tls_section_check_value(tls_kind(p), key, value, err);
	return option_check_value((enum option_section)config_section_table(p),
	    key, value, err);
}

void
config_section_label(const struct config_place *p, const char *key,
    char out[static CONFIG_LABEL_SIZE])
{
	if (is_in(p, "sni"))
		(void)snprintf(out, CONFIG_LABEL_SIZE, "tls.sni \"%.255s\": %s",
		    p->title, key);
	else if (config_section_is_tls(p) || is_protocol(p))
		(void)snprintf(out, CONFIG_LABEL_SIZE, "%s.%s", p->section,
		    key);
	else
		(void)snprintf(out, CONFIG_LABEL_SIZE, "%s", key);
}

/* --- lines --- */

static unsigned int
line_of(const struct config_section *s, const char *label, size_t len)
{
	return (unsigned int)json_integer_value(
	    json_object_getn(s->lines, label, len));
}

unsigned int
config_section_take_line(struct config_section *s, const char *label,
    unsigned int line)
{
	const unsigned int before = line_of(s, label, strlen(label));

	if (before != 0)
		return before;
	if (s->lines == NULL)
		s->lines = json_object();
	(void)json_object_set_new(s->lines, label, json_integer(line));
	return 0;
}

/*
 * A label has one colon at most; the longest that is there. Of an option that
 * is missing it is the section that should have it.
 */
unsigned int
config_section_line_of(const struct config_section *s, const struct err *err)
{
	const char *text = err->text;
	const size_t first = strcspn(text, ":");
	size_t second = first, len = first;
	unsigned int line;

	if (text[first] != '\0')
		second += 1 + strcspn(text + first + 1, ":");
	line = line_of(s, text, second);
	for (; line == 0 && len > 0; len--)
		if (text[len] == '.' || len == first)
			line = line_of(s, text, len);
	return line;
}

/* --- values --- */

/* The object called key in parent, made if it is new. */
static json_t *
nested(json_t *parent, const char *key)
{
	json_t *object = json_object_get(parent, key);

	if (object == NULL) {
		object = json_object();
		if (json_object_set_new(parent, key, object) == -1)
			return NULL;
	}
	return object;
}

json_t *
config_section_options(struct config_section *s, const struct config_place *p)
{
	if (s->options == NULL)
		s->options = json_object();
	if (is_in(p, "tls") || is_protocol(p))
		return nested(s->options, p->section);
	if (is_in(p, "proxy.tls"))
		return nested(nested(s->options, "proxy"), "tls");
	if (is_in(p, "sni"))
		return nested(nested(nested(s->options, "tls"), "sni"),
		    p->title);
	return s->options;
}

/* One more text in an array of the object. */
static int
append(json_t *object, const char *name, const char *value)
{
	json_t *array = json_object_get(object, name);

	if (array == NULL) {
		array = json_array();
		if (json_object_set_new(object, name, array) == -1)
			return -1;
	}
	return json_array_append_new(array, json_string(value));
}

/* One more child of a group. */
static int
keep_child(struct config_section *s, const char *value, unsigned int line)
{
	if (s->children == NULL) {
		s->children = json_array();
		s->children_lines = json_array();
	}
	if (json_array_append_new(s->children, json_string(value)) == -1)
		return -1;
	return json_array_append_new(s->children_lines, json_integer(line));
}

int
config_section_keep_item(struct config_section *s, const struct config_place *p,
    const char *key, const char *value, unsigned int line)
{
	if (is_in(p, "group"))
		return keep_child(s, value, line);
	return append(config_section_options(s, p), key, value);
}

int
config_section_keep(struct config_section *s, const struct config_place *p,
    const char *key, const char *value)
{
	return json_object_set_new(config_section_options(s, p), key,
	    json_string(value));
}

void
config_section_clear(struct config_section *s)
{
	json_decref(s->options);
	json_decref(s->lines);
	json_decref(s->children);
	json_decref(s->children_lines);
	memset(s, 0, sizeof(*s));
}
