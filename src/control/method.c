#include "control/method.h"

#include <stdio.h>
#include <string.h>

#include "control/method_connection.h"
#include "control/method_daemon.h"
#include "control/method_events.h"
#include "control/method_listener.h"
#include "control/method_supervisor.h"
#include "control/method_trace.h"
#include "control/method_upstream.h"
#include "option/saved.h"
#include "option/value.h"

/* A day, as for drain_timeout. */
#define DURATION_MS_MAX 86400000u

/* clang-format off */
#define NAME { "name", PARAM_STRING, true }
#define NAME_OR_ALL { "name", PARAM_STRING, false }
#define SAVE { "save", PARAM_BOOL, false }
#define DEADLINE { "deadline", PARAM_STRING, false }
#define WINDOW { "window", PARAM_STRING, false }
#define QUEUE { "queue", PARAM_BOOL, false }
#define ALL { "all", PARAM_BOOL, false }
#define DRY_RUN { "dry_run", PARAM_BOOL, false }
#define SINCE { "since", PARAM_STRING, false }
#define LISTENER { "listener", PARAM_STRING, false }
#define TYPE { "type", PARAM_STRINGS, false }
#define SEVERITY { "severity", PARAM_STRINGS, false }
#define LIMIT { "limit", PARAM_NUMBER, false }
#define AFTER { "after", PARAM_STRING, false }
#define AFTER_ID { "after_id", PARAM_NUMBER, false }
#define OLDER_THAN { "older_than", PARAM_STRING, false }
#define PEER { "peer", PARAM_STRING, false }
#define MIN_IDLE { "min_idle", PARAM_STRING, false }
#define UPSTREAM { "upstream", PARAM_STRING, true }
#define MODE { "mode", PARAM_STRING, true }
#define ID { "id", PARAM_STRING, true }

static const struct method methods[] = {
	{ "daemon.status", RIGHT_LOOK, 0, { { 0 } },
	    daemon_status_start, daemon_status_answered },
	{ "daemon.tree", RIGHT_LOOK, 0, { { 0 } },
	    daemon_tree_start, daemon_tree_answered },
	{ "daemon.reload", RIGHT_DO, 0, { DRY_RUN },
	    daemon_reload_start, daemon_reload_answered },
	{ "daemon.drain", RIGHT_DO, 0, { NAME_OR_ALL },
	    daemon_drain_start, daemon_drain_answered },
	{ "daemon.undrain", RIGHT_DO, 0, { NAME_OR_ALL },
	    daemon_undrain_start, daemon_drain_answered },
	{ "daemon.shutdown", RIGHT_DO, 0, { DEADLINE },
	    daemon_shutdown_start, daemon_shutdown_answered },
	{ "listener.add", RIGHT_DO, METHOD_OPTIONS, { NAME, SAVE },
	    listener_add_start, listener_add_answered },
	{ "listener.remove", RIGHT_DO, 0, { NAME, DEADLINE, SAVE },
	    listener_remove_start, listener_remove_answered },
	{ "listener.update", RIGHT_DO, METHOD_OPTIONS, { NAME, SAVE },
	    listener_update_start, listener_update_answered },
	{ "listener.pause", RIGHT_DO, 0, { NAME, QUEUE },
	    listener_pause_start, listener_pause_answered },
	{ "listener.resume", RIGHT_DO, 0, { NAME },
	    listener_resume_start, listener_resume_answered },
	{ "listener.restart", RIGHT_DO, 0, { NAME_OR_ALL, ALL, DEADLINE },
	    listener_restart_start, listener_restart_answered },
	{ "listener.status", RIGHT_LOOK, 0, { NAME },
	    listener_status_start, listener_status_answered },
	{ "listener.list", RIGHT_LOOK, 0, { { 0 } },
	    listener_list_start, listener_list_answered },
	{ "listener.upstreams", RIGHT_LOOK, 0, { NAME },
	    listener_upstreams_start, listener_upstreams_answered },
	{ "listener.upstream_set", RIGHT_DO, 0, { NAME, UPSTREAM, MODE },
	    listener_upstream_set_start, listener_upstreams_answered },
	{ "connection.list", RIGHT_LOOK, 0,
	    { NAME, LIMIT, AFTER, PEER, MIN_IDLE },
	    connection_list_start, connection_list_answered },
	{ "connection.kick", RIGHT_DO, 0, { NAME, ID },
	    connection_kick_start, connection_kick_answered },
	{ "supervisor.history", RIGHT_LOOK, 0, { NAME_OR_ALL },
	    supervisor_history_start, supervisor_history_answered },
	{ "supervisor.failure_rate", RIGHT_LOOK, 0, { NAME_OR_ALL, WINDOW },
	    supervisor_failure_rate_start, supervisor_failure_rate_answered },
	{ "supervisor.stats", RIGHT_LOOK, 0, { { 0 } },
	    supervisor_stats_start, supervisor_stats_answered },
	{ "events.query", RIGHT_LOOK, 0,
	    { SINCE, LISTENER, TYPE, SEVERITY, LIMIT, AFTER },
	    events_query_start, events_query_answered },
	{ "events.follow", RIGHT_LOOK, METHOD_FOLLOWS,
	    { LISTENER, TYPE, SEVERITY, AFTER_ID },
	    events_follow_start, events_follow_answered },
	{ "events.cleanup", RIGHT_DO, 0, { OLDER_THAN, DRY_RUN },
	    events_cleanup_start, events_cleanup_answered },
	{ "trace.start", RIGHT_DO, 0, { NAME, PEER },
	    trace_start_start, trace_start_answered },
};
/* clang-format on */

#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

const struct method *
method_find(const char *name)
{
	size_t i;

	for (i = 0; i < METHOD_COUNT; i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

void
method_names(char *out, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < METHOD_COUNT && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s",
		    i == 0 ? "" : ", ", methods[i].name);
}

static const struct method_param *
param_find(const struct method *m, const char *name)
{
	size_t i;

	for (i = 0; i < METHOD_PARAMS_MAX && m->params[i].name != NULL; i++)
		if (strcmp(m->params[i].name, name) == 0)
			return &m->params[i];
	return NULL;
}

static bool
is_strings(const json_t *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach (value, i, one)
		if (!json_is_string(one))
			return false;
	return json_is_array(value) || json_is_string(value);
}

static int
check_type(const struct method_param *p, const json_t *value,
    struct rpc_error *e)
{
	const char *wanted = NULL;

	switch (p->type) {
	case PARAM_STRING:
		if (!json_is_string(value))
			wanted = "a string";
		break;
	case PARAM_STRINGS:
		if (!is_strings(value))
			wanted = "a string or an array of strings";
		break;
	case PARAM_NUMBER:
		if (!json_is_integer(value))
			wanted = "a whole number";
		break;
	case PARAM_BOOL:
		if (!json_is_boolean(value))
			wanted = "true or false";
		break;
	}
	if (wanted == NULL)
		return 0;
	return rpc_fail(e, RPC_PARAMS, "%s: must be %s", p->name, wanted);
}

static int
check_required(const struct method *m, const json_t *params,
    struct rpc_error *e)
{
	size_t i;

	for (i = 0; i < METHOD_PARAMS_MAX && m->params[i].name != NULL; i++)
		if (m->params[i].required &&
		    json_object_get(params, m->params[i].name) == NULL)
			return rpc_fail(e, RPC_PARAMS, "%s: is missing",
			    m->params[i].name);
	return 0;
}

int
method_check_params(const struct method *m, const json_t *params,
    struct rpc_error *e)
{
	const struct method_param *p;
	const char *key;
	json_t *value, *object = (json_t *)(uintptr_t)params;

	json_object_foreach (object, key, value) {
		p = param_find(m, key);
		if (p == NULL && !(m->traits & METHOD_OPTIONS))
			return rpc_fail(e, RPC_PARAMS,
			    "%.64s: is no parameter of %s", key, m->name);
		if (p != NULL && check_type(p, value, e) == -1)
			return -1;
	}
	return check_required(m, params, e);
}

int
method_name(const json_t *params, char out[static SPEC_NAME_SIZE],
    struct rpc_error *e)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	struct err err;

	if (spec_check_name("listener name", name, &err) == -1)
		return rpc_fail_err(e, &err);
	(void)snprintf(out, SPEC_NAME_SIZE, "%s", name);
	return 0;
}

int
method_duration(const json_t *params, const char *key, uint32_t min_ms,
    uint32_t *ms, struct rpc_error *e)
{
	const char *text = json_string_value(json_object_get(params, key));
	uint64_t value;
	struct err err;

	if (text == NULL)
		return 0;
	if (value_duration(text, min_ms, DURATION_MS_MAX, &value, &err) == -1)
		return rpc_fail(e, RPC_SERVER, "%s: %s", key, err.text);
	*ms = (uint32_t)value;
	return 0;
}

int
method_deadline(const json_t *params, uint32_t *ms, struct rpc_error *e)
{
	*ms = DEADLINE_DEFAULT;
	return method_duration(params, "deadline", 0, ms, e);
}

enum method_step
method_ask_name(struct call *call, enum ipc_kind kind, const char *name)
{
	/* The same payload, whatever the kind. */
	struct msg_req_name *m = &call->ask.REQ_STATUS;

	memset(m, 0, sizeof(*m));
	m->request = call->request;
	m->deadline_ms = DEADLINE_DEFAULT;
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	call->kind = kind;
	return METHOD_ASK;
}

enum method_step
method_done(struct call *call, json_t *result)
{
	call->result = result;
	if (result != NULL)
		return METHOD_DONE;
	(void)rpc_fail(&call->error, RPC_SERVER,
	    "the answer could not be put together");
	call->error.reason = ERR_INTERNAL;
	return METHOD_FAILED;
}

void
method_end(struct call *call)
{
	if (call->drafted)
		saved_abandon(call->state_dir, call->spec.name, call->request);
	call->drafted = false;
	conn_query_end(&call->conns);
	bulks_drop(&call->bulks);
	bulks_drop(&call->running);
	json_decref(call->options);
	call->options = NULL;
	json_decref(call->result);
	call->result = NULL;
}
