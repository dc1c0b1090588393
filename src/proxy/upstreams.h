/*
 * upstreams: the upstreams of one listener in this worker: which of them a
 * connection goes to, who waits for one, and what is known of each. What all
 * workers of the pool must agree on is in common/upstream_board.h.
 *
 * Owned by the listener's protocol (proxy). No call blocks; none but
 * upstream_asker.ready() calls back, and that comes from the event loop only.
 */
#ifndef MERCURY_PROXY_UPSTREAMS_H
#define MERCURY_PROXY_UPSTREAMS_H

#include <sys/queue.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/err.h"
#include "common/proxy_plan.h"
#include "common/upstream_board.h"

struct conn_list;
struct upstream;
struct upstreams;

enum upstream_pick {
	UPSTREAM_PICKED, /* a place is held; connect to the address */
	UPSTREAM_WAITS,  /* in a queue: ready() will be called */
	UPSTREAM_NONE    /* none can be used, or there is no room */
};

/* Where to connect to. */
struct upstream_address {
	union addr addr;
	socklen_t size;
};

/*
 * A place at an upstream, or in its queue. Kept by the connection, zeroed
 * before the first pick; zeroed again when the place was given back.
 */
struct upstream_claim {
	struct upstream *upstream;    /* NULL: none */
	struct upstream_asker *asker; /* it waits; NULL: it has a place */
};

/*
 * A connection that wants an upstream. Owned by the connection, needed from
 * the first pick until upstreams_connected() or upstreams_leave(). What is
 * not commented is private, and zeroed at first.
 */
struct upstream_asker {
	struct upstream_claim *claim; /* where the claim is kept; set before */
	bool has_source;              /* source is set */
	uint8_t source[16]; /* the device's real address (addr_bytes()) */
	/*
	 * It waits no more: PICKED with the address (borrowed during the
	 * call), or NONE, and its claim is empty. From the event loop; the
	 * asker may be freed in it.
	 */
	void (*ready)(struct upstream_asker *, enum upstream_pick,
	    const struct upstream_address *);
	void *ctx; /* for ready() */

	TAILQ_ENTRY(upstream_asker) entry;
	uint64_t tried[UPSTREAM_ROWS / 64]; /* rows that have failed it */
	uint64_t until_ms;        /* it waits no longer; 0: it never did */
	uint32_t last;            /* row + 1 of the one that was picked last */
	uint32_t address;         /* which of its addresses */
	uint32_t addresses_tried; /* of its addresses, in vain */
	bool moving;              /* it is between two queues */
};

/*
 * The upstreams of a plan (borrowed) for the listener of conns (borrowed for
 * as long as they live); checks and resolving begin at once. Returns NULL with
 * *err.
 */
struct upstreams *upstreams_new(struct conn_list *conns,
    const struct proxy_plan *plan, struct err *err);

/*
 * Another plan: an upstream whose name stays, stays as it is known. Those that
 * are not in it any more get nobody new. Who waits is placed anew. Returns 0,
 * or -1 with *err, and nothing has changed.
 */
int upstreams_update(struct upstreams *, const struct proxy_plan *plan,
    struct err *err);

/* No connection has a claim any more. Nulls *u; NULL is fine. */
void upstreams_free(struct upstreams **u);

/*
 * Find an upstream for the asker, whose claim is empty: the first time, or
 * again after upstreams_failed(). With PICKED its claim has a place and *out
 * says where to connect to; with WAITS it is in a queue.
 */
enum upstream_pick upstreams_pick(struct upstreams *, struct upstream_asker *,
    struct upstream_address *out);

/* The connection to it is there. The asker is not needed any more. */
void upstreams_connected(struct upstream_claim *);

/*
 * It could not be reached: that counts against it, the place is given back,
 * and the asker will not get the same address again. error is the errno of
 * UPSTREAM_TROUBLE_CONNECT, 1 + the enum tls_failure of TLS, else 0.
 */
void upstreams_failed(struct upstream_asker *, enum upstream_trouble,
    int error);

/*
 * The connection is over, or gives up waiting or connecting, which counts
 * against nobody. An empty claim is fine.
 */
void upstreams_leave(struct upstream_claim *);

/*
 * Which upstream a claim that is not empty is for: name, host (for TLS) and
 * so on; valid while the claim is.
 */
const struct upstream_plan *upstreams_claimed(const struct upstream_claim *);

#endif /* MERCURY_PROXY_UPSTREAMS_H */
