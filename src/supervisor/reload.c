#include "supervisor/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/gateway.h"
#include "supervisor/group.h"
#include "supervisor/listener.h"
#include "supervisor/listener_update.h"
#include "supervisor/notify.h"
#include "supervisor/plan_load.h"
#include "supervisor/pool.h"
#include "supervisor/pool_check.h"
#include "supervisor/pool_restart.h"
#include "supervisor/record_daemon.h"
#include "supervisor/request.h"
#include "supervisor/store.h"
#include "supervisor/supervisor.h"
#include "supervisor/upstreams.h"

/* What is to be done with a listener that the file has. */
struct job {
	enum plan_action action;
	option_set changed;
	uint64_t bound; /* id of the listener that is made for it; 0: none */
	bool has_pool;  /* which becomes what the file wants, too */
};

static struct {
	bool dry_run;
	bool wanted;       /* again, once this one is done */
	unsigned int left; /* hot restarts that are under way, and ourselves */
	unsigned int done[PLAN_ACTION_COUNT];
	bool daemon_changed;
	unsigned int warnings; /* of the config, which are in the log */
	struct err trouble;    /* the first hot restart that failed */
} reload;

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
	if (err == NULL)
		log_info(NULL, NULL, "reload: %s", text);
	else
		log_lines(text == NULL ? err->text : text);
	request_reload_done(err, text);
	reload_if_wanted();
}

/* --- what is to be done --- */

/* How does a running listener differ from what is wanted? */
static enum plan_action
compare(const struct listener *l, const struct wanted *item,
    option_set *changed)
{
	struct listener_spec running = l->spec;

	/* It was saved with the port that the kernel chose: no difference. */
	if (running.port == 0 && item->spec.port == l->sockets.port)
		running.port = l->sockets.port;
	return plan_compare(&running, &item->spec, changed);
}

static struct job
job_of(const struct wanted *item)
{
	const struct listener *l = listener_find(item->spec.name);
	struct job job = { .action = PLAN_ADD };

	if (l != NULL && l->goal == GOAL_REMOVE)
		job.action = PLAN_REBIND;
	else if (l != NULL)
		job.action = compare(l, item, &job.changed);
	return job;
}

/*
 * Only the file can take back what it gave: a saved listener whose file is
 * damaged must not take its fleet down.
 */
static bool
is_to_go(const struct plan *plan, const struct listener *l)
{
	return l->origin == ORIGIN_FILE && l->goal != GOAL_REMOVE &&
	    plan_find(plan, l->spec.name) == NULL;
}

/*
 * A listener that leaves the very place that item wants; it hands its sockets
 * over.
 */
static struct listener *
find_donor(const struct plan *plan, const struct wanted *item)
{
	const struct wanted *wanted;
	struct listener *l;
	option_set changed;

	RB_FOREACH (l, listener_by_name, listeners()) {
		/* Any port is as good for one that leaves it to the kernel. */
		if (item->spec.port == 0 && item->spec.path[0] == '\0' &&
		    strcmp(l->spec.name, item->spec.name) != 0)
			continue;
		if (l->phase != SOCKETS_OPEN || l->goal != GOAL_LISTEN ||
		    !plan_same_place(&l->spec, l->sockets.port, &item->spec))
			continue;
		wanted = plan_find(plan, l->spec.name);
		if (is_to_go(plan, l) ||
		    (wanted != NULL &&
			compare(l, wanted, &changed) == PLAN_REBIND))
			return l;
	}
	return NULL;
}

/* The same for the health port that item wants. */
static const struct listener *
find_health_donor(const struct plan *plan, const struct wanted *item)
{
	const struct wanted *wanted;
	struct listener *l;

	if (item->spec.health_port == 0)
		return NULL;
	RB_FOREACH (l, listener_by_name, listeners()) {
		if (l->health_port.fd == -1 ||
		    !health_port_same(&l->spec, &item->spec))
			continue;
		wanted = plan_find(plan, l->spec.name);
		if (is_to_go(plan, l) || wanted == item ||
		    (wanted != NULL &&
			!health_port_same(&wanted->spec, &item->spec)))
			return l;
	}
	return NULL;
}

/* --- binding: what can fail, first --- */

static bool
moves_health_port(const struct job *job)
{
	return (job->action == PLAN_UPDATE || job->action == PLAN_RESTART) &&
	    (job->changed & OPTION_BIT(OPT_HEALTH_PORT));
}

static void
undo(const struct plan *plan, const struct job *jobs)
{
	struct listener *l, *next;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		l = jobs[i].bound != 0 ? listener_find_id(jobs[i].bound) : NULL;
		if (l != NULL)
			listener_drop_successor(l);
		else if (moves_health_port(&jobs[i]))
			health_port_drop(
			    listener_find(plan->items[i].spec.name));
	}
	RB_FOREACH_SAFE (l, listener_by_name, listeners(), next)
		listener_reopen(l);
}

/* The text of an error says which listener it is about. */
static int
fail_for(const struct wanted *item, const struct err *why, struct err *err)
{
	return err_set(err, why->code, "listener %s: %.250s", item->spec.name,
	    why->text);
}

/* Bind the health port that a listener will have. */
static int
prepare_health_port(const struct plan *plan, const struct wanted *item,
    const struct job *job, struct err *err)
{
	struct err why;

	if (!moves_health_port(job) ||
	    health_port_prepare(listener_find(item->spec.name), &item->spec,
		find_health_donor(plan, item), &why) == 0)
		return 0;
	return fail_for(item, &why, err);
}

static int
prepare_health_ports(const struct plan *plan, const struct job *jobs,
    struct err *err)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (prepare_health_port(plan, &plan->items[i], &jobs[i], err) ==
		    -1)
			return -1;
	return 0;
}

/* Those that go to others, or are changed: the gateway forgets them first. */
static void
leave_health_ports(const struct plan *plan, const struct job *jobs)
{
	struct listener *l;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		l = listener_find(plan->items[i].spec.name);
		if (l != NULL &&
		    (jobs[i].bound != 0 || moves_health_port(&jobs[i])))
			health_port_leave(l);
	}
}

/*
 * A listener of the pool that item joins, if that pool is the file's to change:
 * if not all that it has were added at runtime.
 */
static const struct listener *
find_member(const struct plan *plan, const struct wanted *item)
{
	const struct pool *p = pool_find(item->spec.pool);
	const struct listener *l;

	if (p == NULL)
		return NULL;
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		if (l->origin != ORIGIN_RUNTIME ||
		    plan_find(plan, l->spec.name) != NULL)
			return l;
	return NULL;
}

static int
begin_job(const struct plan *plan, const struct wanted *item, struct job *job,
    struct err *err)
{
	const struct listener *member = find_member(plan, item), *l;
	struct wanted borrowed = *item;
	struct err why;

	/* The pool is what it was until all is bound: see apply_bound(). */
	if (member != NULL) {
		job->has_pool = true;
		borrowed.set &= ~POOL_OPTIONS;
		borrowed.spec.workers = member->spec.workers;
		borrowed.spec.worker_uid = member->spec.worker_uid;
		borrowed.spec.worker_gid = member->spec.worker_gid;
	}
	l = listener_begin_successor(&borrowed, find_health_donor(plan, item),
	    &why);
	if (l == NULL)
		return fail_for(item, &why, err);
	job->bound = l->id;
	return 0;
}

static int
open_job(const struct wanted *item, const struct job *job,
    struct listener *donor, struct err *err)
{
	struct err why;

	if (listener_open_successor(listener_find_id(job->bound), donor,
		&why) == 0)
		return 0;
	return fail_for(item, &why, err);
}

/*
 * Bind what is new or moves, if all of it can be had; sockets that are handed
 * over come last, for they can't be given back. Returns 0, or -1 with *err and
 * undo() to be done.
 */
static int
bind_jobs(const struct plan *plan, struct job *jobs, struct err *err)
{
	struct listener *donor;
	int donated;
	size_t i;

	for (i = 0; i < plan->count; i++)
		if ((jobs[i].action == PLAN_ADD ||
			jobs[i].action == PLAN_REBIND) &&
		    begin_job(plan, &plan->items[i], &jobs[i], err) == -1)
			return -1;
	for (donated = 0; donated < 2; donated++) {
		for (i = 0; i < plan->count; i++) {
			if (jobs[i].bound == 0)
				continue;
			donor = find_donor(plan, &plan->items[i]);
			if ((donor != NULL) == (donated != 0) &&
			    open_job(&plan->items[i], &jobs[i], donor, err) ==
				-1)
				return -1;
		}
	}
	return 0;
}

/* --- applying: what can't --- */

/* A listener whose workers are being replaced, as it was before. */
struct undone {
	uint64_t id;
	struct wanted before;
};

static void
end_part(void)
{
	const struct reload_counts counts = { reload.done[PLAN_ADD],
		reload.done[PLAN_UPDATE],
		reload.done[PLAN_RESTART] + reload.done[PLAN_REBIND],
		reload.done[PLAN_REMOVE] };
	char text[256], warnings[48] = "";

	if (--reload.left > 0)
		return;
	if (reload.warnings > 0)
		(void)snprintf(warnings, sizeof(warnings),
		    "; %u warning%s in the log", reload.warnings,
		    reload.warnings == 1 ? "" : "s");
	(void)snprintf(text, sizeof(text),
	    "%u added, %u updated, %u restarted, %u bound anew, %u removed, "
	    "%u unchanged%s%s",
	    reload.done[PLAN_ADD], reload.done[PLAN_UPDATE],
	    reload.done[PLAN_RESTART], reload.done[PLAN_REBIND],
	    reload.done[PLAN_REMOVE], reload.done[PLAN_KEEP],
	    reload.daemon_changed
		? "; changes of the daemon section need a restart"
		: "",
	    warnings);
	if (reload.trouble.code != ERR_NONE) {
		finish(&reload.trouble, NULL);
		return;
	}
	record_reloaded(&counts, text);
	finish(NULL, text);
}

/* Its pool is to run as what it says. */
static void
take_user(struct listener *l)
{
	pool_set_user(l->pool, l->spec.worker_uid, l->spec.worker_gid);
}

static void
on_restarted(void *ctx, const struct err *err)
{
	struct undone *u = ctx;
	struct listener *l = listener_find_id(u->id);

	if (err != NULL && l != NULL) {
		listener_take_spec(l, &u->before);
		take_user(l);
	}
	if (err != NULL && reload.trouble.code == ERR_NONE)
		(void)err_set(&reload.trouble, err->code, "listener %s: %.250s",
		    u->before.spec.name, err->text);
	wanted_clear(&u->before);
	free(u);
	end_part();
}

static unsigned int
count_workers(const struct wanted *item)
{
	return item->spec.workers == SPEC_WORKERS_AUTO ? supervisor_cpus()
						       : item->spec.workers;
}

/* What can change in place has changed already: the rest by hot restart. */
static void
restart(struct listener *l, const struct wanted *item)
{
	struct undone *u = calloc(1, sizeof(*u));
	struct err err;

	if (u == NULL) {
		(void)err_sys(&reload.trouble, "a hot restart");
		return;
	}
	u->id = l->id;
	u->before.spec = l->spec;
	bulks_copy(&u->before.bulks, &l->bulks);
	reload.left++;
	if (upstreams_assign(l, &item->spec, &item->bulks, &err) == -1) {
		on_restarted(u, &err);
		return;
	}
	listener_take_spec(l, item);
	take_user(l);
	if (pool_restart(l->pool, count_workers(item), UINT32_MAX, on_restarted,
		u, &err) == -1)
		on_restarted(u, &err);
}

static option_set
live_options(void)
{
	option_set set = 0;
	unsigned int id;

	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		if (spec_option_is_live((enum listener_option)id))
			set |= OPTION_BIT(id);
	return set;
}

/* What can change in place: a section can't while its protocol changes. */
static option_set
to_update(const struct job *job)
{
	const option_set sections = OPTION_BIT(OPT_PROXY) |
	    OPTION_BIT(OPT_EXEC) | OPTION_BIT(OPT_MODULE);
	const option_set live = job->changed & live_options();

	return job->changed & OPTION_BIT(OPT_PROTOCOL) ? live & ~sections
						       : live;
}

/* It is another listener now. Is its pool as the file wants it? */
static void
apply_bound(const struct wanted *item, const struct job *job)
{
	struct listener *l = listener_find_id(job->bound);
	option_set differs;
	struct err err;

	listener_succeed(l);
	if (!job->has_pool)
		return;
	differs = pool_differs(l->pool, &item->spec, count_workers(item));
	if (pool_update(l->pool, &item->spec, differs, &err) == -1)
		log_error("listener", l->spec.name, "reload: %s", err.text);
	if (differs & (OPTION_BIT(OPT_WORKERS) | OPTION_BIT(OPT_USER)))
		restart(l, item);
}

static void
apply(const struct wanted *item, const struct job *job)
{
	const option_set live = to_update(job);
	struct listener *l = listener_find(item->spec.name);
	struct err err;

	reload.done[job->action]++;
	if (job->bound != 0) {
		apply_bound(item, job);
		return;
	}
	l->origin = item->origin;
	if (live != 0 && listener_update(l, item, live, &err) == -1)
		log_error("listener", l->spec.name, "reload: %s", err.text);
	if (job->action == PLAN_RESTART)
		restart(l, item);
}

static void
remove_others(const struct plan *plan)
{
	struct listener *l, *next;

	RB_FOREACH_SAFE (l, listener_by_name, listeners(), next) {
		if (is_to_go(plan, l)) {
			reload.done[PLAN_REMOVE]++;
			listener_remove(l, l->spec.drain_timeout_ms);
		} else if (plan_find(plan, l->spec.name) == NULL) {
			reload.done[PLAN_KEEP]++;
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
	    a->lame_duck_ms == b->lame_duck_ms && a->sandbox == b->sandbox &&
	    memcmp(&a->log, &b->log, sizeof(a->log)) == 0;
}

/* They apply at once, but a store can't come or go. */
static void
take_store_settings(const struct store_settings *s)
{
	if ((s->database[0] != '\0') != store_exists())
		reload.daemon_changed = true;
	else
		store_update(s);
}

static void
apply_all(const struct plan *plan, const struct job *jobs)
{
	struct err err;
	size_t i;

	memset(reload.done, 0, sizeof(reload.done));
	memset(&reload.trouble, 0, sizeof(reload.trouble));
	reload.daemon_changed =
	    !same_daemon(&plan->settings, supervisor_settings());
	take_store_settings(&plan->settings.store);
	gateway_take(&plan->gateway);
	reload.warnings = plan->warnings;
	reload.left = 1;
	/* Before names change hands, so that each is judged as it was. */
	remove_others(plan);
	leave_health_ports(plan, jobs);
	for (i = 0; i < plan->count; i++)
		apply(&plan->items[i], &jobs[i]);
	if (groups_set(supervisor_base(), plan->groups, plan->groups_count,
		&err) == -1)
		log_error(NULL, NULL, "reload: %s", err.text);
	end_part();
}

/* --- a dry run --- */

static void
show(const struct plan *plan, const struct job *jobs)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_plan row;
	struct listener *l;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		memset(&row, 0, sizeof(row));
		(void)strlcpy(row.name, plan->items[i].spec.name,
		    sizeof(row.name));
		row.action = (uint8_t)jobs[i].action;
		snapshot_add(&w, SNAPSHOT_PLAN, &row, sizeof(row));
	}
	RB_FOREACH (l, listener_by_name, listeners()) {
		if (plan_find(plan, l->spec.name) != NULL)
			continue;
		memset(&row, 0, sizeof(row));
		(void)strlcpy(row.name, l->spec.name, sizeof(row.name));
		row.action = is_to_go(plan, l) ? PLAN_REMOVE : PLAN_KEEP;
		snapshot_add(&w, SNAPSHOT_PLAN, &row, sizeof(row));
	}
	notify_send("READY=1");
	request_reload_shown(&w);
	reload_if_wanted();
}

/* What was bound is of no use. */
static void
give_up(const struct plan *plan, const struct job *jobs, const struct err *err)
{
	gateway_leave();
	undo(plan, jobs);
	finish(err, NULL);
}

static void
on_plan(const struct plan *plan, const char *errors, bool bad_config)
{
	struct job *jobs;
	struct err err;
	size_t i;

	if (plan == NULL) {
		(void)err_set(&err, bad_config ? ERR_INVALID : ERR_INTERNAL,
		    "the config could not be read");
		finish(&err, errors);
		return;
	}
	jobs = calloc(plan->count + 1, sizeof(*jobs));
	if (jobs == NULL) {
		(void)err_sys(&err, "a reload");
		finish(&err, NULL);
		return;
	}
	for (i = 0; i < plan->count; i++)
		jobs[i] = job_of(&plan->items[i]);
	if (reload.dry_run)
		show(plan, jobs);
	else if (gateway_prepare(&plan->gateway, &err) == 0 &&
	    prepare_health_ports(plan, jobs, &err) == 0 &&
	    bind_jobs(plan, jobs, &err) == 0)
		apply_all(plan, jobs);
	else
		give_up(plan, jobs, &err);
	free(jobs);
}

int
reload_start(bool dry_run, struct err *err)
{
	if (reload.left > 0)
		return err_set(err, ERR_BUSY, "a reload is under way");
	if (plan_load(supervisor_args()->config, dry_run, on_plan, err) == -1)
		return -1;
	reload.dry_run = dry_run;
	notify_send("RELOADING=1");
	return 0;
}

void
reload_soon(void)
{
	reload.wanted = true;
	if (!plan_load_running() && reload.left == 0)
		reload_if_wanted();
}

void
reload_if_wanted(void)
{
	struct err err;

	if (!reload.wanted || supervisor_state() != DAEMON_RUNNING)
		return;
	reload.wanted = false;
	if (reload_start(false, &err) == -1)
		log_error(NULL, NULL, "reload: %s", err.text);
}
