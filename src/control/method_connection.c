#include "control/method_connection.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/conn_id.h"
#include "control/workers.h"
#include "option/value.h"

/* A page ends early, with a place to go on from, when it takes that long. */
#define PAGE_MS 4000u

/* Who the workers of a listener are; its name is among the params. */
static enum method_step
ask_who(struct call *call, const json_t *params)
{
	if (method_name(params, call->spec.name, &call->error) == -1)
		return METHOD_FAILED;
	return method_ask_name(call, IPC_REQ_WORKERS, call->spec.name);
}

enum method_step
connection_list_start(struct call *call, const json_t *params)
{
	if (conn_query_begin(&call->conns, params, &call->error) == -1)
		return METHOD_FAILED;
	return ask_who(call, params);
}

/* Ask the next worker for more, or end the page. */
static enum method_step
list_go_on(struct call *call, bool began)
{
	uint64_t after_id;
	const unsigned int next = conn_query_next(&call->conns, call->workers,
	    call->worker_count, &after_id);
	const bool is_last = next == call->worker_count;

	if (is_last || conn_query_is_full(&call->conns) ||
	    (began && clock_mono_ms() >= call->until_ms))
		return method_done(call,
		    conn_query_result(&call->conns, is_last));
	call->asked = next;
	call->kind = IPC_CONN_LIST;
	call->ask.CONN_LIST = (struct msg_conn_list){
		.request = call->request,
		.rows = CONN_PAGE_MAX,
		.after_id = after_id,
	};
	return METHOD_ASK_WORKER;
}

enum method_step
connection_list_answered(struct call *call, const struct method_answer *a)
{
	if (a->reply != NULL) {
		call->until_ms = clock_mono_ms() + PAGE_MS;
		return list_go_on(call, false);
	}
	if (a->worker == NULL ||
	    conn_query_take(&call->conns, &call->workers[a->worker->index],
		a->worker, clock_real_ms()) == -1)
		return method_done(call, NULL);
	return list_go_on(call, true);
}

enum method_step
connection_kick_start(struct call *call, const json_t *params)
{
	const char *id = json_string_value(json_object_get(params, "id"));
	char quoted[VALUE_QUOTE_SIZE];

	if (conn_id_parse(id, &call->conn_id) == 0)
		return ask_who(call, params);
	value_quote(id, quoted);
	(void)rpc_fail(&call->error, RPC_SERVER,
	    "id: must be as connection.list has it, such as \"b13cfa44-17\", "
	    "not %s",
	    quoted);
	return METHOD_FAILED;
}

/* All have answered, and it was not there. */
static enum method_step
kick_failed(struct call *call)
{
	char id[CONN_ID_SIZE];

	conn_id_format(call->conn_id, id);
	if (call->lost == 0)
		(void)rpc_fail(&call->error, RPC_SERVER,
		    "%s has no connection %s: it has ended, or there never "
		    "was one",
		    call->spec.name, id);
	else
		(void)rpc_fail(&call->error, RPC_SERVER,
		    "connection %s was not found, but %u of the %u workers of "
		    "%s did not answer",
		    id, call->lost, call->worker_count, call->spec.name);
	call->error.reason = call->lost == 0 ? ERR_NOT_FOUND : ERR_TIMEOUT;
	return METHOD_FAILED;
}

/* Ask all at once: which of them has it is not known. */
static enum method_step
kick_ask(struct call *call)
{
	call->waiting = call->worker_count;
	if (call->waiting == 0)
		return kick_failed(call);
	call->kind = IPC_CONN_KICK;
	call->ask.CONN_KICK = (struct msg_conn_kick){
		.request = call->request,
		.id = call->conn_id,
	};
	return METHOD_ASK_WORKERS;
}

enum method_step
connection_kick_answered(struct call *call, const struct method_answer *a)
{
	char id[CONN_ID_SIZE];

	if (a->reply != NULL)
		return kick_ask(call);
	if (a->worker == NULL)
		return method_done(call, NULL);
	if (!a->worker->lost && a->worker->more) {
		conn_id_format(call->conn_id, id);
		return method_done(call,
		    json_pack("{s:s, s:b}", "id", id, "kicked", 1));
	}
	if (a->worker->lost)
		call->lost++;
	call->waiting--;
	return call->waiting == 0 ? kick_failed(call) : METHOD_WAIT;
}
