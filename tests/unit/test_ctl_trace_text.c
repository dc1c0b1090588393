#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/trace_note.h"
#include "ctl/trace_text.h"

/* What is shown of a notification, with data in base64. */
static void
expect_data(const char *method, const char *params, const char *data,
    const char *want)
{
	struct client_note c = { .object =
				     json_pack("{s:s, s:o}", "method", method,
					 "params", json_loads(params, 0, NULL)),
		.data = data,
		.data_len = strlen(data) };
	struct trace_note_data kept = { 0 };
	struct trace_note n;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(c.object, "%s", params);
	cr_assert_not_null(f);
	cr_assert_eq(trace_note_read(&c, &kept, &n), 0, "%s", params);
	trace_text_print(f, &n);
	(void)fclose(f);
	json_decref(c.object);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
	free(kept.bytes);
}

static void
expect(const char *method, const char *params, const char *want)
{
	expect_data(method, params, "", want);
}

#define CONN                                                      \
	"{\"at_us\": 1795265913690036, \"id\": \"b13cfa44-17\", " \
	"\"peer\": \"10.0.0.1:5555\""
#define AT "2026-11-21T12:58:33.690036Z "

Test(trace_text, a_connection)
{
	expect("trace.opened", CONN "}",
	    AT "b13cfa44-17 10.0.0.1:5555 opened\n");
	expect_data("trace.data", CONN ", \"direction\": \"in\"}", "aGkKfn8=",
	    AT "b13cfa44-17 10.0.0.1:5555 -> 5 bytes\n"
	       "  00000000  68 69 0a 7e 7f                            "
	       "        |hi.~.|\n");
	expect_data("trace.data", CONN ", \"direction\": \"out\"}", "eA==",
	    AT "b13cfa44-17 10.0.0.1:5555 <- 1 byte\n"
	       "  00000000  78                                        "
	       "        |x|\n");
	expect("trace.closed",
	    CONN ", \"reason\": \"kicked\", \"bytes_in\": 5, "
		 "\"bytes_out\": 1}",
	    AT "b13cfa44-17 10.0.0.1:5555 closed: kicked, 5 bytes in, 1 "
	       "out\n");
}

Test(trace_text, what_is_no_connection)
{
	expect("trace.opened", "{\"at_us\": 0, \"id\": \"b13cfa44-17\"}",
	    "1970-01-01T00:00:00.000000Z b13cfa44-17 unix opened\n");
	expect("trace.lost",
	    "{\"at_us\": 1795265913690036, \"slot\": 2, \"records\": 7, "
	    "\"bytes_in\": 8, \"bytes_out\": 9}",
	    AT "lost 7 records, 8 bytes in, 9 out, of the worker in slot 2\n");
	expect("trace.worker",
	    "{\"at_us\": 1795265913690036, \"slot\": 2, \"pid\": 42, "
	    "\"state\": \"joined\"}",
	    AT "worker in slot 2, pid 42: joined\n");
	expect("trace.end", "{\"reason\": \"removed\"}", "");
	expect("trace.of_a_later_version", "{}", "");
}

Test(trace_text, a_terminal_is_not_told_to_obey)
{
	expect("trace.closed",
	    "{\"at_us\": 0, \"id\": \"b13cfa44-17\", \"peer\": "
	    "\"\\u001b[2J\", \"reason\": \"a\\nb\"}",
	    "1970-01-01T00:00:00.000000Z b13cfa44-17 \\x1b[2J closed: "
	    "a\\x0ab, 0 bytes in, 0 out\n");
}

Test(trace_text, sixteen_bytes_a_line)
{
	uint8_t data[33];
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(0x30 + i);
	cr_assert_not_null(f);
	trace_text_dump(f, data, sizeof(data));
	(void)fclose(f);
	cr_expect_str_eq(text,
	    "  00000000  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f"
	    "  |0123456789:;<=>?|\n"
	    "  00000010  40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f"
	    "  |@ABCDEFGHIJKLMNO|\n"
	    "  00000020  50                                              "
	    "  |P|\n",
	    "%s", text);
	free(text);
}
