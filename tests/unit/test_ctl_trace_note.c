#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/trace_note.h"

struct bad_case {
	char text[160];
	char data[8];
};

ParameterizedTestParameters(trace_note, what_makes_no_sense)
{
	static struct bad_case cases[] = {
		{ "{\"method\": \"trace.opened\"}", "" },
		{ "{\"method\": \"trace.opened\", \"params\": []}", "" },
		{ "{\"method\": \"trace.opened\", \"params\": {\"id\": "
		  "\"x\"}}",
		    "" },
		{ "{\"method\": \"trace.closed\", \"params\": {\"id\": "
		  "\"b13cfa44-17\"}}",
		    "" },
		{ "{\"method\": \"trace.data\", \"params\": {\"id\": "
		  "\"b13cfa44-17\"}}",
		    "Zg==" },
		{ "{\"method\": \"trace.data\", \"params\": {\"id\": "
		  "\"b13cfa44-17\", \"direction\": \"in\"}}",
		    "" },
		{ "{\"method\": \"trace.data\", \"params\": {\"id\": "
		  "\"b13cfa44-17\", \"direction\": \"in\"}}",
		    "Zg=" },
		{ "{\"method\": \"trace.worker\", \"params\": {}}", "" },
		{ "{\"method\": \"trace.end\", \"params\": {}}", "" },
	};

	return cr_make_param_array(struct bad_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_case *k, trace_note, what_makes_no_sense)
{
	struct client_note c = { .object = json_loads(k->text, 0, NULL),
		.data = k->data,
		.data_len = strlen(k->data) };
	struct trace_note_data kept = { 0 };
	struct trace_note n;

	cr_assert_not_null(c.object, "%s", k->text);
	cr_expect_eq(trace_note_read(&c, &kept, &n), -1, "%s", k->text);
	json_decref(c.object);
	free(kept.bytes);
}

Test(trace_note, data_after_data)
{
	static const char *const texts[] = { "Zm9v",
		"ZmY=", "Zm9vYmFyZm9vYmFyZm9vYmFy" };
	static const char *const bytes[] = { "foo", "ff",
		"foobarfoobarfoobar" };
	struct trace_note_data kept = { 0 };
	struct client_note c;
	struct trace_note n;
	size_t i;

	for (i = 0; i < 3; i++) {
		c.object = json_pack("{s:s, s:{s:s, s:s, s:i}}", "method",
		    "trace.data", "params", "id", "b13cfa44-17", "direction",
		    i == 0 ? "in" : "out", "offset", 5);
		c.data = texts[i];
		c.data_len = strlen(texts[i]);
		cr_assert_eq(trace_note_read(&c, &kept, &n), 0);
		cr_expect_eq(n.kind, TRACE_NOTE_DATA);
		cr_expect_eq(n.in, i == 0);
		cr_expect_eq(n.offset, 5);
		cr_expect_eq(n.conn_id, UINT64_C(0xb13cfa4400000011));
		cr_expect_eq(n.len, strlen(bytes[i]));
		cr_expect_arr_eq(n.data, bytes[i], n.len);
		json_decref(c.object);
	}
	free(kept.bytes);
}
