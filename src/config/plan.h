/*
 * plan: what a config file comes to: settings, listeners, or what is wrong.
 * Pure, but for memory: when that runs out the process says so and exits 1.
 */
#ifndef MERCURY_CONFIG_PLAN_H
#define MERCURY_CONFIG_PLAN_H

#include <stddef.h>

#include "common/ipc_msg.h"
#include "common/wanted.h"

/* More errors than these help nobody; the rest is only counted. */
#define PLAN_ERRORS_KEPT 100

struct plan_texts {
	struct msg_text *texts;
	size_t count;
	size_t room;
};

/* A child of a group, and the line that names it. */
struct plan_child {
	struct msg_plan_child child;
	unsigned int line;
};

struct plan_group {
	struct group_spec spec; /* spec.children is set by plan_child() */
	char *file;
	unsigned int line;
	struct plan_child *children;
	size_t child_count;
	size_t child_room;
};

struct plan {
	struct daemon_settings daemon;
	struct gateway_wanted gateway;
	struct wanted *listeners;
	size_t listener_count;
	size_t listener_room;
	struct plan_group *groups;
	size_t group_count;
	size_t group_room;
	struct plan_texts errors;
	struct plan_texts warnings;
	size_t errors_dropped; /* found, but not kept */
};

/*
 * Add an error or a warning: "file:line: text", without the line when it is
 * 0. A long file name loses its beginning, for the text matters more.
 */
void plan_error(struct plan *, const char *file, unsigned int line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void plan_warning(struct plan *, const char *file, unsigned int line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Add a copy of a listener. */
void plan_listener(struct plan *, const struct wanted *);

/* Add a group (borrowed), and to the group that came last a child. */
void plan_group(struct plan *, const struct group_spec *, const char *file,
    unsigned int line);
void plan_child(struct plan *, const char *name, unsigned int line);

/* If errors were found that are not kept, say how many in one more. */
void plan_count_dropped(struct plan *, const char *file);

/* Free what the plan holds, not *p itself. */
void plan_clear(struct plan *p);

#endif /* MERCURY_CONFIG_PLAN_H */
