/*
 * gateway_settings: what the config file says of the gateway, as plain values
 * that travel between processes.
 */
#ifndef MERCURY_COMMON_GATEWAY_SETTINGS_H
#define MERCURY_COMMON_GATEWAY_SETTINGS_H

#include <stdint.h>

#include "common/bulk.h"
#include "common/err.h"
#include "common/spec.h"

#define GATEWAY_TOKEN_SIZE 129
#define GATEWAY_HOSTS_SIZE 1024

/* What the agent says of the weight. */
#define AGENT_WEIGHTS(X) X(FULL, "full") X(LOAD, "load")

enum agent_weight {
#define X(NAME, WORD) AGENT_WEIGHT_##NAME,
	AGENT_WEIGHTS(X)
#undef X
	    AGENT_WEIGHT_COUNT
};

extern const char *const agent_weight_words[AGENT_WEIGHT_COUNT];

/* Where to listen; an empty address: nowhere. */
struct gateway_place {
	char address[SPEC_ADDRESS_SIZE]; /* numeric */
	uint16_t port;                   /* 0: the kernel chooses */
	uint8_t unused[6];
};

/* The sockets that it serves. */
#define GATEWAY_SOCKETS(X)       \
	X(HTTP, "listen")        \
	X(AGENT, "agent_listen") \
	X(TCP_CHECK, "tcp_check_listen")

enum gateway_socket {
#define X(NAME, WORD) GATEWAY_##NAME,
	GATEWAY_SOCKETS(X)
#undef X
	    GATEWAY_SOCKET_COUNT,
	/* And that of a listener with a health_port. */
	GATEWAY_HEALTH_PORT = GATEWAY_SOCKET_COUNT
};

struct gateway_settings {
	struct gateway_place places[GATEWAY_SOCKET_COUNT];
	char token[GATEWAY_TOKEN_SIZE]; /* empty: none is needed */
	char hosts[GATEWAY_HOSTS_SIZE]; /* names, with spaces between */
	uint8_t agent_weight;           /* enum agent_weight */
	uint8_t exists;                 /* 0: there is no gateway */
	uint8_t unused[5];
	struct bulk_ref bulks[BULK_COUNT]; /* values that travel apart */
};

/* They, and the values that they refer to; held. Zeroed: no gateway. */
struct gateway_wanted {
	struct gateway_settings settings;
	struct bulks bulks;
};

/* "listen" and so on, the option that names the place; NULL out of range. */
const char *gateway_socket_name(unsigned int);

/*
 * Check settings that came from another process: every text ends within its
 * array, every value is in range, and the values that they refer to are
 * there. Returns 0, or -1 with *err.
 */
int gateway_check(const struct gateway_wanted *, struct err *err);

#endif /* MERCURY_COMMON_GATEWAY_SETTINGS_H */
