#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "ctl/listener_text.h"

struct state_case {
	char json[160];
	char state[40];
	char full[48];
	char reason[64];
};

ParameterizedTestParameters(listener_text, state)
{
	static struct state_case cases[] = {
		{ "{}", "-", "-", "" },
		{ "{\"state\": \"listening\", \"last_error\": \"is over\"}",
		    "listening", "listening", "" },
		{ "{\"state\": \"listening\", \"ready\": true,"
		  " \"not_ready\": null}",
		    "listening", "listening", "" },
		{ "{\"state\": \"listening\", \"ready\": false,"
		  " \"not_ready\": \"a worker is late\"}",
		    "listening (not ready)", "listening (not ready)",
		    "a worker is late" },
		{ "{\"state\": \"listening\", \"drain\": true,"
		  " \"ready\": false, \"not_ready\": \"it is drained\"}",
		    "listening (drained)", "listening (drained)", "" },
		{ "{\"state\": \"listening\", \"connections\": 5,"
		  " \"max_connections\": 5}",
		    "listening (full)", "listening (full)", "" },
		{ "{\"state\": \"listening\", \"connections\": 5,"
		  " \"max_connections\": 0}",
		    "listening", "listening", "" },
		{ "{\"state\": \"paused\", \"queueing\": true,"
		  " \"ready\": false, \"not_ready\": \"it is paused\"}",
		    "paused (queue)", "paused (queue)", "" },
		{ "{\"state\": \"retrying\", \"bind_attempts\": 2,"
		  " \"retry_in_ms\": 3999, \"last_error\": \"in use\"}",
		    "retrying", "retrying (attempt 2, next in 3s)",
		    "attempt 2, next in 3s: in use" },
		{ "{\"state\": \"failed\", \"last_error\": \"gave up\","
		  " \"ready\": false, \"not_ready\": \"it has failed\"}",
		    "failed", "failed", "gave up" },
		{ "{\"state\": \"degraded\", \"ready\": false,"
		  " \"not_ready\": \"a slot is down\"}",
		    "degraded", "degraded", "a slot is down" },
	};

	return cr_make_param_array(struct state_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct state_case *k, listener_text, state)
{
	char state[LISTENER_STATE_SIZE], reason[LISTENER_REASON_SIZE];
	json_t *l = json_loads(k->json, 0, NULL);

	cr_assert_not_null(l, "%s", k->json);
	listener_state(l, state);
	cr_expect_str_eq(state, k->state, "%s", state);
	listener_state_long(l, state);
	cr_expect_str_eq(state, k->full, "%s", state);
	cr_expect_eq(listener_reason(l, reason), k->reason[0] != '\0');
	cr_expect_str_eq(reason, k->reason, "%s", reason);
	json_decref(l);
}

Test(listener_text, figures)
{
	json_t *l =
	    json_loads("{\"protocol\": \"echo\", \"transport\": \"tls\","
		       " \"rejected\": 1, \"denied\": 20,"
		       " \"handshake_failures\": 300,"
		       " \"accept_errors\": 4000,"
		       " \"workers\": [{\"state\": \"running\"},"
		       " {\"state\": \"backoff\"}, 5]}",
		0, NULL);
	char protocol[LISTENER_PROTOCOL_SIZE];

	cr_assert_not_null(l);
	cr_expect_eq(listener_errors(l), 4321);
	cr_expect_eq(listener_running(l), 1);
	listener_protocol(l, protocol);
	cr_expect_str_eq(protocol, "echo (tls)", "%s", protocol);
	json_object_set_new(l, "transport", json_string("unix"));
	listener_protocol(l, protocol);
	cr_expect_str_eq(protocol, "echo", "%s", protocol);
	json_decref(l);
}
