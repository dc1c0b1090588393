#include "option/section_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/exec_plan.h"
#include "common/proxy_plan.h"
#include "option/module_options.h"
#include "option/upstream.h"
#include "option/value.h"

#define BLANKS " \t"
#define RESOLVER_PORT 53u

/* Room for an entry of a text with commas. */
#define ENTRY_SIZE EXEC_TEXTS_SIZE

/*
 * Put an entry into its plan. Gives its one form, or NULL with *err; plan is
 * NULL when it is only checked.
 */
typedef json_t *add_fn(const char *text, void *plan, struct err *err);

static json_t *
no_memory(struct err *err)
{
	(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
	return NULL;
}

static json_t *
make_text(const char *text, struct err *err)
{
	json_t *made = json_string(text);

	return made == NULL ? no_memory(err) : made;
}

/* --- upstreams --- */

static int
check_new(const struct proxy_plan *p, const struct upstream_plan *u,
    struct err *err)
{
	uint32_t i;

	for (i = 0; i < p->upstreams_count; i++)
		if (strcmp(p->upstreams[i].name, u->name) == 0)
			return err_set(err, ERR_INVALID, "%s is given twice",
			    u->name);
	return 0;
}

static json_t *
add_upstream(const char *text, void *plan, struct err *err)
{
	struct upstream_plan u = { .weight = 1 };
	char made[UPSTREAM_TEXT_SIZE];
	struct proxy_plan *p = plan;

	if (p != NULL) {
		u.weight = p->weight;
		u.max_connections = p->max_connections;
		u.queue = p->queue;
	}
	if (upstream_parse(text, &u, made, err) == -1 ||
	    (p != NULL && check_new(p, &u, err) == -1))
		return NULL;
	if (p != NULL)
		memcpy(&p->upstreams[p->upstreams_count++], &u, sizeof(u));
	return make_text(made, err);
}

/* --- resolvers --- */

/* An address with or without a port, as "address:port". */
static int
parse_resolver(const char *text, char out[static RESOLVER_SIZE],
    struct err *err)
{
	char address[SPEC_ADDRESS_SIZE], joined[ADDR_TEXT_SIZE];
	uint16_t port = RESOLVER_PORT;
	union addr a;

	memset(address, 0, sizeof(address));
	if (strlen(text) < sizeof(address) && text[0] != '[' &&
	    strpbrk(text, ":.") != NULL && addr_parse(text, 0, &a) != 0)
		(void)strlcpy(address, text, sizeof(address));
	else if (value_place(text, address, &port, err) == -1)
		return -1;
	addr_join(address, port, joined);
	memset(out, 0, RESOLVER_SIZE);
	if (port != 0 && strlcpy(out, joined, RESOLVER_SIZE) < RESOLVER_SIZE)
		return 0;
	return err_set(err, ERR_INVALID,
	    "%s is no address of a name server, such as 127.0.0.1:53", joined);
}

static json_t *
add_resolver(const char *text, void *plan, struct err *err)
{
	struct proxy_plan *p = plan;
	char made[RESOLVER_SIZE];
	size_t i = 0;

	if (parse_resolver(text, made, err) == -1)
		return NULL;
	if (p == NULL)
		return make_text(made, err);
	while (i < RESOLVERS_MAX && p->resolvers[i][0] != '\0')
		if (strcmp(p->resolvers[i++], made) == 0) {
			(void)err_set(err, ERR_INVALID, "%s is given twice",
			    made);
			return NULL;
		}
	if (i < RESOLVERS_MAX)
		memcpy(p->resolvers[i], made, sizeof(made));
	return make_text(made, err);
}

/* --- a command --- */

static json_t *
add_to(struct exec_texts *t, const char *text, struct err *err)
{
	if (t == NULL || exec_texts_add(t, text) == 0)
		return make_text(text, err);
	(void)err_set(err, ERR_INVALID,
	    "is too long: must have at most %d bytes together",
	    EXEC_TEXTS_SIZE);
	return NULL;
}

static json_t *
add_word(const char *text, void *plan, struct err *err)
{
	struct exec_plan *p = plan;

	if (p != NULL && p->command.count == 0 &&
	    value_check_path(text, EXEC_TEXTS_SIZE, err) == -1)
		return NULL;
	return add_to(p == NULL ? NULL : &p->command, text, err);
}

/* --- variables --- */

static bool
is_variable(const char *text, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return len > 0 && strspn(text, letters) == len &&
	    !(text[0] >= '0' && text[0] <= '9');
}

static int
check_variable(const struct exec_plan *p, const char *text, struct err *err)
{
	const size_t len = strcspn(text, "=");
	char quoted[VALUE_QUOTE_SIZE];
	const char *at = NULL;

	value_quote(text, quoted);
	if (text[len] != '=' || !is_variable(text, len))
		return err_set(err, ERR_INVALID,
		    "%s is no variable: must be NAME=value, the name of "
		    "letters, digits and underscores",
		    quoted);
	while (p != NULL && (at = exec_texts_next(&p->environment, at)) != NULL)
		if (strncmp(at, text, len + 1) == 0)
			return err_set(err, ERR_INVALID, "%.*s is given twice",
			    (int)len, text);
	return 0;
}

static json_t *
add_variable(const char *text, void *plan, struct err *err)
{
	struct exec_plan *p = plan;

	if (check_variable(p, text, err) == -1)
		return NULL;
	return add_to(p == NULL ? NULL : &p->environment, text, err);
}

/* --- all of them --- */

static add_fn *
adder(enum option_type type)
{
	switch (type) {
	case OPTION_TYPE_UPSTREAMS:
		return add_upstream;
	case OPTION_TYPE_RESOLVERS:
		return add_resolver;
	case OPTION_TYPE_COMMAND:
		return add_word;
	case OPTION_TYPE_ENVIRONMENT:
		return add_variable;
	default:
		return NULL;
	}
}

bool
section_list_is(enum option_type type)
{
	return type == OPTION_TYPE_MODULE_OPTIONS || adder(type) != NULL;
}

int
section_list_check(const struct option *o, const char *text, struct err *err)
{
	json_t *made;

	if (o->type == OPTION_TYPE_MODULE_OPTIONS)
		return module_options_check(text, err);
	made = adder(o->type)(text, NULL, err);
	json_decref(made);
	return made == NULL ? -1 : 0;
}

/* One more entry of list. */
static int
add(const struct option *o, const char *text, void *plan, json_t *list,
    struct err *err)
{
	json_t *made;

	if (json_array_size(list) == o->max)
		return err_set(err, ERR_INVALID,
		    "has too many entries: must be at most %u",
		    (unsigned int)o->max);
	made = adder(o->type)(text, plan, err);
	if (made == NULL)
		return -1;
	if (json_array_append_new(list, made) == -1)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	return 0;
}

/* Entries with commas between them, and blanks around them. */
static int
add_split(const struct option *o, const char *text, void *plan, json_t *list,
    struct err *err)
{
	char entry[ENTRY_SIZE];
	size_t len, end;

	if (text[0] == '\0')
		return 0;
	for (;; text += len + 1) {
		text += strspn(text, BLANKS);
		len = strcspn(text, ",");
		for (end = len; end > 0 && strchr(BLANKS, text[end - 1]);)
			end--;
		if (end >= sizeof(entry))
			return err_set(err, ERR_INVALID,
			    "has an entry that is too long");
		memcpy(entry, text, end);
		entry[end] = '\0';
		if (add(o, entry, plan, list, err) == -1)
			return -1;
		if (text[len] == '\0')
			return 0;
	}
}

static int
add_array(const struct option *o, const json_t *value, void *plan, json_t *list,
    struct err *err)
{
	const json_t *item;
	size_t i;

	for (i = 0; i < json_array_size(value); i++) {
		item = json_array_get(value, i);
		if (!json_is_string(item))
			return err_set(err, ERR_INVALID,
			    "entry %zu must be a string", i + 1);
		if (add(o, json_string_value(item), plan, list, err) == -1)
			return -1;
	}
	return 0;
}

json_t *
section_list_make(const struct option *o, const json_t *value, void *plan,
    struct err *err)
{
	json_t *list;
	int result;

	if (o->type == OPTION_TYPE_MODULE_OPTIONS)
		return module_options_make(o, value, plan, err);
	list = json_array();
	if (list == NULL)
		return no_memory(err);
	if (json_is_array(value))
		result = add_array(o, value, plan, list, err);
	else if (json_is_string(value))
		result =
		    add_split(o, json_string_value(value), plan, list, err);
	else
		result = err_set(err, ERR_INVALID, "must be %s",
		    option_type_wants(o->type));
	if (result == 0)
		return list;
	json_decref(list);
	return NULL;
}
