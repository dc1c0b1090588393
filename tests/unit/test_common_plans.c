#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/exec_plan.h"
#include "common/module_plan.h"
#include "common/proxy_plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- proxy --- */

static union {
	struct proxy_plan plan;
	uint8_t
	    bytes[sizeof(struct proxy_plan) + 3 * sizeof(struct upstream_plan)];
} proxy;

static void
set_up_proxy(void)
{
	struct proxy_plan *p = &proxy.plan;
	uint32_t i;

	memset(&proxy, 0, sizeof(proxy));
	p->connect_timeout_ms = p->check_interval_ms = 1;
	p->check_timeout_ms = p->resolve_every_ms = 1;
	p->check_rise = p->check_fall = 1;
	p->upstreams_count = 2;
	for (i = 0; i < 2; i++) {
		struct upstream_plan *u = &p->upstreams[i];

		(void)snprintf(u->name, sizeof(u->name), "a:%u", i + 1);
		(void)snprintf(u->host, sizeof(u->host), "a");
		u->port = (uint16_t)(i + 1);
		u->kind = UPSTREAM_NAME;
		u->weight = 1;
	}
}

static int
check_proxy(void)
{
	struct err err;

	return proxy_plan_check(&proxy.plan,
	    proxy_plan_size(proxy.plan.upstreams_count), &err);
}

TestSuite(proxy_plan, .init = set_up_proxy);

Test(proxy_plan, a_good_one_passes)
{
	cr_expect_eq(check_proxy(), 0);
	proxy.plan.upstreams[1].kind = UPSTREAM_UNIX;
	proxy.plan.upstreams[1].port = 0;
	cr_expect_eq(check_proxy(), 0);
	proxy.plan.upstreams[0].weight = UPSTREAM_WEIGHT_MAX;
	cr_expect_eq(check_proxy(), 0);
}

static void
break_it(unsigned int how)
{
	struct proxy_plan *p = &proxy.plan;
	struct upstream_plan *u = &p->upstreams[1];

	switch (how) {
	case 0:
		p->balance = BALANCE_COUNT;
		break;
	case 1:
		p->check = CHECK_COUNT;
		break;
	case 2:
		p->send_proxy = SEND_PROXY_COUNT;
		break;
	case 3:
		p->check_send.size = CHECK_TEXT_SIZE + 1;
		break;
	case 4:
		memset(p->server_name, 'x', sizeof(p->server_name));
		break;
	case 5:
		memset(p->resolvers[3], 'x', sizeof(p->resolvers[3]));
		break;
	case 6:
		memset(u->name, 'x', sizeof(u->name));
		break;
	case 7:
		memset(u->host, 'x', sizeof(u->host));
		break;
	case 8:
		u->host[0] = '\0';
		break;
	case 9:
		u->weight = 0;
		break;
	case 10:
		u->weight = UPSTREAM_WEIGHT_MAX + 1;
		break;
	case 11:
		u->kind = UPSTREAM_KIND_COUNT;
		break;
	case 12:
		u->port = 0;
		break;
	case 13:
		memcpy(u->name, p->upstreams[0].name, sizeof(u->name));
		break;
	case 14:
		p->check_interval_ms = 0;
		break;
	case 15:
		p->check_rise = 0;
		break;
	case 16:
		p->connect_timeout_ms = 0;
		break;
	case 17:
		p->upstreams_count = 0;
		break;
	default:
		p->splice = 2;
		break;
	}
}

Test(proxy_plan, broken_ones_are_refused)
{
	unsigned int how;

	for (how = 0; how <= 18; how++) {
		set_up_proxy();
		break_it(how);
		cr_expect_eq(check_proxy(), -1, "%u", how);
	}
}

Test(proxy_plan, its_size_must_be_that_of_its_upstreams)
{
	const size_t size = proxy_plan_size(2);
	struct err err;

	cr_expect_eq(proxy_plan_check(&proxy.plan, size - 1, &err), -1);
	cr_expect_eq(proxy_plan_check(&proxy.plan, size + 1, &err), -1);
	cr_expect_eq(proxy_plan_check(&proxy.plan, 8, &err), -1);
	proxy.plan.upstreams_count = UINT32_MAX;
	cr_expect_eq(proxy_plan_check(&proxy.plan, size, &err), -1);
}

/* --- exec --- */

static struct exec_plan exec_plan;

static void
set_up_exec(void)
{
	memset(&exec_plan, 0, sizeof(exec_plan));
	(void)snprintf(exec_plan.directory, sizeof(exec_plan.directory), "/");
	cr_assert_eq(exec_texts_add(&exec_plan.command, "/bin/cat"), 0);
	cr_assert_eq(exec_texts_add(&exec_plan.command, ""), 0);
	cr_assert_eq(exec_texts_add(&exec_plan.environment, "A=b"), 0);
}

static int
check_exec(void)
{
	struct err err;

	return exec_plan_check(&exec_plan, sizeof(exec_plan), &err);
}

TestSuite(exec_plan, .init = set_up_exec);

Test(exec_plan, a_good_one_passes)
{
	struct err err;

	cr_expect_eq(check_exec(), 0);
	cr_expect_eq(exec_plan_check(&exec_plan, sizeof(exec_plan) - 1, &err),
	    -1);
}

Test(exec_plan, texts_are_bounded)
{
	static char text[EXEC_TEXTS_SIZE];
	struct exec_texts t = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	cr_expect_eq(exec_texts_add(&t, text), 0);
	cr_expect_eq(exec_texts_add(&t, ""), -1);
	cr_expect_str_eq(exec_texts_next(&t, NULL), text);
	cr_expect_null(exec_texts_next(&t, t.bytes));
}

Test(exec_plan, broken_ones_are_refused)
{
	exec_plan.command.count++;
	cr_expect_eq(check_exec(), -1);
	set_up_exec();
	exec_plan.command.bytes[0] = 'x';
	cr_expect_eq(check_exec(), -1);
	set_up_exec();
	exec_plan.command.bytes[exec_plan.command.size - 1] = 'x';
	cr_expect_eq(check_exec(), -1);
	set_up_exec();
	exec_plan.command.size = EXEC_TEXTS_SIZE + 1;
	cr_expect_eq(check_exec(), -1);
	set_up_exec();
	exec_plan.environment.bytes[1] = ' ';
	cr_expect_eq(check_exec(), -1);
	set_up_exec();
	exec_plan.directory[0] = '.';
	cr_expect_eq(check_exec(), -1);
	set_up_exec();
	exec_plan.stderr_to = EXEC_STDERR_COUNT;
	cr_expect_eq(check_exec(), -1);
	set_up_exec();
	memset(&exec_plan.command, 0, sizeof(exec_plan.command));
	cr_expect_eq(check_exec(), -1);
}

/* --- module --- */

struct texts_case {
	const char *texts;
	uint32_t size, options;
	int result;
};

Test(module_plan, options_are_pairs_in_order)
{
	static const struct texts_case cases[] = {
		{ "", 0, 0, 0 },
		{ "a\0"
		  "1",
		    4, 1, 0 },
		{ "a\0\0b\0"
		  "2",
		    7, 2, 0 },
		{ "b\0"
		  "1\0a\0"
		  "2",
		    8, 2, -1 },
		{ "a\0"
		  "1\0a\0"
		  "2",
		    8, 2, -1 },
		{ "\0"
		  "1",
		    3, 1, -1 },
		{ "a\0"
		  "1",
		    4, 2, -1 },
		{ "a\0"
		  "1\0b",
		    6, 1, -1 },
		{ "a\0"
		  "1",
		    3, 1, -1 },
		{ "a", 1, 1, -1 },
	};
	struct module_plan p;
	struct err err;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		memset(&p, 0, sizeof(p));
		(void)snprintf(p.path, sizeof(p.path), "/m.so");
		memcpy(p.texts, cases[i].texts, cases[i].size);
		p.size = cases[i].size;
		p.options = cases[i].options;
		cr_expect_eq(module_plan_check(&p, sizeof(p), &err),
		    cases[i].result, "case %zu", i);
	}
}

Test(module_plan, broken_ones_are_refused)
{
	struct module_plan p = { .path = "/m.so" };
	struct err err;

	cr_expect_eq(module_plan_check(&p, sizeof(p), &err), 0);
	cr_expect_eq(module_plan_check(&p, sizeof(p) + 1, &err), -1);
	p.check_state = 2;
	cr_expect_eq(module_plan_check(&p, sizeof(p), &err), -1);
	p.check_state = 0;
	p.options = MODULE_OPTIONS_MAX + 1;
	cr_expect_eq(module_plan_check(&p, sizeof(p), &err), -1);
	p.options = 0;
	p.size = MODULE_OPTIONS_SIZE + 1;
	cr_expect_eq(module_plan_check(&p, sizeof(p), &err), -1);
	p.size = 0;
	memset(p.path, '/', sizeof(p.path));
	cr_expect_eq(module_plan_check(&p, sizeof(p), &err), -1);
}
