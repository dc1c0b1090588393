#include "control/tree_json.h"

#include <stdio.h>
#include <string.h>

#include "common/snapshot.h"
#include "control/rpc.h"

/* A pool under construction: what its workers add up to. */
struct pool_sum {
	uint64_t uptime_ms; /* of the oldest worker */
	uint64_t restarts;
	int64_t memory_bytes; /* -1: none of them is known */
	unsigned int workers;
	unsigned int running;
};

static json_t *
memory_json(int64_t bytes)
{
	return bytes < 0 ? json_null() : json_integer(bytes);
}

/* A key and its value on each line. */
/* clang-format off */
static json_t *
node(const struct snapshot_process *p, const char *role, json_t *name,
    tree_memory_fn memory)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:I, s:I, s:o}",
	    "role", role,
	    "name", name,
	    "pid", p->pid == 0 ? json_null() : json_integer(p->pid),
	    "state", rpc_word(child_state_name(p->state)),
	    "uptime_ms", (json_int_t)p->uptime_ms,
	    "restarts", (json_int_t)p->restarts,
	    "memory_bytes", memory_json(p->pid == 0 ? -1 : memory(p->pid)));
}

static json_t *
root_node(const struct snapshot_daemon *d, json_t *children,
    tree_memory_fn memory)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:I, s:i, s:o, s:o}",
	    "role", "supervisor",
	    "name", "mercuryd",
	    "pid", (json_int_t)d->pid,
	    "state", rpc_word(daemon_state_name(d->state)),
	    "uptime_ms", (json_int_t)d->uptime_ms,
	    "restarts", 0,
	    "memory_bytes", memory_json(memory(d->pid)),
	    "children", children);
}

/* What a pool is as the sum of its workers. */
static json_t *
sum_json(const struct pool_sum *sum, json_t *workers)
{
	return json_pack("{s:s, s:I, s:I, s:o, s:O}",
	    "state", sum->running == sum->workers ? "running" : "degraded",
	    "uptime_ms", (json_int_t)sum->uptime_ms,
	    "restarts", (json_int_t)sum->restarts,
	    "memory_bytes", memory_json(sum->memory_bytes),
	    "children", workers);
}
/* clang-format on */

static json_t *
worker_name(const struct snapshot_process *p)
{
	char name[SPEC_NAME_SIZE + 16];

	(void)snprintf(name, sizeof(name), "%.64s/%u", p->name, p->slot);
	return rpc_string(name, sizeof(name));
}

/* The pool of that name among the children, made when it is new. */
static json_t *
pool_of(json_t *children, json_t *pools, const struct snapshot_process *p)
{
	json_t *name = rpc_string(p->name, sizeof(p->name));
	json_t *pool = json_object_get(pools, json_string_value(name));

	if (name == NULL || pool != NULL) {
		json_decref(name);
		return pool;
	}
	pool = json_pack("{s:s, s:O, s:n, s:[]}", "role", "pool", "name", name,
	    "pid", "children");
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
    tree_memory_fn memory)
{
	json_t *pool;

	if (strcmp(p->role, "pool") != 0)
		return json_array_append_new(children,
		    node(p, p->role, rpc_string(p->role, sizeof(p->role)),
			memory));
	pool = pool_of(children, pools, p);
	return json_array_append_new(json_object_get(pool, "children"),
	    node(p, "worker", worker_name(p), memory));
}

static void
sum_worker(struct pool_sum *sum, const json_t *worker)
{
	const json_t *memory = json_object_get(worker, "memory_bytes");
	const char *state = json_string_value(json_object_get(worker, "state"));
	const uint64_t uptime_ms =
	    (uint64_t)json_integer_value(json_object_get(worker, "uptime_ms"));

	sum->workers++;
	if (state != NULL && strcmp(state, child_state_name(CHILD_UP)) == 0)
		sum->running++;
	if (uptime_ms > sum->uptime_ms)
		sum->uptime_ms = uptime_ms;
	sum->restarts +=
	    (uint64_t)json_integer_value(json_object_get(worker, "restarts"));
	if (json_is_integer(memory))
		sum->memory_bytes = json_integer_value(memory) +
		    (sum->memory_bytes < 0 ? 0 : sum->memory_bytes);
}

/* Fill in what a pool is as the sum of its workers. */
static int
finish_pool(json_t *pool)
{
	struct pool_sum sum = { .memory_bytes = -1 };
	json_t *workers = json_object_get(pool, "children");
	json_t *worker, *part;
	size_t i;
	int r;

	json_array_foreach (workers, i, worker)
		sum_worker(&sum, worker);
	part = sum_json(&sum, workers);
	(void)json_object_del(pool, "children"); /* to have it last again */
	r = part == NULL ? -1 : json_object_update(pool, part);
	json_decref(part);
	return r;
}

/* All below the supervisor; NULL when out of memory. */
static json_t *
children_json(struct snapshot_reader *r, tree_memory_fn memory)
{
	json_t *children = json_array(), *pools = json_object(), *pool;
	enum snapshot_kind kind;
	const void *row;
	const char *name;
	int failed = 0;

	while (!failed && (row = snapshot_next(r, &kind)) != NULL)
		if (kind == SNAPSHOT_PROCESS)
			failed = add_process(children, pools, row, memory);
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
tree_json(struct snapshot_reader *r, tree_memory_fn memory)
{
	enum snapshot_kind kind;
	const void *row = snapshot_next(r, &kind);

	if (row == NULL || kind != SNAPSHOT_DAEMON)
		return NULL;
	return root_node(row, children_json(r, memory), memory);
}
