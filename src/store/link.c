#include "store/link.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/snapshot.h"
#include "store/cleanup.h"
#include "store/db.h"
#include "store/env.h"
#include "store/query.h"

/* Tell of new rows not more often than that. */
#define NEWS_MS 20

/* When a query fails, say since the database is locked. */
#define RETRY_MS 50
#define PATIENCE_MS 5000

/* A query that is under way. */
struct job {
	TAILQ_ENTRY(job) next;
	struct query *query;
	uint64_t failing_since_ms; /* 0: is not */
};

struct link {
	struct store_env *env;
	struct cleanup *cleanup;
	enum role role; /* of the peer */
	struct channel *channel;
	struct event *work; /* a slice of the first query is due */
	struct event *news;
	TAILQ_HEAD(, job) jobs;
	unsigned int job_count;
	bool is_watched;
	uint64_t last_id;
};

static void
arm(struct event *ev, int ms)
{
	const struct timeval tv = { 0, (suseconds_t)ms * 1000 };

	(void)event_add(ev, &tv);
}

static void
refuse(struct link *l, uint32_t request, const struct err *err)
{
	struct msg_reply reply = { .request = request,
		.code = (uint32_t)err->code };

	(void)snprintf(reply.text, sizeof(reply.text), "%s", err->text);
	channel_send(l->channel, IPC_REPLY, &reply, -1);
}

/* Send a snapshot. Takes fd; -1: there is none, *err says why. */
static void
answer(struct link *l, uint32_t request, int fd, const struct err *err)
{
	const struct msg_snapshot msg = { .request = request };

	if (fd == -1) {
		refuse(l, request, err);
		return;
	}
	channel_send(l->channel, IPC_SNAPSHOT, &msg, fd);
	(void)close(fd);
}

static void
end_job(struct link *l, struct job *job)
{
	TAILQ_REMOVE(&l->jobs, job, next);
	l->job_count--;
	query_free(&job->query);
	free(job);
}

static void
end_all(struct link *l)
{
	while (!TAILQ_EMPTY(&l->jobs))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		end_job(l, TAILQ_FIRST(&l->jobs));
	(void)event_del(l->work);
	(void)event_del(l->news);
	l->is_watched = false;
	cleanup_forget(l->cleanup, l);
}

/* The query fails: answer that, or try again for a while. */
static void
failed(struct link *l, struct job *job, bool is_closed)
{
	const uint64_t now_ms = clock_mono_ms();
	const struct db *db = l->env->db;
	const bool is_busy = !is_closed && (db->code & 0xff) == SQLITE_BUSY;
	const int code = db->code;
	struct err err;

	if (job->failing_since_ms == 0)
		job->failing_since_ms = now_ms;
	if (is_busy && now_ms - job->failing_since_ms < PATIENCE_MS) {
		arm(l->work, RETRY_MS);
		return;
	}
	if (is_busy)
		(void)err_set(&err, ERR_BUSY,
		    "another program has locked the database of events");
	else
		(void)err_set(&err, ERR_UNAVAILABLE,
		    "the database of events can't be read: %s", db->text);
	refuse(l, query_request(job->query), &err);
	end_job(l, job);
	if (!TAILQ_EMPTY(&l->jobs))
		arm(l->work, 0);
	if (!is_closed)
		l->env->failed(l->env->ctx, code);
}

static void
ready(struct link *l, struct job *job)
{
	const uint32_t request = query_request(job->query);
	struct err err;
	const int fd = query_seal(job->query, &err);

	end_job(l, job);
	answer(l, request, fd, &err);
}

/* A slice of one query each turn of the loop, all in turn. */
static void
on_work(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;
	struct job *job = TAILQ_FIRST(&l->jobs);
	enum query_result r;

	(void)fd;
	(void)what;
	if (l->env->db->handle == NULL) {
		failed(l, job, true);
		return;
	}
	r = query_step(job->query, l->env->db);
	if (r == QUERY_FAILED) {
		failed(l, job, false);
		return;
	}
	job->failing_since_ms = 0;
	if (r == QUERY_READY) {
		ready(l, job);
	} else {
		TAILQ_REMOVE(&l->jobs, job, next);
		TAILQ_INSERT_TAIL(&l->jobs, job, next);
	}
	if (!TAILQ_EMPTY(&l->jobs))
		arm(l->work, 0);
}

static void
on_news(evutil_socket_t fd, short what, void *ctx)
{
	const struct link *l = ctx;
	const struct msg_events_news news = { .last_id = l->last_id };

	(void)fd;
	(void)what;
	channel_send(l->channel, IPC_EVENTS_NEWS, &news, -1);
}

static int
add_job(struct link *l, const struct msg_events_query *asked, struct err *err)
{
	struct job *job;

	if (l->job_count == LINK_QUERIES_MAX)
		return err_set(err, ERR_BUSY,
		    "%u queries of events are under way already",
		    LINK_QUERIES_MAX);
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return err_set(err, ERR_UNAVAILABLE, "events: out of memory");
	job->query = query_new(asked, err);
	if (job->query == NULL) {
		free(job);
		return -1;
	}
	TAILQ_INSERT_TAIL(&l->jobs, job, next);
	l->job_count++;
	if (!evtimer_pending(l->work, NULL))
		arm(l->work, 0);
	return 0;
}

static void
on_cleanup_done(void *ctx, uint32_t request,
    const struct snapshot_cleanup *result, const struct err *failure)
{
	struct link *l = ctx;
	struct snapshot_writer w = { 0 };
	struct err err;
	int fd;

	if (result == NULL) {
		refuse(l, request, failure);
		return;
	}
	snapshot_add(&w, SNAPSHOT_CLEANUP, result, sizeof(*result));
	fd = snapshot_seal(&w, &err);
	answer(l, request, fd, &err);
}

static int
start_cleanup(struct link *l, const struct msg_events_cleanup *m,
    struct err *err)
{
	const struct cleanup_request asked = {
		.older_than_ms = m->older_than_ms,
		.dry_run = m->dry_run != 0,
		.request = m->request,
		.done = on_cleanup_done,
		.ctx = l,
	};

	return cleanup_start(l->cleanup, &asked, err);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	struct link *l = ctx;
	struct err err;

	if (msg->kind == IPC_EVENTS_QUERY) {
		if (add_job(l, &msg->payload.EVENTS_QUERY, &err) == -1)
			refuse(l, msg->payload.EVENTS_QUERY.request, &err);
	} else if (msg->kind == IPC_EVENTS_CLEANUP) {
		if (start_cleanup(l, &msg->payload.EVENTS_CLEANUP, &err) == -1)
			refuse(l, msg->payload.EVENTS_CLEANUP.request, &err);
	} else if (msg->kind == IPC_EVENTS_WATCH) {
		l->is_watched = true;
	}
}

static void
on_closed(void *ctx, const char *why)
{
	struct link *l = ctx;

	log_debug(NULL, NULL, "%s %s", role_name(l->role), why);
	end_all(l);
}

struct link *
link_new(struct store_env *env, struct cleanup *job,
    const struct link_peer *peer, struct err *err)
{
	static const struct channel_handler handler = { on_message, on_closed };
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)close(peer->fd);
		(void)err_set(err, ERR_UNAVAILABLE, "a link: out of memory");
		return NULL;
	}
	TAILQ_INIT(&l->jobs);
	l->env = env;
	l->cleanup = job;
	l->role = peer->role;
	l->work = evtimer_new(env->base, on_work, l);
	l->news = evtimer_new(env->base, on_news, l);
	if (l->work == NULL || l->news == NULL) {
		(void)close(peer->fd);
		(void)err_set(err, ERR_UNAVAILABLE, "a link: out of memory");
	} else {
		l->channel = channel_new(env->base, peer->fd, peer->role,
		    &handler, l, err);
	}
	if (l->channel == NULL)
		link_free(&l);
	return l;
}

void
link_rows_written(struct link *l, uint64_t last_id)
{
	if (l == NULL)
		return;
	l->last_id = last_id;
	if (l->is_watched && !evtimer_pending(l->news, NULL))
		arm(l->news, NEWS_MS);
}

void
link_free(struct link **l)
{
	if (*l == NULL)
		return;
	if ((*l)->work != NULL && (*l)->news != NULL)
		end_all(*l);
	if ((*l)->work != NULL)
		event_free((*l)->work);
	if ((*l)->news != NULL)
		event_free((*l)->news);
	channel_free(&(*l)->channel);
	free(*l);
	*l = NULL;
}
