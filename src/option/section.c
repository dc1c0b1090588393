#include "option/section.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/exec_plan.h"
#include "common/module_plan.h"
#include "common/proxy_plan.h"
#include "option/section_list.h"
#include "option/tls_section.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LABEL_SIZE 64 /* "proxy.check_interval" */

#define ROW(PLAN, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT)                  \
	{                                                                 \
		NAME, OPTION_TYPE_##TYPE, offsetof(struct PLAN, MEMBER),  \
		    sizeof(((struct PLAN *)0)->MEMBER), MIN, MAX, DEFAULT \
	}

static const struct option proxy_options[] = {
#define PROXY_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	ROW(proxy_plan, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT),
#include "common/option_list.h"
};

static const struct option exec_options[] = {
#define EXEC_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	ROW(exec_plan, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT),
#include "common/option_list.h"
};

static const struct option module_options[] = {
#define MODULE_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	ROW(module_plan, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT),
#include "common/option_list.h"
};

static const struct option_table proxy_table = { "the proxy section",
	proxy_options, COUNT(proxy_options) };
static const struct option_table exec_table = { "the exec section",
	exec_options, COUNT(exec_options) };
static const struct option_table module_table = { "the module section",
	module_options, COUNT(module_options) };

/* A section that is being made. */
struct maker {
	const char *name; /* "proxy" */
	const struct option_table *table;
	json_t *made; /* what was given, in its one form */
	json_t *tls;  /* to upstreams, as tls_section_make() has it; NULL */
	void *plan;
	struct err *err;
};

const struct option_table *
section_table(enum option_type type)
{
	switch (type) {
	case OPTION_TYPE_PROXY:
		return &proxy_table;
	case OPTION_TYPE_EXEC:
		return &exec_table;
	default:
		return &module_table;
	}
}

static const char *
name_of(enum option_type type)
{
	switch (type) {
	case OPTION_TYPE_PROXY:
		return "proxy";
	case OPTION_TYPE_EXEC:
		return "exec";
	default:
		return "module";
	}
}

/* Put "proxy.KEY" before the error's text. Returns -1. */
static int
blame(const char *section, const char *key, struct err *err)
{
	char label[LABEL_SIZE];

	(void)snprintf(label, sizeof(label), "%s.%s", section, key);
	return option_blame(label, err);
}

static int
no_memory(struct maker *m)
{
	return err_set(m->err, ERR_UNAVAILABLE, "%s: out of memory", m->name);
}

/* --- values --- */

static void *
member_of(const struct maker *m, const struct option *o)
{
	return (char *)m->plan + o->offset;
}

/* A value that is no list. Gives its one form, or NULL. */
static json_t *
make_scalar(const struct maker *m, const struct option *o, const json_t *value)
{
	char buffer[OPTION_TEXT_SIZE];
	const char *text = option_type_text(o, value, buffer, m->err);
	json_t *made;

	if (text == NULL ||
	    option_type_parse(o, text, member_of(m, o), m->err) == -1)
		return NULL;
	made = option_type_json(o, member_of(m, o));
	if (made == NULL)
		(void)err_set(m->err, ERR_UNAVAILABLE, "out of memory");
	return made;
}

/* The section of TLS to upstreams, whose errors name the key themselves. */
static int
put_tls(struct maker *m, const struct option *o, const json_t *value)
{
	struct proxy_plan *p = m->plan;
	json_t *made =
	    tls_section_make_upstream(value, &m->tls, p->server_name, m->err);

	if (made == NULL)
		return -1;
	return json_object_set_new(m->made, o->name, made) == -1 ? no_memory(m)
								 : 0;
}

static int
put(struct maker *m, const struct option *o, const json_t *value)
{
	json_t *made;

	if (o->type == OPTION_TYPE_UPSTREAM_TLS)
		return put_tls(m, o, value);
	made = section_list_is(o->type)
	    ? section_list_make(o, value, m->plan, m->err)
	    : make_scalar(m, o, value);
	if (made == NULL)
		return blame(m->name, o->name, m->err);
	return json_object_set_new(m->made, o->name, made) == -1 ? no_memory(m)
								 : 0;
}

static int
check_keys(const struct maker *m, const json_t *value)
{
	const char *key;
	json_t *ignored;

	json_object_foreach ((json_t *)(uintptr_t)value, key, ignored)
		if (option_table_find(m->table, key) == m->table->count) {
			(void)option_table_unknown(m->table, key, m->err);
			return option_blame(m->name, m->err);
		}
	return 0;
}

static int
put_default(struct maker *m, const struct option *o)
{
	if (o->fallback == NULL ||
	    option_type_parse(o, o->fallback, member_of(m, o), m->err) == 0)
		return 0;
	return blame(m->name, o->name, m->err);
}

/* Lists come last: upstreams have what the others say for all. */
static int
put_all(struct maker *m, const json_t *value, bool lists)
{
	const struct option *o;
	const json_t *given;
	size_t i;
	int result;

	for (i = 0; i < m->table->count; i++) {
		o = &m->table->options[i];
		if (section_list_is(o->type) != lists)
			continue;
		given = json_object_get(value, o->name);
		result = given != NULL ? put(m, o, given) : put_default(m, o);
		if (result == -1)
			return -1;
	}
	return 0;
}

/* --- what goes with what --- */

static bool
has(const struct maker *m, const char *key)
{
	return json_object_get(m->made, key) != NULL;
}

static int
check_checks(const struct maker *m, struct proxy_plan *p)
{
	const bool expects = p->check == CHECK_EXPECT;

	if (!expects && (p->check_send.size > 0 || p->check_expect.size > 0))
		return err_set(m->err, ERR_INVALID,
		    "proxy.%s: goes with check = \"expect\" only",
		    p->check_send.size > 0 ? "check_send" : "check_expect");
	if (expects && p->check_expect.size == 0)
		return err_set(m->err, ERR_INVALID,
		    "proxy.check_expect: is missing: check = \"expect\" needs "
		    "what must be in the answer");
	if (p->check_timeout_ms <= p->check_interval_ms)
		return 0;
	if (has(m, "check_timeout"))
		return err_set(m->err, ERR_INVALID,
		    "proxy.check_timeout: %u ms is more than the %u ms of "
		    "check_interval",
		    p->check_timeout_ms, p->check_interval_ms);
	p->check_timeout_ms = p->check_interval_ms;
	return 0;
}

/* Has every upstream a name that its certificate can be for? */
static int
check_names(const struct maker *m, const struct proxy_plan *p)
{
	const char *verify =
	    json_string_value(json_object_get(m->tls, "verify"));
	uint32_t i;

	if (m->tls == NULL || p->server_name[0] != '\0' ||
	    (verify != NULL && strcmp(verify, "none") == 0))
		return 0;
	for (i = 0; i < p->upstreams_count; i++)
		if (p->upstreams[i].kind == UPSTREAM_UNIX)
			return err_set(m->err, ERR_INVALID,
			    "proxy.tls.server_name: is missing: %.120s has no "
			    "name that its certificate could be for",
			    p->upstreams[i].name);
	return 0;
}

static int
settle_proxy(const struct maker *m)
{
	struct proxy_plan *p = m->plan;

	if (p->upstreams_count == 0)
		return err_set(m->err, ERR_INVALID,
		    "proxy.upstreams: is missing or empty: must name one or "
		    "more, such as \"10.0.0.5:8583\"");
	if (check_checks(m, p) == -1)
		return -1;
	return check_names(m, p);
}

static int
settle_exec(const struct maker *m)
{
	const struct exec_plan *p = m->plan;

	if (p->command.count > 0)
		return 0;
	return err_set(m->err, ERR_INVALID,
	    "exec.command: is missing or empty: must be the absolute path of "
	    "a program, and its arguments");
}

static int
settle_module(const struct maker *m)
{
	const struct module_plan *p = m->plan;

	if (p->path[0] != '\0')
		return 0;
	return err_set(m->err, ERR_INVALID,
	    "module.path: is missing: must be the absolute path of a module");
}

static int
settle(const struct maker *m, enum option_type type)
{
	switch (type) {
	case OPTION_TYPE_PROXY:
		return settle_proxy(m);
	case OPTION_TYPE_EXEC:
		return settle_exec(m);
	default:
		return settle_module(m);
	}
}

/* --- parts --- */

/* Of the most upstreams that there can be. */
static size_t
room_of(enum option_type type)
{
	switch (type) {
	case OPTION_TYPE_PROXY:
		return proxy_plan_size(UPSTREAMS_MAX);
	case OPTION_TYPE_EXEC:
		return sizeof(struct exec_plan);
	default:
		return sizeof(struct module_plan);
	}
}

static size_t
size_of(const struct maker *m, enum option_type type)
{
	const struct proxy_plan *p = m->plan;

	return type == OPTION_TYPE_PROXY ? proxy_plan_size(p->upstreams_count)
					 : room_of(type);
}

static struct bulk *
json_bulk(const json_t *value, struct err *err)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	struct bulk *b = NULL;

	if (text == NULL)
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
	else
		b = bulk_new(text, strlen(text), err);
	free(text);
	return b;
}

static int
make_parts(const struct maker *m, enum option_type type,
    struct bulk *parts[static SECTION_PARTS])
{
	parts[SECTION_JSON] = json_bulk(m->made, m->err);
	parts[SECTION_PLAN] = bulk_new(m->plan, size_of(m, type), m->err);
	if (m->tls != NULL)
		parts[SECTION_TLS] = json_bulk(m->tls, m->err);
	if (parts[SECTION_JSON] != NULL && parts[SECTION_PLAN] != NULL &&
	    (m->tls == NULL || parts[SECTION_TLS] != NULL))
		return 0;
	bulk_drop(&parts[SECTION_JSON]);
	bulk_drop(&parts[SECTION_PLAN]);
	bulk_drop(&parts[SECTION_TLS]);
	return -1;
}

int
section_make(const struct option *o, const json_t *value,
    struct bulk *parts[static SECTION_PARTS], struct err *err)
{
	struct maker m = { .name = name_of(o->type),
		.table = section_table(o->type),
		.err = err };
	int result = -1;

	memset(parts, 0, SECTION_PARTS * sizeof(parts[0]));
	m.made = json_object();
	/* All bytes, for plans are compared by a digest of them. */
	m.plan = calloc(1, room_of(o->type));
	if (m.made == NULL || m.plan == NULL)
		(void)no_memory(&m);
	else if (!json_is_object(value))
		(void)err_set(err, ERR_INVALID, "%s: must be %s", m.name,
		    option_type_wants(o->type));
	else if (check_keys(&m, value) == 0 && put_all(&m, value, false) == 0 &&
	    put_all(&m, value, true) == 0 && settle(&m, o->type) == 0)
		result = make_parts(&m, o->type, parts);
	json_decref(m.made);
	json_decref(m.tls);
	free(m.plan);
	return result;
}

int
section_check_value(enum option_type type, const char *key, const char *value,
    struct err *err)
{
	const struct option_table *t = section_table(type);
	const size_t i = option_table_find(t, key);

	if (i == t->count) {
		(void)option_table_unknown(t, key, err);
		return option_blame(name_of(type), err);
	}
	if (option_type_check(&t->options[i], value, err) == -1)
		return blame(name_of(type), key, err);
	return 0;
}
