/*
 * ticket_keys: what TLS session tickets are encrypted with: made and rotated
 * by the supervisor, the same for all workers of a listener, never on disk.
 * Plain data, as it travels; whoever has a copy wipes it after use.
 */
#ifndef MERCURY_COMMON_TICKET_KEYS_H
#define MERCURY_COMMON_TICKET_KEYS_H

#include <stdint.h>

/* The newest and those before it, with which tickets are still accepted. */
#define TICKET_KEY_GENERATIONS 3

/* All of it random. */
struct ticket_key {
	uint8_t name[16]; /* stands in the ticket, unencrypted */
	uint8_t aes[32];
	uint8_t hmac[32];
};

struct ticket_keys {
	uint32_t count; /* 1 to TICKET_KEY_GENERATIONS; the newest first */
	struct ticket_key keys[TICKET_KEY_GENERATIONS];
};

#endif /* MERCURY_COMMON_TICKET_KEYS_H */
