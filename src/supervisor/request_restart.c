#include "supervisor/request_restart.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/certificates.h"
#include "supervisor/listener.h"
#include "supervisor/listener_update.h"
#include "supervisor/pool.h"
#include "supervisor/pool_restart.h"

static uint32_t rounds; /* of reading certificates */

/* A request to restart pools: answered when the last one is done. */
struct restart {
	uint32_t request;
	uint32_t epoch;
	uint32_t deadline_ms; /* for what the old workers have open */
	unsigned int left;
	uint32_t round;            /* of reading certificates */
	uint64_t read;             /* id of the last whose files were read */
	char name[SPEC_NAME_SIZE]; /* empty: all */
	struct err err;            /* the first that went wrong */
};

static void
end_restart(void *ctx, const struct err *err)
{
	struct restart *r = ctx;

	if (err != NULL && r->err.code == ERR_NONE)
		r->err = *err;
	if (--r->left > 0)
		return;
	if (r->epoch != request_epoch())
		r->request = 0; /* who asked is gone */
	if (r->err.code != ERR_NONE)
		request_refuse(r->request, &r->err);
	else
		request_reply_status(r->request,
		    r->name[0] != '\0' ? r->name : NULL);
	free(r);
}

/* One that has failed is bound anew, with all that failed with it. */
static void
revive(struct listener *failed, uint32_t request)
{
	struct pool *p = failed->pool;
	struct listener *l, *next;
	struct err err;

	request_wait_for(failed, WAIT_LISTENING, request);
	if (p->phase != POOL_FAILED) {
		(void)listener_revive(failed, &err);
		return;
	}
	pool_revive(p);
	TAILQ_FOREACH_SAFE (l, &p->listeners, in_pool, next)
		if (l->goal == GOAL_FAIL)
			(void)listener_revive(l, &err);
}

static void
restart_pool(struct restart *r, struct pool *p)
{
	struct err err;

	r->left++;
	if (pool_restart(p, 0, r->deadline_ms, end_restart, r, &err) == -1)
		end_restart(r, &err);
}

static void
restart_all(struct restart *r)
{
	struct listener *l;
	struct pool *p;

	TAILQ_FOREACH (p, pools(), in_all)
		if (p->phase == POOL_RUNNING)
			restart_pool(r, p);
	RB_FOREACH (l, listener_by_name, listeners())
		if (l->goal == GOAL_FAIL)
			revive(l, 0);
}

/* The listener, if it is one to be restarted; else NULL with *err. */
static struct listener *
find_to_restart(const char *name, struct err *err)
{
	struct listener *l = request_find(name, err);

	if (l == NULL || l->goal != GOAL_REMOVE)
		return l;
	(void)err_set(err, ERR_BUSY, "%s is being removed", name);
	return NULL;
}

/* The one that was asked for. */
static void
restart_one(struct restart *r)
{
	struct listener *l;
	struct err err;

	l = find_to_restart(r->name, &err);
	if (l == NULL) {
		end_restart(r, &err);
	} else if (l->goal == GOAL_FAIL) {
		revive(l, r->epoch == request_epoch() ? r->request : 0);
		free(r);
	} else {
		restart_pool(r, l->pool);
		end_restart(r, NULL);
	}
}

/* The certificates are read, which may have taken a while: restart. */
static void
begin_restart(struct restart *r)
{
	struct err err;

	if (request_check_running(&err) == -1) {
		end_restart(r, &err);
	} else if (r->name[0] != '\0') {
		restart_one(r);
	} else {
		restart_all(r);
		end_restart(r, NULL);
	}
}

/* Has it certificates, of its own or for its upstreams? */
static bool
has_tls(const struct listener *l)
{
	return l->bulks.of[BULK_TLS] != NULL ||
	    l->bulks.of[BULK_UPSTREAM_TLS] != NULL;
}

/* The next such listener that is asked for; NULL: no more. */
static struct listener *
next_to_read(const struct restart *r)
{
	struct listener *l;

	RB_FOREACH (l, listener_by_id, listeners_by_id())
		if (l->tls_round != r->round && has_tls(l) &&
		    l->goal != GOAL_REMOVE &&
		    (r->name[0] == '\0' || strcmp(l->spec.name, r->name) == 0))
			return l;
	return NULL;
}

static void on_read(void *ctx, struct wanted *w, const struct err *err);

static bool
has_same_tls(const struct listener *l, const struct wanted *w)
{
	return bulk_ref_matches(&l->spec.bulks[BULK_TLS],
		   w->bulks.of[BULK_TLS]) &&
	    bulk_ref_matches(&l->spec.bulks[BULK_UPSTREAM_TLS],
		w->bulks.of[BULK_UPSTREAM_TLS]);
}

/*
 * They are those of every listener with the same section: hundreds may have
 * one certificate.
 */
static void
hand_out(const struct restart *r, const struct wanted *w)
{
	struct listener *l;

	while ((l = next_to_read(r)) != NULL && has_same_tls(l, w)) {
		l->tls_round = r->round;
		listener_take_tls(l, w);
	}
}

/* Read the certificates anew, of one listener after the other. */
static void
read_next(struct restart *r)
{
	struct listener *l = next_to_read(r);
	struct wanted w;
	struct err err;

	if (l == NULL) {
		begin_restart(r);
		return;
	}
	r->read = l->id;
	l->tls_round = r->round;
	w = (struct wanted){ .spec = l->spec, .bulks = l->bulks };
	if (certificates_read(&w, on_read, r, &err) == -1)
		end_restart(r, &err);
}

static void
on_read(void *ctx, struct wanted *w, const struct err *err)
{
	struct restart *r = ctx;
	struct listener *l = listener_find_id(r->read);
	struct err why;

	if (err == NULL) {
		if (l != NULL)
			listener_take_tls(l, w);
		hand_out(r, w);
		read_next(r);
		return;
	}
	(void)err_set(&why, err->code, "%s: not restarted: %.400s",
	    w->spec.name, err->text);
	end_restart(r, &why);
}

void
request_restart(const struct msg_req_name *m)
{
	struct restart *r;
	struct err err;

	if (request_check_running(&err) == -1 ||
	    (m->name[0] != '\0' && find_to_restart(m->name, &err) == NULL)) {
		request_refuse(m->request, &err);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		(void)err_sys(&err, "a restart");
		request_refuse(m->request, &err);
		return;
	}
	r->request = m->request;
	r->epoch = request_epoch();
	r->round = ++rounds;
	r->deadline_ms = m->deadline_ms;
	(void)strlcpy(r->name, m->name, sizeof(r->name));
	r->left = 1;
	read_next(r);
}
