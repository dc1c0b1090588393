#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/json_rows.h"
#include "json/tree_json.h"

/* Two of the processes have ended before anybody could look. */
static void
look_up(uint32_t pid, struct usage *out)
{
	if (pid == 4251 || pid == 4243)
		return;
	out->memory_bytes = (int64_t)pid * 1000;
	out->cpu_ms = pid;
}

static json_t *
build(void)
{
	struct snapshot_reader r;
	json_t *tree;

	json_rows_open(&r);
	tree = tree_json(&r, look_up);
	cr_assert_not_null(tree);
	snapshot_close(&r);
	return tree;
}

static void
expect(const json_t *got, const char *want)
{
	char *text = json_dumps(got, 0);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
}

Test(tree_json, root)
{
	json_t *tree = build();
	json_t *children = json_incref(json_object_get(tree, "children"));

	cr_expect_eq(json_array_size(children), 3);
	cr_assert_eq(json_object_del(tree, "children"), 0);
	expect(tree,
	    "{\"role\": \"supervisor\", \"name\": \"mercuryd\", "
	    "\"group\": null, \"pid\": 4242, \"state\": \"running\", "
	    "\"generation\": null, \"leaving\": false, "
	    "\"uptime_ms\": 12000, \"restarts\": 0, "
	    "\"memory_bytes\": 4242000, \"cpu_ms\": 4242}");
	json_decref(children);
	json_decref(tree);
}

Test(tree_json, processes_and_pools)
{
	json_t *tree = build(), *children = json_object_get(tree, "children");

	expect(json_array_get(children, 0),
	    "{\"role\": \"control\", \"name\": \"control\", "
	    "\"group\": null, \"pid\": 4243, \"state\": \"running\", "
	    "\"generation\": null, \"leaving\": false, "
	    "\"uptime_ms\": 11999, \"restarts\": 0, "
	    "\"memory_bytes\": null, \"cpu_ms\": null}");
	/* Its workers' rows did not stand together. One leaves. */
	expect(json_array_get(children, 1),
	    "{\"role\": \"pool\", \"name\": \"pos\", "
	    "\"group\": \"payments\", \"pid\": null, "
	    "\"state\": \"degraded\", \"generation\": 2, "
	    "\"leaving\": false, \"uptime_ms\": 11000, \"restarts\": 1, "
	    "\"memory_bytes\": 8499000, \"cpu_ms\": 8499, \"children\": ["
	    "{\"role\": \"worker\", \"name\": \"pos/0\", "
	    "\"group\": \"payments\", \"pid\": 4250, "
	    "\"state\": \"running\", \"generation\": 2, "
	    "\"leaving\": false, \"uptime_ms\": 11000, \"restarts\": 0, "
	    "\"memory_bytes\": 4250000, \"cpu_ms\": 4250}, "
	    "{\"role\": \"worker\", \"name\": \"pos/1\", "
	    "\"group\": \"payments\", \"pid\": null, "
	    "\"state\": \"backoff\", \"generation\": 2, "
	    "\"leaving\": false, \"uptime_ms\": 0, \"restarts\": 1, "
	    "\"memory_bytes\": null, \"cpu_ms\": null}, "
	    "{\"role\": \"worker\", \"name\": \"pos/0\", "
	    "\"group\": \"payments\", \"pid\": 4249, "
	    "\"state\": \"stopping\", \"generation\": 1, "
	    "\"leaving\": true, \"uptime_ms\": 60000, \"restarts\": 5, "
	    "\"memory_bytes\": 4249000, \"cpu_ms\": 4249}]}");
	expect(json_array_get(children, 2),
	    "{\"role\": \"pool\", \"name\": \"local\", "
	    "\"group\": null, \"pid\": null, \"state\": \"running\", "
	    "\"generation\": 1, \"leaving\": false, \"uptime_ms\": 500, "
	    "\"restarts\": 0, \"memory_bytes\": null, \"cpu_ms\": null, "
	    "\"children\": ["
	    "{\"role\": \"worker\", \"name\": \"local/0\", "
	    "\"group\": null, \"pid\": 4251, \"state\": \"running\", "
	    "\"generation\": 1, \"leaving\": false, \"uptime_ms\": 500, "
	    "\"restarts\": 0, \"memory_bytes\": null, "
	    "\"cpu_ms\": null}]}");
	json_decref(tree);
}

/* All its workers leave: the listener is being removed. */
Test(tree_json, a_pool_that_goes)
{
	const struct snapshot_daemon d = { .pid = 1 };
	const struct snapshot_process p = { .role = "pool",
		.name = "pos",
		.generation = 3,
		.leaving = 1,
		.state = CHILD_STOPPING };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	json_t *tree, *pool;

	snapshot_add(&w, SNAPSHOT_DAEMON, &d, sizeof(d));
	snapshot_add(&w, SNAPSHOT_PROCESS, &p, sizeof(p));
	json_rows_seal(&w, &r);
	tree = tree_json(&r, look_up);
	pool = json_array_get(json_object_get(tree, "children"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(pool, "state")),
	    "stopping");
	cr_expect(json_is_true(json_object_get(pool, "leaving")));
	json_decref(tree);
	snapshot_close(&r);
}

Test(tree_json, without_rows)
{
	struct snapshot_reader r = { 0 };

	cr_expect_null(tree_json(&r, look_up));
}
