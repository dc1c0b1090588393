#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/history.h"

static bool no_memory;

void *__real_reallocarray(void *, size_t, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);

/* The linker puts this in the place of reallocarray(3). */
void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(old, count, size);
}

/* All that the record says follows from seq. */
static struct history_record
record_of(uint64_t seq)
{
	struct history_record record = { .seq = seq,
		.real_ms = seq * 3,
		.mono_ms = seq * 10,
		.uptime_ms = seq * 5,
		.slot = (uint32_t)seq % 7,
		.pid = (uint32_t)seq + 100,
		.type = (uint8_t)(seq % EVENT_TYPE_COUNT) };

	(void)snprintf(record.reason, sizeof(record.reason), "reason %llu",
	    (unsigned long long)seq);
	return record;
}

static void
add(struct history *h, uint64_t from, uint64_t count)
{
	struct history_record record;

	for (; count > 0; from++, count--) {
		record = record_of(from);
		history_add(h, &record);
	}
}

static void
expect_record(const struct history_record *got, uint64_t seq)
{
	struct history_record want = record_of(seq);

	cr_assert_not_null(got);
	cr_assert_eq(got->seq, want.seq);
	cr_assert_eq(got->real_ms, want.real_ms);
	cr_assert_eq(got->mono_ms, want.mono_ms);
	cr_assert_eq(got->uptime_ms, want.uptime_ms);
	cr_assert_eq(got->slot, want.slot);
	cr_assert_eq(got->pid, want.pid);
	cr_assert_eq(got->type, want.type);
	cr_assert_str_eq(got->reason, want.reason);
}

ParameterizedTestParameters(history, keeps_the_newest_oldest_first)
{
	static unsigned int counts[] = { 0, 1, 7, 8, 9, 16, 17, 511, 512, 513,
		999, 1000, 1001, 1500, 1999, 2000, 2001, 5003 };

	return cr_make_param_array(unsigned int, counts,
	    sizeof(counts) / sizeof(counts[0]));
}

ParameterizedTest(unsigned int *count, history, keeps_the_newest_oldest_first)
{
	struct history h = { 0 };
	unsigned int kept = *count < HISTORY_MAX ? *count : HISTORY_MAX;
	unsigned int i;

	add(&h, 1, *count);
	cr_expect_eq(history_count(&h), kept);
	for (i = 0; i < kept; i++)
		expect_record(history_at(&h, i), *count - kept + 1 + i);
	cr_expect_null(history_at(&h, kept));
	cr_expect_null(history_at(&h, UINT32_MAX));
	cr_expect_eq(h.lost, 0);
	history_free(&h);
}

Test(history, takes_little_memory_for_few_and_never_more_than_the_ring)
{
	struct history h = { 0 };
	unsigned int i;

	cr_expect_null(h.records);
	for (i = 1; i <= 3000; i++) {
		add(&h, i, 1);
		cr_assert_leq(h.size, HISTORY_MAX);
		cr_assert_geq(h.size, h.count);
		cr_assert(h.size <= 8 || h.size < 2 * h.count);
	}
	cr_expect_eq(h.size, HISTORY_MAX);
	history_free(&h);
}

struct failure_case {
	uint8_t type;
	unsigned int failures;
};

ParameterizedTestParameters(history, failures_by_type)
{
	static struct failure_case cases[EVENT_TYPE_COUNT + 2];
	unsigned int i;

	for (i = 0; i < EVENT_TYPE_COUNT; i++)
		cases[i].type = (uint8_t)i;
	cases[EVENT_TYPE_COUNT].type = EVENT_TYPE_COUNT;
	cases[EVENT_TYPE_COUNT + 1].type = UINT8_MAX;
	cases[EVENT_WORKER_CRASHED].failures = 1;
	cases[EVENT_WORKER_HUNG].failures = 1;
	return cr_make_param_array(struct failure_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct failure_case *k, history, failures_by_type)
{
	struct history h = { 0 };
	struct history_record record = { .mono_ms = 50, .type = k->type };

	history_add(&h, &record);
	cr_expect_eq(history_failures(&h, 0), k->failures, "type %u", k->type);
	history_free(&h);
}

struct window_case {
	uint64_t since_ms;
	unsigned int failures;
};

ParameterizedTestParameters(history, failures_since)
{
	static struct window_case cases[] = {
		{ 0, 4 },
		{ 100, 4 },
		{ 101, 3 },
		{ 200, 3 },
		{ 201, 2 },
		{ 300, 2 },
		{ 301, 1 },
		{ 500, 1 },
		{ 501, 0 },
		{ UINT64_MAX, 0 },
	};

	return cr_make_param_array(struct window_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct window_case *k, history, failures_since)
{
	static const struct history_record records[] = {
		{ .mono_ms = 100, .type = EVENT_WORKER_CRASHED },
		{ .mono_ms = 100, .type = EVENT_WORKER_STARTED },
		{ .mono_ms = 200, .type = EVENT_WORKER_HUNG },
		{ .mono_ms = 200, .type = EVENT_WORKER_KILLED },
		{ .mono_ms = 300, .type = EVENT_WORKER_CRASHED },
		{ .mono_ms = 400, .type = EVENT_WORKER_EXITED },
		{ .mono_ms = 500, .type = EVENT_WORKER_CRASHED },
		{ .mono_ms = 600, .type = EVENT_WORKER_RESTART_LIMIT },
	};
	struct history h = { 0 };
	size_t i;

	cr_expect_eq(history_failures(&h, k->since_ms), 0);
	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		history_add(&h, &records[i]);
	cr_expect_eq(history_failures(&h, k->since_ms), k->failures,
	    "since %llu: %u", (unsigned long long)k->since_ms,
	    history_failures(&h, k->since_ms));
	history_free(&h);
}

Test(history, failures_are_counted_across_the_end_of_the_ring)
{
	struct history h = { 0 };
	struct history_record record = { .type = EVENT_WORKER_CRASHED };

	for (record.mono_ms = 1; record.mono_ms <= 1300; record.mono_ms++)
		history_add(&h, &record);
	cr_expect_eq(history_failures(&h, 0), 1000);
	cr_expect_eq(history_failures(&h, 301), 1000);
	cr_expect_eq(history_failures(&h, 302), 999);
	cr_expect_eq(history_failures(&h, 1000), 301);
	cr_expect_eq(history_failures(&h, 1001), 300);
	cr_expect_eq(history_failures(&h, 1300), 1);
	cr_expect_eq(history_failures(&h, 1301), 0);
	history_free(&h);
}

Test(history, without_memory_the_newest_is_lost_and_counted)
{
	struct history h = { 0 };

	no_memory = true;
	add(&h, 1, 2);
	cr_expect_eq(history_count(&h), 0);
	cr_expect_eq(h.lost, 2);
	cr_expect_null(history_at(&h, 0));

	no_memory = false;
	add(&h, 3, 8);
	no_memory = true;
	add(&h, 11, 3);
	cr_expect_eq(history_count(&h), 8);
	cr_expect_eq(h.lost, 5);
	expect_record(history_at(&h, 0), 3);
	expect_record(history_at(&h, 7), 10);

	no_memory = false;
	add(&h, 14, 1);
	cr_expect_eq(history_count(&h), 9);
	cr_expect_eq(h.lost, 5);
	expect_record(history_at(&h, 8), 14);
	history_free(&h);
}

Test(history, a_full_ring_needs_no_more_memory)
{
	struct history h = { 0 };

	add(&h, 1, HISTORY_MAX);
	no_memory = true;
	add(&h, HISTORY_MAX + 1, 10);
	cr_expect_eq(h.lost, 0);
	expect_record(history_at(&h, 0), 11);
	expect_record(history_at(&h, HISTORY_MAX - 1), HISTORY_MAX + 10);
	history_free(&h);
}

Test(history, can_be_used_after_free)
{
	struct history h = { 0 };

	add(&h, 1, 1500);
	h.lost = 4;
	history_free(&h);
	history_free(&h);
	cr_expect_eq(history_count(&h), 0);
	cr_expect_eq(h.lost, 0);
	cr_expect_null(history_at(&h, 0));
	add(&h, 7, 1);
	expect_record(history_at(&h, 0), 7);
	history_free(&h);
}
