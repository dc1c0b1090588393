/*
 * questions: what is asked of the supervisor and of the store: bounded, and
 * each with a deadline.
 *
 * However many clients want to know the same, the supervisor is asked once,
 * and what it said is good for half a second.
 */
#ifndef MERCURY_GATEWAY_QUESTIONS_H
#define MERCURY_GATEWAY_QUESTIONS_H

#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"

struct channel;
struct event_base;
struct question;
struct questions;

#define QUESTION_DEADLINE_MS 1000 /* for an answer */
#define QUESTION_FRESH_MS 500     /* so long an answer is good for others */
#define QUESTIONS_MAX 256         /* at a time; more are refused as busy */
#define HISTORIES_PER_S 20        /* which are not shared; as well */

/*
 * The end of a question: fd (borrowed) is a snapshot (common/snapshot.h), or
 * -1 and *err says why there is none. The question is gone then. Never called
 * from within the call that asks.
 */
typedef void question_fn(void *ctx, int fd, const struct err *err);

/* Who waits; ctx is borrowed until then. */
struct question_asker {
	question_fn *answered;
	void *ctx;
};

/* supervisor is borrowed for life. NULL with *err. */
struct questions *questions_new(struct event_base *, struct channel *supervisor,
    struct err *err);

/*
 * Ask for the status of all listeners, for the processes, or for the history
 * of a listener (of all: empty). Returns the question, which the asker may
 * forget, or NULL with *err.
 */
struct question *questions_status(struct questions *,
    const struct question_asker *, struct err *err);
struct question *questions_tree(struct questions *,
    const struct question_asker *, struct err *err);
struct question *questions_history(struct questions *, const char *name,
    const struct question_asker *, struct err *err);

/* Ask the store for events; request in the query is written over. */
struct question *questions_events(struct questions *,
    struct msg_events_query *query, const struct question_asker *,
    struct err *err);

/* Nobody waits any more. Nulls *q; NULL is fine. */
void question_forget(struct question **q);

/* What has come from from (ROLE_SUPERVISOR or ROLE_STORE); fd is borrowed. */
void questions_reply(struct questions *, struct msg_reply *);
void questions_snapshot(struct questions *, uint32_t request, int fd);

/* Take this end (taken) of a channel to the store. */
void questions_link_store(struct questions *, int fd);

/* Free, with all that wait, who hear nothing. Nulls *q; NULL is fine. */
void questions_free(struct questions **q);

#endif /* MERCURY_GATEWAY_QUESTIONS_H */
