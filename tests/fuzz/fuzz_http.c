/*
 * What an HTTP client sends: bytes to a request and its body, at once and in
 * pieces, which must come to the same; and what the request is for. The first
 * byte says how large the pieces are.
 */
#include "common/utf8.h"
#include "fuzz.h"
#include "gateway/access.h"
#include "gateway/api_events.h"
#include "gateway/http_request.h"
#include "gateway/route.h"

static void
check_ends(const struct http_request *r)
{
	FUZZ_CHECK(memchr(r->target, '\0', sizeof(r->target)) != NULL);
	FUZZ_CHECK(memchr(r->host, '\0', sizeof(r->host)) != NULL);
	FUZZ_CHECK(
	    memchr(r->authorization, '\0', sizeof(r->authorization)) != NULL);
	FUZZ_CHECK(memchr(r->accept, '\0', sizeof(r->accept)) != NULL);
	FUZZ_CHECK(r->target[0] == '/' || strcmp(r->target, "*") == 0);
	FUZZ_CHECK(r->body.left <= HTTP_BODY_MAX);
}

static void
check_use(const struct http_request *r)
{
	char value[32], why[EVENT_PARAMS_TEXT_SIZE];
	struct msg_events_query q;
	struct route route;

	route_find(r->method, r->target, &route);
	FUZZ_CHECK(route.what <= ROUTE_NONE && route.methods != NULL);
	FUZZ_CHECK_TEXT(route.name, sizeof(route.name));
	(void)route_param(route.query, "name", value, sizeof(value));
	FUZZ_CHECK_TEXT(value, sizeof(value));
	if (api_events_query(route.query, &q, why) == 0)
		FUZZ_CHECK(q.rows >= 1 && q.rows <= EVENTS_PAGE_MAX);
	(void)access_knows_host(r->host, "a b.example");
	FUZZ_CHECK(!access_has_token(r->authorization, ""));
}

/*
 * Read the body in pieces of that size. Returns how long it is, -1: it is
 * bad, -2: it does not end.
 */
static long
read_body(struct http_body b, const uint8_t *data, size_t len, size_t piece)
{
	struct http_fault fault;
	size_t used = 0, n;
	char *copy;
	long r;

	while (b.at != HTTP_BODY_END && used < len) {
		n = piece < len - used ? piece : len - used;
		copy = fuzz_copy(data + used, n);
		r = http_body_read(&b, copy, n, &fault);
		free(copy);
		if (r == -1) {
			FUZZ_CHECK(fault.status >= 400 && fault.why != NULL);
			return -1;
		}
		FUZZ_CHECK((size_t)r <= n);
		FUZZ_CHECK((size_t)r == n || b.at == HTTP_BODY_END);
		used += (size_t)r;
	}
	return b.at == HTTP_BODY_END ? (long)used : -2;
}

/* Where the head ends, found in pieces. */
static size_t
find_end(const uint8_t *data, size_t len, size_t piece)
{
	size_t seen = 0, size = 0, had = 0;
	char *copy;

	while (size == 0 && had < len) {
		had = piece < len - had ? had + piece : len;
		copy = fuzz_copy(data, had);
		size = http_request_size(copy, had, &seen);
		free(copy);
		FUZZ_CHECK(seen <= had && size <= had);
	}
	return size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const size_t piece = fuzz_byte(&in) % 32 + 1;
	struct http_fault fault;
	struct http_request r;
	size_t size;
	char *head;

	if (in.left > HTTP_HEAD_MAX)
		in.left = HTTP_HEAD_MAX;
	FUZZ_CHECK(http_request_skip((const char *)in.at, in.left) <= in.left);
	size = find_end(in.at, in.left, in.left);
	FUZZ_CHECK(find_end(in.at, in.left, piece) == size);
	if (size == 0)
		return 0;
	head = fuzz_copy(in.at, size);
	if (http_request_read(head, size, &r, &fault) == -1) {
		FUZZ_CHECK(fault.status >= 400 && fault.why != NULL);
	} else {
		check_ends(&r);
		check_use(&r);
		FUZZ_CHECK(
		    read_body(r.body, in.at + size, in.left - size, in.left) ==
		    read_body(r.body, in.at + size, in.left - size, piece));
	}
	free(head);
	return 0;
}
