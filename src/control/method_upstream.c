#include "control/method_upstream.h"

#include <string.h>

#include "option/value.h"
#include "json/upstream_json.h"

enum method_step
listener_upstreams_start(struct call *call, const json_t *params)
{
	if (method_name(params, call->spec.name, &call->error) == -1)
		return METHOD_FAILED;
	return method_ask_name(call, IPC_REQ_UPSTREAMS, call->spec.name);
}

/* Returns 0, or -1 with the error set. */
static int
take_mode(struct call *call, const json_t *params, uint32_t *mode)
{
	const char *word = json_string_value(json_object_get(params, "mode"));
	char quoted[VALUE_QUOTE_SIZE];

	for (*mode = 0; *mode < UPSTREAM_MODE_COUNT; (*mode)++)
		if (strcmp(word, upstream_mode_words[*mode]) == 0)
			return 0;
	value_quote(word, quoted);
	return rpc_fail(&call->error, RPC_SERVER,
	    "mode: must be ready, drain or maint, not %s", quoted);
}

enum method_step
listener_upstream_set_start(struct call *call, const json_t *params)
{
	struct msg_req_upstream_set *m = &call->ask.REQ_UPSTREAM_SET;
	const char *upstream =
	    json_string_value(json_object_get(params, "upstream"));

	memset(m, 0, sizeof(*m));
	m->request = call->request;
	if (method_name(params, m->name, &call->error) == -1 ||
	    take_mode(call, params, &m->mode) == -1)
		return METHOD_FAILED;
	if (strlcpy(m->upstream, upstream, sizeof(m->upstream)) >=
	    sizeof(m->upstream)) {
		(void)rpc_fail(&call->error, RPC_SERVER,
		    "upstream: is longer than any name of one");
		return METHOD_FAILED;
	}
	call->kind = IPC_REQ_UPSTREAM_SET;
	return METHOD_ASK;
}

enum method_step
listener_upstreams_answered(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL ? NULL : upstream_json_all(a->snapshot));
}
