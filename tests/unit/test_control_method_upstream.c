#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/snapshot.h"
#include "control/method.h"
#include "unit/json_rows.h"
#include "unit/method_start.h"

static struct call call;

static enum method_step
start(const char *name, const char *params)
{
	return method_start(&call, NULL, name, params);
}

static void
expect_rows(void)
{
	const struct snapshot_upstream row = { .name = "a:1" };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	const struct method_answer a = { .snapshot = &r };

	snapshot_add(&w, SNAPSHOT_UPSTREAM, &row, sizeof(row));
	json_rows_seal(&w, &r);
	cr_expect_eq(call.method->answered(&call, &a), METHOD_DONE);
	cr_expect_eq(json_array_size(json_object_get(call.result, "upstreams")),
	    1);
	method_end(&call);
	snapshot_close(&r);
}

Test(method_upstream, shows_them)
{
	cr_assert_eq(start("listener.upstreams", "{\"name\": \"pos\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.kind, IPC_REQ_UPSTREAMS);
	cr_expect_eq(call.ask.REQ_UPSTREAMS.request, 7);
	cr_expect_str_eq(call.ask.REQ_UPSTREAMS.name, "pos");
	cr_expect_eq(call.method->right, RIGHT_LOOK);
	expect_rows();
}

Test(method_upstream, sets_a_mode)
{
	const struct msg_req_upstream_set *m = &call.ask.REQ_UPSTREAM_SET;

	cr_assert_eq(start("listener.upstream_set",
			 "{\"name\": \"pos\", \"upstream\": \"a:1\","
			 " \"mode\": \"maint\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.kind, IPC_REQ_UPSTREAM_SET);
	cr_expect_eq(call.method->right, RIGHT_DO);
	cr_expect_eq(m->request, 7);
	cr_expect_eq(m->mode, UPSTREAM_MODE_MAINT);
	cr_expect_str_eq(m->name, "pos");
	cr_expect_str_eq(m->upstream, "a:1");
	expect_rows();
}

struct bad_case {
	const char params[96];
	const char want[96];
};

ParameterizedTestParameters(method_upstream, refuses)
{
	static struct bad_case cases[] = {
		{ "{\"name\": \"pos\", \"upstream\": \"a:1\"}",
		    "mode: is missing" },
		{ "{\"name\": \"pos\", \"mode\": \"drain\"}",
		    "upstream: is missing" },
		{ "{\"name\": \"pos\", \"upstream\": \"a\", \"mode\": \"up\"}",
		    "mode: must be ready, drain or maint, not \"up\"" },
		{ "{\"name\": \"pos\", \"upstream\": 3, \"mode\": \"drain\"}",
		    "upstream: must be a string" },
	};

	return cr_make_param_array(struct bad_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_case *k, method_upstream, refuses)
{
	cr_expect_eq(start("listener.upstream_set", k->params), METHOD_FAILED);
	cr_expect_str_eq(call.error.text, k->want, "%s", call.error.text);
}

/* One that nobody can have is not cut to one that somebody has. */
Test(method_upstream, bears_a_long_name)
{
	char params[1000];

	(void)snprintf(params, sizeof(params),
	    "{\"name\": \"pos\", \"upstream\": \"%0600d\","
	    " \"mode\": \"drain\"}",
	    1);
	cr_expect_eq(start("listener.upstream_set", params), METHOD_FAILED);
}
