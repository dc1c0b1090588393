/*
 * spec: what a listener and the daemon are asked to be, as plain values
 * that travel between processes. Names are resolved, defaults filled in.
 */
#ifndef MERCURY_COMMON_SPEC_H
#define MERCURY_COMMON_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bulk.h"
#include "common/err.h"
#include "common/log.h"

#define SPEC_NAME_SIZE 65    /* 64 bytes and NUL */
#define SPEC_ADDRESS_SIZE 64 /* numeric, with scope id */
#define SPEC_PATH_SIZE 108   /* sockaddr_un.sun_path */
#define SPEC_USER_SIZE 64
#define SPEC_NO_ID UINT32_MAX /* no user or group was named */
#define SPEC_WORKERS_AUTO 0u
#define SPEC_WORKERS_MAX 1024u

/* Closed sets: the word in config, JSON and logs. */
#define TRANSPORTS(X) X(TCP, "tcp") X(UNIX, "unix") X(TLS, "tls")
#define PROTOCOLS(X)          \
	X(ECHO, "echo")       \
	X(DISCARD, "discard") \
	X(PROXY, "proxy") X(EXEC, "exec") X(MODULE, "module")
#define RESTARTS(X)               \
	X(PERMANENT, "permanent") \
	X(TRANSIENT, "transient") X(TEMPORARY, "temporary")
#define OVERFLOWS(X) X(QUEUE, "queue") X(REJECT, "reject")
#define PROXY_PROTOCOLS(X) X(OFF, "off") X(V1, "v1") X(V2, "v2") X(ANY, "any")
#define STRATEGIES(X)                 \
	X(ONE_FOR_ONE, "one_for_one") \
	X(ONE_FOR_ALL, "one_for_all") X(REST_FOR_ONE, "rest_for_one")

enum transport_id {
#define X(NAME, WORD) TRANSPORT_##NAME,
	TRANSPORTS(X)
#undef X
	    TRANSPORT_COUNT
};

enum protocol_id {
#define X(NAME, WORD) PROTOCOL_##NAME,
	PROTOCOLS(X)
#undef X
	    PROTOCOL_COUNT
};

enum restart_id {
#define X(NAME, WORD) RESTART_##NAME,
	RESTARTS(X)
#undef X
	    RESTART_COUNT
};

enum overflow_id {
#define X(NAME, WORD) OVERFLOW_##NAME,
	OVERFLOWS(X)
#undef X
	    OVERFLOW_COUNT
};

enum proxy_protocol_id {
#define X(NAME, WORD) PROXY_PROTOCOL_##NAME,
	PROXY_PROTOCOLS(X)
#undef X
	    PROXY_PROTOCOL_COUNT
};

enum strategy_id {
#define X(NAME, WORD) STRATEGY_##NAME,
	STRATEGIES(X)
#undef X
	    STRATEGY_COUNT
};

/* Their words, in order, for those that parse and list them. */
extern const char *const transport_words[TRANSPORT_COUNT];
extern const char *const protocol_words[PROTOCOL_COUNT];
extern const char *const restart_words[RESTART_COUNT];
extern const char *const overflow_words[OVERFLOW_COUNT];
extern const char *const proxy_protocol_words[PROXY_PROTOCOL_COUNT];
extern const char *const strategy_words[STRATEGY_COUNT];

/* The word; NULL out of range. */
const char *transport_name(unsigned int);
const char *protocol_name(unsigned int);
const char *restart_name(unsigned int);
const char *overflow_name(unsigned int);
const char *proxy_protocol_name(unsigned int);
const char *strategy_name(unsigned int);

enum listener_option {
#define LISTENER_OPTION(ID, ...) OPT_##ID,
#include "common/option_list.h"
	LISTENER_OPTION_COUNT
};

/* A set of enum listener_option: those that somebody wrote down. */
typedef uint64_t option_set;
#define OPTION_BIT(ID) ((option_set)1 << (ID))

/* idle_s 0: off */
struct keepalive {
	uint32_t idle_s;
	uint32_t interval_s;
	uint32_t count;
};

struct listener_spec {
	char name[SPEC_NAME_SIZE];
	char pool[SPEC_NAME_SIZE];       /* never empty in a valid spec */
	char address[SPEC_ADDRESS_SIZE]; /* empty with path */
	char path[SPEC_PATH_SIZE];       /* empty without */
	uint16_t port;
	uint8_t transport; /* enum transport_id */
	uint8_t protocol;  /* enum protocol_id */
	uint8_t nodelay;
	uint8_t required;
	uint8_t restart; /* enum restart_id */
	uint8_t record_connections;
	uint8_t overflow;       /* enum overflow_id */
	uint8_t proxy_protocol; /* enum proxy_protocol_id */
	uint16_t health_port;   /* 0: none */
	uint8_t programs; /* in a plan: one of its pool is of protocol exec */
	uint8_t unused;
	uint32_t workers; /* SPEC_WORKERS_AUTO: as many as CPUs */
	uint32_t backlog;
	uint32_t mode;
	uint32_t owner; /* uid, or SPEC_NO_ID */
	uint32_t group; /* gid, or SPEC_NO_ID */
	union {
		uint32_t worker_ids[2]; /* as one option */
		struct {
			uint32_t worker_uid; /* SPEC_NO_ID: the daemon's */
			uint32_t worker_gid;
		};
	};
	struct keepalive keepalive;
	uint32_t drain_timeout_ms;
	uint32_t bind_attempts;
	uint32_t bind_backoff_ms;
	uint32_t bind_backoff_max_ms;
	uint32_t max_restarts;
	uint32_t max_seconds;
	uint32_t hang_timeout_ms;
	uint32_t idle_timeout_ms; /* these three: 0 for none */
	uint32_t max_lifetime_ms;
	uint32_t user_timeout_ms;
	uint32_t max_connections; /* 0: no limit */
	uint32_t accept_rate;     /* a second; 0: no limit */
	uint32_t accept_burst;    /* 0: as accept_rate */
	uint32_t handshake_timeout_ms;
	union {
		struct bulk_ref bulks[BULK_COUNT]; /* values travel apart */
		struct {
			struct bulk_ref lists[BULK_TLS];
			struct bulk_ref tls[2]; /* the section, the material */
			struct bulk_ref section[2]; /* and the plan */
		};
		struct {
			struct bulk_ref others[BULK_PROTOCOL];
			struct bulk_ref proxy[4]; /* and TLS to upstreams */
		};
	};
};

/*
 * A group of listeners with a restart strategy. It travels as this head and
 * a message for each child, in order.
 */
struct group_spec {
	char name[SPEC_NAME_SIZE];
	uint8_t strategy; /* enum strategy_id */
	uint8_t unused[2];
	uint32_t children; /* how many follow */
	uint32_t max_restarts;
	uint32_t max_seconds;
};

/* What the store keeps, and where. */
struct store_settings {
	char database[256]; /* absolute; empty: there is no store */
	uint64_t retention_ms;
	uint32_t max_events;
	uint32_t cleanup_every_ms;
};

struct daemon_settings {
	char user[SPEC_USER_SIZE];
	char control_socket[SPEC_PATH_SIZE];
	char state_dir[256];
	uint32_t uid; /* of user; SPEC_NO_ID: stay who we are */
	uint32_t gid;
	uint32_t control_gid; /* SPEC_NO_ID: none */
	uint32_t readers_gid; /* SPEC_NO_ID: none */
	uint32_t shutdown_deadline_ms;
	uint32_t lame_duck_ms;
	uint8_t sandbox; /* not 0: children enter it */
	uint8_t unused[7];
	struct log_settings log;
	struct store_settings store;
};

/*
 * A name of a listener or pool: 1 to 64 bytes of UTF-8 without control
 * characters and "/". what ("listener name") is for the error's text.
 */
int spec_check_name(const char *what, const char *name, struct err *);

/*
 * Check a spec that came from another process: every string ends within its
 * array, every value is in range, the members fit each other. Checks no
 * more than what the receiver relies on. Returns 0, or -1 with *err.
 */
int spec_check(const struct listener_spec *, struct err *);

/* bind_backoff_max may not be less than bind_backoff. 0, or -1 with *err. */
int spec_check_backoff(const struct listener_spec *, struct err *);

/* Where its health port is: a Unix listener has it on 127.0.0.1. */
const char *spec_health_address(const struct listener_spec *);

/* health_port may not be port. 0, or -1 with *err. */
int spec_check_health_port(const struct listener_spec *, struct err *err);

/* proxy_protocol needs proxy_trusted, but for Unix sockets. 0, or -1. */
int spec_check_proxy(const struct listener_spec *, struct err *err);

/* transport tls needs tls, and no other takes it. 0, or -1 with *err. */
int spec_check_tls(const struct listener_spec *, struct err *err);

/*
 * The section of its protocol must be there, and of no other. 0, or -1 with
 * *err.
 */
int spec_check_section(const struct listener_spec *, struct err *err);

/* The option that is the section of a protocol; LISTENER_OPTION_COUNT: none. */
enum listener_option spec_section_of(unsigned int protocol);

/* Is a change of this option possible without a new socket? */
bool spec_option_is_live(enum listener_option);

/* "backlog" and so on; NULL out of range. */
const char *spec_option_name(enum listener_option);

/*
 * May all options of set be given for a listener of this transport? Returns
 * 0, or -1 with *err, which names the first that means nothing there.
 */
int spec_check_set(enum transport_id, option_set set, struct err *);

/* The same for sections and a protocol. */
int spec_check_sections(unsigned int protocol, option_set set, struct err *);

/*
 * Copy to *to the options of set that can change live. One that can't, and
 * would differ, is an error that names it and leaves *to as it was.
 */
int spec_merge(struct listener_spec *to, const struct listener_spec *from,
    option_set set, struct err *);

/*
 * Same value of one option in both? A section that goes with the protocol of
 * neither is the same.
 */
bool spec_option_equal(enum listener_option, const struct listener_spec *,
    const struct listener_spec *);

/* For people: "[::]:7007" or "/run/pos.sock". port overrides spec->port. */
#define SPEC_PLACE_SIZE 120
void spec_place(const struct listener_spec *, uint16_t port,
    char out[static SPEC_PLACE_SIZE]);

#endif /* MERCURY_COMMON_SPEC_H */
