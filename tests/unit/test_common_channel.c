#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "scratch.h"

#define WAIT_MS 20000

/* More than a peer that does not read can be sent, so some are queued. */
#define MANY 5000

/* Far more than a channel keeps for a peer that never reads. */
#define TOO_MANY 100000

/* The kernel is short of memory for so long in a test. */
#define SHORT_MS 200

/* What a handler does besides counting. */
enum deed {
	DO_NOTHING,
	DO_FREE_AT_MESSAGE,
	DO_FREE_AT_CLOSED,
	DO_TAKE_FD,
	DO_ANSWER
};

static struct {
	struct event_base *base;
	struct channel *channel;
	int far; /* the other end, without a channel */
	enum deed deed;
	uint64_t messages;
	uint64_t out_of_order;
	int fd; /* the last that came */
	unsigned int closed;
	const char *why;
	bool sending; /* within channel_send() */
	bool closed_while_sending;
} t;

/* So many of the next calls fail with this error. */
static struct {
	int error;
	unsigned int wanted;
	unsigned int failed;
} fault;

static bool
fails(void)
{
	if (fault.wanted == 0)
		return false;
	fault.wanted--;
	fault.failed++;
	errno = fault.error;
	return true;
}

ssize_t __real_sendmsg(int, const struct msghdr *, int);
ssize_t __wrap_sendmsg(int, const struct msghdr *, int);
ssize_t __real_recvmsg(int, struct msghdr *, int);
ssize_t __wrap_recvmsg(int, struct msghdr *, int);

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *mh, int flags)
{
	return fails() ? -1 : __real_sendmsg(fd, mh, flags);
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *mh, int flags)
{
	return fails() ? -1 : __real_recvmsg(fd, mh, flags);
}

static void
on_message(void *ctx, struct ipc_message *m)
{
	const struct msg_drain answer = { .deadline_ms = 7 };

	cr_assert_eq(ctx, &t);
	if (m->kind == IPC_LISTENING &&
	    m->payload.LISTENING.listener_id != t.messages)
		t.out_of_order++;
	t.messages++;
	t.fd = m->fd;
	switch (t.deed) {
	case DO_FREE_AT_MESSAGE:
		channel_free(&t.channel);
		break;
	case DO_TAKE_FD:
		m->fd = -1;
		break;
	case DO_ANSWER:
		channel_send(t.channel, IPC_DRAIN, &answer, -1);
		break;
	case DO_NOTHING:
	case DO_FREE_AT_CLOSED:
		break;
	}
}

static void
on_closed(void *ctx, const char *why)
{
	cr_assert_eq(ctx, &t);
	t.closed++;
	t.why = why;
	t.closed_while_sending = t.sending;
	if (t.deed == DO_FREE_AT_CLOSED)
		channel_free(&t.channel);
}

static const struct channel_handler handler = { on_message, on_closed };

/* A channel to a peer of this role, whose end is t.far. */
static void
open_channel(enum role peer)
{
	struct err err = { 0 };
	int ends[2];

	cr_assert_eq(ipc_pair(ends, &err), 0, "%s", err.text);
	t.far = ends[1];
	t.channel = channel_new(t.base, ends[0], peer, &handler, &t, &err);
	cr_assert_not_null(t.channel, "%s", err.text);
}

static void
make_base(void)
{
	memset(&t, 0, sizeof(t));
	t.fd = -1;
	t.base = event_base_new();
	cr_assert_not_null(t.base);
	open_channel(ROLE_POOL);
}

static void
free_base(void)
{
	channel_free(&t.channel);
	event_base_free(t.base);
}

TestSuite(channel, .init = make_base, .fini = free_base, .timeout = 120);

static void
turn(void)
{
	cr_assert_neq(event_base_loop(t.base, EVLOOP_ONCE | EVLOOP_NONBLOCK),
	    -1);
}

/* Turn the loop until the condition holds. */
#define LOOP_UNTIL(condition)                                             \
	do {                                                              \
		const uint64_t end_ = clock_mono_ms() + WAIT_MS;          \
		bool holds_;                                              \
		while (!(holds_ = (condition)) && clock_mono_ms() < end_) \
			turn();                                           \
		cr_assert(holds_, "waited in vain: " #condition);         \
	} while (0)

/* From the far end: LISTENING with its number. */
static void
say(uint64_t number)
{
	const struct msg_slot m = { .listener_id = number };
	struct err err = { 0 };

	cr_assert_eq(ipc_send(t.far, IPC_LISTENING, &m, -1, false, &err),
	    IPC_OK, "%s", err.text);
}

/* Through the channel: DRAIN with its number. */
static void
send_number(uint64_t number)
{
	const struct msg_drain m = { .deadline_ms = number };

	t.sending = true;
	channel_send(t.channel, IPC_DRAIN, &m, -1);
	t.sending = false;
}

/* Read at the far end what is there; returns the number after the last. */
static uint64_t
hear(uint64_t next)
{
	struct ipc_message m;
	struct err err;

	while (ipc_recv(t.far, ROLE_SUPERVISOR, false, &m, &err) == IPC_OK) {
		cr_assert_eq(m.kind, IPC_DRAIN);
		cr_assert_eq(m.payload.DRAIN.deadline_ms, next);
		next++;
	}
	return next;
}

Test(channel, messages_arrive_in_order)
{
	uint64_t i;

	for (i = 0; i < 100; i++)
		say(i);
	LOOP_UNTIL(t.messages >= 100);
	turn();
	cr_expect_eq(t.messages, 100);
	cr_expect_eq(t.out_of_order, 0);
	cr_expect_eq(t.closed, 0);
}

/* Others in the loop get their turn while one peer floods us. */
Test(channel, one_turn_delivers_a_bounded_number)
{
	uint64_t i;

	for (i = 0; i < 100; i++)
		say(i);
	turn();
	cr_expect_gt(t.messages, 0);
	cr_expect_lt(t.messages, 100);
}

Test(channel, a_message_is_sent_at_once)
{
	send_number(0);
	cr_expect_eq(hear(0), 1);
	send_number(1);
	send_number(2);
	cr_expect_eq(hear(1), 3);
}

Test(channel, a_handler_may_answer)
{
	struct ipc_message m;
	struct err err;

	t.deed = DO_ANSWER;
	say(0);
	LOOP_UNTIL(t.messages == 1);
	cr_assert_eq(ipc_recv(t.far, ROLE_SUPERVISOR, false, &m, &err), IPC_OK);
	cr_expect_eq(m.payload.DRAIN.deadline_ms, 7);
}

Test(channel, queues_for_a_peer_that_does_not_read)
{
	uint64_t i, heard;

	for (i = 0; i < MANY; i++)
		send_number(i);
	turn();
	cr_expect_gt(channel_unsent(t.channel), 0);
	heard = hear(0);
	cr_expect_lt(heard, MANY);
	/* There is room now, but what is queued may not be overtaken. */
	send_number(MANY);
	cr_expect_eq(hear(heard), heard);
	LOOP_UNTIL((heard = hear(heard)) > MANY);
	turn();
	cr_expect_eq(hear(MANY + 1), MANY + 1);
	cr_expect_eq(t.closed, 0);
	/* And then it is as before. */
	cr_expect_eq(channel_unsent(t.channel), 0);
	send_number(MANY + 1);
	cr_expect_eq(hear(MANY + 1), MANY + 2);
}

Test(channel, what_comes_is_heard_while_the_queue_is_full)
{
	uint64_t i;

	for (i = 0; i < MANY; i++)
		send_number(i);
	say(0);
	LOOP_UNTIL(t.messages == 1);
	cr_expect_eq(t.closed, 0);
}

Test(channel, a_queued_descriptor_may_be_closed_by_the_sender)
{
	const struct msg_pool_hello hello = { .slot = 9 };
	struct ipc_message m = { .fd = -1 };
	struct stat sent, got;
	uint64_t i, heard = 0;
	struct err err;
	int fd;

	for (i = 0; i < MANY; i++)
		send_number(i);
	fd = memfd_create("queued", MFD_CLOEXEC);
	cr_assert_eq(fstat(fd, &sent), 0);
	channel_send(t.channel, IPC_POOL_HELLO, &hello, fd);
	(void)close(fd);
	while (heard < MANY) {
		cr_assert_eq(ipc_recv(t.far, ROLE_SUPERVISOR, false, &m, &err),
		    IPC_OK);
		cr_assert_eq(m.kind, IPC_DRAIN);
		heard++;
		turn();
	}
	LOOP_UNTIL(ipc_recv(t.far, ROLE_SUPERVISOR, false, &m, &err) == IPC_OK);
	cr_expect_eq(m.kind, IPC_POOL_HELLO);
	cr_expect_eq(m.payload.POOL_HELLO.slot, 9);
	cr_assert_eq(fstat(m.fd, &got), 0);
	cr_expect_eq(got.st_ino, sent.st_ino);
	(void)close(m.fd);
}

Test(channel, freeing_it_frees_queued_descriptors)
{
	const unsigned int before = scratch_open_fds();
	const struct msg_pool_hello hello = { 0 };
	uint64_t i;

	for (i = 0; i < MANY; i++)
		send_number(i);
	for (i = 0; i < 50; i++)
		channel_send(t.channel, IPC_POOL_HELLO, &hello, t.far);
	cr_expect_geq(scratch_open_fds(), before + 50);
	channel_free(&t.channel);
	cr_expect_null(t.channel);
	cr_expect_eq(scratch_open_fds(), before - 1);
	channel_free(&t.channel);
}

Test(channel, the_end_of_a_peer_is_told_once)
{
	say(0);
	say(1);
	(void)close(t.far);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_eq(t.messages, 2, "what it had said before was lost");
	cr_expect_eq(t.why, channel_peer_gone);
	send_number(0);
	turn();
	turn();
	cr_expect_eq(t.closed, 1);
}

Test(channel, a_peer_that_dies_with_unread_messages_is_gone)
{
	uint64_t i;

	for (i = 0; i < MANY; i++)
		send_number(i);
	(void)close(t.far);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_eq(t.why, channel_peer_gone);
	turn();
	cr_expect_eq(t.closed, 1);
}

/* The caller of channel_send() may not find its channel freed below it. */
Test(channel, a_failure_is_never_told_from_within_a_send)
{
	t.deed = DO_FREE_AT_CLOSED;
	(void)close(t.far);
	send_number(0);
	cr_assert_eq(t.closed, 0);
	send_number(1);
	cr_assert_eq(t.closed, 0);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_not(t.closed_while_sending);
	cr_expect_eq(t.why, channel_peer_gone);
	cr_expect_null(t.channel);
	turn();
	cr_expect_eq(t.closed, 1);
}

Test(channel, a_peer_that_never_reads_is_given_up)
{
	const unsigned int before = scratch_open_fds();
	uint64_t i;

	for (i = 0; i < TOO_MANY; i++)
		send_number(i);
	cr_expect_eq(t.closed, 0);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_not(t.closed_while_sending);
	cr_expect_str_eq(t.why, "does not read what it is sent");
	cr_expect_neq(t.why, channel_peer_gone);
	/* Silent from now on, in both directions. */
	say(0);
	send_number(0);
	turn();
	cr_expect_eq(t.messages, 0);
	cr_expect_eq(t.closed, 1);
	cr_expect_eq(scratch_open_fds(), before);
}

Test(channel, a_peer_that_breaks_the_rules_is_told)
{
	const struct msg_drain m = { .deadline_ms = 1 };
	struct err err;

	say(0);
	/* A worker may not say this. */
	cr_assert_eq(ipc_send(t.far, IPC_DRAIN, &m, -1, false, &err), IPC_OK);
	say(1);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_eq(t.messages, 1);
	cr_expect_neq(t.why, channel_peer_gone);
	cr_expect_neq(t.why[0], '\0');
	turn();
	cr_expect_eq(t.messages, 1);
	cr_expect_eq(t.closed, 1);
}

Test(channel, a_send_that_is_wrong_is_told)
{
	const struct msg_pool_hello hello = { 0 };

	/* It carries a descriptor, but has none. */
	t.sending = true;
	channel_send(t.channel, IPC_POOL_HELLO, &hello, -1);
	t.sending = false;
	cr_expect_eq(t.closed, 0);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_str_eq(t.why, "sending failed");
}

Test(channel, may_be_freed_at_a_message)
{
	t.deed = DO_FREE_AT_MESSAGE;
	say(0);
	say(1);
	say(2);
	LOOP_UNTIL(t.messages > 0);
	turn();
	cr_expect_eq(t.messages, 1);
	cr_expect_null(t.channel);
	cr_expect_eq(t.closed, 0);
}

Test(channel, may_be_freed_when_closed)
{
	t.deed = DO_FREE_AT_CLOSED;
	(void)close(t.far);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_null(t.channel);
	turn();
	cr_expect_eq(t.closed, 1);
}

/* Play the worker: only it is sent descriptors. */
static void
become_worker(void)
{
	channel_free(&t.channel);
	(void)close(t.far);
	open_channel(ROLE_SUPERVISOR);
}

static void
say_hello(void)
{
	const struct msg_pool_hello hello = { 0 };
	const int fd = memfd_create("hello", MFD_CLOEXEC);
	struct err err;

	cr_assert_eq(ipc_send(t.far, IPC_POOL_HELLO, &hello, fd, false, &err),
	    IPC_OK);
	(void)close(fd);
}

Test(channel, a_descriptor_that_nobody_takes_is_closed)
{
	become_worker();
	say_hello();
	LOOP_UNTIL(t.messages == 1);
	cr_assert_neq(t.fd, -1);
	cr_expect_eq(fcntl(t.fd, F_GETFD), -1);
}

Test(channel, a_descriptor_that_is_taken_stays_open)
{
	become_worker();
	t.deed = DO_TAKE_FD;
	say_hello();
	LOOP_UNTIL(t.messages == 1);
	cr_assert_neq(t.fd, -1);
	cr_expect_neq(fcntl(t.fd, F_GETFD), -1);
	(void)close(t.fd);
}

Test(channel, a_descriptor_is_closed_even_if_the_handler_frees_the_channel)
{
	become_worker();
	t.deed = DO_FREE_AT_MESSAGE;
	say_hello();
	LOOP_UNTIL(t.messages == 1);
	cr_expect_null(t.channel);
	cr_expect_eq(fcntl(t.fd, F_GETFD), -1);
}

Test(channel, drain_delivers_what_the_dead_had_said)
{
	uint64_t i;

	for (i = 0; i < 100; i++)
		say(i);
	(void)close(t.far);
	channel_drain(t.channel);
	cr_expect_eq(t.messages, 100);
	cr_expect_eq(t.out_of_order, 0);
	cr_expect_eq(t.closed, 0);
}

Test(channel, drain_bears_that_the_handler_frees_the_channel)
{
	t.deed = DO_FREE_AT_MESSAGE;
	say(0);
	say(1);
	channel_drain(t.channel);
	cr_expect_eq(t.messages, 1);
	cr_expect_null(t.channel);
}

/* A process that reads so many numbers, then ends with 0. */
static pid_t
fork_reader(uint64_t messages)
{
	struct ipc_message m;
	struct err err;
	uint64_t i;
	pid_t pid;

	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid > 0)
		return pid;
	for (i = 0; i < messages; i++)
		if (ipc_recv(t.far, ROLE_SUPERVISOR, true, &m, &err) !=
			IPC_OK ||
		    m.payload.DRAIN.deadline_ms != i)
			_exit(1);
	_exit(0);
}

Test(channel, flush_waits_for_a_peer_that_reads)
{
	int status = -1;
	uint64_t i;
	pid_t pid;

	for (i = 0; i < MANY; i++)
		send_number(i);
	pid = fork_reader(MANY);
	channel_flush(t.channel, WAIT_MS);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(t.closed, 0);
}

Test(channel, flush_does_not_wait_for_ever)
{
	const uint64_t start = clock_mono_ms();
	uint64_t i;

	for (i = 0; i < MANY; i++)
		send_number(i);
	channel_flush(t.channel, 50);
	cr_expect_geq(clock_mono_ms() - start, 50);
	cr_expect_lt(clock_mono_ms() - start, WAIT_MS);
	cr_expect_eq(t.closed, 0);
}

Test(channel, flush_with_nothing_to_send_returns_at_once)
{
	const uint64_t start = clock_mono_ms();

	channel_flush(t.channel, WAIT_MS);
	cr_expect_lt(clock_mono_ms() - start, WAIT_MS);
}

Test(channel, flush_tells_that_the_peer_is_gone)
{
	uint64_t i;

	for (i = 0; i < MANY; i++)
		send_number(i);
	(void)close(t.far);
	channel_flush(t.channel, WAIT_MS);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_eq(t.closed, 1);
	cr_expect_eq(t.why, channel_peer_gone);
}

/* closed() may free the channel, also while it is flushed. */
Test(channel, flush_bears_that_the_handler_frees_the_channel)
{
	uint64_t i;

	t.deed = DO_FREE_AT_CLOSED;
	for (i = 0; i < MANY; i++)
		send_number(i);
	(void)close(t.far);
	channel_flush(t.channel, WAIT_MS);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_null(t.channel);
}

/* epoll takes no regular file. */
Test(channel, closes_a_descriptor_that_is_of_no_use)
{
	struct err err = { 0 };
	int fd;

	channel_free(&t.channel);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cr_assert_neq(fd, -1);
	cr_expect_null(channel_new(t.base, fd, ROLE_POOL, &handler, &t, &err));
	cr_expect_neq(err.text[0], '\0');
	cr_expect_eq(fcntl(fd, F_GETFD), -1);
}

static void
begin_shortage(int error, unsigned int calls)
{
	fault.error = error;
	fault.wanted = calls;
	fault.failed = 0;
}

/* Turn the loop for some time of it, in which few calls are made. */
static void
bear_shortage(void)
{
	const uint64_t end_ms = clock_mono_ms() + SHORT_MS;

	while (clock_mono_ms() < end_ms)
		turn();
	cr_expect_gt(fault.failed, 1);
	cr_expect_lt(fault.failed, SHORT_MS / 5);
	fault.wanted = 0;
}

/* It is no reason to be busy, nor to reorder or lose anything. */
Test(channel, sends_again_after_a_shortage_of_memory)
{
	static const int errors[] = { ENOBUFS, ENOMEM, ETOOMANYREFS };
	uint64_t next = 0, i;
	unsigned int n;

	for (n = 0; n < sizeof(errors) / sizeof(errors[0]); n++) {
		begin_shortage(errors[n], UINT32_MAX);
		for (i = next; i < next + 3; i++)
			send_number(i);
		bear_shortage();
		cr_expect_eq(channel_unsent(t.channel), 3);
		LOOP_UNTIL(channel_unsent(t.channel) == 0);
		cr_expect_eq(hear(next), next + 3);
		next += 3;
	}
	cr_expect_eq(t.closed, 0);
}

Test(channel, receives_again_after_a_shortage_of_memory)
{
	begin_shortage(ENOMEM, 0);
	say(0);
	fault.wanted = UINT32_MAX;
	bear_shortage();
	cr_expect_eq(t.messages, 0);
	LOOP_UNTIL(t.messages == 1);
	cr_expect_eq(t.closed, 0);
}

Test(channel, flush_bears_a_shortage_of_memory)
{
	begin_shortage(ENOBUFS, 5);
	send_number(0);
	channel_flush(t.channel, WAIT_MS);
	cr_expect_eq(fault.failed, 5);
	cr_expect_eq(hear(0), 1);
}

Test(channel, the_end_is_told_during_a_shortage_of_memory)
{
	begin_shortage(ENOBUFS, UINT32_MAX);
	send_number(0);
	fault.wanted = 0;
	(void)close(t.far);
	LOOP_UNTIL(t.closed > 0);
	cr_expect_eq(t.why, channel_peer_gone);
	cr_expect_eq(channel_unsent(t.channel), 0);
}
