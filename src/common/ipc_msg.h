/*
 * ipc_msg: every message between the supervisor and its children, once.
 *
 * A message is one SOCK_SEQPACKET datagram: struct ipc_header, then exactly
 * the payload of its kind, with exactly the descriptors of its kind.
 * ipc_recv() checks sender, size and descriptors against the table before
 * anybody looks at the payload. Both ends come from the same build (the
 * supervisor keeps the executables open), so payloads are plain structs.
 */
#ifndef MERCURY_COMMON_IPC_MSG_H
#define MERCURY_COMMON_IPC_MSG_H

#include <stdint.h>

#include "common/bulk.h"
#include "common/cidr.h"
#include "common/conn_state.h"
#include "common/event.h"
#include "common/gateway_settings.h"
#include "common/proxy_plan.h"
#include "common/role.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "common/ticket_keys.h"

#define IPC_VERSION 1u
#define IPC_TEXT_SIZE 512

struct ipc_header {
	uint16_t version;
	uint16_t kind; /* enum ipc_kind */
	uint32_t unused;
};

struct msg_empty {
	uint64_t unused;
};

/*
 * One of the values that the next message with a spec refers to, which comes
 * over the same channel; it carries the sealed memfd. In the answer to
 * REQ_STATUS with REQ_FLAG_VALUES, those of the SNAPSHOT that follows.
 */
struct msg_bulk {
	uint32_t request; /* of and to control; else 0 */
	uint32_t id;      /* enum bulk_id */
	struct bulk_ref ref;
};

/* --- supervisor <-> config --- */

struct msg_config_read {
	char path[1000];     /* absolute */
	uint32_t check_only; /* 1: make no directory, as for mercuryd -t */
	uint32_t unused;
};

/* One error of a config file; as many as there are, then PLAN_END. */
struct msg_text {
	char text[IPC_TEXT_SIZE];
};

enum spec_origin {
	ORIGIN_FILE,    /* the config file */
	ORIGIN_SAVED,   /* state_dir, written by --save */
	ORIGIN_RUNTIME, /* the control socket */
	ORIGIN_COUNT
};

struct msg_plan_listener {
	struct listener_spec spec;
	option_set set;
	uint32_t origin; /* enum spec_origin */
};

/* One child of the PLAN_GROUP that came last. */
struct msg_plan_child {
	char name[SPEC_NAME_SIZE];
};

/* Who has this place? Answered by HOLDER. */
struct msg_config_find_holder {
	char path[SPEC_PATH_SIZE];       /* empty: a TCP port */
	char address[SPEC_ADDRESS_SIZE]; /* numeric */
	uint16_t port;
	uint8_t unused[2];
};

#define PROCESS_NAME_SIZE 16 /* as the kernel has it (comm) */

struct msg_holder {
	uint32_t pid; /* 0: can't be found */
	char name[PROCESS_NAME_SIZE];
};

/*
 * The environment of every child says which run of which mercuryd it belongs
 * to: the control socket, the supervisor's pid and a random number; and how
 * long it may drain without a supervisor.
 */
#define RUN_VARIABLE "MERCURY_RUN"
#define RUN_DRAIN_VARIABLE "MERCURY_RUN_DRAIN_MS"
#define RUN_SIZE (SPEC_PATH_SIZE + 32)

/*
 * The environment of a program of protocol exec has those, too, and the pid of
 * the worker that has started it.
 */
#define WORKER_VARIABLE "MERCURY_WORKER"

/* Whose processes shall be looked for. */
enum strays_of {
	STRAYS_OF_EARLIER_RUNS,
	STRAYS_OF_THIS_RUN,    /* all, but for a few */
	STRAYS_OF_DEAD_WORKERS /* the programs of workers of this run */
};

/*
 * Kill the processes that were left behind. A STRAY comes for each, then
 * STRAYS_END.
 */
struct msg_config_find_strays {
	char control_socket[SPEC_PATH_SIZE];
	char run[RUN_SIZE];  /* ours */
	uint32_t of;         /* enum strays_of */
	uint32_t elapsed_ms; /* since our start: so long they have drained */
	uint32_t supervisor; /* our pid */
	uint32_t unused;
};

/* One that was killed. */
struct msg_stray {
	uint32_t pid;
	char name[PROCESS_NAME_SIZE];
	char run[RUN_SIZE];
};

struct msg_strays_end {
	uint32_t strays;   /* as many as were sent */
	uint32_t again_ms; /* some may drain for so long still; 0: none */
};

/*
 * Carries a value of a listener that names files, which shall be read: a tls
 * section (BULK_TLS, BULK_UPSTREAM_TLS) or the plan of exec or module. Answered
 * by a BULK with the material of a section, or by PLAN_ERROR, and PLAN_WARNING,
 * then PLAN_END.
 */
struct msg_config_files {
	uint32_t id;       /* enum bulk_id */
	uint32_t protocol; /* enum protocol_id */
	struct bulk_ref ref;
};

struct msg_plan_end {
	uint32_t listeners; /* as many as were sent */
	uint32_t errors;    /* not 0: nothing may be applied */
};

/*
 * In the first message to a child: what it may do from then on (sandbox.h in
 * src/sandbox). mercury-config is in its sandbox by then.
 */
enum sandbox_mode {
	SANDBOX_OFF,
	SANDBOX_ON,
	SANDBOX_PROGRAMS /* of a pool: it may start programs */
};

/* --- supervisor <-> pool worker --- */

/* Carries the scoreboard's descriptor. Answered by READY. */
struct msg_pool_hello {
	struct log_settings log;
	char pool[SPEC_NAME_SIZE];
	uint32_t slot;
	uint32_t orphan_drain_ms; /* how long to drain if the supervisor dies */
	uint32_t uid;             /* who to be: role_drop_rights() */
	uint32_t gid;
	uint32_t generation;
	uint32_t heartbeat_ms; /* how often to say in the scoreboard: alive */
	uint32_t sandbox;      /* enum sandbox_mode */
	uint32_t unused;
};

/*
 * TLS_MODULE carries mercury-tls.so, before the first LISTEN with transport
 * tls. DNS_MODULE carries mercury-dns.so, before the first upstream that is a
 * name.
 */

/* For the next LISTEN of the listener, or for what it does already. */
struct msg_ticket_keys {
	uint64_t listener_id;
	struct ticket_keys keys;
	uint32_t unused;
};

/*
 * GATES carries the gates of the pool (gate.h), before the first LISTEN.
 */

/*
 * UPSTREAM_BOARD carries the board of the pool (upstream_board.h), before the
 * first LISTEN with protocol proxy.
 */

/*
 * Serve this socket, which comes with it. The first for a listener brings
 * its spec; later ones add sockets of the same listener (a slot that is
 * adopted from a worker that is gone). Answered by LISTENING.
 */
struct msg_listen {
	uint64_t listener_id;
	uint32_t entry; /* index in the scoreboard */
	uint32_t slot;
	struct listener_spec spec;
};

struct msg_slot {
	uint64_t listener_id;
	uint32_t slot;
};

/*
 * REFUSED, for LISTENING or after UPDATE: this worker can't serve the listener
 * so. After LISTEN it knows nothing of it. TRIED: code is ERR_NONE if it could.
 */
struct msg_refused {
	uint64_t listener_id;
	uint32_t code; /* enum err_code */
	uint32_t unused;
	char text[IPC_TEXT_SIZE];
};

/*
 * TRY, instead of POOL_HELLO: could a worker serve a listener of this protocol
 * and plan, which comes with it? Answered by TRIED; it ends then.
 */
struct msg_try {
	struct log_settings log;
	uint32_t uid; /* who to be: role_drop_rights() */
	uint32_t gid;
	uint32_t protocol;         /* enum protocol_id */
	uint32_t sandbox;          /* enum sandbox_mode */
	char name[SPEC_NAME_SIZE]; /* of the listener */
	struct bulk_ref plan;
};

/* Which module a listener uses from now on; after LISTEN and UPDATE. */
struct msg_module {
	uint64_t listener_id;
	char name[MODULE_NAME_SIZE];
	/* What its counters are called; those that there are not are empty. */
	char counters[MODULE_COUNTERS][MODULE_NAME_SIZE];
};

struct msg_update {
	uint64_t listener_id;
	struct listener_spec spec;
};

/*
 * PAUSE: stop accepting; connections go on. Without keep_queue the sockets
 * are emptied first. Answered by CLOSED; LISTEN serves them again.
 */
struct msg_pause {
	uint64_t listener_id;
	uint32_t keep_queue; /* others accept who waits, or will */
	uint32_t unused;
};

/*
 * CLOSE: empty and close all sockets of the listener (answered by CLOSED at
 * once), let its connections finish, cut them at the deadline (answered by
 * DRAINED). Its scoreboard entry is not written after DRAINED.
 */
struct msg_close {
	uint64_t listener_id;
	uint64_t deadline_ms; /* CLOCK_MONOTONIC */
};

/* DRAIN: the same for all listeners, then exit 0. */
struct msg_drain {
	uint64_t deadline_ms;
};

/*
 * HAND_OVER: a newer generation serves all the sockets by now. Leave their
 * queues to it, else as CLOSE with its listener's drain_timeout for each
 * listener, then exit 0. No CLOSED comes, nor DRAINED.
 */

struct msg_listener {
	uint64_t listener_id;
};

/* --- supervisor <-> control --- */

/* Carries the listening control socket. Answered by READY. */
struct msg_control_hello {
	struct log_settings log;
	uint32_t uid; /* who to be; may, as root, do everything */
	uint32_t gid;
	uint32_t control_gid;
	uint32_t readers_gid;
	uint32_t sandbox; /* enum sandbox_mode */
	uint32_t unused;
	char state_dir[256];
};

/* Each request has a number that its one answer repeats. */
struct msg_req_add {
	uint32_t request;
	uint32_t unused;
	struct listener_spec spec;
	option_set set;
};

struct msg_req_update {
	uint32_t request;
	uint32_t unused;
	struct listener_spec spec; /* spec.name: which listener */
	option_set set;
};

#define DEADLINE_DEFAULT UINT32_MAX

struct msg_req_name {
	uint32_t request;
	uint32_t deadline_ms; /* from now; DEADLINE_DEFAULT: as configured */
	uint32_t flags;       /* REQ_FLAG_..., where they make sense */
	uint32_t window_ms;   /* REQ_FAILURES */
	char name[SPEC_NAME_SIZE]; /* empty for all, where that makes sense */
};

#define REQ_FLAG_QUEUE 1u   /* REQ_PAUSE: let clients wait in the queue */
#define REQ_FLAG_DRY_RUN 2u /* REQ_RELOAD: answer with PLAN rows */
#define REQ_FLAG_VALUES 4u  /* REQ_STATUS of one: BULK messages, too */
#define REQ_FLAG_UNDRAIN 8u /* REQ_DRAIN: the other way round */

/* Answered, as REQ_UPSTREAMS, by a SNAPSHOT of UPSTREAM rows. */
struct msg_req_upstream_set {
	uint32_t request;
	uint32_t mode;             /* enum upstream_mode */
	char name[SPEC_NAME_SIZE]; /* of the listener */
	char upstream[UPSTREAM_NAME_SIZE];
};

struct msg_request {
	uint32_t request;
	uint32_t deadline_ms;
	uint32_t flags; /* REQ_FLAG_... */
	uint32_t unused;
};

/* The answer when there is no snapshot: an error, or what was done. */
struct msg_reply {
	uint32_t request;
	uint32_t code;         /* enum err_code */
	uint64_t finished;     /* REQ_REMOVE: connections that ended in time */
	uint64_t cut;          /* REQ_REMOVE: and those cut at the deadline */
	uint64_t lame_duck_ms; /* REQ_SHUTDOWN: until the listeners close */
	char text[IPC_TEXT_SIZE];
};

/* Carries a sealed memfd, see snapshot.h. */
struct msg_snapshot {
	uint32_t request;
	uint32_t unused;
};

/*
 * REQ_WORKERS (struct msg_req_name): a WORKER_LINK for each worker of the
 * listener that runs, with one end of a new channel between it and control,
 * then REPLY. INSPECT carries the worker's end.
 */
struct msg_worker_link {
	uint32_t request;
	uint32_t slot;
	uint32_t generation;
	uint32_t pid;
	uint64_t listener_id;
};

/* --- control <-> pool --- */

#define CONN_PAGE_MAX 64u

/*
 * Connections of a listener in the order in which they came, those behind
 * after_id (0: from the first). Answered by a CONN_ROW for each, some of them
 * with CONN_DETAIL, then
 * CONN_DONE.
 */
struct msg_conn_list {
	uint32_t request;
	uint32_t rows; /* 1 to CONN_PAGE_MAX */
	uint64_t listener_id;
	uint64_t after_id;
};

/* End one. Answered by CONN_DONE. */
struct msg_conn_kick {
	uint32_t request;
	uint32_t unused;
	uint64_t listener_id;
	uint64_t id;
};

/* Texts that are cut to what fits, or empty. */
struct msg_conn_tls {
	uint32_t by_proxy; /* it is between the peer and the proxy */
	uint32_t resumed;
	char version[16]; /* empty: there is no TLS */
	char cipher[48];
	char alpn[64];
	char server_name[256]; /* that the peer wanted */
	/* Of the peer's certificate. */
	char name[72]; /* its common name */
	char subject[256];
	char sans[512];
	char serial[48];
};

struct msg_conn_row {
	uint32_t request;
	uint32_t state; /* enum conn_state */
	uint64_t id;
	uint64_t age_ms;
	uint64_t idle_ms; /* since the last byte came */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t unsent;   /* bytes that the peer has not acknowledged */
	uint32_t rtt_us;   /* 0: not known */
	uint32_t peer_pid; /* of a Unix socket; 0: not known */
	uint32_t detailed; /* not 0: CONN_DETAIL follows */
	uint32_t unused;
	char peer[64]; /* empty: it has no address */
};

/* What only some connections have, and that is large. */
struct msg_conn_detail {
	uint32_t request;
	uint32_t unused;
	uint64_t id;
	char proxy[64]; /* that it came through; empty: none */
	/* What the proxy has told; cut to what fits, or empty. */
	char authority[128];
	char alpn[64];
	char unique_id[136];
	struct msg_conn_tls tls;
};

struct msg_conn_done {
	uint32_t request;
	uint32_t more; /* there may be more rows; KICK: it was there */
	uint64_t last_id;
};

/* --- traces: control <-> supervisor -> pool --- */

/* So many there are at a time, of all listeners. */
#define TRACES_MAX 8u

/* All zero: every connection is wanted. */
struct trace_filter {
	uint8_t by_peer; /* only those from this network and port */
	struct cidr network;
	uint16_t port; /* 0: any */
	uint8_t unused[4];
};

/*
 * REQ_TRACE: trace a listener, also in workers that come later. Answered by a
 * TRACE_LINK for each worker that has it by now, then REPLY; more come with
 * the workers. TRACE is the worker's part: it carries its end of trace_pair(),
 * comes before LISTEN, and is over when that is closed. TRACE_END, from
 * control: it is over; to control: its listener is gone.
 */
struct msg_req_trace {
	uint32_t request;
	uint32_t trace; /* its number */
	char name[SPEC_NAME_SIZE];
	struct trace_filter filter;
};

struct msg_trace {
	uint64_t listener_id;
	struct trace_filter filter;
};

struct msg_trace_link {
	uint32_t trace;
	uint32_t slot;
	uint32_t generation;
	uint32_t pid;
};

struct msg_trace_end {
	uint32_t trace;
	uint32_t unused;
};

/* --- supervisor <-> gateway --- */

/*
 * Carries the health board (health_board.h); the values that the settings
 * refer to come before it, with BULK. Answered by READY.
 */
struct msg_gateway_hello {
	struct log_settings log;
	uint32_t uid; /* who to be: role_drop_rights() */
	uint32_t gid;
	uint32_t sandbox; /* enum sandbox_mode */
	uint32_t unused;
	struct gateway_settings settings;
};

/*
 * GATEWAY_OPEN carries a socket that is bound: HTTP and AGENT listen; on the
 * others the gateway listens, and stops, as health says. GATEWAY_CLOSE: a
 * listener with a health_port is gone.
 *
 * GATEWAY_BEAT: its loop has turned.
 */
struct msg_gateway_socket {
	uint32_t kind; /* enum gateway_socket */
	uint32_t unused;
	char name[SPEC_NAME_SIZE]; /* HEALTH_PORT: of the listener */
};

/* --- supervisor <-> store --- */

/* Carries the board (store_board.h). Answered by READY. */
struct msg_store_hello {
	struct log_settings log;
	uint32_t uid; /* who to be: role_drop_rights() */
	uint32_t gid;
	uint32_t orphan_ms; /* how long to read on if the supervisor dies */
	uint32_t sandbox;   /* enum sandbox_mode */
	struct store_settings settings;
};

/*
 * STORE_SOURCE carries the store's end of event_sink_pair(). A pool's worker
 * may send what event_type_senders() says; without a name it is the
 * supervisor itself.
 *
 * STORE_LINK carries one end of a new channel between the store and control
 * or the gateway; each of them drops the one that it had.
 *
 * STORE_STOP: write all that has been sent so far, then exit 0.
 *
 * EVENTS carries a worker's end of event_sink_pair().
 */
struct msg_store_source {
	char pool[SPEC_NAME_SIZE];
};

struct msg_store_link {
	uint32_t role; /* enum role: who has the other end */
	uint32_t unused;
};

/* Why nothing is written. */
#define STORE_TROUBLES(X)                                      \
	X(NONE, "none")                                        \
	X(DISK_FULL, "disk_full")                              \
	X(READ_ONLY, "read_only")                              \
	X(LOCKED, "locked")   /* by another program */         \
	X(NEWER, "newer")     /* written by a newer version */ \
	X(CORRUPT, "corrupt") /* and it can't be set aside */  \
	X(UNAVAILABLE, "unavailable")

enum store_trouble {
#define X(NAME, WORD) STORE_TROUBLE_##NAME,
	STORE_TROUBLES(X)
#undef X
	    STORE_TROUBLE_COUNT
};

/* Whenever it changes. */
struct msg_store_trouble {
	uint32_t trouble; /* enum store_trouble */
	char text[256];   /* for people; empty with NONE */
};

/* --- control <-> store --- */

/* An empty member lets everything pass. */
struct event_filter {
	uint64_t since_ms;   /* at_ms, at least */
	uint64_t types;      /* a bit for each enum event_type */
	uint32_t severities; /* a bit for each enum event_severity */
	uint32_t unused;
	char listener[SPEC_NAME_SIZE];
};

#define EVENTS_PAGE_MAX 1000u

enum events_order {
	EVENTS_BY_TIME, /* by at_ms, then id */
	EVENTS_BY_ID    /* in the order of arrival */
};

/*
 * The next page, answered by SNAPSHOT (EVENT rows, oldest first, then PAGE) or
 * REPLY. after_ms (BY_TIME only) and after_id are what the last page had; both
 * 0: from the first; BY_ID and after_id EVENTS_FROM_NOW: none, only the PAGE.
 */
struct msg_events_query {
	uint32_t request;
	uint32_t order;  /* enum events_order */
	uint32_t rows;   /* in a page, 1 to EVENTS_PAGE_MAX */
	uint32_t newest; /* not 0: of all that fit, start so far from the end */
	uint64_t after_ms;
	uint64_t after_id;
	uint64_t until_id; /* not 0: later ids are not wanted */
	struct event_filter filter;
};

#define EVENTS_FROM_NOW UINT64_MAX

/* Answered by SNAPSHOT (a CLEANUP row) or REPLY when it is done. */
struct msg_events_cleanup {
	uint32_t request;
	uint32_t dry_run;       /* count only */
	uint64_t older_than_ms; /* 0: as the job does */
};

/*
 * EVENTS_WATCH: from now on say with EVENTS_NEWS when rows were written. It
 * may be sent again.
 */
struct msg_events_news {
	uint64_t last_id;
};

/* clang-format off */
/*  MSG(KIND,		who may send it,		payload,	descriptors) */
#define IPC_MESSAGES(MSG)						\
	MSG(READY, ROLE_CONTROL | ROLE_POOL | ROLE_STORE | ROLE_GATEWAY, struct msg_empty, 0) \
	MSG(CONFIG_READ, ROLE_SUPERVISOR,		struct msg_config_read,	0) \
	MSG(CONFIG_FIND_HOLDER, ROLE_SUPERVISOR,	struct msg_config_find_holder, 0) \
	MSG(CONFIG_FIND_STRAYS, ROLE_SUPERVISOR,	struct msg_config_find_strays, 0) \
	MSG(CONFIG_FILES,	ROLE_SUPERVISOR,	struct msg_config_files, 1) \
	MSG(HOLDER,	ROLE_CONFIG,			struct msg_holder,	0) \
	MSG(STRAY,	ROLE_CONFIG,			struct msg_stray,	0) \
	MSG(STRAYS_END,	ROLE_CONFIG,			struct msg_strays_end,	0) \
	MSG(PLAN_DAEMON, ROLE_CONFIG,			struct daemon_settings,	0) \
	MSG(BULK, ROLE_CONFIG | ROLE_CONTROL | ROLE_SUPERVISOR, struct msg_bulk, 1) \
	MSG(PLAN_LISTENER, ROLE_CONFIG,			struct msg_plan_listener, 0) \
	MSG(PLAN_GATEWAY, ROLE_CONFIG,			struct gateway_settings, 0) \
	MSG(PLAN_GROUP,	ROLE_CONFIG,			struct group_spec,	0) \
	MSG(PLAN_CHILD,	ROLE_CONFIG,			struct msg_plan_child,	0) \
	MSG(PLAN_ERROR,	ROLE_CONFIG,			struct msg_text,	0) \
	MSG(PLAN_WARNING, ROLE_CONFIG,			struct msg_text,	0) \
	MSG(PLAN_END,	ROLE_CONFIG,			struct msg_plan_end,	0) \
	MSG(POOL_HELLO,	ROLE_SUPERVISOR,		struct msg_pool_hello,	1) \
	MSG(LISTEN,	ROLE_SUPERVISOR,		struct msg_listen,	1) \
	MSG(LISTENING,	ROLE_POOL,			struct msg_slot,	0) \
	MSG(REFUSED,	ROLE_POOL,			struct msg_refused,	0) \
	MSG(MODULE,	ROLE_POOL,			struct msg_module,	0) \
	MSG(TRY,	ROLE_SUPERVISOR,		struct msg_try,	1) \
	MSG(TRIED,	ROLE_POOL,			struct msg_refused,	0) \
	MSG(RELEASE,	ROLE_SUPERVISOR,		struct msg_slot,	0) \
	MSG(UPDATE,	ROLE_SUPERVISOR,		struct msg_update,	0) \
	MSG(PAUSE,	ROLE_SUPERVISOR,		struct msg_pause,	0) \
	MSG(HAND_OVER,	ROLE_SUPERVISOR,		struct msg_empty,	0) \
	MSG(CLOSE,	ROLE_SUPERVISOR,		struct msg_close,	0) \
	MSG(CLOSED,	ROLE_POOL,			struct msg_listener,	0) \
	MSG(DRAINED,	ROLE_POOL,			struct msg_listener,	0) \
	MSG(DRAIN,	ROLE_SUPERVISOR,		struct msg_drain,	0) \
	MSG(CONTROL_HELLO, ROLE_SUPERVISOR,		struct msg_control_hello, 1) \
	MSG(REQ_ADD,	ROLE_CONTROL,			struct msg_req_add,	0) \
	MSG(REQ_UPDATE,	ROLE_CONTROL,			struct msg_req_update,	0) \
	MSG(REQ_REMOVE,	ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_PAUSE,	ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_RESUME,	ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_RESTART, ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_DRAIN,	ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_HISTORY, ROLE_CONTROL | ROLE_GATEWAY,	struct msg_req_name,	0) \
	MSG(REQ_FAILURES, ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_STATUS,	ROLE_CONTROL | ROLE_GATEWAY,	struct msg_req_name,	0) \
	MSG(REQ_TREE,	ROLE_CONTROL | ROLE_GATEWAY,	struct msg_request,	0) \
	MSG(REQ_RELOAD,	ROLE_CONTROL,			struct msg_request,	0) \
	MSG(REQ_SHUTDOWN, ROLE_CONTROL,			struct msg_request,	0) \
	MSG(TLS_MODULE,	ROLE_SUPERVISOR,		struct msg_empty,	1) \
	MSG(DNS_MODULE,	ROLE_SUPERVISOR,		struct msg_empty,	1) \
	MSG(TICKET_KEYS, ROLE_SUPERVISOR,		struct msg_ticket_keys,	0) \
	MSG(GATES,	ROLE_SUPERVISOR,		struct msg_empty,	1) \
	MSG(UPSTREAM_BOARD, ROLE_SUPERVISOR,		struct msg_empty,	1) \
	MSG(EVENTS,	ROLE_SUPERVISOR,		struct msg_empty,	1) \
	MSG(GATEWAY_HELLO, ROLE_SUPERVISOR,		struct msg_gateway_hello, 1) \
	MSG(GATEWAY_OPEN, ROLE_SUPERVISOR,		struct msg_gateway_socket, 1) \
	MSG(GATEWAY_CLOSE, ROLE_SUPERVISOR,		struct msg_gateway_socket, 0) \
	MSG(GATEWAY_BEAT, ROLE_GATEWAY,			struct msg_empty,	0) \
	MSG(STORE_HELLO, ROLE_SUPERVISOR,		struct msg_store_hello,	1) \
	MSG(STORE_SETTINGS, ROLE_SUPERVISOR,		struct store_settings,	0) \
	MSG(STORE_SOURCE, ROLE_SUPERVISOR,		struct msg_store_source, 1) \
	MSG(STORE_LINK,	ROLE_SUPERVISOR,		struct msg_store_link,	1) \
	MSG(STORE_STOP,	ROLE_SUPERVISOR,		struct msg_empty,	0) \
	MSG(STORE_TROUBLE, ROLE_STORE,			struct msg_store_trouble, 0) \
	MSG(EVENTS_QUERY, ROLE_CONTROL | ROLE_GATEWAY,	struct msg_events_query, 0) \
	MSG(EVENTS_CLEANUP, ROLE_CONTROL,		struct msg_events_cleanup, 0) \
	MSG(EVENTS_WATCH, ROLE_CONTROL,			struct msg_empty,	0) \
	MSG(EVENTS_NEWS, ROLE_STORE,			struct msg_events_news,	0) \
	MSG(REQ_UPSTREAMS, ROLE_CONTROL,		struct msg_req_name,	0) \
	MSG(REQ_UPSTREAM_SET, ROLE_CONTROL,		struct msg_req_upstream_set, 0) \
	MSG(REQ_WORKERS, ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(WORKER_LINK, ROLE_SUPERVISOR,		struct msg_worker_link,	1) \
	MSG(INSPECT,	ROLE_SUPERVISOR,		struct msg_empty,	1) \
	MSG(CONN_LIST,	ROLE_CONTROL,			struct msg_conn_list,	0) \
	MSG(CONN_KICK,	ROLE_CONTROL,			struct msg_conn_kick,	0) \
	MSG(CONN_ROW,	ROLE_POOL,			struct msg_conn_row,	0) \
	MSG(CONN_DETAIL, ROLE_POOL,			struct msg_conn_detail,	0) \
	MSG(CONN_DONE,	ROLE_POOL,			struct msg_conn_done,	0) \
	MSG(REQ_TRACE,	ROLE_CONTROL,			struct msg_req_trace,	0) \
	MSG(TRACE_LINK,	ROLE_SUPERVISOR,		struct msg_trace_link,	1) \
	MSG(TRACE,	ROLE_SUPERVISOR,		struct msg_trace,	1) \
	MSG(TRACE_END,	ROLE_CONTROL | ROLE_SUPERVISOR,	struct msg_trace_end,	0) \
	MSG(REPLY,	ROLE_SUPERVISOR | ROLE_STORE,	struct msg_reply,	0) \
	MSG(SNAPSHOT,	ROLE_SUPERVISOR | ROLE_STORE,	struct msg_snapshot,	1)
/* clang-format on */

enum ipc_kind {
#define MSG(KIND, SENDERS, TYPE, FDS) IPC_##KIND,
	IPC_MESSAGES(MSG)
#undef MSG
	    IPC_KIND_COUNT
};

union ipc_payload {
	uint64_t align;
#define MSG(KIND, SENDERS, TYPE, FDS) TYPE KIND;
	IPC_MESSAGES(MSG)
#undef MSG
};

#endif /* MERCURY_COMMON_IPC_MSG_H */
