#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "config/config_file.h"
#include "config/config_load.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An ordinary user that every system has; root must name one that exists. */
#define ORDINARY_UID 65534
#define DAEMON_SECTION                                                      \
	"daemon { user = nobody state_dir = \"%s/state\" control_socket = " \
	"\"%s/run/c.sock\" }\n"

static char dir[64]; /* of this test */
static char main_file[96];
static struct plan plan;

static void
set_up(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/test_config_file.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	(void)snprintf(main_file, sizeof(main_file), "%s/m.conf", dir);
	memset(&plan, 0, sizeof(plan));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
tear_down(void)
{
	plan_clear(&plan);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(config_file, .init = set_up, .fini = tear_down);

/* Write a file in the test's directory. */
static void
put_bytes(const char *file, const char *bytes, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "w");
	cr_assert_not_null(f, "%s", path);
	cr_assert_eq(fwrite(bytes, 1, len, f), len);
	(void)fclose(f);
}

static void
put(const char *file, const char *text)
{
	put_bytes(file, text, strlen(text));
}

/* The main file: a daemon section in line 1, then text. */
static void
put_main(const char *text)
{
	char whole[4096];

	(void)snprintf(whole, sizeof(whole), DAEMON_SECTION "%s", dir, dir,
	    text);
	put("m.conf", whole);
}

static void
read_main(void)
{
	config_file_read(main_file, true, &plan);
}

/* All errors, for the message of a test that fails. */
static const char *
all_errors(void)
{
	static char text[8192];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < plan.errors.count && i < 8; i++) {
		(void)strcat(text, plan.errors.texts[i].text);
		(void)strcat(text, "\n");
	}
	return text;
}

/* Is there an error "FILE:rest" of a file in the test's directory? */
static bool
has_error(const char *file, const char *rest)
{
	char want[1024];
	size_t i;

	(void)snprintf(want, sizeof(want), "%s/%s:%s", dir, file, rest);
	for (i = 0; i < plan.errors.count; i++)
		if (strncmp(plan.errors.texts[i].text, want, strlen(want)) == 0)
			return true;
	return false;
}

Test(config_file, the_example_of_the_manual)
{
	put("m.conf",
	    "daemon { user = \"nobody\"  shutdown_deadline = \"15s\"  "
	    "control_socket = \"/run/mercury/control.sock\"  "
	    "log = \"syslog\" }\n"
	    "listener \"pos\" { port = 9100  protocol = \"echo\"  "
	    "workers = 2  keepalive = \"60s/10s/3\" }\n");
	read_main();
	cr_assert_eq(plan.errors.count, 0, "%s", all_errors());
	cr_assert_eq(plan.listener_count, 1);
	cr_expect_str_eq(plan.listeners[0].spec.name, "pos");
	cr_expect_eq(plan.listeners[0].spec.port, 9100);
	cr_expect_eq(plan.listeners[0].spec.workers, 2);
	cr_expect_eq(plan.listeners[0].origin, ORIGIN_FILE);
	cr_expect_eq(plan.listeners[0].set,
	    OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PROTOCOL) |
		OPTION_BIT(OPT_WORKERS) | OPTION_BIT(OPT_KEEPALIVE));
	cr_expect_str_eq(plan.daemon.user, "nobody");
}

/* Read the main file as an ordinary user, so that any user will do. */
static void
read_as_ordinary(void)
{
	const bool root = geteuid() == 0;

	if (root)
		cr_assert_eq(seteuid(ORDINARY_UID), 0);
	read_main();
	if (root)
		cr_assert_eq(seteuid(0), 0);
}

Test(config_file, an_empty_file_has_no_listeners)
{
	put("m.conf", "");
	read_as_ordinary();
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.listener_count, 0);
	cr_expect_str_eq(plan.daemon.user, "mercury");
}

/* The file that is installed, as a string. */
static const char *
example_file(void)
{
	static char text[16384];
	FILE *f = fopen(TOP_SRCDIR "/etc/mercury.conf", "r");

	cr_assert_not_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	return text;
}

Test(config_file, the_installed_example_is_accepted)
{
	put("m.conf", example_file());
	read_as_ordinary();
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.listener_count, 1);
}

/* "#option" is an option that is commented out, "# Text" is a comment. */
Test(config_file, the_installed_example_shows_every_option)
{
	const char *text = example_file();
	char sites[96], active[16384];
	unsigned int id;
	size_t n = 0;

	for (; *text != '\0'; text++)
		if (*text != '#' || text[1] == ' ' ||
		    strchr("\n\t", text[-1]) == NULL)
			active[n++] = *text;
	active[n] = '\0';
	put("m.conf", active);
	(void)snprintf(sites, sizeof(sites), "%s/sites", dir);
	cr_assert_eq(mkdir(sites, 0755), 0);
	put("sites/north.conf", "");
	read_as_ordinary();
	/* The group of the example need not exist here. */
	cr_expect_leq(plan.errors.count, 1, "%s", all_errors());
	if (plan.errors.count == 1)
		cr_expect_not_null(strstr(all_errors(), " control_group: "),
		    "%s", all_errors());
	cr_assert_eq(plan.listener_count, 3);
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		cr_expect((plan.listeners[1].set | plan.listeners[2].set) &
			OPTION_BIT(id),
		    "%s", spec_option_name(id));
}

Test(config_file, words_need_no_quotes_and_variables_are_filled_in)
{
	cr_assert_eq(setenv("TEST_PORT", "9101", 1), 0);
	put_main("listener pos { port = ${TEST_PORT} protocol = 'echo'\n"
		 "keepalive = 60s/10s/3 drain_timeout = \"${NO_SUCH:-3s}\" }");
	read_main();
	cr_assert_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.listeners[0].spec.port, 9101);
	cr_expect_eq(plan.listeners[0].spec.drain_timeout_ms, 3000);
}

struct file_case {
	char text[400];  /* from line 2 on */
	char error[160]; /* after the name of the file and ":" */
};

ParameterizedTestParameters(config_file, errors_name_line_and_remedy)
{
	static struct file_case cases[] = {
		{ "listener \"a\" {\n port = 70000\n protocol = echo }",
		    "3: port: 70000 is out of range: 0 to 65535" },
		{ "# one\n/* two\n three */ listener \"a\" { # x\n# y\n"
		  " port = x protocol = echo }",
		    "6: port: \"x\" is no whole number" },
		{ "listener \"a\" {\n prot = 1\n}",
		    "3: \"prot\" is no option of a listener: did you mean "
		    "\"port\"?" },
		{ "listener \"a\" {\n port = 1\n port = 2\n"
		  " protocol = echo }",
		    "4: port: is given twice, first in line 3" },
		{ "listener \"a\" {\n port = 1\n protocol = echo\n",
		    "2: the block that starts here has no end: } is" },
		{ "listener \"a\" {\n port = 1 # }\n",
		    "2: the block that starts here has no end: } is" },
		{ "listener \"a\" {\n port = \"1\n}\n",
		    "3: the string that starts here has no end" },
		{ "/* x\n", "2: the comment that starts here has no end" },
		{ "listener \"a\" { port = 1 protocol = echo }\n\n"
		  "listener \"a\" { port = 2 protocol = echo }\n",
		    "4: listener \"a\" is given twice, first at " },
		{ "daemon { }", "2: daemon is given twice, first at " },
		{ "\nlistener \"a\" {\n port = 1\n}\n",
		    "3: listener \"a\": protocol: is missing: echo or" },
		{ "listener \"a\" {\n protocol = echo\n}\n",
		    "2: listener \"a\": port: is missing" },
		{ "listener \"a\" {\n path = /x\n port = 1\n"
		  " protocol = echo }\n",
		    "4: listener \"a\": port: does not go with path" },
		{ "listener \"a\" {\n path = /x\n owner = \"no such user\"\n"
		  " protocol = echo }\n",
		    "4: listener \"a\": owner: there is no user" },
		{ "listener {\n port = 1 }", "2: listener: its name is" },
		{ "listener \"\" { }", "2: \"\": listener name is empty" },
		{ "listener \"a/b\" { }", "2: \"a/b\": listener name may" },
		{ "listener \"a\\nb\" { }", "2: \"a\\x0ab\": listener name" },
		{ "listener \"a\" { pool = \"\\xff\" }", "2: pool: name may" },
		{ "listener \"a\" { port 1 }", "2: missing equal sign" },
		{ "listener \"a\" { port = }", "2: \"}\" makes no sense here" },
		{ "listener \"a\" { port += 1 }", "2: attempt to append" },
		{ "listener \"a\" port", "2: missing opening brace" },
		{ "listener \"a\" { tls { } }",
		    "2: \"tls\" is no option of a listener" },
		{ "listener", "2: premature end of file" },
		{ "store { }", "2: \"store\" is unknown here: must be daemon" },
		{ "port = 1", "2: \"port\" is unknown here" },
		{ "daemon|user = x", "2: no sub-section" },
		{ "}", "2: } closes no block" },
		{ "\"a\nb|c\" = 1", "3: no sub-section title/index for 'a?b" },
		{ "include(\"a\nb\")", "3: /" },
		{ "= 1", "2: \"=\" makes no sense here" },
		{ "include(\"nonexistent.conf\")", "2: /" },
		{ "include()", "2: include: must name one file" },
		{ "include(a, b)", "2: include: must name one file" },
		{ "include(\"\")", "2: include: must name one file" },
		{ "include(a", "2: premature end of file" },
		{ "include(\"m.conf\")", "2: include: /" },
		{ "listener a { port = 1 protocol = echo }\n"
		  "listener b { protocol = echo\n port = 1 }",
		    "4: listener \"b\": port: 1 is taken by listener \"a\" "
		    "at /" },
		{ "listener a { port = 1 protocol = echo pool = p\n"
		  " hang_timeout = 5s }\n"
		  "listener b { port = 2 protocol = echo pool = p\n"
		  " hang_timeout = 6s }",
		    "5: listener \"b\": hang_timeout: pool p can't have 6s: "
		    "listener \"a\" at /" },
		{ "listener a { port = 1 protocol = echo\n"
		  " bind_backoff = 5s\n bind_backoff_max = 4s }",
		    "4: listener \"a\": bind_backoff_max: 4000 ms is less" },
		{ "group {\n children = {a} }", "2: group: its name is" },
		{ "group \"\" { }", "2: \"\": group name is empty" },
		{ "group \"g\" { }", "2: group \"g\": children: is missing" },
		{ "group g { children = {} }",
		    "2: group \"g\": children: is missing or empty" },
		{ "group g {\n childen = {} }",
		    "3: \"childen\" is no option of a group: did you mean "
		    "\"children\"?" },
		{ "group g {\n strategy = all\n children = {a} }",
		    "3: strategy: \"all\" is unknown: must be one_for_one" },
		{ "group g { children = {a}\n children = {a} }",
		    "3: children: is given twice, first in line 2" },
		{ "group g { children = {a,\n \"a/b\"} }",
		    "3: children: name may not contain" },
		{ "group g { children = {a,\n \"\xff\"} }",
		    "3: children: name may not contain" },
		{ "listener a { port = 1 protocol = echo }\n"
		  "group g { children = {a} }\ngroup g { children = {a} }",
		    "4: group \"g\" is given twice, first at /" },
		{ "group g { children = {\n lokal,\n nobody}\n}\n"
		  "listener local { port = 1 protocol = echo }\n"
		  "listener nobody { port = 2 protocol = echo }\n",
		    "3: group \"g\": children: there is no listener \"lokal\": "
		    "did you mean \"local\"?" },
		{ "group g { children = {xyzzy} }",
		    "2: group \"g\": children: there is no listener \"xyzzy\": "
		    "must be one of the config file, or a saved one" },
		{ "listener a { port = 1 protocol = echo }\n"
		  "group g { children = {a,\n\n a} }",
		    "5: group \"g\": children: \"a\" is given twice" },
		{ "listener a { port = 1 protocol = echo }\n"
		  "group g { children = {a} }\ngroup h { children = {a} }",
		    "4: group \"h\": children: \"a\" is in group \"g\" at /" },
		{ "listener a { port = 1 protocol = echo pool = p }\n"
		  "listener b { port = 2 protocol = echo pool = p }\n"
		  "group g { children = {b} }",
		    "4: group \"g\": children: \"b\" shares pool p with "
		    "listener \"a\": must have a pool of its own" },
		{ "listener a { path = /a protocol = echo }\n"
		  "listener b { path = /a protocol = echo }",
		    "3: listener \"b\": path: /a is taken by" },
		{ "listener a { port = 1 protocol = echo pool = p workers = 2 }"
		  "\nlistener b { port = 2 protocol = echo pool = p\n"
		  "workers = 3 }",
		    "4: listener \"b\": workers: pool p can't have 3" },
	};

	return cr_make_param_array(struct file_case, cases, COUNT(cases));
}

ParameterizedTest(struct file_case *k, config_file, errors_name_line_and_remedy)
{
	put_main(k->text);
	read_main();
	cr_expect(has_error("m.conf", k->error), "%s\n%s", k->text,
	    all_errors());
	cr_expect_null(strchr(plan.errors.texts[0].text, '\n'));
	if (strstr(k->text, "m.conf") == NULL)
		cr_expect_eq(plan.errors.count, 1, "%s", all_errors());
}

Test(config_file, all_errors_of_all_listeners_are_told)
{
	put_main("listener a {\n port = x\n backlog = 0 }\n"
		 "listener b { protocol = echo }\n"
		 "listener c { port = 1 protocol = echo }\n"
		 "listener d { port = 1 protocol = http }\n"
		 "listener e { prot = 1 }\n");
	read_main();
	cr_expect_eq(plan.errors.count, 5, "%s", all_errors());
	cr_expect(has_error("m.conf", "3: port"), "%s", all_errors());
	cr_expect(has_error("m.conf", "4: backlog"), "%s", all_errors());
	cr_expect(has_error("m.conf", "5: listener \"b\": port"), "%s",
	    all_errors());
	cr_expect(has_error("m.conf", "7: protocol"), "%s", all_errors());
	cr_expect(has_error("m.conf", "8: \"prot\""), "%s", all_errors());
}

Test(config_file, too_many_errors_are_counted)
{
	char text[4096] = "";
	int i;

	for (i = 0; i < PLAN_ERRORS_KEPT + 20; i++)
		(void)sprintf(text + strlen(text), "listener l%d { }\n", i);
	put_main(text);
	read_main();
	plan_count_dropped(&plan, "x");
	cr_expect_eq(plan.errors.count, PLAN_ERRORS_KEPT);
	cr_expect_str_eq(plan.errors.texts[PLAN_ERRORS_KEPT - 1].text,
	    "x: and 21 more errors");
}

Test(config_file, includes_are_relative_and_have_their_own_lines)
{
	char sub[96];

	(void)snprintf(sub, sizeof(sub), "%s/sub", dir);
	cr_assert_eq(mkdir(sub, 0755), 0);
	put_main("include(\"sub/one.conf\")\n"
		 "listener m { port = 3 protocol = http }\n");
	put("sub/one.conf",
	    "# one\nlistener one { port = 1 protocol = echo }\n"
	    "include('two.conf')\n"
	    "\nlistener three { port = x protocol = echo }\n");
	put("sub/two.conf", "\n\nlistener two { port = 2 }");
	read_main();
	cr_expect_eq(plan.errors.count, 3, "%s", all_errors());
	cr_expect(has_error("sub/two.conf", "3: listener \"two\": protocol"),
	    "%s", all_errors());
	cr_expect(has_error("sub/one.conf", "5: port"), "%s", all_errors());
	cr_expect(has_error("m.conf", "3: protocol"), "%s", all_errors());
}

Test(config_file, an_included_file_is_scanned_too)
{
	put_main("include(\"i.conf\")\n");
	put("i.conf", "\nlistener \"a\" { port = 1 protocol = echo\n");
	read_main();
	cr_expect_eq(plan.errors.count, 1, "%s", all_errors());
	cr_expect(has_error("i.conf", "2: the block that starts here"), "%s",
	    all_errors());
}

Test(config_file, an_empty_include_is_fine)
{
	put_main(
	    "include(\"i.conf\")\nlistener a { port = 1 protocol = echo }");
	put("i.conf", "");
	read_main();
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.listener_count, 1);
}

Test(config_file, files_that_can_not_be_read)
{
	char text[CONFIG_BYTES_MAX / 1024 + 1];
	char path[128];
	FILE *f;
	int i;

	read_main();
	cr_expect(has_error("m.conf", " can't open the file: No such"), "%s",
	    all_errors());
	config_file_read(dir, true, &plan);
	cr_expect_not_null(strstr(all_errors(), "is a directory"));
	(void)snprintf(path, sizeof(path), "%s/fifo", dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	config_file_read(path, true, &plan);
	cr_expect(has_error("fifo", " must be a regular file"));
	memset(text, ' ', sizeof(text));
	f = fopen(main_file, "w");
	cr_assert_not_null(f);
	for (i = 0; i < 1024; i++)
		cr_assert_eq(fwrite(text, 1, sizeof(text), f), sizeof(text));
	(void)fclose(f);
	read_main();
	cr_expect(has_error("m.conf", " is too large"), "%s", all_errors());
	put_bytes("m.conf", "a\0b", 3);
	read_main();
	cr_expect(has_error("m.conf", "1: this is not text"));
}

Test(config_file, a_file_without_the_right_to_read_it)
{
	put("m.conf", "");
	cr_assert_eq(chmod(main_file, 0), 0);
	read_as_ordinary();
	cr_expect(has_error("m.conf", " can't open the file: Permission"), "%s",
	    all_errors());
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
}

/* Save a listener by hand. */
static void
put_saved(const char *name, const char *options)
{
	char file[128], text[512], path[128];

	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/state/listeners", dir);
	(void)mkdir(path, 0755);
	cr_assert_eq(chmod(path, 0777), 0, "its user may write there");
	(void)snprintf(file, sizeof(file), "state/listeners/%s.json", name);
	(void)snprintf(text, sizeof(text), "{\"name\": \"%s\", %s}", name,
	    options);
	put(file, text);
}

Test(config_file, saved_listeners_come_after_the_file)
{
	put_main("listener z { port = 1 protocol = echo }\n"
		 "listener both { port = 2 protocol = echo }\n");
	put_saved("saved", "\"port\": 3, \"protocol\": \"echo\"");
	put_saved("both", "\"port\": 4, \"protocol\": \"echo\"");
	read_main();
	cr_assert_eq(plan.errors.count, 0, "%s", all_errors());
	cr_assert_eq(plan.listener_count, 3);
	cr_expect_str_eq(plan.listeners[2].spec.name, "saved");
	cr_expect_eq(plan.listeners[2].origin, ORIGIN_SAVED);
	cr_expect_eq(plan.listeners[1].spec.port, 2);
	cr_assert_eq(plan.warnings.count, 1);
	cr_expect_not_null(strstr(plan.warnings.texts[0].text,
	    "both.json: not used: listener \"both\" is in the config file"));
	cr_expect_not_null(strstr(plan.warnings.texts[0].text, "m.conf:3"));
}

/* Is there a warning about a file of the test's directory with this in it? */
static bool
has_warning(const char *file, const char *text)
{
	char want[128];
	size_t i;

	(void)snprintf(want, sizeof(want), "%s/%s: ", dir, file);
	for (i = 0; i < plan.warnings.count; i++)
		if (strncmp(plan.warnings.texts[i].text, want, strlen(want)) ==
			0 &&
		    strstr(plan.warnings.texts[i].text, text) != NULL)
			return true;
	return false;
}

/* They are written by a machine, and may not keep the others from starting. */
Test(config_file, a_saved_listener_that_is_wrong_is_left_out)
{
	put_main("");
	put_saved("bad", "\"port\": 70000");
	put_saved("good", "\"port\": 3, \"protocol\": \"echo\"");
	put("state/listeners/ugly.json", "{");
	read_main();
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.warnings.count, 2);
	cr_expect(has_warning("state/listeners/bad.json",
	    "not used: port: 70000 is"));
	cr_expect(has_warning("state/listeners/ugly.json", "not used: line 1"));
	cr_assert_eq(plan.listener_count, 1);
	cr_expect_str_eq(plan.listeners[0].spec.name, "good");
}

Test(config_file, a_saved_listener_yields_to_the_file_and_to_others)
{
	put_main("listener z { port = 1 protocol = echo pool = p workers = 2 }"
		 "\n");
	put_saved("a", "\"port\": 1, \"protocol\": \"echo\"");
	put_saved("b",
	    "\"port\": 2, \"protocol\": \"echo\", \"pool\": \"p\", "
	    "\"workers\": 1");
	put_saved("c", "\"port\": 2, \"protocol\": \"echo\"");
	put_saved("d", "\"port\": 2, \"protocol\": \"echo\"");
	read_main();
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.warnings.count, 3);
	cr_expect(has_warning("state/listeners/a.json",
	    "not used: port: 1 is taken by listener \"z\" at "));
	cr_expect(has_warning("state/listeners/b.json", "workers: pool p"));
	cr_expect(has_warning("state/listeners/d.json", "listeners/c.json"));
	cr_assert_eq(plan.listener_count, 2);
	cr_expect_str_eq(plan.listeners[1].spec.name, "c");
}

Test(config_file, groups_keep_the_order_of_their_children)
{
	put_main("group late { children = c }\n"
		 "group \"g\" { strategy = \"one_for_all\"\n"
		 " children = {\"b\", a, 'saved'} max_restarts = 3 "
		 "max_seconds = 9 }\n"
		 "listener a { port = 1 protocol = echo }\n"
		 "listener b { port = 2 protocol = echo }\n"
		 "listener c { port = 3 protocol = echo }\n");
	put_saved("saved", "\"port\": 4, \"protocol\": \"echo\"");
	read_main();
	cr_assert_eq(plan.errors.count, 0, "%s", all_errors());
	cr_assert_eq(plan.group_count, 2);
	cr_expect_eq(plan.groups[0].spec.strategy, STRATEGY_ONE_FOR_ONE);
	cr_expect_eq(plan.groups[0].spec.max_restarts, 10);
	cr_expect_eq(plan.groups[0].child_count, 1);
	cr_expect_str_eq(plan.groups[1].spec.name, "g");
	cr_expect_eq(plan.groups[1].spec.strategy, STRATEGY_ONE_FOR_ALL);
	cr_expect_eq(plan.groups[1].spec.max_restarts, 3);
	cr_expect_eq(plan.groups[1].spec.max_seconds, 9);
	cr_expect_eq(plan.groups[1].spec.children, 3);
	cr_assert_eq(plan.groups[1].child_count, 3);
	cr_expect_str_eq(plan.groups[1].children[0].child.name, "b");
	cr_expect_str_eq(plan.groups[1].children[1].child.name, "a");
	cr_expect_str_eq(plan.groups[1].children[2].child.name, "saved");
}

/* A damaged file that a machine wrote may not keep the daemon from starting. */
Test(config_file, a_child_that_is_left_out_is_a_warning)
{
	put_main("group g { children = {a,\n bad, good} }\n"
		 "listener a { port = 1 protocol = echo }\n");
	put_saved("bad", "\"port\": 70000");
	put_saved("good", "\"port\": 3, \"protocol\": \"echo\"");
	put_saved("guest",
	    "\"port\": 4, \"protocol\": \"echo\", \"pool\": \"a\"");
	read_main();
	cr_assert_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.warnings.count, 3);
	cr_expect(has_warning("m.conf:3", "children: \"bad\" is left out"));
	cr_expect(has_warning("state/listeners/guest.json",
	    "pool: a belongs to a child of group \"g\""));
	cr_assert_eq(plan.groups[0].child_count, 2);
	cr_expect_str_eq(plan.groups[0].children[1].child.name, "good");
	cr_expect_eq(plan.groups[0].spec.children, 2);
	cr_expect_eq(plan.listener_count, 2);
}

/* Which of its listeners makes the pool must not matter. */
Test(config_file, what_one_says_of_a_pool_holds_for_all_of_it)
{
	put_main("listener a { port = 1 protocol = echo pool = p }\n"
		 "listener b { port = 2 protocol = echo pool = p "
		 "restart = temporary max_restarts = 3 }\n"
		 "listener c { port = 3 protocol = echo pool = p "
		 "hang_timeout = 5s workers = 2 }\n"
		 "listener d { port = 4 protocol = echo }\n");
	read_main();
	cr_assert_eq(plan.errors.count, 0, "%s", all_errors());
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(plan.listeners[i].spec.restart, RESTART_TEMPORARY);
		cr_expect_eq(plan.listeners[i].spec.max_restarts, 3);
		cr_expect_eq(plan.listeners[i].spec.max_seconds, 60);
		cr_expect_eq(plan.listeners[i].spec.hang_timeout_ms, 5000);
	}
	cr_expect_eq(plan.listeners[0].set,
	    OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PROTOCOL) |
		OPTION_BIT(OPT_POOL),
	    "it did not say so");
	cr_expect_eq(plan.listeners[3].spec.restart, RESTART_PERMANENT);
}

Test(config_file, a_chain_of_includes_is_told)
{
	put_main("include(\"one.conf\")\n");
	put("one.conf", "\ninclude(\"two.conf\")\n");
	put("two.conf", "include(\"./one.conf\")\n");
	read_main();
	cr_expect_eq(plan.errors.count, 1, "%s", all_errors());
	cr_expect(has_error("two.conf", "1: include: "), "%s", all_errors());
	cr_expect_not_null(strstr(all_errors(),
			       "/one.conf includes itself: one.conf > "
			       "two.conf > one.conf\n"),
	    "%s", all_errors());
}

Test(config_file, includes_are_not_endlessly_deep)
{
	char name[16], text[64];
	int i;

	put_main("include(\"i0\")\n");
	for (i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "i%d", i);
		(void)snprintf(text, sizeof(text), "include(\"i%d\")\n", i + 1);
		put(name, text);
	}
	read_main();
	cr_expect_eq(plan.errors.count, 1, "%s", all_errors());
	cr_expect(has_error("i9", "1: include: more than 10 files deep"), "%s",
	    all_errors());
}

Test(config_file, an_unknown_option_hides_no_other_error)
{
	put_main("listener a {\n prot = 1\n port = x\n backlok = {1, 2}\n"
		 " backlog = 0\n drain_timeout = 1\n}\n"
		 "listener b {\n wokers = ${X:-}\n}\n"
		 "listener c { port = y }\n");
	read_main();
	cr_expect_eq(plan.errors.count, 7, "%s", all_errors());
	cr_expect(has_error("m.conf", "3: \"prot\""), "%s", all_errors());
	cr_expect(has_error("m.conf", "4: port: "), "%s", all_errors());
	cr_expect(has_error("m.conf", "5: \"backlok\""), "%s", all_errors());
	cr_expect(has_error("m.conf", "6: backlog: "), "%s", all_errors());
	cr_expect(has_error("m.conf", "7: drain_timeout: "), "%s",
	    all_errors());
	cr_expect(has_error("m.conf", "10: \"wokers\""), "%s", all_errors());
	cr_expect(has_error("m.conf", "12: port: "), "%s", all_errors());
}

Test(config_file, a_state_dir_that_can_not_be_written_is_a_warning)
{
	const bool root = geteuid() == 0;
	char path[128];

	put_main("");
	config_file_read(main_file, false, &plan);
	cr_expect_eq(plan.warnings.count, 0);
	(void)snprintf(path, sizeof(path), "%s/state/listeners", dir);
	cr_assert_eq(chmod(path, 0555), 0);
	if (root)
		cr_assert_eq(chown(path, 0, 0), 0);
	read_main();
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.warnings.count, 1);
	cr_expect(has_warning("m.conf", "so --save will fail: Permission"),
	    "%s", plan.warnings.texts[0].text);
	cr_assert_eq(chmod(path, 0755), 0);
	if (root)
		cr_assert_eq(chown(path, ORDINARY_UID, ORDINARY_UID), 0);
	plan_clear(&plan);
	read_main();
	cr_expect_eq(plan.warnings.count, 0);
}

static mode_t
mode_of(const char *file)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	return stat(path, &st) == 0 ? st.st_mode : 0;
}

Test(config_file, directories_are_made_unless_only_checked)
{
	put_main("");
	read_main();
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(mode_of("state"), 0);
	cr_expect_eq(mode_of("run"), 0);
	(void)umask(077);
	config_file_read(main_file, false, &plan);
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(mode_of("state"), S_IFDIR | 0750);
	cr_expect_eq(mode_of("state/listeners"), S_IFDIR | 0750);
	cr_expect_eq(mode_of("run"), S_IFDIR | 0755);
	config_file_read(main_file, false, &plan);
	cr_expect_eq(plan.errors.count, 0, "again is fine: %s", all_errors());
}

Test(config_file, directories_belong_to_the_user)
{
	char path[128];
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	put_main("");
	config_file_read(main_file, false, &plan);
	(void)snprintf(path, sizeof(path), "%s/state/listeners", dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, ORDINARY_UID);
	(void)snprintf(path, sizeof(path), "%s/run", dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, 0);
}

Test(config_file, a_directory_that_can_not_be_made_is_an_error)
{
	put_main("");
	put("state", "in the way");
	config_file_read(main_file, false, &plan);
	cr_expect(has_error("m.conf", " state_dir: "), "%s", all_errors());
	cr_expect_not_null(strstr(all_errors(), "is no directory"));
}

Test(config_file, nothing_is_made_when_there_is_an_error)
{
	put_main("listener a { }");
	config_file_read(main_file, false, &plan);
	cr_expect_eq(plan.errors.count, 1);
	cr_expect_eq(mode_of("state"), 0);
}

Test(config_file, ten_thousand_listeners_take_no_time)
{
	uint64_t start;
	FILE *f = fopen(main_file, "w");
	int i;

	cr_assert_not_null(f);
	(void)fprintf(f, DAEMON_SECTION, dir, dir);
	for (i = 0; i < 10000; i++)
		(void)fprintf(f,
		    "listener \"l%d\" { port = %d protocol = "
		    "\"echo\" pool = \"all\" }\n",
		    i, i + 1);
	(void)fclose(f);
	start = clock_mono_ms();
	read_main();
	/* About 150 ms; quadratic work would take many seconds. */
	cr_expect_lt(clock_mono_ms() - start, 3000);
	cr_expect_eq(plan.errors.count, 0, "%s", all_errors());
	cr_expect_eq(plan.listener_count, 10000);
}
