/*
 * health_port: the port of a listener that only says whether it is ready, by
 * accepting or not (check_port.h). Bound here, with the listener's sockets,
 * and kept until the listener goes: also while it is paused or has failed.
 * The gateway opens and closes it.
 */
#ifndef MERCURY_SUPERVISOR_HEALTH_PORT_H
#define MERCURY_SUPERVISOR_HEALTH_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"

struct listener;

struct health_port {
	int fd;    /* bound; -1: none. The gateway may have a copy */
	int next;  /* what it will be after a change; -1: none */
	bool told; /* the gateway was told of it */
};

void health_port_init(struct health_port *);

/* Do both want the same health port? False where they want none. */
bool health_port_same(const struct listener_spec *,
    const struct listener_spec *);

/*
 * Have the port that l's spec wants, if it wants one and has none yet.
 * Returns 0, or -1 with *err.
 */
int health_port_bind(struct listener *l, struct err *err);

/*
 * Have the port of another spec ready beside the one that there is: bound, or
 * that of donor (NULL: none), which is about to give it up. Returns 0, or -1
 * with *err.
 */
int health_port_prepare(struct listener *l, const struct listener_spec *,
    const struct listener *donor, struct err *err);

/* What was prepared is not wanted any more. */
void health_port_drop(struct listener *);

/* What was prepared, maybe none, takes the place of what there is. */
void health_port_switch(struct listener *);

/* Tell the gateway, if l is listed and it was not told yet. */
void health_port_announce(struct listener *l);

/* The gateway forgets it, and it is free; what was prepared stays. */
void health_port_leave(struct listener *);

/* The same, and what was prepared goes, too. */
void health_port_close(struct listener *);

#endif /* MERCURY_SUPERVISOR_HEALTH_PORT_H */
