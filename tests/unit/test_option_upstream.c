#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "option/check_text.h"
#include "option/upstream.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct good_case {
	char text[96];
	char made[96];
	char host[64];
	uint16_t port;
	enum upstream_kind kind;
};

ParameterizedTestParameters(upstream, good_ones)
{
	static struct good_case cases[] = {
		{ "10.0.0.5:8583", "10.0.0.5:8583", "10.0.0.5", 8583,
		    UPSTREAM_ADDRESS },
		{ "[fd00::5]:1", "[fd00::5]:1", "fd00::5", 1,
		    UPSTREAM_ADDRESS },
		{ "[FD00::5]:65535", "[fd00::5]:65535", "fd00::5", 65535,
		    UPSTREAM_ADDRESS },
		{ "POS.example:8583", "pos.example:8583", "pos.example", 8583,
		    UPSTREAM_NAME },
		{ "localhost:1", "localhost:1", "localhost", 1, UPSTREAM_NAME },
		{ "a_b-1.example.:1", "a_b-1.example.:1", "a_b-1.example.", 1,
		    UPSTREAM_NAME },
		{ "unix:/run/App.sock", "unix:/run/App.sock", "/run/App.sock",
		    0, UPSTREAM_UNIX },
		{ "  a:1\tqueue=0   weight=256 ", "a:1 weight=256 queue=0", "a",
		    1, UPSTREAM_NAME },
		{ "a:1 backup max_connections=1 queue=2",
		    "a:1 max_connections=1 queue=2 backup", "a", 1,
		    UPSTREAM_NAME },
	};

	return cr_make_param_array(struct good_case, cases, COUNT(cases));
}

ParameterizedTest(struct good_case *k, upstream, good_ones)
{
	struct upstream_plan u = { .weight = 7, .queue = 9 }, again;
	char made[UPSTREAM_TEXT_SIZE], twice[UPSTREAM_TEXT_SIZE];
	struct err err;

	cr_assert_eq(upstream_parse(k->text, &u, made, &err), 0, "%s",
	    err.text);
	cr_expect_str_eq(made, k->made);
	cr_expect_str_eq(u.host, k->host);
	cr_expect_eq(u.port, k->port);
	cr_expect_eq(u.kind, k->kind);
	cr_expect_eq(u.backup, strstr(k->text, "backup") != NULL);
	if (strstr(k->text, "weight") == NULL)
		cr_expect_eq(u.weight, 7);
	again = (struct upstream_plan){ .weight = 7, .queue = 9 };
	cr_assert_eq(upstream_parse(made, &again, twice, &err), 0);
	cr_expect_str_eq(twice, made);
	cr_expect_eq(memcmp(&u, &again, sizeof(u)), 0);
}

struct bad_case {
	char text[96];
	char error[160]; /* how it begins */
};

ParameterizedTestParameters(upstream, bad_ones)
{
	static struct bad_case cases[] = {
		{ "", "\"\" is no upstream: must be like 10.0.0.5:8583" },
		{ "  ", "\"  \" is no upstream" },
		{ "pos.example", "\"pos.example\" has no port: must be like" },
		{ "10.0.0.5:", "\"10.0.0.5:\" has no port" },
		{ "[::1]", "\"[::1]\" has no port" },
		{ "[::1", "\"[::1\" has no \"]:\" before its port" },
		{ "[::1]80", "\"[::1]80\" has no \"]:\" before its port" },
		{ "[10.0.0.5]:80", "\"10.0.0.5\" is no IPv6 address" },
		{ "[fd00::g]:80", "\"fd00::g\" is no IPv6 address" },
		{ "fd00::5:80", "\"fd00::5:80\" has several colons" },
		{ ":80", "\":80\" has no host" },
		{ "a:0", "\"a:0\" has a wrong port: must be from 1 to 65535" },
		{ "a:65536", "\"a:65536\" has a wrong port" },
		{ "a:http", "\"a:http\" has a wrong port" },
		{ "10.0.0.256:1", "\"10.0.0.256\" is no IPv4 address" },
		{ "9100:1", "\"9100\" is no IPv4 address" },
		{ "a..b:1", "\"a..b\" is no name of a host" },
		{ "a/b:1", "\"a/b\" is no name of a host" },
		{ "/run/x",
		    "\"/run/x\" is a path: must have \"unix:\" before it" },
		{ "unix:run/x", "\"run/x\" is no absolute path" },
		{ "a:1 wight=3",
		    "\"wight=3\" is no parameter of an upstream: did you mean "
		    "\"weight=\"?" },
		{ "a:1 b:2",
		    "\"b:2\" is no parameter of an upstream: must be weight=" },
		{ "a:1 weight", "\"weight\" is no parameter of an upstream" },
		{ "a:1 weight=0", "a:1: weight=: 0 is out of range: 1 to 256" },
		{ "a:1 queue=x", "a:1: queue=: \"x\" is no whole number" },
		{ "a:1 queue=1 queue=2", "\"queue=2\" is given twice for a:1" },
		{ "a:1 backup backup", "\"backup\" is given twice for a:1" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, upstream, bad_ones)
{
	struct upstream_plan u = { .weight = 1 };
	char made[UPSTREAM_TEXT_SIZE];
	struct err err;

	cr_expect_eq(upstream_parse(k->text, &u, made, &err), -1, "%s",
	    k->text);
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0, "%s",
	    err.text);
}

Test(upstream, long_ones_fit_or_are_refused)
{
	char text[UPSTREAM_NAME_SIZE * 3], made[UPSTREAM_TEXT_SIZE];
	struct upstream_plan u;
	size_t len;
	struct err err;

	for (len = 1; len < sizeof(text) - 10; len++) {
		memset(text, 'a', len);
		(void)snprintf(text + len, sizeof(text) - len, ":65535");
		u = (struct upstream_plan){ .weight = 1 };
		if (upstream_parse(text, &u, made, &err) == 0)
			cr_expect_str_eq(made, text);
		else
			cr_expect_gt(len, 63);
	}
}

/* --- the bytes of checks --- */

struct text_case {
	char text[40];
	char made[40];
	size_t size; /* 0: wrong */
};

ParameterizedTestParameters(check_text, escapes)
{
	static struct text_case cases[] = {
		{ "PING", "PING", 4 },
		{ "\\r\\n\\t\\\\", "\\r\\n\\t\\\\", 4 },
		{ "\r\n", "\\r\\n", 2 },
		{ "\\x00\\xfF\\x41", "\\x00\\xffA", 3 },
		{ "a\303\244", "a\\xc3\\xa4", 3 },
		{ "\\", "", 0 },
		{ "\\q", "", 0 },
		{ "\\x4", "", 0 },
		{ "\\xg0", "", 0 },
	};

	return cr_make_param_array(struct text_case, cases, COUNT(cases));
}

ParameterizedTest(struct text_case *k, check_text, escapes)
{
	struct check_text t = { 0 };
	char made[CHECK_TEXT_WRITTEN];
	struct err err;

	cr_expect_eq(check_text_parse(k->text, &t, &err),
	    k->size == 0 ? -1 : 0);
	cr_expect_eq(t.size, k->size);
	if (k->size == 0)
		return;
	check_text_format(&t, made);
	cr_expect_str_eq(made, k->made);
}

Test(check_text, all_bytes_come_back_and_no_more_than_fit)
{
	char text[CHECK_TEXT_WRITTEN + 8] = "", made[CHECK_TEXT_WRITTEN];
	struct check_text t;
	unsigned int i;
	struct err err;

	for (i = 0; i < CHECK_TEXT_SIZE; i++)
		(void)snprintf(text + i * 4, 5, "\\x%02x", i);
	cr_assert_eq(check_text_parse(text, &t, &err), 0);
	cr_assert_eq(t.size, CHECK_TEXT_SIZE);
	for (i = 0; i < CHECK_TEXT_SIZE; i++)
		cr_expect_eq(t.bytes[i], i);
	check_text_format(&t, made);
	cr_assert_eq(check_text_parse(made, &t, &err), 0);
	cr_expect_eq(t.size, CHECK_TEXT_SIZE);
	(void)snprintf(text + CHECK_TEXT_SIZE * 4, 2, "x");
	cr_expect_eq(check_text_parse(text, &t, &err), -1);
}
