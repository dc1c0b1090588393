#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "config/config_file.h"
#include "config/config_load.h"
#include "config_harness.h"
#include "option/tls_section.h"
#include "unit/tls_certs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(config_file, .init = harness_set_up, .fini = harness_tear_down);

Test(config_file, the_example_of_the_manual)
{
	harness_put("m.conf",
	    "daemon { user = \"nobody\"  shutdown_deadline = \"15s\"  "
	    "control_socket = \"/run/mercury/control.sock\"  "
	    "log = \"syslog\" }\n"
	    "listener \"pos\" { port = 9100  protocol = \"echo\"  "
	    "workers = 2  keepalive = \"60s/10s/3\" }\n");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_assert_eq(harness.plan.listener_count, 1);
	cr_expect_str_eq(harness.plan.listeners[0].spec.name, "pos");
	cr_expect_eq(harness.plan.listeners[0].spec.port, 9100);
	cr_expect_eq(harness.plan.listeners[0].spec.workers, 2);
	cr_expect_eq(harness.plan.listeners[0].origin, ORIGIN_FILE);
	cr_expect_eq(harness.plan.listeners[0].set,
	    OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PROTOCOL) |
		OPTION_BIT(OPT_WORKERS) | OPTION_BIT(OPT_KEEPALIVE));
	cr_expect_str_eq(harness.plan.daemon.user, "nobody");
}

Test(config_file, an_empty_file_has_no_listeners)
{
	harness_put("m.conf", "");
	harness_read_as_ordinary();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.listener_count, 0);
	cr_expect_str_eq(harness.plan.daemon.user, "mercury");
}

/* The file that is installed, as a string. */
static const char *
example_file(void)
{
	static char text[20000];
	FILE *f = fopen(TOP_SRCDIR "/etc/mercury.conf", "r");

	cr_assert_not_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	return text;
}

Test(config_file, the_installed_example_is_accepted)
{
	harness_put("m.conf", example_file());
	harness_read_as_ordinary();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.listener_count, 1);
}

/* What stands in the example beside the options of listeners and groups. */
static const char *const other_options[] = {
#define DAEMON_OPTION(ID, NAME, ...) NAME " = ",
#define STORE_OPTION(ID, NAME, ...) NAME " = ",
#define GATEWAY_OPTION(ID, NAME, ...) NAME " ",
#define PROXY_OPTION(ID, NAME, ...) NAME " ",
#define EXEC_OPTION(ID, NAME, ...) NAME " = ",
#define MODULE_OPTION(ID, NAME, ...) NAME " = ",
#include "common/option_list.h"
};

/*
 * All of the example: "#option" is an option that is commented out, "# Text" is
 * a comment. Its files are in the test's folder.
 */
static const char *
whole_example(void)
{
	static const char *const folders[] = { "/etc/mercury/",
		"/usr/lib/mercury/modules/" };
	static char active[24000];
	const char *text = example_file();
	size_t n = 0, i;

	for (; *text != '\0'; text++) {
		for (i = 0; i < COUNT(folders); i++)
			if (strncmp(text, folders[i], strlen(folders[i])) == 0)
				break;
		if (i < COUNT(folders)) {
			n += (size_t)snprintf(active + n, sizeof(active) - n,
			    "%s/", harness.dir);
			text += strlen(folders[i]) - 1;
		} else if (*text != '#' || text[1] == ' ' ||
		    strchr("\n\t", text[-1]) == NULL) {
			active[n++] = *text;
		}
	}
	active[n] = '\0';
	return active;
}

/* Only root may run workers as somebody else: others name themselves. */
static const char *
as_who_we_are(const char *text)
{
	static const char other[] = "user = \"nobody\"";
	static char own[24100];
	const struct passwd *pw = getpwuid(geteuid());
	const char *at = strstr(text, other);

	if (geteuid() == 0)
		return text;
	cr_assert(pw != NULL && at != NULL);
	(void)snprintf(own, sizeof(own), "%.*suser = \"%s\"%s",
	    (int)(at - text), text, pw->pw_name, at + strlen(other));
	return own;
}

static void
put_files_of_example(void)
{
	const struct identity root = tls_certs_root("Root");
	const struct identity id =
	    tls_certs_make(&(struct wish){ .name = "server", .issuer = &root });
	char sites[96];

	(void)snprintf(sites, sizeof(sites), "%s/sites", harness.dir);
	cr_assert_eq(mkdir(sites, 0755), 0);
	harness_put("sites/north.conf", "");
	harness_put("pos.pem", id.cert_pem);
	harness_put("pos.key", id.key_pem);
	harness_put("gateway.pem", id.cert_pem);
	harness_put("gateway.key", id.key_pem);
	harness_put("terminals.pem", root.cert_pem);
	harness_put("terminals.crl", tls_certs_crl(&root, NULL, 30));
	harness_put("upstreams.pem", root.cert_pem);
	harness_put("upstreams.crl", tls_certs_crl(&root, NULL, 30));
	harness_put("line-time.so", "");
}

Test(config_file, the_installed_example_shows_every_option)
{
	const char *active = as_who_we_are(whole_example()), *key;
	unsigned int id, kind;
	option_set set = 0;
	size_t i;

	harness_put("m.conf", active);
	put_files_of_example();
	harness_read_as_ordinary();
	/* The group of the example need not exist here. */
	cr_expect_leq(harness.plan.errors.count, 1, "%s", harness_errors());
	if (harness.plan.errors.count == 1)
		cr_expect_not_null(strstr(harness_errors(), " control_group: "),
		    "%s", harness_errors());
	cr_assert_eq(harness.plan.listener_count, 7);
	for (i = 1; i < harness.plan.listener_count; i++)
		set |= harness.plan.listeners[i].set;
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		cr_expect(set & OPTION_BIT(id), "%s", spec_option_name(id));
	for (kind = 0; kind < TLS_SECTION_KINDS; kind++)
		for (i = 0; (key = tls_section_key(kind, i)) != NULL; i++)
			cr_expect_not_null(strstr(active, key), "%s", key);
	for (i = 0; i < COUNT(other_options); i++)
		cr_expect_not_null(strstr(active, other_options[i]), "%s",
		    other_options[i]);
}

Test(config_file, words_need_no_quotes_and_variables_are_filled_in)
{
	cr_assert_eq(setenv("TEST_PORT", "9101", 1), 0);
	harness_put_main(
	    "listener pos { port = ${TEST_PORT} protocol = 'echo'\n"
	    "keepalive = 60s/10s/3 drain_timeout = \"${NO_SUCH:-3s}\" }");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.listeners[0].spec.port, 9101);
	cr_expect_eq(harness.plan.listeners[0].spec.drain_timeout_ms, 3000);
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
		    "3: listener \"a\": protocol: is missing: echo, " },
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
		{ "listener \"a\" { tsl { } }",
		    "2: \"tsl\" is no option of a listener" },
		{ "listener", "2: premature end of file" },
		{ "stor { }",
		    "2: \"stor\" is unknown here: must be daemon { ... }, "
		    "store { ... }, gateway { ... }, listener" },
		{ "store { }\n\nstore { }",
		    "4: store is given twice, first at /" },
		{ "store {\n retention = 30 }",
		    "3: retention: \"30\" is no duration: digits and a unit" },
		{ "store {\n max_events = 0 }",
		    "3: max_events: 0 is out of range: 1 to 1000000000" },
		{ "store {\n\n cleanup_every = 8d }",
		    "4: cleanup_every: 8d is out of range: 1s to 7d" },
		{ "store {\n database = health.db }",
		    "3: database: \"health.db\" is no absolute path" },
		{ "store {\n retention = 1d\n retention = 2d }",
		    "4: retention: is given twice, first in line 3" },
		{ "store {\n retentoin = 1d }",
		    "3: \"retentoin\" is no option of the store section: did "
		    "you mean \"retention\"?" },
		{ "store {\n port = 1 }",
		    "3: \"port\" is no option of the store section: must be "
		    "database, " },
		{ "store {\n retention = 1d\n",
		    "2: the block that starts here has no end: } is" },
		{ "store \"x\" { }", "2: missing opening brace" },
		{ "gateway { }\n\ngateway { }",
		    "4: gateway is given twice, first at /" },
		{ "gateway {\n listen = \"9180\" }",
		    "3: listen: \"9180\" is no address with a port, such as" },
		{ "gateway {\n listen = \"::1:9180\" }",
		    "3: listen: \"::1:9180\" is no address with a port" },
		{ "gateway {\n listen = \"localhost:9180\" }",
		    "3: listen: \"localhost\" is no numeric address" },
		{ "gateway {\n listen = \"[::]:99999\" }",
		    "3: listen: 99999 is out of range: 0 to 65535" },
		{ "gateway {\n listen = \"127.0.0.1:8080\"\n "
		  "agent_listen = \"127.0.0.1:8080\" }",
		    "4: gateway: agent_listen: 8080 is taken by the gateway" },
		{ "gateway { listen = \"127.0.0.1:8080\" }\n"
		  "listener a { protocol = echo\n port = 8080 }",
		    "4: listener \"a\": port: 8080 is taken by the gateway "
		    "at" },
		{ "listener a { port = 8080 protocol = echo }\n"
		  "gateway {\n listen = \"127.0.0.1:8080\" }",
		    "4: gateway: listen: 8080 is taken by listener \"a\" at" },
		{ "gateway {\n agent_weight = half }",
		    "3: agent_weight: \"half\" is unknown: must be full or "
		    "load" },
		{ "gateway {\n allow = {\"10.0.0.0/33\"} }", "3: allow: " },
		{ "gateway {\n lisen = \"\" }",
		    "3: \"lisen\" is no option of the gateway section: did "
		    "you mean \"listen\"?" },
		{ "gateway {\n tls { cert = \"/x\" key = \"/x\" } }",
		    "3: gateway: tls.cert: /x: can't open the file" },
		{ "gateway {\n tls { cert = \"/x\" key = \"/x\" role = client "
		  "} }",
		    "3: gateway: tls.role: must be \"server\" for the "
		    "gateway" },
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
	harness_put_main(k->text);
	harness_read();
	cr_expect(harness_has_error("m.conf", k->error), "%s\n%s", k->text,
	    harness_errors());
	cr_expect_null(strchr(harness.plan.errors.texts[0].text, '\n'));
	if (strstr(k->text, "m.conf") == NULL)
		cr_expect_eq(harness.plan.errors.count, 1, "%s",
		    harness_errors());
}

Test(config_file, all_errors_of_all_listeners_are_told)
{
	harness_put_main("listener a {\n port = x\n backlog = 0 }\n"
			 "listener b { protocol = echo }\n"
			 "listener c { port = 1 protocol = echo }\n"
			 "listener d { port = 1 protocol = http }\n"
			 "listener e { prot = 1 }\n");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 5, "%s", harness_errors());
	cr_expect(harness_has_error("m.conf", "3: port"), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "4: backlog"), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "5: listener \"b\": port"), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "7: protocol"), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "8: \"prot\""), "%s",
	    harness_errors());
}

Test(config_file, too_many_errors_are_counted)
{
	char text[4096] = "";
	int i;

	for (i = 0; i < PLAN_ERRORS_KEPT + 20; i++)
		(void)sprintf(text + strlen(text), "listener l%d { }\n", i);
	harness_put_main(text);
	harness_read();
	plan_count_dropped(&harness.plan, "x");
	cr_expect_eq(harness.plan.errors.count, PLAN_ERRORS_KEPT);
	cr_expect_str_eq(harness.plan.errors.texts[PLAN_ERRORS_KEPT - 1].text,
	    "x: and 21 more errors");
}

Test(config_file, includes_are_relative_and_have_their_own_lines)
{
	char sub[96];

	(void)snprintf(sub, sizeof(sub), "%s/sub", harness.dir);
	cr_assert_eq(mkdir(sub, 0755), 0);
	harness_put_main("include(\"sub/one.conf\")\n"
			 "listener m { port = 3 protocol = http }\n");
	harness_put("sub/one.conf",
	    "# one\nlistener one { port = 1 protocol = echo }\n"
	    "include('two.conf')\n"
	    "\nlistener three { port = x protocol = echo }\n");
	harness_put("sub/two.conf", "\n\nlistener two { port = 2 }");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 3, "%s", harness_errors());
	cr_expect(
	    harness_has_error("sub/two.conf", "3: listener \"two\": protocol"),
	    "%s", harness_errors());
	cr_expect(harness_has_error("sub/one.conf", "5: port"), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "3: protocol"), "%s",
	    harness_errors());
}

Test(config_file, an_included_file_is_scanned_too)
{
	harness_put_main("include(\"i.conf\")\n");
	harness_put("i.conf", "\nlistener \"a\" { port = 1 protocol = echo\n");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 1, "%s", harness_errors());
	cr_expect(harness_has_error("i.conf", "2: the block that starts here"),
	    "%s", harness_errors());
}

Test(config_file, an_empty_include_is_fine)
{
	harness_put_main(
	    "include(\"i.conf\")\nlistener a { port = 1 protocol = echo }");
	harness_put("i.conf", "");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.listener_count, 1);
}

Test(config_file, files_that_can_not_be_read)
{
	char text[CONFIG_BYTES_MAX / 1024 + 1];
	char path[128];
	FILE *f;
	int i;

	harness_read();
	cr_expect(harness_has_error("m.conf", " can't open the file: No such"),
	    "%s", harness_errors());
	config_file_read(harness.dir, true, &harness.plan);
	cr_expect_not_null(strstr(harness_errors(), "is a directory"));
	(void)snprintf(path, sizeof(path), "%s/fifo", harness.dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	config_file_read(path, true, &harness.plan);
	cr_expect(harness_has_error("fifo", " must be a regular file"));
	memset(text, ' ', sizeof(text));
	f = fopen(harness.main_file, "w");
	cr_assert_not_null(f);
	for (i = 0; i < 1024; i++)
		cr_assert_eq(fwrite(text, 1, sizeof(text), f), sizeof(text));
	(void)fclose(f);
	harness_read();
	cr_expect(harness_has_error("m.conf", " is too large"), "%s",
	    harness_errors());
	harness_put_bytes("m.conf", "a\0b", 3);
	harness_read();
	cr_expect(harness_has_error("m.conf", "1: this is not text"));
}

Test(config_file, a_file_without_the_right_to_read_it)
{
	harness_put("m.conf", "");
	cr_assert_eq(chmod(harness.main_file, 0), 0);
	harness_read_as_ordinary();
	cr_expect(
	    harness_has_error("m.conf", " can't open the file: Permission"),
	    "%s", harness_errors());
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
}

Test(config_file, groups_keep_the_order_of_their_children)
{
	harness_put_main("group late { children = c }\n"
			 "group \"g\" { strategy = \"one_for_all\"\n"
			 " children = {\"b\", a, 'saved'} max_restarts = 3 "
			 "max_seconds = 9 }\n"
			 "listener a { port = 1 protocol = echo }\n"
			 "listener b { port = 2 protocol = echo }\n"
			 "listener c { port = 3 protocol = echo }\n");
	harness_put_saved("saved", "\"port\": 4, \"protocol\": \"echo\"");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_assert_eq(harness.plan.group_count, 2);
	cr_expect_eq(harness.plan.groups[0].spec.strategy,
	    STRATEGY_ONE_FOR_ONE);
	cr_expect_eq(harness.plan.groups[0].spec.max_restarts, 10);
	cr_expect_eq(harness.plan.groups[0].child_count, 1);
	cr_expect_str_eq(harness.plan.groups[1].spec.name, "g");
	cr_expect_eq(harness.plan.groups[1].spec.strategy,
	    STRATEGY_ONE_FOR_ALL);
	cr_expect_eq(harness.plan.groups[1].spec.max_restarts, 3);
	cr_expect_eq(harness.plan.groups[1].spec.max_seconds, 9);
	cr_expect_eq(harness.plan.groups[1].spec.children, 3);
	cr_assert_eq(harness.plan.groups[1].child_count, 3);
	cr_expect_str_eq(harness.plan.groups[1].children[0].child.name, "b");
	cr_expect_str_eq(harness.plan.groups[1].children[1].child.name, "a");
	cr_expect_str_eq(harness.plan.groups[1].children[2].child.name,
	    "saved");
}

Test(config_file, a_chain_of_includes_is_told)
{
	harness_put_main("include(\"one.conf\")\n");
	harness_put("one.conf", "\ninclude(\"two.conf\")\n");
	harness_put("two.conf", "include(\"./one.conf\")\n");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 1, "%s", harness_errors());
	cr_expect(harness_has_error("two.conf", "1: include: "), "%s",
	    harness_errors());
	cr_expect_not_null(strstr(harness_errors(),
			       "/one.conf includes itself: one.conf > "
			       "two.conf > one.conf\n"),
	    "%s", harness_errors());
}

Test(config_file, includes_are_not_endlessly_deep)
{
	char name[16], text[64];
	int i;

	harness_put_main("include(\"i0\")\n");
	for (i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "i%d", i);
		(void)snprintf(text, sizeof(text), "include(\"i%d\")\n", i + 1);
		harness_put(name, text);
	}
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 1, "%s", harness_errors());
	cr_expect(
	    harness_has_error("i9", "1: include: more than 10 files deep"),
	    "%s", harness_errors());
}

Test(config_file, an_unknown_option_hides_no_other_error)
{
	harness_put_main(
	    "listener a {\n prot = 1\n port = x\n backlok = {1, 2}\n"
	    " backlog = 0\n drain_timeout = 1\n}\n"
	    "listener b {\n wokers = ${X:-}\n}\n"
	    "listener c { port = y }\n");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 7, "%s", harness_errors());
	cr_expect(harness_has_error("m.conf", "3: \"prot\""), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "4: port: "), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "5: \"backlok\""), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "6: backlog: "), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "7: drain_timeout: "), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "10: \"wokers\""), "%s",
	    harness_errors());
	cr_expect(harness_has_error("m.conf", "12: port: "), "%s",
	    harness_errors());
}

Test(config_file, ten_thousand_listeners_take_no_time)
{
	uint64_t start;
	FILE *f = fopen(harness.main_file, "w");
	int i;

	cr_assert_not_null(f);
	(void)fprintf(f, DAEMON_SECTION, harness.dir, harness.dir);
	for (i = 0; i < 10000; i++)
		(void)fprintf(f,
		    "listener \"l%d\" { port = %d protocol = "
		    "\"echo\" pool = \"all\" }\n",
		    i, i + 1);
	(void)fclose(f);
	start = clock_mono_ms();
	harness_read();
	/* About 300 ms; quadratic work would take many minutes. */
	cr_expect_lt(clock_mono_ms() - start, 20000);
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.listener_count, 10000);
}

/* A certificate and its key, as mercury-config will find them. */
static void
put_identity(void)
{
	const struct identity id =
	    tls_certs_make(&(struct wish){ .name = "server" });

	harness_put("cert.pem", id.cert_pem);
	harness_put("key.pem", id.key_pem);
}

#define TLS_LISTENER \
	"listener \"a\" { port = 1 protocol = echo transport = tls\n"

Test(config_file, a_tls_section_brings_its_files)
{
	const struct wanted *w;
	const char *text;
	struct err err;

	put_identity();
	harness_put_main_in(TLS_LISTENER
	    "tls {\n cert = \"@/cert.pem\"\n key = \"@/key.pem\"\n"
	    "alpn = { \"b\", \"a\" }\n session_tickets = off\n"
	    "sni \"B.Example\" { cert = \"@/cert.pem\" key = \"@/key.pem\" }\n"
	    "sni \"c\" { cert = \"@/cert.pem\" key = \"@/key.pem\" } } }\n");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_assert_eq(harness.plan.listener_count, 1);
	w = &harness.plan.listeners[0];
	cr_assert_not_null(w->bulks.of[BULK_TLS]);
	cr_assert_not_null(w->bulks.of[BULK_TLS_MATERIAL]);
	cr_expect_eq(w->spec.bulks[BULK_TLS_MATERIAL].digest,
	    w->bulks.of[BULK_TLS_MATERIAL]->ref.digest);
	text = bulk_map(w->bulks.of[BULK_TLS], &err);
	cr_assert_not_null(text);
	cr_expect_eq(strncmp(text, "{\"alpn\":[\"b\",\"a\"],\"cert\":\"", 26),
	    0, "%s", text);
	cr_expect_not_null(
	    memmem(text, w->spec.bulks[BULK_TLS].size, "\"b.example\":", 12));
	bulk_unmap(w->bulks.of[BULK_TLS], text);
}

struct tls_case {
	char section[160];
	char error[160]; /* "LINE: text" */
};

ParameterizedTestParameters(config_file, wrong_tls_sections_have_a_line)
{
	static struct tls_case cases[] = {
		{ "tls {\n\ncert = \"@/missing\" } }",
		    "5: listener \"a\": tls.cert: @/missing: can't open" },
		{ "tls {\n cert = \"@/cert.pem\"\n key = \"@/cert.pem\" } }",
		    "5: listener \"a\": tls.key: @/cert.pem: has no private "
		    "key" },
		{ "tls {\n min_version = 1.1\n } }",
		    "4: tls.min_version: \"1.1\" is unknown: must be 1.2 or" },
		{ "tls {\n cert = \"/c\"\n\n cert = \"/c\" } }",
		    "6: tls.cert: is given twice, first in line 4" },
		{ "tls { cert = \"/c\" }\n tls { key = \"/c\" } }",
		    "4: tls: is given twice, first in line 3" },
		{ "tls {\n colour = 1\n } }",
		    "4: tls: \"colour\" is no option of the tls section: must "
		    "be cert" },
		{ "tls {\n sni \"a\" {\n role = client } } }",
		    "5: tls: \"role\" is no option of a name of tls.sni" },
		{ "tls {\n cert = \"/c\"\n sni \"a..b\" { } } }",
		    "5: tls.sni: \"a..b\" is no server name" },
		{ "tls {\n cert = \"/c\"\n sni \"a\" { key = \"/k\" } } }",
		    "5: listener \"a\": tls.sni \"a\": cert: is missing" },
		{ "tls {\n cert = \"@/cert.pem\"\n key = \"@/key.pem\"\n sni "
		  "\"a\" {\n cert = \"@/x\" } } }",
		    "7: listener \"a\": tls.sni \"a\": cert: @/x: can't open" },
		{ "tls {\n sni { cert = \"/c\" } } }",
		    "4: sni: its name is missing: must be sni \"NAME\"" },
		{ "tls { } }", "3: listener \"a\": tls.cert: is missing" },
		{ "}",
		    "2: listener \"a\": tls: is missing: transport \"tls\" "
		    "needs" },
		{ "tls = 1 }", "3: " },
	};

	return cr_make_param_array(struct tls_case, cases, COUNT(cases));
}

ParameterizedTest(struct tls_case *k, config_file,
    wrong_tls_sections_have_a_line, .init = harness_set_up,
    .fini = harness_tear_down)
{
	char text[256];

	put_identity();
	(void)snprintf(text, sizeof(text), TLS_LISTENER "%s\n", k->section);
	harness_put_main_in(text);
	harness_read();
	cr_expect(harness_has_error("m.conf", harness_path(k->error)), "%s: %s",
	    k->error, harness_errors());
}

Test(config_file, tls_warnings_have_a_line)
{
	char path[128];

	put_identity();
	(void)snprintf(path, sizeof(path), "%s/key.pem", harness.dir);
	cr_assert_eq(chmod(path, 0644), 0);
	harness_put_main_in(TLS_LISTENER
	    "tls { cert = \"@/cert.pem\" key = \"@/key.pem\" } }\n");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect(harness_has_warning("m.conf:2", "listener \"a\": tls.key: "));
	cr_expect(harness_has_warning("m.conf:2",
	    "others may read this private key"));
}
