#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/ipc_msg.h"
#include "supervisor/listener.h"
#include "supervisor/listener_module.h"

/* What a worker has sent may be anything. */
struct name_case {
	char sent[MODULE_NAME_SIZE];
	char want[MODULE_NAME_SIZE]; /* of a counter */
	char want_name[MODULE_NAME_SIZE];
};

ParameterizedTestParameters(listener_module, names)
{
	static struct name_case cases[] = {
		{ "", "", "" },
		{ "requests", "requests", "requests" },
		{ "a_2", "a_2", "a_2" },
		{ "2a", "", "2a" },
		{ "A", "", "A" },
		{ "a b", "", "a b" },
		{ "a\"} 1\n", "", "a\"} 1" },
		{ "\x1b[1m", "", "" },
		{ "gr\xc3\xbc\xc3\x9f", "", "gr\xc3\xbc\xc3\x9f" },
		{ "bad\xff", "", "bad" },
		{ "cut\xc3", "", "cut" },
	};

	return cr_make_param_array(struct name_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct name_case *k, listener_module, names)
{
	static struct listener l;
	struct msg_module m = { .listener_id = 1 };

	l.spec.protocol = PROTOCOL_MODULE;
	memcpy(m.name, k->sent, sizeof(m.name));
	memcpy(m.counters[3], k->sent, sizeof(m.counters[3]));
	listener_take_module(&l, &m);
	cr_expect_str_eq(l.module, k->want_name);
	cr_expect_str_eq(l.module_counters[3], k->want);
}

Test(listener_module, names_that_do_not_end)
{
	static struct listener l;
	struct msg_module m;

	memset(&m, 'a', sizeof(m));
	l.spec.protocol = PROTOCOL_MODULE;
	listener_take_module(&l, &m);
	cr_expect_eq(strlen(l.module), MODULE_NAME_SIZE - 1);
	cr_expect_str_eq(l.module_counters[0], "");
	cr_expect_str_eq(l.module_counters[7], "");
}

Test(listener_module, others_have_none)
{
	static struct listener l;
	struct msg_module m = { .name = "m" };

	l.spec.protocol = PROTOCOL_ECHO;
	listener_take_module(&l, &m);
	cr_expect_str_eq(l.module, "");
}
