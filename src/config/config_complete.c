#include "config/config_complete.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config_dirs.h"
#include "config/conflict.h"
#include "config/groups.h"
#include "config/listener_files.h"
#include "config/pool_options.h"
#include "option/option.h"
#include "option/saved.h"

/* Room for "listener "NAME"". */
#define WHAT_SIZE (SPEC_NAME_SIZE + 32)

/* --- saved listeners --- */

struct saved {
	const struct config_found *found;
	struct plan *plan;
	json_t *pools;    /* of children of groups (groups.h) */
	json_t *left_out; /* names of those that are not used */
};

static void leave_out(struct saved *, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A saved listener is not used; its file is named after it. */
static void
leave_out(struct saved *s, const char *file, const char *fmt, ...)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash == NULL ? file : slash + 1;
	const char *dot = strrchr(name, '.');
	char why[IPC_TEXT_SIZE], key[NAME_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	plan_warning(s->plan, file, 0, "not used: %s", why);
	(void)snprintf(key, sizeof(key), "%.*s",
	    (int)(dot == NULL ? 0 : dot - name), name);
	(void)json_object_set_new(s->left_out, key, json_true());
}

/*
 * Whoever may use the control socket can save a listener, and is not to become
 * somebody else by it. Returns 0, or -1 with *err.
 */
static int
check_saved_user(const struct listener_spec *spec, struct err *err)
{
	if (spec->worker_uid == SPEC_NO_ID || geteuid() != 0)
		return pool_options_check_user(spec, err);
	return err_set(err, ERR_PERMISSION,
	    "user: can be set in the config file only");
}

/* What is wrong with its files must not keep the others from serving. */
static void
add_saved_listener(struct saved *s, const char *file,
    const struct wanted *wanted)
{
	struct tls_warnings warnings = { 0 };
	struct wanted complete;
	struct err err;
	size_t i;

	wanted_copy(&complete, wanted);
	if (check_saved_user(&complete.spec, &err) == -1 ||
	    listener_files_read(&complete, &warnings, &err) == -1)
		leave_out(s, file, "%s", err.text);
	else
		plan_listener(s->plan, &complete);
	for (i = 0; i < warnings.count && i < TLS_WANTS_WARNINGS; i++)
		plan_warning(s->plan, file, 0, "%s", warnings.texts[i]);
	wanted_clear(&complete);
}

static void
on_saved(void *ctx, const char *file, const struct wanted *wanted,
    const struct err *err)
{
	const struct listener_spec *spec =
	    wanted == NULL ? NULL : &wanted->spec;
	struct saved *s = ctx;
	const json_t *place, *group;
	char what[WHAT_SIZE];
	struct err why;

	if (spec == NULL) {
		leave_out(s, file, "%s (correct or remove this saved listener)",
		    err->text);
		return;
	}
	(void)snprintf(what, sizeof(what), "listener \"%s\"", spec->name);
	place = json_object_get(s->found->places, what);
	group = json_object_get(s->pools, spec->pool);
	if (place != NULL)
		plan_warning(s->plan, file, 0,
		    "not used: %s is in the config file, at %s", what,
		    json_string_value(place));
	else if (group != NULL)
		leave_out(s, file,
		    "pool: %s belongs to a child of group \"%s\"", spec->pool,
		    json_string_value(group));
	else if (conflict_take(s->found->taken, spec, wanted->set, file,
		     &why) == -1)
		leave_out(s, file, "%s", why.text);
	else
		add_saved_listener(s, file, wanted);
}

/* Returns whether all of them are known now. */
static bool
read_saved(struct saved *s, bool check_only)
{
	struct err err;

	if (saved_read_all(s->plan->daemon.state_dir, on_saved, s, &err) == 0)
		return true;
	if (!check_only || err.code != ERR_PERMISSION)
		plan_error(s->plan, s->found->path, 0, "state_dir: %s",
		    err.text);
	return false;
}

/* Add the saved listeners, and check the groups with them. */
static void
add_saved(const struct config_found *found, bool check_only, struct plan *plan)
{
	struct saved s = { .found = found, .plan = plan };
	bool all_known = false;

	s.pools = groups_pools(plan);
	s.left_out = json_object();
	if (plan->errors.count == 0)
		all_known = read_saved(&s, check_only);
	groups_check(plan, s.left_out, all_known);
	json_decref(s.pools);
	json_decref(s.left_out);
}

/*
 * The values of its section are right, or the plan has an error. What can't
 * be is a warning: the listeners serve without a store, too.
 */
static void
settle_store(const struct config_found *found, struct plan *plan)
{
	json_t *none = json_object();
	struct err err;

	if (option_store(found->store != NULL ? found->store : none,
		plan->daemon.state_dir, &plan->daemon.store, &err) == -1)
		plan_warning(plan, found->path, 0,
		    "%s: no events are recorded (set database in the store "
		    "section)",
		    err.text);
	json_decref(none);
}

/* Only the gateway accepts there. One warning is enough for all of them. */
static void
check_health_ports(const struct config_found *found, struct plan *plan)
{
	const struct listener_spec *first = NULL;
	size_t i, count = 0;

	if (plan->gateway.settings.exists)
		return;
	for (i = 0; i < plan->listener_count; i++) {
		if (plan->listeners[i].spec.health_port == 0)
			continue;
		if (count++ == 0)
			first = &plan->listeners[i].spec;
	}
	if (count > 0)
		plan_warning(plan, found->path, 0,
		    "listener \"%s\"%s: health_port: nobody answers there "
		    "without a gateway section",
		    first->name, count > 1 ? " and others" : "");
}

void
config_complete(const struct config_found *found, bool check_only,
    struct plan *plan)
{
	struct err err;

	if (plan->errors.count == 0 && !check_only &&
	    config_dirs_make(&plan->daemon, &err) == -1)
		plan_error(plan, found->path, 0, "%s", err.text);
	add_saved(found, check_only, plan);
	pool_options_share(plan);
	check_health_ports(found, plan);
	settle_store(found, plan);
	if (plan->errors.count > 0)
		return;
	if (config_dirs_check(&plan->daemon, &err) == -1)
		plan_warning(plan, found->path, 0, "%s", err.text);
	if (config_dirs_store(&plan->daemon, !check_only, &err) == -1)
		plan_warning(plan, found->path, 0, "%s", err.text);
}
