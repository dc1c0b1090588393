#include "supervisor/listener_update.h"

#include <string.h>

#include "supervisor/health.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/record_listener.h"
#include "supervisor/seats.h"
#include "supervisor/upstreams.h"

/* A reload has done it already for all of its listeners. */
static int
prepare_health_port(struct listener *l, const struct listener_spec *spec,
    struct err *err)
{
	if (l->health_port.next != -1 ||
	    spec->health_port == l->spec.health_port)
		return 0;
	return health_port_prepare(l, spec, NULL, err);
}

int
listener_update(struct listener *l, const struct wanted *wanted, option_set set,
    struct err *err)
{
	const struct listener_spec *spec = &wanted->spec;
	struct listener_spec merged = l->spec;
	struct err ignored;

	if (l->goal == GOAL_REMOVE)
		return err_set(err, ERR_BUSY, "%s is being removed",
		    l->spec.name);
	/* On 0 it keeps the port that the kernel chose: no change. */
	if (l->sockets.port != 0 && spec->port == l->sockets.port)
		set &= ~OPTION_BIT(OPT_PORT);
	if (spec_merge(&merged, spec, set, err) == -1 ||
	    spec_check(&merged, err) == -1)
		return -1;
	if (sockets_apply(&l->sockets, &merged, err) == -1 ||
	    prepare_health_port(l, &merged, err) == -1 ||
	    upstreams_assign(l, &merged, &wanted->bulks, err) == -1 ||
	    pool_update(l->pool, &merged, set, err) == -1) {
		(void)sockets_apply(&l->sockets, &l->spec, &ignored);
		(void)upstreams_assign(l, &l->spec, &l->bulks, &ignored);
		health_port_drop(l);
		/* A reload has taken the one that it had. */
		if (health_port_bind(l, &ignored) == 0)
			health_port_announce(l);
		return -1;
	}
	if (merged.health_port != l->spec.health_port)
		health_port_switch(l);
	l->spec = merged;
	wanted_merge_bulks(&l->bulks, &wanted->bulks, set);
	seats_update(l);
	record_updated(l, set);
	health_listener(l);
	return 0;
}

void
listener_take_spec(struct listener *l, const struct wanted *wanted)
{
	l->spec = wanted->spec;
	bulks_copy(&l->bulks, &wanted->bulks);
}

/* If the section is that which the listener has. */
static void
take_material(struct listener *l, const struct wanted *wanted, enum bulk_id id)
{
	const size_t size = sizeof(l->spec.bulks[id]);
	struct bulk *fresh = wanted->bulks.of[id + 1];

	if (fresh == NULL ||
	    memcmp(&l->spec.bulks[id], &wanted->spec.bulks[id], size) != 0)
		return;
	l->spec.bulks[id + 1] = wanted->spec.bulks[id + 1];
	(void)bulk_hold(fresh);
	bulk_drop(&l->bulks.of[id + 1]);
	l->bulks.of[id + 1] = fresh;
}

void
listener_take_tls(struct listener *l, const struct wanted *wanted)
{
	take_material(l, wanted, BULK_TLS);
	take_material(l, wanted, BULK_UPSTREAM_TLS);
}
