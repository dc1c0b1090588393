#include "json/stats_json.h"

#include <stdbool.h>
#include <string.h>

#include "common/snapshot.h"
#include "json/fields.h"

/* All children together. */
struct total {
	uint64_t children;
	uint64_t running;
	uint64_t restarts;
	const struct snapshot_process *last; /* whose end is the latest */
	int64_t ready_ms;                    /* of the slowest; -1: none */
	struct usage usage;
};

static bool
is_worker(const struct snapshot_process *p)
{
	return strcmp(p->role, "pool") == 0;
}

/* How long it took to be ready, which may be no time; -1: it is not. */
static int64_t
ready_ms(const struct snapshot_process *p)
{
	if (p->ready_ms == 0 && p->state != CHILD_UP)
		return -1;
	return (int64_t)p->ready_ms;
}

static int64_t
kilobytes(const struct usage *u)
{
	return u->memory_bytes < 0 ? -1 : u->memory_bytes / 1024;
}

/* A key and its value on each line. */
/* clang-format off */
static json_t *
identity_json(const struct snapshot_process *p)
{
	const bool worker = is_worker(p);

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:b}",
	    "role", worker ? "worker" : p->role,
	    "name", worker ? field_string(p->name, sizeof(p->name)) :
		field_string(p->role, sizeof(p->role)),
	    "slot", worker ? field_number(p->slot) : json_null(),
	    "generation", field_number_or_null(p->generation),
	    "group", field_string_or_null(p->group, sizeof(p->group)),
	    "pid", field_number_or_null(p->pid),
	    "state", field_word(child_state_name(p->state)),
	    "leaving", p->leaving != 0);
}

static json_t *
figures_json(const struct snapshot_process *p, const struct usage *u)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "restarts", field_number(p->restarts),
	    "last_end", field_time(p->last_end_ms),
	    "last_reason", field_string_or_null(p->last_end, sizeof(p->last_end)),
	    "uptime_ms", p->pid == 0 ? json_null() : field_number(p->uptime_ms),
	    "ready_ms", field_known_or_null(ready_ms(p)),
	    "memory_kb", field_known_or_null(kilobytes(u)),
	    "cpu_ms", field_known_or_null(u->cpu_ms));
}

static json_t *
total_json(const struct total *t, uint64_t uptime_ms)
{
	static const struct snapshot_process none;
	const struct snapshot_process *last = t->last == NULL ? &none : t->last;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "children", field_number(t->children),
	    "running", field_number(t->running),
	    "restarts", field_number(t->restarts),
	    "last_end", field_time(last->last_end_ms),
	    "last_reason",
		field_string_or_null(last->last_end, sizeof(last->last_end)),
	    "uptime_ms", field_number(uptime_ms),
	    "ready_ms", field_known_or_null(t->ready_ms),
	    "memory_kb", field_known_or_null(kilobytes(&t->usage)),
	    "cpu_ms", field_known_or_null(t->usage.cpu_ms));
}
/* clang-format on */

static void
add_to(struct total *t, const struct snapshot_process *p, const struct usage *u)
{
	t->children++;
	if (p->state == CHILD_UP)
		t->running++;
	/* The restarts of those that leave go on in those that follow. */
	if (!p->leaving)
		t->restarts += p->restarts;
	if (p->last_end_ms > (t->last == NULL ? 0 : t->last->last_end_ms))
		t->last = p;
	if (ready_ms(p) > t->ready_ms)
		t->ready_ms = ready_ms(p);
	usage_add(&t->usage, u);
}

static json_t *
child_json(const struct snapshot_process *p, const struct usage *u)
{
	json_t *child = identity_json(p), *figures = figures_json(p, u);

	if (child != NULL &&
	    (figures == NULL || json_object_update(child, figures) == -1)) {
		json_decref(child);
		child = NULL;
	}
	json_decref(figures);
	return child;
}

json_t *
stats_json(struct snapshot_reader *r, usage_fn look_up)
{
	struct total total = { .ready_ms = -1, .usage = { -1, -1 } };
	const struct snapshot_process *p;
	const struct snapshot_daemon *d;
	enum snapshot_kind kind;
	struct usage usage;
	json_t *children;
	const void *row;

	d = row = snapshot_next(r, &kind);
	if (row == NULL || kind != SNAPSHOT_DAEMON)
		return NULL;
	children = json_array();
	while ((row = snapshot_next(r, &kind)) != NULL) {
		if (kind != SNAPSHOT_PROCESS)
			continue;
		p = row;
		usage = (struct usage){ -1, -1 };
		if (p->pid != 0)
			look_up(p->pid, &usage);
		add_to(&total, p, &usage);
		if (json_array_append_new(children, child_json(p, &usage)) ==
		    -1) {
			json_decref(children);
			return NULL;
		}
	}
	return json_pack("{s:o, s:o}", "children", children, "total",
	    total_json(&total, d->uptime_ms));
}
