/*
 * plan: what mercury-config made of the config file, and how it differs from
 * what runs. Pure.
 */
#ifndef MERCURY_SUPERVISOR_PLAN_H
#define MERCURY_SUPERVISOR_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"
#include "common/spec.h"

struct plan {
	struct daemon_settings settings;
	bool has_settings;
	/*
	 * Once complete: in the order in which they are to be bound. First
	 * those that say how many workers their pool has, then those that
	 * take what there is; both sorted by name.
	 */
	struct msg_plan_listener *items;
	size_t count;
	size_t sized; /* how many of them say it */
	size_t size;  /* room in items */
};

/* What a reload has to do with a listener that runs and is in the plan. */
enum plan_change {
	PLAN_KEEP,
	PLAN_UPDATE, /* only options that can change live */
	PLAN_MOVE,   /* bound anew; both can be bound at the same time */
	PLAN_REPLACE /* bound anew, after the running one is gone */
};

/*
 * Add a listener that came from mercury-config; it is checked here. Returns
 * 0, or -1 with *err.
 */
int plan_add(struct plan *, const struct msg_plan_listener *, struct err *);

/*
 * Every message has come: sort. Returns 0, or -1 with *err when a name is
 * there twice or no settings have come.
 */
int plan_complete(struct plan *, struct err *);

/* The item of that name in a complete plan, or NULL. */
const struct msg_plan_listener *plan_find(const struct plan *,
    const char *name);

/*
 * How the wanted spec differs from the running one; *changed gets the
 * options.
 */
enum plan_change plan_compare(const struct listener_spec *running,
    const struct listener_spec *wanted, option_set *changed);

void plan_free(struct plan *);

#endif /* MERCURY_SUPERVISOR_PLAN_H */
