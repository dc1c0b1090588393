#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/health_board.h"
#include "gateway/health_answer.h"
#include "gateway/http_text.h"

#define NOW 100000u

static struct health_board *board;
static const struct health_board *seen;

static struct health_entry *
add(const char *name, const char *why)
{
	struct health_entry *e = &board->listeners[board->count++];

	(void)snprintf(e->name, sizeof(e->name), "%s", name);
	(void)snprintf(e->why, sizeof(e->why), "%s", why);
	e->ready = why[0] == '\0';
	e->required = 1;
	return e;
}

static void
open_board(void)
{
	struct err err;
	int fd = health_board_create(&err);

	cr_assert_neq(fd, -1, "%s", err.text);
	board = health_board_map_write(fd, &err);
	seen = health_board_map_read(fd, &err);
	cr_assert(board != NULL && seen != NULL);
	(void)close(fd);
	health_board_beat(board, NOW);
	health_board_begin(board);
	(void)snprintf(board->daemon.why, sizeof(board->daemon.why),
	    "gps is paused");
	add("gps", "it is paused")->paused = 1;
	add("pos", "");
	add("tmp", "it is starting")->required = 0;
	health_board_end(board);
}

static void
close_board(void)
{
	const struct health_board *b = board;

	health_board_unmap(&b);
	health_board_unmap(&seen);
	cr_expect_eq(http_texts_bytes(), 0);
}

TestSuite(health_answer, .init = open_board, .fini = close_board);

/* What is said must be that. */
static void
expect(const struct health_question *q, uint64_t now, unsigned int status,
    const char *want)
{
	struct http_answer a;

	health_answer(seen, q, now, &a);
	cr_assert_not_null(a.text);
	cr_expect_eq(a.status, status, "%u: %.*s", a.status, (int)a.text->len,
	    a.text->bytes);
	cr_expect(a.text->len == strlen(want) &&
		memcmp(a.text->bytes, want, a.text->len) == 0,
	    "%.*s, not %s", (int)a.text->len, a.text->bytes, want);
	cr_expect_str_eq(a.type, q->json ? HTTP_TYPE_JSON : HTTP_TYPE_TEXT);
	http_text_drop(&a.text);
}

Test(health_answer, of_the_daemon)
{
	const struct health_question q = { 0 }, json = { .json = true };

	expect(&q, NOW, 503, "not ready: gps is paused\n");
	expect(&json, NOW, 503,
	    "{\"ready\":false,\"not_ready\":\"gps is paused\"}");
	board->daemon.ready = 1;
	board->daemon.why[0] = '\0';
	expect(&q, NOW, 200, "ready\n");
	expect(&json, NOW, 200, "{\"ready\":true,\"not_ready\":null}");
}

Test(health_answer, of_one_listener)
{
	struct health_question q = { .name = "pos" };

	expect(&q, NOW, 200, "pos is ready\n");
	q.name = "gps";
	expect(&q, NOW, 503, "gps is not ready: it is paused\n");
	q.name = "no";
	expect(&q, NOW, 503, "there is no listener of that name\n");
	q.name = ""; /* what can't be a name */
	expect(&q, NOW, 503, "there is no listener of that name\n");
	q.json = true;
	q.name = "pos";
	expect(&q, NOW, 200,
	    "{\"name\":\"pos\",\"ready\":true,\"not_ready\":null}");
}

Test(health_answer, of_every_listener)
{
	const struct health_question q = { .verbose = true };
	const struct health_question json = { .verbose = true, .json = true };

	expect(&q, NOW, 503,
	    "not ready: gps is paused\n"
	    "gps: not ready: it is paused\n"
	    "pos: ready\n"
	    "tmp: not ready: it is starting (not required)\n");
	board->count = 1;
	expect(&json, NOW, 503,
	    "{\"ready\":false,\"not_ready\":\"gps is paused\",\"listeners\":["
	    "{\"name\":\"gps\",\"ready\":false,\"not_ready\":\"it is paused\","
	    "\"required\":true,\"draining\":false,\"paused\":true}]}");
}

Test(health_answer, a_supervisor_that_hangs_is_no_good)
{
	static const struct health_question questions[] = {
		{ 0 },
		{ .is_live = true },
		{ .name = "pos" },
		{ .name = "" },
		{ .verbose = true },
	};
	const struct health_question live = { .is_live = true };
	size_t i;

	board->daemon.ready = 1;
	expect(&live, NOW + HEALTH_STALE_MS, 200, "alive\n");
	expect(&live, NOW + HEALTH_STALE_MS + 1, 503,
	    "the supervisor has not answered for 1501 ms\n");
	for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		struct http_answer a;

		health_answer(seen, &questions[i], NOW + 2000, &a);
		cr_expect_eq(a.status, 503);
		cr_assert_not_null(a.text);
		cr_expect_not_null(memmem(a.text->bytes, a.text->len,
				       "has not answered for 2000 ms", 28),
		    "%zu: %.*s", i, (int)a.text->len, a.text->bytes);
		http_text_drop(&a.text);
	}
}

Test(health_answer, a_board_that_is_written_for_ever_is_not_ready)
{
	const struct health_question q = { .name = "pos" };
	const struct health_question all = { .verbose = true };
	const struct health_question live = { .is_live = true };

	health_board_begin(board);
	expect(&q, NOW, 503,
	    "pos is not ready: the supervisor stopped while it wrote down who "
	    "is ready\n");
	expect(&all, NOW, 503,
	    "not ready: the supervisor stopped while it wrote down who is "
	    "ready\n");
	expect(&live, NOW, 200, "alive\n");
}

Test(health_answer, a_board_that_nobody_has_filled_is_not_ready)
{
	const struct health_question q = { 0 };

	board->daemon.why[0] = '\0';
	expect(&q, NOW, 503, "not ready: it is not ready yet\n");
}
