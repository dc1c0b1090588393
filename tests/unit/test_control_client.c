#include <sys/socket.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/client.h"

static struct event_base *base;
static struct client *client;
static int peer;
static int requests;
static int written;
static bool closed;

static void
on_request(void *ctx, struct client *c, const char *text, size_t len)
{
	(void)ctx;
	(void)c;
	(void)text;
	(void)len;
	requests++;
}

static void
on_closed(void *ctx, struct client *c)
{
	(void)ctx;
	closed = true;
	client_free(&c);
}

static void
on_written(void *ctx, struct client *c)
{
	(void)ctx;
	(void)c;
	written++;
}

static const struct client_handler handler = { on_request, on_written,
	on_closed };

static void
set_up(void)
{
	int fds[2];

	base = event_base_new();
	cr_assert_not_null(base);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
	    0);
	peer = fds[0];
	client = client_new(base, fds[1], RIGHT_DO, &handler, NULL);
	cr_assert_not_null(client);
	requests = written = 0;
	closed = false;
}

static void
tear_down(void)
{
	if (!closed)
		client_free(&client);
	event_base_free(base);
	(void)close(peer);
}

TestSuite(client, .init = set_up, .fini = tear_down, .timeout = 20);

static void
send_lines(const char *text)
{
	cr_assert_eq(write(peer, text, strlen(text)), (ssize_t)strlen(text));
	client_read(client);
}

/* Let the loop do what there is to do, and read what the client gets. */
static const char *
received(void)
{
	static char text[256];
	ssize_t n;

	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	n = read(peer, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

Test(client, one_request_after_the_other)
{
	send_lines("one\ntwo\nthree\n");
	cr_expect_eq(requests, 1);
	client_answer(client, strdup("first\n"));
	cr_expect_str_eq(received(), "first\n");
	cr_expect_eq(requests, 2);
	client_done(client);
	cr_expect_str_eq(received(), "", "it wants no answer");
	cr_expect_eq(requests, 3);
	cr_expect_not(closed);
}

/* An answer that there is no memory for must not be waited for for ever. */
Test(client, a_lost_answer_ends_the_connection)
{
	send_lines("one\n");
	client_answer(client, NULL);
	cr_expect_str_eq(received(), "");
	cr_expect(closed);
	cr_expect_eq(read(peer, &(char){ 0 }, 1), 0, "EOF");
}

Test(client, a_follower_is_told_when_there_is_room)
{
	send_lines("one\n");
	client_follow(client);
	client_answer(client, strdup("first\n"));
	cr_expect_str_eq(received(), "first\n");
	cr_expect_gt(written, 0);
	written = 0;
	client_tell(client, strdup("news\n"));
	cr_expect_not(client_is_written(client));
	cr_expect_str_eq(received(), "news\n");
	cr_expect(client_is_written(client));
	cr_expect_gt(written, 0);
	send_lines("two\n");
	cr_expect_eq(requests, 2, "it may ask for other things meanwhile");
}

Test(client, others_are_not)
{
	send_lines("one\n");
	client_answer(client, strdup("first\n"));
	cr_expect_str_eq(received(), "first\n");
	cr_expect_eq(written, 0);
}

Test(client, a_follower_may_shut_down_its_side)
{
	send_lines("one\n");
	client_follow(client);
	client_answer(client, strdup("first\n"));
	cr_assert_eq(shutdown(peer, SHUT_WR), 0);
	client_read(client);
	cr_expect_str_eq(received(), "first\n");
	cr_expect_not(closed);
	client_tell(client, strdup("news\n"));
	cr_expect_str_eq(received(), "news\n");
	cr_expect_null(client_overdue(client, client->since_ms + 3600000));
	cr_assert_eq(shutdown(peer, SHUT_RD), 0);
	cr_expect_not_null(client_overdue(client, client->since_ms));
}

/* Its pipe is full: that is no reason to keep more, nor to wait for ever. */
Test(client, a_follower_that_does_not_read_is_overdue)
{
	char line[4096];
	int i;

	memset(line, 'x', sizeof(line) - 2);
	memcpy(line + sizeof(line) - 2, "\n", 2);
	send_lines("one\n");
	client_follow(client);
	client_answer(client, strdup("first\n"));
	for (i = 0; i < 1000; i++)
		client_tell(client, strdup(line));
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	cr_expect_not(client_is_written(client));
	cr_expect_eq(written, 0);
	cr_expect_null(client_overdue(client, client->progress_ms + 9999));
	cr_expect_not_null(client_overdue(client, client->progress_ms + 10000));
}
