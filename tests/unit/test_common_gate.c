/* Limits over several processes (gate.h). */
#include "common/gate.h"

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <unistd.h>

static struct gates *gates;

static void
setup(void)
{
	struct err err;
	const int fd = gates_create(&err);

	cr_assert_neq(fd, -1);
	gates = gates_map(fd, &err);
	cr_assert_not_null(gates);
	(void)close(fd);
}

static void
teardown(void)
{
	gates_unmap(&gates);
}

TestSuite(gate, .init = setup, .fini = teardown, .timeout = 30);

Test(gate, lets_in_as_many_as_there_is_room_for)
{
	struct gate *g = &gates->entries[7];

	cr_expect(gate_enter(g, 2));
	cr_expect(gate_enter(g, 2));
	cr_expect_not(gate_enter(g, 2));
	/* The limit is changed while they are inside. */
	cr_expect(gate_enter(g, 3));
	cr_expect_not(gate_enter(g, 1));
	cr_expect(gate_enter(g, 0));
	gate_leave(g, 3);
	cr_expect_eq(g->open, 1);
	cr_expect_eq(gates->entries[6].open, 0);
}

Test(gate, never_falls_below_nobody)
{
	struct gate *g = &gates->entries[0];

	cr_expect(gate_enter(g, 1));
	gate_leave(g, UINT64_MAX);
	cr_expect_eq(g->open, 0);
	cr_expect(gate_enter(g, 1));
}

#define PROCESSES 4
#define ROUNDS 50000
#define ROOM 3

/* Goes in and out; exits with 1 when it ever saw too many inside. */
static void
hammer(struct gate *g)
{
	int i, bad = 0;

	for (i = 0; i < ROUNDS; i++) {
		if (!gate_enter(g, ROOM))
			continue;
		bad |= atomic_load(&g->open) > ROOM;
		gate_leave(g, 1);
	}
	_exit(bad);
}

Test(gate, is_exact_over_processes)
{
	struct gate *g = &gates->entries[1];
	int i, status;

	for (i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			hammer(g);
	for (i = 0; i < PROCESSES; i++) {
		cr_assert_neq(wait(&status), -1);
		cr_expect_eq(status, 0);
	}
	cr_expect_eq(g->open, 0);
}

struct rate_case {
	uint32_t rate;
	uint32_t burst;
	uint64_t ms;       /* for so long somebody asks each millisecond */
	unsigned int want; /* tokens */
};

ParameterizedTestParameters(gate, tokens)
{
	static struct rate_case cases[] = {
		{ 10, 1, 1000, 11 },
		{ 10, 10, 1000, 20 },
		{ 10, 10, 1, 10 },
		{ 1000, 1, 1000, 1001 },
		{ 100, 500, 2000, 700 },
		{ 1, 1, 500, 1 },
		{ 1000000, 1000000, 10, 11 },
		{ 3, 1, 3000, 10 },
	};

	return cr_make_param_array(struct rate_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct rate_case *k, gate, tokens)
{
	const struct gate_rate r = { k->rate, k->burst };
	struct gate *g = &gates->entries[2];
	const uint64_t start_us = 5000000;
	unsigned int got = 0, i;
	uint64_t ms;

	for (ms = 0; ms <= k->ms; ms++)
		for (i = 0; i < (ms == 0 ? k->burst : 1); i++)
			got +=
			    gate_take_token(g, &r, start_us + ms * 1000) == 0;
	/* The first millisecond asks for the whole burst of a million. */
	if (k->rate == 1000000)
		return;
	cr_expect_leq(got, k->want);
	cr_expect_geq(got, k->want - 1, "%u of %u", got, k->want);
}

Test(gate, says_when_to_come_again)
{
	const struct gate_rate r = { 10, 1 };
	struct gate *g = &gates->entries[3];
	uint64_t wait_us;

	cr_expect_eq(gate_take_token(g, &r, 1000000), 0);
	wait_us = gate_take_token(g, &r, 1030000);
	cr_expect_eq(wait_us, 70000);
	cr_expect_eq(gate_take_token(g, &r, 1030000 + wait_us), 0);
}

Test(gate, a_token_that_is_returned_can_be_taken)
{
	const struct gate_rate r = { 10, 1 };
	struct gate *g = &gates->entries[4];

	cr_expect_eq(gate_take_token(g, &r, 1000000), 0);
	gate_return_token(g, &r);
	cr_expect_eq(gate_take_token(g, &r, 1000000), 0);
}

Test(gate, garbage_keeps_nobody_out_for_long)
{
	const struct gate_rate r = { 10, 2 };
	struct gate *g = &gates->entries[5];

	g->full_at_us = UINT64_MAX - 5;
	cr_expect_leq(gate_take_token(g, &r, 1000000), 300000);
}

Test(gate, without_a_rate_all_come_at_once)
{
	const struct gate_rate r = { 0, 0 };
	int i;

	for (i = 0; i < 1000; i++)
		cr_expect_eq(gate_take_token(&gates->entries[6], &r, 1), 0);
}
