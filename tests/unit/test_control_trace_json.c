#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "common/conn_end.h"
#include "control/trace_json.h"

static const struct msg_trace_link worker = { .slot = 3,
	.generation = 2,
	.pid = 4242 };

/* ::ffff:10.0.0.1, 5555 to [2001:db8::1]:9100 */
static struct trace_record
record(enum trace_kind kind)
{
	return (struct trace_record){ .kind = (uint8_t)kind,
		.conn_id = UINT64_C(0xb13cfa4400000011),
		.at_us = UINT64_C(1795265913690736),
		.bytes_in = 7,
		.bytes_out = 9,
		.peer = { .bytes = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
		    .port = 5555 },
		.local = { .bytes = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
		    .port = 9100 } };
}

/* Takes line. */
static void
expect(char *line, const char *want)
{
	cr_assert_not_null(line);
	cr_expect_str_eq(line, want, "%s", line);
	free(line);
}

#define HEAD(METHOD) "{\"jsonrpc\": \"2.0\", \"method\": \"" METHOD "\", "
#define CONN                                                     \
	"\"params\": {\"at_us\": 1795265913690736, "             \
	"\"id\": \"b13cfa44-17\", \"slot\": 3, \"pid\": 4242, "  \
	"\"peer\": \"10.0.0.1:5555\", \"local\": \"[2001:db8::1" \
	"]:9100\""

Test(trace_json, opened_and_closed)
{
	struct trace_record r = record(TRACE_OPENED);

	expect(trace_json_record(&worker, &r, NULL),
	    HEAD("trace.opened") CONN "}}\n");
	r = record(TRACE_CLOSED);
	r.end = CONN_END_KICKED;
	expect(trace_json_record(&worker, &r, NULL),
	    HEAD("trace.closed") CONN ", \"reason\": \"kicked\", "
				      "\"bytes_in\": 7, "
				      "\"bytes_out\": 9}}\n");
}

Test(trace_json, data)
{
	struct trace_record r = record(TRACE_IN);

	r.len = 3;
	expect(trace_json_record(&worker, &r, (const uint8_t *)"f\0\xff"),
	    HEAD("trace.data") CONN ", \"direction\": \"in\", "
				    "\"offset\": 7, \"length\": 3, "
				    "\"data\": \"ZgD/\"}}\n");
	r.kind = TRACE_OUT;
	r.len = 1;
	expect(trace_json_record(&worker, &r, (const uint8_t *)"f"),
	    HEAD("trace.data") CONN ", \"direction\": \"out\", "
				    "\"offset\": 9, \"length\": 1, "
				    "\"data\": \"Zg==\"}}\n");
}

Test(trace_json, without_addresses)
{
	struct trace_record r = record(TRACE_OPENED);
	char *line;

	memset(&r.peer, 0, sizeof(r.peer));
	memset(&r.local, 0, sizeof(r.local));
	line = trace_json_record(&worker, &r, NULL);
	cr_expect_not_null(strstr(line, "\"peer\": null, \"local\": null}"));
	free(line);
}

Test(trace_json, all_else)
{
	struct trace_record r = record(TRACE_LOST);

	r.records = 5;
	expect(trace_json_record(&worker, &r, NULL),
	    HEAD("trace.lost") "\"params\": {\"at_us\": 1795265913690736, "
			       "\"slot\": 3, \"pid\": 4242, \"records\": 5, "
			       "\"bytes_in\": 7, \"bytes_out\": 9}}\n");
	expect(trace_json_worker(&worker, 12, "joined"),
	    HEAD("trace.worker") "\"params\": {\"at_us\": 12, \"slot\": 3, "
				 "\"generation\": 2, \"pid\": 4242, "
				 "\"state\": \"joined\"}}\n");
	expect(trace_json_end("removed"),
	    HEAD("trace.end") "\"params\": {\"reason\": \"removed\"}}\n");
}
