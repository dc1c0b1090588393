#include <criterion/criterion.h>

#include "ctl/progress.h"

static void
note(struct progress *p, const char *answer, uint64_t now_ms)
{
	json_t *a = json_loads(answer, 0, NULL);

	cr_assert_not_null(a, "%s", answer);
	progress_note(p, a, now_ms);
	json_decref(a);
}

static void
expect(const struct progress *p, uint64_t now_ms, const char *want)
{
	char text[PROGRESS_SIZE] = "";

	cr_expect_eq(progress_text(p, now_ms, text), want[0] != '\0');
	cr_expect_str_eq(text, want, "%s", text);
}

Test(progress, of_a_drain)
{
	struct progress p = { .kind = PROGRESS_DRAIN, .began_ms = 1000 };

	expect(&p, 2000, "");
	note(&p, "{\"connections\": 0}", 1500);
	expect(&p, 2000, "");
	note(&p, "{\"connections\": 20, \"drain_left_ms\": null}", 2000);
	expect(&p, 4500, "to be drained: 20 of 20 connections left, 3s so far");
	note(&p, "{\"connections\": 3, \"drain_left_ms\": 11500}", 4500);
	expect(&p, 4500,
	    "draining: 3 of 20 connections left, 12s to the deadline");
	expect(&p, 15999,
	    "draining: 3 of 20 connections left, 1s to the deadline");
	expect(&p, 17000,
	    "draining: 3 of 20 connections left, 0s to the deadline");
}

Test(progress, of_all_listeners)
{
	struct progress p = { .kind = PROGRESS_DRAIN, .began_ms = 1000 };

	note(&p, "{\"listeners\": [{\"connections\": 1}, {}]}", 2000);
	expect(&p, 2000, "to be drained: 1 of 1 connection left, 1s so far");
	note(&p,
	    "{\"listeners\": [{\"drain_left_ms\": 2500},"
	    " {\"drain_left_ms\": 300}, {\"drain_left_ms\": null}]}",
	    2000);
	expect(&p, 2000,
	    "draining: 0 of 1 connection left, 3s to the deadline");
	note(&p, "{\"listeners\": []}", 2500);
	expect(&p, 2500,
	    "draining: 0 of 1 connection left, 2s to the deadline");
}

Test(progress, of_a_restart)
{
	struct progress p = { .kind = PROGRESS_RESTART, .began_ms = 1000 };

	expect(&p, 3999, "waiting for the new workers, 2s");
}

Test(progress, bears_any_answer)
{
	struct progress p = { .kind = PROGRESS_DRAIN, .began_ms = 1000 };

	note(&p, "[]", 2000);
	note(&p, "{\"listeners\": 5, \"drain_left_ms\": \"x\"}", 2000);
	expect(&p, 2000, "");
}
