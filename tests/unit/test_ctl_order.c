#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/listener_text.h"
#include "ctl/order.h"

#define L(NAME, STATE, MORE) \
	"{\"name\": \"" NAME "\", \"state\": \"" STATE "\"" MORE "}"

/* The names in the order in which they are shown, with spaces between. */
static void
expect(const char *listeners, const char *want)
{
	json_t *array = json_loads(listeners, 0, NULL);
	char names[256] = "";
	const json_t **sorted;
	size_t count, i;

	cr_assert_not_null(array, "%s", listeners);
	sorted = order_listeners(array, &count);
	for (i = 0; i < count; i++) {
		(void)strcat(names, i == 0 ? "" : " ");
		(void)strcat(names, listener_string(sorted[i], "name"));
	}
	cr_expect_str_eq(names, want, "%s", names);
	free(sorted);
	json_decref(array);
}

Test(order, what_is_wrong_comes_first)
{
	expect(
	    "[" L("fine", "listening", "") "," L("new", "starting",
		"") "," L("full", "listening",
		", \"connections\": 5, \"max_connections\": 5") "," L("drained",
		"listening", ", \"drain\": true") "," L("unready", "listening",
		", \"ready\": false") "," L("paused", "paused",
		"") "," L("retrying", "retrying", "") "," L("degraded",
		"degraded", "") "," L("failed", "failed", "") "," L("also",
		"listening", ", \"ready\": true") "]",
	    "failed degraded retrying paused drained unready full new also "
	    "fine");
}

Test(order, names_decide)
{
	expect("[" L("b", "failed", "") "," L("c", "listening", "") "," L("a",
		   "listening", "") "," L("a", "failed", "") "]",
	    "a b a c");
}

Test(order, anything_can_be_sorted)
{
	expect("[]", "");
	expect("{}", "");
	expect("[5, null, {\"name\": 7}, {}]", "- - - -");
}

Test(order, tells_who_is_wrong)
{
	static const struct {
		const char *listener;
		bool wrong;
	} cases[] = {
		{ L("a", "listening", ""), false },
		{ L("a", "listening", ", \"ready\": true"), false },
		{ L("a", "listening", ", \"ready\": false"), true },
		{ L("a", "failed", ""), true },
		{ L("a", "paused", ""), true },
	};
	json_t *l;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		l = json_loads(cases[i].listener, 0, NULL);
		cr_expect_eq(order_is_wrong(l), cases[i].wrong, "%s",
		    cases[i].listener);
		json_decref(l);
	}
}
