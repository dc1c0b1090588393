#include "supervisor/plan.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 16

static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

int
plan_add(struct plan *p, struct wanted *item, struct err *err)
{
	struct wanted *items;
	size_t size;

	if (spec_check(&item->spec, err) == -1 || wanted_check(item, err) == -1)
		goto out;
	if (item->origin >= ORIGIN_COUNT) {
		(void)err_set(err, ERR_INTERNAL, "unknown origin");
		goto out;
	}
	if (p->count == p->size) {
		size = p->size == 0 ? FIRST_SIZE : p->size * 2;
		items = reallocarray(p->items, size, sizeof(*items));
		if (items == NULL) {
			(void)err_sys(err, "a plan");
			goto out;
		}
		p->items = items;
		p->size = size;
	}
	p->items[p->count++] = *item;
	return 0;
out:
	wanted_clear(item);
	return -1;
}

static bool
sizes_pool(const struct wanted *item)
{
	return item->set & OPTION_BIT(OPT_WORKERS);
}

static int
compare_items(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	if (sizes_pool(x) != sizes_pool(y))
		return sizes_pool(x) ? -1 : 1;
	return strcmp(x->spec.name, y->spec.name);
}

/* Workers that start programs have to be told so when they start. */
static void
mark_programs(struct plan *p, const char *pool)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (strcmp(p->items[i].spec.pool, pool) == 0)
			p->items[i].spec.programs = 1;
}

int
plan_complete(struct plan *p, struct err *err)
{
	const struct daemon_settings *s = &p->settings;
	size_t i;

	if (!p->has_settings)
		return err_set(err, ERR_INTERNAL, "no daemon settings came");
	if (!ends(s->user, sizeof(s->user)) ||
	    !ends(s->control_socket, sizeof(s->control_socket)) ||
	    !ends(s->state_dir, sizeof(s->state_dir)) ||
	    !ends(s->store.database, sizeof(s->store.database)))
		return err_set(err, ERR_INTERNAL,
		    "a string of the daemon settings is not terminated");
	if (p->count > 0)
		qsort(p->items, p->count, sizeof(*p->items), compare_items);
	while (p->sized < p->count && sizes_pool(&p->items[p->sized]))
		p->sized++;
	for (i = 0; i < p->count; i++)
		if (plan_find(p, p->items[i].spec.name) != &p->items[i])
			return err_set(err, ERR_INTERNAL,
			    "listener %s came twice", p->items[i].spec.name);
	for (i = 0; i < p->count; i++)
		if (p->items[i].spec.protocol == PROTOCOL_EXEC &&
		    !p->items[i].spec.programs)
			mark_programs(p, p->items[i].spec.pool);
	return 0;
}

static int
compare_name(const void *name, const void *item)
{
	const struct wanted *x = item;

	return strcmp(name, x->spec.name);
}

static const struct wanted *
find_among(const struct wanted *items, size_t count, const char *name)
{
	if (count == 0)
		return NULL;
	return bsearch(name, items, count, sizeof(*items), compare_name);
}

const struct wanted *
plan_find(const struct plan *p, const char *name)
{
	const struct wanted *found;

	found = find_among(p->items, p->sized, name);
	if (found != NULL || p->items == NULL)
		return found;
	return find_among(p->items + p->sized, p->count - p->sized, name);
}

/* Of an option that has changed. */
static enum plan_action
action_of(enum listener_option id)
{
	if (spec_option_is_live(id))
		return PLAN_UPDATE;
	return id == OPT_WORKERS || id == OPT_PROTOCOL || id == OPT_USER
	    ? PLAN_RESTART
	    : PLAN_REBIND;
}

/* The more it takes, the higher. */
static int
weight(enum plan_action a)
{
	return a == PLAN_KEEP   ? 0
	    : a == PLAN_UPDATE  ? 1
	    : a == PLAN_RESTART ? 2
				: 3;
}

enum plan_action
plan_compare(const struct listener_spec *running,
    const struct listener_spec *wanted, option_set *changed)
{
	enum plan_action action = PLAN_KEEP;
	unsigned int id;

	*changed = 0;
	for (id = 0; id < LISTENER_OPTION_COUNT; id++) {
		if (spec_option_equal(id, running, wanted))
			continue;
		*changed |= OPTION_BIT(id);
		if (weight(action_of(id)) > weight(action))
			action = action_of(id);
	}
	return action;
}

bool
plan_same_place(const struct listener_spec *running, uint16_t port,
    const struct listener_spec *wanted)
{
	if (running->port != wanted->port && port != wanted->port)
		return false;
	return (running->transport == TRANSPORT_UNIX) ==
	    (wanted->transport == TRANSPORT_UNIX) &&
	    strcmp(running->path, wanted->path) == 0 &&
	    strcmp(running->address, wanted->address) == 0;
}

int
plan_add_group(struct plan *p, const struct group_spec *spec, struct err *err)
{
	struct group_plan *groups;

	if (!ends(spec->name, sizeof(spec->name)) ||
	    spec->strategy >= STRATEGY_COUNT || spec->max_seconds == 0)
		return err_set(err, ERR_INTERNAL, "a group makes no sense");
	groups = reallocarray(p->groups, p->groups_count + 1, sizeof(*groups));
	if (groups == NULL)
		return err_sys(err, "a plan");
	p->groups = groups;
	memset(&groups[p->groups_count], 0, sizeof(*groups));
	groups[p->groups_count++].spec = *spec;
	return 0;
}

int
plan_add_child(struct plan *p, const struct msg_plan_child *child,
    struct err *err)
{
	struct group_plan *g;
	char(*children)[SPEC_NAME_SIZE];

	if (p->groups_count == 0 || !ends(child->name, sizeof(child->name)))
		return err_set(err, ERR_INTERNAL, "a child makes no sense");
	g = &p->groups[p->groups_count - 1];
	children = reallocarray(g->children, g->count + 1, sizeof(*children));
	if (children == NULL)
		return err_sys(err, "a plan");
	g->children = children;
	memset(children[g->count], 0, sizeof(*children));
	(void)strlcpy(children[g->count++], child->name, sizeof(*children));
	return 0;
}

void
plan_free(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		wanted_clear(&p->items[i]);
	for (i = 0; i < p->groups_count; i++)
		free(p->groups[i].children);
	bulks_drop(&p->gateway.bulks);
	free(p->groups);
	free(p->items);
	memset(p, 0, sizeof(*p));
}
