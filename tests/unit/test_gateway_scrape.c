/* Scrapes, with us as the supervisor that is asked. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/snapshot.h"
#include "gateway/exposition.h"
#include "gateway/questions.h"
#include "gateway/scrape.h"

#define WAIT_MS 10000

static struct {
	struct event_base *base;
	struct channel *channel;
	struct questions *questions;
	struct scrapes *scrapes;
	int far; /* the supervisor's end */
} t;

/* What became of one scrape. */
struct result {
	unsigned int calls;
	char *text; /* NULL: none; taken */
	size_t len;
	enum err_code code;
};

static void
on_message(void *ctx, struct ipc_message *m)
{
	(void)ctx;
	if (m->kind == IPC_REPLY)
		questions_reply(t.questions, &m->payload.REPLY);
	else
		questions_snapshot(t.questions, m->payload.SNAPSHOT.request,
		    m->fd);
}

static void
on_closed(void *ctx, const char *why)
{
	(void)ctx;
	cr_assert_fail("the channel: %s", why);
}

static void
set_up(void)
{
	static const struct channel_handler handler = { on_message, on_closed };
	struct err err = { 0 };
	int ends[2];

	t.base = event_base_new();
	cr_assert_eq(ipc_pair(ends, &err), 0, "%s", err.text);
	t.far = ends[1];
	t.channel =
	    channel_new(t.base, ends[0], ROLE_SUPERVISOR, &handler, NULL, &err);
	cr_assert_not_null(t.channel, "%s", err.text);
	t.questions = questions_new(t.base, t.channel, &err);
	t.scrapes = scrapes_new(t.questions, &err);
	cr_assert_not_null(t.scrapes);
}

static void
tear_down(void)
{
	scrapes_free(&t.scrapes);
	questions_free(&t.questions);
	channel_free(&t.channel);
	event_base_free(t.base);
	(void)close(t.far);
}

TestSuite(scrape, .init = set_up, .fini = tear_down, .timeout = 60);

static bool leave; /* the text where it is */
static const char line[] = "\nmercury_processes{role=\"supervisor\"} 1\n";

static void
on_done(void *ctx, struct exposition *text, const struct err *err)
{
	struct result *r = ctx;

	r->calls++;
	if (text == NULL) {
		r->code = err->code;
		return;
	}
	r->len = text->len;
	cr_expect_eq(strncmp(text->bytes, "# HELP mercury_info ", 20), 0);
	cr_expect_not_null(memmem(text->bytes, text->len, line, strlen(line)));
}

static struct scrape *
ask(struct result *r)
{
	struct err err = { 0 };
	struct scrape *s;

	memset(r, 0, sizeof(*r));
	s = scrapes_ask(t.scrapes, on_done, r, &err);
	cr_assert_not_null(s, "%s", err.text);
	cr_assert_eq(r->calls, 0, "not from within the call");
	return s;
}

/* Turn the loop until that one has ended. */
static void
wait_for(const struct result *r)
{
	const uint64_t end_ms = clock_mono_ms() + WAIT_MS;

	while (r->calls == 0 && clock_mono_ms() < end_ms)
		cr_assert_neq(event_base_loop(t.base, EVLOOP_ONCE), -1);
	cr_assert_eq(r->calls, 1);
}

/* The next question of this kind that was asked; its number. */
static uint32_t
asked(enum ipc_kind kind)
{
	struct ipc_message m;
	struct err err;

	cr_assert_eq(ipc_recv(t.far, ROLE_GATEWAY, true, &m, &err), IPC_OK);
	cr_assert_eq(m.kind, kind, "%s", ipc_kind_name(m.kind));
	return kind == IPC_REQ_STATUS ? m.payload.REQ_STATUS.request
				      : m.payload.REQ_TREE.request;
}

static void
expect_no_question(void)
{
	struct ipc_message m;
	struct err err;

	cr_expect_eq(ipc_recv(t.far, ROLE_GATEWAY, false, &m, &err), IPC_AGAIN);
}

static void
answer(uint32_t request)
{
	const struct snapshot_daemon d = { .pid = (uint32_t)getpid(),
		.state = DAEMON_RUNNING };
	const struct msg_snapshot m = { .request = request };
	struct snapshot_writer w = { 0 };
	struct err err;
	int fd;

	snapshot_add(&w, SNAPSHOT_DAEMON, &d, sizeof(d));
	fd = snapshot_seal(&w, &err);
	cr_assert_neq(fd, -1);
	cr_assert_eq(ipc_send(t.far, IPC_SNAPSHOT, &m, fd, true, &err), IPC_OK);
	(void)close(fd);
}

static void
refuse(uint32_t request)
{
	const struct msg_reply m = { .request = request, .code = ERR_BUSY };
	struct err err;

	cr_assert_eq(ipc_send(t.far, IPC_REPLY, &m, -1, true, &err), IPC_OK);
}

Test(scrape, the_supervisor_is_asked_once_for_many)
{
	struct result first, second, third;

	(void)ask(&first);
	(void)ask(&second);
	answer(asked(IPC_REQ_STATUS));
	answer(asked(IPC_REQ_TREE));
	wait_for(&first);
	wait_for(&second);
	(void)ask(&third);
	wait_for(&third);
	expect_no_question();
	cr_expect_gt(first.len, 1000);
	cr_expect_gt(second.len, 1000);
	cr_expect_gt(third.len, 1000);
	free(first.text);
	free(second.text);
	free(third.text);
}

Test(scrape, who_does_not_take_the_text_loses_nothing)
{
	struct result r;

	leave = true;
	(void)ask(&r);
	answer(asked(IPC_REQ_STATUS));
	answer(asked(IPC_REQ_TREE));
	wait_for(&r);
	cr_expect_null(r.text);
	cr_expect_gt(r.len, 1000);
}

Test(scrape, a_refusal_of_the_first_is_one)
{
	struct result r;

	(void)ask(&r);
	refuse(asked(IPC_REQ_STATUS));
	wait_for(&r);
	cr_expect_null(r.text);
	cr_expect_eq(r.code, ERR_BUSY);
}

Test(scrape, a_refusal_of_the_second_is_one)
{
	struct result r;

	(void)ask(&r);
	answer(asked(IPC_REQ_STATUS));
	refuse(asked(IPC_REQ_TREE));
	wait_for(&r);
	cr_expect_null(r.text);
	cr_expect_eq(r.code, ERR_BUSY);
}

Test(scrape, no_answer_is_an_end_too)
{
	struct result r;

	(void)ask(&r);
	answer(asked(IPC_REQ_STATUS));
	(void)asked(IPC_REQ_TREE);
	wait_for(&r);
	cr_expect_null(r.text);
	cr_expect_eq(r.code, ERR_TIMEOUT);
}

Test(scrape, who_was_forgotten_hears_nothing)
{
	struct result gone, other;
	struct scrape *s = ask(&gone);

	(void)ask(&other);
	scrape_forget(&s);
	cr_expect_null(s);
	scrape_forget(&s);
	answer(asked(IPC_REQ_STATUS));
	answer(asked(IPC_REQ_TREE));
	wait_for(&other);
	cr_expect_gt(other.len, 1000);
	free(other.text);
	cr_expect_eq(gone.calls, 0);
}

Test(scrape, those_that_wait_at_the_end_hear_nothing)
{
	struct result r;

	(void)ask(&r);
	scrapes_free(&t.scrapes);
	cr_expect_null(t.scrapes);
	cr_expect_eq(r.calls, 0);
}
