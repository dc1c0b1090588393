#include "control/method_trace.h"

#include "control/peer_filter.h"
#include "control/traces.h"
#include "json/fields.h"

enum method_step
trace_start_start(struct call *call, const json_t *params)
{
	const char *peer = json_string_value(json_object_get(params, "peer"));
	struct msg_req_trace *m = &call->ask.REQ_TRACE;
	struct peer_filter filter;
	struct err err;

	*m = (struct msg_req_trace){ .request = call->request };
	if (method_name(params, m->name, &call->error) == -1)
		return METHOD_FAILED;
	call->kind = IPC_REQ_TRACE;
	if (peer == NULL)
		return METHOD_ASK;
	if (peer_filter_parse(peer, &filter, &err) == -1) {
		(void)rpc_fail(&call->error, RPC_SERVER, "peer: %s", err.text);
		return METHOD_FAILED;
	}
	m->filter = (struct trace_filter){ .by_peer = 1,
		.network = filter.network,
		.port = filter.port };
	return METHOD_ASK;
}

enum method_step
trace_start_answered(struct call *call, const struct method_answer *a)
{
	if (a->reply != NULL)
		return METHOD_ARM;
	if (a->armed == NULL)
		return method_done(call, NULL);
	return method_done(call,
	    json_pack("{s:b, s:o, s:o}", "tracing", 1, "workers",
		field_number(a->armed->workers), "missing",
		field_number(a->armed->missing)));
}
