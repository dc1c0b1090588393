#include <criterion/criterion.h>
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

Test(tickets, are_wiped)
{
	struct tickets t = { 0 }, none = { 0 };

	(void)tickets_renew(&t, 1);
	tickets_wipe(&t);
	cr_expect_eq(memcmp(&t, &none, sizeof(t)), 0);
}
