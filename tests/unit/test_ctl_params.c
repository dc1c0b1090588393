#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/params.h"

struct params_case {
	char words[64]; /* separated by spaces */
	char want[80];  /* JSON; empty: refused */
	char why[24];
};

ParameterizedTestParameters(params, makes_json)
{
	static struct params_case cases[] = {
		{ "port=9100", "{\"port\":\"9100\"}", "" },
		{ "a=1 b=2", "{\"a\":\"1\",\"b\":\"2\"}", "" },
		{ "a=", "{\"a\":\"\"}", "" },
		{ "a=b=c", "{\"a\":\"b=c\"}", "" },
		{ "a=x.y", "{\"a\":\"x.y\"}", "" },
		{ "a=1,2", "{\"a\":\"1,2\"}", "" },
		{ "a.b=1 a.c=2 d=3",
		    "{\"a\":{\"b\":\"1\",\"c\":\"2\"},"
		    "\"d\":\"3\"}",
		    "" },
		{ "a.b.c=1", "{\"a\":{\"b\":{\"c\":\"1\"}}}", "" },
		{ "port", "", "key=value" },
		{ "=5", "", "key=value" },
		{ "a=1 a=2", "", "twice" },
		{ "a=1 a.b=2", "", "value, too" },
		{ "a.b=2 a=1", "", "twice" },
		{ "a=\xff", "", "UTF-8" },
		{ "\xff=a", "", "UTF-8" },
	};

	return cr_make_param_array(struct params_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct params_case *k, params, makes_json)
{
	json_t *o = json_object();
	char words[64], *word, *rest = words, *got;
	struct err err = { 0 };
	int r = 0;

	(void)strcpy(words, k->words);
	while (r == 0 && (word = strsep(&rest, " ")) != NULL)
		r = params_add(o, word, &err);
	cr_expect_eq(r, k->want[0] == '\0' ? -1 : 0, "%s: %s", k->words,
	    err.text);
	got = json_dumps(o, JSON_COMPACT);
	if (r == 0)
		cr_expect_str_eq(got, k->want);
	else
		cr_expect_not_null(strstr(err.text, k->why), "%s", err.text);
	free(got);
	json_decref(o);
}

static json_t *
read_text(const char *text, struct err *err)
{
	char path[] = "/tmp/test_ctl_params.XXXXXX";
	const int fd = mkstemp(path);
	json_t *o;

	cr_assert_neq(fd, -1);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	o = params_read(path, err);
	(void)unlink(path);
	return o;
}

Test(params, reads_a_file)
{
	struct err err;
	json_t *o = read_text("{\"name\": \"a\",\n \"port\": 5}\n", &err);

	cr_assert_not_null(o);
	cr_expect_eq(json_integer_value(json_object_get(o, "port")), 5);
	json_decref(o);
}

Test(params, refuses_a_bad_file)
{
	static const char *const bad[] = { "", "[]", "{", "5", "{}x", "\xff",
		"{\"a\":1,\"a\":2}" };
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_null(read_text(bad[i], &err), "%s", bad[i]);
	cr_expect_null(params_read("/no/such/file", &err));
	cr_expect_not_null(strstr(err.text, "/no/such/file"));
	cr_expect_null(params_read("/", &err));
	cr_expect_null(params_read("/dev/zero", &err));
	cr_expect_not_null(strstr(err.text, "1 MiB"), "%s", err.text);
}
