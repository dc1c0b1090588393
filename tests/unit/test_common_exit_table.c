#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "common/exit_table.h"

static struct exit_table table;

static struct exit_sum
sum_up(void)
{
	struct exit_sum sum = { 0 };

	exit_sum_add_table(&sum, &table);
	return sum;
}

static void
setup(void)
{
	exit_table_clear(&table);
}

TestSuite(exit_table, .init = setup);

Test(exit_table, counts_starts_and_ends)
{
	struct exit_sum sum;
	int i;

	for (i = 0; i < 5; i++)
		exit_table_start(&table);
	exit_table_fail(&table);
	exit_table_end(&table, false, 0);
	exit_table_end(&table, false, 255);
	exit_table_end(&table, true, SIGKILL);
	sum = sum_up();
	cr_expect_eq(sum.started, 5);
	cr_expect_eq(sum.failed, 1);
	cr_expect_eq(sum.codes[0], 1);
	cr_expect_eq(sum.codes[255], 1);
	cr_expect_eq(sum.signals[SIGKILL], 1);
	cr_expect_eq(exit_sum_running(&sum), 2);
}

Test(exit_table, ends_that_can_not_be_are_nothing)
{
	const struct exit_sum none = { 0 };
	struct exit_sum sum;

	exit_table_end(&table, false, -1);
	exit_table_end(&table, false, 256);
	exit_table_end(&table, true, -1);
	exit_table_end(&table, true, 65);
	sum = sum_up();
	cr_expect_eq(memcmp(&sum, &none, sizeof(sum)), 0);
}

/* A broken worker may have written anything. */
Test(exit_table, never_runs_less_than_nothing)
{
	struct exit_sum sum;

	exit_table_end(&table, false, 0);
	sum = sum_up();
	cr_expect_eq(exit_sum_running(&sum), 0);
	exit_sum_kill(&sum);
	cr_expect_eq(sum.signals[SIGKILL], 0);
}

Test(exit_table, what_runs_is_killed_with_its_worker)
{
	struct exit_sum sum, all = { 0 };

	exit_table_start(&table);
	exit_table_start(&table);
	exit_table_end(&table, false, 1);
	sum = sum_up();
	exit_sum_kill(&sum);
	cr_expect_eq(sum.signals[SIGKILL], 1);
	cr_expect_eq(exit_sum_running(&sum), 0);
	exit_sum_add(&all, &sum);
	exit_sum_add(&all, &sum);
	cr_expect_eq(all.started, 4);
	cr_expect_eq(all.codes[1], 2);
	cr_expect_eq(all.signals[SIGKILL], 2);
}
