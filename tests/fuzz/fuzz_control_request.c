/*
 * What a client of the control socket sends: bytes to lines, lines to
 * requests, and a request to the first step of its method. The first byte says
 * how many bytes come at a time. (Lines that are too long would take too long:
 * those are left to the unit tests.)
 */
#include <jansson.h>

#include "control/line.h"
#include "control/method.h"
#include "control/rpc.h"
#include "fuzz.h"

/* An answer is one line of JSON; takes it. */
static void
check_answer(char *line)
{
	json_t *root;

	FUZZ_CHECK(line != NULL);
	FUZZ_CHECK(strchr(line, '\n') == line + strlen(line) - 1);
	root = json_loads(line, 0, NULL);
	FUZZ_CHECK(json_is_object(root));
	json_decref(root);
	free(line);
}

/* Returns 0, or -1 with *e. */
static int
start(const struct rpc_request *req, struct rpc_error *e)
{
	const struct method *m = method_find(req->method);
	struct call call = { .method = m,
		.request = 1,
		.state_dir = "/nonexistent/mercury" };
	enum method_step step;

	if (m == NULL)
		return rpc_fail(e, RPC_METHOD, "\"%.64s\"", req->method);
	if (method_check_params(m, req->params, e) == -1)
		return -1;
	step = m->start(&call, req->params);
	method_end(&call);
	*e = call.error;
	return step == METHOD_FAILED ? -1 : 0;
}

static void
on_line(const char *line, size_t len)
{
	struct rpc_request req;
	struct rpc_error e = { 0 };
	char *copy = fuzz_copy(line, len);

	if (rpc_parse(copy, len, &req, &e) == -1 || start(&req, &e) == -1) {
		FUZZ_CHECK(e.code != 0);
		check_answer(rpc_error_line(req.id, &e));
	} else {
		check_answer(rpc_result_line(req.id, json_true()));
	}
	rpc_request_free(&req);
	free(copy);
}

/* Take all lines that are there. Returns false to give up. */
static bool
take_lines(struct line_buffer *b)
{
	const char *line;
	size_t len;

	for (;;)
		switch (line_next(b, &line, &len)) {
		case LINE_READY:
			FUZZ_CHECK(len <= LINE_BYTES_MAX);
			FUZZ_CHECK(memchr(line, '\n', len) == NULL);
			on_line(line, len);
			break;
		case LINE_TOO_LONG:
			break;
		case LINE_NONE:
			FUZZ_CHECK(line_wants_more(b));
			return true;
		case LINE_LOST:
			return false;
		}
}

/* Bytes have come. Returns false to give up. */
static bool
feed(struct line_buffer *b, const uint8_t *data, size_t len)
{
	size_t n, room, done = 0;
	char *to;

	while (done < len) {
		to = line_room(b, &room);
		FUZZ_CHECK(to != NULL && room > 0);
		n = room < len - done ? room : len - done;
		memcpy(to, data + done, n);
		line_added(b, n);
		done += n;
		if (!take_lines(b))
			return false;
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const uint8_t how = fuzz_byte(&in);
	struct line_buffer b = { 0 };
	size_t n;

	while (in.left > 0) {
		n = how < in.left ? (size_t)how + 1 : in.left;
		if (n > in.left)
			n = in.left;
		if (!feed(&b, in.at, n))
			break;
		in.at += n;
		in.left -= n;
	}
	line_clear(&b);
	return 0;
}
