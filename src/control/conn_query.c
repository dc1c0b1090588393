#include "control/conn_query.h"

#include <string.h>

#include "common/conn_id.h"
#include "common/ipc_msg.h"
#include "control/workers.h"
#include "option/value.h"
#include "json/event_params.h"
#include "json/fields.h"
#include "json/when.h"

void
conn_cursor_format(const struct conn_cursor *c,
    char out[static CONN_CURSOR_SIZE])
{
	const uint64_t numbers[CONN_CURSOR_NUMBERS] = { c->slot, c->generation,
		c->pid, c->after_id };

	cursor_format(numbers, CONN_CURSOR_NUMBERS, out);
}

int
conn_cursor_parse(const char *text, struct conn_cursor *out)
{
	uint64_t numbers[CONN_CURSOR_NUMBERS];
	size_t i;

	if (cursor_parse(text, numbers, CONN_CURSOR_NUMBERS) == -1)
		return -1;
	for (i = 0; i < CONN_CURSOR_NUMBERS - 1; i++)
		if (numbers[i] > UINT32_MAX)
			return -1;
	out->slot = (uint32_t)numbers[0];
	out->generation = (uint32_t)numbers[1];
	out->pid = (uint32_t)numbers[2];
	out->after_id = numbers[3];
	return 0;
}

static int
read_filter(struct conn_query *q, const json_t *params, struct rpc_error *e)
{
	const char *peer = json_string_value(json_object_get(params, "peer"));
	const char *idle =
	    json_string_value(json_object_get(params, "min_idle"));
	struct err err;

	if (peer != NULL && peer_filter_parse(peer, &q->peer, &err) == -1)
		return rpc_fail(e, RPC_SERVER, "peer: %s", err.text);
	if (idle != NULL &&
	    value_duration(idle, 0, WHEN_AGO_MAX_MS, &q->min_idle_ms, &err) ==
		-1)
		return rpc_fail(e, RPC_SERVER, "min_idle: %s", err.text);
	return 0;
}

int
conn_query_begin(struct conn_query *q, const json_t *params,
    struct rpc_error *e)
{
	static const uint64_t range[2] = { 1, CONN_QUERY_LIMIT_MAX };
	const char *after = json_string_value(json_object_get(params, "after"));
	uint64_t limit = CONN_QUERY_LIMIT_MAX;
	char why[EVENT_PARAMS_TEXT_SIZE];

	memset(q, 0, sizeof(*q));
	if (event_params_number(params, "limit", range, &limit, why) == -1)
		return rpc_fail(e, RPC_SERVER, "%s", why);
	if (read_filter(q, params, e) == -1)
		return -1;
	if (after != NULL && conn_cursor_parse(after, &q->at) == -1)
		return rpc_fail(e, RPC_SERVER,
		    "after: must be what \"next\" was in the page before");
	q->limit = (uint32_t)limit;
	q->rows = json_array();
	q->missing = json_array();
	return 0;
}

/* Below 0: w is before the place; 0: the place is in w. */
static int
compare(const struct worker *w, const struct conn_cursor *at)
{
	if (w->slot != at->slot)
		return w->slot < at->slot ? -1 : 1;
	if (w->generation != at->generation)
		return w->generation < at->generation ? -1 : 1;
	if (w->pid != at->pid)
		return w->pid < at->pid ? -1 : 1;
	return 0;
}

unsigned int
conn_query_next(const struct conn_query *q, const struct worker *workers,
    unsigned int count, uint64_t *after_id)
{
	unsigned int i = 0;

	while (i < count &&
	    (compare(&workers[i], &q->at) < 0 ||
		(compare(&workers[i], &q->at) == 0 &&
		    q->at.after_id == UINT64_MAX)))
		i++;
	*after_id = 0;
	if (i < count && compare(&workers[i], &q->at) == 0)
		*after_id = q->at.after_id;
	return i;
}

#define TEXT(array) field_string_or_null((array), sizeof(array))

/* A key and its value on each line. */
/* clang-format off */
static json_t *
tls_json(const struct msg_conn_tls *t)
{
	if (t->version[0] == '\0')
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}",
	    "version", TEXT(t->version),
	    "cipher", TEXT(t->cipher),
	    "alpn", TEXT(t->alpn),
	    "server_name", TEXT(t->server_name),
	    "name", TEXT(t->name),
	    "subject", TEXT(t->subject),
	    "sans", TEXT(t->sans),
	    "serial", TEXT(t->serial),
	    "resumed", t->resumed != 0,
	    "by_proxy", t->by_proxy != 0);
}

static json_t *
proxy_json(const struct msg_conn_detail *d)
{
	if (d->proxy[0] == '\0' && d->authority[0] == '\0' &&
	    d->alpn[0] == '\0' && d->unique_id[0] == '\0')
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}",
	    "address", TEXT(d->proxy),
	    "authority", TEXT(d->authority),
	    "alpn", TEXT(d->alpn),
	    "unique_id", TEXT(d->unique_id));
}

static json_t *
row_json(const struct worker *w, const struct msg_conn_row *r,
    const struct msg_conn_detail *d, uint64_t now_ms)
{
	char id[CONN_ID_SIZE];

	conn_id_format(r->id, id);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o,"
	    " s:o, s:o, s:o, s:o, s:o, s:o}",
	    "id", id,
	    "slot", field_number(w->slot),
	    "generation", field_number(w->generation),
	    "pid", field_number(w->pid),
	    "peer", field_string_or_null(r->peer, sizeof(r->peer)),
	    "peer_pid", field_number_or_null(r->peer_pid),
	    "state", field_word(conn_state_name(r->state)),
	    "since", field_time(r->age_ms < now_ms ? now_ms - r->age_ms : 0),
	    "age_ms", field_number(r->age_ms),
	    "idle_ms", field_number(r->idle_ms),
	    "bytes_in", field_number(r->bytes_in),
	    "bytes_out", field_number(r->bytes_out),
	    "unsent", field_number(r->unsent),
	    "rtt_us", field_number_or_null(r->rtt_us),
	    "proxy", d == NULL ? json_null() : proxy_json(d),
	    "tls", d == NULL ? json_null() : tls_json(&d->tls));
}
/* clang-format on */

static bool
is_wanted(const struct conn_query *q, const struct msg_conn_row *r)
{
	return r->idle_ms >= q->min_idle_ms &&
	    peer_filter_passes(&q->peer, r->peer);
}

/* A slot is named once, also when two of its workers are lost. */
static int
add_missing(struct conn_query *q, uint32_t slot)
{
	const size_t n = json_array_size(q->missing);

	if (n > 0 &&
	    json_integer_value(json_array_get(q->missing, n - 1)) == slot)
		return 0;
	return json_array_append_new(q->missing, field_number(slot));
}

int
conn_query_take(struct conn_query *q, const struct worker *w,
    const struct worker_answer *a, uint64_t now_ms)
{
	const struct msg_conn_detail *d;
	size_t i;

	q->at =
	    (struct conn_cursor){ w->slot, w->generation, w->pid, UINT64_MAX };
	if (a->lost)
		return add_missing(q, w->slot);
	for (i = 0; i < a->count; i++) {
		if (!is_wanted(q, &a->rows[i]))
			continue;
		if (conn_query_is_full(q)) {
			q->at.after_id = a->rows[i].id - 1;
			return 0;
		}
		d = a->rows[i].detailed ? &a->details[i] : NULL;
		if (json_array_append_new(q->rows,
			row_json(w, &a->rows[i], d, now_ms)) == -1)
			return -1;
	}
	if (a->more)
		q->at.after_id = a->last_id;
	return 0;
}

bool
conn_query_is_full(const struct conn_query *q)
{
	return json_array_size(q->rows) >= q->limit;
}

json_t *
conn_query_result(struct conn_query *q, bool is_last)
{
	char next[CONN_CURSOR_SIZE];
	json_t *rows = q->rows, *missing = q->missing;

	q->rows = q->missing = NULL;
	conn_cursor_format(&q->at, next);
	return json_pack("{s:o, s:s?, s:o}", "connections", rows, "next",
	    is_last ? NULL : next, "missing", missing);
}

void
conn_query_end(struct conn_query *q)
{
	json_decref(q->rows);
	json_decref(q->missing);
	q->rows = q->missing = NULL;
}
