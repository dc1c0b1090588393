#include <criterion/criterion.h>
#include <stdlib.h>

#include "control/tree_json.h"
#include "unit/control_rows.h"

/* Two of the processes have ended before anybody could look. */
static int64_t
memory(uint32_t pid)
{
	return pid == 4251 || pid == 4243 ? -1 : (int64_t)pid * 1000;
}

static json_t *
build(void)
{
	struct snapshot_reader r;
	json_t *tree;

	control_rows_open(&r);
	tree = tree_json(&r, memory);
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
	    "\"pid\": 4242, \"state\": \"running\", \"uptime_ms\": 12000, "
	    "\"restarts\": 0, \"memory_bytes\": 4242000}");
	json_decref(children);
	json_decref(tree);
}

Test(tree_json, processes_and_pools)
{
	json_t *tree = build(), *children = json_object_get(tree, "children");

	expect(json_array_get(children, 0),
	    "{\"role\": \"control\", \"name\": \"control\", \"pid\": 4243, "
	    "\"state\": \"running\", \"uptime_ms\": 11999, \"restarts\": 0, "
	    "\"memory_bytes\": null}");
	/* Its workers' rows did not stand together. */
	expect(json_array_get(children, 1),
	    "{\"role\": \"pool\", \"name\": \"pos\", \"pid\": null, "
	    "\"state\": \"degraded\", \"uptime_ms\": 11000, \"restarts\": 1, "
	    "\"memory_bytes\": 4250000, \"children\": ["
	    "{\"role\": \"worker\", \"name\": \"pos/0\", \"pid\": 4250, "
	    "\"state\": \"running\", \"uptime_ms\": 11000, \"restarts\": 0, "
	    "\"memory_bytes\": 4250000}, "
	    "{\"role\": \"worker\", \"name\": \"pos/1\", \"pid\": null, "
	    "\"state\": \"backoff\", \"uptime_ms\": 0, \"restarts\": 1, "
	    "\"memory_bytes\": null}]}");
	expect(json_array_get(children, 2),
	    "{\"role\": \"pool\", \"name\": \"local\", \"pid\": null, "
	    "\"state\": \"running\", \"uptime_ms\": 500, \"restarts\": 0, "
	    "\"memory_bytes\": null, \"children\": ["
	    "{\"role\": \"worker\", \"name\": \"local/0\", \"pid\": 4251, "
	    "\"state\": \"running\", \"uptime_ms\": 500, \"restarts\": 0, "
	    "\"memory_bytes\": null}]}");
	json_decref(tree);
}

Test(tree_json, without_rows)
{
	struct snapshot_reader r = { 0 };

	cr_expect_null(tree_json(&r, memory));
}
