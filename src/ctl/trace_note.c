#include "ctl/trace_note.h"

#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/conn_id.h"
#include "ctl/client.h"
#include "ctl/listener_text.h"

static enum trace_note_kind
kind_of(const char *method)
{
	static const char *const names[TRACE_NOTE_OTHER] = {
		[TRACE_NOTE_OPENED] = "trace.opened",
		[TRACE_NOTE_DATA] = "trace.data",
		[TRACE_NOTE_CLOSED] = "trace.closed",
		[TRACE_NOTE_LOST] = "trace.lost",
		[TRACE_NOTE_WORKER] = "trace.worker",
		[TRACE_NOTE_END] = "trace.end",
	};
	unsigned int i = 0;

	while (i < TRACE_NOTE_OTHER && strcmp(names[i], method) != 0)
		i++;
	return (enum trace_note_kind)i;
}

static const char *
text(const json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

/* Returns 0, or -1. */
static int
read_data(const struct client_note *c, struct trace_note_data *kept,
    struct trace_note *out)
{
	const json_t *params = json_object_get(c->object, "params");
	const char *direction = text(params, "direction");
	uint8_t *more;

	if (direction == NULL || c->data_len == 0)
		return -1;
	if (c->data_len > kept->size) {
		more = realloc(kept->bytes, c->data_len);
		if (more == NULL)
			return -1;
		kept->bytes = more;
		kept->size = c->data_len;
	}
	out->in = strcmp(direction, "in") == 0;
	out->offset = listener_number(params, "offset");
	out->data = kept->bytes;
	return base64_decode(c->data, c->data_len, kept->bytes, &out->len);
}

/* Does it have what those who use it rely on? */
static bool
is_complete(const struct trace_note *n)
{
	switch (n->kind) {
	case TRACE_NOTE_OPENED:
	case TRACE_NOTE_DATA:
		return conn_id_parse(n->id, &(uint64_t){ 0 }) == 0;
	case TRACE_NOTE_CLOSED:
		return conn_id_parse(n->id, &(uint64_t){ 0 }) == 0 &&
		    n->reason != NULL;
	case TRACE_NOTE_WORKER:
		return n->state != NULL;
	case TRACE_NOTE_END:
		return n->reason != NULL;
	default:
		return true;
	}
}

int
trace_note_read(const struct client_note *c, struct trace_note_data *kept,
    struct trace_note *out)
{
	const json_t *p = json_object_get(c->object, "params");
	const char *method = text(c->object, "method");
	const char *id = text(p, "id");

	*out = (struct trace_note){
		.kind = kind_of(method == NULL ? "" : method),
		.at_us = listener_number(p, "at_us"),
		.slot = listener_number(p, "slot"),
		.pid = listener_number(p, "pid"),
		.id = id == NULL ? "-" : id,
		.peer = text(p, "peer"),
		.local = text(p, "local"),
		.bytes_in = listener_number(p, "bytes_in"),
		.bytes_out = listener_number(p, "bytes_out"),
		.records = listener_number(p, "records"),
		.reason = text(p, "reason"),
		.state = text(p, "state"),
	};
	(void)conn_id_parse(out->id, &out->conn_id);
	if (!is_complete(out))
		return -1;
	return out->kind == TRACE_NOTE_DATA ? read_data(c, kept, out) : 0;
}
