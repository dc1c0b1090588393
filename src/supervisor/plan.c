#include "supervisor/plan.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 16

int
plan_add(struct plan *p, const struct msg_plan_listener *item, struct err *err)
{
	struct msg_plan_listener *items;
	size_t size;

	if (spec_check(&item->spec, err) == -1)
		return -1;
	if (item->origin >= ORIGIN_COUNT)
		return err_set(err, ERR_INTERNAL, "unknown origin");
	if (p->count == p->size) {
		size = p->size == 0 ? FIRST_SIZE : p->size * 2;
		items = reallocarray(p->items, size, sizeof(*items));
		if (items == NULL)
			return err_sys(err, "a plan");
		p->items = items;
		p->size = size;
	}
	p->items[p->count++] = *item;
	return 0;
}

static bool
sizes_pool(const struct msg_plan_listener *item)
{
	return item->set & OPTION_BIT(OPT_WORKERS);
}

static int
compare_items(const void *a, const void *b)
{
	const struct msg_plan_listener *x = a, *y = b;

	if (sizes_pool(x) != sizes_pool(y))
		return sizes_pool(x) ? -1 : 1;
	return strcmp(x->spec.name, y->spec.name);
}

static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
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
	    !ends(s->state_dir, sizeof(s->state_dir)))
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
	return 0;
}

static int
compare_name(const void *name, const void *item)
{
	const struct msg_plan_listener *x = item;

	return strcmp(name, x->spec.name);
}

static const struct msg_plan_listener *
find_among(const struct msg_plan_listener *items, size_t count,
    const char *name)
{
	if (count == 0)
		return NULL;
	return bsearch(name, items, count, sizeof(*items), compare_name);
}

const struct msg_plan_listener *
plan_find(const struct plan *p, const char *name)
{
	const struct msg_plan_listener *found;

	found = find_among(p->items, p->sized, name);
	if (found != NULL || p->items == NULL)
		return found;
	return find_among(p->items + p->sized, p->count - p->sized, name);
}

/* Can both be bound? Addresses of one port may overlap, so they don't count. */
static bool
places_differ(const struct listener_spec *a, const struct listener_spec *b)
{
	if (a->transport != b->transport || strcmp(a->path, b->path) != 0)
		return true;
	/* Running on 0, it has one that the kernel chose: maybe that very one.
	 */
	return a->port != b->port && a->port != 0;
}

enum plan_change
plan_compare(const struct listener_spec *running,
    const struct listener_spec *wanted, option_set *changed)
{
	enum plan_change change = PLAN_KEEP;
	unsigned int id;

	*changed = 0;
	for (id = 0; id < LISTENER_OPTION_COUNT; id++) {
		if (spec_option_equal(id, running, wanted))
			continue;
		*changed |= OPTION_BIT(id);
		if (!spec_option_is_live(id))
			change = PLAN_REPLACE;
		else if (change == PLAN_KEEP)
			change = PLAN_UPDATE;
	}
	if (change == PLAN_REPLACE && places_differ(running, wanted))
		change = PLAN_MOVE;
	return change;
}

void
plan_free(struct plan *p)
{
	free(p->items);
	memset(p, 0, sizeof(*p));
}
