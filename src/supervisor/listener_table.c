#include "supervisor/listener_table.h"

#include <string.h>

#include "supervisor/health.h"
#include "supervisor/listener.h"

static struct {
	struct listener_by_name by_name;
	struct listener_by_id by_id;
	uint64_t last_id;
} table;

static int
compare_names(const struct listener *a, const struct listener *b)
{
	return strcmp(a->spec.name, b->spec.name);
}

static int
compare_ids(const struct listener *a, const struct listener *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(listener_by_name, listener, by_name, compare_names)
RB_GENERATE(listener_by_id, listener, by_id, compare_ids)

struct listener_by_name *
listeners(void)
{
	return &table.by_name;
}

struct listener_by_id *
listeners_by_id(void)
{
	return &table.by_id;
}

struct listener *
listener_find(const char *name)
{
	struct listener key;

	(void)strlcpy(key.spec.name, name, sizeof(key.spec.name));
	return RB_FIND(listener_by_name, &table.by_name, &key);
}

struct listener *
listener_find_id(uint64_t id)
{
	struct listener key;

	key.id = id;
	return RB_FIND(listener_by_id, &table.by_id, &key);
}

static bool
is_unix(const struct listener *l)
{
	return l->spec.transport == TRANSPORT_UNIX;
}

static const struct listener *
path_holder(const struct listener *l)
{
	struct listener *o;

	RB_FOREACH (o, listener_by_id, listeners_by_id())
		if (o != l && o->sockets.count > 0 && is_unix(o) &&
		    strcmp(o->spec.path, l->spec.path) == 0)
			return o;
	return NULL;
}

static bool
has_port(const struct listener *l, uint16_t port)
{
	return (l->sockets.count > 0 && !is_unix(l) &&
		   l->sockets.port == port) ||
	    (l->health_port.fd != -1 && l->spec.health_port == port);
}

const struct listener *
listener_port_holder(const struct listener *l, uint16_t port)
{
	struct listener *o;

	RB_FOREACH (o, listener_by_id, listeners_by_id())
		if (o != l && has_port(o, port))
			return o;
	return NULL;
}

void
listener_name_holder(const struct listener *l, struct err *err)
{
	const struct listener *holder =
	    is_unix(l) ? path_holder(l) : listener_port_holder(l, l->spec.port);
	char place[SPEC_PLACE_SIZE];

	if (holder == NULL)
		return;
	spec_place(&l->spec, l->spec.port, place);
	(void)err_set(err, ERR_PORT_IN_USE, "%s is in use by listener %s",
	    place, holder->spec.name);
}

void
listener_table_insert(struct listener *l)
{
	l->id = ++table.last_id;
	RB_INSERT(listener_by_id, &table.by_id, l);
}

void
listener_table_remove(struct listener *l)
{
	listener_table_unlist(l);
	RB_REMOVE(listener_by_id, &table.by_id, l);
}

void
listener_table_list(struct listener *l)
{
	RB_INSERT(listener_by_name, &table.by_name, l);
	l->listed = true;
	health_members_changed();
}

void
listener_table_unlist(struct listener *l)
{
	if (!l->listed)
		return;
	RB_REMOVE(listener_by_name, &table.by_name, l);
	l->listed = false;
	health_members_changed();
}
