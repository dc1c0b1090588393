#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/health_board.h"

static struct health_board *board;
static const struct health_board *seen;

static void
open_board(void)
{
	struct err err;
	int fd = health_board_create(&err);

	cr_assert_neq(fd, -1, "%s", err.text);
	board = health_board_map_write(fd, &err);
	seen = health_board_map_read(fd, &err);
	cr_assert_not_null(board);
	cr_assert_not_null(seen);
	(void)close(fd);
}

static void
close_board(void)
{
	const struct health_board *b = board;

	health_board_unmap(&b);
	health_board_unmap(&seen);
}

TestSuite(health_board, .init = open_board, .fini = close_board);

static void
add(const char *name, uint8_t ready)
{
	struct health_entry *e = &board->listeners[board->count++];

	(void)snprintf(e->name, sizeof(e->name), "%s", name);
	e->ready = ready;
}

Test(health_board, finds_the_daemon_and_each_listener)
{
	static const char *const names[] = { "a", "ab", "b", "pos", "zz" };
	struct health_entry e;
	size_t i;

	health_board_begin(board);
	board->daemon.ready = 1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add(names[i], i % 2 == 0);
	health_board_end(board);
	cr_assert_eq(health_board_find(seen, "", &e), HEALTH_FOUND);
	cr_expect_eq(e.ready, 1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_assert_eq(health_board_find(seen, names[i], &e),
		    HEALTH_FOUND);
		cr_expect_str_eq(e.name, names[i]);
		cr_expect_eq(e.ready, i % 2 == 0);
	}
	cr_expect_eq(health_board_find(seen, "abc", &e), HEALTH_NO_SUCH);
	cr_expect_eq(health_board_find(seen, "0", &e), HEALTH_NO_SUCH);
	cr_expect_eq(health_board_find(seen, "zzz", &e), HEALTH_NO_SUCH);
}

Test(health_board, a_new_one_is_not_ready)
{
	struct health_entry e;

	cr_assert_eq(health_board_find(seen, "", &e), HEALTH_FOUND);
	cr_expect_eq(e.ready, 0);
	cr_expect_gt(health_board_age_ms(seen, 1000000), HEALTH_STALE_MS);
}

Test(health_board, a_writer_that_stopped_in_the_middle)
{
	struct health_entry e;

	health_board_begin(board);
	board->daemon.ready = 1;
	cr_expect_eq(health_board_find(seen, "", &e), HEALTH_TORN);
	health_board_end(board);
	cr_expect_eq(health_board_find(seen, "", &e), HEALTH_FOUND);
}

Test(health_board, heartbeats_have_an_age)
{
	health_board_beat(board, 5000);
	cr_expect_eq(health_board_age_ms(seen, 5000), 0);
	cr_expect_eq(health_board_age_ms(seen, 5250), 250);
	/* Clocks of two CPUs may differ a little. */
	cr_expect_eq(health_board_age_ms(seen, 4999), 0);
}

Test(health_board, what_comes_back_is_safe)
{
	struct health_entry e;

	health_board_begin(board);
	memset(&board->daemon, 'x', sizeof(board->daemon));
	board->daemon.name[0] = '\0';
	board->count = UINT32_MAX;
	health_board_end(board);
	cr_assert_eq(health_board_find(seen, "", &e), HEALTH_FOUND);
	cr_expect_eq(strlen(e.why), sizeof(e.why) - 1);
	cr_expect_eq(e.ready, 1);
	cr_expect_eq(health_board_find(seen, "pos", &e), HEALTH_NO_SUCH);
}

/* One with a limit. */
static void
add_full(const char *name, uint8_t required, uint32_t connections,
    uint32_t max_connections)
{
	struct health_entry *e = &board->listeners[board->count];

	add(name, 1);
	e->required = required;
	e->connections = connections;
	e->max_connections = max_connections;
}

Test(health_board, finds_the_fullest)
{
	struct health_entry e;

	cr_expect_not(health_board_fullest(seen, &e));
	health_board_begin(board);
	add_full("a", 1, 500, 0);
	health_board_end(board);
	cr_expect_not(health_board_fullest(seen, &e), "it has no limit");
	health_board_begin(board);
	add_full("b", 1, 10, 1000);
	add_full("c", 0, 10, 10);
	add_full("d", 1, 2, 100);
	add_full("e", 1, 900, UINT32_MAX);
	health_board_end(board);
	cr_assert(health_board_fullest(seen, &e));
	cr_expect_str_eq(e.name, "d");
	health_board_begin(board);
	board->listeners[4].connections = UINT32_MAX;
	health_board_end(board);
	cr_assert(health_board_fullest(seen, &e));
	cr_expect_str_eq(e.name, "e");
	health_board_begin(board);
	cr_expect_not(health_board_fullest(seen, &e), "it is torn");
}

Test(health_board, the_fullest_of_a_board_that_lies)
{
	struct health_entry e;

	health_board_begin(board);
	memset(board->listeners, 0xff, 10 * sizeof(board->listeners[0]));
	board->count = UINT32_MAX;
	health_board_end(board);
	cr_assert(health_board_fullest(seen, &e));
	cr_expect_eq(strlen(e.name), sizeof(e.name) - 1);
}

Test(health_board, is_copied_as_a_whole)
{
	struct health_entry daemon, entries[3];
	uint32_t count, version;

	version = health_board_version(seen);
	health_board_begin(board);
	board->daemon.ready = 1;
	add("a", 1);
	add("b", 0);
	memset(board->listeners[1].why, 'x', sizeof(board->listeners[1].why));
	health_board_end(board);
	cr_expect_neq(health_board_version(seen), version);
	cr_assert_eq(health_board_copy(seen, &daemon, entries, 3, &count),
	    HEALTH_FOUND);
	cr_expect_eq(daemon.ready, 1);
	cr_expect_eq(count, 2);
	cr_expect_str_eq(entries[0].name, "a");
	cr_expect_str_eq(entries[1].name, "b");
	cr_expect_eq(strlen(entries[1].why), HEALTH_WHY_SIZE - 1);
	cr_assert_eq(health_board_copy(seen, &daemon, entries, 1, &count),
	    HEALTH_FOUND);
	cr_expect_eq(count, 1);
	health_board_begin(board);
	cr_expect_eq(health_board_copy(seen, &daemon, entries, 3, &count),
	    HEALTH_TORN);
}
