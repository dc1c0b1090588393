#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/plan_json.h"
#include "unit/json_rows.h"

static void
add(struct snapshot_writer *w, const char *name, unsigned int action)
{
	struct snapshot_plan row = { .action = (uint8_t)action };

	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	snapshot_add(w, SNAPSHOT_PLAN, &row, sizeof(row));
}

static void
expect(struct snapshot_writer *w, const char *want)
{
	const struct snapshot_daemon d = { .pid = 1 };
	struct snapshot_reader r;
	json_t *got;
	char *text;

	snapshot_add(w, SNAPSHOT_DAEMON, &d, sizeof(d));
	json_rows_seal(w, &r);
	got = plan_json(&r);
	text = json_dumps(got, 0);
	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
	json_decref(got);
	snapshot_close(&r);
}

Test(plan_json, only_what_changes_is_listed)
{
	struct snapshot_writer w = { 0 };

	add(&w, "a", PLAN_KEEP);
	add(&w, "b", PLAN_ADD);
	add(&w, "c", PLAN_RESTART);
	add(&w, "d", PLAN_KEEP);
	add(&w, "e", PLAN_UPDATE);
	add(&w, "f", PLAN_REBIND);
	add(&w, "g", PLAN_REMOVE);
	expect(&w,
	    "{\"plan\": [{\"name\": \"b\", \"action\": \"add\"}, "
	    "{\"name\": \"c\", \"action\": \"restart\"}, "
	    "{\"name\": \"e\", \"action\": \"update\"}, "
	    "{\"name\": \"f\", \"action\": \"rebind\"}, "
	    "{\"name\": \"g\", \"action\": \"remove\"}], \"unchanged\": 2}");
}

Test(plan_json, nothing_changes)
{
	struct snapshot_writer w = { 0 };

	add(&w, "a", PLAN_KEEP);
	expect(&w, "{\"plan\": [], \"unchanged\": 1}");
	expect(&w, "{\"plan\": [], \"unchanged\": 0}");
}

Test(plan_json, an_action_that_there_is_not)
{
	struct snapshot_writer w = { 0 };

	add(&w, "a", 200);
	expect(&w,
	    "{\"plan\": [{\"name\": \"a\", \"action\": \"unknown\"}], "
	    "\"unchanged\": 0}");
}
