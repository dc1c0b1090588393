#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "control/rpc.h"
#include "json/depth.h"
#include "json/fields.h"

struct parse_case {
	char text[120];
	int code;    /* 0: a request */
	char id[24]; /* as JSON; empty: none */
};

ParameterizedTestParameters(rpc, reads_the_envelope)
{
	static struct parse_case cases[] = {
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}", 0, "1" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":null}", 0,
		    "null" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"x\"}", 0,
		    "\"x\"" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", 0, "" },
		{ " {\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{}}\r", 0,
		    "" },
		{ "hello", RPC_PARSE, "" },
		{ "{", RPC_PARSE, "" },
		{ "{} {}", RPC_PARSE, "" },
		{ "{\"a\":1,\"a\":2}", RPC_PARSE, "" },
		{ "{\"a\":\"\\u0000\"}", RPC_PARSE, "" },
		{ "\xff\xfe", RPC_PARSE, "" },
		{ "{\"a\":99999999999999999999}", RPC_PARSE, "" },
		{ "1", RPC_REQUEST, "" },
		{ "null", RPC_REQUEST, "" },
		{ "[]", RPC_REQUEST, "" },
		{ "[{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}]",
		    RPC_REQUEST, "" },
		{ "{}", RPC_REQUEST, "" },
		{ "{\"jsonrpc\":\"1.0\",\"method\":\"m\",\"id\":1}",
		    RPC_REQUEST, "1" },
		{ "{\"jsonrpc\":2.0,\"method\":\"m\",\"id\":1}", RPC_REQUEST,
		    "1" },
		{ "{\"method\":\"m\",\"id\":1}", RPC_REQUEST, "1" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_REQUEST, "1" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":5,\"id\":1}", RPC_REQUEST,
		    "1" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}",
		    RPC_REQUEST, "" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":true}",
		    RPC_REQUEST, "" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1,"
		  "\"params\":[]}",
		    RPC_PARAMS, "1" },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1,"
		  "\"params\":null}",
		    RPC_PARAMS, "1" },
	};

	return cr_make_param_array(struct parse_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct parse_case *k, rpc, reads_the_envelope)
{
	struct rpc_request req;
	struct rpc_error e = { 0 };
	const int r = rpc_parse(k->text, strlen(k->text), &req, &e);
	char *id = json_dumps(req.id, JSON_ENCODE_ANY);

	cr_expect_eq(r, k->code == 0 ? 0 : -1, "%s", k->text);
	cr_expect_eq((int)e.code, k->code, "%s: %d %s", k->text, (int)e.code,
	    e.text);
	cr_expect_str_eq(id == NULL ? "" : id, k->id, "%s", k->text);
	if (r == 0)
		cr_expect_str_eq(req.method, "m");
	free(id);
	rpc_request_free(&req);
}

struct depth_case {
	char before[8];
	char repeated[8];
	int times;
	int deep;
};

ParameterizedTestParameters(rpc, counts_depth)
{
	static struct depth_case cases[] = {
		{ "", "[", 32, 0 },
		{ "", "[", 33, 1 },
		{ "", "{", 33, 1 },
		{ "", "[{", 16, 0 },
		{ "", "[{", 17, 1 },
		{ "", "[]", 10000, 0 },
		{ "\"", "[", 10000, 0 },
		{ "\"\\\"", "[", 10000, 0 },
		{ "\"\\\\\"", "[", 10000, 1 },
		{ "\"\\", "\"", 10000, 0 },
		{ "]]]]]]", "[", 38, 0 },
		{ "", "[", 10000, 1 },
	};

	return cr_make_param_array(struct depth_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct depth_case *k, rpc, counts_depth)
{
	static char text[32768];
	int i;

	(void)strcpy(text, k->before);
	for (i = 0; i < k->times; i++)
		(void)strcpy(text + strlen(k->before) +
			(size_t)i * strlen(k->repeated),
		    k->repeated);
	cr_expect_eq(json_is_too_deep(text, strlen(text)), k->deep,
	    "%s and %d times %s", k->before, k->times, k->repeated);
}

Test(rpc, too_deep_is_not_parsed)
{
	static char text[] = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";
	struct rpc_request req;
	struct rpc_error e;

	cr_expect_eq(rpc_parse(text, strlen(text), &req, &e), -1);
	cr_expect_eq(e.code, RPC_REQUEST);
	rpc_request_free(&req);
}

static void
expect_line(char *line, const char *want)
{
	cr_assert_not_null(line);
	cr_expect_str_eq(line, want);
	free(line);
}

Test(rpc, writes_results)
{
	json_t *id = json_string("x");

	expect_line(rpc_result_line(id, json_pack("{s:i}", "a", 1)),
	    "{\"jsonrpc\": \"2.0\", \"id\": \"x\", \"result\": {\"a\": 1}}\n");
	expect_line(rpc_result_line(NULL, json_null()),
	    "{\"jsonrpc\": \"2.0\", \"id\": null, \"result\": null}\n");
	json_decref(id);
	cr_expect_null(rpc_result_line(NULL, NULL));
}

/* The value as it stands in an answer. */
static void
expect_value(json_t *value, const char *want)
{
	char line[128];

	(void)snprintf(line, sizeof(line),
	    "{\"jsonrpc\": \"2.0\", \"id\": null, \"result\": %s}\n", want);
	expect_line(rpc_result_line(NULL, value), line);
}

Test(rpc, values)
{
	expect_value(json_real(1.0 / 3), "0.333333333333333");
	expect_value(json_real(0.1), "0.1");
	expect_value(field_number(0), "0");
	expect_value(field_number_or_null(0), "null");
	expect_value(field_number_or_null(5), "5");
	expect_value(field_known_or_null(0), "0");
	expect_value(field_known_or_null(-1), "null");
	expect_value(field_string_or_null("", 1), "null");
	expect_value(field_string_or_null("abc", 2), "\"ab\"");
	expect_value(field_time(0), "null");
	expect_value(field_time(1767225600123), "\"2026-01-01T00:00:00.123Z\"");
}

Test(rpc, writes_errors)
{
	struct rpc_error e;
	struct err err;

	cr_expect_eq(rpc_fail(&e, RPC_METHOD, "no %s", "x\ny"), -1);
	expect_line(rpc_error_line(NULL, &e),
	    "{\"jsonrpc\": \"2.0\", \"id\": null, \"error\": "
	    "{\"code\": -32601, \"message\": \"no x\\ny\"}}\n");
	(void)err_set(&err, ERR_PORT_IN_USE, "taken");
	cr_expect_eq(rpc_fail_err(&e, &err), -1);
	expect_line(rpc_error_line(NULL, &e),
	    "{\"jsonrpc\": \"2.0\", \"id\": null, \"error\": "
	    "{\"code\": -32000, \"message\": \"taken\", "
	    "\"data\": {\"reason\": \"port_in_use\"}}}\n");
}

Test(rpc, text_of_any_bytes_becomes_a_string)
{
	static const char open_ended[3] = { 'a', 'b', 'c' };
	json_t *s = field_string(open_ended, sizeof(open_ended));

	cr_expect_str_eq(json_string_value(s), "abc");
	json_decref(s);
	s = field_string("gr\xc3\xbc\xc3\x9f", 100);
	cr_expect_str_eq(json_string_value(s), "gr\xc3\xbc\xc3\x9f");
	json_decref(s);
	s = field_string("cut\xc3", 100);
	cr_expect_str_eq(json_string_value(s), "cut?");
	json_decref(s);
}
