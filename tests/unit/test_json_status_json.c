#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/json_rows.h"
#include "json/status_json.h"

#define NO_ENDS                                                             \
	"\"ends\": {\"peer_closed\": 0, \"peer_reset\": 0, "                \
	"\"user_timeout\": 0, \"keepalive\": 0, \"idle_timeout\": 0, "      \
	"\"max_lifetime\": 0, \"handshake_timeout\": 0, \"tls_error\": 0, " \
	"\"protocol_error\": 0, \"denied\": 0, "                            \
	"\"protocol_closed\": 0, \"upstream_closed\": 0, "                  \
	"\"upstream_failed\": 0, \"program_ended\": 0, "                    \
	"\"program_failed\": 0, \"kicked\": 0, \"deadline\": 0, "           \
	"\"no_memory\": 0, \"worker_crash\": 0}, "

/* The contract of DESIGN.md and mercury-control(7), key by key. */
static const char pos[] =
    "{\"name\": \"pos\", \"state\": \"degraded\", "
    "\"required\": true, \"ready\": false, "
    "\"not_ready\": \"it is drained\", \"drain\": true, \"pool\": \"pos\", "
    "\"generation\": 2, \"address\": \"::\", \"port\": 9100, "
    "\"path\": null, \"transport\": \"tcp\", \"protocol\": \"echo\", "
    "\"connections\": 3, \"max_connections\": 0, \"accepted\": 1200, "
    "\"rejected\": 0, \"denied\": 0, \"probes\": 6789, "
    "\"handshake_failures\": 0, \"bytes_in\": 1099511627776, "
    "\"bytes_out\": 5, \"accept_errors\": 9, " NO_ENDS
    "\"probe_kinds\": {\"fin\": 9, \"rst\": 80, \"local\": 700, "
    "\"tls\": 6000}, \"probe_sources\": ["
    "{\"address\": \"192.0.2.7\", \"count\": 6788, "
    "\"last_seen\": \"1970-01-01T00:00:01.001Z\"}, "
    "{\"address\": \"2001:db8::1\", \"count\": 1, "
    "\"last_seen\": \"1970-01-01T00:00:01.000Z\"}], \"restarts\": 1, "
    "\"bind_attempts\": 1, \"retry_in_ms\": null, "
    "\"drain_left_ms\": null, \"queueing\": null, "
    "\"last_error\": \"worker 1: killed by SIGSEGV\", "
    "\"workers\": [{\"slot\": 0, \"pid\": 4250, \"state\": \"running\", "
    "\"connections\": 3, \"uptime_ms\": 11000, \"restarts\": 0}, "
    "{\"slot\": 1, \"pid\": null, \"state\": \"backoff\", "
    "\"connections\": 0, \"uptime_ms\": 0, \"restarts\": 1}]}";

static const char local[] =
    "{\"name\": \"local\", \"state\": \"starting\", "
    "\"required\": false, \"ready\": true, \"not_ready\": null, "
    "\"drain\": false, \"pool\": \"local\", "
    "\"generation\": 0, \"address\": null, \"port\": null, "
    "\"path\": \"/run/local.sock\", \"transport\": \"unix\", "
    "\"protocol\": \"discard\", \"connections\": 0, "
    "\"max_connections\": 0, \"accepted\": 0, \"rejected\": 0, "
    "\"denied\": 0, \"probes\": 0, \"handshake_failures\": 0, "
    "\"bytes_in\": 0, \"bytes_out\": 0, \"accept_errors\": 0, " NO_ENDS
    "\"probe_kinds\": {\"fin\": 0, \"rst\": 0, \"local\": 0, "
    "\"tls\": 0}, \"probe_sources\": [], \"restarts\": 0, \"bind_attempts\": "
    "0, \"retry_in_ms\": null, \"drain_left_ms\": null, "
    "\"queueing\": null, \"last_error\": null, "
    "\"workers\": []}";

static void
expect(json_t *got, const char *want)
{
	char *text = json_dumps(got, 0);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
	json_decref(got);
}

Test(status_json, daemon)
{
	struct snapshot_reader r;
	char *want = NULL;

	json_rows_open(&r);
	cr_assert_neq(asprintf(&want,
			  "{\"version\": \"%s\", \"pid\": 4242, "
			  "\"state\": \"running\", \"ready\": true, "
			  "\"draining\": false, \"not_ready\": null, "
			  "\"uptime_ms\": 12000, \"loop_lag_max_ms\": 3, "
			  "\"listeners\": [%s, %s], \"store\": null}",
			  PACKAGE_VERSION, pos, local),
	    -1);
	expect(status_json_daemon(&r), want);
	free(want);
	snapshot_close(&r);
}

Test(status_json, listener_is_the_first)
{
	struct snapshot_reader r;

	json_rows_open(&r);
	/* Of a snapshot of one listener; here the workers are its own, too. */
	expect(status_json_listener(&r), pos);
	snapshot_close(&r);
}

Test(status_json, a_module_has_counters)
{
	const struct snapshot_listener l = { .spec = { .name = "plc" } };
	const struct snapshot_module m = { .name = "sim",
		.counters = { { "requests", 41 }, { "", 42 }, { "bad", 43 } } };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	struct err err;
	json_t *got;
	int fd;

	snapshot_add(&w, SNAPSHOT_LISTENER, &l, sizeof(l));
	snapshot_add(&w, SNAPSHOT_MODULE, &m, sizeof(m));
	fd = snapshot_seal(&w, &err);
	cr_assert_eq(snapshot_open(&r, fd, &err), 0, "%s", err.text);
	(void)close(fd);
	got = status_json_listener(&r);
	expect(json_incref(json_object_get(got, "module")),
	    "{\"name\": \"sim\", \"counters\": "
	    "{\"requests\": 41, \"bad\": 43}}");
	json_decref(got);
	snapshot_close(&r);
}

struct state_case {
	enum listener_state state;
	uint8_t queueing;
	char want[64];
};

ParameterizedTestParameters(status_json, what_goes_with_a_state)
{
	static struct state_case cases[] = {
		{ LISTENER_LISTENING, 1, "[null, null, null]" },
		{ LISTENER_RETRYING, 1, "[3000, null, null]" },
		{ LISTENER_DRAINING, 1, "[null, 7000, null]" },
		{ LISTENER_PAUSED, 0, "[null, null, false]" },
		{ LISTENER_PAUSED, 1, "[null, null, true]" },
		{ LISTENER_FAILED, 1, "[null, null, null]" },
	};

	return cr_make_param_array(struct state_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct state_case *k, status_json, what_goes_with_a_state)
{
	const struct snapshot_listener l = { .state = k->state,
		.retry_in_ms = 3000,
		.drain_left_ms = 7000,
		.queueing = k->queueing };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	json_t *o;

	snapshot_add(&w, SNAPSHOT_LISTENER, &l, sizeof(l));
	json_rows_seal(&w, &r);
	o = status_json_listener(&r);
	expect(json_pack("[O, O, O]", json_object_get(o, "retry_in_ms"),
		   json_object_get(o, "drain_left_ms"),
		   json_object_get(o, "queueing")),
	    k->want);
	json_decref(o);
	snapshot_close(&r);
}

Test(status_json, list)
{
	struct snapshot_reader r;

	json_rows_open(&r);
	expect(status_json_list(&r),
	    "[{\"name\": \"pos\", \"state\": \"degraded\"}, "
	    "{\"name\": \"local\", \"state\": \"starting\"}]");
	snapshot_close(&r);
}

Test(status_json, without_rows)
{
	struct snapshot_reader r = { 0 };

	cr_expect_null(status_json_daemon(&r));
	cr_expect_null(status_json_listener(&r));
	expect(status_json_list(&r), "[]");
}

/* Of protocol exec; those exits that there were. */
Test(status_json, programs)
{
	const struct snapshot_daemon d = { .pid = 1 };
	const struct exit_sum exits = { .started = 12,
		.failed = 3,
		.codes = { [0] = 4, [255] = 1 },
		.signals = { [9] = 2 } };
	struct snapshot_listener l = { 0 };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	struct err err;
	json_t *all;
	int fd;

	l.spec.protocol = PROTOCOL_EXEC;
	snapshot_add(&w, SNAPSHOT_DAEMON, &d, sizeof(d));
	snapshot_add(&w, SNAPSHOT_LISTENER, &l, sizeof(l));
	snapshot_add(&w, SNAPSHOT_EXITS, &exits, sizeof(exits));
	fd = snapshot_seal(&w, &err);
	cr_assert_neq(fd, -1, "%s", err.text);
	cr_assert_eq(snapshot_open(&r, fd, &err), 0);
	all = status_json_daemon(&r);
	cr_assert_not_null(all);
	expect(
	    json_incref(json_object_get(
		json_array_get(json_object_get(all, "listeners"), 0), "exec")),
	    "{\"running\": 5, \"started\": 12, \"failed\": 3, "
	    "\"exits\": {\"0\": 4, \"255\": 1}, \"signals\": {\"9\": 2}}");
	json_decref(all);
	snapshot_close(&r);
	(void)close(fd);
}
