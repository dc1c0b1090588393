#include <criterion/criterion.h>
#include <string.h>

#include "control/follow.h"

static const struct event_filter filter = { .types = 5, .listener = "pos" };

/* Ask for the page that is wanted, as number 1. */
static struct msg_events_query
ask(struct follow *f)
{
	struct msg_events_query m;

	cr_assert(follow_wants_page(f));
	follow_ask(f, 1, &m);
	cr_assert_not(follow_wants_page(f), "one at a time");
	return m;
}

/* One that has all up to last_id. */
static struct follow
up_to(uint64_t last_id)
{
	struct follow f;

	follow_start(&f, &filter, last_id);
	(void)ask(&f);
	follow_page(&f, last_id, false);
	cr_assert_not(follow_wants_page(&f));
	return f;
}

Test(follow, asks_for_what_comes_after)
{
	struct follow f;
	struct msg_events_query m;

	follow_start(&f, &filter, 7);
	m = ask(&f);
	cr_expect_eq(m.request, 1);
	cr_expect_eq(m.order, EVENTS_BY_ID);
	cr_expect_eq(m.after_id, 7);
	cr_expect_eq(m.after_ms, 0);
	cr_expect_eq(m.until_id, 0);
	cr_expect_eq(m.newest, 0);
	cr_expect_eq(m.rows, EVENTS_PAGE_MAX);
	cr_expect_eq(m.filter.types, 5);
	cr_expect_str_eq(m.filter.listener, "pos");
}

Test(follow, page_after_page)
{
	struct follow f;

	follow_start(&f, &filter, 7);
	(void)ask(&f);
	follow_page(&f, 1007, true);
	cr_expect_eq(ask(&f).after_id, 1007);
	follow_page(&f, 1010, false);
	cr_expect_not(follow_wants_page(&f));
	cr_expect_eq(f.last_id, 1010);
}

Test(follow, news)
{
	struct follow f = up_to(10);

	follow_news(&f, 10);
	cr_expect_not(follow_wants_page(&f), "that is known");
	follow_news(&f, 11);
	cr_expect_eq(ask(&f).after_id, 10);
	follow_news(&f, 12);
	follow_page(&f, 11, false);
	cr_expect_eq(ask(&f).after_id, 11, "12 came meanwhile");
}

/* A store that answers nonsense is not asked in a circle. */
Test(follow, a_page_that_leads_nowhere)
{
	struct follow f = up_to(10);

	follow_news(&f, 11);
	(void)ask(&f);
	follow_page(&f, 10, true);
	cr_expect_not(follow_wants_page(&f));
	follow_news(&f, 12);
	(void)ask(&f);
	follow_page(&f, 3, true);
	cr_expect_not(follow_wants_page(&f));
	cr_expect_eq(f.last_id, 10);
}

Test(follow, trouble)
{
	struct follow f = up_to(10);

	follow_news(&f, 11);
	(void)ask(&f);
	follow_failed(&f);
	cr_expect_not(follow_wants_page(&f));
	follow_news(&f, 12);
	cr_expect_not(follow_wants_page(&f), "not before its time");
	follow_retry(&f);
	cr_expect_eq(ask(&f).after_id, 10);
	follow_page(&f, 12, false);
	follow_retry(&f);
	cr_expect_not(follow_wants_page(&f));
}

Test(follow, another_store)
{
	struct follow f = up_to(10);

	follow_news(&f, 11);
	(void)ask(&f);
	follow_store_changed(&f);
	cr_expect_eq(f.request, 0, "the answer will not come");
	cr_expect_eq(ask(&f).after_id, 10);
	follow_page(&f, 11, false);
	follow_failed(&f);
	follow_store_changed(&f);
	cr_expect_eq(ask(&f).after_id, 11, "at once");
}

Test(follow, another_database)
{
	struct follow f = up_to(5000);

	follow_news(&f, 0);
	cr_expect_not(follow_wants_page(&f), "nothing is not another one");
	follow_news(&f, 3);
	cr_expect_eq(ask(&f).after_id, 0);
	follow_page(&f, 3, false);
	follow_news(&f, 4);
	cr_expect_eq(ask(&f).after_id, 3);
}
