#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>
#include <unistd.h>

#include "option/option.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An ordinary user that every system has. */
#define ORDINARY_UID 65534
#define ORDINARY_USER "nobody"

/* 65 bytes. */
#define LONG_NAME                                   \
	"12345678901234567890123456789012345678901" \
	"234567890123456789012345"

static json_t *
parse(const char *text)
{
	json_t *object = json_loads(text, JSON_DECODE_ANY, NULL);

	cr_assert_not_null(object, "the test's JSON: %s", text);
	return object;
}

/* A function that makes a listener of options. */
typedef int make_fn(const char *name, const json_t *options, struct wanted *out,
    struct err *err);

/* Of what it makes only spec and set. */
static int
make(make_fn *f, const json_t *options, struct listener_spec *spec,
    option_set *set, struct err *err)
{
	struct wanted w = { 0 };
	const int result = f("pos", options, &w, err);

	*spec = w.spec;
	*set = w.set;
	wanted_clear(&w);
	return result;
}

static int
listener(const char *options, struct listener_spec *spec, option_set *set,
    struct err *err)
{
	json_t *object = parse(options);
	int result;

	err->text[0] = '\0';
	result = make(option_listener, object, spec, set, err);
	json_decref(object);
	return result;
}

/* Become an ordinary user in this test, if it is run by root. */
static void
be_ordinary(void)
{
	if (geteuid() == 0)
		cr_assert_eq(seteuid(ORDINARY_UID), 0);
}

Test(option, defaults_are_filled_in)
{
	struct listener_spec s;
	struct err err;
	option_set set;

	cr_assert_eq(listener("{\"port\": 9100, \"protocol\": \"discard\"}", &s,
			 &set, &err),
	    0, "%s", err.text);
	cr_expect_str_eq(s.name, "pos");
	cr_expect_str_eq(s.pool, "pos");
	cr_expect_str_eq(s.address, "::");
	cr_expect_str_eq(s.path, "");
	cr_expect_eq(s.port, 9100);
	cr_expect_eq(s.transport, TRANSPORT_TCP);
	cr_expect_eq(s.protocol, PROTOCOL_DISCARD);
	cr_expect_eq(s.workers, SPEC_WORKERS_AUTO);
	cr_expect_eq(s.backlog, 1024);
	cr_expect_eq(s.nodelay, 1);
	cr_expect_eq(s.keepalive.idle_s, 60);
	cr_expect_eq(s.drain_timeout_ms, 15000);
	cr_expect_eq(s.bind_attempts, 4);
	cr_expect_eq(s.bind_backoff_ms, 1000);
	cr_expect_eq(s.bind_backoff_max_ms, 30000);
	cr_expect_eq(s.required, 1);
	cr_expect_eq(s.restart, RESTART_PERMANENT);
	cr_expect_eq(s.max_restarts, 10);
	cr_expect_eq(s.max_seconds, 60);
	cr_expect_eq(s.hang_timeout_ms, 10000);
	cr_expect_eq(s.record_connections, 0);
	cr_expect_eq(s.owner, SPEC_NO_ID);
	cr_expect_eq(s.group, SPEC_NO_ID);
	cr_expect_eq(set, OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PROTOCOL));
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
}

Test(option, path_makes_a_unix_listener)
{
	struct listener_spec s;
	struct err err;
	option_set set;

	cr_assert_eq(listener("{\"path\": \"/run/pos.sock\", \"mode\": "
			      "\"0600\", \"owner\": 12, \"group\": \"34\", "
			      "\"protocol\": \"echo\"}",
			 &s, &set, &err),
	    0, "%s", err.text);
	cr_expect_eq(s.transport, TRANSPORT_UNIX);
	cr_expect_str_eq(s.address, "");
	cr_expect_str_eq(s.path, "/run/pos.sock");
	cr_expect_eq(s.mode, 0600);
	cr_expect_eq(s.owner, 12);
	cr_expect_eq(s.group, 34);
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
}

Test(option, text_and_json_values_mean_the_same)
{
	struct listener_spec a, b;
	struct err err;
	option_set set_a, set_b;

	cr_assert_eq(
	    listener("{\"port\": 9100, \"protocol\": \"echo\", "
		     "\"nodelay\": false, \"workers\": 2, \"backlog\": 7}",
		&a, &set_a, &err),
	    0, "%s", err.text);
	cr_assert_eq(
	    listener(
		"{\"port\": \"9100\", \"protocol\": \"echo\", "
		"\"nodelay\": \"off\", \"workers\": \"2\", \"backlog\": \"7\"}",
		&b, &set_b, &err),
	    0, "%s", err.text);
	cr_expect_eq(set_a, set_b);
	cr_expect_eq(memcmp(&a, &b, sizeof(a)), 0);
}

Test(option, a_shorter_string_leaves_nothing_of_the_default)
{
	struct listener_spec a, b;
	struct err err;
	option_set set;

	cr_assert_eq(listener("{\"port\": 1, \"protocol\": \"echo\", "
			      "\"pool\": \"p\", \"address\": \"::\"}",
			 &a, &set, &err),
	    0);
	memset(&b, 0xff, sizeof(b));
	cr_assert_eq(listener("{\"port\": 1, \"protocol\": \"echo\", "
			      "\"pool\": \"p\"}",
			 &b, &set, &err),
	    0);
	cr_expect_eq(memcmp(&a, &b, sizeof(a)), 0);
}

struct bad_case {
	char options[128];
	char error[128]; /* the start of the error's text */
};

ParameterizedTestParameters(option, bad_listeners_are_refused)
{
	static struct bad_case cases[] = {
		{ "{\"prot\": 1}",
		    "\"prot\" is no option of a listener: did you mean "
		    "\"port\"?" },
		{ "{\"colour\": 1}",
		    "\"colour\" is no option of a listener: must be "
		    "address, port" },
		{ "{\"a\\nb\": 1}", "\"a\\x0ab\" is no option" },
		{ "{\"protocol\": \"echo\"}", "port: is missing" },
		{ "{\"port\": 1}",
		    "protocol: is missing: echo, discard, proxy, exec or "
		    "module" },
		{ "{\"port\": 70000}",
		    "port: 70000 is out of range: 0 to 65535" },
		{ "{\"port\": -1}", "port: \"-1\" is no whole number" },
		{ "{\"port\": 1.5}",
		    "port: must be a whole number, not a number with a" },
		{ "{\"port\": true}",
		    "port: must be a whole number, not a boolean" },
		{ "{\"port\": null}",
		    "port: must be a whole number, not null" },
		{ "{\"port\": [1]}",
		    "port: must be a whole number, not an array" },
		{ "{\"port\": {}}",
		    "port: must be a whole number, not an object" },
		{ "{\"port\": \"http\"}", "port: \"http\" is no whole number" },
		{ "{\"port\": 9223372036854775807}",
		    "port: 9223372036854775807 is out of range" },
		{ "{\"protocol\": \"http\"}",
		    "protocol: \"http\" is unknown: must be echo, " },
		{ "{\"protocol\": 1}", "protocol: must be a word in a string" },
		{ "{\"transport\": \"udp\"}",
		    "transport: \"udp\" is unknown: must be tcp, unix or "
		    "tls" },
		{ "{\"port\": 1, \"protocol\": \"echo\", "
		  "\"transport\": \"tls\"}",
		    "tls: is missing: transport \"tls\" needs a certificate" },
		{ "{\"nodelay\": 1}", "nodelay: must be true or false" },
		{ "{\"nodelay\": \"maybe\"}", "nodelay: \"maybe\" is neither" },
		{ "{\"mode\": 660}", "mode: must be octal digits in a string" },
		{ "{\"drain_timeout\": 15}",
		    "drain_timeout: must be a string with a unit" },
		{ "{\"drain_timeout\": \"2d\"}",
		    "drain_timeout: 2d is out of range: 0s to 1d" },
		{ "{\"keepalive\": false}", "keepalive: must be a string" },
		{ "{\"address\": \"localhost\"}",
		    "address: \"localhost\" is no numeric address" },
		{ "{\"backlog\": 0}", "backlog: 0 is out of range: 1 to" },
		{ "{\"workers\": 1025}", "workers: 1025 is out of range" },
		{ "{\"pool\": \"a/b\"}", "pool: name may not contain" },
		{ "{\"pool\": \"\"}", "pool: name is empty" },
		{ "{\"path\": \"run/x\"}", "path: \"run/x\" is no absolute" },
		{ "{\"owner\": \"no such user\"}",
		    "owner: there is no user \"no such user\"" },
		{ "{\"group\": \"no such group\"}",
		    "group: there is no group \"no such group\"" },
		{ "{\"owner\": 4294967295}",
		    "owner: 4294967295 is out of range" },
		{ "{\"port\": 1, \"path\": \"/x\", \"protocol\": \"echo\"}",
		    "port: does not go with path" },
		{ "{\"port\": 1, \"transport\": \"unix\", "
		  "\"protocol\": \"echo\"}",
		    "transport: unix does not go with port" },
		{ "{\"path\": \"/x\", \"transport\": \"tcp\", "
		  "\"protocol\": \"echo\"}",
		    "transport: tcp does not go with path" },
		{ "{\"port\": 1, \"mode\": \"0600\", "
		  "\"protocol\": \"echo\"}",
		    "mode: goes with path only" },
		{ "{\"port\": 1, \"owner\": 0, \"protocol\": \"echo\"}",
		    "owner: goes with path only" },
		{ "{\"port\": 1, \"group\": 0, \"protocol\": \"echo\"}",
		    "group: goes with path only" },
		{ "{\"path\": \"/x\", \"address\": \"::\", "
		  "\"protocol\": \"echo\"}",
		    "address: does not go with path" },
		{ "{\"path\": \"/x\", \"nodelay\": true, "
		  "\"protocol\": \"echo\"}",
		    "nodelay: does not go with path" },
		{ "{\"path\": \"/x\", \"keepalive\": \"off\", "
		  "\"protocol\": \"echo\"}",
		    "keepalive: does not go with" },
		{ "{\"bind_attempts\": 0}",
		    "bind_attempts: 0 is out of range: 1 to 1000" },
		{ "{\"bind_backoff\": \"9ms\"}",
		    "bind_backoff: 9ms is out of range: 10ms to 1d" },
		{ "{\"bind_backoff_max\": 30}",
		    "bind_backoff_max: must be a string with a unit" },
		{ "{\"port\": 1, \"protocol\": \"echo\", "
		  "\"bind_backoff\": \"31s\"}",
		    "bind_backoff_max: 30000 ms is less than the 31000 ms" },
		{ "{\"required\": 1}", "required: must be true or false" },
		{ "{\"restart\": \"always\"}",
		    "restart: \"always\" is unknown: must be permanent, "
		    "transient or temporary" },
		{ "{\"max_restarts\": 100001}",
		    "max_restarts: 100001 is out of range: 0 to 100000" },
		{ "{\"max_seconds\": 0}",
		    "max_seconds: 0 is out of range: 1 to 86400" },
		{ "{\"hang_timeout\": \"999ms\"}",
		    "hang_timeout: 999ms is out of range: 1s to 1d" },
		{ "{\"record_connections\": 1}",
		    "record_connections: must be true or false, not a" },
		{ "[]", "the options of a listener must be a JSON object" },
		{ "null", "the options of a listener must be a JSON object" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, option, bad_listeners_are_refused)
{
	struct listener_spec s;
	struct err err;
	option_set set;

	cr_expect_eq(listener(k->options, &s, &set, &err), -1, "%s",
	    k->options);
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0, "%s: %s",
	    k->options, err.text);
	cr_expect_null(strchr(err.text, '\n'));
}

Test(option, a_path_fits_sun_path_or_is_refused)
{
	char path[SPEC_PATH_SIZE + 1], text[256];
	struct listener_spec s;
	struct err err;
	option_set set;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[SPEC_PATH_SIZE] = '\0';
	(void)snprintf(text, sizeof(text),
	    "{\"path\": \"%s\", \"protocol\": \"echo\"}", path);
	cr_expect_eq(listener(text, &s, &set, &err), -1);
	cr_expect_not_null(strstr(err.text, "108 bytes, must be at most 107"),
	    "%s", err.text);
	path[SPEC_PATH_SIZE - 1] = '\0';
	(void)snprintf(text, sizeof(text),
	    "{\"path\": \"%s\", \"protocol\": \"echo\"}", path);
	cr_expect_eq(listener(text, &s, &set, &err), 0, "%s", err.text);
}

/* It is bound as PATH.PID first, and a pid has up to seven digits. */
Test(option, the_control_socket_leaves_room_for_its_first_name)
{
	char path[SPEC_PATH_SIZE] = "/";
	struct err err = { 0 };

	memset(path + 1, 'x', 98);
	cr_expect_eq(
	    option_check_value(OPTION_DAEMON, "control_socket", path, &err), 0,
	    "%s", err.text);
	path[99] = 'x';
	cr_expect_eq(
	    option_check_value(OPTION_DAEMON, "control_socket", path, &err),
	    -1);
	cr_expect_not_null(strstr(err.text, "100 bytes, must be at most 99"),
	    "%s", err.text);
	memset(path + 1, 'x', sizeof(path) - 2);
	cr_expect_eq(option_check_value(OPTION_LISTENER, "path", path, &err), 0,
	    "%s", err.text);
}

Test(option, bad_listener_names_are_refused)
{
	static const char *const names[] = { "", "a/b", "a\nb", "\x80",
		LONG_NAME };
	json_t *options = parse("{\"port\": 1, \"protocol\": \"echo\"}");
	struct wanted w;
	struct err err;
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		cr_expect_eq(option_listener(names[i], options, &w, &err), -1,
		    "%s", names[i]);
	json_decref(options);
}

Test(option, an_update_needs_no_place)
{
	json_t *options = parse("{\"backlog\": 5, \"nodelay\": false}");
	struct listener_spec s;
	struct err err;
	option_set set;

	cr_assert_eq(make(option_listener_update, options, &s, &set, &err), 0,
	    "%s", err.text);
	cr_expect_eq(set, OPTION_BIT(OPT_BACKLOG) | OPTION_BIT(OPT_NODELAY));
	cr_expect_eq(s.backlog, 5);
	cr_expect_eq(s.nodelay, 0);
	cr_expect_str_eq(s.name, "pos");
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
	json_decref(options);
}

Test(option, an_update_is_checked_too)
{
	json_t *options = parse("{\"backlog\": 70000}");
	struct listener_spec s;
	struct err err;
	option_set set;

	cr_expect_eq(make(option_listener_update, options, &s, &set, &err), -1);
	cr_expect_eq(strncmp(err.text, "backlog: 70000", 14), 0, "%s",
	    err.text);
	json_decref(options);
}

/* What option_listener_json() writes, option_listener() reads. */
static void
check_round_trip(const char *text)
{
	json_t *given = parse(text), *object;
	struct wanted a, b;
	struct err err;

	cr_assert_eq(option_listener("pos", given, &a, &err), 0, "%s",
	    err.text);
	object = option_listener_json(&a);
	cr_assert_not_null(object);
	cr_assert_eq(option_listener("pos", object, &b, &err), 0, "%s",
	    err.text);
	cr_expect_eq(a.set, b.set);
	cr_expect_eq(memcmp(&a.spec, &b.spec, sizeof(a.spec)), 0, "%s", text);
	wanted_clear(&a);
	wanted_clear(&b);
	json_decref(object);
	json_decref(given);
}

Test(option, json_round_trip)
{
	check_round_trip("{\"port\": 0, \"protocol\": \"echo\"}");
	check_round_trip(
	    "{\"port\": 9100, \"protocol\": \"discard\", "
	    "\"address\": \"10.0.0.1\", \"transport\": \"tcp\", "
	    "\"pool\": \"p\", \"workers\": \"auto\", \"backlog\": 9, "
	    "\"nodelay\": false, \"keepalive\": \"off\", "
	    "\"drain_timeout\": \"1500ms\"}");
	check_round_trip("{\"port\": 1, \"protocol\": \"echo\", "
			 "\"workers\": 3, \"keepalive\": \"2m/9s/5\"}");
	check_round_trip("{\"path\": \"/x\", \"protocol\": \"echo\", "
			 "\"mode\": \"0007\", \"owner\": 5, \"group\": \"\", "
			 "\"transport\": \"unix\"}");
}

Test(option, json_round_trip_of_supervision)
{
	check_round_trip(
	    "{\"port\": 1, \"protocol\": \"echo\", \"bind_attempts\": 7, "
	    "\"bind_backoff\": \"250ms\", \"bind_backoff_max\": \"2s\", "
	    "\"required\": false, \"restart\": \"temporary\", "
	    "\"max_restarts\": 0, \"max_seconds\": 5, "
	    "\"hang_timeout\": \"90s\", \"record_connections\": true}");
}

Test(option, bind_backoff_may_be_as_long_as_its_max)
{
	json_t *options = parse("{\"bind_backoff\": \"60s\"}");
	struct listener_spec s;
	struct err err;
	option_set set;

	cr_expect_eq(listener("{\"port\": 1, \"protocol\": \"echo\", "
			      "\"bind_backoff\": \"30s\"}",
			 &s, &set, &err),
	    0, "%s", err.text);
	/* What the listener has is not known yet: that is checked later. */
	cr_expect_eq(make(option_listener_update, options, &s, &set, &err), 0,
	    "%s", err.text);
	json_decref(options);
	cr_expect_eq(spec_check(&s, &err), -1);
}

Test(option, text_of_a_value)
{
	char text[OPTION_VALUE_SIZE];
	struct listener_spec s;
	struct err err;
	option_set set;

	cr_assert_eq(listener("{\"port\": 1, \"protocol\": \"echo\", "
			      "\"required\": false}",
			 &s, &set, &err),
	    0);
	option_listener_text(&s, OPT_RESTART, text);
	cr_expect_str_eq(text, "permanent");
	option_listener_text(&s, OPT_MAX_RESTARTS, text);
	cr_expect_str_eq(text, "10");
	option_listener_text(&s, OPT_HANG_TIMEOUT, text);
	cr_expect_str_eq(text, "10s");
	option_listener_text(&s, OPT_REQUIRED, text);
	cr_expect_str_eq(text, "false");
}

static int
group_section(const char *options, struct group_spec *g, struct err *err)
{
	json_t *object = parse(options);
	int result;

	err->text[0] = '\0';
	result = option_group("g", object, g, err);
	json_decref(object);
	return result;
}

Test(option, group_defaults)
{
	struct group_spec g;
	struct err err;

	memset(&g, 0xff, sizeof(g));
	cr_assert_eq(group_section("{}", &g, &err), 0, "%s", err.text);
	cr_expect_str_eq(g.name, "g");
	cr_expect_eq(g.strategy, STRATEGY_ONE_FOR_ONE);
	cr_expect_eq(g.max_restarts, 10);
	cr_expect_eq(g.max_seconds, 60);
	cr_expect_eq(g.children, 0);
	cr_expect_eq(g.unused[0] | g.unused[1], 0);
}

Test(option, group_takes_what_is_given)
{
	struct group_spec g;
	struct err err;

	cr_assert_eq(group_section("{\"strategy\": \"rest_for_one\", "
				   "\"max_restarts\": \"0\", "
				   "\"max_seconds\": 5}",
			 &g, &err),
	    0, "%s", err.text);
	cr_expect_eq(g.strategy, STRATEGY_REST_FOR_ONE);
	cr_expect_eq(g.max_restarts, 0);
	cr_expect_eq(g.max_seconds, 5);
}

ParameterizedTestParameters(option, bad_groups_are_refused)
{
	static struct bad_case cases[] = {
		{ "{\"strategi\": 1}",
		    "\"strategi\" is no option of a group: did you mean "
		    "\"strategy\"?" },
		{ "{\"strategy\": \"all\"}",
		    "strategy: \"all\" is unknown: must be one_for_one, "
		    "one_for_all or rest_for_one" },
		{ "{\"max_restarts\": -1}", "max_restarts: \"-1\" is no" },
		{ "{\"max_seconds\": 0}", "max_seconds: 0 is out of range" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, option, bad_groups_are_refused)
{
	struct group_spec g;
	struct err err;

	cr_expect_eq(group_section(k->options, &g, &err), -1, "%s", k->options);
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0, "%s: %s",
	    k->options, err.text);
}

Test(option, group_names_are_checked)
{
	json_t *options = parse("{}");
	struct group_spec g;
	struct err err;

	cr_expect_eq(option_group("", options, &g, &err), -1);
	cr_expect_eq(option_group(LONG_NAME, options, &g, &err), -1);
	cr_expect_eq(option_check_value(OPTION_GROUP, "children", "a/b", &err),
	    -1);
	cr_expect_eq(option_check_value(OPTION_GROUP, "children", "a", &err),
	    0);
	json_decref(options);
}

Test(option, values_are_checked_alone)
{
	struct err err;

	cr_expect_eq(option_check_value(OPTION_LISTENER, "port", "1", &err), 0);
	cr_expect_eq(option_check_value(OPTION_LISTENER, "port", "x", &err),
	    -1);
	cr_expect_eq(
	    option_check_value(OPTION_LISTENER, "owner", "no such user", &err),
	    0, "users are looked up later");
	cr_expect_eq(option_check_value(OPTION_DAEMON, "port", "1", &err), -1);
	cr_expect_eq(option_check_value(OPTION_DAEMON, "state-dir", "", &err),
	    -1);
	cr_expect_str_eq(err.text,
	    "\"state-dir\" is no option of the daemon "
	    "section: did you mean \"state_dir\"?");
	cr_expect_eq(option_check_value(OPTION_DAEMON, "log", "x", &err), -1);
	cr_expect_str_eq(err.text,
	    "log: \"x\" is unknown: must be stderr or syslog");
}

static int
daemon_section(const char *options, struct daemon_settings *d, struct err *err)
{
	json_t *object = parse(options);
	int result;

	err->text[0] = '\0';
	result = option_daemon(object, d, err);
	json_decref(object);
	return result;
}

Test(option, daemon_defaults_for_an_ordinary_user)
{
	struct daemon_settings d;
	struct err err;

	be_ordinary();
	cr_assert_eq(daemon_section("{}", &d, &err), 0, "%s", err.text);
	cr_expect_str_eq(d.user, "mercury");
	cr_expect_eq(d.uid, SPEC_NO_ID);
	cr_expect_eq(d.gid, SPEC_NO_ID);
	cr_expect_eq(d.readers_gid, SPEC_NO_ID);
	cr_expect_eq(d.shutdown_deadline_ms, 15000);
	cr_expect_eq(d.lame_duck_ms, 0);
	cr_expect_eq(d.sandbox, 1);
	cr_expect_str_eq(d.control_socket, "/run/mercury/control.sock");
	cr_expect_str_eq(d.state_dir, "/var/lib/mercury");
	cr_expect_eq(d.log.target, LOG_TARGET_SYSLOG);
	cr_expect_eq(d.log.format, LOG_FORMAT_TEXT);
	cr_expect_eq(d.log.level, LOG_LEVEL_INFO);
}

Test(option, daemon_takes_what_is_given)
{
	struct daemon_settings d;
	struct err err;

	be_ordinary();
	cr_assert_eq(
	    daemon_section(
		"{\"user\": \"no such user\", "
		"\"shutdown_deadline\": \"1m\", \"control_socket\": \"/c\", "
		"\"lame_duck\": \"5s\", \"sandbox\": false, "
		"\"control_group\": \"\", \"control_readers\": 7, "
		"\"state_dir\": \"/s\", \"log\": \"stderr\", "
		"\"log_format\": \"json\", \"log_level\": \"debug\"}",
		&d, &err),
	    0, "%s", err.text);
	cr_expect_eq(d.uid, SPEC_NO_ID, "the user is of no effect");
	cr_expect_eq(d.shutdown_deadline_ms, 60000);
	cr_expect_eq(d.lame_duck_ms, 5000);
	cr_expect_eq(d.sandbox, 0);
	cr_expect_eq(d.control_gid, SPEC_NO_ID);
	cr_expect_eq(d.readers_gid, 7);
	cr_expect_eq(d.log.target, LOG_TARGET_STDERR);
	cr_expect_eq(d.log.format, LOG_FORMAT_JSON);
	cr_expect_eq(d.log.level, LOG_LEVEL_DEBUG);
}

Test(option, daemon_user_is_resolved_for_root)
{
	struct daemon_settings d;
	struct err err;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(
	    daemon_section("{\"user\": \"" ORDINARY_USER "\"}", &d, &err), 0,
	    "%s", err.text);
	cr_expect_str_eq(d.user, ORDINARY_USER);
	cr_expect_eq(d.uid, ORDINARY_UID);
	cr_expect_neq(d.gid, SPEC_NO_ID);
	cr_expect_eq(daemon_section("{\"user\": \"no such user\"}", &d, &err),
	    -1);
	cr_expect_not_null(strstr(err.text, "adduser"), "%s", err.text);
	cr_expect_eq(daemon_section("{\"user\": \"0\"}", &d, &err), -1);
	cr_expect_not_null(strstr(err.text, "is root"), "%s", err.text);
}

ParameterizedTestParameters(option, bad_daemon_sections_are_refused)
{
	static struct bad_case cases[] = {
		{ "{\"usr\": \"x\"}", "\"usr\" is no option of the daemon" },
		{ "{\"user\": \"\"}", "user: \"\" must have 1 to 63 bytes" },
		{ "{\"user\": 5}", "user: must be a string, not a number" },
		{ "{\"control_group\": \"no such group\"}",
		    "control_group: there is no group" },
		{ "{\"control_readers\": \"no such group\"}",
		    "control_readers: there is no group" },
		{ "{\"log\": \"file\"}", "log: \"file\" is unknown" },
		{ "{\"log_level\": \"verbose\"}", "log_level: \"verbose\" is" },
		{ "{\"shutdown_deadline\": \"15\"}",
		    "shutdown_deadline: \"15\" is no duration" },
		{ "{\"state_dir\": \"state\"}", "state_dir: \"state\" is no" },
		{ "{\"control_socket\": \"/run/\"}",
		    "control_socket: \"/run/\" must not end with /" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, option, bad_daemon_sections_are_refused)
{
	struct daemon_settings d;
	struct err err;

	cr_expect_eq(daemon_section(k->options, &d, &err), -1, "%s",
	    k->options);
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0, "%s: %s",
	    k->options, err.text);
}

static int
store_section(const char *options, const char *state_dir,
    struct store_settings *s, struct err *err)
{
	json_t *object = parse(options);
	int result;

	err->text[0] = '\0';
	result = option_store(object, state_dir, s, err);
	json_decref(object);
	return result;
}

Test(option, store_defaults)
{
	struct store_settings s, zero;
	struct err err;
	size_t len;

	memset(&s, 0xff, sizeof(s));
	cr_assert_eq(store_section("{}", "/var/lib/mercury", &s, &err), 0, "%s",
	    err.text);
	cr_expect_str_eq(s.database, "/var/lib/mercury/health.db");
	cr_expect_eq(s.retention_ms, UINT64_C(30) * 86400000);
	cr_expect_eq(s.max_events, 1000000);
	cr_expect_eq(s.cleanup_every_ms, 3600000);
	/* Nothing of what was there is left behind the path. */
	memset(&zero, 0, sizeof(zero));
	len = strlen(s.database);
	cr_expect_eq(memcmp(s.database + len, zero.database + len,
			 sizeof(s.database) - len),
	    0);
}

Test(option, store_takes_what_is_given)
{
	struct store_settings s;
	struct err err;

	cr_assert_eq(store_section("{\"database\": \"/d/e.db\", \"retention\": "
				   "\"3650d\", \"max_events\": 1000000000, "
				   "\"cleanup_every\": \"7d\"}",
			 "/s", &s, &err),
	    0, "%s", err.text);
	cr_expect_str_eq(s.database, "/d/e.db");
	cr_expect_eq(s.retention_ms, UINT64_C(3650) * 86400000);
	cr_expect_eq(s.max_events, 1000000000);
	cr_expect_eq(s.cleanup_every_ms, 7 * 86400000);
	cr_assert_eq(store_section("{\"retention\": \"1s\", "
				   "\"max_events\": \"1\", "
				   "\"cleanup_every\": \"1000ms\"}",
			 "/s", &s, &err),
	    0, "%s", err.text);
	cr_expect_str_eq(s.database, "/s/health.db");
	cr_expect_eq(s.retention_ms, 1000);
	cr_expect_eq(s.max_events, 1);
	cr_expect_eq(s.cleanup_every_ms, 1000);
}

Test(option, an_empty_database_is_no_store)
{
	struct store_settings s;
	struct err err;

	cr_assert_eq(store_section("{\"database\": \"\"}", "/s", &s, &err), 0,
	    "%s", err.text);
	cr_expect_str_eq(s.database, "");
	cr_expect_eq(s.max_events, 1000000);
}

/* What stands beside the database has longer names, and they must fit too. */
Test(option, a_state_dir_may_be_too_long_for_a_database)
{
	char state_dir[256] = "/";
	struct store_settings s;
	struct err err;

	memset(state_dir + 1, 'x', 209);
	cr_expect_eq(store_section("{}", state_dir, &s, &err), 0, "%s",
	    err.text);
	cr_expect_eq(strlen(s.database), 220);
	memset(state_dir + 1, 'x', 210);
	cr_expect_eq(store_section("{}", state_dir, &s, &err), -1);
	cr_expect_eq(strncmp(err.text, "database: ", 10), 0, "%s", err.text);
	cr_expect_not_null(strstr(err.text, "221 bytes, must be at most 220"),
	    "%s", err.text);
	cr_expect_str_eq(s.database, "");
	cr_expect_eq(s.cleanup_every_ms, 3600000);
	cr_expect_eq(
	    store_section("{\"database\": \"/x\"}", state_dir, &s, &err), 0,
	    "%s", err.text);
}

ParameterizedTestParameters(option, bad_store_sections_are_refused)
{
	static struct bad_case cases[] = {
		{ "{\"databse\": \"/x\"}",
		    "\"databse\" is no option of the store section: did you "
		    "mean \"database\"?" },
		{ "{\"colour\": 1}",
		    "\"colour\" is no option of the store section: must be "
		    "database, retention, max_events or cleanup_every" },
		{ "{\"database\": \"health.db\"}",
		    "database: \"health.db\" is no absolute path" },
		{ "{\"database\": \"/var/\"}",
		    "database: \"/var/\" must not end with /" },
		{ "{\"database\": \"/a\\nb\"}",
		    "database: \"/a\\x0ab\" may not contain control" },
		{ "{\"database\": 5}",
		    "database: must be an absolute path in a string, or \"\", "
		    "not a number" },
		{ "{\"database\": null}", "database: must be an absolute" },
		{ "{\"retention\": \"30\"}",
		    "retention: \"30\" is no duration: digits and a unit" },
		{ "{\"retention\": 30}",
		    "retention: must be a string with a unit" },
		{ "{\"retention\": \"999ms\"}",
		    "retention: 999ms is out of range: 1s to 3650d" },
		{ "{\"retention\": \"3651d\"}",
		    "retention: 3651d is out of range: 1s to 3650d" },
		{ "{\"retention\": \"99999999999999999999d\"}",
		    "retention: 99999999999999999999d is out of range" },
		{ "{\"max_events\": 0}",
		    "max_events: 0 is out of range: 1 to 1000000000" },
		{ "{\"max_events\": 1000000001}",
		    "max_events: 1000000001 is out of range" },
		{ "{\"max_events\": \"1m\"}",
		    "max_events: \"1m\" is no whole number" },
		{ "{\"cleanup_every\": \"0s\"}",
		    "cleanup_every: 0s is out of range: 1s to 7d" },
		{ "{\"cleanup_every\": \"8d\"}",
		    "cleanup_every: 8d is out of range: 1s to 7d" },
		{ "[]", "the options of the store section must be a JSON" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, option, bad_store_sections_are_refused)
{
	struct store_settings s;
	struct err err;

	cr_expect_eq(store_section(k->options, "/s", &s, &err), -1, "%s",
	    k->options);
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0, "%s: %s",
	    k->options, err.text);
}

Test(option, values_of_the_store_are_checked_alone)
{
	struct err err;

	cr_expect_eq(option_check_value(OPTION_STORE, "database", "", &err), 0,
	    "%s", err.text);
	cr_expect_eq(option_check_value(OPTION_STORE, "database", "x", &err),
	    -1);
	cr_expect_eq(option_check_value(OPTION_STORE, "retention", "90d", &err),
	    0, "%s", err.text);
	cr_expect_eq(option_check_value(OPTION_STORE, "retention", "", &err),
	    -1);
	cr_expect_eq(option_check_value(OPTION_STORE, "port", "1", &err), -1);
}
