#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "common/exec_plan.h"
#include "common/module_plan.h"
#include "common/proxy_plan.h"
#include "common/spec.h"
#include "option/section.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UP "\"upstreams\": [\"a:1\"]"

static const struct option *
option_of(enum option_type type)
{
	static const struct option options[] = {
		{ .name = "proxy", .type = OPTION_TYPE_PROXY },
		{ .name = "exec", .type = OPTION_TYPE_EXEC },
		{ .name = "module", .type = OPTION_TYPE_MODULE },
	};
	size_t i = 0;

	while (options[i].type != type)
		i++;
	return &options[i];
}

static int
make(enum option_type type, const char *text,
    struct bulk *parts[static SECTION_PARTS], struct err *err)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	int result;

	cr_assert_not_null(value, "the test's JSON: %s", text);
	err->text[0] = '\0';
	result = section_make(option_of(type), value, parts, err);
	json_decref(value);
	return result;
}

/* Its bytes, with a NUL behind them; the caller frees them. */
static char *
copy_of(const struct bulk *b)
{
	struct err err;
	const void *bytes = bulk_map(b, &err);
	char *copy = calloc(1, b->ref.size + 1);

	cr_assert_not_null(bytes);
	cr_assert_not_null(copy);
	memcpy(copy, bytes, b->ref.size);
	bulk_unmap(b, bytes);
	return copy;
}

static void
drop(struct bulk *parts[static SECTION_PARTS])
{
	size_t i;

	for (i = 0; i < SECTION_PARTS; i++)
		bulk_drop(&parts[i]);
}

/* A plan of a section that must be right; the caller frees it. */
static void *
plan_of(enum option_type type, const char *text, size_t *size)
{
	struct bulk *parts[SECTION_PARTS];
	struct err err;
	void *plan;

	cr_assert_eq(make(type, text, parts, &err), 0, "%s: %s", text,
	    err.text);
	plan = copy_of(parts[SECTION_PLAN]);
	*size = parts[SECTION_PLAN]->ref.size;
	drop(parts);
	return plan;
}

/* --- one form --- */

struct form_case {
	enum option_type type;
	char given[400];
	char made[400];
};

ParameterizedTestParameters(section, sections_have_one_form)
{
	static struct form_case cases[] = {
		{ OPTION_TYPE_PROXY, "{" UP "}", "{\"upstreams\":[\"a:1\"]}" },
		{ OPTION_TYPE_PROXY,
		    "{\"upstreams\": \"10.0.0.5:80, B.Example:81  backup "
		    "weight=03 ,[FD00::1]:5\"}",
		    "{\"upstreams\":[\"10.0.0.5:80\","
		    "\"b.example:81 weight=3 backup\",\"[fd00::1]:5\"]}" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"check_interval\": \"60s\", \"retries\": \"7\", "
		    "\"splice\": \"off\", \"balance\": \"source\"}",
		    "{\"balance\":\"source\",\"check_interval\":\"1m\","
		    "\"retries\":7,\"splice\":false,\"upstreams\":[\"a:1\"]}" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"check\": \"expect\", \"check_send\": "
		    "\"\\\\x50ING\\r\\n\", \"check_expect\": \"+\\\\x00\"}",
		    "{\"check\":\"expect\",\"check_expect\":\"+\\\\x00\","
		    "\"check_send\":\"PING\\\\r\\\\n\","
		    "\"upstreams\":[\"a:1\"]}" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"resolvers\": \"10.0.0.1,[::1]:5353,::2\"}",
		    "{\"resolvers\":[\"10.0.0.1:53\",\"[::1]:5353\","
		    "\"[::2]:53\"],\"upstreams\":[\"a:1\"]}" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"tls\": {\"alpn\": \"a,b\", \"server_name\": "
		    "\"x.example\"}}",
		    "{\"tls\":{\"alpn\":[\"a\",\"b\"],\"server_name\":"
		    "\"x.example\"},\"upstreams\":[\"a:1\"]}" },
		{ OPTION_TYPE_EXEC, "{\"command\": \"/bin/cat,-u\"}",
		    "{\"command\":[\"/bin/cat\",\"-u\"]}" },
		{ OPTION_TYPE_EXEC,
		    "{\"command\": [\"/bin/sh\", \"-c\", \"a, b\", \"\"], "
		    "\"environment\": \"A=1,B=\", \"memory\": 1048576, "
		    "\"cpu\": \"120s\", \"directory\": \"/\"}",
		    "{\"command\":[\"/bin/sh\",\"-c\",\"a, b\",\"\"],"
		    "\"cpu\":\"2m\",\"directory\":\"/\","
		    "\"environment\":[\"A=1\",\"B=\"],\"memory\":\"1m\"}" },
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m.so\", \"options\": [\"b=2\", \"a=x=y\"], "
		    "\"check_state\": \"yes\"}",
		    "{\"check_state\":true,\"options\":{\"a\":\"x=y\","
		    "\"b\":\"2\"},\"path\":\"/m.so\"}" },
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m.so\", \"options\": \"b=2,a=\"}",
		    "{\"options\":{\"a\":\"\",\"b\":\"2\"},"
		    "\"path\":\"/m.so\"}" },
		/* As key=value has it. */
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m.so\", \"options\": {\"z\": {\"a\": true, "
		    "\"b\": 7}, \"f\": \"iso\"}}",
		    "{\"options\":{\"f\":\"iso\",\"z.a\":\"true\","
		    "\"z.b\":\"7\"},\"path\":\"/m.so\"}" },
	};

	return cr_make_param_array(struct form_case, cases, COUNT(cases));
}

ParameterizedTest(struct form_case *k, section, sections_have_one_form)
{
	struct bulk *parts[SECTION_PARTS], *again[SECTION_PARTS];
	struct err err;
	char *made;

	cr_assert_eq(make(k->type, k->given, parts, &err), 0, "%s: %s",
	    k->given, err.text);
	made = copy_of(parts[SECTION_JSON]);
	cr_expect_str_eq(made, k->made);
	/* It means the same. */
	cr_assert_eq(make(k->type, made, again, &err), 0, "%s: %s", made,
	    err.text);
	cr_expect(
	    bulk_ref_matches(&parts[SECTION_JSON]->ref, again[SECTION_JSON]));
	cr_expect(
	    bulk_ref_matches(&parts[SECTION_PLAN]->ref, again[SECTION_PLAN]));
	drop(parts);
	drop(again);
	free(made);
}

/* --- errors --- */

struct bad_case {
	enum option_type type;
	char given[300];
	char error[200]; /* how it begins */
};

ParameterizedTestParameters(section, errors_name_key_and_remedy)
{
	static struct bad_case cases[] = {
		{ OPTION_TYPE_PROXY, "3", "proxy: must be an object" },
		{ OPTION_TYPE_PROXY, "{}",
		    "proxy.upstreams: is missing or empty" },
		{ OPTION_TYPE_PROXY, "{\"upstreams\": []}",
		    "proxy.upstreams: is missing or empty" },
		{ OPTION_TYPE_PROXY, "{\"upstreams\": 7}",
		    "proxy.upstreams: must be an array of upstreams" },
		{ OPTION_TYPE_PROXY, "{\"upstreams\": [7]}",
		    "proxy.upstreams: entry 1 must be a string" },
		{ OPTION_TYPE_PROXY, "{\"upstreams\": [\"a:1\", \"A:1\"]}",
		    "proxy.upstreams: a:1 is given twice" },
		{ OPTION_TYPE_PROXY, "{\"upstreams\": [\"fd00::1:80\"]}",
		    "proxy.upstreams: \"fd00::1:80\" has several colons: an "
		    "IPv6 address must stand in brackets" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"chek\": \"off\"}",
		    "proxy: \"chek\" is no option of the proxy section: did "
		    "you mean \"check\"?" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"check_interval\": \"5\"}",
		    "proxy.check_interval: \"5\" is no duration" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"check_interval\": 5}",
		    "proxy.check_interval: must be a string with a unit" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"weight\": 257}",
		    "proxy.weight: 257 is out of range: 1 to 256" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"balance\": \"random\"}",
		    "proxy.balance: \"random\" is unknown: must be "
		    "round_robin, " },
		{ OPTION_TYPE_PROXY, "{" UP ", \"check_send\": \"x\"}",
		    "proxy.check_send: goes with check = \"expect\" only" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"check_expect\": \"x\"}",
		    "proxy.check_expect: goes with check = \"expect\" only" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"check\": \"expect\"}",
		    "proxy.check_expect: is missing" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"check\": \"expect\", \"check_expect\": "
		    "\"\\\\q\"}",
		    "proxy.check_expect: has a backslash without a meaning" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"check_timeout\": \"3s\"}",
		    "proxy.check_timeout: 3000 ms is more than the 2000 ms of "
		    "check_interval" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"resolvers\": [\"dns\"]}",
		    "proxy.resolvers: \"dns\" is no " },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"resolvers\": [\"::1\", \"[::1]:53\"]}",
		    "proxy.resolvers: [::1]:53 is given twice" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"resolvers\": \"::1,::2,::3,::4,::5\"}",
		    "proxy.resolvers: has too many entries" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"tls\": \"on\"}",
		    "proxy.tls: must be an object" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"tls\": {\"client_ca\": "
		    "\"/a\"}}",
		    "proxy.tls: \"client_ca\" is no option" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"tls\": {\"ca\": \"a\"}}",
		    "proxy.tls.ca: \"a\" is no absolute path" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"tls\": {\"key\": \"/a\"}}",
		    "proxy.tls.key: goes with cert only" },
		{ OPTION_TYPE_PROXY, "{" UP ", \"tls\": {\"crl\": \"/a\"}}",
		    "proxy.tls.crl: goes with ca only" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"tls\": {\"verify\": \"optional\"}}",
		    "proxy.tls.verify: \"optional\" is unknown: must be "
		    "required or none" },
		{ OPTION_TYPE_PROXY,
		    "{" UP ", \"tls\": {\"server_name\": \"a b\"}}",
		    "proxy.tls.server_name: \"a b\" is no server name" },
		{ OPTION_TYPE_PROXY,
		    "{\"upstreams\": [\"a:1\", \"unix:/x\"], \"tls\": {}}",
		    "proxy.tls.server_name: is missing: unix:/x has no name" },
		{ OPTION_TYPE_EXEC, "{}", "exec.command: is missing or empty" },
		{ OPTION_TYPE_EXEC, "{\"command\": [\"cat\"]}",
		    "exec.command: \"cat\" is no absolute path" },
		{ OPTION_TYPE_EXEC,
		    "{\"command\": \"/a\", \"environment\": [\"A\"]}",
		    "exec.environment: \"A\" is no variable" },
		{ OPTION_TYPE_EXEC,
		    "{\"command\": \"/a\", \"environment\": [\"1A=2\"]}",
		    "exec.environment: \"1A=2\" is no variable" },
		{ OPTION_TYPE_EXEC,
		    "{\"command\": \"/a\", \"environment\": \"A=1,A=2\"}",
		    "exec.environment: A is given twice" },
		{ OPTION_TYPE_EXEC,
		    "{\"command\": \"/a\", \"cpu\": \"1500ms\"}",
		    "exec.cpu: 1500ms: must be whole seconds" },
		{ OPTION_TYPE_EXEC, "{\"command\": \"/a\", \"memory\": \"1x\"}",
		    "exec.memory: \"1x\" is no size" },
		{ OPTION_TYPE_EXEC,
		    "{\"command\": \"/a\", \"directory\": \"tmp\"}",
		    "exec.directory: \"tmp\" is no absolute path" },
		{ OPTION_TYPE_EXEC,
		    "{\"command\": \"/a\", \"stderr\": \"file\"}",
		    "exec.stderr: \"file\" is unknown: must be log, socket or "
		    "null" },
		{ OPTION_TYPE_EXEC, "{\"command\": \"/a\", \"comand\": 1}",
		    "exec: \"comand\" is no option of the exec section: did "
		    "you mean \"command\"?" },
		{ OPTION_TYPE_MODULE, "{}", "module.path: is missing" },
		{ OPTION_TYPE_MODULE, "{\"path\": \"m.so\"}",
		    "module.path: \"m.so\" is no absolute path" },
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m\", \"options\": [\"a\"]}",
		    "module.options: \"a\" is no option: must be name=value" },
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m\", \"options\": [\"a=1\", \"a=2\"]}",
		    "module.options: \"a\" is given twice" },
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m\", \"options\": {\"a\\nb\": null}}",
		    "module.options: \"a\\x0ab\" must be a string" },
		{ OPTION_TYPE_PROXY, "{\"upstreams\": [\"/a\\nb\"]}",
		    "proxy.upstreams: \"/a\\x0ab\" is a path" },
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m\", \"options\": {\"a\": [1]}}",
		    "module.options: \"a\" must be a string, a number" },
		{ OPTION_TYPE_MODULE,
		    "{\"path\": \"/m\", \"options\": {\"a=b\": 1}}",
		    "module.options: \"a=b\" is no name of an option" },
		{ OPTION_TYPE_MODULE, "{\"path\": \"/m\", \"options\": 1}",
		    "module.options: must be an object, or an array" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, section, errors_name_key_and_remedy)
{
	struct bulk *parts[SECTION_PARTS];
	struct err err;
	size_t i;

	cr_expect_eq(make(k->type, k->given, parts, &err), -1, "%s", k->given);
	cr_expect_eq(err.code, ERR_INVALID);
	cr_expect_null(strchr(err.text, '\n'), "one line");
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0,
	    "%s:\n%s", k->given, err.text);
	for (i = 0; i < SECTION_PARTS; i++)
		cr_expect_null(parts[i]);
}

/* --- plans --- */

Test(section, a_plan_has_what_is_not_given_filled_in)
{
	struct proxy_plan *p;
	struct err err;
	size_t size;

	p = plan_of(OPTION_TYPE_PROXY,
	    "{\"upstreams\": [\"a:1 weight=9\", \"unix:/b backup queue=0\"], "
	    "\"weight\": 3, \"max_connections\": 5}",
	    &size);
	cr_assert_eq(proxy_plan_check(p, size, &err), 0, "%s", err.text);
	cr_assert_eq(p->upstreams_count, 2);
	cr_expect_str_eq(p->upstreams[0].name, "a:1");
	cr_expect_str_eq(p->upstreams[0].host, "a");
	cr_expect_eq(p->upstreams[0].port, 1);
	cr_expect_eq(p->upstreams[0].kind, UPSTREAM_NAME);
	cr_expect_eq(p->upstreams[0].weight, 9);
	cr_expect_eq(p->upstreams[0].max_connections, 5);
	cr_expect_eq(p->upstreams[0].queue, 128);
	cr_expect_eq(p->upstreams[1].kind, UPSTREAM_UNIX);
	cr_expect_str_eq(p->upstreams[1].host, "/b");
	cr_expect_eq(p->upstreams[1].weight, 3);
	cr_expect_eq(p->upstreams[1].queue, 0);
	cr_expect(p->upstreams[1].backup);
	cr_expect_eq(p->balance, BALANCE_ROUND_ROBIN);
	cr_expect_eq(p->check, CHECK_CONNECT);
	cr_expect_eq(p->check_interval_ms, 2000);
	cr_expect_eq(p->check_timeout_ms, 2000);
	cr_expect_eq(p->resolve_every_ms, 30000);
	cr_expect_eq(p->retries, 2);
	cr_expect_eq(p->splice, 1);
	free(p);
}

Test(section, checks_are_never_longer_than_their_interval)
{
	struct proxy_plan *p;
	size_t size;

	p = plan_of(OPTION_TYPE_PROXY,
	    "{" UP ", \"check_interval\": \"500ms\"}", &size);
	cr_expect_eq(p->check_timeout_ms, 500);
	free(p);
}

Test(section, a_program_and_what_it_gets)
{
	struct exec_plan *p;
	const char *at;
	struct err err;
	size_t size;

	p = plan_of(OPTION_TYPE_EXEC,
	    "{\"command\": [\"/bin/cat\", \"-u\"], \"environment\": "
	    "[\"A=b=c\"], \"memory\": \"64m\", \"cpu\": \"90s\", \"stderr\": "
	    "\"null\", \"files\": 64, \"processes\": \"7\"}",
	    &size);
	cr_assert_eq(exec_plan_check(p, size, &err), 0, "%s", err.text);
	at = exec_texts_next(&p->command, NULL);
	cr_expect_str_eq(at, "/bin/cat");
	at = exec_texts_next(&p->command, at);
	cr_expect_str_eq(at, "-u");
	cr_expect_null(exec_texts_next(&p->command, at));
	cr_expect_str_eq(exec_texts_next(&p->environment, NULL), "A=b=c");
	cr_expect_eq(p->limit_memory, 64u << 20);
	cr_expect_eq(p->limit_cpu_s, 90);
	cr_expect_eq(p->limit_files, 64);
	cr_expect_eq(p->limit_processes, 7);
	cr_expect_eq(p->stderr_to, EXEC_STDERR_NULL);
	cr_expect_eq(p->kill_after_ms, 5000);
	cr_expect_str_eq(p->directory, "/");
	free(p);
}

Test(section, a_module_and_its_options_in_order)
{
	static const char texts[] = "a\0001\0b\0002";
	struct module_plan *p;
	struct err err;
	size_t size;

	p = plan_of(OPTION_TYPE_MODULE,
	    "{\"path\": \"/m.so\", \"options\": [\"b=2\", \"a=1\"]}", &size);
	cr_assert_eq(module_plan_check(p, size, &err), 0, "%s", err.text);
	cr_expect_str_eq(p->path, "/m.so");
	cr_expect_eq(p->options, 2);
	cr_assert_eq(p->size, sizeof(texts));
	cr_expect_eq(memcmp(p->texts, texts, sizeof(texts)), 0);
	free(p);
}

struct tls_case {
	char given[200];
	char made[300];
};

Test(section, tls_to_upstreams_is_that_of_a_client)
{
	static const struct tls_case cases[] = {
		{ "{}",
		    "{\"client_ca\":\"/etc/ssl/certs/ca-certificates.crt\","
		    "\"role\":\"client\",\"verify\":\"required\"}" },
		{ "{\"verify\": \"none\", \"server_name\": \"x.example\"}",
		    "{\"role\":\"client\",\"verify\":\"none\"}" },
		{ "{\"ca\": \"/a\", \"crl\": \"/r\", \"cert\": \"/c\", "
		  "\"key\": \"/k\", \"min_version\": \"1.3\"}",
		    "{\"cert\":\"/c\",\"client_ca\":\"/a\",\"crl\":\"/r\","
		    "\"key\":\"/k\",\"min_version\":\"1.3\","
		    "\"role\":\"client\",\"verify\":\"required\"}" },
	};
	struct bulk *parts[SECTION_PARTS];
	char text[512], *made;
	struct err err;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof(text), "{" UP ", \"tls\": %.200s}",
		    cases[i].given);
		cr_assert_eq(make(OPTION_TYPE_PROXY, text, parts, &err), 0,
		    "%s", err.text);
		cr_assert_not_null(parts[SECTION_TLS]);
		made = copy_of(parts[SECTION_TLS]);
		cr_expect_str_eq(made, cases[i].made);
		free(made);
		drop(parts);
	}
	cr_assert_eq(make(OPTION_TYPE_PROXY, "{" UP "}", parts, &err), 0);
	cr_expect_null(parts[SECTION_TLS]);
	drop(parts);
}

Test(section, too_many_upstreams_are_refused)
{
	struct bulk *parts[SECTION_PARTS];
	json_t *list = json_array(), *section;
	unsigned int i;
	struct err err;

	for (i = 0; i <= UPSTREAMS_MAX; i++)
		(void)json_array_append_new(list,
		    json_sprintf("10.0.0.5:%u", i + 1));
	section = json_pack("{s:o}", "upstreams", list);
	cr_expect_eq(
	    section_make(option_of(OPTION_TYPE_PROXY), section, parts, &err),
	    -1);
	cr_expect_not_null(strstr(err.text, "at most 64"), "%s", err.text);
	(void)json_array_remove(list, 0);
	cr_expect_eq(
	    section_make(option_of(OPTION_TYPE_PROXY), section, parts, &err), 0,
	    "%s", err.text);
	drop(parts);
	json_decref(section);
}
