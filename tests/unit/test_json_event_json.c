#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc_msg.h"
#include "unit/json_rows.h"
#include "json/event_json.h"

static const char *const crash[EVENT_TEXT_COUNT] = { "worker.crashed", "error",
	"pos", "10.0.0.1:4444", "killed", "{\"pid\": 7, \"pool\": \"pos\"}" };

static void
add(struct snapshot_writer *w, uint64_t id, const char *const *texts)
{
	const struct snapshot_event e = { .id = id, .at_ms = 1767225600000u };

	snapshot_add_event(w, &e, texts);
}

static void
add_end(struct snapshot_writer *w, uint64_t last_id, bool more)
{
	const struct snapshot_page p = { .last_ms = 5,
		.last_id = last_id,
		.newest_id = 900,
		.more = more };

	snapshot_add(w, SNAPSHOT_PAGE, &p, sizeof(p));
}

static int
read_page(struct snapshot_writer *w, size_t max_bytes, struct event_page *out)
{
	struct snapshot_reader r;
	int result;

	json_rows_seal(w, &r);
	result = event_json_page(&r, max_bytes, out);
	snapshot_close(&r);
	return result;
}

static void
expect_json(const json_t *got, const char *want)
{
	char *text = json_dumps(got, JSON_ENCODE_ANY);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
}

Test(event_json, a_page)
{
	static const char *const bare[EVENT_TEXT_COUNT] = { "daemon.ready",
		"info" };
	struct snapshot_writer w = { 0 };
	struct event_page page;

	add(&w, 7, crash);
	add(&w, 8, bare);
	add_end(&w, 9, true);
	cr_assert_eq(read_page(&w, SIZE_MAX, &page), 0);
	cr_expect(page.more);
	cr_expect_eq(page.last_ms, 5);
	cr_expect_eq(page.last_id, 9, "rows that don't fit were looked at");
	cr_expect_eq(page.newest_id, 900);
	cr_assert_eq(json_array_size(page.events), 2);
	expect_json(json_array_get(page.events, 0),
	    "{\"id\": 7, \"at\": \"2026-01-01T00:00:00.000Z\", "
	    "\"at_ms\": 1767225600000, \"type\": \"worker.crashed\", "
	    "\"severity\": \"error\", \"listener\": \"pos\", "
	    "\"peer\": \"10.0.0.1:4444\", \"reason\": \"killed\", "
	    "\"detail\": {\"pid\": 7, \"pool\": \"pos\"}}");
	expect_json(json_array_get(page.events, 1),
	    "{\"id\": 8, \"at\": \"2026-01-01T00:00:00.000Z\", "
	    "\"at_ms\": 1767225600000, \"type\": \"daemon.ready\", "
	    "\"severity\": \"info\", \"listener\": null, \"peer\": null, "
	    "\"reason\": null, \"detail\": null}");
	json_decref(page.events);
}

Test(event_json, no_rows)
{
	struct snapshot_writer w = { 0 };
	struct event_page page;

	add_end(&w, 0, false);
	cr_assert_eq(read_page(&w, SIZE_MAX, &page), 0);
	cr_expect_not(page.more);
	cr_expect_eq(json_array_size(page.events), 0);
	json_decref(page.events);
}

Test(event_json, what_is_no_page)
{
	struct snapshot_writer w = { 0 };
	struct event_page page;

	add(&w, 7, crash);
	cr_expect_eq(read_page(&w, SIZE_MAX, &page), -1, "without its end");
	cr_expect_null(page.events);
	add(&w, 7, crash);
	add(&w, 8, crash);
	w.bytes[w.len - 1] = 'x'; /* and all that is left of the row */
	memset(w.bytes + w.len - 60, 'x', 60);
	add_end(&w, 9, false);
	cr_expect_eq(read_page(&w, SIZE_MAX, &page), -1, "a text without NUL");
	cr_expect_null(page.events);
}

Test(event_json, too_much_is_cut)
{
	struct snapshot_writer w = { 0 };
	struct event_page page;
	uint64_t id;

	for (id = 1; id <= 10; id++)
		add(&w, id, crash);
	add_end(&w, 10, false);
	cr_assert_eq(read_page(&w, 300, &page), 0);
	cr_expect(page.more);
	cr_expect_eq(json_array_size(page.events), 3);
	cr_expect_eq(page.last_id, 3);
	cr_expect_eq(page.last_ms, 1767225600000u);
	cr_expect_eq(page.newest_id, 900);
	json_decref(page.events);

	for (id = 1; id <= EVENTS_PAGE_MAX + 5; id++)
		add(&w, id, crash);
	add_end(&w, id, false);
	cr_assert_eq(read_page(&w, 1, &page), 0);
	cr_expect_eq(json_array_size(page.events), 1, "one always fits");
	json_decref(page.events);

	for (id = 1; id <= EVENTS_PAGE_MAX + 5; id++)
		add(&w, id, crash);
	add_end(&w, id, false);
	cr_assert_eq(read_page(&w, SIZE_MAX, &page), 0);
	cr_expect_eq(json_array_size(page.events), EVENTS_PAGE_MAX);
	cr_expect_eq(page.last_id, EVENTS_PAGE_MAX);
	cr_expect(page.more);
	json_decref(page.events);
}

/* Whatever sqlite3(1) can write. */
Test(event_json, garbage)
{
	static const char *const details[] = { "[1]", "1", "null", "{", "{}}",
		"{\"a\":1e999}", "{\"a\":99999999999999999999}",
		"{\"\\u0000\":1}", "\xff", "{\"a\":\"\xff\"}" };
	const char *texts[EVENT_TEXT_COUNT] = { "\xff", "\x1b[31m",
		"\xc3\xbc\xc3", "p", "r", NULL };
	struct snapshot_writer w = { 0 };
	struct event_page page;
	char deep[2048];
	json_t *o;
	size_t i;

	for (i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
		texts[EVENT_TEXT_DETAIL] = details[i];
		add(&w, i + 1, texts);
	}
	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	texts[EVENT_TEXT_DETAIL] = deep;
	add(&w, i + 1, texts);
	add_end(&w, i + 1, false);
	cr_assert_eq(read_page(&w, SIZE_MAX, &page), 0);
	cr_assert_eq(json_array_size(page.events), i + 1);
	json_array_foreach (page.events, i, o) {
		cr_expect(json_is_null(json_object_get(o, "detail")), "%zu", i);
		expect_json(json_object_get(o, "type"), "\"?\"");
		expect_json(json_object_get(o, "severity"), "\"\\u001B[31m\"");
		expect_json(json_object_get(o, "listener"), "\"???\"");
	}
	json_decref(page.events);
}

Test(event_json, cleanup)
{
	const struct snapshot_cleanup c = { .rows = 5,
		.bytes = 4096,
		.duration_ms = 12,
		.dry_run = 1 };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	json_t *o;

	snapshot_add(&w, SNAPSHOT_CLEANUP, &c, sizeof(c));
	json_rows_seal(&w, &r);
	o = event_json_cleanup(&r);
	expect_json(o,
	    "{\"rows\": 5, \"bytes\": 4096, \"duration_ms\": 12, "
	    "\"dry_run\": true}");
	json_decref(o);
	cr_expect_null(event_json_cleanup(&r), "there is no second one");
	snapshot_close(&r);
}
