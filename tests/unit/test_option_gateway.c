#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "option/option.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Make settings of a section's JSON. */
static int
make(const char *text, struct gateway_wanted *out, struct err *err)
{
	json_t *options = json_loads(text, JSON_DECODE_ANY, NULL);
	int result;

	cr_assert_not_null(options, "the test's JSON: %s", text);
	err->text[0] = '\0';
	result = option_gateway(options, out, err);
	json_decref(options);
	return result;
}

Test(option_gateway, an_empty_section)
{
	struct gateway_wanted w;
	struct gateway_settings *s = &w.settings;
	struct err err;

	cr_assert_eq(make("{}", &w, &err), 0, "%s", err.text);
	cr_expect_eq(s->exists, 1);
	cr_expect_str_eq(s->places[GATEWAY_HTTP].address, "127.0.0.1");
	cr_expect_eq(s->places[GATEWAY_HTTP].port, 9180);
	cr_expect_str_eq(s->places[GATEWAY_AGENT].address, "");
	cr_expect_str_eq(s->places[GATEWAY_TCP_CHECK].address, "");
	cr_expect_eq(s->agent_weight, AGENT_WEIGHT_FULL);
	cr_expect_str_eq(s->token, "");
	cr_expect_str_eq(s->hosts, "");
	cr_expect_eq(s->bulks[BULK_ALLOW].size, 0);
	cr_expect_eq(s->bulks[BULK_TLS].size, 0);
	cr_expect_eq(gateway_check(&w, &err), 0, "%s", err.text);
	bulks_drop(&w.bulks);
}

Test(option_gateway, all_of_them)
{
	struct gateway_wanted w;
	struct gateway_settings *s = &w.settings;
	struct err err;

	cr_assert_eq(make("{\"listen\": \"[::]:80\", "
			  "\"agent_listen\": \"0.0.0.0:9181\", "
			  "\"tcp_check_listen\": \"10.0.0.1:9182\", "
			  "\"agent_weight\": \"load\", \"token\": \"secret\", "
			  "\"hosts\": \"a.example b.example\", "
			  "\"allow\": [\"10.0.0.0/8\", \"::1\"], "
			  "\"tls\": {\"cert\": \"/c\", \"key\": \"/k\"}}",
			 &w, &err),
	    0, "%s", err.text);
	cr_expect_str_eq(s->places[GATEWAY_HTTP].address, "::");
	cr_expect_eq(s->places[GATEWAY_HTTP].port, 80);
	cr_expect_str_eq(s->places[GATEWAY_AGENT].address, "0.0.0.0");
	cr_expect_eq(s->places[GATEWAY_AGENT].port, 9181);
	cr_expect_str_eq(s->places[GATEWAY_TCP_CHECK].address, "10.0.0.1");
	cr_expect_eq(s->places[GATEWAY_TCP_CHECK].port, 9182);
	cr_expect_eq(s->agent_weight, AGENT_WEIGHT_LOAD);
	cr_expect_str_eq(s->token, "secret");
	cr_expect_str_eq(s->hosts, "a.example b.example");
	cr_expect_neq(s->bulks[BULK_ALLOW].size, 0);
	cr_expect_neq(s->bulks[BULK_TLS].size, 0);
	cr_expect_eq(gateway_check(&w, &err), 0, "%s", err.text);
	bulks_drop(&w.bulks);
}

Test(option_gateway, no_http)
{
	struct gateway_wanted w;
	struct err err;

	cr_assert_eq(make("{\"listen\": \"\"}", &w, &err), 0, "%s", err.text);
	cr_expect_str_eq(w.settings.places[GATEWAY_HTTP].address, "");
	cr_expect_eq(w.settings.places[GATEWAY_HTTP].port, 0);
	bulks_drop(&w.bulks);
}

/* What is compared as memory has no rest of anything in it. */
Test(option_gateway, the_same_section_is_the_same_memory)
{
	static const char text[] =
	    "{\"listen\": \"127.0.0.1:1\", \"token\": \"t\", "
	    "\"allow\": [\"10.0.0.0/8\"]}";
	struct gateway_wanted a, b;
	struct err err;

	memset(&a, 0, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	cr_assert_eq(make(text, &a, &err), 0, "%s", err.text);
	cr_assert_eq(make(text, &b, &err), 0, "%s", err.text);
	cr_expect_eq(memcmp(&a.settings, &b.settings, sizeof(a.settings)), 0);
	bulks_drop(&a.bulks);
	bulks_drop(&b.bulks);
}

struct bad_case {
	char section[128];
	char error[96]; /* how the error begins */
};

ParameterizedTestParameters(option_gateway, what_makes_no_sense)
{
	static struct bad_case cases[] = {
		{ "[]", "the options of the gateway section must be" },
		{ "{\"listen\": \"9180\"}",
		    "listen: \"9180\" is no address with a port" },
		{ "{\"listen\": 9180}",
		    "listen: must be an address and a port in a string" },
		{ "{\"agent_listen\": \"localhost:1\"}",
		    "agent_listen: \"localhost\" is no numeric" },
		{ "{\"tcp_check_listen\": \"127.0.0.1:65536\"}",
		    "tcp_check_listen: 65536 is out of range" },
		{ "{\"tcp_check_listen\": \"[::]:0\"}",
		    "tcp_check_listen: needs a port" },
		{ "{\"agent_weight\": \"none\"}",
		    "agent_weight: \"none\" is unknown: must be full or load" },
		{ "{\"token\": \"a\\nb\"}", "token: " },
		{ "{\"allow\": [\"10.0.0.0/8\", \"x\"]}", "allow: \"x\"" },
		{ "{\"lisen\": \"\"}",
		    "\"lisen\" is no option of the gateway section: did you "
		    "mean \"listen\"?" },
		{ "{\"port\": 1}",
		    "\"port\" is no option of the gateway section" },
		{ "{\"tls\": {\"role\": \"client\"}}", "tls.role: must be" },
		{ "{\"tls\": {\"cret\": \"/c\"}}", "tls" },
		{ "{\"allow\": [\"10.0.0.0/8\"], \"listen\": \"?\"}",
		    "listen: " },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, option_gateway, what_makes_no_sense)
{
	struct gateway_wanted w;
	struct err err;
	unsigned int i;

	cr_expect_eq(make(k->section, &w, &err), -1, "%s", k->section);
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0, "%s: %s",
	    k->section, err.text);
	for (i = 0; i < BULK_COUNT; i++)
		cr_expect_null(w.bulks.of[i], "it holds nothing");
}

Test(option_gateway, a_token_that_is_too_long)
{
	char text[GATEWAY_TOKEN_SIZE + 32] = "{\"token\": \"";
	struct gateway_wanted w;
	struct err err;
	size_t len = strlen(text);

	memset(text + len, 'x', GATEWAY_TOKEN_SIZE - 1);
	memcpy(text + len + GATEWAY_TOKEN_SIZE - 1, "\"}", 3);
	cr_assert_eq(make(text, &w, &err), 0, "%s", err.text);
	cr_expect_eq(strlen(w.settings.token), GATEWAY_TOKEN_SIZE - 1u);
	bulks_drop(&w.bulks);
	memcpy(text + len + GATEWAY_TOKEN_SIZE - 1, "x\"}", 4);
	cr_expect_eq(make(text, &w, &err), -1);
	cr_expect_eq(strncmp(err.text, "token: must", 11), 0, "%s", err.text);
}

/* Errors are logged, and readers of the control socket see them. */
Test(option_gateway, a_token_that_is_wrong_is_not_told)
{
	static const char *const sections[] = {
		"{\"token\": \"s3cret\\n\"}",
		"{\"token\": \" s3cret\"}",
		"{\"token\": \"s3cret \"}",
	};
	struct gateway_wanted w;
	struct err err;
	size_t i;

	for (i = 0; i < COUNT(sections); i++) {
		cr_expect_eq(make(sections[i], &w, &err), -1, "%s",
		    sections[i]);
		cr_expect_eq(strncmp(err.text, "token: must", 11), 0, "%s",
		    err.text);
		cr_expect_null(strstr(err.text, "s3cret"), "%s", err.text);
	}
	cr_expect_eq(make("{\"token\": \"two words\"}", &w, &err), 0, "%s",
	    err.text);
}

Test(option_gateway, values_are_checked_one_by_one)
{
	struct err err;

	cr_expect_eq(option_check_value(OPTION_GATEWAY, "listen",
			 "127.0.0.1:9180", &err),
	    0);
	cr_expect_eq(
	    option_check_value(OPTION_GATEWAY, "agent_listen", "", &err), 0);
	cr_expect_eq(option_check_value(OPTION_GATEWAY, "listen", "x", &err),
	    -1);
	cr_expect_eq(strncmp(err.text, "listen: \"x\"", 11), 0, "%s", err.text);
	cr_expect(option_is_list(OPTION_GATEWAY, "allow"));
	cr_expect_not(option_is_list(OPTION_GATEWAY, "hosts"));
}
