#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/snapshot.h"
#include "control/method.h"
#include "unit/json_rows.h"
#include "unit/method_start.h"

static char dir[64]; /* a state_dir for each test */

static void
make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/test_control_method.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
remove_dir(void)
{
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(method, .init = make_dir, .fini = remove_dir);

/* Check and start a call; params is JSON text. */
static enum method_step
start(struct call *call, const char *name, const char *params)
{
	return method_start(call, dir, name, params);
}

/* The supervisor answers with a snapshot whose first listener is "pos". */
static enum method_step
answer_snapshot(struct call *call, enum spec_origin origin)
{
	struct snapshot_reader r;
	const struct method_answer a = { .snapshot = &r };
	enum method_step step;

	json_rows_open_origin(&r, origin);
	step = call->method->answered(call, &a);
	snapshot_close(&r);
	return step;
}

static enum method_step
answer_reply(struct call *call)
{
	const struct msg_reply reply = { .request = 7,
		.finished = 3,
		.cut = 1,
		.text = "what changed" };
	const struct method_answer a = { .reply = &reply };

	return call->method->answered(call, &a);
}

static bool
saved_exists(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/listeners/pos.json", dir);
	return access(path, F_OK) == 0;
}

struct params_case {
	char method[32];
	char params[64];
	int code; /* 0: it is asked */
	char word[24];
};

ParameterizedTestParameters(method, checks_params)
{
	static struct params_case cases[] = {
		{ "daemon.status", "{}", 0, "" },
		{ "daemon.status", "{\"x\":1}", RPC_PARAMS, "x: " },
		{ "daemon.tree", "{}", 0, "" },
		{ "daemon.reload", "{}", 0, "" },
		{ "daemon.reload", "{\"dry_run\":true}", 0, "" },
		{ "daemon.reload", "{\"dry_run\":1}", RPC_PARAMS, "dry_run: " },
		{ "daemon.drain", "{}", 0, "" },
		{ "daemon.drain", "{\"name\":\"a\"}", 0, "" },
		{ "daemon.drain", "{\"name\":true}", RPC_PARAMS, "name: " },
		{ "daemon.drain", "{\"name\":\"\"}", RPC_SERVER, "name" },
		{ "daemon.undrain", "{\"all\":true}", RPC_PARAMS, "all: " },
		{ "listener.pause", "{\"name\":\"a\"}", 0, "" },
		{ "listener.pause", "{}", RPC_PARAMS, "name: " },
		{ "listener.pause", "{\"name\":\"\"}", RPC_SERVER, "name" },
		{ "listener.pause", "{\"name\":\"a\",\"queue\":\"yes\"}",
		    RPC_PARAMS, "queue: " },
		{ "listener.resume", "{\"name\":\"a\"}", 0, "" },
		{ "listener.resume", "{\"name\":\"a\",\"queue\":true}",
		    RPC_PARAMS, "queue: " },
		{ "listener.restart", "{\"name\":\"a\"}", 0, "" },
		{ "listener.restart", "{\"all\":true}", 0, "" },
		{ "listener.restart", "{}", RPC_PARAMS, "one of them" },
		{ "listener.restart", "{\"all\":false}", RPC_PARAMS,
		    "one of them" },
		{ "listener.restart", "{\"name\":\"a\",\"all\":true}",
		    RPC_PARAMS, "one of them" },
		{ "listener.restart", "{\"name\":\"a/b\"}", RPC_SERVER,
		    "name" },
		{ "listener.restart", "{\"all\":true,\"deadline\":\"5\"}",
		    RPC_SERVER, "deadline: " },
		{ "supervisor.history", "{}", 0, "" },
		{ "supervisor.history", "{\"name\":\"a\"}", 0, "" },
		{ "supervisor.history", "{\"name\":\"\"}", RPC_SERVER, "name" },
		{ "supervisor.failure_rate", "{}", 0, "" },
		{ "supervisor.failure_rate", "{\"window\":\"0s\"}", RPC_SERVER,
		    "window: " },
		{ "supervisor.failure_rate", "{\"window\":\"2d\"}", RPC_SERVER,
		    "window: " },
		{ "supervisor.failure_rate", "{\"window\":60}", RPC_PARAMS,
		    "window: " },
		{ "supervisor.stats", "{}", 0, "" },
		{ "supervisor.stats", "{\"name\":\"a\"}", RPC_PARAMS,
		    "name: " },
		{ "events.query", "{}", 0, "" },
		{ "events.query", "{\"since\":\"1h\",\"limit\":5}", 0, "" },
		{ "events.query", "{\"since\":5}", RPC_PARAMS, "since: " },
		{ "events.query", "{\"since\":\"soon\"}", RPC_SERVER,
		    "since: " },
		{ "events.query", "{\"type\":[\"worker\"]}", 0, "" },
		{ "events.query", "{\"type\":[1]}", RPC_PARAMS, "type: " },
		{ "events.query", "{\"type\":1}", RPC_PARAMS, "type: " },
		{ "events.query", "{\"severity\":\"bad\"}", RPC_SERVER,
		    "severity: " },
		{ "events.query", "{\"limit\":0}", RPC_SERVER, "limit: " },
		{ "events.query", "{\"limit\":\"5\"}", RPC_PARAMS, "limit: " },
		{ "events.query", "{\"limit\":1.5}", RPC_PARAMS, "limit: " },
		{ "events.query", "{\"limit\":4294967296}", RPC_SERVER,
		    "limit: " },
		{ "events.query", "{\"after\":\"x\"}", RPC_SERVER, "after: " },
		{ "events.query", "{\"after\":\"5.0.1.2\"}", 0, "" },
		{ "events.follow", "{}", 0, "" },
		{ "events.follow", "{\"after_id\":0}", 0, "" },
		{ "events.follow", "{\"after_id\":-1}", RPC_SERVER,
		    "after_id: " },
		{ "events.follow", "{\"since\":\"1h\"}", RPC_PARAMS,
		    "since: " },
		{ "events.cleanup", "{}", 0, "" },
		{ "events.cleanup", "{\"older_than\":\"0s\"}", 0, "" },
		{ "events.cleanup", "{\"older_than\":7}", RPC_PARAMS,
		    "older_than: " },
		{ "events.cleanup", "{\"older_than\":\"7\"}", RPC_SERVER,
		    "older_than: " },
		{ "daemon.shutdown", "{}", 0, "" },
		{ "daemon.shutdown", "{\"deadline\":\"5s\"}", 0, "" },
		{ "daemon.shutdown", "{\"deadline\":5}", RPC_PARAMS,
		    "deadline: " },
		{ "daemon.shutdown", "{\"deadline\":\"5\"}", RPC_SERVER,
		    "deadline: " },
		{ "daemon.shutdown", "{\"deadline\":\"25h\"}", RPC_SERVER,
		    "deadline: " },
		{ "listener.list", "{}", 0, "" },
		{ "listener.status", "{\"name\":\"a\"}", 0, "" },
		{ "listener.status", "{}", RPC_PARAMS, "name: " },
		{ "listener.status", "{\"name\":\"\"}", RPC_SERVER, "name" },
		{ "listener.status", "{\"name\":\"a\\nb\"}", RPC_SERVER,
		    "name" },
		{ "listener.add",
		    "{\"name\":\"a\",\"port\":1,\"protocol\":\"echo\"}", 0,
		    "" },
		{ "listener.add", "{\"name\":\"a\",\"port\":1}", RPC_SERVER,
		    "protocol" },
		{ "listener.add", "{\"name\":\"a\",\"prot\":1}", RPC_SERVER,
		    "prot" },
		{ "listener.add", "{\"port\":1}", RPC_PARAMS, "name: " },
		{ "listener.add", "{\"name\":\"a\",\"save\":1}", RPC_PARAMS,
		    "save: " },
		{ "listener.update", "{\"name\":\"a\",\"backlog\":5}", 0, "" },
		{ "listener.update", "{\"name\":\"a\",\"backlog\":-5}",
		    RPC_SERVER, "backlog" },
		{ "listener.remove", "{\"name\":\"a\",\"save\":true}", 0, "" },
		{ "listener.remove", "{\"name\":\"a\",\"port\":1}", RPC_PARAMS,
		    "port: " },
	};

	return cr_make_param_array(struct params_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct params_case *k, method, checks_params)
{
	struct call call;
	const enum method_step step = start(&call, k->method, k->params);

	const enum method_step asked = strncmp(k->method, "events.", 7) == 0
	    ? METHOD_ASK_STORE
	    : METHOD_ASK;

	cr_expect_eq(step, k->code == 0 ? asked : METHOD_FAILED);
	cr_expect_eq((int)call.error.code, k->code, "%s %s: %d %s", k->method,
	    k->params, (int)call.error.code, call.error.text);
	cr_expect_not_null(strstr(call.error.text, k->word), "%s",
	    call.error.text);
}

Test(method, names_are_listed)
{
	char names[1024], *name, *rest = names;
	size_t count = 0;

	method_names(names, sizeof(names));
	while ((name = strsep(&rest, ",")) != NULL) {
		name += strspn(name, " ");
		cr_expect_not_null(method_find(name), "%s", name);
		count++;
	}
	cr_expect_eq(count, 25);
	cr_expect_null(method_find("daemon"));
	method_names(names, 8);
	cr_expect_str_eq(names, "daemon.");
}

Test(method, add_asks_for_what_was_given)
{
	struct call call;

	cr_assert_eq(start(&call, "listener.add",
			 "{\"name\":\"pos\",\"port\":9100,"
			 "\"protocol\":\"discard\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.kind, IPC_REQ_ADD);
	cr_expect_eq(call.ask.REQ_ADD.request, 7);
	cr_expect_str_eq(call.ask.REQ_ADD.spec.name, "pos");
	cr_expect_eq(call.ask.REQ_ADD.spec.port, 9100);
	cr_expect_eq(call.ask.REQ_ADD.spec.protocol, PROTOCOL_DISCARD);
	cr_expect_eq(call.ask.REQ_ADD.set,
	    OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PROTOCOL));
	cr_assert_eq(answer_snapshot(&call, ORIGIN_RUNTIME), METHOD_DONE);
	cr_expect_str_eq(
	    json_string_value(json_object_get(call.result, "name")), "pos");
	cr_expect_not(saved_exists());
	method_end(&call);
}

Test(method, add_saves_when_asked)
{
	struct call call;

	cr_assert_eq(start(&call, "listener.add",
			 "{\"name\":\"pos\",\"port\":9100,\"save\":true,"
			 "\"protocol\":\"echo\"}"),
	    METHOD_ASK);
	cr_expect_not(saved_exists(), "before it runs");
	cr_assert_eq(answer_snapshot(&call, ORIGIN_RUNTIME), METHOD_DONE);
	cr_expect(saved_exists());
	method_end(&call);
}

/* Files in the state_dir that are no saved listener. */
static int
count_drafts(void)
{
	char path[128];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/listeners", dir);
	d = opendir(path);
	while (d != NULL && (entry = readdir(d)) != NULL)
		n += strstr(entry->d_name, ".new") != NULL;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

#define ADD_AND_SAVE                                                  \
	"{\"name\":\"pos\",\"port\":9100,\"save\":true,\"protocol\":" \
	"\"echo\"}"

Test(method, what_can_not_be_saved_is_not_even_added)
{
	struct call call = { .spec = { .name = "" } };
	json_t *o = json_loads(ADD_AND_SAVE, 0, NULL);

	call.method = method_find("listener.add");
	call.state_dir = "/dev/null";
	cr_assert_eq(call.method->start(&call, o), METHOD_FAILED);
	cr_expect_eq(call.error.code, RPC_SERVER);
	cr_expect_not_null(strstr(call.error.text, "not added"), "%s",
	    call.error.text);
	method_end(&call);
	json_decref(o);
}

Test(method, the_draft_of_a_failed_add_is_removed)
{
	struct call call;

	cr_assert_eq(start(&call, "listener.add", ADD_AND_SAVE), METHOD_ASK);
	cr_expect_eq(count_drafts(), 1);
	method_end(&call);
	cr_expect_eq(count_drafts(), 0);
	cr_expect_not(saved_exists());
}

Test(method, an_add_that_can_not_be_saved_after_all_is_undone)
{
	struct call call;

	cr_assert_eq(start(&call, "listener.add", ADD_AND_SAVE), METHOD_ASK);
	call.state_dir = "/dev/null";
	cr_assert_eq(answer_snapshot(&call, ORIGIN_RUNTIME), METHOD_ASK);
	cr_expect_eq(call.kind, IPC_REQ_REMOVE);
	cr_expect_str_eq(call.ask.REQ_REMOVE.name, "pos");
	cr_expect_eq(call.ask.REQ_REMOVE.deadline_ms, 0);
	cr_assert_eq(answer_reply(&call), METHOD_FAILED);
	cr_expect_not_null(strstr(call.error.text, "removed again"), "%s",
	    call.error.text);
	call.state_dir = dir;
	method_end(&call);
	cr_expect_eq(count_drafts(), 0);
}

/* The rows of the test have the listener on port 9100, whoever chose it. */
Test(method, the_port_that_the_kernel_chose_is_saved)
{
	char path[128];
	struct call call;
	json_t *saved;

	cr_assert_eq(start(&call, "listener.add",
			 "{\"name\":\"pos\",\"port\":0,\"save\":true,"
			 "\"protocol\":\"echo\"}"),
	    METHOD_ASK);
	cr_assert_eq(answer_snapshot(&call, ORIGIN_RUNTIME), METHOD_DONE);
	(void)snprintf(path, sizeof(path), "%s/listeners/pos.json", dir);
	saved = json_load_file(path, 0, NULL);
	cr_expect_eq(json_integer_value(json_object_get(saved, "port")), 9100);
	json_decref(saved);
	method_end(&call);
	cr_expect_eq(count_drafts(), 0);
}

Test(method, update_with_save_looks_first)
{
	struct call call;

	cr_assert_eq(start(&call, "listener.update",
			 "{\"name\":\"pos\",\"backlog\":5,\"save\":true}"),
	    METHOD_ASK);
	cr_assert_eq(call.kind, IPC_REQ_STATUS);
	cr_expect_str_eq(call.ask.REQ_STATUS.name, "pos");
	cr_assert_eq(answer_snapshot(&call, ORIGIN_SAVED), METHOD_ASK);
	cr_assert_eq(call.kind, IPC_REQ_UPDATE);
	cr_expect_eq(call.ask.REQ_UPDATE.request, 7);
	cr_expect_eq(call.ask.REQ_UPDATE.spec.backlog, 5);
	cr_expect_eq(call.ask.REQ_UPDATE.set, OPTION_BIT(OPT_BACKLOG));
	cr_assert_eq(answer_snapshot(&call, ORIGIN_SAVED), METHOD_DONE);
	cr_expect(saved_exists());
	method_end(&call);
}

Test(method, update_without_save_does_not_look)
{
	struct call call;

	cr_assert_eq(
	    start(&call, "listener.update", "{\"name\":\"pos\",\"backlog\":5}"),
	    METHOD_ASK);
	cr_assert_eq(call.kind, IPC_REQ_UPDATE);
	cr_assert_eq(answer_snapshot(&call, ORIGIN_FILE), METHOD_DONE);
	cr_expect_not(saved_exists());
	method_end(&call);
}

Test(method, what_the_config_file_set_is_not_saved)
{
	static const char *const methods[] = { "listener.update",
		"listener.remove" };
	struct call call;
	size_t i;

	for (i = 0; i < 2; i++) {
		cr_assert_eq(start(&call, methods[i],
				 "{\"name\":\"pos\",\"save\":true}"),
		    METHOD_ASK);
		cr_assert_eq(call.kind, IPC_REQ_STATUS);
		cr_assert_eq(answer_snapshot(&call, ORIGIN_FILE),
		    METHOD_FAILED);
		cr_expect_eq(call.error.reason, ERR_INVALID);
		cr_expect_not_null(strstr(call.error.text,
		    "set in the config file: change it there"));
	}
}

Test(method, remove_forgets_when_asked)
{
	struct call call;

	cr_assert_eq(start(&call, "listener.add",
			 "{\"name\":\"pos\",\"port\":9100,\"save\":true,"
			 "\"protocol\":\"echo\"}"),
	    METHOD_ASK);
	cr_assert_eq(answer_snapshot(&call, ORIGIN_RUNTIME), METHOD_DONE);
	method_end(&call);
	cr_assert_eq(start(&call, "listener.remove",
			 "{\"name\":\"pos\",\"deadline\":\"5s\","
			 "\"save\":true}"),
	    METHOD_ASK);
	cr_expect(saved_exists(), "it is not known whether it may");
	cr_assert_eq(answer_snapshot(&call, ORIGIN_SAVED), METHOD_ASK);
	cr_assert_eq(call.kind, IPC_REQ_REMOVE);
	cr_expect_eq(call.ask.REQ_REMOVE.deadline_ms, 5000);
	cr_expect_not(saved_exists(), "first the file");
	cr_assert_eq(answer_reply(&call), METHOD_DONE);
	cr_expect_eq(
	    json_integer_value(json_object_get(call.result, "finished")), 3);
	cr_expect_eq(json_integer_value(json_object_get(call.result, "cut")),
	    1);
	method_end(&call);
}

Test(method, reload_and_shutdown_take_a_reply)
{
	struct call call;

	cr_assert_eq(start(&call, "daemon.reload", "{}"), METHOD_ASK);
	cr_assert_eq(answer_reply(&call), METHOD_DONE);
	cr_expect_str_eq(
	    json_string_value(json_object_get(call.result, "message")),
	    "what changed");
	method_end(&call);
	cr_assert_eq(start(&call, "daemon.shutdown", "{}"), METHOD_ASK);
	cr_expect_eq(call.ask.REQ_SHUTDOWN.deadline_ms, DEADLINE_DEFAULT);
	cr_assert_eq(answer_reply(&call), METHOD_DONE);
	cr_expect_str_eq(
	    json_string_value(json_object_get(call.result, "state")),
	    "stopping");
	method_end(&call);
}

/* What a call asks, with its name and flags. */
static void
expect_asked(const char *method, const char *params, enum ipc_kind kind,
    const char *name, uint32_t flags)
{
	struct call call;

	cr_assert_eq(start(&call, method, params), METHOD_ASK, "%s",
	    call.error.text);
	cr_expect_eq(call.kind, kind, "%s", method);
	cr_expect_eq(call.ask.REQ_STATUS.request, 7);
	cr_expect_str_eq(call.ask.REQ_STATUS.name, name);
	cr_expect_eq(call.ask.REQ_STATUS.flags, flags, "%s", params);
	cr_expect_eq(call.ask.REQ_STATUS.deadline_ms, DEADLINE_DEFAULT);
	method_end(&call);
}

Test(method, what_is_asked_of_the_supervisor)
{
	expect_asked("listener.pause", "{\"name\":\"a\"}", IPC_REQ_PAUSE, "a",
	    0);
	expect_asked("listener.pause", "{\"name\":\"a\",\"queue\":false}",
	    IPC_REQ_PAUSE, "a", 0);
	expect_asked("listener.pause", "{\"name\":\"a\",\"queue\":true}",
	    IPC_REQ_PAUSE, "a", REQ_FLAG_QUEUE);
	expect_asked("listener.resume", "{\"name\":\"a\"}", IPC_REQ_RESUME, "a",
	    0);
	expect_asked("listener.restart", "{\"name\":\"a\"}", IPC_REQ_RESTART,
	    "a", 0);
	expect_asked("listener.restart", "{\"all\":true}", IPC_REQ_RESTART, "",
	    0);
	expect_asked("supervisor.history", "{}", IPC_REQ_HISTORY, "", 0);
	expect_asked("supervisor.history", "{\"name\":\"a\"}", IPC_REQ_HISTORY,
	    "a", 0);
	expect_asked("supervisor.failure_rate", "{\"name\":\"a\"}",
	    IPC_REQ_FAILURES, "a", 0);
}

Test(method, a_restart_has_a_deadline)
{
	struct call call;

	cr_assert_eq(start(&call, "listener.restart",
			 "{\"name\":\"a\",\"deadline\":\"5s\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.ask.REQ_RESTART.deadline_ms, 5000);
}

Test(method, a_failure_rate_has_a_window)
{
	struct call call;

	cr_assert_eq(start(&call, "supervisor.failure_rate", "{}"), METHOD_ASK);
	cr_expect_eq(call.ask.REQ_FAILURES.window_ms, 60000);
	cr_assert_eq(
	    start(&call, "supervisor.failure_rate", "{\"window\":\"5m\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.ask.REQ_FAILURES.window_ms, 300000);
	cr_assert_eq(answer_snapshot(&call, ORIGIN_FILE), METHOD_DONE);
	cr_expect_eq(
	    json_integer_value(json_object_get(call.result, "window_ms")),
	    300000);
	method_end(&call);
}

/* Has the result of a call, answered by rows, this member? */
static void
expect_result(const char *method, const char *params, const char *member)
{
	struct call call;

	cr_assert_eq(start(&call, method, params), METHOD_ASK);
	cr_assert_eq(answer_snapshot(&call, ORIGIN_FILE), METHOD_DONE, "%s",
	    call.error.text);
	cr_expect_not_null(json_object_get(call.result, member), "%s %s",
	    method, params);
	method_end(&call);
}

Test(method, results)
{
	static const char *const of_one[] = { "listener.pause",
		"listener.resume", "listener.restart", "listener.status" };
	size_t i;

	for (i = 0; i < sizeof(of_one) / sizeof(of_one[0]); i++)
		expect_result(of_one[i], "{\"name\":\"pos\"}", "workers");
	expect_result("listener.restart", "{\"all\":true}", "listeners");
	expect_result("supervisor.history", "{}", "records");
	expect_result("supervisor.failure_rate", "{}", "listeners");
	expect_result("supervisor.stats", "{}", "total");
	expect_result("daemon.reload", "{\"dry_run\":true}", "plan");
	expect_result("daemon.drain", "{}", "listeners");
	expect_result("daemon.undrain", "{\"name\":\"pos\"}", "workers");
}

Test(method, drain_and_undrain_are_one_request)
{
	struct call call;

	cr_assert_eq(start(&call, "daemon.drain", "{\"name\":\"pos\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.kind, IPC_REQ_DRAIN);
	cr_expect_str_eq(call.ask.REQ_DRAIN.name, "pos");
	cr_expect_eq(call.ask.REQ_DRAIN.flags, 0);
	cr_assert_eq(start(&call, "daemon.undrain", "{}"), METHOD_ASK);
	cr_expect_eq(call.kind, IPC_REQ_DRAIN);
	cr_expect_str_eq(call.ask.REQ_DRAIN.name, "");
	cr_expect_eq(call.ask.REQ_DRAIN.flags, REQ_FLAG_UNDRAIN);
	method_end(&call);
}

Test(method, a_dry_run_says_so)
{
	struct call call;

	cr_assert_eq(start(&call, "daemon.reload", "{\"dry_run\":true}"),
	    METHOD_ASK);
	cr_expect_eq(call.ask.REQ_RELOAD.flags, REQ_FLAG_DRY_RUN);
	cr_expect_eq(answer_reply(&call), METHOD_FAILED, "a reload was done");
	cr_assert_eq(start(&call, "daemon.reload", "{\"dry_run\":false}"),
	    METHOD_ASK);
	cr_expect_eq(call.ask.REQ_RELOAD.flags, 0);
	cr_expect_eq(answer_reply(&call), METHOD_DONE);
	method_end(&call);
}

Test(method, the_wrong_kind_of_answer_fails)
{
	struct call call;

	cr_assert_eq(start(&call, "daemon.status", "{}"), METHOD_ASK);
	cr_expect_eq(answer_reply(&call), METHOD_FAILED);
	cr_expect_eq(call.error.reason, ERR_INTERNAL);
	cr_assert_eq(start(&call, "daemon.reload", "{}"), METHOD_ASK);
	cr_expect_eq(answer_snapshot(&call, ORIGIN_FILE), METHOD_FAILED);
}
