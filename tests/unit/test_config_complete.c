#include <sys/stat.h>

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config_file.h"
#include "config_harness.h"

TestSuite(config_complete, .init = harness_set_up, .fini = harness_tear_down);

Test(config_complete, saved_listeners_come_after_the_file)
{
	harness_put_main("listener z { port = 1 protocol = echo }\n"
			 "listener both { port = 2 protocol = echo }\n");
	harness_put_saved("saved", "\"port\": 3, \"protocol\": \"echo\"");
	harness_put_saved("both", "\"port\": 4, \"protocol\": \"echo\"");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_assert_eq(harness.plan.listener_count, 3);
	cr_expect_str_eq(harness.plan.listeners[2].spec.name, "saved");
	cr_expect_eq(harness.plan.listeners[2].origin, ORIGIN_SAVED);
	cr_expect_eq(harness.plan.listeners[1].spec.port, 2);
	cr_assert_eq(harness.plan.warnings.count, 1);
	cr_expect_not_null(strstr(harness.plan.warnings.texts[0].text,
	    "both.json: not used: listener \"both\" is in the config file"));
	cr_expect_not_null(
	    strstr(harness.plan.warnings.texts[0].text, "m.conf:3"));
}

/* They are written by a machine, and may not keep the others from starting. */
Test(config_complete, a_saved_listener_that_is_wrong_is_left_out)
{
	harness_put_main("");
	harness_put_saved("bad", "\"port\": 70000");
	harness_put_saved("good", "\"port\": 3, \"protocol\": \"echo\"");
	harness_put("state/listeners/ugly.json", "{");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 2);
	cr_expect(harness_has_warning("state/listeners/bad.json",
	    "not used: port: 70000 is"));
	cr_expect(harness_has_warning("state/listeners/ugly.json",
	    "not used: line 1"));
	cr_assert_eq(harness.plan.listener_count, 1);
	cr_expect_str_eq(harness.plan.listeners[0].spec.name, "good");
}

Test(config_complete, a_saved_listener_yields_to_the_file_and_to_others)
{
	harness_put_main(
	    "listener z { port = 1 protocol = echo pool = p workers = 2 }"
	    "\n");
	harness_put_saved("a", "\"port\": 1, \"protocol\": \"echo\"");
	harness_put_saved("b",
	    "\"port\": 2, \"protocol\": \"echo\", \"pool\": \"p\", "
	    "\"workers\": 1");
	harness_put_saved("c", "\"port\": 2, \"protocol\": \"echo\"");
	harness_put_saved("d", "\"port\": 2, \"protocol\": \"echo\"");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 3);
	cr_expect(harness_has_warning("state/listeners/a.json",
	    "not used: port: 1 is taken by listener \"z\" at "));
	cr_expect(
	    harness_has_warning("state/listeners/b.json", "workers: pool p"));
	cr_expect(
	    harness_has_warning("state/listeners/d.json", "listeners/c.json"));
	cr_assert_eq(harness.plan.listener_count, 2);
	cr_expect_str_eq(harness.plan.listeners[1].spec.name, "c");
}

/* A damaged file that a machine wrote may not keep the daemon from starting. */
Test(config_complete, a_child_that_is_left_out_is_a_warning)
{
	harness_put_main("group g { children = {a,\n bad, good} }\n"
			 "listener a { port = 1 protocol = echo }\n");
	harness_put_saved("bad", "\"port\": 70000");
	harness_put_saved("good", "\"port\": 3, \"protocol\": \"echo\"");
	harness_put_saved("guest",
	    "\"port\": 4, \"protocol\": \"echo\", \"pool\": \"a\"");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 3);
	cr_expect(
	    harness_has_warning("m.conf:3", "children: \"bad\" is left out"));
	cr_expect(harness_has_warning("state/listeners/guest.json",
	    "pool: a belongs to a child of group \"g\""));
	cr_assert_eq(harness.plan.groups[0].child_count, 2);
	cr_expect_str_eq(harness.plan.groups[0].children[1].child.name, "good");
	cr_expect_eq(harness.plan.groups[0].spec.children, 2);
	cr_expect_eq(harness.plan.listener_count, 2);
}

/* Which of its listeners makes the pool must not matter. */
Test(config_complete, what_one_says_of_a_pool_holds_for_all_of_it)
{
	harness_put_main("listener a { port = 1 protocol = echo pool = p }\n"
			 "listener b { port = 2 protocol = echo pool = p "
			 "restart = temporary max_restarts = 3 }\n"
			 "listener c { port = 3 protocol = echo pool = p "
			 "hang_timeout = 5s workers = 2 }\n"
			 "listener d { port = 4 protocol = echo }\n");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(harness.plan.listeners[i].spec.restart,
		    RESTART_TEMPORARY);
		cr_expect_eq(harness.plan.listeners[i].spec.max_restarts, 3);
		cr_expect_eq(harness.plan.listeners[i].spec.max_seconds, 60);
		cr_expect_eq(harness.plan.listeners[i].spec.hang_timeout_ms,
		    5000);
	}
	cr_expect_eq(harness.plan.listeners[0].set,
	    OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PROTOCOL) |
		OPTION_BIT(OPT_POOL),
	    "it did not say so");
	cr_expect_eq(harness.plan.listeners[3].spec.restart, RESTART_PERMANENT);
}

Test(config_complete, a_health_port_without_a_gateway_is_a_warning)
{
	static const char file[] =
	    "listener a { port = 1 protocol = echo }\n"
	    "listener b { port = 2 protocol = echo health_port = 3 }\n"
	    "listener c { port = 4 protocol = echo health_port = 5 }\n";
	char with[sizeof(file) + 16];

	harness_put_main(file);
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 1);
	cr_expect(harness_has_warning("m.conf",
	    "listener \"b\" and others: health_port: nobody answers there"));
	(void)snprintf(with, sizeof(with), "%s%s", file, "gateway { }\n");
	plan_clear(&harness.plan);
	harness_put_main(with);
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 0);
}

Test(config_complete, a_state_dir_that_can_not_be_written_is_a_warning)
{
	const bool root = geteuid() == 0;
	char path[128];

	harness_put_main("");
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect_eq(harness.plan.warnings.count, 0);
	(void)snprintf(path, sizeof(path), "%s/state/listeners", harness.dir);
	cr_assert_eq(chmod(path, 0555), 0);
	if (root)
		cr_assert_eq(chown(path, 0, 0), 0);
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 1);
	cr_expect(
	    harness_has_warning("m.conf", "so --save will fail: Permission"),
	    "%s", harness.plan.warnings.texts[0].text);
	cr_assert_eq(chmod(path, 0755), 0);
	if (root)
		cr_assert_eq(chown(path, ORDINARY_UID, ORDINARY_UID), 0);
	plan_clear(&harness.plan);
	harness_read();
	cr_expect_eq(harness.plan.warnings.count, 0);
}

Test(config_complete, the_store_has_its_defaults)
{
	char want[128];

	harness_put_main("");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	(void)snprintf(want, sizeof(want), "%s/state/health.db", harness.dir);
	cr_expect_str_eq(harness.plan.daemon.store.database, want);
	cr_expect_eq(harness.plan.daemon.store.retention_ms,
	    UINT64_C(2592000000));
	cr_expect_eq(harness.plan.daemon.store.max_events, 1000000);
	cr_expect_eq(harness.plan.daemon.store.cleanup_every_ms, 3600000);
}

/* state_dir counts wherever it stands; so do the options that are given. */
Test(config_complete, the_store_section_may_come_first)
{
	char text[512], want[128];

	(void)snprintf(text, sizeof(text),
	    "store { retention = 90d max_events = 5 }\n" DAEMON_SECTION,
	    harness.dir, harness.dir);
	harness_put("m.conf", text);
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	(void)snprintf(want, sizeof(want), "%s/state/health.db", harness.dir);
	cr_expect_str_eq(harness.plan.daemon.store.database, want);
	cr_expect_eq(harness.plan.daemon.store.retention_ms,
	    UINT64_C(7776000000));
	cr_expect_eq(harness.plan.daemon.store.max_events, 5);
	cr_expect_eq(harness.plan.daemon.store.cleanup_every_ms, 3600000);
}

Test(config_complete, without_a_daemon_section_there_is_a_store)
{
	harness_put("m.conf", "store { cleanup_every = 2h }");
	harness_read_as_ordinary();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_str_eq(harness.plan.daemon.store.database,
	    "/var/lib/mercury/health.db");
	cr_expect_eq(harness.plan.daemon.store.cleanup_every_ms, 7200000);
}

Test(config_complete, an_empty_database_is_no_store)
{
	harness_put_main("store { database = \"\" }");
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 0);
	cr_expect_str_eq(harness.plan.daemon.store.database, "");
}

Test(config_complete, directories_are_made_unless_only_checked)
{
	harness_put_main("");
	harness_read();
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness_mode_of("state"), 0);
	cr_expect_eq(harness_mode_of("run"), 0);
	(void)umask(077);
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness_mode_of("state"), S_IFDIR | 0750);
	cr_expect_eq(harness_mode_of("state/listeners"), S_IFDIR | 0750);
	cr_expect_eq(harness_mode_of("run"), S_IFDIR | 0755);
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect_eq(harness.plan.errors.count, 0, "again is fine: %s",
	    harness_errors());
}

/* The main file with a database in this directory of the test's. */
static void
put_database_in(const char *folder)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "store { database = \"%s/%s/h.db\" }\n", harness.dir, folder);
	harness_put_main(text);
}

Test(config_complete, the_directory_of_the_database_is_made)
{
	char path[128];
	struct stat st;

	put_database_in("db");
	harness_read();
	cr_expect_eq(harness_mode_of("db"), 0, "not when it is only checked");
	cr_expect_eq(harness.plan.warnings.count, 0);
	plan_clear(&harness.plan);
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 0);
	cr_expect_eq(harness_mode_of("db"), S_IFDIR | 0750);
	(void)snprintf(path, sizeof(path), "%s/db", harness.dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, geteuid() == 0 ? ORDINARY_UID : geteuid());
}

Test(config_complete, a_directory_that_is_there_is_left_alone)
{
	char path[128];
	struct stat st;

	put_database_in("db");
	(void)snprintf(path, sizeof(path), "%s/db", harness.dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(chmod(path, 01777), 0);
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_expect_eq(harness.plan.warnings.count, 0);
	cr_expect_eq(harness_mode_of("db"), S_IFDIR | 01777);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, geteuid());
}

/* The listeners serve without a store, too. */
static void
expect_one_warning(const char *text)
{
	cr_expect_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_assert_eq(harness.plan.warnings.count, 1);
	cr_expect(harness_has_warning("m.conf", text), "%s",
	    harness.plan.warnings.texts[0].text);
}

Test(config_complete, a_database_without_a_directory_is_a_warning)
{
	put_database_in("a/b");
	config_file_read(harness.main_file, false, &harness.plan);
	expect_one_warning("/a/b (make it, or set database): No such");
	cr_expect_eq(harness_mode_of("a"), 0);
	plan_clear(&harness.plan);
	put_database_in("file");
	harness_put("file", "in the way");
	config_file_read(harness.main_file, false, &harness.plan);
	expect_one_warning("database: /tmp");
	expect_one_warning("is no directory");
}

Test(config_complete, a_database_that_can_not_be_written_is_a_warning)
{
	char path[128];

	put_database_in("db");
	(void)snprintf(path, sizeof(path), "%s/db", harness.dir);
	cr_assert_eq(mkdir(path, 0555), 0);
	harness_read();
	expect_one_warning("so no events are recorded: Permission denied");
	plan_clear(&harness.plan);
	config_file_read(harness.main_file, false, &harness.plan);
	expect_one_warning("database: uid ");
}

Test(config_complete, a_state_dir_too_long_for_a_database_is_a_warning)
{
	char text[512], deep[256];
	const int len = snprintf(deep, sizeof(deep), "%s/", harness.dir);

	memset(deep + len, 'x', 230 - (size_t)len);
	deep[230] = '\0';
	(void)snprintf(text, sizeof(text),
	    "daemon { user = nobody state_dir = \"%s\" }\n", deep);
	harness_put("m.conf", text);
	harness_read();
	expect_one_warning("240 bytes, must be at most 220: no events are "
			   "recorded (set database");
	cr_expect_str_eq(harness.plan.daemon.store.database, "");
}

Test(config_complete, directories_belong_to_the_user)
{
	char path[128];
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	harness_put_main("");
	config_file_read(harness.main_file, false, &harness.plan);
	(void)snprintf(path, sizeof(path), "%s/state/listeners", harness.dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, ORDINARY_UID);
	(void)snprintf(path, sizeof(path), "%s/run", harness.dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, 0);
}

Test(config_complete, a_directory_that_can_not_be_made_is_an_error)
{
	harness_put_main("");
	harness_put("state", "in the way");
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect(harness_has_error("m.conf", " state_dir: "), "%s",
	    harness_errors());
	cr_expect_not_null(strstr(harness_errors(), "is no directory"));
}

Test(config_complete, nothing_is_made_when_there_is_an_error)
{
	harness_put_main("listener a { }");
	config_file_read(harness.main_file, false, &harness.plan);
	cr_expect_eq(harness.plan.errors.count, 1);
	cr_expect_eq(harness_mode_of("state"), 0);
}
