/*
 * mercury-config: reads and checks the config file once and hands the
 * supervisor a plan. Privileged, for the files and users that it looks up.
 */
#include <stdlib.h>
#include <string.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/role.h"
#include "config/config_file.h"

/* Send and wait for room. Without a supervisor there is nothing to do. */
static void
send_message(enum ipc_kind kind, const void *payload)
{
	enum ipc_result result;
	struct err err;

	do
		result =
		    ipc_send(ROLE_CHANNEL_FD, kind, payload, -1, true, &err);
	while (result == IPC_AGAIN);
	if (result == IPC_BROKEN)
		log_error(NULL, NULL, "%s", err.text);
	if (result != IPC_OK)
		exit(1);
}

static void
send_texts(enum ipc_kind kind, const struct plan_texts *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		send_message(kind, &list->texts[i]);
}

static void
send_plan(struct plan *plan, const char *path)
{
	struct msg_plan_end end = { 0 };
	size_t i;

	if (plan->errors.count > 0) {
		plan_count_dropped(plan, path);
		send_texts(IPC_PLAN_ERROR, &plan->errors);
		end.errors = (uint32_t)plan->errors.count;
	} else {
		send_message(IPC_PLAN_DAEMON, &plan->daemon);
		for (i = 0; i < plan->listener_count; i++)
			send_message(IPC_PLAN_LISTENER, &plan->listeners[i]);
		end.listeners = (uint32_t)plan->listener_count;
		send_texts(IPC_PLAN_WARNING, &plan->warnings);
	}
	send_message(IPC_PLAN_END, &end);
}

/* Wait for the request. No request: the supervisor is gone. */
static void
receive_request(struct msg_config_read *request)
{
	struct ipc_message msg;
	enum ipc_result result;
	struct err err;

	do
		result = ipc_recv(ROLE_CHANNEL_FD, ROLE_SUPERVISOR, true, &msg,
		    &err);
	while (result == IPC_AGAIN);
	if (result == IPC_BROKEN)
		log_error(NULL, NULL, "%s", err.text);
	if (result != IPC_OK || msg.kind != IPC_CONFIG_READ)
		exit(1);
	memcpy(request, &msg.payload.CONFIG_READ, sizeof(*request));
	request->path[sizeof(request->path) - 1] = '\0';
}

int
main(void)
{
	struct msg_config_read request;
	struct plan plan = { 0 };

	role_start(ROLE_CONFIG);
	receive_request(&request);
	config_file_read(request.path, request.check_only != 0, &plan);
	send_plan(&plan, request.path);
	plan_clear(&plan);
	return 0;
}
