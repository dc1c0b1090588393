/*
 * What a client of the control socket sends: bytes to lines, lines to
 * requests, and a request to the first step of its method. The first byte says
 * how many bytes come at a time, which must make no difference. (Lines that
 * are too long would take too long: those are left to the unit tests.)
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

/* What the lines are; the same for the same lines. */
struct lines {
	uint64_t digest;
	bool is_used; /* and do what they ask for */
};

static void
note_line(struct lines *l, const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		l->digest = l->digest * 1099511628211u + (uint8_t)line[i];
	l->digest = l->digest * 1099511628211u + '\n';
	if (l->is_used)
		on_line(line, len);
}

/* Take all lines that are there. Returns false to give up. */
static bool
take_lines(struct line_buffer *b, struct lines *l)
{
	const char *line;
	size_t len;

	for (;;)
		switch (line_next(b, &line, &len)) {
		case LINE_READY:
			FUZZ_CHECK(len <= LINE_BYTES_MAX);
			FUZZ_CHECK(memchr(line, '\n', len) == NULL);
			note_line(l, line, len);
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
feed(struct line_buffer *b, struct lines *l, const uint8_t *data, size_t len)
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
		if (!take_lines(b, l))
			return false;
	}
	return true;
}

/* All of it, so many bytes at a time. Returns the digest of its lines. */
static uint64_t
read_lines(struct fuzz_input in, size_t piece, bool is_used)
{
	struct lines l = { .is_used = is_used };
	struct line_buffer b = { 0 };
	size_t n;

	while (in.left > 0) {
		n = piece < in.left ? piece : in.left;
		if (!feed(&b, &l, in.at, n))
			break;
		in.at += n;
		in.left -= n;
	}
	line_clear(&b);
	return l.digest;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const uint8_t how = fuzz_byte(&in);

	FUZZ_CHECK(read_lines(in, (size_t)how + 1, true) ==
	    read_lines(in, in.left, false));
	return 0;
}
