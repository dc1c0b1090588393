#include "control/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/depth.h"
#include "json/fields.h"

int
rpc_fail(struct rpc_error *e, enum rpc_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->reason = ERR_INVALID;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
rpc_fail_err(struct rpc_error *e, const struct err *err)
{
	(void)rpc_fail(e, RPC_SERVER, "%s", err->text);
	e->reason = err->code;
	return -1;
}

/* An id as the standard has it; anything else is answered as null. */
static bool
id_is_valid(const json_t *id)
{
	return id == NULL || json_is_string(id) || json_is_number(id) ||
	    json_is_null(id);
}

static int
check_envelope(struct rpc_request *req, struct rpc_error *e)
{
	const char *version;
	json_t *id, *method;

	if (json_is_array(req->root))
		return rpc_fail(e, RPC_REQUEST,
		    "batches are not taken: send one object a line");
	if (!json_is_object(req->root))
		return rpc_fail(e, RPC_REQUEST, "a request is an object");
	id = json_object_get(req->root, "id");
	if (!id_is_valid(id))
		return rpc_fail(e, RPC_REQUEST,
		    "id: must be a string, a number or null");
	req->id = id;
	version = json_string_value(json_object_get(req->root, "jsonrpc"));
	if (version == NULL || strcmp(version, "2.0") != 0)
		return rpc_fail(e, RPC_REQUEST, "jsonrpc: must be \"2.0\"");
	method = json_object_get(req->root, "method");
	if (!json_is_string(method))
		return rpc_fail(e, RPC_REQUEST, "method: must be a string");
	req->method = json_string_value(method);
	req->params = json_object_get(req->root, "params");
	if (req->params != NULL && !json_is_object(req->params))
		return rpc_fail(e, RPC_PARAMS, "params: must be an object");
	return 0;
}

int
rpc_parse(const char *text, size_t len, struct rpc_request *req,
    struct rpc_error *e)
{
	json_error_t bad;

	memset(req, 0, sizeof(*req));
	if (json_is_too_deep(text, len))
		return rpc_fail(e, RPC_REQUEST, "request nested deeper than %d",
		    JSON_DEPTH_MAX);
	req->root = json_loadb(text, len,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &bad);
	if (req->root == NULL)
		return rpc_fail(e, RPC_PARSE, "not JSON: %s (column %d)",
		    bad.text, bad.column);
	return check_envelope(req, e);
}

void
rpc_request_free(struct rpc_request *req)
{
	json_decref(req->root);
	memset(req, 0, sizeof(*req));
}

/* One line of root, which is taken; NULL: there was no memory. */
static char *
line_of(json_t *root)
{
	/* One third is 0.333333333333333, and 0.1 is 0.1. */
	char *text =
	    root == NULL ? NULL : json_dumps(root, JSON_REAL_PRECISION(15));
	char *line = NULL;
	size_t len;

	json_decref(root);
	if (text == NULL)
		return NULL;
	len = strlen(text);
	line = realloc(text, len + 2);
	if (line == NULL)
		free(text);
	else
		memcpy(line + len, "\n", 2);
	return line;
}

/* Takes value, which is the member called key. */
static char *
answer_line(json_t *id, const char *key, json_t *value)
{
	return line_of(json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id",
	    id == NULL ? json_null() : json_incref(id), key, value));
}

char *
rpc_result_line(json_t *id, json_t *result)
{
	return answer_line(id, "result", result);
}

char *
rpc_error_line(json_t *id, const struct rpc_error *e)
{
	json_t *error = json_pack("{s:i, s:o}", "code", (int)e->code, "message",
	    field_string(e->text, sizeof(e->text)));

	if (error != NULL && e->code == RPC_SERVER &&
	    json_object_set_new(error, "data",
		json_pack("{s:s}", "reason", err_reason(e->reason))) == -1) {
		json_decref(error);
		return NULL;
	}
	return answer_line(id, "error", error);
}

char *
rpc_notification_line(const char *method, json_t *params)
{
	return line_of(json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method",
	    method, "params", params));
}
