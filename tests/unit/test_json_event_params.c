#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/event.h"
#include "json/event_params.h"

static int
filter(const char *text, struct event_filter *out, char *e)
{
	json_t *params = json_loads(text, 0, NULL);
	int r;

	cr_assert_not_null(params, "%s", text);
	r = event_params_filter(params, out, e);
	json_decref(params);
	return r;
}

/* The bits of all types whose name starts like that. */
static uint64_t
family(const char *start)
{
	uint64_t bits = 0;
	unsigned int i;

	for (i = 0; i < EVENT_TYPE_COUNT; i++)
		if (strncmp(event_type_name(i), start, strlen(start)) == 0)
			bits |= (uint64_t)1 << i;
	return bits;
}

#define BIT(TYPE) ((uint64_t)1 << EVENT_##TYPE)

Test(event_params, types)
{
	const struct {
		const char *params;
		uint64_t want;
	} cases[] = {
		{ "{}", 0 },
		{ "{\"type\": \"worker.crashed\"}", BIT(WORKER_CRASHED) },
		{ "{\"type\": \"worker.crashed,daemon.ready\"}",
		    BIT(WORKER_CRASHED) | BIT(DAEMON_READY) },
		{ "{\"type\": [\"worker.crashed\", \"daemon.ready\"]}",
		    BIT(WORKER_CRASHED) | BIT(DAEMON_READY) },
		{ "{\"type\": \"worker\"}", family("worker.") },
		{ "{\"type\": \"worker.*\"}", family("worker.") },
		{ "{\"type\": [\"worker.*,store\", \"daemon.ready\"]}",
		    family("worker.") | family("store.") | BIT(DAEMON_READY) },
	};
	struct event_filter got;
	char e[EVENT_PARAMS_TEXT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(filter(cases[i].params, &got, e), 0, "%s", e);
		cr_expect_eq(got.types, cases[i].want, "%s: %llx",
		    cases[i].params, (unsigned long long)got.types);
		cr_expect_eq(got.severities, 0);
		cr_expect_str_eq(got.listener, "");
		cr_expect_eq(got.since_ms, 0);
	}
	cr_expect_neq(family("worker."), 0);
}

Test(event_params, severities_and_listener)
{
	struct event_filter got;
	char e[EVENT_PARAMS_TEXT_SIZE];

	cr_assert_eq(
	    filter("{\"severity\": \"error\", \"listener\": \"pos\"}", &got, e),
	    0);
	cr_expect_eq(got.severities, 1u << EVENT_SEVERITY_ERROR);
	cr_expect_str_eq(got.listener, "pos");
	cr_assert_eq(
	    filter("{\"severity\": [\"info\", \"warning,error\"]}", &got, e),
	    0);
	cr_expect_eq(got.severities, 7);
}

struct bad_case {
	char params[80];
	char says[32];
};

ParameterizedTestParameters(event_params, are_refused)
{
	static struct bad_case cases[] = {
		{ "{\"type\": \"\"}", "cleanup.completed" },
		{ "{\"type\": \",\"}", "cleanup.completed" },
		{ "{\"type\": \"daemon.ready,\"}", "daemon.started" },
		{ "{\"type\": \"work\"}", "no \"work\"" },
		{ "{\"type\": \"worker.\"}", "no \"worker.\"" },
		{ "{\"type\": \"*\"}", "no \"*\"" },
		{ "{\"type\": \".*\"}", "no \".*\"" },
		{ "{\"type\": \"worker.crashed.*\"}", "worker.crashed.*" },
		{ "{\"type\": \"worker.crash\"}", "worker.crashed" },
		{ "{\"type\": [\"daemon\", \"Worker\"]}", "no \"Worker\"" },
		{ "{\"type\": \"a\\u001bb\"}", "a\\x1bb" },
		{ "{\"type\": []}", "empty" },
		{ "{\"severity\": []}", "empty" },
		{ "{\"severity\": \"warn\"}", "info, warning, error" },
		{ "{\"severity\": \"error.*\"}", "info, warning, error" },
		{ "{\"listener\": \"\"}", "listener" },
		{ "{\"listener\": \"a/b\"}", "listener" },
	};

	return cr_make_param_array(struct bad_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_case *k, event_params, are_refused)
{
	struct event_filter got;
	char e[EVENT_PARAMS_TEXT_SIZE];

	cr_assert_eq(filter(k->params, &got, e), -1, "%s", k->params);
	cr_expect_not_null(strstr(e, k->says), "%s", e);
}

Test(event_params, numbers)
{
	const uint64_t range[2] = { 1, 10 };
	const struct {
		const char *params;
		int want;
		uint64_t number;
	} cases[] = {
		{ "{}", 0, 99 },
		{ "{\"n\": 1}", 0, 1 },
		{ "{\"n\": 10}", 0, 10 },
		{ "{\"n\": 0}", -1, 99 },
		{ "{\"n\": 11}", -1, 99 },
		{ "{\"n\": -1}", -1, 99 },
	};
	char e[EVENT_PARAMS_TEXT_SIZE];
	json_t *params;
	uint64_t got;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = 99;
		params = json_loads(cases[i].params, 0, NULL);
		cr_expect_eq(event_params_number(params, "n", range, &got, e),
		    cases[i].want, "%s", cases[i].params);
		cr_expect_eq(got, cases[i].number, "%s", cases[i].params);
		json_decref(params);
	}
}
