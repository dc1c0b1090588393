#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <unistd.h>

#include "config_harness.h"
#include "tls_certs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(config_sections, .init = harness_set_up, .fini = harness_tear_down);

struct protocol_case {
	char section[200]; /* from line 3 on, behind "{" */
	char error[160];   /* "@" stands for the test's folder */
};

ParameterizedTestParameters(config_sections,
    wrong_protocol_sections_have_a_line)
{
	static struct protocol_case cases[] = {
		{ "protocol = proxy\n proxy {\n upstreams = {\"a:1\",\n"
		  " \"b\"} } }",
		    "6: proxy.upstreams: \"b\" has no port" },
		{ "protocol = proxy\n proxy {\n check = off } }",
		    "5: listener \"a\": proxy.upstreams: is missing" },
		{ "protocol = proxy }",
		    "2: listener \"a\": proxy.upstreams: is missing" },
		{ "protocol = proxy\n proxy { upstreams = \"a:1\"\n"
		  " wieght = 3 } }",
		    "5: proxy: \"wieght\" is no option of the proxy section: "
		    "did you mean \"weight\"?" },
		{ "protocol = proxy\n proxy { upstreams = \"a:1\"\n"
		  " check_send = \"x\" } }",
		    "5: listener \"a\": proxy.check_send: goes with" },
		{ "protocol = proxy\n proxy { upstreams = \"a:1\" }\n"
		  " proxy { retries = 3 } }",
		    "5: proxy: is given twice, first in line 4" },
		{ "protocol = proxy\n proxy { upstreams = \"a:1\"\n"
		  " tls {\n verify = maybe } } }",
		    "6: proxy.tls.verify: \"maybe\" is unknown" },
		{ "protocol = proxy\n proxy { upstreams = \"a:1\"\n"
		  " tls {\n client_ca = \"/c\" } } }",
		    "6: proxy.tls: \"client_ca\" is no option" },
		{ "protocol = proxy\n proxy { upstreams = \"unix:/a\"\n"
		  " tls { } } }",
		    "5: listener \"a\": proxy.tls.server_name: is missing" },
		{ "protocol = proxy\n proxy { upstreams = \"a:1\"\n"
		  " tls {\n ca = \"@/no.pem\" } } }",
		    "6: listener \"a\": proxy.tls.ca: @/no.pem: can't open" },
		{ "protocol = echo\n proxy { upstreams = \"a:1\" } }",
		    "4: listener \"a\": proxy: goes with protocol = "
		    "\"proxy\" only" },
		{ "protocol = exec\n exec {\n command = \"@/no\" } }",
		    "5: listener \"a\": exec.command: @/no: No such file" },
		{ "protocol = exec\n exec {\n command = \"@/cert.pem\" } }",
		    "5: listener \"a\": exec.command: @/cert.pem: can't be "
		    "executed" },
		{ "protocol = exec\n exec {\n command = \"@/no -a\" } }",
		    "5: listener \"a\": exec.command: @/no -a: No such file or "
		    "directory (each argument is" },
		{ "protocol = exec\n exec {\n command = \"/bin/sh\"\n"
		  " directory = \"/bin/sh\" } }",
		    "6: listener \"a\": exec.directory: /bin/sh: is no "
		    "directory" },
		{ "protocol = exec\n exec {\n command = \"/\" } }",
		    "5: listener \"a\": exec.command: \"/\"" },
		{ "protocol = module\n module {\n path = \"@/no.so\" } }",
		    "5: listener \"a\": module.path: @/no.so: No such file" },
		{ "protocol = module\n module {\n path = \"/tmp\" } }",
		    "5: listener \"a\": module.path: /tmp: is no regular "
		    "file" },
		{ "protocol = module\n module { path = \"/bin/sh\"\n"
		  " options = {\"a\"} } }",
		    "5: module.options: \"a\" is no option: must be" },
		{ "protocol = echo user = no_such_user }",
		    "3: listener \"a\": user: there is no user" },
		{ "protocol = echo user = root }",
		    "3: listener \"a\": user: \"root\" is root" },
	};

	return cr_make_param_array(struct protocol_case, cases, COUNT(cases));
}

ParameterizedTest(struct protocol_case *k, config_sections,
    wrong_protocol_sections_have_a_line, .init = harness_set_up,
    .fini = harness_tear_down)
{
	char text[400];

	harness_put("cert.pem", tls_certs_root("Root").cert_pem);
	(void)snprintf(text, sizeof(text), "listener \"a\" { port = 1\n %s\n",
	    k->section);
	harness_put_main_in(text);
	harness_read();
	cr_expect(harness_has_error("m.conf", harness_path(k->error)), "%s: %s",
	    k->error, harness_errors());
}

Test(config_sections, sections_of_protocols_are_read)
{
	const struct wanted *l;

	harness_put("cert.pem", tls_certs_root("Root").cert_pem);
	harness_put_main_in("listener \"p\" { port = 1 protocol = proxy\n"
			    "proxy { upstreams = {\"a:1\", \"b:2 backup\"}\n"
			    "tls { ca = \"@/cert.pem\" } } }\n"
			    "listener \"e\" { port = 2 protocol = exec\n"
			    "exec { command = {\"/bin/sh\", \"-c\"} } }\n");
	harness_read();
	cr_assert_eq(harness.plan.errors.count, 0, "%s", harness_errors());
	cr_assert_eq(harness.plan.listener_count, 2);
	l = &harness.plan.listeners[0];
	cr_expect_eq(l->set,
	    OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_PROTOCOL) |
		OPTION_BIT(OPT_PROXY));
	cr_expect_not_null(l->bulks.of[BULK_PROTOCOL]);
	cr_expect_not_null(l->bulks.of[BULK_PROTOCOL_PLAN]);
	cr_expect_not_null(l->bulks.of[BULK_UPSTREAM_TLS]);
	cr_assert_not_null(l->bulks.of[BULK_UPSTREAM_MATERIAL]);
	cr_expect(bulk_ref_matches(&l->spec.bulks[BULK_UPSTREAM_MATERIAL],
	    l->bulks.of[BULK_UPSTREAM_MATERIAL]));
	l = &harness.plan.listeners[1];
	cr_expect_not_null(l->bulks.of[BULK_PROTOCOL_PLAN]);
	cr_expect_null(l->bulks.of[BULK_UPSTREAM_TLS]);
}

/* As root it may be anybody; else only who mercuryd is. */
Test(config_sections, a_pool_has_one_user)
{
	const bool root = geteuid() == 0;

	harness_put_main(
	    "listener \"a\" { port = 1 protocol = echo pool = p\n"
	    "user = nobody }\n"
	    "listener \"b\" { port = 2 protocol = echo pool = p }");
	harness_read();
	cr_assert_eq(harness.plan.errors.count == 0, root, "%s",
	    harness_errors());
	if (!root) {
		cr_expect(harness_has_error("m.conf",
		    "3: listener \"a\": user: must be user"));
		return;
	}
	cr_assert_eq(harness.plan.listener_count, 2);
	cr_expect_eq(harness.plan.listeners[1].spec.worker_uid, 65534);
	cr_expect_eq(harness.plan.listeners[1].spec.worker_gid, 65534);
	harness_put_main("listener \"a\" { port = 1 protocol = echo pool = p\n"
			 "user = nobody }\n"
			 "listener \"b\" { port = 2 protocol = echo pool = p\n"
			 "user = games }");
	plan_clear(&harness.plan);
	harness_read();
	cr_expect(harness_has_error("m.conf",
		      "5: listener \"b\": user: pool p can't have"),
	    "%s", harness_errors());
}
