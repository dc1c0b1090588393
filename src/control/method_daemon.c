#include "control/method_daemon.h"

#include <unistd.h>

#include "control/plan_json.h"
#include "json/fields.h"
#include "json/status_json.h"
#include "json/tree_json.h"

enum method_step
daemon_status_start(struct call *call, const json_t *params)
{
	(void)params;
	return method_ask_name(call, IPC_REQ_STATUS, "");
}

enum method_step
daemon_status_answered(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL ? NULL : status_json_daemon(a->snapshot));
}

enum method_step
daemon_tree_start(struct call *call, const json_t *params)
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
daemon_tree_answered(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL ? NULL : tree_json(a->snapshot, usage_read));
}

enum method_step
daemon_reload_start(struct call *call, const json_t *params)
{
	call->kind = IPC_REQ_RELOAD;
	call->ask.REQ_RELOAD = (struct msg_request){
		.request = call->request,
		.deadline_ms = DEADLINE_DEFAULT,
		.flags = json_is_true(json_object_get(params, "dry_run"))
		    ? REQ_FLAG_DRY_RUN
		    : 0,
	};
	return METHOD_ASK;
}

enum method_step
daemon_reload_answered(struct call *call, const struct method_answer *a)
{
	const bool dry_run = call->ask.REQ_RELOAD.flags & REQ_FLAG_DRY_RUN;

	if (dry_run)
		return method_done(call,
		    a->snapshot == NULL ? NULL : plan_json(a->snapshot));
	if (a->reply == NULL)
		return method_done(call, NULL);
	return method_done(call,
	    json_pack("{s:o}", "message",
		field_string(a->reply->text, sizeof(a->reply->text))));
}

/* Of the daemon, or of one listener. */
static enum method_step
ask_drain(struct call *call, const json_t *params, uint32_t flags)
{
	char name[SPEC_NAME_SIZE] = "";

	if (json_object_get(params, "name") != NULL &&
	    method_name(params, name, &call->error) == -1)
		return METHOD_FAILED;
	(void)method_ask_name(call, IPC_REQ_DRAIN, name);
	call->ask.REQ_DRAIN.flags = flags;
	return METHOD_ASK;
}

enum method_step
daemon_drain_start(struct call *call, const json_t *params)
{
	return ask_drain(call, params, 0);
}

enum method_step
daemon_undrain_start(struct call *call, const json_t *params)
{
	return ask_drain(call, params, REQ_FLAG_UNDRAIN);
}

enum method_step
daemon_drain_answered(struct call *call, const struct method_answer *a)
{
	const bool one = call->ask.REQ_DRAIN.name[0] != '\0';

	if (a->snapshot == NULL)
		return method_done(call, NULL);
	return method_done(call,
	    one ? status_json_listener(a->snapshot)
		: status_json_daemon(a->snapshot));
}

enum method_step
daemon_shutdown_start(struct call *call, const json_t *params)
{
	uint32_t deadline_ms;

	if (method_deadline(params, &deadline_ms, &call->error) == -1)
		return METHOD_FAILED;
	call->kind = IPC_REQ_SHUTDOWN;
	call->ask.REQ_SHUTDOWN = (struct msg_request){
		.request = call->request,
		.deadline_ms = deadline_ms,
	};
	return METHOD_ASK;
}

enum method_step
daemon_shutdown_answered(struct call *call, const struct method_answer *a)
{
	if (a->reply == NULL)
		return method_done(call, NULL);
	/* Our parent is the supervisor: while it lives we have no other. */
	return method_done(call,
	    json_pack("{s:s, s:i, s:o}", "state", "stopping", "pid",
		(int)getppid(), "lame_duck_ms",
		field_number(a->reply->lame_duck_ms)));
}
