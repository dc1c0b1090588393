#include "option/option.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "option/account.h"
#include "option/bulk_type.h"
#include "option/option_table.h"
#include "option/option_type.h"
#include "option/section.h"
#include "option/value.h"

static const struct option listener_options[] = {
#define LISTENER_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, CHANGE, DEFAULT, \
    HELP)                                                                  \
	[OPT_##ID] = { NAME, OPTION_TYPE_##TYPE,                           \
		offsetof(struct listener_spec, MEMBER),                    \
		sizeof(((struct listener_spec *)0)->MEMBER), MIN, MAX,     \
		DEFAULT },
#include "common/option_list.h"
};

enum daemon_option {
#define DAEMON_OPTION(ID, ...) DAEMON_OPT_##ID,
#include "common/option_list.h"
	DAEMON_OPTION_COUNT
};

static const struct option daemon_options[] = {
#define DAEMON_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)   \
	[DAEMON_OPT_##ID] = { NAME, OPTION_TYPE_##TYPE,                  \
		offsetof(struct daemon_settings, MEMBER),                \
		sizeof(((struct daemon_settings *)0)->MEMBER), MIN, MAX, \
		DEFAULT },
#include "common/option_list.h"
};

static const struct option group_options[] = {
#define GROUP_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)    \
	{ NAME, OPTION_TYPE_##TYPE, offsetof(struct group_spec, MEMBER), \
		sizeof(((struct group_spec *)0)->MEMBER), MIN, MAX, DEFAULT },
#include "common/option_list.h"
};

enum store_option {
#define STORE_OPTION(ID, ...) STORE_OPT_##ID,
#include "common/option_list.h"
	STORE_OPTION_COUNT
};

static const struct option store_options[] = {
#define STORE_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)   \
	[STORE_OPT_##ID] = { NAME, OPTION_TYPE_##TYPE,                  \
		offsetof(struct store_settings, MEMBER),                \
		sizeof(((struct store_settings *)0)->MEMBER), MIN, MAX, \
		DEFAULT },
#include "common/option_list.h"
};

static const struct option gateway_options[] = {
#define GATEWAY_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)        \
	{ NAME, OPTION_TYPE_##TYPE, offsetof(struct gateway_settings, MEMBER), \
		sizeof(((struct gateway_settings *)0)->MEMBER), MIN, MAX,      \
		DEFAULT },
#include "common/option_list.h"
};

static const struct option_table tables[] = {
	[OPTION_LISTENER] = { "a listener", listener_options,
	    LISTENER_OPTION_COUNT },
	[OPTION_DAEMON] = { "the daemon section", daemon_options,
	    DAEMON_OPTION_COUNT },
	[OPTION_GROUP] = { "a group", group_options,
	    sizeof(group_options) / sizeof(group_options[0]) },
	[OPTION_STORE] = { "the store section", store_options,
	    STORE_OPTION_COUNT },
	[OPTION_GATEWAY] = { "the gateway section", gateway_options,
	    sizeof(gateway_options) / sizeof(gateway_options[0]) },
};
_Static_assert(LISTENER_OPTION_COUNT <= OPTION_TABLE_MAX &&
	DAEMON_OPTION_COUNT <= OPTION_TABLE_MAX,
    "an option_set has a bit for each");

/* Is it the section of a protocol, which is a table of its own? */
static bool
is_protocol(enum option_section section, enum option_type *type)
{
	*type = section == OPTION_PROXY ? OPTION_TYPE_PROXY
	    : section == OPTION_EXEC    ? OPTION_TYPE_EXEC
					: OPTION_TYPE_MODULE;
	return section >= OPTION_PROXY;
}

static const struct option_table *
table_of(enum option_section section)
{
	enum option_type type;

	return is_protocol(section, &type) ? section_table(type)
					   : &tables[section];
}

int
option_check_value(enum option_section section, const char *key,
    const char *value, struct err *err)
{
	const struct option_table *t = table_of(section);
	const size_t i = option_table_find(t, key);
	enum option_type type;

	if (is_protocol(section, &type))
		return section_check_value(type, key, value, err);

	if (i == t->count)
		return option_table_unknown(t, key, err);
	if (option_type_check(&t->options[i], value, err) == -1)
		return option_blame(key, err);
	return 0;
}

bool
option_is_list(enum option_section section, const char *key)
{
	const struct option_table *t = table_of(section);
	const size_t i = option_table_find(t, key);

	return i < t->count && option_type_is_list(t->options[i].type);
}

/* Where the values of a section go. */
struct target {
	void *base; /* the struct that the members are in */
	/* Where its references to bulk values are; NULL: no option is bulk. */
	struct bulk_ref *refs;
	struct bulks *bulks; /* and those values */
	option_set set;      /* which were given */
};

/* A value that has no room in the spec: that refers to it and what it makes. */
static int
apply_bulk(const struct option *o, const json_t *value, struct target *target,
    struct err *err)
{
	struct bulk_ref *ref = (void *)((char *)target->base + o->offset);
	struct bulk **b = &target->bulks->of[ref - target->refs];
	struct bulk *made[BULK_TYPE_VALUES];
	size_t i;

	if (bulk_type_make(o, value, made, err) == -1)
		return -1;
	for (i = 0; i < o->size / sizeof(*ref); i++) {
		bulk_drop(&b[i]);
		b[i] = made[i];
		memset(&ref[i], 0, sizeof(ref[i]));
		if (made[i] != NULL)
			ref[i] = made[i]->ref;
	}
	return 0;
}

static int
apply_one(const struct option *o, const json_t *value, struct target *target,
    struct err *err)
{
	char buffer[OPTION_TEXT_SIZE];
	const char *text;

	if (bulk_type_is(o->type))
		return apply_bulk(o, value, target, err);
	text = option_type_text(o, value, buffer, err);
	if (text == NULL)
		return -1;
	return option_type_parse(o, text, (char *)target->base + o->offset,
	    err);
}

/* Set what options says. */
static int
apply_given(const struct option_table *t, const json_t *options,
    struct target *target, struct err *err)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!json_is_object(options))
		return err_set(err, ERR_INVALID,
		    "the options of %s must be a JSON object", t->name);
	/* jansson iterates over an object that it takes for writable. */
	json_object_foreach ((json_t *)(uintptr_t)options, key, value) {
		i = option_table_find(t, key);
		if (i == t->count)
			return option_table_unknown(t, key, err);
		if (apply_one(&t->options[i], value, target, err) == -1)
			return bulk_type_is_section(t->options[i].type)
			    ? -1 /* it names the key within the section */
			    : option_blame(key, err);
		target->set |= OPTION_BIT(i);
	}
	return 0;
}

/* Set the defaults of all but the options in skip. */
static int
apply_defaults(const struct option_table *t, option_set skip, void *base,
    struct err *err)
{
	const struct option *o;
	size_t i;

	for (i = 0; i < t->count; i++) {
		o = &t->options[i];
		if ((skip & OPTION_BIT(i)) || o->fallback == NULL)
			continue;
		if (option_type_parse(o, o->fallback, (char *)base + o->offset,
			err) == -1)
			return option_blame(o->name, err);
	}
	return 0;
}

/* --- listeners --- */

/* A listener on a Unix socket. */
static int
settle_unix(struct listener_spec *spec, option_set set, struct err *err)
{
	if ((set & OPTION_BIT(OPT_TRANSPORT)) &&
	    spec->transport != TRANSPORT_UNIX)
		return err_set(err, ERR_INVALID,
		    "transport: %s does not go with path: must be unix, or "
		    "left out",
		    transport_name(spec->transport));
	spec->transport = TRANSPORT_UNIX;
	if (!(set & OPTION_BIT(OPT_ADDRESS)))
		memset(spec->address, 0, sizeof(spec->address));
	return spec_check_set(TRANSPORT_UNIX, set, err);
}

/* A listener on a TCP port. */
static int
settle_tcp(const struct listener_spec *spec, option_set set, struct err *err)
{
	if ((set & OPTION_BIT(OPT_TRANSPORT)) &&
	    spec->transport == TRANSPORT_UNIX)
		return err_set(err, ERR_INVALID,
		    "transport: unix does not go with port: give path "
		    "instead of port");
	return spec_check_set((enum transport_id)spec->transport, set, err);
}

/* What must be there in a new listener. */
static int
check_complete(option_set set, struct err *err)
{
	char known[128];

	if (!(set & (OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PATH))))
		return err_set(err, ERR_INVALID,
		    "port: is missing: give a port for TCP, or a path for a "
		    "Unix socket");
	if (set & OPTION_BIT(OPT_PROTOCOL))
		return 0;
	value_list(protocol_words, PROTOCOL_COUNT, known, sizeof(known));
	return err_set(err, ERR_INVALID, "protocol: is missing: %s", known);
}

static int
make_listener(const char *name, const json_t *options, struct wanted *out,
    struct err *err)
{
	const struct option_table *t = &tables[OPTION_LISTENER];
	struct listener_spec *spec = &out->spec;
	struct target target = { spec, spec->bulks, &out->bulks, 0 };

	/* All bytes, for specs are compared and sent as memory. */
	memset(out, 0, sizeof(*out));
	spec->owner = SPEC_NO_ID;
	spec->group = SPEC_NO_ID;
	spec->worker_uid = SPEC_NO_ID;
	spec->worker_gid = SPEC_NO_ID;
	if (spec_check_name("listener name", name, err) == -1)
		return -1;
	memcpy(spec->name, name, strlen(name));
	memcpy(spec->pool, spec->name, sizeof(spec->pool));
	if (apply_given(t, options, &target, err) == -1)
		return -1;
	out->set = target.set;
	return apply_defaults(t, target.set, spec, err);
}

static int
settle(struct listener_spec *spec, option_set set, struct err *err)
{
	if (set & OPTION_BIT(OPT_PATH))
		return settle_unix(spec, set, err);
	if (set & OPTION_BIT(OPT_PORT))
		return settle_tcp(spec, set, err);
	return 0;
}

/* Let go of what is of no use; returns -1. */
static int
give_up(struct wanted *out)
{
	wanted_clear(out);
	return -1;
}

int
option_listener(const char *name, const json_t *options, struct wanted *out,
    struct err *err)
{
	if (make_listener(name, options, out, err) == -1 ||
	    check_complete(out->set, err) == -1 ||
	    settle(&out->spec, out->set, err) == -1 ||
	    spec_check_backoff(&out->spec, err) == -1 ||
	    spec_check_health_port(&out->spec, err) == -1 ||
	    spec_check_proxy(&out->spec, err) == -1 ||
	    spec_check_tls(&out->spec, err) == -1 ||
	    spec_check_sections(out->spec.protocol, out->set, err) == -1 ||
	    spec_check_section(&out->spec, err) == -1)
		return give_up(out);
	return 0;
}

int
option_listener_update(const char *name, const json_t *options,
    struct wanted *out, struct err *err)
{
	if (make_listener(name, options, out, err) == -1 ||
	    settle(&out->spec, out->set, err) == -1)
		return give_up(out);
	return 0;
}

void
option_listener_text(const struct listener_spec *spec, enum listener_option id,
    char out[static OPTION_VALUE_SIZE])
{
	const struct option *o = &listener_options[id];
	char buffer[OPTION_TEXT_SIZE];
	const char *text = NULL;
	json_t *value = NULL;
	struct err err;

	if (!bulk_type_is(o->type))
		value = option_type_json(o, (const char *)spec + o->offset);
	if (value != NULL)
		text = option_type_text(o, value, buffer, &err);
	(void)snprintf(out, OPTION_VALUE_SIZE, "%s", text == NULL ? "" : text);
	json_decref(value);
}

static json_t *
option_json(const struct wanted *w, const struct option *o)
{
	const void *member = (const char *)&w->spec + o->offset;
	const struct bulk_ref *ref = member;

	if (bulk_type_is(o->type))
		return bulk_type_json(o, w->bulks.of[ref - w->spec.bulks]);
	return option_type_json(o, member);
}

json_t *
option_listener_json(const struct wanted *w)
{
	json_t *object = json_object();
	const struct option *o;
	size_t i;

	for (i = 0; object != NULL && i < LISTENER_OPTION_COUNT; i++) {
		o = &listener_options[i];
		if (!(w->set & OPTION_BIT(i)))
			continue;
		if (json_object_set_new(object, o->name, option_json(w, o)) ==
		    -1) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

/* --- groups --- */

int
option_group(const char *name, const json_t *options, struct group_spec *spec,
    struct err *err)
{
	const struct option_table *t = &tables[OPTION_GROUP];
	struct target target = { .base = spec };

	/* All bytes, for groups are compared as memory. */
	memset(spec, 0, sizeof(*spec));
	if (spec_check_name("group name", name, err) == -1)
		return -1;
	memcpy(spec->name, name, strlen(name));
	if (apply_given(t, options, &target, err) == -1)
		return -1;
	return apply_defaults(t, target.set, spec, err);
}

/* --- the daemon section --- */

/* Who the unprivileged children run as. */
static int
settle_user(struct daemon_settings *d, struct err *err)
{
	d->uid = SPEC_NO_ID;
	d->gid = SPEC_NO_ID;
	if (geteuid() != 0)
		return 0;
	if (account_login(d->user, &d->uid, &d->gid, err) == -1) {
		const struct err cause = *err;

		if (cause.code != ERR_NOT_FOUND)
			return option_blame("user", err);
		return err_set(err, ERR_INVALID,
		    "user: %s: create it (adduser --system --group "
		    "--no-create-home mercury) or set user",
		    cause.text);
	}
	if (d->uid == 0)
		return err_set(err, ERR_INVALID,
		    "user: \"%s\" is root, and workers may not be: name an "
		    "ordinary user",
		    d->user);
	return 0;
}

int
option_daemon(const json_t *options, struct daemon_settings *d, struct err *err)
{
	const struct option_table *t = &tables[OPTION_DAEMON];
	const option_set control_group = OPTION_BIT(DAEMON_OPT_CONTROL_GROUP);
	const char *group = daemon_options[DAEMON_OPT_CONTROL_GROUP].fallback;
	struct target target = { .base = d };

	memset(d, 0, sizeof(*d));
	if (apply_given(t, options, &target, err) == -1 ||
	    apply_defaults(t, target.set | control_group, d, err) == -1)
		return -1;
	/* Its default may be missing: root and user then do without. */
	if (!(target.set & control_group) &&
	    account_group(group, &d->control_gid, err) == -1)
		d->control_gid = SPEC_NO_ID;
	return settle_user(d, err);
}

/* --- the store section --- */

/* The name of the database within state_dir. */
#define DATABASE "health.db"

static int
default_database(const char *state_dir, struct store_settings *s,
    struct err *err)
{
	const struct option *o = &store_options[STORE_OPT_DATABASE];
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" DATABASE, state_dir);
	if (option_type_parse(o, path, s->database, err) == -1)
		return option_blame(o->name, err);
	return 0;
}

int
option_store(const json_t *options, const char *state_dir,
    struct store_settings *s, struct err *err)
{
	const struct option_table *t = &tables[OPTION_STORE];
	struct target target = { .base = s };

	/* All bytes, for settings are compared as memory. */
	memset(s, 0, sizeof(*s));
	if (apply_given(t, options, &target, err) == -1 ||
	    apply_defaults(t, target.set, s, err) == -1)
		return -1;
	if (target.set & OPTION_BIT(STORE_OPT_DATABASE))
		return 0;
	return default_database(state_dir, s, err);
}

/* --- the gateway section --- */

/* A gateway waits for clients; devices that want the other order, do not. */
static int
check_tls_role(const json_t *options, struct err *err)
{
	const char *role = json_string_value(
	    json_object_get(json_object_get(options, "tls"), "role"));

	if (role == NULL || strcmp(role, "server") == 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "tls.role: must be \"server\" for the gateway, or left out");
}

/* It is bound once, but listens again and again. */
static int
check_tcp_check(const struct gateway_place *p, struct err *err)
{
	if (p->address[0] == '\0' || p->port != 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "tcp_check_listen: needs a port from 1 to 65535: one that the "
	    "kernel chose would be another one each time that it opens");
}

int
option_gateway(const json_t *options, struct gateway_wanted *out,
    struct err *err)
{
	const struct option_table *t = &tables[OPTION_GATEWAY];
	struct gateway_settings *s = &out->settings;
	struct target target = { s, s->bulks, &out->bulks, 0 };

	/* All bytes, for settings are compared as memory. */
	memset(out, 0, sizeof(*out));
	s->exists = 1;
	if (apply_given(t, options, &target, err) == 0 &&
	    apply_defaults(t, target.set, s, err) == 0 &&
	    check_tls_role(options, err) == 0 &&
	    check_tcp_check(&s->places[GATEWAY_TCP_CHECK], err) == 0)
		return 0;
	bulks_drop(&out->bulks);
	return -1;
}
