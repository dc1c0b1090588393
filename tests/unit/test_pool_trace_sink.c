#include <sys/socket.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "pool/trace_sink.h"

static struct {
	struct event_base *base;
	struct trace_sink *sink;
	int control; /* our end, -1: closed */
	int gone;
	/* What came. */
	unsigned int batches;
	uint64_t records;
	uint64_t lost;
	uint64_t lost_in;
	uint64_t lost_out;
	uint64_t gaps;
	uint8_t last; /* its kind */
} t;

static void
on_gone(void *ctx)
{
	cr_assert_eq(ctx, &t);
	t.gone++;
	trace_sink_free(&t.sink);
}

static void
setup(void)
{
	struct err err;
	int ends[2];

	memset(&t, 0, sizeof(t));
	t.base = event_base_new();
	cr_assert_eq(trace_pair(ends, &err), 0);
	t.control = ends[0];
	t.sink = trace_sink_new(t.base, ends[1], on_gone, &t, &err);
	cr_assert_not_null(t.sink);
}

static void
teardown(void)
{
	trace_sink_free(&t.sink);
	if (t.control != -1)
		(void)close(t.control);
	event_base_free(t.base);
}

TestSuite(trace_sink, .init = setup, .fini = teardown, .timeout = 20);

static void
turn(void)
{
	(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
}

static void
count(const struct trace_record *r)
{
	t.last = r->kind;
	if (r->kind == TRACE_LOST) {
		t.gaps++;
		t.lost += r->records;
		t.lost_in += r->bytes_in;
		t.lost_out += r->bytes_out;
	} else {
		t.records++;
	}
}

/* Read one batch, if there is one. */
static bool
read_batch(void)
{
	static _Alignas(8) uint8_t bytes[TRACE_BATCH_SIZE];
	const ssize_t n = recv(t.control, bytes, sizeof(bytes), MSG_DONTWAIT);
	const uint8_t *at, *data;
	struct trace_record r;
	size_t left = 0, size;

	if (n <= 0)
		return false;
	at = trace_batch_open(bytes, (size_t)n, &left);
	cr_assert_not_null(at);
	for (; left > 0; at += size, left -= size) {
		size = trace_decode(at, left, &r, &data);
		cr_assert_neq(size, 0);
		count(&r);
	}
	t.batches++;
	return true;
}

/* Read all that comes until nothing does. */
static void
read_all(void)
{
	bool more = true;

	while (more) {
		more = false;
		while (read_batch())
			more = true;
		if (t.sink != NULL)
			turn();
	}
}

static void
put(enum trace_kind kind, uint32_t len)
{
	static const uint8_t data[TRACE_DATA_MAX];
	const struct trace_record r = { .kind = (uint8_t)kind, .len = len };

	trace_sink_put(t.sink, &r, len == 0 ? NULL : data);
}

Test(trace_sink, it_says_at_once_that_it_has_joined)
{
	cr_assert(read_batch());
	cr_expect_eq(t.records, 1);
	cr_expect_eq(t.last, TRACE_JOINED);
}

Test(trace_sink, what_comes_in_one_turn_travels_together)
{
	int i;

	(void)read_batch();
	for (i = 0; i < 10; i++)
		put(TRACE_IN, 100);
	cr_expect_not(read_batch(), "before the turn is over");
	turn();
	cr_expect(read_batch());
	cr_expect_eq(t.records, 11);
	cr_expect_not(read_batch());
}

Test(trace_sink, what_does_not_fit_is_counted_where_it_is_missing)
{
	const uint64_t many = 2000;
	uint64_t i;

	for (i = 0; i < many; i++) {
		put(i % 2 == 0 ? TRACE_IN : TRACE_OUT, 4096);
		turn();
	}
	put(TRACE_OPENED, 0);
	read_all();
	cr_expect_gt(t.lost, many / 2, "all of 8 MiB did fit");
	cr_expect_lt(t.lost, many, "nothing did");
	cr_expect_eq(t.gaps, 1);
	cr_expect_eq(t.records - 1 + t.lost, many + 1);
	cr_expect_eq(t.last, TRACE_LOST);
	cr_expect_eq(t.lost_in, 4096 * (t.lost / 2));
	cr_expect_eq(t.lost_out, 4096 * (t.lost / 2));
	put(TRACE_CLOSED, 0);
	turn();
	read_all();
	cr_expect_eq(t.last, TRACE_CLOSED);
}

/* At most so much waits in the worker, and about as much in the kernel. */
Test(trace_sink, it_is_bounded)
{
	const uint64_t kept =
	    (uint64_t)TRACE_SINK_BATCHES * TRACE_BATCH_SIZE + (1 << 20);
	int i;

	for (i = 0; i < 1000; i++) {
		put(TRACE_IN, TRACE_DATA_MAX);
		turn();
	}
	read_all();
	cr_expect_lt((t.records - 1) * TRACE_DATA_MAX, kept);
}

Test(trace_sink, control_hangs_up)
{
	put(TRACE_IN, 10);
	(void)close(t.control);
	t.control = -1;
	turn();
	cr_expect_eq(t.gone, 1);
	cr_expect_null(t.sink);
}

Test(trace_sink, it_ends_when_all_has_left)
{
	int i;

	for (i = 0; i < 24; i++)
		put(TRACE_OUT, TRACE_DATA_MAX);
	trace_sink_end(t.sink);
	turn();
	cr_expect_eq(t.gone, 0, "control has not read");
	read_all();
	cr_expect_eq(t.gone, 1);
	cr_expect_eq(t.records, 26);
	cr_expect_eq(t.last, TRACE_LEFT);
	cr_expect_eq(recv(t.control, &(char){ 0 }, 1, 0), 0, "EOF");
}

Test(trace_sink, its_end_comes_behind_a_gap)
{
	int i;

	for (i = 0; i < 100; i++)
		put(TRACE_OUT, TRACE_DATA_MAX);
	trace_sink_end(t.sink);
	turn();
	read_all();
	cr_expect_eq(t.gone, 1);
	cr_expect_eq(t.gaps, 1);
	cr_expect_eq(t.records + t.lost, 102);
	cr_expect_eq(t.last, TRACE_LEFT);
}

Test(trace_sink, at_the_end_of_the_process_it_is_waited_for)
{
	const uint64_t before_ms = clock_mono_ms();

	put(TRACE_OUT, 10);
	trace_sink_end(t.sink);
	trace_sink_flush(t.sink, before_ms + 10000);
	cr_expect_lt(clock_mono_ms() - before_ms, 5000);
	while (read_batch())
		;
	cr_expect_eq(t.last, TRACE_LEFT);
}

Test(trace_sink, but_not_for_ever)
{
	int i;

	for (i = 0; i < 20; i++)
		put(TRACE_OUT, TRACE_DATA_MAX);
	trace_sink_flush(t.sink, clock_mono_ms() + 20);
	trace_sink_free(&t.sink);
	while (read_batch())
		;
	cr_expect_eq(t.last, TRACE_OUT, "control sees that it has no end");
}
