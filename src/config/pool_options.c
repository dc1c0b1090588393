#include "config/pool_options.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const enum listener_option pool_options[POOL_OPTION_COUNT] = { OPT_WORKERS,
	OPT_RESTART, OPT_MAX_RESTARTS, OPT_MAX_SECONDS, OPT_HANG_TIMEOUT,
	OPT_USER };

/* As the supervisor will count them. */
static uint32_t
count_cpus(void)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1               ? 1
	    : cpus > SPEC_WORKERS_MAX ? SPEC_WORKERS_MAX
				      : (uint32_t)cpus;
}

void
pool_options_text(const struct listener_spec *spec, enum listener_option id,
    char out[static OPTION_VALUE_SIZE])
{
	if (id == OPT_WORKERS && spec->workers == SPEC_WORKERS_AUTO)
		(void)snprintf(out, OPTION_VALUE_SIZE, "%u", count_cpus());
	else
		option_listener_text(spec, id, out);
}

/* Who says it first for each pool: the index in the plan. */
static void
collect(const struct plan *p, enum listener_option id, json_t *sayers)
{
	const struct wanted *l;
	size_t i;

	for (i = 0; i < p->listener_count; i++) {
		l = &p->listeners[i];
		if ((l->set & OPTION_BIT(id)) &&
		    json_object_get(sayers, l->spec.pool) == NULL)
			(void)json_object_set_new(sayers, l->spec.pool,
			    json_integer((json_int_t)i));
	}
}

/* It can't change live, but nothing runs yet. */
static void
share_user(struct listener_spec *to, const struct listener_spec *from)
{
	memcpy(to->worker_ids, from->worker_ids, sizeof(to->worker_ids));
}

static void
share(struct plan *p, enum listener_option id, const json_t *sayers)
{
	const struct listener_spec *from;
	const json_t *sayer;
	struct wanted *l;
	struct err err;
	size_t i;

	for (i = 0; i < p->listener_count; i++) {
		l = &p->listeners[i];
		sayer = json_object_get(sayers, l->spec.pool);
		if (sayer == NULL)
			continue;
		from = &p->listeners[json_integer_value(sayer)].spec;
		if (id == OPT_USER)
			share_user(&l->spec, from);
		else
			(void)spec_merge(&l->spec, from, OPTION_BIT(id), &err);
	}
}

void
pool_options_share(struct plan *p)
{
	json_t *sayers = json_object();
	size_t i;

	for (i = 0; i < POOL_OPTION_COUNT; i++) {
		/* Who does not say how many takes what there is. */
		if (pool_options[i] == OPT_WORKERS)
			continue;
		collect(p, pool_options[i], sayers);
		share(p, pool_options[i], sayers);
		(void)json_object_clear(sayers);
	}
	json_decref(sayers);
}

int
pool_options_check_user(const struct listener_spec *spec, struct err *err)
{
	const uint32_t uid = geteuid();

	if (spec->worker_uid == SPEC_NO_ID || uid == 0 ||
	    spec->worker_uid == uid)
		return 0;
	return err_set(err, ERR_INVALID,
	    "user: must be user %u, who mercuryd is, or left out: only as root "
	    "it can run workers as another one",
	    uid);
}
