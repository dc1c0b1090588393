#include <sys/socket.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/snapshot.h"
#include "gateway/questions.h"

#define WAIT_MS 20000

/* An asker, and what it has heard. */
struct asker {
	unsigned int answers;
	bool has_fd;
	enum err_code code;
	char text[ERR_TEXT_SIZE];
	struct question *question;
	/* When it hears: ask once more, or forget this one. */
	bool asks_again;
	struct asker *forgets;
};

static struct {
	struct event_base *base;
	struct channel *channel; /* to the supervisor */
	int supervisor;          /* its end */
	struct questions *questions;
	struct asker a, b, c;
} t;

/* --- the test is the supervisor, and the store --- */

static void
on_message(void *ctx, struct ipc_message *m)
{
	(void)ctx;
	if (m->kind == IPC_REPLY)
		questions_reply(t.questions, &m->payload.REPLY);
	else if (m->kind == IPC_SNAPSHOT)
		questions_snapshot(t.questions, m->payload.SNAPSHOT.request,
		    m->fd);
}

static void
on_closed(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
}

static void
begin(void)
{
	static const struct channel_handler handler = { on_message, on_closed };
	int ends[2];
	struct err err;

	memset(&t, 0, sizeof(t));
	t.base = loop_new(&err);
	cr_assert_not_null(t.base);
	cr_assert_eq(ipc_pair(ends, &err), 0);
	t.supervisor = ends[1];
	t.channel =
	    channel_new(t.base, ends[0], ROLE_SUPERVISOR, &handler, NULL, &err);
	cr_assert_not_null(t.channel);
	t.questions = questions_new(t.base, t.channel, &err);
	cr_assert_not_null(t.questions);
}

static void
finish(void)
{
	questions_free(&t.questions);
	channel_free(&t.channel);
	(void)close(t.supervisor);
	event_base_free(t.base);
}

TestSuite(questions, .init = begin, .fini = finish);

static void
turn(void)
{
	(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

/* What the gateway has sent there; the payload begins with the request. */
static enum ipc_kind
receive(int fd, struct ipc_message *m)
{
	struct err err;

	turn();
	cr_assert_eq(ipc_recv(fd, ROLE_GATEWAY, false, m, &err), IPC_OK, "%s",
	    err.text);
	return m->kind;
}

/* Nothing (more) has been sent there. */
static void
expect_silence(int fd)
{
	struct ipc_message m;
	struct err err;

	turn();
	cr_expect_eq(ipc_recv(fd, ROLE_GATEWAY, false, &m, &err), IPC_AGAIN,
	    "it was asked once more");
}

static void
answer(int fd, uint32_t request)
{
	const struct msg_snapshot m = { .request = request };
	struct snapshot_writer w = { 0 };
	struct err err;
	const int snapshot = snapshot_seal(&w, &err);

	cr_assert_neq(snapshot, -1, "%s", err.text);
	cr_assert_eq(ipc_send(fd, IPC_SNAPSHOT, &m, snapshot, true, &err),
	    IPC_OK);
	(void)close(snapshot);
	turn();
}

static void
refuse(int fd, uint32_t request, uint32_t code, const char *text)
{
	struct msg_reply m = { .request = request, .code = code };
	struct err err;

	(void)strlcpy(m.text, text, sizeof(m.text));
	cr_assert_eq(ipc_send(fd, IPC_REPLY, &m, -1, true, &err), IPC_OK);
	turn();
}

/* --- asking --- */

static struct question_asker as(struct asker *);

static void
on_answered(void *ctx, int fd, const struct err *err)
{
	struct asker *a = ctx;
	const struct question_asker self = as(a);
	struct err refusal;

	a->answers++;
	a->question = NULL;
	a->has_fd = fd != -1;
	if (fd == -1) {
		a->code = err->code;
		(void)strlcpy(a->text, err->text, sizeof(a->text));
	}
	if (a->forgets != NULL)
		question_forget(&a->forgets->question);
	if (a->asks_again) {
		a->asks_again = false;
		a->question = questions_status(t.questions, &self, &refusal);
		cr_expect_not_null(a->question);
	}
}

static struct question_asker
as(struct asker *a)
{
	return (struct question_asker){ on_answered, a };
}

typedef struct question *ask_fn(struct questions *,
    const struct question_asker *, struct err *);

static void
ask(ask_fn *f, struct asker *a)
{
	const struct question_asker self = as(a);
	struct err err;

	a->question = f(t.questions, &self, &err);
	cr_assert_not_null(a->question, "%s", err.text);
}

static void
ask_history(const char *name, struct asker *a)
{
	const struct question_asker self = as(a);
	struct err err;

	a->question = questions_history(t.questions, name, &self, &err);
	cr_assert_not_null(a->question, "%s", err.text);
}

static void
wait_for(const struct asker *a, unsigned int answers)
{
	const uint64_t end = clock_mono_ms() + WAIT_MS;

	while (a->answers < answers && clock_mono_ms() < end)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_assert_eq(a->answers, answers);
}

Test(questions, one_is_answered)
{
	struct ipc_message m;

	ask(questions_status, &t.a);
	cr_assert_eq(receive(t.supervisor, &m), IPC_REQ_STATUS);
	cr_expect_eq(m.payload.REQ_STATUS.name[0], '\0');
	cr_expect_eq(t.a.answers, 0);
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	cr_expect_eq(t.a.answers, 1);
	cr_expect(t.a.has_fd);
}

Test(questions, many_share_one_answer)
{
	struct ipc_message m;

	ask(questions_status, &t.a);
	ask(questions_status, &t.b);
	cr_assert_eq(receive(t.supervisor, &m), IPC_REQ_STATUS);
	expect_silence(t.supervisor);
	ask(questions_status, &t.c);
	expect_silence(t.supervisor);
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	cr_expect_eq(t.a.answers, 1);
	cr_expect_eq(t.b.answers, 1);
	cr_expect_eq(t.c.answers, 1);
	cr_expect(t.a.has_fd && t.b.has_fd && t.c.has_fd);
}

Test(questions, kinds_are_asked_apart)
{
	struct ipc_message m;

	ask(questions_status, &t.a);
	ask(questions_tree, &t.b);
	cr_expect_eq(receive(t.supervisor, &m), IPC_REQ_STATUS);
	cr_expect_eq(receive(t.supervisor, &m), IPC_REQ_TREE);
	answer(t.supervisor, m.payload.REQ_TREE.request);
	cr_expect_eq(t.a.answers, 0);
	cr_expect_eq(t.b.answers, 1);
}

Test(questions, histories_are_not_shared)
{
	struct ipc_message m, n;

	ask_history("pos", &t.a);
	ask_history("", &t.b);
	cr_assert_eq(receive(t.supervisor, &m), IPC_REQ_HISTORY);
	cr_expect_str_eq(m.payload.REQ_HISTORY.name, "pos");
	cr_assert_eq(receive(t.supervisor, &n), IPC_REQ_HISTORY);
	cr_expect_str_eq(n.payload.REQ_HISTORY.name, "");
	refuse(t.supervisor, m.payload.REQ_HISTORY.request, ERR_NOT_FOUND,
	    "there is no listener named pos");
	cr_expect_eq(t.a.answers, 1);
	cr_expect_eq(t.a.code, ERR_NOT_FOUND);
	cr_expect_str_eq(t.a.text, "there is no listener named pos");
	cr_expect_eq(t.b.answers, 0);
}

/* Each is another question, so strangers could ask without end. */
Test(questions, histories_are_asked_for_so_often_and_no_more)
{
	const uint64_t begun = clock_mono_ms();
	const struct question_asker self = as(&t.a);
	struct ipc_message m;
	struct err err;
	unsigned int i;

	for (i = 0; i < HISTORIES_PER_S; i++)
		ask_history("pos", &t.a);
	if (clock_mono_ms() - begun < 1000) {
		cr_expect_null(
		    questions_history(t.questions, "pos", &self, &err));
		cr_expect_eq(err.code, ERR_BUSY);
	}
	for (i = 0; i < HISTORIES_PER_S; i++)
		cr_assert_eq(receive(t.supervisor, &m), IPC_REQ_HISTORY);
	ask(questions_status, &t.b);
	cr_assert_eq(receive(t.supervisor, &m), IPC_REQ_STATUS);
	while (clock_mono_ms() - begun < 1100)
		(void)usleep(10000);
	ask_history("pos", &t.c);
}

Test(questions, a_name_that_none_can_have)
{
	const struct question_asker self = as(&t.a);
	char name[200];
	struct err err;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_expect_null(questions_history(t.questions, name, &self, &err));
	cr_expect_eq(err.code, ERR_NOT_FOUND);
	expect_silence(t.supervisor);
}

Test(questions, an_answer_is_kept_for_a_moment)
{
	const uint64_t begun = clock_mono_ms();
	struct ipc_message m;

	ask(questions_status, &t.a);
	cr_assert_eq(receive(t.supervisor, &m), IPC_REQ_STATUS);
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	ask(questions_status, &t.b);
	cr_expect_eq(t.b.answers, 0, "never from within the call");
	wait_for(&t.b, 1);
	if (clock_mono_ms() - begun < QUESTION_FRESH_MS) {
		cr_expect(t.b.has_fd);
		expect_silence(t.supervisor);
	}
	while (clock_mono_ms() - begun < 2 * QUESTION_FRESH_MS)
		(void)usleep(10000);
	ask(questions_status, &t.c);
	cr_expect_eq(receive(t.supervisor, &m), IPC_REQ_STATUS);
}

Test(questions, a_refusal_is_not_kept)
{
	struct ipc_message m;

	ask(questions_tree, &t.a);
	cr_assert_eq(receive(t.supervisor, &m), IPC_REQ_TREE);
	refuse(t.supervisor, m.payload.REQ_TREE.request, ERR_UNAVAILABLE,
	    "no memory");
	cr_expect_eq(t.a.code, ERR_UNAVAILABLE);
	ask(questions_tree, &t.b);
	cr_expect_eq(receive(t.supervisor, &m), IPC_REQ_TREE);
}

Test(questions, a_code_that_makes_no_sense)
{
	struct ipc_message m;

	ask(questions_status, &t.a);
	(void)receive(t.supervisor, &m);
	refuse(t.supervisor, m.payload.REQ_STATUS.request, 4711, "what?");
	cr_expect_eq(t.a.code, ERR_INTERNAL);
}

Test(questions, answers_to_nobody)
{
	struct ipc_message m;

	answer(t.supervisor, 4711);
	answer(t.supervisor, 0);
	refuse(t.supervisor, 0, ERR_BUSY, "no");
	ask(questions_status, &t.a);
	(void)receive(t.supervisor, &m);
	answer(t.supervisor, m.payload.REQ_STATUS.request + 1);
	cr_expect_eq(t.a.answers, 0);
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	cr_expect_eq(t.a.answers, 1);
}

Test(questions, the_deadline, .timeout = WAIT_MS / 1000)
{
	const uint64_t begun = clock_mono_ms();
	struct ipc_message m, n;

	ask(questions_status, &t.a);
	(void)receive(t.supervisor, &m);
	wait_for(&t.a, 1);
	cr_expect_eq(t.a.code, ERR_TIMEOUT);
	cr_expect_geq(clock_mono_ms() - begun, QUESTION_DEADLINE_MS - 1u);
	/* Who comes later does not wait for that one. */
	ask(questions_status, &t.b);
	cr_expect_eq(receive(t.supervisor, &n), IPC_REQ_STATUS);
	/* Its late answer is for nobody. */
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	cr_expect_eq(t.a.answers, 1);
	cr_expect_eq(t.b.answers, 0);
	answer(t.supervisor, n.payload.REQ_STATUS.request);
	cr_expect_eq(t.b.answers, 1);
}

Test(questions, one_is_forgotten)
{
	struct ipc_message m;
	struct question *none = NULL;

	ask(questions_status, &t.a);
	ask(questions_status, &t.b);
	(void)receive(t.supervisor, &m);
	question_forget(&t.a.question);
	cr_expect_null(t.a.question);
	question_forget(&none);
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	cr_expect_eq(t.a.answers, 0);
	cr_expect_eq(t.b.answers, 1);
}

Test(questions, askers_may_do_what_they_like)
{
	struct ipc_message m;

	ask(questions_status, &t.a);
	ask(questions_status, &t.b);
	ask(questions_status, &t.c);
	(void)receive(t.supervisor, &m);
	t.a.forgets = &t.b;
	t.c.asks_again = true;
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	cr_expect_eq(t.a.answers, 1);
	cr_expect_eq(t.b.answers, 0);
	wait_for(&t.c, 2);
	cr_expect(t.c.has_fd);
}

Test(questions, too_many)
{
	static struct asker askers[QUESTIONS_MAX];
	const struct question_asker self = as(&t.a);
	struct ipc_message m;
	struct err err;
	unsigned int i;

	for (i = 0; i < QUESTIONS_MAX; i++)
		ask(questions_status, &askers[i]);
	cr_expect_null(questions_status(t.questions, &self, &err));
	cr_expect_eq(err.code, ERR_BUSY);
	cr_expect_null(questions_history(t.questions, "", &self, &err));
	cr_expect_eq(err.code, ERR_BUSY);
	question_forget(&askers[7].question);
	ask(questions_status, &t.b);
	(void)receive(t.supervisor, &m);
	answer(t.supervisor, m.payload.REQ_STATUS.request);
	for (i = 0; i < QUESTIONS_MAX; i++)
		cr_expect_eq(askers[i].answers, i == 7 ? 0 : 1);
	cr_expect_eq(t.b.answers, 1);
}

/* --- the store --- */

static struct question *
ask_events(struct asker *a, struct err *err)
{
	const struct question_asker self = as(a);
	struct msg_events_query query = { 0 };

	a->question = questions_events(t.questions, &query, &self, err);
	return a->question;
}

Test(questions, events_come_from_the_store)
{
	struct ipc_message m;
	struct err err;
	int ends[2];

	cr_expect_null(ask_events(&t.a, &err));
	cr_expect_eq(err.code, ERR_UNAVAILABLE);
	cr_assert_eq(ipc_pair(ends, &err), 0);
	questions_link_store(t.questions, ends[0]);
	cr_assert_not_null(ask_events(&t.a, &err));
	cr_assert_eq(receive(ends[1], &m), IPC_EVENTS_QUERY);
	expect_silence(t.supervisor);
	answer(ends[1], m.payload.EVENTS_QUERY.request);
	cr_expect_eq(t.a.answers, 1);
	cr_expect(t.a.has_fd);
	/* It ends: so does the channel, and who waits runs out of time. */
	cr_assert_not_null(ask_events(&t.b, &err));
	turn();
	(void)close(ends[1]);
	turn();
	cr_expect_null(ask_events(&t.c, &err));
	cr_expect_eq(err.code, ERR_UNAVAILABLE);
	wait_for(&t.b, 1);
	cr_expect_eq(t.b.code, ERR_TIMEOUT);
}

Test(questions, another_store_takes_its_place)
{
	struct ipc_message m;
	int old[2], new[2];
	struct err err;

	cr_assert_eq(ipc_pair(old, &err), 0);
	cr_assert_eq(ipc_pair(new, &err), 0);
	questions_link_store(t.questions, old[0]);
	questions_link_store(t.questions, new[0]);
	cr_assert_not_null(ask_events(&t.a, &err));
	cr_assert_eq(receive(new[1], &m), IPC_EVENTS_QUERY);
	refuse(new[1], m.payload.EVENTS_QUERY.request, ERR_INVALID, "no");
	cr_expect_eq(t.a.code, ERR_INVALID);
	(void)close(old[1]);
	(void)close(new[1]);
}

Test(questions, freed_with_all_that_wait)
{
	ask(questions_status, &t.a);
	ask_history("pos", &t.b);
	questions_free(&t.questions);
	cr_expect_null(t.questions);
	cr_expect_eq(t.a.answers + t.b.answers, 0);
}
