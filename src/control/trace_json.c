#include "control/trace_json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/base64.h"
#include "common/conn_end.h"
#include "common/conn_id.h"
#include "control/rpc.h"
#include "json/fields.h"

void
trace_json_address(const struct trace_address *a,
    char out[static TRACE_JSON_ADDRESS_SIZE])
{
	static const struct trace_address none;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(a->port) };
	char text[ADDR_TEXT_SIZE];
	union addr any = { 0 };

	out[0] = '\0';
	if (memcmp(a->bytes, none.bytes, sizeof(none.bytes)) == 0)
		return;
	memcpy(&in6.sin6_addr, a->bytes, sizeof(a->bytes));
	memcpy(&any, &in6, sizeof(in6));
	if (addr_text(&any, text))
		(void)snprintf(out, TRACE_JSON_ADDRESS_SIZE, "%.*s",
		    TRACE_JSON_ADDRESS_SIZE - 1, text);
}

/* Takes params. */
static char *
line(const char *method, json_t *params)
{
	return params == NULL ? NULL : rpc_notification_line(method, params);
}

/* What all about one connection have. */
static json_t *
conn_params(const struct msg_trace_link *w, const struct trace_record *r)
{
	char id[CONN_ID_SIZE], peer[TRACE_JSON_ADDRESS_SIZE],
	    local[TRACE_JSON_ADDRESS_SIZE];

	conn_id_format(r->conn_id, id);
	trace_json_address(&r->peer, peer);
	trace_json_address(&r->local, local);
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "at_us",
	    field_number(r->at_us), "id", id, "slot", field_number(w->slot),
	    "pid", field_number(w->pid), "peer",
	    field_string_or_null(peer, sizeof(peer)), "local",
	    field_string_or_null(local, sizeof(local)));
}

/* Takes params and value, either of which may be NULL: NULL is returned. */
static json_t *
with(json_t *params, const char *key, json_t *value)
{
	if (json_object_set_new(params, key, value) == 0)
		return params;
	json_decref(params);
	return NULL;
}

/*
 * Put data into the empty string with which a line (taken) ends, which is much
 * faster than to have all of it looked at for what JSON must escape.
 */
static char *
fill_in(char *text, const uint8_t *data, size_t len)
{
	static const char end[] = "\"}}\n";
	const size_t tail = sizeof(end) - 1;
	size_t before;
	char *more;

	if (text == NULL)
		return NULL;
	before = strlen(text) - tail;
	more = realloc(text, before + BASE64_SIZE(len) + tail);
	if (more == NULL) {
		free(text);
		return NULL;
	}
	base64_encode(data, len, more + before);
	memcpy(more + before + BASE64_SIZE(len) - 1, end, sizeof(end));
	return more;
}

static char *
data_line(const struct msg_trace_link *w, const struct trace_record *r,
    const uint8_t *data)
{
	const bool in = r->kind == TRACE_IN;
	json_t *p = conn_params(w, r);

	p = with(p, "direction", json_string(in ? "in" : "out"));
	p = with(p, "offset", field_number(in ? r->bytes_in : r->bytes_out));
	p = with(p, "length", field_number(r->len));
	p = with(p, "data", json_string(""));
	return fill_in(line("trace.data", p), data, r->len);
}

static char *
closed_line(const struct msg_trace_link *w, const struct trace_record *r)
{
	json_t *p = conn_params(w, r);

	p = with(p, "reason", json_string(field_word(conn_end_name(r->end))));
	p = with(p, "bytes_in", field_number(r->bytes_in));
	return line("trace.closed",
	    with(p, "bytes_out", field_number(r->bytes_out)));
}

char *
trace_json_record(const struct msg_trace_link *w, const struct trace_record *r,
    const uint8_t *data)
{
	switch (r->kind) {
	case TRACE_OPENED:
		return line("trace.opened", conn_params(w, r));
	case TRACE_CLOSED:
		return closed_line(w, r);
	case TRACE_LOST:
		return line("trace.lost",
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "at_us",
			field_number(r->at_us), "slot", field_number(w->slot),
			"pid", field_number(w->pid), "records",
			field_number(r->records), "bytes_in",
			field_number(r->bytes_in), "bytes_out",
			field_number(r->bytes_out)));
	default:
		return data_line(w, r, data);
	}
}

char *
trace_json_worker(const struct msg_trace_link *w, uint64_t at_us,
    const char *state)
{
	return line("trace.worker",
	    json_pack("{s:o, s:o, s:o, s:o, s:s}", "at_us", field_number(at_us),
		"slot", field_number(w->slot), "generation",
		field_number(w->generation), "pid", field_number(w->pid),
		"state", state));
}

char *
trace_json_end(const char *reason)
{
	return line("trace.end", json_pack("{s:s}", "reason", reason));
}
