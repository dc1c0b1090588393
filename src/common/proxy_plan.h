/*
 * proxy_plan: what a listener with protocol proxy is asked to do, as the value
 * BULK_PROTOCOL_PLAN (bulk.h): made of the section proxy, defaults filled in.
 * Compared by its digest: every byte that is not used is 0.
 */
#ifndef MERCURY_COMMON_PROXY_PLAN_H
#define MERCURY_COMMON_PROXY_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define UPSTREAMS_MAX 64u
#define UPSTREAM_NAME_SIZE 272 /* "host:port" or "unix:/path", and NUL */
#define UPSTREAM_HOST_SIZE 256
#define UPSTREAM_WEIGHT_MAX 256u
#define CHECK_TEXT_SIZE 256
#define RESOLVERS_MAX 4u
#define RESOLVER_SIZE 64 /* numeric address and port */

/* clang-format off */
#define BALANCES(X)							\
	X(ROUND_ROBIN, "round_robin") X(LEAST_CONNECTIONS, "least_connections") \
	X(SOURCE, "source")	/* the peer's address decides */	\
	X(FIRST, "first")	/* the first that has room */
#define CHECKS(X)							\
	X(OFF, "off") X(CONNECT, "connect")				\
	X(EXPECT, "expect")	/* send check_send, want check_expect */
#define SEND_PROXIES(X)	X(OFF, "off") X(V1, "v1") X(V2, "v2")
#define UPSTREAM_KINDS(X)						\
	X(ADDRESS, "address")	/* numeric */				\
	X(NAME, "name")		/* to be resolved */			\
	X(UNIX, "unix")
/* What an operator wants of an upstream. */
#define UPSTREAM_MODES(X)						\
	X(READY, "ready")						\
	X(DRAIN, "drain")	/* nobody new, what is open goes on */	\
	X(MAINT, "maint")	/* the same, and it is not checked */
/* clang-format on */

enum balance {
#define X(NAME, WORD) BALANCE_##NAME,
	BALANCES(X)
#undef X
	    BALANCE_COUNT
};

enum check_kind {
#define X(NAME, WORD) CHECK_##NAME,
	CHECKS(X)
#undef X
	    CHECK_COUNT
};

enum send_proxy {
#define X(NAME, WORD) SEND_PROXY_##NAME,
	SEND_PROXIES(X)
#undef X
	    SEND_PROXY_COUNT
};

enum upstream_kind {
#define X(NAME, WORD) UPSTREAM_##NAME,
	UPSTREAM_KINDS(X)
#undef X
	    UPSTREAM_KIND_COUNT
};

enum upstream_mode {
#define X(NAME, WORD) UPSTREAM_MODE_##NAME,
	UPSTREAM_MODES(X)
#undef X
	    UPSTREAM_MODE_COUNT
};

extern const char *const balance_words[BALANCE_COUNT];
extern const char *const check_words[CHECK_COUNT];
extern const char *const send_proxy_words[SEND_PROXY_COUNT];
extern const char *const upstream_mode_words[UPSTREAM_MODE_COUNT];

/* Bytes, which may hold a NUL. */
struct check_text {
	uint32_t size;
	uint8_t bytes[CHECK_TEXT_SIZE];
};

struct upstream_plan {
	char name[UPSTREAM_NAME_SIZE]; /* as it was written, unique */
	char host[UPSTREAM_HOST_SIZE]; /* address, name, or path */
	uint16_t port;                 /* 0 of UNIX */
	uint8_t kind;                  /* enum upstream_kind */
	uint8_t backup;                /* only when no other one can be used */
	uint32_t weight;               /* 1 to UPSTREAM_WEIGHT_MAX */
	uint32_t max_connections;      /* over all workers; 0: no limit */
	uint32_t queue;                /* how many may wait for it */
};

struct proxy_plan {
	uint8_t balance;    /* enum balance */
	uint8_t send_proxy; /* enum send_proxy */
	uint8_t check;      /* enum check_kind */
	uint8_t splice;
	uint32_t connect_timeout_ms;
	uint32_t queue_timeout_ms;
	uint32_t retries; /* on others, before a byte was sent */
	uint32_t check_interval_ms;
	uint32_t check_timeout_ms;
	uint32_t check_rise;
	uint32_t check_fall;
	uint32_t resolve_every_ms;
	uint32_t weight; /* these three: of upstreams that say none */
	uint32_t max_connections;
	uint32_t queue;
	struct check_text check_send;
	struct check_text check_expect;       /* to be found in the answer */
	char server_name[UPSTREAM_HOST_SIZE]; /* of TLS; empty: the host */
	char resolvers[RESOLVERS_MAX][RESOLVER_SIZE]; /* empty: the system's */
	uint32_t upstreams_count;                     /* 1 to UPSTREAMS_MAX */
	struct upstream_plan upstreams[];
};

/* Bytes of a plan with so many upstreams. */
static inline size_t
proxy_plan_size(uint32_t upstreams)
{
	return sizeof(struct proxy_plan) +
	    upstreams * sizeof(struct upstream_plan);
}

/*
 * Check a plan that came from another process: sizes fit, every text ends,
 * every value is in range. Returns 0, or -1 with *err.
 */
int proxy_plan_check(const struct proxy_plan *, size_t size, struct err *err);

#endif /* MERCURY_COMMON_PROXY_PLAN_H */
