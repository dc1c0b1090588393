/*
 * conn: one open connection: receive, send, wait for a slow peer, end.
 *
 * Owned by the conn_list of its listener. Any call that sends or ends may
 * free it; so it is the last thing that a caller does with it.
 */
#ifndef MERCURY_POOL_CONN_H
#define MERCURY_POOL_CONN_H

#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/conn_state.h"

/* Most that is read at a time, and most that echo keeps for a slow peer. */
#define CONN_READ_SIZE 65536

struct conn_list;
struct conn_output;
struct conn_record;

struct conn {
	struct event io; /* readable in CONN_OPEN, else writable */
	LIST_ENTRY(conn) entry;
	struct conn_list *list;
	struct conn_output *output; /* NULL: none waits */
	struct conn_record *record; /* NULL: it is not recorded */
	enum conn_state state;
	bool peer_finished;
	max_align_t protocol_state[];
};

/*
 * Serve the socket fd as one more connection of the list. Takes fd; it does
 * not block. Returns 0, or -1 with errno, fd closed, nothing counted.
 */
int conn_open(struct conn_list *, int fd);

/* End it now: what waits is lost. Frees it. why is one word. */
void conn_close(struct conn *, const char *why);

static inline int
conn_fd(const struct conn *c)
{
	return event_get_fd(&c->io);
}

#endif /* MERCURY_POOL_CONN_H */
