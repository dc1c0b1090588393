#include "config/pool_options.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

const enum listener_option pool_options[POOL_OPTION_COUNT] = { OPT_WORKERS,
	OPT_RESTART, OPT_MAX_RESTARTS, OPT_MAX_SECONDS, OPT_HANG_TIMEOUT };

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

static void
share(struct plan *p, enum listener_option id, const json_t *sayers)
{
	const json_t *sayer;
	struct wanted *l;
	struct err err;
	size_t i;

	for (i = 0; i < p->listener_count; i++) {
		l = &p->listeners[i];
		sayer = json_object_get(sayers, l->spec.pool);
		if (sayer != NULL)
			(void)spec_merge(&l->spec,
			    &p->listeners[json_integer_value(sayer)].spec,
			    OPTION_BIT(id), &err);
	}
}

void
pool_options_share(struct plan *p)
{
	json_t *sayers = json_object();
	size_t i;

	for (i = 0; i < POOL_OPTION_COUNT; i++) {
		/* Of one that can't change live there is no merging. */
		if (!spec_option_is_live(pool_options[i]))
			continue;
		collect(p, pool_options[i], sayers);
		share(p, pool_options[i], sayers);
		(void)json_object_clear(sayers);
	}
	json_decref(sayers);
}
