#include "supervisor/counters.h"

#include <string.h>

#include "common/gate.h"
#include "supervisor/crew.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"

/* Add one worker's counters to sums; what is open there stays open. */
static void
add_counters(const struct scoreboard_entry *e, uint64_t sums[COUNTER_COUNT])
{
	unsigned int i;

	for (i = 0; i < COUNTER_COUNT; i++)
		sums[i] += scoreboard_get(e, i);
}

void
counters_fold(struct listener *l, const struct worker *w)
{
	const struct scoreboard_entry *e = worker_entry(w, l);
	uint64_t sums[COUNTER_COUNT] = { 0 };
	unsigned int i;

	if (e == NULL)
		return;
	gate_leave(&l->pool->gates->entries[l->entry], atomic_load(&e->held));
	add_counters(e, sums);
	/* They were to finish, and did not. */
	if (l->goal == GOAL_REMOVE)
		sums[COUNTER_CUT] +=
		    sums[COUNTER_ACCEPTED] - sums[COUNTER_CLOSED];
	sums[COUNTER_ENDS + CONN_END_WORKER_CRASH] +=
	    sums[COUNTER_ACCEPTED] - sums[COUNTER_CLOSED];
	sums[COUNTER_CLOSED] = sums[COUNTER_ACCEPTED];
	for (i = 0; i < COUNTER_COUNT; i++)
		l->totals[i] += sums[i];
	scoreboard_sum_probes(w->board, e, &l->probes);
}

/* Add its own figures to sums. */
static void
add_own(const struct listener *l, uint64_t sums[COUNTER_COUNT])
{
	const struct scoreboard_entry *e;
	const struct crew *crew;
	unsigned int i;

	for (i = 0; i < COUNTER_COUNT; i++)
		sums[i] += l->totals[i];
	TAILQ_FOREACH (crew, &l->pool->crews, next) {
		for (i = 0; i < crew->workers_count; i++) {
			e = worker_entry(&crew->workers[i], l);
			if (e != NULL)
				add_counters(e, sums);
		}
	}
}

void
counters_own(const struct listener *l, uint64_t out[static COUNTER_COUNT])
{
	memset(out, 0, COUNTER_COUNT * sizeof(*out));
	add_own(l, out);
}

void
counters_of(const struct listener *l, uint64_t out[static COUNTER_COUNT])
{
	struct listener *old;

	counters_own(l, out);
	if (l->predecessors == 0)
		return;
	RB_FOREACH (old, listener_by_id, listeners_by_id())
		if (old->heir == l->id)
			add_own(old, out);
}

/* --- succession --- */

static void
appoint(struct listener *heir, struct listener *old)
{
	old->heir = heir->id;
	heir->predecessors++;
}

/* Those that old has replaced are heir's now. */
static void
pass_on(struct listener *heir, struct listener *old)
{
	struct listener *older;

	RB_FOREACH (older, listener_by_id, listeners_by_id())
		if (old->predecessors > 0 && older->heir == old->id) {
			old->predecessors--;
			appoint(heir, older);
		}
}

void
counters_succeed(struct listener *heir, struct listener *old)
{
	pass_on(heir, old);
	appoint(heir, old);
}

void
counters_bequeath(struct listener *old)
{
	struct listener *heir = listener_find_id(old->heir);
	uint64_t sums[COUNTER_COUNT], lost;
	unsigned int i;

	if (old->heir == 0 || heir == NULL)
		return;
	counters_own(old, sums);
	/* What is open at a worker that does not answer any more. */
	lost = sums[COUNTER_ACCEPTED] - sums[COUNTER_CLOSED];
	sums[COUNTER_CLOSED] += lost;
	sums[COUNTER_CUT] += lost;
	sums[COUNTER_ENDS + CONN_END_DEADLINE] += lost;
	for (i = 0; i < COUNTER_COUNT; i++)
		heir->totals[i] += sums[i];
	heir->predecessors--;
	old->heir = 0;
}

void
counters_probes_of(const struct listener *l, struct probe_sum *out)
{
	const struct scoreboard_entry *e;
	const struct crew *crew;
	const struct worker *w;

	*out = l->probes;
	TAILQ_FOREACH (crew, &l->pool->crews, next) {
		for (w = crew->workers; w < crew->workers + crew->workers_count;
		     w++) {
			e = worker_entry(w, l);
			if (e != NULL)
				scoreboard_sum_probes(w->board, e, out);
		}
	}
	probe_sum_sort(out);
}
