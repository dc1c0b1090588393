#include "supervisor/reload.h"

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/listener.h"
#include "supervisor/notify.h"
#include "supervisor/plan_load.h"
#include "supervisor/request.h"
#include "supervisor/supervisor.h"

/* A listener that comes back when its old self is gone. */
struct replacement {
	STAILQ_ENTRY(replacement) next;
	struct msg_plan_listener item;
};

static STAILQ_HEAD(, replacement) replacements = STAILQ_HEAD_INITIALIZER(
    replacements);

/* What a reload did, to tell. */
struct tally {
	unsigned int added, updated, replaced, removed, kept;
};

static bool wanted; /* again, once this one is done */

/* Each line by itself: no line of the log is cut then. */
static void
log_lines(const char *lines)
{
	size_t len;

	for (; *lines != '\0'; lines += len + (lines[len] == '\n')) {
		len = strcspn(lines, "\n");
		log_error(NULL, NULL, "reload: %.*s", (int)len, lines);
	}
}

/* text: what was done, or, with err, the errors of the config (NULL: none). */
static void
finish(const struct err *err, const char *text)
{
	notify_send("READY=1");
	if (err == NULL) {
		log_info(NULL, NULL, "reload: %s", text);
	} else {
		log_error(NULL, NULL, "reload: nothing was changed");
		log_lines(text == NULL ? err->text : text);
	}
	request_reload_done(err, text);
	reload_if_wanted();
}

/* The listeners that a reload has bound; ids are given in ascending order. */
struct bound {
	uint64_t *ids;
	size_t count;
};

/* Remove again what this reload added before it failed. */
static void
undo(const struct bound *b)
{
	struct listener *l;
	size_t i;

	for (i = 0; i < b->count; i++) {
		l = listener_find_id(b->ids[i]);
		if (l != NULL)
			listener_remove(l, 0);
	}
}

/* How does a running listener differ from what is wanted? */
static enum plan_change
compare(const struct listener *l, const struct msg_plan_listener *item,
    option_set *changed)
{
	struct listener_spec running = l->spec;

	/* It was saved with the port that the kernel chose: no difference. */
	if (running.port == 0 && item->spec.port == l->port)
		running.port = l->port;
	return plan_compare(&running, &item->spec, changed);
}

static bool
needs_socket(const struct msg_plan_listener *item)
{
	const struct listener *l = listener_find(item->spec.name);
	option_set changed;

	if (l == NULL)
		return true;
	return l->state != LISTENER_STARTING && l->state != LISTENER_DRAINING &&
	    compare(l, item, &changed) == PLAN_MOVE;
}

/*
 * First what can fail: bind what is new or moves. Returns 0 with *b, whose
 * ids the caller frees, or -1 with *err and nothing changed.
 */
static int
bind_new(const struct plan *plan, struct bound *b, struct err *err)
{
	const struct msg_plan_listener *item;
	const struct listener *l;
	struct err why;
	size_t i;

	b->ids = calloc(plan->count + 1, sizeof(*b->ids));
	if (b->ids == NULL)
		return err_sys(err, "a reload");
	for (i = 0; i < plan->count; i++) {
		item = &plan->items[i];
		if (!needs_socket(item))
			continue;
		l = listener_add_successor(&item->spec, item->set,
		    (enum spec_origin)item->origin, &why);
		if (l == NULL) {
			undo(b);
			free(b->ids);
			return err_set(err, why.code, "listener %s: %.250s",
			    item->spec.name, why.text);
		}
		b->ids[b->count++] = l->id;
	}
	return 0;
}

/* Nothing can fail any more: they get their names. */
static void
enlist(const struct bound *b, struct tally *t)
{
	struct listener *l;
	size_t i;

	for (i = 0; i < b->count; i++) {
		l = listener_find_id(b->ids[i]);
		if (listener_find(l->spec.name) != NULL)
			t->replaced++;
		else
			t->added++;
		listener_succeed(l);
	}
}

static void
replace(struct listener *l, const struct msg_plan_listener *item)
{
	struct replacement *r = malloc(sizeof(*r));

	if (r == NULL) {
		log_error("listener", l->spec.name,
		    "could not be bound anew: out of memory");
		return;
	}
	r->item = *item;
	STAILQ_INSERT_TAIL(&replacements, r, next);
	if (l->state != LISTENER_DRAINING)
		listener_remove(l, l->spec.drain_timeout_ms);
}

/* One that runs and is in the file. */
static void
apply_wanted(struct listener *l, const struct msg_plan_listener *item,
    struct tally *t)
{
	enum plan_change change;
	option_set changed;
	struct err err;

	change = compare(l, item, &changed);
	if (l->state == LISTENER_DRAINING)
		change = PLAN_REPLACE;
	else
		l->origin = (enum spec_origin)item->origin;
	switch (change) {
	case PLAN_KEEP:
		t->kept++;
		break;
	case PLAN_UPDATE:
		if (listener_update(l, &item->spec, changed, &err) == -1)
			log_error("listener", l->spec.name, "reload: %s",
			    err.text);
		t->updated++;
		break;
	case PLAN_MOVE: /* another reload's move is not even served yet */
	case PLAN_REPLACE:
		t->replaced++;
		replace(l, item);
		break;
	}
}

/* What an earlier reload still had to do: this one decides anew. */
static void
forget_replacements(void)
{
	struct replacement *r;

	while ((r = STAILQ_FIRST(&replacements)) != NULL) {
		STAILQ_REMOVE_HEAD(&replacements, next);
		free(r);
	}
}

static void
apply_difference(const struct plan *plan, struct tally *t)
{
	const struct msg_plan_listener *item;
	struct listener *l, *next;

	forget_replacements();
	RB_FOREACH_SAFE (l, listener_by_name, listeners(), next) {
		if (l->state == LISTENER_STARTING)
			continue;
		item = plan_find(plan, l->spec.name);
		if (item != NULL) {
			apply_wanted(l, item, t);
		} else if (l->origin != ORIGIN_FILE) {
			t->kept++;
		} else if (l->state != LISTENER_DRAINING) {
			t->removed++;
			listener_remove(l, l->spec.drain_timeout_ms);
		}
	}
}

/* The daemon section is read at start only. */
static bool
same_daemon(const struct daemon_settings *a, const struct daemon_settings *b)
{
	return strcmp(a->control_socket, b->control_socket) == 0 &&
	    strcmp(a->state_dir, b->state_dir) == 0 && a->uid == b->uid &&
	    a->gid == b->gid && a->control_gid == b->control_gid &&
	    a->readers_gid == b->readers_gid &&
	    a->shutdown_deadline_ms == b->shutdown_deadline_ms &&
	    memcmp(&a->log, &b->log, sizeof(a->log)) == 0;
}

static void
on_plan(const struct plan *plan, const char *errors, bool bad_config)
{
	struct tally t = { 0 };
	struct bound bound = { .count = 0 };
	struct err err;
	char text[192];

	if (plan == NULL) {
		(void)err_set(&err, bad_config ? ERR_INVALID : ERR_INTERNAL,
		    "the config could not be read");
		finish(&err, errors);
		return;
	}
	if (bind_new(plan, &bound, &err) == -1) {
		finish(&err, NULL);
		return;
	}
	enlist(&bound, &t);
	free(bound.ids);
	apply_difference(plan, &t);
	(void)snprintf(text, sizeof(text),
	    "%u added, %u updated, %u bound anew, %u removed, %u unchanged%s",
	    t.added, t.updated, t.replaced, t.removed, t.kept,
	    same_daemon(&plan->settings, supervisor_settings())
		? ""
		: "; changes of the daemon section need a restart");
	finish(NULL, text);
}

int
reload_start(struct err *err)
{
	if (plan_load(supervisor_args()->config, false, on_plan, err) == -1)
		return -1;
	notify_send("RELOADING=1");
	return 0;
}

void
reload_soon(void)
{
	wanted = true;
	if (!plan_load_running())
		reload_if_wanted();
}

void
reload_if_wanted(void)
{
	struct err err;

	if (!wanted || supervisor_state() != DAEMON_RUNNING)
		return;
	wanted = false;
	if (reload_start(&err) == -1)
		log_error(NULL, NULL, "reload: %s", err.text);
}

void
reload_listener_removed(const struct listener *gone)
{
	struct replacement *r;
	struct err err;

	if (listener_find(gone->spec.name) != NULL)
		return; /* it has a successor already */
	STAILQ_FOREACH (r, &replacements, next)
		if (strcmp(r->item.spec.name, gone->spec.name) == 0)
			break;
	if (r == NULL)
		return;
	STAILQ_REMOVE(&replacements, r, replacement, next);
	if (supervisor_state() == DAEMON_RUNNING &&
	    listener_add(&r->item.spec, r->item.set,
		(enum spec_origin)r->item.origin, &err) == NULL)
		log_error("listener", r->item.spec.name,
		    "could not be bound anew: %s", err.text);
	free(r);
}
