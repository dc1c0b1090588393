#include "control/method_supervisor.h"

#include "common/snapshot.h"
#include "json/history_json.h"
#include "json/stats_json.h"

/* A listener keeps 1,000 records of its own and its pool as many. */
#define RECORDS_MAX 2000u
#define RECORDS_MAX_OF_ALL 1000u

#define WINDOW_DEFAULT_MS 60000u
#define WINDOW_MIN_MS 1000u

/* Ask about a listener; without a name among the params: about all. */
static enum method_step
ask_about(struct call *call, enum ipc_kind kind, const json_t *params)
{
	if (json_object_get(params, "name") != NULL &&
	    method_name(params, call->spec.name, &call->error) == -1)
		return METHOD_FAILED;
	return method_ask_name(call, kind, call->spec.name);
}

enum method_step
supervisor_history_start(struct call *call, const json_t *params)
{
	return ask_about(call, IPC_REQ_HISTORY, params);
}

enum method_step
supervisor_history_answered(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL
		? NULL
		: history_json_records(a->snapshot,
		      call->spec.name[0] == '\0' ? RECORDS_MAX_OF_ALL
						 : RECORDS_MAX));
}

enum method_step
supervisor_failure_rate_start(struct call *call, const json_t *params)
{
	call->window_ms = WINDOW_DEFAULT_MS;
	if (method_duration(params, "window", WINDOW_MIN_MS, &call->window_ms,
		&call->error) == -1 ||
	    ask_about(call, IPC_REQ_FAILURES, params) == METHOD_FAILED)
		return METHOD_FAILED;
	call->ask.REQ_FAILURES.window_ms = call->window_ms;
	return METHOD_ASK;
}

enum method_step
supervisor_failure_rate_answered(struct call *call,
    const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL
		? NULL
		: history_json_failures(a->snapshot, call->window_ms));
}

enum method_step
supervisor_stats_start(struct call *call, const json_t *params)
{
	(void)params;
	call->kind = IPC_REQ_TREE;
	call->ask.REQ_TREE = (struct msg_request){
		.request = call->request,
		.deadline_ms = DEADLINE_DEFAULT,
	};
	return METHOD_ASK;
}

enum method_step
supervisor_stats_answered(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL ? NULL : stats_json(a->snapshot, usage_read));
}
