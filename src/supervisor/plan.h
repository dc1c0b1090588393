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
#include "common/gateway_settings.h"
#include "common/ipc_msg.h"
#include "common/snapshot.h"
#include "common/spec.h"
#include "common/wanted.h"
#include "supervisor/group.h"

struct plan {
	struct daemon_settings settings;
	bool has_settings;
	struct gateway_wanted gateway;
	unsigned int warnings; /* that came with it; they are in the log */
	/*
	 * Once complete: in the order in which they are to be bound. First
	 * those that say how many workers their pool has, then those that
	 * take what there is; both sorted by name.
	 */
	struct wanted *items;
	size_t count;
	size_t sized; /* how many of them say it */
	size_t size;  /* room in items */
	struct group_plan *groups;
	size_t groups_count;
};

/*
 * Add a listener that came from mercury-config; it is checked here. Takes the
 * values that it holds, also when it fails. Returns 0, or -1 with *err.
 */
int plan_add(struct plan *, struct wanted *, struct err *);

/* Add a group, and then its children. Return 0, or -1 with *err. */
int plan_add_group(struct plan *, const struct group_spec *, struct err *);
int plan_add_child(struct plan *, const struct msg_plan_child *, struct err *);

/*
 * Every message has come: sort. Returns 0, or -1 with *err when a name is
 * there twice or no settings have come.
 */
int plan_complete(struct plan *, struct err *);

/* The item of that name in a complete plan, or NULL. */
const struct wanted *plan_find(const struct plan *, const char *name);

/*
 * What has to be done to make the running listener the wanted one: keep it,
 * update it in place, restart it (other workers for the same sockets), or
 * rebind it. *changed gets the options that differ.
 */
enum plan_action plan_compare(const struct listener_spec *running,
    const struct listener_spec *wanted, option_set *changed);

/*
 * Do both want the very same place? port is the one that the running one has
 * bound.
 */
bool plan_same_place(const struct listener_spec *running, uint16_t port,
    const struct listener_spec *wanted);

void plan_free(struct plan *);

#endif /* MERCURY_SUPERVISOR_PLAN_H */
