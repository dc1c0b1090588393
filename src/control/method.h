/*
 * method: what can be asked over the control socket: the table of methods,
 * and one call of one of them from its params to its result.
 *
 * A method is a few steps without a loop: start() makes of the params a
 * message to the supervisor or to the store; answered() makes of the answer
 * the result, or another message. Who has asked the supervisor for
 * REQ_WORKERS may then ask the workers; who has asked for REQ_TRACE has a
 * trace (traces.h), which runs when the result is sent.
 */
#ifndef MERCURY_CONTROL_METHOD_H
#define MERCURY_CONTROL_METHOD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc_msg.h"
#include "control/access.h"
#include "control/conn_query.h"
#include "control/rpc.h"

struct snapshot_reader;
struct worker;
struct worker_answer;
struct traces_armed;

enum method_step {
	METHOD_DONE,        /* call->result is set */
	METHOD_ASK,         /* call->ask is for the supervisor, as call->kind */
	METHOD_ASK_STORE,   /* the same for the store */
	METHOD_ASK_WORKER,  /* the same for call->workers[call->asked] */
	METHOD_ASK_WORKERS, /* the same for all of them */
	METHOD_ARM,         /* the trace that it began has to be armed */
	METHOD_WAIT,        /* others of them have yet to answer */
	METHOD_FAILED       /* call->error is set */
};

/* What a call knows; params and answers come and go. */
struct call {
	const struct method *method;
	uint32_t request;      /* the number to put into call->ask */
	const char *state_dir; /* where saved listeners are */

	enum ipc_kind kind;
	union ipc_payload ask;
	json_t *result;
	struct rpc_error error;

	/* What to do, kept from step to step. */
	struct listener_spec spec;
	option_set set;
	struct bulks bulks;   /* that spec refers to */
	struct bulks running; /* those of the listener as it runs; to save it */
	json_t *options;      /* of an update that changes a section; or NULL */
	uint32_t deadline_ms;
	uint32_t window_ms; /* of supervisor.failure_rate */
	bool save;
	bool looked; /* what had to be known before the real thing is known */
	bool undone; /* an add that could not be saved is taken back */
	uint32_t limit;    /* of events.query; 0: none */
	uint64_t after_id; /* of events.follow: where it starts */

	/* The workers, after REQ_WORKERS; borrowed. */
	const struct worker *workers;
	unsigned int worker_count;
	unsigned int asked; /* an index in workers */

	/* Of connection.list and connection.kick. */
	struct conn_query conns;
	uint64_t
	    until_ms; /* CLOCK_MONOTONIC: when the page ends at the latest */
	uint64_t conn_id;
	unsigned int waiting; /* workers that have yet to answer */
	unsigned int lost;    /* workers that have not */

	/* What of it waits in a draft (saved.h), numbered by request. */
	bool drafted;
	struct listener_spec draft;
	option_set draft_set;
};

/* An answer, when it is no error: one of them. */
struct method_answer {
	const struct msg_reply *reply;    /* of supervisor or store */
	struct snapshot_reader *snapshot; /* of them, too */
	const struct worker_answer *worker;
	const struct traces_armed *armed; /* the trace is */
};

enum method_param_type {
	PARAM_STRING,
	PARAM_STRINGS, /* one, or an array of them */
	PARAM_NUMBER,  /* a whole one */
	PARAM_BOOL
};

struct method_param {
	const char *name;
	enum method_param_type type;
	bool required;
};

#define METHOD_PARAMS_MAX 6

enum method_trait {
	METHOD_OPTIONS = 1 << 0, /* other params are options of a listener */
	METHOD_FOLLOWS = 1 << 1  /* after its result the client follows */
};

struct method {
	const char *name;
	enum right right;
	unsigned int traits; /* set of enum method_trait */
	struct method_param params[METHOD_PARAMS_MAX]; /* name NULL: no more */
	enum method_step (*start)(struct call *, const json_t *params);
	enum method_step (
	    *answered)(struct call *, const struct method_answer *);
};

/* NULL when there is none of that name. */
const struct method *method_find(const char *name);

/* The names of all methods, for people: "a, b, c". Cut to size. */
void method_names(char *out, size_t size);

/*
 * Check params (NULL: none) against what m takes; the values of options are
 * left to start(). Returns 0, or -1 with *e.
 */
int method_check_params(const struct method *m, const json_t *params,
    struct rpc_error *e);

/*
 * The name of a listener among the params, which is there. Returns 0, or -1
 * with *e when nothing can have that name.
 */
int method_name(const json_t *params, char out[static SPEC_NAME_SIZE],
    struct rpc_error *e);

/*
 * A duration among the params, from min_ms to a day, in milliseconds. Where
 * there is none, *ms stays. Returns 0, or -1 with *e.
 */
int method_duration(const json_t *params, const char *key, uint32_t min_ms,
    uint32_t *ms, struct rpc_error *e);

/*
 * A deadline among the params, in milliseconds; DEADLINE_DEFAULT where there
 * is none. Returns 0, or -1 with *e.
 */
int method_deadline(const json_t *params, uint32_t *ms, struct rpc_error *e);

/*
 * Ask the supervisor about a listener, or to do something with it; an empty
 * name stands for all. kind is one whose payload is struct msg_req_name; its
 * other members can be set afterwards. Returns METHOD_ASK.
 */
enum method_step method_ask_name(struct call *, enum ipc_kind kind,
    const char *name);

/*
 * The last step: result (taken) is the call's. NULL fails the call: memory
 * was short, or the answer makes no sense.
 */
enum method_step method_done(struct call *, json_t *result);

/* Drop the result, and what is unfinished, that a call still has. */
void method_end(struct call *);

#endif /* MERCURY_CONTROL_METHOD_H */
