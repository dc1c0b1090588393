/* conn_ids: gives each connection of this worker its id (conn_id.h). */
#ifndef MERCURY_POOL_CONN_IDS_H
#define MERCURY_POOL_CONN_IDS_H

#include <stdint.h>
#include <stdlib.h>

/* One for the whole worker; zeroed, it is ready. */
struct conn_ids {
	uint32_t nonce; /* 0: not drawn yet */
	uint32_t count;
};

/* The next one; they grow, until after 4 billion they begin anew. */
static inline uint64_t
conn_ids_next(struct conn_ids *ids)
{
	while (ids->nonce == 0)
		ids->nonce = arc4random();
	return (uint64_t)ids->nonce << 32 | ++ids->count;
}

#endif /* MERCURY_POOL_CONN_IDS_H */
