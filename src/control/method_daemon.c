#include "control/method_daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "control/status_json.h"
#include "control/tree_json.h"

/* Resident memory, as the kernel tells everybody. */
static int64_t
resident_bytes(uint32_t pid)
{
	char path[32];
	uint64_t pages = 0;
	FILE *f;
	int n;

	(void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/statm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	n = fscanf(f, "%*u %" SCNu64, &pages);
	(void)fclose(f);
	return n == 1 ? (int64_t)pages * sysconf(_SC_PAGESIZE) : -1;
}

enum method_step
daemon_status_start(struct call *call, const json_t *params)
{
	(void)params;
	call->kind = IPC_REQ_STATUS;
	call->ask.REQ_STATUS = (struct msg_req_name){
		.request = call->request,
		.deadline_ms = DEADLINE_DEFAULT,
	};
	return METHOD_ASK;
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
	    a->snapshot == NULL ? NULL
				: tree_json(a->snapshot, resident_bytes));
}

enum method_step
daemon_reload_start(struct call *call, const json_t *params)
{
	(void)params;
	call->kind = IPC_REQ_RELOAD;
	call->ask.REQ_RELOAD = (struct msg_request){
		.request = call->request,
		.deadline_ms = DEADLINE_DEFAULT,
	};
	return METHOD_ASK;
}

enum method_step
daemon_reload_answered(struct call *call, const struct method_answer *a)
{
	if (a->reply == NULL)
		return method_done(call, NULL);
	return method_done(call,
	    json_pack("{s:o}", "message",
		rpc_string(a->reply->text, sizeof(a->reply->text))));
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
	    json_pack("{s:s, s:i}", "state", "stopping", "pid",
		(int)getppid()));
}
