/* What workers agree on about upstreams (upstream_board.h). */
#include "common/upstream_board.h"

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/tls_failure.h"

static struct upstream_board *board;
static struct upstream_table *table;

static void
setup(void)
{
	struct err err;
	const int fd = upstream_board_create(&err);

	cr_assert_neq(fd, -1);
	board = upstream_board_map(fd, &err);
	cr_assert_not_null(board);
	(void)close(fd);
	table = &board->tables[5];
}

static void
teardown(void)
{
	upstream_board_unmap(&board);
}

TestSuite(upstream_board, .init = setup, .fini = teardown, .timeout = 60);

/* A plan with upstreams of the names first, first + 1, ... */
static struct proxy_plan *
plan_of(unsigned int first, uint32_t count)
{
	struct proxy_plan *plan = calloc(1, proxy_plan_size(count));
	uint32_t i;

	cr_assert_not_null(plan);
	plan->upstreams_count = count;
	for (i = 0; i < count; i++)
		(void)snprintf(plan->upstreams[i].name,
		    sizeof(plan->upstreams[i].name), "10.0.0.1:%u", first + i);
	return plan;
}

static int
assign(unsigned int first, uint32_t count)
{
	struct proxy_plan *plan = plan_of(first, count);
	struct err err;
	const int r = upstream_table_assign(table, plan, &err);

	free(plan);
	return r;
}

static struct upstream_row *
row(unsigned int n)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "10.0.0.1:%u", n);
	return upstream_table_find(table, upstream_key(name));
}

Test(upstream_board, keeps_the_row_of_a_name_that_stays)
{
	struct upstream_row *second;

	cr_assert_eq(assign(0, 3), 0);
	second = row(1);
	cr_assert_not_null(second);
	cr_expect(upstream_row_enter(second, 0));
	atomic_store(&second->mode, UPSTREAM_MODE_DRAIN);
	cr_assert_eq(assign(1, 3), 0);
	cr_expect_eq(row(1), second);
	cr_expect_eq(second->connections, 1);
	cr_expect_eq(upstream_row_mode(second), UPSTREAM_MODE_DRAIN);
	cr_expect_not_null(row(3));
}

/* A worker hears of plans one after the other, and maybe late. */
Test(upstream_board, keeps_rows_of_plans_that_have_gone_while_it_can)
{
	struct upstream_row *old;
	unsigned int n;

	cr_assert_eq(assign(0, 2), 0);
	old = row(0);
	atomic_store(&old->mode, UPSTREAM_MODE_MAINT);
	for (n = 1; n <= 62; n++) {
		cr_assert_eq(assign(2 * n, 2), 0);
		cr_assert_eq(row(0), old, "after %u plans", n);
		cr_expect_eq(upstream_row_mode(old), UPSTREAM_MODE_MAINT);
	}
	cr_assert_eq(assign(1000, 4), 0);
	cr_expect_null(row(0));
	cr_expect_null(row(1));
	cr_expect_not_null(row(2));
}

Test(upstream_board, begins_anew_with_a_name_that_comes_again)
{
	struct upstream_row *old;

	cr_assert_eq(assign(0, 1), 0);
	old = row(0);
	atomic_store(&old->mode, UPSTREAM_MODE_MAINT);
	atomic_store(&old->failed, 7);
	cr_assert_eq(assign(1, 1), 0);
	cr_assert_eq(assign(0, 1), 0);
	cr_expect_eq(row(0), old);
	cr_expect_eq(upstream_row_mode(old), UPSTREAM_MODE_READY);
	cr_expect_eq(old->failed, 0);
	cr_expect(upstream_row_enter(old, 0));
	cr_assert_eq(assign(1, 1), 0);
	cr_assert_eq(assign(0, 1), 0);
	cr_expect_eq(old->connections, 1);
}

Test(upstream_board, keeps_the_row_of_a_name_that_has_connections)
{
	struct upstream_row *old;

	cr_assert_eq(assign(0, 1), 0);
	old = row(0);
	cr_expect(upstream_row_enter(old, 0));
	cr_assert_eq(assign(1, UPSTREAMS_MAX), 0);
	cr_expect_eq(row(0), old);
	upstream_row_leave(old);
	cr_assert_eq(assign(100, UPSTREAMS_MAX), 0);
	cr_expect_null(row(0));
}

Test(upstream_board, refuses_what_it_has_no_rows_for)
{
	unsigned int n;

	cr_assert_eq(assign(0, UPSTREAMS_MAX), 0);
	for (n = 0; n < UPSTREAMS_MAX; n++)
		cr_assert(upstream_row_wait(row(n), 1));
	cr_assert_eq(assign(100, UPSTREAMS_MAX), 0);
	for (n = 0; n < UPSTREAMS_MAX; n++)
		cr_assert(upstream_row_enter(row(100 + n), 0));
	cr_expect_eq(assign(200, 1), -1);
	cr_expect_null(row(200));
	cr_expect_eq(assign(100, 2), 0);
	upstream_row_wait_end(row(7));
	cr_expect_eq(assign(200, 1), 0);
	cr_expect_not_null(row(200));
}

Test(upstream_board, forgets_all_when_it_is_reset)
{
	cr_assert_eq(assign(0, 2), 0);
	upstream_table_reset(table);
	cr_expect_null(row(0));
	cr_expect_eq(table->rows_used, 0);
}

#define PROCESSES 4
#define ROUNDS 20000
#define ROOM 3

/* What a process that enters and leaves at once sees: never too many. */
static _Noreturn void
come_and_go(struct upstream_row *r, struct upstream_holding *mine, bool die)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		if (!upstream_row_enter(r, ROOM))
			continue;
		atomic_fetch_add(&mine->connections, 1);
		if (atomic_load(&r->connections) > ROOM)
			_exit(1);
		if (die && i > ROUNDS / 2)
			_exit(0); /* with its place */
		atomic_fetch_sub(&mine->connections, 1);
		upstream_row_leave(r);
	}
	_exit(die ? 2 : 0);
}

Test(upstream_board, is_exact_over_processes_and_takes_back_what_one_had)
{
	struct upstream_holdings *held =
	    (struct upstream_holdings *)&board->tables[100];
	struct upstream_row *r;
	pid_t pids[PROCESSES];
	int i, status;

	cr_assert_eq(assign(0, 1), 0);
	r = row(0);
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		cr_assert_neq(pids[i], -1);
		if (pids[i] == 0)
			come_and_go(r, &held[i].of[0], i == 0);
	}
	for (i = 0; i < PROCESSES; i++) {
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect_eq(status, 0, "process %d: %x", i, status);
	}
	cr_expect_eq(r->connections, 1);
	upstream_table_reclaim(table, &held[0], (uint32_t)pids[0]);
	cr_expect_eq(r->connections, 0);
}

Test(upstream_board, bears_what_a_hostile_worker_writes)
{
	struct upstream_holdings had = { 0 };
	char text[UPSTREAM_TROUBLE_SIZE];
	struct upstream_row *r;

	cr_assert_eq(assign(0, 1), 0);
	r = row(0);
	atomic_store(&had.of[0].connections, UINT32_MAX);
	atomic_store(&had.of[0].waiting, UINT32_MAX);
	atomic_store(&r->connections, 3);
	upstream_table_reclaim(table, &had, 1);
	cr_expect_eq(r->connections, 0);
	cr_expect_eq(r->waiting, 0);
	upstream_row_leave(r);
	cr_expect_eq(r->connections, 0);
	atomic_store(&r->mode, 77);
	cr_expect_eq(upstream_row_mode(r), UPSTREAM_MODE_READY);
	atomic_store(&r->health, UINT64_MAX);
	cr_expect_eq(upstream_row_health(r), UPSTREAM_UNCHECKED);
	cr_expect_not(upstream_row_good(r, 2));
	cr_expect_eq(upstream_row_health(r), UPSTREAM_UP);
	upstream_trouble_text(UINT64_MAX, text);
	cr_expect_str_empty(text);
	atomic_store(&table->rows_used, UINT32_MAX);
	cr_expect_null(row(99));
	upstream_table_reset(table);
	cr_expect_eq(assign(0, 1), 0);
	/* A lease that nobody can have asked for. */
	atomic_store(&table->lease, UINT64_MAX);
	cr_expect(upstream_lease_take(table, 42, 1000, 500));
	/* A time that lies ahead. */
	atomic_store(&r->tried_ms, UINT64_MAX);
	cr_expect(upstream_row_try(r, 1000, 500));
}

/* g: good, b: bad, one after the other; what it is then, and what changed. */
struct health_case {
	const char what[16];
	const char states[16];  /* u: up, d: down, -: unchecked */
	const char changes[16]; /* x: this one has changed it, as is told */
};

ParameterizedTestParameters(upstream_board, judges_by_several_in_a_row)
{
	static struct health_case cases[] = {
		{ "ggg", "uuu", "..." },
		{ "gbbb", "uuud", "...x" },
		{ "gbbgbbb", "uuuuuud", "......x" },
		{ "bbb", "--d", "..x" },
		{ "bbg", "--u", "..." },
		{ "bbbgg", "--ddu", "..x.x" },
		{ "bbbgbgg", "--ddddu", "..x...x" },
		{ "bbbbb", "--ddd", "..x.." },
	};

	return cr_make_param_array(struct health_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct health_case *k, upstream_board,
    judges_by_several_in_a_row)
{
	static const char letters[] = { '-', 'u', 'd' };
	struct upstream_row *r;
	size_t i;
	bool changed;

	cr_assert_eq(assign(0, 1), 0);
	r = row(0);
	for (i = 0; k->what[i] != '\0'; i++) {
		changed = k->what[i] == 'g'
		    ? upstream_row_good(r, 2)
		    : upstream_row_bad(r, 3, UPSTREAM_TROUBLE_CONNECT,
			  ECONNREFUSED);
		cr_expect_eq(letters[upstream_row_health(r)], k->states[i],
		    "%s: state after %zu", k->what, i);
		cr_expect_eq(changed, k->changes[i] == 'x', "%s: change at %zu",
		    k->what, i);
	}
}

Test(upstream_board, says_in_words_what_was_wrong)
{
	char text[UPSTREAM_TROUBLE_SIZE];
	struct upstream_row *r;

	cr_assert_eq(assign(0, 1), 0);
	r = row(0);
	(void)upstream_row_bad(r, 3, UPSTREAM_TROUBLE_CONNECT, ECONNREFUSED);
	upstream_trouble_text(r->trouble, text);
	cr_expect_str_eq(text, "connect: Connection refused");
	(void)upstream_row_bad(r, 3, UPSTREAM_TROUBLE_TLS,
	    1 + TLS_FAILURE_UNKNOWN_CA);
	upstream_trouble_text(r->trouble, text);
	cr_expect_str_eq(text, "TLS handshake failed: unknown_ca");
	(void)upstream_row_bad(r, 3, UPSTREAM_TROUBLE_TLS, INT_MIN);
	upstream_trouble_text(r->trouble, text);
	cr_expect_str_eq(text, "TLS handshake failed");
	(void)upstream_row_bad(r, 3, UPSTREAM_TROUBLE_CHECK_ANSWER, 0);
	upstream_trouble_text(r->trouble, text);
	cr_expect_str_eq(text, "check: unexpected answer");
	upstream_trouble_text(0, text);
	cr_expect_str_empty(text);
}

Test(upstream_board, has_one_holder_of_the_lease)
{
	struct upstream_holdings had = { 0 };

	cr_expect(upstream_lease_take(table, 10, 1000, 500));
	cr_expect_not(upstream_lease_take(table, 11, 1400, 500));
	cr_expect(upstream_lease_take(table, 10, 1400, 500));
	cr_expect_not(upstream_lease_take(table, 11, 1899, 500));
	cr_expect(upstream_lease_take(table, 11, 1900, 500));
	upstream_lease_drop(table, 10);
	cr_expect_not(upstream_lease_take(table, 10, 2000, 500));
	upstream_table_reclaim(table, &had, 11);
	cr_expect(upstream_lease_take(table, 10, 2000, 500));
}

Test(upstream_board, lets_one_try_in_a_while)
{
	struct upstream_row *r;

	cr_assert_eq(assign(0, 1), 0);
	r = row(0);
	cr_expect(upstream_row_try(r, 1000, 500));
	cr_expect_not(upstream_row_try(r, 1499, 500));
	cr_expect(upstream_row_try(r, 1500, 500));
	cr_expect_not(upstream_row_try(r, 1500, 500));
	(void)upstream_row_bad(r, 1, UPSTREAM_TROUBLE_TLS, 0);
	cr_expect_not(upstream_row_try(r, clock_mono_ms(), 100000));
}
