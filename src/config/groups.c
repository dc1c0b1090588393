#include "config/groups.h"

#include <stdlib.h>
#include <string.h>

#include "option/suggest.h"
#include "option/value.h"

/* What groups_check() looks things up in. */
struct check {
	struct plan *plan;
	const json_t *left_out;
	bool all_known;
	json_t *listeners; /* name of each: index in the plan */
	json_t *pools;     /* name of each: indexes of its listeners */
	json_t *taken;     /* name of each child: index of its group */
};

static void
index_listeners(const struct plan *p, json_t *by_name)
{
	size_t i;

	for (i = 0; i < p->listener_count; i++)
		(void)json_object_set_new(by_name, p->listeners[i].spec.name,
		    json_integer((json_int_t)i));
}

static const struct listener_spec *
find(const struct plan *p, const json_t *by_name, const char *name)
{
	const json_t *index = json_object_get(by_name, name);

	return index == NULL ? NULL
			     : &p->listeners[json_integer_value(index)].spec;
}

json_t *
groups_pools(const struct plan *p)
{
	json_t *by_name = json_object(), *pools = json_object();
	const struct listener_spec *spec;
	const struct plan_group *g;
	size_t i, k;

	index_listeners(p, by_name);
	for (i = 0; i < p->group_count; i++) {
		g = &p->groups[i];
		for (k = 0; k < g->child_count; k++) {
			spec = find(p, by_name, g->children[k].child.name);
			if (spec != NULL)
				(void)json_object_set_new(pools, spec->pool,
				    json_string(g->spec.name));
		}
	}
	json_decref(by_name);
	return pools;
}

static void
index_pools(struct check *c)
{
	const char *pool;
	json_t *members;
	size_t i;

	for (i = 0; i < c->plan->listener_count; i++) {
		pool = c->plan->listeners[i].spec.pool;
		members = json_object_get(c->pools, pool);
		if (members == NULL) {
			members = json_array();
			(void)json_object_set_new(c->pools, pool, members);
		}
		(void)json_array_append_new(members,
		    json_integer((json_int_t)i));
	}
}

static void
complain_unknown(struct check *c, const struct plan_group *g,
    const struct plan_child *child)
{
	const struct plan *p = c->plan;
	const char **names = calloc(p->listener_count + 1, sizeof(*names));
	const char *near = NULL;
	char quoted[VALUE_QUOTE_SIZE];
	size_t i;

	for (i = 0; names != NULL && i < p->listener_count; i++)
		names[i] = p->listeners[i].spec.name;
	if (names != NULL)
		near = suggest(child->child.name, names, p->listener_count);
	value_quote(child->child.name, quoted);
	if (near != NULL)
		plan_error(c->plan, g->file, child->line,
		    "group \"%s\": children: there is no listener %s: did you "
		    "mean \"%s\"?",
		    g->spec.name, quoted, near);
	else
		plan_error(c->plan, g->file, child->line,
		    "group \"%s\": children: there is no listener %s: must be "
		    "one of the config file, or a saved one",
		    g->spec.name, quoted);
	free(names);
}

/* No child may have two groups, nor two places in one. */
static void
check_place(struct check *c, const struct plan_group *g,
    const struct plan_child *child)
{
	const char *name = child->child.name;
	const json_t *index = json_object_get(c->taken, name);
	const struct plan_group *before;

	if (index == NULL) {
		(void)json_object_set_new(c->taken, name,
		    json_integer((json_int_t)(g - c->plan->groups)));
		return;
	}
	before = &c->plan->groups[json_integer_value(index)];
	if (before == g)
		plan_error(c->plan, g->file, child->line,
		    "group \"%s\": children: \"%s\" is given twice",
		    g->spec.name, name);
	else
		plan_error(c->plan, g->file, child->line,
		    "group \"%s\": children: \"%s\" is in group \"%s\" at "
		    "%s:%u already",
		    g->spec.name, name, before->spec.name, before->file,
		    before->line);
}

static void
check_pool(struct check *c, const struct plan_group *g,
    const struct plan_child *child, const struct listener_spec *spec)
{
	const json_t *members = json_object_get(c->pools, spec->pool);
	const struct plan *p = c->plan;
	size_t other = 0;

	if (json_array_size(members) < 2)
		return;
	if (&p->listeners[json_integer_value(json_array_get(members, 0))]
		 .spec == spec)
		other = 1;
	plan_error(c->plan, g->file, child->line,
	    "group \"%s\": children: \"%s\" shares pool %s with listener "
	    "\"%s\": must have a pool of its own",
	    g->spec.name, spec->name, spec->pool,
	    p->listeners[json_integer_value(json_array_get(members, other))]
		.spec.name);
}

/* Returns false if the child is to be taken out. */
static bool
check_child(struct check *c, const struct plan_group *g,
    const struct plan_child *child)
{
	const char *name = child->child.name;
	const struct listener_spec *spec = find(c->plan, c->listeners, name);

	check_place(c, g, child);
	if (spec != NULL) {
		check_pool(c, g, child, spec);
	} else if (json_object_get(c->left_out, name) != NULL) {
		plan_warning(c->plan, g->file, child->line,
		    "group \"%s\": children: \"%s\" is left out, for its "
		    "saved listener is not used",
		    g->spec.name, name);
		return false;
	} else if (c->all_known) {
		complain_unknown(c, g, child);
	}
	return true;
}

static void
check_group(struct check *c, struct plan_group *g)
{
	size_t i, kept = 0;

	for (i = 0; i < g->child_count; i++)
		if (check_child(c, g, &g->children[i]))
			g->children[kept++] = g->children[i];
	g->child_count = kept;
	g->spec.children = (uint32_t)kept;
}

void
groups_check(struct plan *p, const json_t *left_out, bool all_known)
{
	struct check c = { .plan = p,
		.left_out = left_out,
		.all_known = all_known,
		.listeners = json_object(),
		.pools = json_object(),
		.taken = json_object() };
	size_t i;

	index_listeners(p, c.listeners);
	index_pools(&c);
	for (i = 0; i < p->group_count; i++)
		check_group(&c, &p->groups[i]);
	json_decref(c.listeners);
	json_decref(c.pools);
	json_decref(c.taken);
}
