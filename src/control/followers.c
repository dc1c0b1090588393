#include "control/followers.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/snapshot.h"
#include "control/client.h"
#include "control/follow.h"
#include "control/store_link.h"
#include "json/event_json.h"

/* Of the 128 clients that there may be: others must get in, too. */
#define FOLLOWERS_MAX 32u

/* What one of them costs at most, about. */
#define PAGE_BYTES_MAX ((size_t)1 << 20)

static const struct timeval retry_after = { .tv_sec = 1 };

struct follower {
	LIST_ENTRY(follower) next;
	struct client *client;
	struct follow follow;
};

struct followers {
	struct store_link *link;
	struct event *retry; /* pending while one has failed */
	LIST_HEAD(, follower) list;
	unsigned int count;
	uint32_t last_request;
};

/* Ask for the next page, if it is time. */
static void
go_on(struct followers *all, struct follower *f)
{
	struct msg_events_query m;
	struct err err;

	if (!store_link_is_up(all->link) || !follow_wants_page(&f->follow) ||
	    !client_is_written(f->client))
		return;
	all->last_request++;
	follow_ask(&f->follow, all->last_request | FOLLOWERS_REQUEST, &m);
	(void)store_link_send(all->link, IPC_EVENTS_QUERY, &m, &err);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct followers *all = arg;
	struct follower *f;

	(void)fd;
	(void)what;
	LIST_FOREACH (f, &all->list, next) {
		follow_retry(&f->follow);
		go_on(all, f);
	}
}

struct followers *
followers_new(struct event_base *base, struct store_link *link, struct err *err)
{
	struct followers *all = calloc(1, sizeof(*all));

	if (all != NULL)
		all->retry = evtimer_new(base, on_retry, all);
	if (all == NULL || all->retry == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
		free(all);
		return NULL;
	}
	all->link = link;
	LIST_INIT(&all->list);
	return all;
}

/* It may be said again, and is not taken back. */
static void
watch(struct followers *all)
{
	const struct msg_empty m = { 0 };
	struct err err;

	if (store_link_is_up(all->link))
		(void)store_link_send(all->link, IPC_EVENTS_WATCH, &m, &err);
}

static int
refuse(struct rpc_error *e, enum err_code reason, const char *why)
{
	(void)rpc_fail(e, RPC_SERVER, "%s", why);
	e->reason = reason;
	return -1;
}

int
followers_add(struct followers *all, struct client *client,
    const struct event_filter *filter, uint64_t after_id, struct rpc_error *e)
{
	struct follower *f;

	if (client->following)
		return refuse(e, ERR_BUSY, "this connection follows already");
	if (all->count == FOLLOWERS_MAX)
		return refuse(e, ERR_BUSY, "too many follow already");
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return refuse(e, ERR_UNAVAILABLE, "out of memory");
	f->client = client;
	follow_start(&f->follow, filter, after_id);
	LIST_INSERT_HEAD(&all->list, f, next);
	all->count++;
	client_follow(client);
	if (all->count == 1)
		watch(all);
	return 0;
}

static struct follower *
find_client(struct followers *all, const struct client *client)
{
	struct follower *f;

	LIST_FOREACH (f, &all->list, next)
		if (f->client == client)
			return f;
	return NULL;
}

static struct follower *
find_request(struct followers *all, uint32_t request)
{
	struct follower *f;

	LIST_FOREACH (f, &all->list, next)
		if (f->follow.request == request)
			return f;
	return NULL;
}

void
followers_written(struct followers *all, struct client *client)
{
	struct follower *f = find_client(all, client);

	if (f != NULL)
		go_on(all, f);
}

void
followers_gone(struct followers *all, struct client *client)
{
	struct follower *f = find_client(all, client);

	if (f == NULL)
		return;
	LIST_REMOVE(f, next);
	all->count--;
	free(f);
}

void
followers_news(struct followers *all, uint64_t newest_id)
{
	struct follower *f;

	LIST_FOREACH (f, &all->list, next) {
		follow_news(&f->follow, newest_id);
		go_on(all, f);
	}
}

static void
failed(struct followers *all, struct follower *f)
{
	follow_failed(&f->follow);
	(void)event_add(all->retry, &retry_after);
}

/* Send what has come. Returns 0, or -1 when it is no page. */
static int
take_page(struct follower *f, int fd)
{
	struct snapshot_reader reader;
	struct event_page page;
	json_t *event;
	struct err err;
	size_t i;
	int r;

	if (snapshot_open(&reader, fd, &err) == -1) {
		log_warning(NULL, NULL, "from the store: %s", err.text);
		return -1;
	}
	r = event_json_page(&reader, PAGE_BYTES_MAX, &page);
	snapshot_close(&reader);
	if (r == -1)
		return -1;
	json_array_foreach (page.events, i, event)
		client_tell(f->client,
		    rpc_notification_line("event", json_incref(event)));
	json_decref(page.events);
	follow_page(&f->follow, page.last_id, page.more);
	return 0;
}

void
followers_snapshot(struct followers *all, uint32_t request, int fd)
{
	struct follower *f = find_request(all, request);

	if (f == NULL)
		return;
	if (take_page(f, fd) == -1)
		failed(all, f);
	else
		go_on(all, f);
}

void
followers_reply(struct followers *all, uint32_t request)
{
	struct follower *f = find_request(all, request);

	if (f != NULL)
		failed(all, f);
}

void
followers_store_up(struct followers *all)
{
	struct follower *f;

	if (all->count > 0)
		watch(all);
	LIST_FOREACH (f, &all->list, next) {
		follow_store_changed(&f->follow);
		go_on(all, f);
	}
}

void
followers_free(struct followers **fp)
{
	struct followers *all = *fp;
	struct follower *f;

	*fp = NULL;
	if (all == NULL)
		return;
	while ((f = LIST_FIRST(&all->list)) != NULL) {
		LIST_REMOVE(f, next);
		free(f);
	}
	event_free(all->retry);
	free(all);
}
