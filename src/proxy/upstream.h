/*
 * upstream: one upstream of one listener in this worker: its row on the board,
 * its addresses, who waits for it. Private to upstreams, check and resolve.
 *
 * Owned by upstreams.c; one that is in no plan any more lives until the last
 * connection has left it.
 */
#ifndef MERCURY_PROXY_UPSTREAM_H
#define MERCURY_PROXY_UPSTREAM_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "proxy/balance.h"
#include "proxy/upstreams.h"

struct upstream_check;
struct event;
struct dns_api;
struct event_base;
struct name;

/* Of a name, at most. */
#define UPSTREAM_ADDRESSES_MAX 16u

TAILQ_HEAD(upstream_askers, upstream_asker);

struct upstream {
	TAILQ_ENTRY(upstream) entry; /* of those that are retired */
	struct upstreams *owner;
	struct upstream_plan plan;
	struct upstream_row *row;
	struct upstream_holding *held; /* what we have there */
	uint32_t claims;               /* that point here */
	bool retired;                  /* it is in no plan any more */
	struct upstream_askers waiters;
	struct upstream_address *addresses;
	uint32_t addresses_count;     /* 0: its name is not resolved */
	uint32_t address;             /* which is used */
	struct upstream_check *check; /* NULL: none is under way */
	struct name *name; /* NULL: its address is numeric, or a path */
};

TAILQ_HEAD(upstream_list, upstream);

struct upstreams {
	struct conn_list *conns;
	struct proxy_plan *plan; /* our copy */
	struct upstream_table *table;
	uint32_t count;
	struct upstream *all[UPSTREAMS_MAX]; /* in the order of the plan */
	struct balance_entry entries[UPSTREAMS_MAX];
	struct upstream_list retired;
	struct event *tick; /* checks, or a look whether nobody makes them */
	struct event *look; /* at those who wait */
	struct upstream_askers moving;
	uint32_t waiting; /* in this worker */
	bool looking;     /* freed not before that is over */
	bool dead;
};

/*
 * Make one as the plan (borrowed) says; a name is not looked up yet. Returns
 * NULL with *err.
 */
struct upstream *upstream_new(struct upstreams *, const struct upstream_plan *,
    struct err *err);

/* Nobody has a claim. Nulls *up; NULL is fine. */
void upstream_free(struct upstream **up);

/* The address to connect to now; there is one. */
const struct upstream_address *upstream_address(const struct upstream *);

/* That one did not answer: use the next. */
void upstream_next_address(struct upstream *);

/* Its name has these addresses now (copied). Returns 0, or -1: no memory. */
int upstream_set_addresses(struct upstream *, const struct upstream_address *,
    uint32_t count);

/* A good or bad end of a connect or a check: says so when that changes it. */
void upstream_note_good(struct upstream *);
void upstream_note_bad(struct upstream *, uint32_t fall, enum upstream_trouble,
    int error);

/* Has the supervisor, or so an operator, nothing against new connections? */
bool upstream_is_ready(const struct upstream *);

/* A new claim of it, or one less: it is freed with the last if retired. */
void upstream_claim_begin(struct upstream *, struct upstream_claim *);
void upstream_claim_end(struct upstream_claim *);

/* What we have there is more now, or less. */
void upstream_hold(_Atomic uint32_t *, int more);

/* The asker, whose place is counted already, has it. */
void upstream_take_place(struct upstream *, struct upstream_asker *,
    struct upstream_address *out);

/* What its owner has. */
const struct proxy_plan *upstreams_plan(const struct upstreams *);
struct event_base *upstreams_base(const struct upstreams *);

/* What resolves names in this worker; NULL: it has not come. */
const struct dns_api *upstreams_dns(const struct upstreams *);
const char *upstreams_listener(const struct upstreams *);

/* Something has changed for those who wait: look at them soon. */
void upstreams_look(struct upstreams *);

#endif /* MERCURY_PROXY_UPSTREAM_H */
