#include <criterion/criterion.h>

#include "supervisor/counters.h"
#include "supervisor/exits.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"

static struct pool pool;

static void
make(struct listener *l, uint64_t accepted)
{
	l->pool = &pool;
	l->totals[COUNTER_ACCEPTED] = accepted;
	l->totals[COUNTER_CLOSED] = accepted;
	listener_table_insert(l);
}

static uint64_t
accepted(const struct listener *l)
{
	uint64_t sums[COUNTER_COUNT];

	counters_of(l, sums);
	return sums[COUNTER_ACCEPTED];
}

/* At any time, also while it is being forgotten and others are there. */
Test(counters, what_is_bequeathed_counts_once)
{
	static struct listener oldest, old, heir;

	TAILQ_INIT(&pool.crews);
	make(&oldest, 1);
	make(&old, 10);
	counters_succeed(&old, &oldest);
	cr_expect_eq(accepted(&old), 11);
	make(&heir, 100);
	counters_succeed(&heir, &old);
	cr_expect_eq(accepted(&heir), 111);
	exits_bequeath(&old);
	counters_bequeath(&old);
	cr_expect_eq(accepted(&heir), 111);
	listener_table_remove(&old);
	cr_expect_eq(accepted(&heir), 111);
	exits_bequeath(&oldest);
	counters_bequeath(&oldest);
	cr_expect_eq(accepted(&heir), 111);
	listener_table_remove(&oldest);
	listener_table_remove(&heir);
}
