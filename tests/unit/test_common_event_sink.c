#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/event_sink.h"
#include "common/event_wire.h"
#include "scratch.h"

#define WAIT_MS 20000

/* Far more than the sink and its socket hold together. */
#define TOO_MANY 20000u

/* The kernel is short of memory for so long in a test. */
#define SHORT_MS 200

/* Does it have none for what is sent now? */
static struct {
	bool on;
	unsigned int failed;
} shortage;

ssize_t __real_send(int, const void *, size_t, int);
ssize_t __wrap_send(int, const void *, size_t, int);

ssize_t
__wrap_send(int fd, const void *bytes, size_t size, int flags)
{
	if (!shortage.on)
		return __real_send(fd, bytes, size, flags);
	shortage.failed++;
	errno = ENOBUFS;
	return -1;
}

/* What came at the store's end. */
struct taken {
	unsigned int batches;
	uint64_t events;
	uint64_t next; /* the number that the next event should have */
	uint64_t gaps;
	struct health_event gap; /* the last store.dropped */
	bool out_of_order;
	bool after_gap; /* events came behind the last one */
	uint64_t last_ms;
};

static struct {
	struct event_base *base;
	struct event_sink *sink;
	int store; /* the other end */
	struct taken taken;
} t;

static void
set_up(void)
{
	struct err err = { 0 };
	int ends[2];

	memset(&t, 0, sizeof(t));
	t.base = event_base_new();
	cr_assert_not_null(t.base);
	cr_assert_eq(event_sink_pair(ends, &err), 0, "%s", err.text);
	t.store = ends[0];
	t.sink = event_sink_new(t.base, ends[1], &err);
	cr_assert_not_null(t.sink, "%s", err.text);
}

static void
tear_down(void)
{
	event_sink_free(&t.sink);
	if (t.store != -1)
		(void)close(t.store);
	event_base_free(t.base);
}

TestSuite(event_sink, .init = set_up, .fini = tear_down, .timeout = 120);

/* Put event number n in: of its least size, or of its largest. */
static void
add(uint64_t n, bool large)
{
	static const char text[] = "0123456789012345678901234567890123456789"
				   "0123456789012345678901234567890123456789"
				   "0123456789012345678901234567890123456789";
	struct health_event e = { .at_ms = 1000 + n,
		.type = EVENT_CONNECTION_OPENED };

	event_add_number(&e, FACT_ATTEMPT, (int64_t)n);
	while (large && e.fact_count < EVENT_FACTS_MAX)
		event_add_text(&e, FACT_PATH, text);
	event_sink_add(t.sink, &e);
}

/*
 * Add events from number n on until neither the socket nor the sink takes any
 * more. Returns the number of the next one.
 */
static uint64_t
fill(uint64_t n)
{
	uint64_t end;
	bool full;

	do {
		full = event_sink_untold(t.sink) > 0;
		for (end = n + TOO_MANY; n < end; n++)
			add(n, true);
		event_sink_flush(t.sink);
	} while (!full);
	return n;
}

static int64_t
fact(const struct health_event *e, enum fact_id id)
{
	unsigned int i;

	for (i = 0; i < e->fact_count; i++)
		if (e->facts[i].id == id)
			return e->facts[i].number;
	return -1;
}

static void
take_event(const struct health_event *e)
{
	t.taken.last_ms = e->at_ms;
	if (e->type == EVENT_STORE_DROPPED) {
		t.taken.gaps++;
		t.taken.gap = *e;
		t.taken.after_gap = false;
		t.taken.next += (uint64_t)fact(e, FACT_COUNT);
		return;
	}
	t.taken.events++;
	t.taken.after_gap = t.taken.gaps > 0;
	if (fact(e, FACT_ATTEMPT) != (int64_t)t.taken.next)
		t.taken.out_of_order = true;
	t.taken.next = (uint64_t)fact(e, FACT_ATTEMPT) + 1;
}

/* Take one datagram. Returns false when there is none. */
static bool
take_batch(void)
{
	static _Alignas(8) uint8_t bytes[2 * EVENT_BATCH_SIZE];
	const ssize_t n = recv(t.store, bytes, sizeof(bytes), MSG_DONTWAIT);
	size_t at = sizeof(struct event_batch), size;
	struct health_event e;
	uint32_t count;

	if (n <= 0)
		return false;
	t.taken.batches++;
	cr_assert_leq((size_t)n, EVENT_BATCH_SIZE);
	count = event_batch_count(bytes, (size_t)n);
	cr_assert_gt(count, 0);
	while (count-- > 0) {
		size = event_decode(bytes + at, (size_t)n - at, &e);
		cr_assert_gt(size, 0);
		take_event(&e);
		at += size;
	}
	cr_assert_eq(at, (size_t)n);
	return true;
}

/* Take all, and let the sink send what waits behind it. */
static void
take_all(void)
{
	do
		event_sink_flush(t.sink);
	while (take_batch());
	/* The text of the last gap is gone by now. */
	t.taken.gap.reason = NULL;
}

Test(event_sink, the_pair_is_as_it_should_be)
{
	struct err err;
	int ends[2], type, i;
	socklen_t len = sizeof(type);

	cr_assert_eq(event_sink_pair(ends, &err), 0);
	for (i = 0; i < 2; i++) {
		cr_expect(fcntl(ends[i], F_GETFD) & FD_CLOEXEC);
		cr_expect(fcntl(ends[i], F_GETFL) & O_NONBLOCK);
		cr_assert_eq(
		    getsockopt(ends[i], SOL_SOCKET, SO_TYPE, &type, &len), 0);
		cr_expect_eq(type, SOCK_SEQPACKET);
		(void)close(ends[i]);
	}
}

Test(event_sink, events_leave_together_and_soon)
{
	const uint64_t start = clock_mono_ms();
	struct pollfd p = { .fd = t.store, .events = POLLIN };
	int i;

	for (i = 0; i < 100; i++)
		add((uint64_t)i, false);
	cr_expect_not(take_batch(), "they gather first");
	while (poll(&p, 1, 0) == 0 && clock_mono_ms() - start < WAIT_MS)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_expect(take_batch());
	cr_expect_not(take_batch());
	cr_expect_eq(t.taken.batches, 1);
	cr_expect_eq(t.taken.events, 100);
	cr_expect_not(t.taken.out_of_order);
	/* And again: the first time was not the last. */
	add(100, false);
	while (poll(&p, 1, 0) == 0 && clock_mono_ms() - start < WAIT_MS)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	cr_expect(take_batch());
	cr_expect_eq(t.taken.events, 101);
}

Test(event_sink, an_event_without_a_time_happened_now)
{
	struct health_event e = { .type = EVENT_CONNECTION_CLOSED };
	const uint64_t before = clock_real_ms();

	event_sink_add(t.sink, &e);
	take_all();
	cr_expect_geq(t.taken.last_ms, before);
	cr_expect_leq(t.taken.last_ms, clock_real_ms());
	add(7, false);
	take_all();
	cr_expect_eq(t.taken.last_ms, 1007);
}

Test(event_sink, what_fits_into_no_batch_starts_another)
{
	uint64_t i;

	for (i = 0; i < 1000; i++)
		add(i, i % 3 != 0);
	take_all();
	cr_expect_eq(t.taken.events, 1000);
	cr_expect_not(t.taken.out_of_order);
	cr_expect_gt(t.taken.batches, 30);
	cr_expect_lt(t.taken.batches, 60, "none leaves half empty");
	cr_expect_eq(t.taken.gaps, 0);
}

/* Its socket is writable all the time, which is no reason to be busy. */
Test(event_sink, a_shortage_of_memory_is_waited_for)
{
	const uint64_t start = clock_mono_ms();

	shortage.on = true;
	add(0, false);
	while (clock_mono_ms() - start < SHORT_MS)
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	cr_expect_gt(shortage.failed, 1);
	cr_expect_lt(shortage.failed, SHORT_MS / 5);
	event_sink_finish(t.sink, 10);
	shortage.on = false;
	while (t.taken.events == 0 && clock_mono_ms() - start < WAIT_MS) {
		(void)take_batch();
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	}
	cr_expect_eq(t.taken.events, 1);
	cr_expect_eq(t.taken.gaps, 0);
}

/* The loop goes on sending by itself when the store reads again. */
Test(event_sink, a_full_socket_is_waited_for)
{
	const uint64_t start = clock_mono_ms();
	uint64_t n = 0;
	int i;

	/* More than the socket takes, less than the sink keeps. */
	while (n < 1500)
		add(n++, true);
	event_sink_flush(t.sink);
	while (n < 3000)
		add(n++, true);
	cr_expect_eq(event_sink_untold(t.sink), 0);
	for (i = 0; t.taken.events < n && clock_mono_ms() - start < WAIT_MS;
	     i++) {
		(void)take_batch();
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	}
	cr_expect_eq(t.taken.events, n);
	cr_expect_not(t.taken.out_of_order);
	cr_expect_eq(t.taken.gaps, 0);
}

Test(event_sink, the_newest_are_dropped_and_told)
{
	uint64_t n, dropped;

	for (n = 0; n < TOO_MANY; n++)
		add(n, true);
	dropped = event_sink_untold(t.sink);
	cr_expect_gt(dropped, 0);
	cr_expect_lt(dropped, TOO_MANY);
	take_all();
	cr_expect_eq(event_sink_untold(t.sink), 0);
	cr_expect_eq(t.taken.events + dropped, TOO_MANY);
	/* 4 MiB were kept, but for what fits into no batch any more. */
	cr_expect_gt(t.taken.batches, EVENT_SINK_BATCHES);
	cr_expect_not(t.taken.out_of_order);
	cr_assert_eq(t.taken.gaps, 1);
	cr_expect_not(t.taken.after_gap);
	cr_expect_eq(fact(&t.taken.gap, FACT_COUNT), (int64_t)dropped);
	cr_expect_eq(fact(&t.taken.gap, FACT_FROM_MS),
	    (int64_t)(1000 + TOO_MANY - dropped));
	cr_expect_eq(fact(&t.taken.gap, FACT_UNTIL_MS),
	    (int64_t)(1000 + TOO_MANY - 1));
}

/* Told where it happened: before what came later. */
Test(event_sink, a_gap_stands_before_what_follows)
{
	const uint64_t n = fill(0);

	cr_assert(take_batch() && take_batch());
	event_sink_flush(t.sink);
	cr_expect_gt(event_sink_untold(t.sink), 0, "others wait before it");
	add(n, false);
	cr_expect_eq(event_sink_untold(t.sink), 0);
	add(n + 1, false);
	take_all();
	cr_expect_gt(t.taken.gaps, 0);
	cr_expect(t.taken.after_gap);
	cr_expect_not(t.taken.out_of_order);
	cr_expect_eq(t.taken.next, n + 2);
}

Test(event_sink, one_gap_after_the_other)
{
	uint64_t n = 0, events = 0;
	int round;

	for (round = 1; round <= 3; round++) {
		const uint64_t end = n + TOO_MANY;

		while (n < end)
			add(n++, true);
		take_all();
		cr_expect_eq(t.taken.gaps, (uint64_t)round);
		cr_expect_eq(t.taken.next, n, "all are accounted for");
		cr_expect_gt(t.taken.events, events);
		events = t.taken.events;
	}
	cr_expect_not(t.taken.out_of_order);
}

Test(event_sink, finish_waits_for_a_store_that_reads)
{
	struct pollfd p = { .events = POLLIN };
	uint64_t n;
	int status;
	pid_t pid;

	for (n = 0; n < 2000; n++)
		add(n, true);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		/* A store, which reads until all senders are gone. */
		p.fd = t.store;
		while (t.taken.events < n && poll(&p, 1, WAIT_MS) == 1 &&
		    take_batch())
			continue;
		_exit(t.taken.events == n && !t.taken.out_of_order ? 0 : 1);
	}
	event_sink_finish(t.sink, WAIT_MS);
	event_sink_free(&t.sink);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(event_sink, finish_tells_of_a_gap)
{
	const uint64_t n = fill(0);
	int status;
	pid_t pid;

	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		struct pollfd p = { .fd = t.store, .events = POLLIN };

		while (t.taken.next < n && poll(&p, 1, WAIT_MS) == 1 &&
		    take_batch())
			continue;
		_exit(t.taken.next == n && t.taken.gaps > 0 ? 0 : 1);
	}
	event_sink_finish(t.sink, WAIT_MS);
	cr_expect_eq(event_sink_untold(t.sink), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
on_alarm(int number)
{
	(void)number;
}

Test(event_sink, finish_is_not_ended_by_signals)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = { { .tv_usec = 5000 },
		{ .tv_usec = 5000 } };
	const struct itimerval never = { { 0 }, { 0 } };
	uint64_t start;

	(void)fill(0);
	start = clock_mono_ms();
	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	event_sink_finish(t.sink, 100);
	cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	cr_expect_geq(clock_mono_ms() - start, 100);
	cr_expect_lt(clock_mono_ms() - start, WAIT_MS);
}

Test(event_sink, finish_does_not_wait_for_ever)
{
	const uint64_t start = clock_mono_ms();

	(void)fill(0);
	event_sink_finish(t.sink, 50);
	cr_expect_geq(clock_mono_ms() - start, 50);
	cr_expect_lt(clock_mono_ms() - start, WAIT_MS);
	/* It sent what the socket takes. */
	cr_expect(take_batch());
}

Test(event_sink, a_store_that_is_gone_for_good_is_survived)
{
	uint64_t n;

	add(0, false);
	(void)close(t.store);
	t.store = -1;
	event_sink_flush(t.sink);
	for (n = 0; n < TOO_MANY; n++)
		add(n, true);
	cr_expect_eq(event_sink_untold(t.sink), 0);
	event_sink_flush(t.sink);
	event_sink_finish(t.sink, WAIT_MS);
	(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

/* The supervisor keeps its end: what one did not read the next one does. */
Test(event_sink, another_store_reads_on)
{
	const int next = dup(t.store);
	uint64_t n;

	cr_assert_neq(next, -1);
	for (n = 0; n < 100; n++)
		add(n, true);
	event_sink_flush(t.sink);
	cr_assert(take_batch());
	(void)close(t.store);
	t.store = next;
	add(n++, false);
	take_all();
	cr_expect_eq(t.taken.events, n);
	cr_expect_not(t.taken.out_of_order);
}

Test(event_sink, none_takes_nothing)
{
	struct health_event e = { .type = EVENT_DAEMON_READY };
	struct event_sink *none = NULL;

	event_sink_add(none, &e);
	event_sink_flush(none);
	event_sink_finish(none, WAIT_MS);
	cr_expect_eq(event_sink_untold(none), 0);
	event_sink_free(&none);
}

Test(event_sink, it_closes_its_end)
{
	unsigned int before;
	char byte;

	add(0, false);
	before = scratch_open_fds();
	event_sink_free(&t.sink);
	cr_expect_null(t.sink);
	cr_expect_eq(scratch_open_fds(), before - 1);
	cr_expect_eq(recv(t.store, &byte, 1, MSG_DONTWAIT), 0);
}
