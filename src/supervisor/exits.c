#include "supervisor/exits.h"

#include <stdlib.h>
#include <string.h>

#include "common/scoreboard.h"
#include "supervisor/crew.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"

/* Only one of protocol exec has a table. */
static bool
has_programs(const struct listener *l)
{
	return l->spec.protocol == PROTOCOL_EXEC;
}

static void
keep(struct listener *l, const struct exit_sum *more)
{
	if (l->exits == NULL)
		l->exits = calloc(1, sizeof(*l->exits));
	if (l->exits != NULL)
		exit_sum_add(l->exits, more);
}

void
exits_fold(struct listener *l, const struct worker *w)
{
	const struct scoreboard_entry *e = worker_entry(w, l);
	struct exit_sum sum;

	if (!has_programs(l) || e == NULL)
		return;
	memset(&sum, 0, sizeof(sum));
	scoreboard_sum_exits(w->board, e, &sum);
	exit_sum_kill(&sum);
	keep(l, &sum);
}

static void
add_own(const struct listener *l, struct exit_sum *sum)
{
	const struct scoreboard_entry *e;
	const struct crew *crew;
	const struct worker *w;

	if (l->exits != NULL)
		exit_sum_add(sum, l->exits);
	if (!has_programs(l))
		return;
	TAILQ_FOREACH (crew, &l->pool->crews, next) {
		for (w = crew->workers; w < crew->workers + crew->workers_count;
		     w++) {
			e = worker_entry(w, l);
			if (e != NULL)
				scoreboard_sum_exits(w->board, e, sum);
		}
	}
}

void
exits_of(const struct listener *l, struct exit_sum *out)
{
	struct listener *old;

	memset(out, 0, sizeof(*out));
	add_own(l, out);
	if (l->predecessors == 0)
		return;
	RB_FOREACH (old, listener_by_id, listeners_by_id())
		if (old->heir == l->id)
			add_own(old, out);
}

void
exits_bequeath(const struct listener *old)
{
	struct listener *heir = listener_find_id(old->heir);
	struct exit_sum sum;

	if (old->heir == 0 || heir == NULL || !has_programs(old))
		return;
	memset(&sum, 0, sizeof(sum));
	add_own(old, &sum);
	exit_sum_kill(&sum);
	keep(heir, &sum);
}
