#include "gateway/api.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/snapshot.h"
#include "gateway/api_events.h"
#include "gateway/exposition.h"
#include "gateway/http_conn.h"
#include "gateway/http_text.h"
#include "gateway/questions.h"
#include "gateway/scrape.h"
#include "json/history_json.h"
#include "json/status_json.h"
#include "json/tree_json.h"

/* As in supervisor.history. */
#define RECORDS_MAX 2000u
#define RECORDS_MAX_OF_ALL 1000u

/* The store looks for so long, at most, before it has found a first event. */
#define EVENTS_TRIES 8

/* Retry-After: who makes no haste, finds room. */
static const char retry_later[] = "Retry-After: 1\r\n";

/* One that waits for an answer. */
struct waiter {
	TAILQ_ENTRY(waiter) next;
	struct inquiry *inquiry;
	struct http_conn *conn;
};

/* What was asked, by however many; and for a while, what the answer was. */
struct inquiry {
	TAILQ_ENTRY(inquiry) next;
	struct api *api;
	enum route_what what;
	char *query;               /* of the request, as it came */
	char name[SPEC_NAME_SIZE]; /* in it: of a listener; empty: all */
	struct question *question; /* NULL: it was answered, or is a scrape */
	struct scrape *scrape;     /* NULL: it was answered, or is none */
	struct event *stale;       /* then: forget it */
	struct http_text *text;    /* the answer; NULL: none yet */
	struct msg_events_query events;
	unsigned int tries;
	bool is_answering; /* those that waited may ask again meanwhile */
	TAILQ_HEAD(, waiter) waiters;
};

struct api {
	struct event_base *base;
	struct questions *questions;
	struct scrapes *scrapes;
	TAILQ_HEAD(, inquiry) inquiries;
	unsigned int count;
};

/* --- errors --- */

unsigned int
api_error_status(enum err_code code)
{
	switch (code) {
	case ERR_INVALID:
		return 400;
	case ERR_PERMISSION:
		return 403;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_BUSY:
	case ERR_TIMEOUT:
	case ERR_UNAVAILABLE:
		return 503;
	default:
		return 500;
	}
}

/* Takes root. NULL when out of memory. */
static struct http_text *
text_of(json_t *root)
{
	char *bytes = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);

	json_decref(root);
	return http_text_take(bytes, bytes == NULL ? 0 : strlen(bytes));
}

struct http_text *
api_error_text(enum err_code code, const char *message)
{
	return text_of(json_pack("{s:{s:s, s:s}}", "error", "reason",
	    err_reason(code), "message", message));
}

static void
answer_error(struct http_conn *c, enum err_code code, const char *message)
{
	const unsigned int status = api_error_status(code);
	struct http_answer a = { .status = status,
		.type = HTTP_TYPE_JSON,
		.more = status == 503 ? retry_later : NULL,
		.text = api_error_text(code, message) };

	http_conn_answer(c, &a);
	http_text_drop(&a.text);
}

static void
answer_text(struct http_conn *c, const struct inquiry *q)
{
	const struct http_answer a = { .status = 200,
		.type = q->what == ROUTE_METRICS ? EXPOSITION_CONTENT_TYPE
						 : HTTP_TYPE_JSON,
		.text = q->text };

	http_conn_answer(c, &a);
}

/* --- inquiries --- */

static void
inquiry_free(struct inquiry *q)
{
	question_forget(&q->question);
	scrape_forget(&q->scrape);
	if (q->stale != NULL)
		event_free(q->stale);
	http_text_drop(&q->text);
	free(q->query);
	free(q);
}

/* No one else finds it from now on. */
static void
unlink_inquiry(struct inquiry *q)
{
	TAILQ_REMOVE(&q->api->inquiries, q, next);
	q->api->count--;
}

static void
on_stale(evutil_socket_t fd, short what, void *ctx)
{
	struct inquiry *q = ctx;

	(void)fd;
	(void)what;
	unlink_inquiry(q);
	inquiry_free(q);
}

/* What of the query makes a difference. */
static const char *
query_of(const struct route *r)
{
	return r->what == ROUTE_HISTORY || r->what == ROUTE_EVENTS ? r->query
								   : "";
}

static struct inquiry *
find(const struct api *a, const struct route *r)
{
	struct inquiry *q;

	TAILQ_FOREACH (q, &a->inquiries, next)
		if (q->what == r->what && strcmp(q->query, query_of(r)) == 0)
			return q;
	return NULL;
}

/* Forget one that was answered, if there is one. */
static void
make_room(struct api *a)
{
	struct inquiry *q;

	TAILQ_FOREACH (q, &a->inquiries, next)
		if (q->text != NULL && !q->is_answering) {
			unlink_inquiry(q);
			inquiry_free(q);
			return;
		}
}

static struct inquiry *
inquiry_new(struct api *a, const struct route *r)
{
	struct inquiry *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->api = a;
	q->what = r->what;
	TAILQ_INIT(&q->waiters);
	q->query = strdup(query_of(r));
	q->stale = evtimer_new(a->base, on_stale, q);
	if (q->query != NULL && q->stale != NULL)
		return q;
	inquiry_free(q);
	return NULL;
}

/* --- who waits --- */

static void
forget(void *ctx)
{
	struct waiter *w = ctx;

	TAILQ_REMOVE(&w->inquiry->waiters, w, next);
	free(w);
}

/* Returns 0, or -1 when out of memory. */
static int
add_waiter(struct inquiry *q, struct http_conn *c)
{
	struct waiter *w = malloc(sizeof(*w));

	if (w == NULL)
		return -1;
	w->inquiry = q;
	w->conn = c;
	TAILQ_INSERT_TAIL(&q->waiters, w, next);
	http_conn_wait(c, forget, w);
	return 0;
}

static struct http_conn *
take_waiter(struct inquiry *q)
{
	struct waiter *w = TAILQ_FIRST(&q->waiters);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	struct http_conn *c = w == NULL ? NULL : w->conn;

	if (w != NULL)
		forget(w);
	return c;
}

/* --- answers --- */

/* There is none, and err says why. q is gone then. */
static void
fail(struct inquiry *q, const struct err *err)
{
	struct http_conn *c;

	unlink_inquiry(q);
	while ((c = take_waiter(q)) != NULL)
		answer_error(c, err->code, err->text);
	inquiry_free(q);
}

/* The answer is there; others may want it, too. */
static void
succeed(struct inquiry *q)
{
	static const struct timeval good = {
		.tv_usec = QUESTION_FRESH_MS * 1000,
	};
	struct http_conn *c;

	if (event_add(q->stale, &good) == -1)
		event_active(q->stale, EV_TIMEOUT, 0);
	q->is_answering = true;
	while ((c = take_waiter(q)) != NULL)
		answer_text(c, q);
	q->is_answering = false;
}

/* What is asked for. NULL when out of memory, or to ask again. */
static json_t *
read_answer(struct inquiry *q, struct snapshot_reader *r, bool *again)
{
	switch (q->what) {
	case ROUTE_STATUS:
		return status_json_daemon(r);
	case ROUTE_TREE:
		return tree_json(r, usage_read);
	case ROUTE_HISTORY:
		return history_json_records(r,
		    q->name[0] == '\0' ? RECORDS_MAX_OF_ALL : RECORDS_MAX);
	default:
		return api_events_result(r, &q->events, again);
	}
}

static struct question *ask(struct inquiry *, struct err *err);

/* Returns 0, -1 with *err, or 1: it was asked once more. */
static int
take_answer(struct inquiry *q, int fd, struct err *err)
{
	struct snapshot_reader r;
	bool again = false;

	if (snapshot_open(&r, fd, err) == -1)
		return -1;
	q->text = text_of(read_answer(q, &r, &again));
	snapshot_close(&r);
	if (again && ++q->tries < EVENTS_TRIES) {
		q->question = ask(q, err);
		return q->question == NULL ? -1 : 1;
	}
	if (q->text == NULL)
		return err_set(err, again ? ERR_TIMEOUT : ERR_INTERNAL,
		    again ? "the search takes too long: narrow it"
			  : "the answer can't be read");
	return 0;
}

static void
on_answered(void *ctx, int fd, const struct err *why)
{
	struct inquiry *q = ctx;
	struct err err;
	int result;

	q->question = NULL;
	if (fd == -1) {
		fail(q, why);
		return;
	}
	result = take_answer(q, fd, &err);
	if (result == -1)
		fail(q, &err);
	else if (result == 0)
		succeed(q);
}

static void
on_scraped(void *ctx, struct exposition *text, const struct err *why)
{
	struct inquiry *q = ctx;
	struct err err;

	q->scrape = NULL;
	if (text == NULL) {
		fail(q, why);
		return;
	}
	q->text = http_text_take(text->bytes, text->len);
	memset(text, 0, sizeof(*text));
	if (q->text != NULL) {
		succeed(q);
	} else {
		(void)err_set(&err, ERR_UNAVAILABLE, "out of memory");
		fail(q, &err);
	}
}

/* --- asking --- */

/* The listener that a query names; empty: all. */
static int
read_name(const char *query, char name[static SPEC_NAME_SIZE], struct err *err)
{
	const enum route_found found =
	    route_param(query, "name", name, SPEC_NAME_SIZE);

	if (found == ROUTE_BAD)
		return err_set(err, ERR_INVALID,
		    "name: its value is malformed");
	return name[0] == '\0' ? 0 : spec_check_name("name", name, err);
}

static struct question *
ask_history(struct inquiry *q, const struct question_asker *asker,
    struct err *err)
{
	if (read_name(q->query, q->name, err) == -1)
		return NULL;
	return questions_history(q->api->questions, q->name, asker, err);
}

static struct question *
ask_events(struct inquiry *q, const struct question_asker *asker,
    struct err *err)
{
	char why[EVENT_PARAMS_TEXT_SIZE];

	if (q->tries == 0 &&
	    api_events_query(q->query, &q->events, why) == -1) {
		(void)err_set(err, ERR_INVALID, "%s", why);
		return NULL;
	}
	return questions_events(q->api->questions, &q->events, asker, err);
}

static struct question *
ask(struct inquiry *q, struct err *err)
{
	const struct question_asker asker = { on_answered, q };

	switch (q->what) {
	case ROUTE_STATUS:
		return questions_status(q->api->questions, &asker, err);
	case ROUTE_TREE:
		return questions_tree(q->api->questions, &asker, err);
	case ROUTE_HISTORY:
		return ask_history(q, &asker, err);
	case ROUTE_EVENTS:
		return ask_events(q, &asker, err);
	default:
		(void)err_set(err, ERR_NOT_FOUND, "there is nothing");
		return NULL;
	}
}

/* Returns 0, or -1 with *err. */
static int
send_inquiry(struct inquiry *q, struct err *err)
{
	if (q->what == ROUTE_METRICS)
		q->scrape = scrapes_ask(q->api->scrapes, on_scraped, q, err);
	else
		q->question = ask(q, err);
	return q->scrape == NULL && q->question == NULL ? -1 : 0;
}

/* Ask anew. NULL with *err. */
static struct inquiry *
begin(struct api *a, const struct route *r, struct err *err)
{
	struct inquiry *q;

	if (a->count >= API_INQUIRIES_MAX)
		make_room(a);
	if (a->count >= API_INQUIRIES_MAX ||
	    http_texts_bytes() >= HTTP_TEXTS_MAX) {
		(void)err_set(err, ERR_BUSY, "too much is asked for already");
		return NULL;
	}
	q = inquiry_new(a, r);
	if (q == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
		return NULL;
	}
	if (send_inquiry(q, err) == -1) {
		inquiry_free(q);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&a->inquiries, q, next);
	a->count++;
	return q;
}

void
api_ask(struct api *a, struct http_conn *c, const struct route *r)
{
	struct inquiry *q = find(a, r);
	char why[EVENT_PARAMS_TEXT_SIZE];
	struct msg_events_query query;
	struct err err;

	/* This may be longer than what fits into an error. */
	if (q == NULL && r->what == ROUTE_EVENTS &&
	    api_events_query(r->query, &query, why) == -1) {
		answer_error(c, ERR_INVALID, why);
		return;
	}
	if (q == NULL)
		q = begin(a, r, &err);
	if (q == NULL)
		answer_error(c, err.code, err.text);
	else if (q->text != NULL)
		answer_text(c, q);
	else if (add_waiter(q, c) == -1)
		answer_error(c, ERR_UNAVAILABLE, "out of memory");
}

/* --- life --- */

struct api *
api_new(struct event_base *base, struct questions *questions, struct err *err)
{
	struct api *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "the API: out of memory");
		return NULL;
	}
	a->scrapes = scrapes_new(questions, err);
	if (a->scrapes == NULL) {
		free(a);
		return NULL;
	}
	a->base = base;
	a->questions = questions;
	TAILQ_INIT(&a->inquiries);
	return a;
}

void
api_free(struct api **ap)
{
	struct api *a = *ap;
	struct inquiry *q;

	*ap = NULL;
	if (a == NULL)
		return;
	while ((q = TAILQ_FIRST(&a->inquiries)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		unlink_inquiry(q);
		inquiry_free(q);
	}
	scrapes_free(&a->scrapes);
	free(a);
}
