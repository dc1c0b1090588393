#include "ctl/command_events.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/event_show.h"
#include "ctl/listener_text.h"
#include "ctl/look.h"
#include "ctl/output.h"
#include "ctl/waiting.h"

/* Without --timeout a cleanup is waited for, however long it takes. */
#define CLEANUP_PATIENCE_MS ((uint64_t)365 * 86400000)

/* A connection that is lost is made anew, while there is a daemon. */
#define RECONNECT_MS 10000u
#define RECONNECT_EVERY_MS 100

/* What --follow knows from one connection to the next. */
struct following {
	const struct options *o;
	struct event_show *show;
	bool has_last;
	uint64_t last_id; /* go on behind this one */
};

/* Put a text into params, if there is one. Returns 0, or -1 with *f. */
static int
add_text(json_t *params, const char *key, const char *text, struct failure *f)
{
	if (text == NULL ||
	    json_object_set_new(params, key, json_string(text)) == 0)
		return 0;
	return client_fail(f, CTL_USAGE, "--%s: is not UTF-8", key);
}

/* Which events: the params that query and follow share. NULL with *f. */
static json_t *
filter_params(const struct options *o, struct failure *f)
{
	json_t *params = json_object();

	if (add_text(params, "listener", o->listener, f) == 0 &&
	    add_text(params, "type", o->type, f) == 0 &&
	    add_text(params, "severity", o->severity, f) == 0)
		return params;
	json_decref(params);
	return NULL;
}

static json_t *
query_params(const struct options *o, const char *after, struct failure *f)
{
	json_t *params = filter_params(o, f);

	if (params == NULL)
		return NULL;
	if (o->limit_rows != 0)
		(void)json_object_set_new(params, "limit",
		    json_integer((json_int_t)o->limit_rows));
	if (add_text(params, "since", o->since, f) == 0 &&
	    add_text(params, "after", after, f) == 0)
		return params;
	json_decref(params);
	return NULL;
}

/* Print all pages. Gives the last; NULL with *f. */
static json_t *
show_pages(struct client *c, const struct options *o, struct event_show *show,
    struct failure *f)
{
	json_t *page = NULL, *params;
	const char *next = NULL;

	do {
		params = query_params(o, next, f);
		json_decref(page);
		if (params == NULL)
			return NULL;
		page = client_call(c, "events.query", params,
		    command_deadline(o), f);
		if (page == NULL)
			return NULL;
		if (event_show_page(show, json_object_get(page, "events"), f) ==
		    -1) {
			json_decref(page);
			return NULL;
		}
		next = json_string_value(json_object_get(page, "next"));
	} while (next != NULL && !show->over);
	return page;
}

/* Ask to be told. Returns 0, or -1 with *f. */
static int
begin_following(struct client *c, struct following *w, struct failure *f)
{
	json_t *params = filter_params(w->o, f), *result;

	if (params == NULL)
		return -1;
	if (w->has_last)
		(void)json_object_set_new(params, "after_id",
		    json_integer((json_int_t)w->last_id));
	result =
	    client_call(c, "events.follow", params, command_deadline(w->o), f);
	if (result == NULL)
		return -1;
	w->last_id = listener_number(result, "last_id");
	w->has_last = true;
	json_decref(result);
	return 0;
}

/* Is it the end: Ctrl-C, or nobody reads what we write? */
static bool
is_over(const struct following *w)
{
	return waiting_is_interrupted() || w->show->over;
}

/* Wait for something from fd (-1: nothing) at most so long (-1: for ever). */
static void
wait_for_more(struct following *w, int fd, int ms)
{
	if (!waiting_for(fd, ms, STDOUT_FILENO))
		w->show->over = true;
}

/* Print what has come. Returns 0, or -1 with *f. */
static int
show_news(struct client *c, struct following *w, struct failure *f)
{
	json_t *event;
	uint64_t id;
	int r;

	while ((r = client_notification(c, "event", &event, f)) == 1) {
		id = listener_number(event, "id");
		if (id > w->last_id)
			w->last_id = id;
		r = event_show_one(w->show, event, f);
		json_decref(event);
		if (r == -1 || is_over(w))
			return r;
	}
	return r;
}

/* One connection from its start to its end. Returns 0 or -1 with *f. */
static int
follow_once(struct client *c, struct following *w, bool *began,
    struct failure *f)
{
	int r = begin_following(c, w, f);

	*began = r == 0;
	while (r == 0) {
		r = show_news(c, w, f);
		if (r == -1 || is_over(w))
			break;
		wait_for_more(w, c->fd, -1);
		if (is_over(w))
			break;
		r = client_receive(c, f);
	}
	return r;
}

/* Connect again while there is a daemon. Returns 0, or -1 with *f. */
static int
reconnect(struct client *c, struct following *w, uint64_t until_ms,
    struct failure *f)
{
	int r = -1;

	while (r == -1 && f->code != CTL_NO_DAEMON && !is_over(w) &&
	    clock_mono_ms() < until_ms) {
		wait_for_more(w, -1, RECONNECT_EVERY_MS);
		r = client_open(c, w->o->socket, false, command_deadline(w->o),
		    f);
	}
	if (r == -1 && f->code == CTL_NO_DAEMON)
		return client_fail(f, CTL_NO_DAEMON, "%s: mercuryd has ended",
		    w->o->socket);
	return r;
}

/*
 * Print what comes for as long as there is a daemon, also when the process
 * behind the socket is replaced, or dropped us since nobody read what we
 * print. Returns 0, or -1 with *f.
 */
static int
follow(struct client *c, struct following *w, struct failure *f)
{
	uint64_t until_ms = 0; /* to be back by then */
	bool began;
	int r;

	do {
		began = false;
		r = follow_once(c, w, &began, f);
		client_close(c);
		if (began)
			until_ms = clock_mono_ms() + RECONNECT_MS;
		if (r == 0 || is_over(w) || until_ms == 0)
			break;
		r = reconnect(c, w, until_ms, f);
	} while (r == 0);
	return waiting_is_interrupted() ? 0 : r;
}

static int
history_and_follow(struct client *c, const struct options *o,
    struct event_show *show, struct failure *f)
{
	struct following w = { .o = o, .show = show };
	json_t *page;

	waiting_ignore_pipe();
	if (o->given & (OPTION_SINCE | OPTION_LIMIT)) {
		page = show_pages(c, o, show, f);
		if (page == NULL)
			return -1;
		w.last_id = listener_number(page, "last_id");
		w.has_last = true;
		json_decref(page);
	}
	waiting_begin();
	return show->over ? 0 : follow(c, &w, f);
}

enum ctl_exit
command_events(const struct options *o, char **args, int count)
{
	struct event_show show = { .json = o->given & OPTION_JSON,
		.layout.colour = look_at(stdout, o).colour };
	struct failure failure;
	struct client client;
	json_t *page;
	int r;

	(void)args;
	(void)count;
	if (client_open(&client, o->socket, false, command_deadline(o),
		&failure) == -1)
		return command_failed(&failure);
	if (o->given & OPTION_FOLLOW) {
		r = history_and_follow(&client, o, &show, &failure);
	} else {
		page = show_pages(&client, o, &show, &failure);
		r = page == NULL ? -1 : 0;
		json_decref(page);
		if (r == 0 && show.shown == 0 && !show.json)
			(void)fputs("no events\n", stdout);
	}
	client_close(&client);
	return r == -1 ? command_failed(&failure) : CTL_DONE;
}

enum ctl_exit
command_cleanup(const struct options *o, char **args, int count)
{
	struct options patient = *o;
	json_t *params = json_object(), *result = NULL;
	enum ctl_exit code;

	(void)args;
	(void)count;
	if (!(o->given & OPTION_TIMEOUT))
		patient.timeout_ms = CLEANUP_PATIENCE_MS;
	if (o->older_than != NULL)
		(void)json_object_set_new(params, "older_than",
		    json_string(o->older_than));
	if (o->given & OPTION_DRY_RUN) {
		(void)json_object_set_new(params, "dry_run", json_true());
		code =
		    command_call(&patient, "events.cleanup", params, &result);
	} else {
		code =
		    command_change(&patient, "events.cleanup", params, &result);
	}
	if (code == CTL_DONE && !(o->given & OPTION_JSON))
		event_text_cleanup(stdout, result);
	json_decref(result);
	return code;
}
