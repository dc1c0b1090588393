#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/tickets.h"

static bool
same(const struct ticket_key *a, const struct ticket_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

Test(tickets, there_is_one_from_the_beginning)
{
	const struct ticket_key zero = { .name = { 0 } };
	struct tickets t = { 0 };

	cr_expect(tickets_renew(&t, 1000));
	cr_expect_eq(t.keys.count, 1);
	cr_expect_not(same(&t.keys.keys[0], &zero));
	cr_expect_not(tickets_renew(&t, 1000));
	cr_expect_not(tickets_renew(&t, 999 + TICKETS_LIFE_MS));
	cr_expect_eq(t.keys.count, 1);
}

Test(tickets, old_ones_are_accepted_for_a_while)
{
	struct tickets t = { 0 };
	struct ticket_key first, second;

	(void)tickets_renew(&t, 0);
	first = t.keys.keys[0];
	cr_expect(tickets_renew(&t, TICKETS_LIFE_MS));
	second = t.keys.keys[0];
	cr_expect_not(same(&first, &second));
	cr_expect(same(&t.keys.keys[1], &first));
	cr_expect(tickets_renew(&t, 2 * (uint64_t)TICKETS_LIFE_MS));
	cr_expect_eq(t.keys.count, 3);
	cr_expect(same(&t.keys.keys[2], &first));
	cr_expect(tickets_renew(&t, 3 * (uint64_t)TICKETS_LIFE_MS));
	cr_expect_eq(t.keys.count, TICKET_KEY_GENERATIONS);
	cr_expect(same(&t.keys.keys[2], &second), "the first is gone");
}

/* Does the kernel leave the page at that address out of a core dump? */
static bool
is_left_out(const void *address)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long begin, end;
	bool here = false, left_out = false;
	char line[512];

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			here = (uintptr_t)address >= begin &&
			    (uintptr_t)address < end;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			left_out = strstr(line, " dd") != NULL;
	}
	(void)fclose(f);
	return left_out;
}

Test(tickets, are_not_dumped)
{
	struct tickets *t = tickets_new(1);

	cr_assert_not_null(t);
	cr_expect_eq(t->keys.count, 1);
	cr_expect_eq(t->made_ms, 1);
	cr_expect(is_left_out(t));
	tickets_free(&t);
	cr_expect_null(t);
	tickets_free(&t);
}
