/*
 * bulk: a value of an option that is too large for struct listener_spec, such
 * as a list of networks: bytes in a sealed memfd, which travels between
 * processes. Whoever carries one need not look inside.
 *
 * The spec has a reference to it, so that values are compared by that.
 */
#ifndef MERCURY_COMMON_BULK_H
#define MERCURY_COMMON_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define BULK_SIZE_MAX (4u << 20)

enum bulk_id {
	BULK_ALLOW, /* these four: arrays of struct cidr */
	BULK_DENY,
	BULK_PROBES,
	BULK_PROXY_TRUSTED,
	BULK_TLS,           /* the section, as JSON (src/option) */
	BULK_TLS_MATERIAL,  /* what mercury-config made of it (src/tls) */
	BULK_PROTOCOL,      /* the section of the protocol, as JSON */
	BULK_PROTOCOL_PLAN, /* and the struct of proxy_plan.h, ... */
	BULK_UPSTREAM_TLS,  /* these two: as those of TLS, for upstreams */
	BULK_UPSTREAM_MATERIAL,
	BULK_COUNT
};

/* In a spec; all 0: there is no value. */
struct bulk_ref {
	uint64_t digest; /* of the bytes; no secret can be told from it */
	uint32_t size;   /* in bytes */
	uint32_t unused;
};

/* A value, owned by all who hold it. */
struct bulk {
	struct bulk_ref ref;
	unsigned int holders;
	int fd;
};

/* The values of one listener; NULL: none. Zeroed, it is empty. */
struct bulks {
	struct bulk *of[BULK_COUNT];
};

/* Make one of a copy of the bytes, held by the caller. NULL with *err. */
struct bulk *bulk_new(const void *bytes, size_t size, struct err *err);

/*
 * Make one of what another process sent. Takes fd, also when it fails: when
 * it is not sealed or not of that size. Returns NULL with *err.
 */
struct bulk *bulk_receive(int fd, const struct bulk_ref *ref, struct err *err);

/* The same, but fd is borrowed. */
struct bulk *bulk_duplicate(int fd, const struct bulk_ref *ref,
    struct err *err);

/* Hold one more time; NULL is fine. Returns it. */
struct bulk *bulk_hold(struct bulk *);

/* Let go, and free it after the last one. Nulls *b; NULL is fine. */
void bulk_drop(struct bulk **b);

/*
 * Its bytes, to be unmapped with bulk_unmap(). They are left out of a core
 * dump. NULL with *err.
 */
const void *bulk_map(const struct bulk *, struct err *err);
void bulk_unmap(const struct bulk *, const void *bytes);

/* Let go of all. */
void bulks_drop(struct bulks *);

/* Hold all that from has, and let go of what to had. */
void bulks_copy(struct bulks *to, const struct bulks *from);

/* Same value? NULL stands for none. */
bool bulk_ref_matches(const struct bulk_ref *, const struct bulk *);

#endif /* MERCURY_COMMON_BULK_H */
