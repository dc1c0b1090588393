#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/event_text.h"

/* The event as it is shown after those that made the layout; for free(). */
static char *
show(struct event_layout *layout, const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	cr_assert_not_null(o, "%s", text);
	cr_assert_not_null(f);
	event_text_widen(layout, o);
	event_text_print(f, layout, o);
	(void)fclose(f);
	json_decref(o);
	return out;
}

static void
expect(char *got, const char *want)
{
	cr_expect_str_eq(got, want, "%s", got);
	free(got);
}

#define AT "\"id\": 1, \"at\": \"2026-01-01T00:00:00.000Z\", "

static const char ready[] =
    "{" AT "\"type\": \"daemon.ready\", \"severity\": \"info\", "
    "\"listener\": null, \"peer\": null, \"reason\": null, "
    "\"detail\": null}";

static const char crash[] =
    "{" AT "\"type\": \"worker.crashed\", \"severity\": \"error\", "
    "\"listener\": \"pos\", \"peer\": null, "
    "\"reason\": \"was killed by signal 11 (SIGSEGV)\", "
    "\"detail\": {\"pid\": 7, \"slot\": 0}}";

Test(event_text, columns_grow)
{
	struct event_layout layout = { 0 };

	expect(show(&layout, ready),
	    "2026-01-01T00:00:00.000Z  info     daemon.ready          -  -\n");
	expect(show(&layout, crash),
	    "2026-01-01T00:00:00.000Z  error    worker.crashed        pos  -"
	    "  was killed by signal 11 (SIGSEGV)  pid=7 slot=0\n");
	expect(show(&layout, ready),
	    "2026-01-01T00:00:00.000Z  info     daemon.ready          -    "
	    "-\n");
}

Test(event_text, colour_of_severity)
{
	struct event_layout layout = { .colour = true };

	expect(show(&layout, ready),
	    "2026-01-01T00:00:00.000Z  info     daemon.ready          -  -\n");
	expect(show(&layout, crash),
	    "2026-01-01T00:00:00.000Z  \033[31merror\033[0m    worker.crashed "
	    "       pos  -  was killed by signal 11 (SIGSEGV)  pid=7 slot=0\n");
}

struct detail_case {
	char json[64];
	char want[64];
};

ParameterizedTestParameters(event_text, details)
{
	static struct detail_case cases[] = {
		{ "{}", "" },
		{ "{\"a\": \"b\"}", "  a=b" },
		{ "{\"a\": \"\"}", "  a=\"\"" },
		{ "{\"a\": \"b c\"}", "  a=\"b c\"" },
		{ "{\"a\": \"b\\\"c\"}", "  a=\"b\\\"c\"" },
		{ "{\"a\": \"b=c\"}", "  a=\"b=c\"" },
		{ "{\"a\": \"/run/x\"}", "  a=/run/x" },
		{ "{\"a\": true, \"b\": null}", "  a=true b=null" },
		{ "{\"a\": {\"b\": [1, 0.1]}}", "  a={\"b\":[1,0.1]}" },
		{ "{\"a\\u001b\": \"\\u009b\\u001b\"}",
		    "  a\\x1b=\\xc2\\x9b\\x1b" },
		{ "[1]", "" },
		{ "5", "" },
	};

	return cr_make_param_array(struct detail_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct detail_case *k, event_text, details)
{
	struct event_layout layout = { 0 };
	char text[512], want[512];

	(void)snprintf(text, sizeof(text),
	    "{" AT "\"type\": \"t\", \"severity\": \"s\", \"detail\": %s}",
	    k->json);
	(void)snprintf(want, sizeof(want),
	    "2026-01-01T00:00:00.000Z  s        t                     -  -"
	    "%s\n",
	    k->want);
	expect(show(&layout, text), want);
}

/* Whatever the daemon says, a terminal is not told to obey. */
Test(event_text, anything_can_be_shown)
{
	static const char *const texts[] = { "{}", "[]", "[5]",
		"{\"type\": 5, \"detail\": {\"a\": {}}}",
		"{\"listener\": \"\\u001b[2J\", \"peer\": \"a\\nb\", "
		"\"reason\": \"\\u001b]0;x\\u0007\", \"severity\": "
		"\"\\u001b\", \"type\": \"\\r\", \"at\": \"\\u001b\"}" };
	struct event_layout layout = { 0 };
	char *out;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		out = show(&layout, texts[i]);
		cr_expect_null(strpbrk(out, "\033\a\r"), "%s", out);
		cr_expect_eq(strchr(out, '\n'), out + strlen(out) - 1);
		free(out);
	}
}

Test(event_text, a_long_name_shifts_only_its_own_line)
{
	char name[65], text[512];
	struct event_layout layout = { 0 };

	memset(name, 'x', 64);
	name[64] = '\0';
	(void)snprintf(text, sizeof(text), "{\"listener\": \"%s\"}", name);
	free(show(&layout, text));
	cr_expect_leq(layout.listener, 40);
}

struct cleanup_case {
	char json[96];
	char want[64];
};

ParameterizedTestParameters(event_text, cleanups)
{
	static struct cleanup_case cases[] = {
		{ "{\"rows\": 1234, \"bytes\": 5242880, \"duration_ms\": 812}",
		    "deleted 1,234 rows, gave back 5.0 MiB in 0.8 s\n" },
		{ "{\"rows\": 1, \"bytes\": 0, \"duration_ms\": 0}",
		    "deleted 1 row in 0.0 s\n" },
		{ "{\"rows\": 0, \"bytes\": 1023, \"duration_ms\": 60000}",
		    "deleted 0 rows, gave back 1023 bytes in 60.0 s\n" },
		{ "{\"rows\": 1000000, \"bytes\": 1048525}",
		    "deleted 1,000,000 rows, gave back 1.0 MiB in 0.0 s\n" },
		{ "{\"rows\": 999, \"bytes\": 4503599627370496}",
		    "deleted 999 rows, gave back 4096.0 TiB in 0.0 s\n" },
		{ "{\"rows\": 1234, \"dry_run\": true, \"bytes\": 5}",
		    "would delete 1,234 rows\n" },
		{ "{\"rows\": 1, \"dry_run\": true}", "would delete 1 row\n" },
		{ "[]", "deleted 0 rows in 0.0 s\n" },
	};

	return cr_make_param_array(struct cleanup_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct cleanup_case *k, event_text, cleanups)
{
	json_t *o = json_loads(k->json, 0, NULL);
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	cr_assert_not_null(f);
	event_text_cleanup(f, o);
	(void)fclose(f);
	json_decref(o);
	expect(out, k->want);
}
