#include <criterion/criterion.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/options.h"

#define ARGS_MAX 16

/* The command line of a test, split at spaces. */
struct line {
	char text[128];
	char *argv[ARGS_MAX];
	int argc;
	struct options o;
	struct err err;
};

static int
parse(struct line *l, const char *text)
{
	char *rest = l->text, *word;

	memset(l, 0, sizeof(*l));
	(void)strcpy(l->text, text);
	while ((word = strsep(&rest, " ")) != NULL)
		l->argv[l->argc++] = word;
	optind = 0; /* start anew */
	return options_parse(l->argc, l->argv, &l->o, &l->err);
}

Test(options, have_defaults)
{
	struct line l;

	(void)unsetenv("MERCURY_SOCKET");
	cr_assert_eq(parse(&l, "mercuryctl status"), 0);
	cr_expect_eq(l.o.given, 0);
	cr_expect_str_eq(l.o.socket, "/run/mercury/control.sock");
	cr_expect_eq(l.o.timeout_ms, 30000);
	cr_expect_eq(l.o.count, 1);
	cr_expect_str_eq(l.o.args[0], "status");
}

Test(options, the_environment_names_the_socket)
{
	struct line l;

	(void)setenv("MERCURY_SOCKET", "/tmp/x", 1);
	cr_assert_eq(parse(&l, "mercuryctl status"), 0);
	cr_expect_str_eq(l.o.socket, "/tmp/x");
	cr_assert_eq(parse(&l, "mercuryctl -s /tmp/y status"), 0);
	cr_expect_str_eq(l.o.socket, "/tmp/y");
	(void)setenv("MERCURY_SOCKET", "", 1);
	cr_assert_eq(parse(&l, "mercuryctl status"), 0);
	cr_expect_str_eq(l.o.socket, "/run/mercury/control.sock");
}

Test(options, stand_anywhere)
{
	static const char *const lines[] = {
		"mercuryctl -s x --json remove-listener pos --deadline 5s",
		"mercuryctl remove-listener -sx pos --deadline=5s --json",
		"mercuryctl --deadline 5s remove-listener pos -s x --json"
	};
	struct line l;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		cr_assert_eq(parse(&l, lines[i]), 0, "%s", lines[i]);
		cr_expect_eq(l.o.given,
		    (unsigned int)(OPTION_SOCKET | OPTION_JSON |
			OPTION_DEADLINE));
		cr_expect_str_eq(l.o.socket, "x");
		cr_expect_str_eq(l.o.deadline, "5s");
		cr_expect_eq(l.o.count, 2);
		cr_expect_str_eq(l.o.args[0], "remove-listener");
		cr_expect_str_eq(l.o.args[1], "pos");
	}
}

Test(options, end_at_two_dashes)
{
	struct line l;

	cr_assert_eq(parse(&l, "mercuryctl status -- --json"), 0);
	cr_expect_eq(l.o.given, 0);
	cr_expect_eq(l.o.count, 2);
	cr_expect_str_eq(l.o.args[1], "--json");
}

Test(options, a_deadline_makes_for_patience)
{
	struct line l;

	cr_assert_eq(parse(&l, "mercuryctl shutdown --deadline 2m"), 0);
	cr_expect_eq(l.o.timeout_ms, 130000);
	cr_assert_eq(
	    parse(&l, "mercuryctl shutdown --deadline 2m --timeout 1s"), 0);
	cr_expect_eq(l.o.timeout_ms, 1000);
	cr_assert_eq(parse(&l, "mercuryctl shutdown --deadline 1s"), 0);
	cr_expect_eq(l.o.timeout_ms, 30000);
}

Test(options, of_some_commands)
{
	struct line l;

	cr_assert_eq(parse(&l, "mercuryctl failure-rate --window 5m"), 0);
	cr_expect_eq(l.o.given, OPTION_WINDOW);
	cr_expect_str_eq(l.o.window, "5m");
	cr_expect_eq(l.o.timeout_ms, 30000, "a window is no time to wait");
	cr_assert_eq(parse(&l, "mercuryctl --queue --all --dry-run"), 0);
	cr_expect_eq(l.o.given,
	    (unsigned int)(OPTION_QUEUE | OPTION_ALL | OPTION_DRY_RUN));
}

Test(options, of_events)
{
	struct line l;

	cr_assert_eq(parse(&l,
			 "mercuryctl events --since 1h --listener pos --type a"
			 " --severity b --limit 50 --follow"),
	    0);
	cr_expect_eq(l.o.given,
	    (unsigned int)(OPTION_SINCE | OPTION_LISTENER | OPTION_TYPE |
		OPTION_SEVERITY | OPTION_LIMIT | OPTION_FOLLOW));
	cr_expect_str_eq(l.o.since, "1h");
	cr_expect_str_eq(l.o.listener, "pos");
	cr_expect_str_eq(l.o.type, "a");
	cr_expect_str_eq(l.o.severity, "b");
	cr_expect_eq(l.o.limit_rows, 50);
	cr_assert_eq(parse(&l, "mercuryctl cleanup --older-than 400d"), 0);
	cr_expect_str_eq(l.o.older_than, "400d");
	cr_expect_eq(l.o.limit_rows, 0);
	cr_assert_eq(parse(&l, "mercuryctl cleanup --older-than 0s"), 0);
}

Test(options, of_watch)
{
	static const struct {
		const char *line;
		uint64_t every_ms;
		int count;
	} cases[] = {
		{ "mercuryctl status --watch", 1000, 1 },
		{ "mercuryctl status --watch 5", 5000, 1 },
		{ "mercuryctl --watch 0.5 status pos", 500, 2 },
		{ "mercuryctl status --watch=2 pos", 2000, 2 },
		{ "mercuryctl status --watch 500ms pos", 500, 2 },
		{ "mercuryctl status --watch pos", 1000, 2 },
		{ "mercuryctl status --watch 4711pos", 1000, 2 },
		{ "mercuryctl status --watch -- 5", 1000, 2 },
		{ "mercuryctl status 5 --watch", 1000, 2 },
		{ "mercuryctl status --watch 5 --json", 5000, 1 },
	};
	struct line l;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(parse(&l, cases[i].line), 0, "%s", cases[i].line);
		cr_expect(l.o.given & OPTION_WATCH);
		cr_expect_eq(l.o.every_ms, cases[i].every_ms, "%s",
		    cases[i].line);
		cr_expect_eq(l.o.count, cases[i].count, "%s", cases[i].line);
	}
}

Test(options, of_output)
{
	struct line l;

	cr_assert_eq(parse(&l, "mercuryctl status -o wide"), 0);
	cr_expect_eq(l.o.given, OPTION_OUTPUT);
	cr_assert_eq(parse(&l, "mercuryctl --output=wide status"), 0);
	cr_expect_eq(l.o.given, OPTION_OUTPUT);
}

Test(options, bad_ones_are_told)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{ "mercuryctl --wrong", "--wrong: " },
		{ "mercuryctl -x", "-x: " },
		{ "mercuryctl -s", "-s: its value is missing" },
		{ "mercuryctl status --timeout", "--timeout: " },
		{ "mercuryctl --timeout soon", "--timeout: " },
		{ "mercuryctl --timeout 5", "--timeout: " },
		{ "mercuryctl --deadline -5s", "--deadline: " },
		{ "mercuryctl --window 0s", "--window: " },
		{ "mercuryctl --window 2d", "--window: " },
		{ "mercuryctl --json=yes", "--json=yes: " },
		{ "mercuryctl --limit 0", "--limit: " },
		{ "mercuryctl -o narrow", "--output: " },
		{ "mercuryctl --watch=0.01", "--watch: " },
		{ "mercuryctl --watch=99999999", "--watch: " },
		{ "mercuryctl --watch=pos", "--watch: " },
		{ "mercuryctl --watch=", "--watch: " },
		{ "mercuryctl --watch=1.2.3", "--watch: " },
		{ "mercuryctl --limit many", "--limit: " },
		{ "mercuryctl --limit 4294967296", "--limit: " },
		{ "mercuryctl --older-than 7", "--older-than: " },
		{ "mercuryctl --since", "--since: its value is missing" },
	};
	struct line l;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(parse(&l, cases[i].line), -1, "%s", cases[i].line);
		cr_expect_not_null(strstr(l.err.text, cases[i].why), "%s: %s",
		    cases[i].line, l.err.text);
	}
}

Test(options, unwanted_ones_are_found)
{
	struct line l;

	cr_assert_eq(parse(&l, "mercuryctl --json --save tree"), 0);
	cr_expect_str_eq(options_unwanted(&l.o, OPTIONS_GLOBAL), "save");
	cr_expect_null(options_unwanted(&l.o, OPTIONS_GLOBAL | OPTION_SAVE));
}
