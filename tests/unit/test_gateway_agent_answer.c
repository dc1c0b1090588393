#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "gateway/agent_answer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct answer_case {
	enum verdict_kind kind;
	unsigned int weight;
	char why[64];
	char want[96];
};

ParameterizedTestParameters(agent_answer, says_the_full_state)
{
	static struct answer_case cases[] = {
		{ VERDICT_READY, 100, "", "up ready 100%\n" },
		{ VERDICT_READY, 1, "", "up ready 1%\n" },
		{ VERDICT_DRAINING, 100, "mercuryd is drained",
		    "up drain # mercuryd is drained\n" },
		{ VERDICT_PAUSED, 100, "it is paused",
		    "up maint # it is paused\n" },
		{ VERDICT_DOWN, 100, "it has failed",
		    "down ready # it has failed\n" },
		{ VERDICT_UNKNOWN, 100, "there is no listener of that name",
		    "down ready # there is no listener of that name\n" },
		{ VERDICT_DOWN, 100, "a\nb\x7f\xc3\xa4 is paused",
		    "down ready # a?b??? is paused\n" },
	};

	return cr_make_param_array(struct answer_case, cases, COUNT(cases));
}

ParameterizedTest(struct answer_case *k, agent_answer, says_the_full_state)
{
	struct verdict v = { .kind = k->kind };
	char out[AGENT_ANSWER_SIZE];

	memcpy(v.why, k->why, sizeof(k->why));
	agent_answer(&v, k->weight, out);
	cr_expect_str_eq(out, k->want);
}

Test(agent_answer, the_longest_reason_fits)
{
	struct verdict v = { .kind = VERDICT_DOWN };
	char out[AGENT_ANSWER_SIZE];

	memset(v.why, 'x', sizeof(v.why) - 1);
	agent_answer(&v, 100, out);
	cr_expect_eq(strlen(out),
	    strlen("down ready # ") + sizeof(v.why) - 1 + 1);
	cr_expect_eq(out[strlen(out) - 1], '\n');
}

struct name_case {
	char line[AGENT_LINE_SIZE];
	size_t len; /* 0: that of the text */
	char want[SPEC_NAME_SIZE];
};

/* 64 and 65 bytes. */
#define LONGEST \
	"1234567890123456789012345678901234567890123456789012345678901234"
#define TOO_LONG LONGEST "5"

ParameterizedTestParameters(agent_answer, name_is_the_line)
{
	static struct name_case cases[] = {
		{ "", 0, "" },
		{ "\n", 0, "" },
		{ "\r\n", 0, "" },
		{ "pos\n", 0, "pos" },
		{ "pos\r\n", 0, "pos" },
		{ "pos", 0, "pos" }, /* it forgot its LF */
		{ "pos\nmore", 0, "pos" },
		{ "two words\n", 0, "two words" },
		{ LONGEST "\n", 0, LONGEST },
		{ TOO_LONG "\n", 0, "/" },
		{ "po\0s\n", 5, "/" },
		{ "\0\n", 2, "/" },
		{ "pos\n\0", 5, "pos" },
	};

	return cr_make_param_array(struct name_case, cases, COUNT(cases));
}

ParameterizedTest(struct name_case *k, agent_answer, name_is_the_line)
{
	const size_t len = k->len == 0 ? strlen(k->line) : k->len;
	char name[SPEC_NAME_SIZE];

	agent_answer_name(k->line, len, name);
	cr_expect_str_eq(name, k->want);
}

struct weight_case {
	uint32_t connections;
	uint32_t max;
	unsigned int want;
};

ParameterizedTestParameters(agent_answer, weight_is_the_free_share)
{
	static struct weight_case cases[] = {
		{ 0, 0, 100 },
		{ 1000, 0, 100 },
		{ 0, 10, 100 },
		{ 1, 10, 90 },
		{ 9, 10, 10 },
		{ 10, 10, 1 },
		{ 11, 10, 1 }, /* probes, or a limit that was lowered */
		{ 999, 1000, 1 },
		{ 1, 3, 66 },
		{ 0, UINT32_MAX, 100 },
		{ UINT32_MAX / 2, UINT32_MAX, 50 },
		{ UINT32_MAX, UINT32_MAX, 1 },
	};

	return cr_make_param_array(struct weight_case, cases, COUNT(cases));
}

ParameterizedTest(struct weight_case *k, agent_answer, weight_is_the_free_share)
{
	const struct health_entry e = { .connections = k->connections,
		.max_connections = k->max };

	cr_expect_eq(agent_answer_weight(&e), k->want, "%u of %u: %u",
	    k->connections, k->max, agent_answer_weight(&e));
}
