#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/verdict.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW 100000u

static struct health_board *board;

static void
open_board(void)
{
	struct err err;
	int fd = health_board_create(&err);

	cr_assert_neq(fd, -1, "%s", err.text);
	board = health_board_map_write(fd, &err);
	cr_assert_not_null(board);
	(void)close(fd);
	health_board_beat(board, NOW);
}

static void
close_board(void)
{
	const struct health_board *b = board;

	health_board_unmap(&b);
}

TestSuite(verdict, .init = open_board, .fini = close_board);

struct verdict_case {
	uint8_t ready, draining, paused;
	char why[32]; /* on the board */
	enum verdict_kind want;
	char want_why[32];
};

ParameterizedTestParameters(verdict, of_an_entry)
{
	static struct verdict_case cases[] = {
		{ 1, 0, 0, "", VERDICT_READY, "" },
		{ 1, 0, 0, "left over", VERDICT_READY, "" },
		{ 0, 1, 0, "it is drained", VERDICT_DRAINING, "it is drained" },
		{ 0, 0, 1, "it is paused", VERDICT_PAUSED, "it is paused" },
		{ 0, 1, 1, "it is paused", VERDICT_PAUSED, "it is paused" },
		{ 0, 0, 0, "it has failed", VERDICT_DOWN, "it has failed" },
		{ 0, 0, 0, "", VERDICT_DOWN, "it is not ready yet" },
	};

	return cr_make_param_array(struct verdict_case, cases, COUNT(cases));
}

ParameterizedTest(struct verdict_case *k, verdict, of_an_entry,
    .init = open_board, .fini = close_board)
{
	struct health_entry e = { .ready = k->ready,
		.draining = k->draining,
		.paused = k->paused };
	struct verdict v;

	(void)snprintf(e.why, sizeof(e.why), "%s", k->why);
	health_board_begin(board);
	board->daemon = e;
	(void)snprintf(e.name, sizeof(e.name), "pos");
	board->listeners[0] = e;
	board->count = 1;
	health_board_end(board);
	verdict_get(board, "pos", NOW, &v);
	cr_expect_eq(v.kind, k->want);
	cr_expect_str_eq(v.why, k->want_why);
	verdict_get(board, "", NOW, &v);
	cr_expect_eq(v.kind, k->want);
	cr_expect_str_eq(v.why, k->want_why);
}

Test(verdict, nobody_has_that_name)
{
	struct verdict v;

	verdict_get(board, "pos", NOW, &v);
	cr_expect_eq(v.kind, VERDICT_UNKNOWN);
	cr_expect_str_eq(v.why, "there is no listener of that name");
}

Test(verdict, a_supervisor_that_hangs)
{
	struct verdict v;

	health_board_begin(board);
	board->daemon.ready = 1;
	health_board_end(board);
	verdict_get(board, "", NOW + HEALTH_STALE_MS, &v);
	cr_expect_eq(v.kind, VERDICT_READY);
	verdict_get(board, "", NOW + HEALTH_STALE_MS + 1, &v);
	cr_expect_eq(v.kind, VERDICT_DOWN);
	cr_expect_str_eq(v.why, "the supervisor has not answered for 1501 ms");
	/* Nor is a name known then. */
	verdict_get(board, "pos", NOW + 5000, &v);
	cr_expect_eq(v.kind, VERDICT_DOWN);
}

Test(verdict, a_supervisor_that_stopped_while_it_wrote)
{
	struct verdict v;

	health_board_begin(board);
	board->daemon.ready = 1;
	verdict_get(board, "", NOW, &v);
	cr_expect_eq(v.kind, VERDICT_DOWN);
	cr_expect_str_eq(v.why,
	    "the supervisor stopped while it wrote down who is ready");
}
