#include "supervisor/pool_check.h"

#include <string.h>
#include <unistd.h>

#include "supervisor/group.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"

int
pool_check_user(const struct pool *p, const struct listener_spec *spec,
    struct err *err)
{
	const uint32_t uid = geteuid();

	if (spec->worker_uid == SPEC_NO_ID)
		return 0;
	if (uid != 0 && spec->worker_uid != uid)
		return err_set(err, ERR_INVALID,
		    "user: must be user %u, who mercuryd is, or left out: only "
		    "as root it can run workers as another one",
		    uid);
	if (spec->worker_uid == 0)
		return err_set(err, ERR_INVALID,
		    "user: is root, and workers may not be");
	if (p == NULL || p->uid == spec->worker_uid)
		return 0;
	if (p->uid == SPEC_NO_ID)
		return err_set(err, ERR_INVALID,
		    "user: pool %s runs as the daemon's user: leave user out "
		    "or name another pool",
		    p->name);
	return err_set(err, ERR_INVALID,
	    "user: pool %s runs as user %u: leave user out or name another "
	    "pool",
	    p->name, p->uid);
}

bool
pool_wants_programs(const struct pool *p)
{
	const struct listener *l;

	TAILQ_FOREACH (l, &p->listeners, in_pool)
		if (l->spec.protocol == PROTOCOL_EXEC)
			return true;
	return p->programs;
}

/* May a listener join workers that may not start programs? */
static int
check_programs(struct pool *p, const struct listener_spec *spec,
    struct err *err)
{
	const struct crew *crew = p->candidate != NULL ? p->candidate : p->crew;
	const struct listener *l;

	if (spec->protocol != PROTOCOL_EXEC || crew == NULL ||
	    crew_starts_programs(crew))
		return 0;
	/* Of a predecessor the connections are to end anyway. */
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		if (strcmp(l->spec.name, spec->name) != 0) {
			p->programs = true;
			return err_set(err, ERR_INVALID,
			    "pool: the workers of pool %s may not start "
			    "programs: name another pool, or restart listener "
			    "%s first",
			    p->name, l->spec.name);
		}
	return 0;
}

option_set
pool_differs(const struct pool *p, const struct listener_spec *spec,
    unsigned int workers)
{
	option_set set = 0;

	if (workers != p->workers)
		set |= OPTION_BIT(OPT_WORKERS);
	if (spec->worker_uid != p->uid)
		set |= OPTION_BIT(OPT_USER);
	if (spec->restart != p->restart)
		set |= OPTION_BIT(OPT_RESTART);
	if (spec->max_restarts != p->intensity.max_restarts)
		set |= OPTION_BIT(OPT_MAX_RESTARTS);
	if (spec->max_seconds != p->intensity.max_seconds)
		set |= OPTION_BIT(OPT_MAX_SECONDS);
	if (spec->hang_timeout_ms != p->hang_timeout_ms)
		set |= OPTION_BIT(OPT_HANG_TIMEOUT);
	return set;
}

int
pool_check(struct pool *p, const struct listener_spec *spec, option_set set,
    unsigned int workers, struct err *err)
{
	const option_set differs =
	    set & pool_differs(p, spec, workers) & ~OPTION_BIT(OPT_USER);

	if (differs & OPTION_BIT(OPT_WORKERS))
		return err_set(err, ERR_INVALID,
		    "workers: pool %s has %u workers, not %u: leave workers "
		    "out or name another pool",
		    p->name, p->workers, workers);
	if ((set & OPTION_BIT(OPT_USER)) && pool_check_user(p, spec, err) == -1)
		return -1;
	if (check_programs(p, spec, err) == -1)
		return -1;
	if (differs != 0)
		return err_set(err, ERR_INVALID,
		    "%s: pool %s has another one: leave it out, or update a "
		    "listener of the pool first",
		    spec_option_name(
			(enum listener_option)(ffsll((long long)differs) - 1)),
		    p->name);
	return 0;
}

int
pool_check_group(const char *pool, struct err *err)
{
	const struct pool *p = pool_find(pool);
	const struct listener *l;

	if (p == NULL)
		return 0;
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		if (l->goal != GOAL_REMOVE && group_of(l->spec.name) != NULL)
			return err_set(err, ERR_INVALID,
			    "pool: %s is the pool of listener %s, which is in "
			    "group %s: nobody can share it",
			    p->name, l->spec.name, group_of(l->spec.name));
	return 0;
}
