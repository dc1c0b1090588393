/*
 * sockets: the listening sockets of a listener, one for each slot. Those of
 * a Unix listener are one and the same.
 */
#ifndef MERCURY_SUPERVISOR_SOCKETS_H
#define MERCURY_SUPERVISOR_SOCKETS_H

#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "supervisor/unix_path.h"

struct sockets {
	int *fds;
	unsigned int count; /* of slots; 0: closed */
	/* What is bound, or was last: port 0 means that one from then on. */
	uint16_t port;
	char address[SPEC_ADDRESS_SIZE];
	struct unix_path unix_path;
};

void sockets_init(struct sockets *, const struct listener_spec *);

/*
 * Bind so many slots to the spec's place. Returns 0, or -1 with *err and
 * nothing bound.
 */
int sockets_open(struct sockets *, const struct listener_spec *,
    unsigned int count, struct err *);

/*
 * Have at least so many slots; it must be open. There is no way to have
 * less: whoever waits in the queue of a socket that goes would be reset.
 */
int sockets_grow(struct sockets *, const struct listener_spec *,
    unsigned int count, struct err *);

/* Apply what an update can change. Returns 0, or -1 with *err. */
int sockets_apply(const struct sockets *, const struct listener_spec *,
    struct err *);

/* Make sure that they listen: whoever had one can shut it down for all. */
void sockets_listen(const struct sockets *, const struct listener_spec *);

/* Nobody new may queue: the sockets are about to be emptied and closed. */
void sockets_stop_new(struct sockets *);

void sockets_close(struct sockets *);

/* Give what from has to *to, which is closed. */
void sockets_move(struct sockets *to, struct sockets *from);

#endif /* MERCURY_SUPERVISOR_SOCKETS_H */
