#include "json/tree_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/snapshot.h"
#include "json/fields.h"

/* A pool under construction: what its workers add up to. */
struct pool_sum {
	uint64_t uptime_ms; /* of the oldest worker that stays */
	uint64_t generation;
	uint64_t restarts;
	struct usage usage;
	unsigned int workers; /* those that stay */
	unsigned int running; /* of these */
};

/* What stands in every node. */
struct node {
	const char *role;
	json_t *name;  /* taken */
	json_t *group; /* taken */
	uint32_t pid;
	const char *state;
	json_t *generation; /* taken */
	bool leaving;
	uint64_t uptime_ms;
	uint64_t restarts;
	struct usage usage;
};

/* A key and its value on each line. */
/* clang-format off */
static json_t *
node_json(const struct node *n)
{
	return json_pack(
	    "{s:s, s:o, s:o, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o}",
	    "role", n->role,
	    "name", n->name,
	    "group", n->group,
	    "pid", field_number_or_null(n->pid),
	    "state", n->state,
	    "generation", n->generation,
	    "leaving", n->leaving,
	    "uptime_ms", field_number(n->uptime_ms),
	    "restarts", field_number(n->restarts),
	    "memory_bytes", field_known_or_null(n->usage.memory_bytes),
	    "cpu_ms", field_known_or_null(n->usage.cpu_ms));
}
/* clang-format on */

static struct usage
usage_of(uint32_t pid, usage_fn look_up)
{
	struct usage u = { -1, -1 };

	if (pid != 0)
		look_up(pid, &u);
	return u;
}

static json_t *
root_json(const struct snapshot_daemon *d, json_t *children, usage_fn look_up)
{
	const struct node n = {
		.role = "supervisor",
		.name = json_string("mercuryd"),
		.group = json_null(),
		.pid = d->pid,
		.state = field_word(daemon_state_name(d->state)),
		.generation = json_null(),
		.uptime_ms = d->uptime_ms,
		.usage = usage_of(d->pid, look_up),
	};
	json_t *root = node_json(&n);

	if (json_object_set_new(root, "children", children) == -1) {
		json_decref(root);
		return NULL;
	}
	return root;
}

static json_t *
worker_name(const struct snapshot_process *p)
{
	char name[SPEC_NAME_SIZE + 16];

	(void)snprintf(name, sizeof(name), "%.64s/%u", p->name, p->slot);
	return field_string(name, sizeof(name));
}

static json_t *
process_json(const struct snapshot_process *p, bool is_worker, usage_fn look_up)
{
	const struct node n = {
		.role = is_worker ? "worker" : p->role,
		.name = is_worker ? worker_name(p)
				  : field_string(p->role, sizeof(p->role)),
		.group = field_string_or_null(p->group, sizeof(p->group)),
		.pid = p->pid,
		.state = field_word(child_state_name(p->state)),
		.generation = field_number_or_null(p->generation),
		.leaving = p->leaving != 0,
		.uptime_ms = p->uptime_ms,
		.restarts = p->restarts,
		.usage = usage_of(p->pid, look_up),
	};

	return node_json(&n);
}

/* The pool of that name among the children, made when it is new. */
static json_t *
pool_of(json_t *children, json_t *pools, const struct snapshot_process *p)
{
	json_t *name = field_string(p->name, sizeof(p->name));
	json_t *pool = json_object_get(pools, json_string_value(name));

	if (name == NULL || pool != NULL) {
		json_decref(name);
		return pool;
	}
	pool = json_pack("{s:O, s:o, s:[]}", "name", name, "group",
	    field_string_or_null(p->group, sizeof(p->group)), "children");
	if (json_object_set(pools, json_string_value(name), pool) == -1 ||
	    json_array_append(children, pool) == -1) {
		json_decref(pool);
		pool = NULL;
	}
	json_decref(name);
	json_decref(pool);
	return pool;
}

static int
add_process(json_t *children, json_t *pools, const struct snapshot_process *p,
    usage_fn look_up)
{
	const bool is_worker = strcmp(p->role, "pool") == 0;

	if (is_worker)
		children =
		    json_object_get(pool_of(children, pools, p), "children");
	return json_array_append_new(children,
	    process_json(p, is_worker, look_up));
}

static uint64_t
number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static int64_t
known(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* Workers that leave take memory still, but the pool is the others. */
static void
sum_worker(struct pool_sum *sum, const json_t *worker)
{
	const char *state = json_string_value(json_object_get(worker, "state"));
	const struct usage u = { known(worker, "memory_bytes"),
		known(worker, "cpu_ms") };
	const uint64_t uptime_ms = number_of(worker, "uptime_ms");
	const uint64_t generation = number_of(worker, "generation");

	usage_add(&sum->usage, &u);
	if (json_is_true(json_object_get(worker, "leaving")))
		return;
	sum->workers++;
	if (state != NULL && strcmp(state, child_state_name(CHILD_UP)) == 0)
		sum->running++;
	if (uptime_ms > sum->uptime_ms)
		sum->uptime_ms = uptime_ms;
	if (generation > sum->generation)
		sum->generation = generation;
	sum->restarts += number_of(worker, "restarts");
}

/* A pool of which nobody stays is about to go. */
static const char *
pool_state(const struct pool_sum *sum)
{
	if (sum->workers == 0)
		return child_state_name(CHILD_STOPPING);
	return sum->running == sum->workers ? "running" : "degraded";
}

/* Make of a pool's name, group and workers its node. */
static int
finish_pool(json_t *pool)
{
	struct pool_sum sum = { .usage = { -1, -1 } };
	json_t *workers = json_incref(json_object_get(pool, "children"));
	struct node n = { .role = "pool" };
	json_t *worker, *part;
	size_t i;
	int r;

	json_array_foreach (workers, i, worker)
		sum_worker(&sum, worker);
	n.name = json_incref(json_object_get(pool, "name"));
	n.group = json_incref(json_object_get(pool, "group"));
	n.state = pool_state(&sum);
	n.generation = field_number_or_null(sum.generation);
	n.leaving = sum.workers == 0;
	n.uptime_ms = sum.uptime_ms;
	n.restarts = sum.restarts;
	n.usage = sum.usage;
	part = node_json(&n);
	(void)json_object_clear(pool); /* for the order of the keys */
	r = part == NULL ? -1 : json_object_update(pool, part);
	json_decref(part);
	if (json_object_set_new(pool, "children", workers) == -1)
		r = -1;
	return r;
}

/* All below the supervisor; NULL when out of memory. */
static json_t *
children_json(struct snapshot_reader *r, usage_fn look_up)
{
	json_t *children = json_array(), *pools = json_object(), *pool;
	enum snapshot_kind kind;
	const void *row;
	const char *name;
	int failed = 0;

	while (!failed && (row = snapshot_next(r, &kind)) != NULL)
		if (kind == SNAPSHOT_PROCESS)
			failed = add_process(children, pools, row, look_up);
	json_object_foreach (pools, name, pool)
		if (!failed)
			failed = finish_pool(pool);
	json_decref(pools);
	if (failed) {
		json_decref(children);
		return NULL;
	}
	return children;
}

json_t *
tree_json(struct snapshot_reader *r, usage_fn look_up)
{
	enum snapshot_kind kind;
	const void *row = snapshot_next(r, &kind);

	if (row == NULL || kind != SNAPSHOT_DAEMON)
		return NULL;
	return root_json(row, children_json(r, look_up), look_up);
}
