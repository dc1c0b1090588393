#include "gateway/questions.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/quota.h"

/* What many want to know: asked once. */
enum shared { SHARED_STATUS, SHARED_TREE, SHARED_COUNT };

struct question {
	TAILQ_ENTRY(question) next;
	struct questions *all;
	struct question_asker asker;
	uint32_t request;
	struct event *timer; /* the deadline; or a kept answer is good */
	int kept;            /* such an answer; -1: none */
};

/* The last answer to what many want to know. */
struct answer {
	uint32_t request; /* under way; 0: none is */
	uint64_t asked_ms;
	uint64_t at_ms;
	int fd; /* -1: none yet */
};

struct questions {
	struct event_base *base;
	struct channel *supervisor;
	struct channel *store; /* NULL: there is none */
	TAILQ_HEAD(, question) waiting;
	unsigned int count;
	uint32_t last_request;
	struct answer answers[SHARED_COUNT];
	struct quota histories;
};

struct questions *
questions_new(struct event_base *base, struct channel *supervisor,
    struct err *err)
{
	struct questions *qs = calloc(1, sizeof(*qs));
	unsigned int i;

	if (qs == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "questions: out of memory");
		return NULL;
	}
	qs->base = base;
	qs->supervisor = supervisor;
	TAILQ_INIT(&qs->waiting);
	for (i = 0; i < SHARED_COUNT; i++)
		qs->answers[i].fd = -1;
	return qs;
}

/* --- their ends --- */

void
question_forget(struct question **qp)
{
	struct question *q = *qp;

	*qp = NULL;
	if (q == NULL)
		return;
	TAILQ_REMOVE(&q->all->waiting, q, next);
	q->all->count--;
	event_free(q->timer);
	if (q->kept != -1)
		(void)close(q->kept);
	free(q);
}

static void
end(struct question *q, int fd, const struct err *err)
{
	const struct question_asker asker = q->asker;
	const int kept = q->kept;

	q->kept = -1;
	question_forget(&q);
	asker.answered(asker.ctx, fd, err);
	if (kept != -1)
		(void)close(kept);
}

/* All that wait for this request. */
static void
end_all(struct questions *qs, uint32_t request, int fd, const struct err *err)
{
	struct question *q, *next;

	/* An asker may ask again, and forget others: look from the start. */
	do {
		TAILQ_FOREACH_SAFE (q, &qs->waiting, next, next)
			if (q->request == request && q->kept == -1)
				break;
		if (q != NULL)
			end(q, fd, err);
	} while (q != NULL);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct question *q = ctx;
	struct err err;

	(void)fd;
	(void)what;
	(void)err_set(&err, ERR_TIMEOUT, "no answer within %d ms",
	    QUESTION_DEADLINE_MS);
	end(q, q->kept, &err);
}

/* --- asking --- */

/* A new one that waits for request, or for a kept answer. */
static struct question *
add(struct questions *qs, const struct question_asker *asker, uint32_t request,
    struct err *err)
{
	const struct timeval wait = { .tv_sec = QUESTION_DEADLINE_MS / 1000 };
	struct question *q;

	if (qs->count == QUESTIONS_MAX) {
		(void)err_set(err, ERR_BUSY,
		    "%d clients wait for answers already", QUESTIONS_MAX);
		return NULL;
	}
	q = calloc(1, sizeof(*q));
	if (q != NULL)
		q->timer = evtimer_new(qs->base, on_timer, q);
	if (q == NULL || q->timer == NULL || event_add(q->timer, &wait) == -1) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "a question: out of memory");
		if (q != NULL && q->timer != NULL)
			event_free(q->timer);
		free(q);
		return NULL;
	}
	q->all = qs;
	q->asker = *asker;
	q->request = request;
	q->kept = -1;
	TAILQ_INSERT_TAIL(&qs->waiting, q, next);
	qs->count++;
	return q;
}

static uint32_t
new_request(struct questions *qs)
{
	if (++qs->last_request == 0)
		qs->last_request = 1;
	return qs->last_request;
}

static void
send_shared(struct questions *qs, enum shared which, uint32_t request)
{
	const struct msg_req_name status = { .request = request };
	const struct msg_request tree = { .request = request };

	if (which == SHARED_STATUS)
		channel_send(qs->supervisor, IPC_REQ_STATUS, &status, -1);
	else
		channel_send(qs->supervisor, IPC_REQ_TREE, &tree, -1);
}

/* The last answer is good enough: give it as soon as the loop turns. */
static struct question *
repeat(struct questions *qs, const struct answer *a,
    const struct question_asker *asker, struct err *err)
{
	static const struct timeval at_once = { 0, 0 };
	struct question *q = add(qs, asker, 0, err);

	if (q == NULL)
		return NULL;
	q->kept = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
	if (q->kept == -1) {
		(void)err_sys(err, "an answer");
		question_forget(&q);
		return NULL;
	}
	(void)event_add(q->timer, &at_once);
	return q;
}

static struct question *
ask_shared(struct questions *qs, enum shared which,
    const struct question_asker *asker, struct err *err)
{
	struct answer *a = &qs->answers[which];
	const uint64_t now = clock_mono_ms();
	struct question *q;

	if (a->fd != -1 && now - a->at_ms < QUESTION_FRESH_MS)
		return repeat(qs, a, asker, err);
	/* One that gets no answer must not be the last. */
	if (a->request != 0 && now - a->asked_ms < QUESTION_DEADLINE_MS)
		return add(qs, asker, a->request, err);
	q = add(qs, asker, new_request(qs), err);
	if (q == NULL)
		return NULL;
	a->request = q->request;
	a->asked_ms = now;
	send_shared(qs, which, q->request);
	return q;
}

struct question *
questions_status(struct questions *qs, const struct question_asker *asker,
    struct err *err)
{
	return ask_shared(qs, SHARED_STATUS, asker, err);
}

struct question *
questions_tree(struct questions *qs, const struct question_asker *asker,
    struct err *err)
{
	return ask_shared(qs, SHARED_TREE, asker, err);
}

struct question *
questions_history(struct questions *qs, const char *name,
    const struct question_asker *asker, struct err *err)
{
	struct msg_req_name m = { .request = new_request(qs) };
	struct question *q;

	if (strlcpy(m.name, name, sizeof(m.name)) >= sizeof(m.name)) {
		(void)err_set(err, ERR_NOT_FOUND,
		    "there is no listener of that name");
		return NULL;
	}
	if (!quota_take(&qs->histories, HISTORIES_PER_S, clock_mono_ms())) {
		(void)err_set(err, ERR_BUSY,
		    "too many histories are asked for");
		return NULL;
	}
	q = add(qs, asker, m.request, err);
	if (q != NULL)
		channel_send(qs->supervisor, IPC_REQ_HISTORY, &m, -1);
	return q;
}

struct question *
questions_events(struct questions *qs, struct msg_events_query *query,
    const struct question_asker *asker, struct err *err)
{
	struct question *q;

	if (qs->store == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "the store is not running");
		return NULL;
	}
	query->request = new_request(qs);
	q = add(qs, asker, query->request, err);
	if (q != NULL)
		channel_send(qs->store, IPC_EVENTS_QUERY, query, -1);
	return q;
}

/* --- answers --- */

/* Keep an answer that others will want. */
static void
keep(struct questions *qs, uint32_t request, int fd)
{
	struct answer *a;
	unsigned int i;

	for (i = 0; i < SHARED_COUNT; i++) {
		a = &qs->answers[i];
		if (a->request != request)
			continue;
		a->request = 0;
		if (a->fd != -1)
			(void)close(a->fd);
		a->fd = fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
		a->at_ms = clock_mono_ms();
	}
}

void
questions_reply(struct questions *qs, struct msg_reply *m)
{
	struct err err;

	m->text[sizeof(m->text) - 1] = '\0';
	(void)err_set(&err,
	    m->code < ERR_CODE_COUNT && m->code != ERR_NONE
		? (enum err_code)m->code
		: ERR_INTERNAL,
	    "%s", m->text);
	if (m->request == 0)
		return;
	keep(qs, m->request, -1);
	end_all(qs, m->request, -1, &err);
}

void
questions_snapshot(struct questions *qs, uint32_t request, int fd)
{
	if (request == 0)
		return;
	keep(qs, request, fd);
	end_all(qs, request, fd, NULL);
}

/* --- the store --- */

static void
on_store_message(void *ctx, struct ipc_message *msg)
{
	struct questions *qs = ctx;

	if (msg->kind == IPC_SNAPSHOT)
		questions_snapshot(qs, msg->payload.SNAPSHOT.request, msg->fd);
	else if (msg->kind == IPC_REPLY)
		questions_reply(qs, &msg->payload.REPLY);
}

/* Who waits for it runs into the deadline. */
static void
on_store_closed(void *ctx, const char *why)
{
	struct questions *qs = ctx;

	log_debug(NULL, NULL, "the store %s", why);
	channel_free(&qs->store);
}

void
questions_link_store(struct questions *qs, int fd)
{
	static const struct channel_handler handler = { on_store_message,
		on_store_closed };
	struct err err;

	channel_free(&qs->store);
	qs->store = channel_new(qs->base, fd, ROLE_STORE, &handler, qs, &err);
	if (qs->store == NULL)
		log_warning(NULL, NULL, "no way to the store: %s", err.text);
}

void
questions_free(struct questions **qp)
{
	struct questions *qs = *qp;
	struct question *q;
	unsigned int i;

	*qp = NULL;
	if (qs == NULL)
		return;
	while ((q = TAILQ_FIRST(&qs->waiting)) != NULL)
		question_forget(&q);
	for (i = 0; i < SHARED_COUNT; i++)
		if (qs->answers[i].fd != -1)
			(void)close(qs->answers[i].fd);
	channel_free(&qs->store);
	free(qs);
}
