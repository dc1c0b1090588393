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

static const struct client_handler handler = { on_request, on_closed };

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
	requests = 0;
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
