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

#include "common/role.h"
#include "common/spec.h"

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

struct msg_plan_end {
	uint32_t listeners; /* as many as were sent */
	uint32_t errors;    /* not 0: nothing may be applied */
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
};

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

struct msg_update {
	uint64_t listener_id;
	struct listener_spec spec;
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
	char name[SPEC_NAME_SIZE]; /* REQ_STATUS: empty for all */
};

struct msg_request {
	uint32_t request;
	uint32_t deadline_ms;
};

/* The answer when there is no snapshot: an error, or what was done. */
struct msg_reply {
	uint32_t request;
	uint32_t code;     /* enum err_code */
	uint64_t finished; /* REQ_REMOVE: connections that ended in time */
	uint64_t cut;      /* REQ_REMOVE: and those cut at the deadline */
	char text[IPC_TEXT_SIZE];
};

/* Carries a sealed memfd, see snapshot.h. */
struct msg_snapshot {
	uint32_t request;
	uint32_t unused;
};

/* clang-format off */
/*  MSG(KIND,		who may send it,		payload,	descriptors) */
#define IPC_MESSAGES(MSG)						\
	MSG(READY,	ROLE_CONTROL | ROLE_POOL,	struct msg_empty,	0) \
	MSG(CONFIG_READ, ROLE_SUPERVISOR,		struct msg_config_read,	0) \
	MSG(PLAN_DAEMON, ROLE_CONFIG,			struct daemon_settings,	0) \
	MSG(PLAN_LISTENER, ROLE_CONFIG,			struct msg_plan_listener, 0) \
	MSG(PLAN_ERROR,	ROLE_CONFIG,			struct msg_text,	0) \
	MSG(PLAN_WARNING, ROLE_CONFIG,			struct msg_text,	0) \
	MSG(PLAN_END,	ROLE_CONFIG,			struct msg_plan_end,	0) \
	MSG(POOL_HELLO,	ROLE_SUPERVISOR,		struct msg_pool_hello,	1) \
	MSG(LISTEN,	ROLE_SUPERVISOR,		struct msg_listen,	1) \
	MSG(LISTENING,	ROLE_POOL,			struct msg_slot,	0) \
	MSG(RELEASE,	ROLE_SUPERVISOR,		struct msg_slot,	0) \
	MSG(UPDATE,	ROLE_SUPERVISOR,		struct msg_update,	0) \
	MSG(CLOSE,	ROLE_SUPERVISOR,		struct msg_close,	0) \
	MSG(CLOSED,	ROLE_POOL,			struct msg_listener,	0) \
	MSG(DRAINED,	ROLE_POOL,			struct msg_listener,	0) \
	MSG(DRAIN,	ROLE_SUPERVISOR,		struct msg_drain,	0) \
	MSG(CONTROL_HELLO, ROLE_SUPERVISOR,		struct msg_control_hello, 1) \
	MSG(REQ_ADD,	ROLE_CONTROL,			struct msg_req_add,	0) \
	MSG(REQ_UPDATE,	ROLE_CONTROL,			struct msg_req_update,	0) \
	MSG(REQ_REMOVE,	ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_STATUS,	ROLE_CONTROL,			struct msg_req_name,	0) \
	MSG(REQ_TREE,	ROLE_CONTROL,			struct msg_request,	0) \
	MSG(REQ_RELOAD,	ROLE_CONTROL,			struct msg_request,	0) \
	MSG(REQ_SHUTDOWN, ROLE_CONTROL,			struct msg_request,	0) \
	MSG(REPLY,	ROLE_SUPERVISOR,		struct msg_reply,	0) \
	MSG(SNAPSHOT,	ROLE_SUPERVISOR,		struct msg_snapshot,	1)
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
