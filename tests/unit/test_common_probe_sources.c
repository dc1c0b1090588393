/* Where probes come from (probe_sources.h). */
#include "common/probe_sources.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static struct probe_table table;

static void
note(uint8_t last, uint64_t now_ms)
{
	const uint8_t address[16] = { [15] = last };

	probe_table_note(&table, address, now_ms);
}

static struct probe_sum
sum_up(void)
{
	struct probe_sum sum = { 0 };

	probe_sum_add_table(&sum, &table);
	probe_sum_sort(&sum);
	return sum;
}

static void
expect(const struct probe_sum *sum, uint32_t i, uint8_t last, uint64_t count,
    uint64_t seen_ms)
{
	const uint8_t address[16] = { [15] = last };

	cr_assert_lt(i, sum->count);
	cr_expect_eq(memcmp(sum->sources[i].address, address, 16), 0);
	cr_expect_eq(sum->sources[i].count, count);
	cr_expect_eq(sum->sources[i].seen_ms, seen_ms);
}

Test(probe_sources, counts_each_source_and_sorts_by_time)
{
	struct probe_sum sum = sum_up();

	cr_expect_eq(sum.count, 0);
	note(1, 10);
	note(2, 20);
	note(1, 30);
	note(3, 25);
	sum = sum_up();
	cr_expect_eq(sum.count, 3);
	expect(&sum, 0, 1, 2, 30);
	expect(&sum, 1, 3, 1, 25);
	expect(&sum, 2, 2, 1, 20);
	probe_table_clear(&table);
	cr_expect_eq(sum_up().count, 0);
}

Test(probe_sources, the_one_seen_longest_ago_is_forgotten)
{
	struct probe_sum sum;
	uint8_t i;

	for (i = 0; i < PROBE_SOURCES; i++)
		note(i, 100 + i);
	note(0, 200);
	note(77, 201);
	sum = sum_up();
	cr_expect_eq(sum.count, PROBE_SOURCES);
	expect(&sum, 0, 77, 1, 201);
	expect(&sum, 1, 0, 2, 200);
	expect(&sum, PROBE_SOURCES - 1, 2, 1, 102);
}

Test(probe_sources, sums_of_workers)
{
	struct probe_sum all = { 0 }, sum;
	uint8_t i;

	note(1, 10);
	note(2, 20);
	sum = sum_up();
	probe_sum_add(&all, &sum);
	probe_sum_add_table(&all, &table);
	probe_sum_sort(&all);
	cr_expect_eq(all.count, 2);
	expect(&all, 0, 2, 2, 20);
	expect(&all, 1, 1, 2, 10);
	for (i = 3; i < 3 + PROBE_SOURCES_SUM; i++) {
		probe_table_clear(&table);
		note(i, 100 + i);
		probe_sum_add_table(&all, &table);
	}
	cr_expect_eq(all.count, PROBE_SOURCES_SUM);
	probe_sum_sort(&all);
	expect(&all, 0, 2 + PROBE_SOURCES_SUM, 1, 102 + PROBE_SOURCES_SUM);
	expect(&all, PROBE_SOURCES_SUM - 1, 3, 1, 103);
}

/* Its writer died within a change. */
Test(probe_sources, a_table_that_stays_odd_is_read_nevertheless)
{
	struct probe_sum sum;

	note(1, 10);
	atomic_fetch_add(&table.version, 1);
	sum = sum_up();
	cr_expect_eq(sum.count, 1);
	expect(&sum, 0, 1, 1, 10);
	note(1, 11);
	cr_expect_eq(atomic_load(&table.version) & 1, 0);
}

static _Atomic int stop;

static void *
write_for_ever(void *arg)
{
	uint64_t n = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		probe_table_clear(&table);
		note((uint8_t)(n % 200), n);
		n++;
	}
	return NULL;
}

Test(probe_sources, what_changes_is_read_whole_or_bounded)
{
	struct probe_sum sum;
	pthread_t writer;
	int i;

	cr_assert_eq(pthread_create(&writer, NULL, write_for_ever, NULL), 0);
	for (i = 0; i < 100000; i++) {
		sum = sum_up();
		cr_assert_leq(sum.count, PROBE_SOURCES);
	}
	atomic_store(&stop, 1);
	cr_assert_eq(pthread_join(writer, NULL), 0);
}
