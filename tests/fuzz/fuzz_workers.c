/*
 * Hostile workers that are asked for their connections: what they send becomes
 * a page of JSON. The first byte says how many rows a page has and whose are
 * wanted; then come messages, each a byte that says which, and changes to a
 * good one.
 */
#include <event2/event.h>
#include <unistd.h>

#include "common/ipc.h"
#include "common/loop.h"
#include "control/conn_query.h"
#include "control/workers.h"
#include "fuzz.h"

#define WORKERS 2
#define CHANGES 4

enum message { ROW, DETAILED_ROW, DETAIL, DONE, DONE_FOR_NOW, HANG_UP, COUNT };

static struct event_base *base;

/* What is of one input. */
static struct {
	struct fuzz_input in;
	struct conn_query query;
	const struct worker *sorted;
	unsigned int count;
	int ends[WORKERS]; /* of the workers; -1: it has hung up */
	uint64_t id;       /* of the last row */
	bool answered;
} run;

static void
on_answer(void *ctx, const struct worker_answer *a)
{
	(void)ctx;
	FUZZ_CHECK(a->index < run.count && !run.answered);
	run.answered = true;
	FUZZ_CHECK(a->lost || a->count <= CONN_PAGE_MAX);
	FUZZ_CHECK(conn_query_take(&run.query, &run.sorted[a->index], a,
		       1700000000000) == 0);
}

static struct workers *
make_workers(void)
{
	struct workers *w = workers_new(base, on_answer, NULL);
	struct msg_worker_link link = { .generation = 1 };
	struct err err;
	int ends[2], i;

	FUZZ_CHECK(w != NULL);
	for (i = 0; i < WORKERS; i++) {
		FUZZ_CHECK(ipc_pair(ends, &err) == 0);
		link.slot = (uint32_t)i;
		link.pid = 100 + (uint32_t)i;
		run.ends[i] = ends[1];
		FUZZ_CHECK(workers_add(w, &link, ends[0]) == 0);
	}
	run.sorted = workers_sorted(w, &run.count);
	FUZZ_CHECK(run.sorted != NULL && run.count == WORKERS);
	return w;
}

static void
hang_up(unsigned int which)
{
	if (run.ends[which] != -1)
		(void)close(run.ends[which]);
	run.ends[which] = -1;
}

static void
send_row(unsigned int which, bool detailed)
{
	struct msg_conn_row m = { .request = 1,
		.id = ++run.id,
		.age_ms = 5000,
		.detailed = detailed };
	struct err err;

	memcpy(m.peer, "10.0.0.1:4000", sizeof("10.0.0.1:4000"));
	fuzz_patch(&run.in, fuzz_byte(&run.in) % CHANGES, &m, sizeof(m));
	run.id = m.id < UINT64_MAX ? m.id : 0;
	(void)ipc_send(run.ends[which], IPC_CONN_ROW, &m, -1, false, &err);
}

static void
send_detail(unsigned int which)
{
	static struct msg_conn_detail m;
	struct err err;

	memset(&m, 0, sizeof(m));
	m.request = 1;
	m.id = run.id;
	memcpy(m.tls.version, "TLSv1.3", sizeof("TLSv1.3"));
	memcpy(m.tls.name, "terminal", sizeof("terminal"));
	fuzz_patch(&run.in, fuzz_byte(&run.in) % CHANGES, &m, sizeof(m));
	(void)ipc_send(run.ends[which], IPC_CONN_DETAIL, &m, -1, false, &err);
}

static void
send_done(unsigned int which, bool more)
{
	struct msg_conn_done m = { .request = 1,
		.more = more,
		.last_id = run.id };
	struct err err;

	fuzz_patch(&run.in, fuzz_byte(&run.in) % CHANGES, &m, sizeof(m));
	(void)ipc_send(run.ends[which], IPC_CONN_DONE, &m, -1, false, &err);
}

/* One message of the worker that is asked. */
static void
step(unsigned int which)
{
	switch ((enum message)(fuzz_byte(&run.in) % COUNT)) {
	case ROW:
		send_row(which, false);
		break;
	case DETAILED_ROW:
		send_row(which, true);
		break;
	case DETAIL:
		send_detail(which);
		break;
	case DONE:
		send_done(which, false);
		break;
	case DONE_FOR_NOW:
		send_done(which, true);
		break;
	case HANG_UP:
	case COUNT:
		hang_up(which);
		break;
	}
}

/* Ask one, which answers what the input says, and hangs up at its end. */
static void
ask(struct workers *w, unsigned int which, uint64_t after_id)
{
	union ipc_payload m = { .CONN_LIST = { .request = 1,
				    .rows = CONN_PAGE_MAX,
				    .after_id = after_id } };

	run.answered = false;
	run.id = after_id;
	workers_ask(w, which, IPC_CONN_LIST, &m);
	while (!run.answered) {
		if (run.in.left == 0)
			hang_up(which);
		else if (run.ends[which] != -1)
			step(which);
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

/* Whatever they have said, it is a page. */
static void
check_result(uint32_t limit)
{
	json_t *result = conn_query_result(&run.query, true);
	char *text = json_dumps(result, 0);

	FUZZ_CHECK(result != NULL && text != NULL);
	FUZZ_CHECK(
	    json_array_size(json_object_get(result, "connections")) <= limit);
	free(text);
	json_decref(result);
}

static void
begin_query(uint8_t how)
{
	json_t *params = json_pack("{s:i}", "limit", how % 100 + 1);
	struct rpc_error e = { 0 };

	if (how >= 200)
		FUZZ_CHECK(json_object_set_new(params, "peer",
			       json_string("10.0.0.0/8")) == 0);
	FUZZ_CHECK(conn_query_begin(&run.query, params, &e) == 0);
	json_decref(params);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct workers *w;
	struct err err;
	unsigned int which, asked = 0;
	uint64_t after_id;
	uint8_t how;

	if (base == NULL)
		base = loop_new(&err);
	FUZZ_CHECK(base != NULL);
	memset(&run, 0, sizeof(run));
	run.in = (struct fuzz_input){ data, len };
	how = fuzz_byte(&run.in);
	begin_query(how);
	w = make_workers();
	while (!conn_query_is_full(&run.query) && asked++ <= len + WORKERS) {
		which = conn_query_next(&run.query, run.sorted, run.count,
		    &after_id);
		if (which == run.count)
			break;
		ask(w, which, after_id);
	}
	check_result(how % 100u + 1);
	for (which = 0; which < WORKERS; which++)
		hang_up(which);
	workers_free(&w);
	conn_query_end(&run.query);
	return 0;
}
