#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/json_rows.h"
#include "json/stats_json.h"

/* One of the processes has ended before anybody could look. */
static void
look_up(uint32_t pid, struct usage *out)
{
	if (pid == 4251)
		return;
	out->memory_bytes = 2048;
	out->cpu_ms = 10;
}

static void
expect(const json_t *got, const char *want)
{
	char *text = json_dumps(got, 0);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
}

Test(stats_json, children)
{
	struct snapshot_reader r;
	json_t *stats, *children;

	json_rows_open(&r);
	stats = stats_json(&r, look_up);
	snapshot_close(&r);
	children = json_object_get(stats, "children");
	cr_expect_eq(json_array_size(children), 5);
	expect(json_array_get(children, 0),
	    "{\"role\": \"control\", \"name\": \"control\", \"slot\": null, "
	    "\"generation\": null, \"group\": null, \"pid\": 4243, "
	    "\"state\": \"running\", \"leaving\": false, \"restarts\": 0, "
	    "\"last_end\": null, \"last_reason\": null, "
	    "\"uptime_ms\": 11999, \"ready_ms\": 0, \"memory_kb\": 2, "
	    "\"cpu_ms\": 10}");
	expect(json_array_get(children, 2),
	    "{\"role\": \"worker\", \"name\": \"local\", \"slot\": 0, "
	    "\"generation\": 1, \"group\": null, \"pid\": 4251, "
	    "\"state\": \"running\", \"leaving\": false, \"restarts\": 0, "
	    "\"last_end\": \"1970-01-01T00:00:01.000Z\", "
	    "\"last_reason\": \"exited with status 1\", "
	    "\"uptime_ms\": 500, \"ready_ms\": 0, \"memory_kb\": null, "
	    "\"cpu_ms\": null}");
	expect(json_array_get(children, 3),
	    "{\"role\": \"worker\", \"name\": \"pos\", \"slot\": 1, "
	    "\"generation\": 2, \"group\": \"payments\", \"pid\": null, "
	    "\"state\": \"backoff\", \"leaving\": false, \"restarts\": 1, "
	    "\"last_end\": \"2026-01-01T00:00:00.123Z\", "
	    "\"last_reason\": \"was killed by signal 9 (SIGKILL)\", "
	    "\"uptime_ms\": null, \"ready_ms\": null, \"memory_kb\": null, "
	    "\"cpu_ms\": null}");
	expect(json_array_get(children, 4),
	    "{\"role\": \"worker\", \"name\": \"pos\", \"slot\": 0, "
	    "\"generation\": 1, \"group\": \"payments\", \"pid\": 4249, "
	    "\"state\": \"stopping\", \"leaving\": true, \"restarts\": 5, "
	    "\"last_end\": null, \"last_reason\": null, "
	    "\"uptime_ms\": 60000, \"ready_ms\": 7, \"memory_kb\": 2, "
	    "\"cpu_ms\": 10}");
	json_decref(stats);
}

Test(stats_json, total)
{
	struct snapshot_reader r;
	json_t *stats;

	json_rows_open(&r);
	stats = stats_json(&r, look_up);
	snapshot_close(&r);
	expect(json_object_get(stats, "total"),
	    "{\"children\": 5, \"running\": 3, \"restarts\": 1, "
	    "\"last_end\": \"2026-01-01T00:00:00.123Z\", "
	    "\"last_reason\": \"was killed by signal 9 (SIGKILL)\", "
	    "\"uptime_ms\": 12000, \"ready_ms\": 7, \"memory_kb\": 6, "
	    "\"cpu_ms\": 30}");
	json_decref(stats);
}

Test(stats_json, without_children)
{
	const struct snapshot_daemon d = { .uptime_ms = 5 };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r = { 0 };
	json_t *stats;

	cr_expect_null(stats_json(&r, look_up));
	snapshot_add(&w, SNAPSHOT_DAEMON, &d, sizeof(d));
	json_rows_seal(&w, &r);
	stats = stats_json(&r, look_up);
	snapshot_close(&r);
	expect(stats,
	    "{\"children\": [], \"total\": {\"children\": 0, \"running\": 0, "
	    "\"restarts\": 0, \"last_end\": null, \"last_reason\": null, "
	    "\"uptime_ms\": 5, \"ready_ms\": null, \"memory_kb\": null, "
	    "\"cpu_ms\": null}}");
	json_decref(stats);
}
