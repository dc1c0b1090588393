#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "option/tls_section.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The section in its one form, as text; NULL with *err. */
static char *
make(const char *text, struct err *err)
{
	json_t *section = json_loads(text, JSON_DECODE_ANY, NULL), *made;
	char *result = NULL;

	cr_assert_not_null(section, "the test's JSON: %s", text);
	err->text[0] = '\0';
	made = tls_section_make(section, err);
	if (made != NULL)
		result = json_dumps(made, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(section);
	json_decref(made);
	return result;
}

struct good_case {
	char section[256];
	char made[256];
};

ParameterizedTestParameters(tls_section, sections_have_one_form)
{
	static struct good_case cases[] = {
		{ "{\"cert\": \"/c\"}", "{\"cert\":\"/c\"}" },
		{ "{\"key\": \"/k\", \"cert\": \"/c\", \"verify\": \"none\"}",
		    "{\"cert\":\"/c\",\"key\":\"/k\",\"verify\":\"none\"}" },
		{ "{\"cert\": \"/c\", \"session_tickets\": \"off\"}",
		    "{\"cert\":\"/c\",\"session_tickets\":false}" },
		{ "{\"cert\": \"/c\", \"session_tickets\": true}",
		    "{\"cert\":\"/c\",\"session_tickets\":true}" },
		{ "{\"cert\": \"/c\", \"alpn\": \"mqtt,h2\"}",
		    "{\"alpn\":[\"mqtt\",\"h2\"],\"cert\":\"/c\"}" },
		{ "{\"cert\": \"/c\", \"alpn\": [\"mqtt\", \"h2\"]}",
		    "{\"alpn\":[\"mqtt\",\"h2\"],\"cert\":\"/c\"}" },
		{ "{\"cert\": \"/c\", \"min_version\": \"1.3\", "
		  "\"ciphersuites\": \"TLS_AES_128_GCM_SHA256\", "
		  "\"ciphers\": \"HIGH\"}",
		    "{\"cert\":\"/c\",\"ciphers\":\"HIGH\",\"ciphersuites\":"
		    "\"TLS_AES_128_GCM_SHA256\",\"min_version\":\"1.3\"}" },
		{ "{\"cert\": \"/c\", \"client_ca\": \"/a\", \"crl\": \"/r\", "
		  "\"verify\": \"optional\"}",
		    "{\"cert\":\"/c\",\"client_ca\":\"/a\",\"crl\":\"/r\","
		    "\"verify\":\"optional\"}" },
		{ "{\"role\": \"client\"}", "{\"role\":\"client\"}" },
		{ "{\"role\": \"client\", \"client_ca\": \"/a\"}",
		    "{\"client_ca\":\"/a\",\"role\":\"client\"}" },
		{ "{\"cert\": \"/c\", \"sni\": {}}", "{\"cert\":\"/c\"}" },
		{ "{\"cert\": \"/c\", \"sni\": {\"B.Example\": {\"cert\": "
		  "\"/b\"}}}",
		    "{\"cert\":\"/c\",\"sni\":{\"b.example\":{\"cert\":\"/b\"}}"
		    "}" },
		/* As key=value has it. */
		{ "{\"cert\": \"/c\", \"sni\": {\"*\": {\"a\": {\"cert\": "
		  "\"/b\", \"key\": \"/k\", \"b\": {\"cert\": \"/d\"}}}}}",
		    "{\"cert\":\"/c\",\"sni\":{\"*.a\":{\"cert\":\"/b\","
		    "\"key\":\"/k\"},\"*.a.b\":{\"cert\":\"/d\"}}}" },
	};

	return cr_make_param_array(struct good_case, cases, COUNT(cases));
}

ParameterizedTest(struct good_case *k, tls_section, sections_have_one_form)
{
	struct err err;
	char *made = make(k->section, &err), *again;

	cr_assert_not_null(made, "%s: %s", k->section, err.text);
	cr_expect_str_eq(made, k->made);
	again = make(made, &err);
	cr_assert_not_null(again, "%s: %s", made, err.text);
	cr_expect_str_eq(again, made);
	free(made);
	free(again);
}

struct bad_case {
	char section[192];
	char error[128]; /* the start of the error's text */
};

ParameterizedTestParameters(tls_section, bad_sections_are_refused)
{
	static struct bad_case cases[] = {
		{ "[]", "tls: must be an object: a section with cert" },
		{ "\"/c\"", "tls: must be an object" },
		{ "{}", "tls.cert: is missing: must be the file" },
		{ "{\"cret\": 1}",
		    "tls: \"cret\" is no option of the tls "
		    "section: did you mean \"cert\"?" },
		{ "{\"colour\": 1}",
		    "tls: \"colour\" is no option of the tls "
		    "section: must be cert, key, client_ca" },
		{ "{\"cert\": \"c\"}",
		    "tls.cert: \"c\" is no absolute path: must start with /" },
		{ "{\"cert\": 1}", "tls.cert: must be an absolute path in a" },
		{ "{\"cert\": \"/c\", \"min_version\": \"1.1\"}",
		    "tls.min_version: \"1.1\" is unknown: must be 1.2 or "
		    "1.3" },
		{ "{\"cert\": \"/c\", \"min_version\": 1.2}",
		    "tls.min_version: must be a string" },
		{ "{\"cert\": \"/c\", \"verify\": \"yes\"}",
		    "tls.verify: \"yes\" is unknown: must be none, optional or "
		    "required" },
		{ "{\"cert\": \"/c\", \"role\": \"peer\"}",
		    "tls.role: \"peer\" is unknown: must be server or client" },
		{ "{\"cert\": \"/c\", \"session_tickets\": 1}",
		    "tls.session_tickets: must be true or false" },
		{ "{\"cert\": \"/c\", \"session_tickets\": \"maybe\"}",
		    "tls.session_tickets: \"maybe\" is neither true" },
		{ "{\"cert\": \"/c\", \"ciphers\": \"\"}",
		    "tls.ciphers: \"\" must have 1 to 2047 bytes" },
		{ "{\"cert\": \"/c\", \"alpn\": [1]}",
		    "tls.alpn: must be a list of names, as strings" },
		{ "{\"cert\": \"/c\", \"alpn\": []}",
		    "tls.alpn: must be a list of 1 to 16 names" },
		{ "{\"cert\": \"/c\", \"alpn\": \"a,,b\"}",
		    "tls.alpn: \"\" must have 1 to 63 bytes" },
		{ "{\"cert\": \"/c\", \"alpn\": "
		  "\"1234567890123456789012345678901234567890123456789012345678"
		  "901234\"}",
		    "tls.alpn: \"12345678901234567890123456789012345678901234"
		    "5678901234567890123...\" is too long" },
		{ "{\"key\": \"/k\"}", "tls.key: goes with cert only" },
		{ "{\"cert\": \"/c\", \"crl\": \"/r\"}",
		    "tls.crl: goes with client_ca only" },
		{ "{\"cert\": \"/c\", \"verify\": \"required\"}",
		    "tls.client_ca: is missing: verify needs" },
		{ "{\"role\": \"client\", \"session_tickets\": true}",
		    "tls.session_tickets: does not go with role \"client\"" },
		{ "{\"role\": \"client\", \"sni\": {\"a\": {\"cert\": "
		  "\"/c\"}}}",
		    "tls.sni: does not go with role \"client\"" },
		{ "{\"role\": \"client\", \"client_ca\": \"/a\", \"verify\": "
		  "\"optional\"}",
		    "tls.verify: \"optional\" does not go with role" },
		{ "{\"cert\": \"/c\", \"sni\": \"/x\"}",
		    "tls.sni: must be an object with an object for each" },
		{ "{\"cert\": \"/c\", \"sni\": {\"cert\": \"/x\"}}",
		    "tls.sni: must have a section for each name" },
		{ "{\"cert\": \"/c\", \"sni\": {\"a\": {}}}",
		    "tls.sni \"a\": cert: is missing" },
		{ "{\"cert\": \"/c\", \"sni\": {\"a\": {\"key\": \"/k\"}}}",
		    "tls.sni \"a\": cert: is missing" },
		{ "{\"cert\": \"/c\", \"sni\": {\"a\": {\"cert\": \"k\"}}}",
		    "tls.sni \"a\": cert: \"k\" is no absolute path" },
		{ "{\"cert\": \"/c\", \"sni\": {\"a\": {\"role\": \"k\"}}}",
		    "tls: \"role\" is no option of a name of tls.sni: must be "
		    "cert or key" },
		{ "{\"cert\": \"/c\", \"sni\": {\"a..b\": {\"cert\": "
		  "\"/k\"}}}",
		    "tls.sni: \"a..b\" is no server name: must be like" },
		{ "{\"cert\": \"/c\", \"sni\": {\"a.*.b\": {\"cert\": "
		  "\"/k\"}}}",
		    "tls.sni: \"a.*.b\" is no server name" },
		{ "{\"cert\": \"/c\", \"sni\": {\"A.b\": {\"cert\": \"/k\"}, "
		  "\"a.B\": {\"cert\": \"/k\"}}}",
		    "tls.sni \"a.b\": is given twice" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, tls_section, bad_sections_are_refused)
{
	struct err err;
	char *made = make(k->section, &err);

	cr_expect_null(made, "%s", k->section);
	cr_expect_eq(strncmp(err.text, k->error, strlen(k->error)), 0, "%s: %s",
	    k->section, err.text);
	cr_expect_null(strchr(err.text, '\n'));
	free(made);
}

Test(tls_section, names_have_a_bounded_length)
{
	char name[260], text[400];
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 32 == 31 ? '.' : 'a';
	name[253] = '\0';
	cr_expect_eq(tls_section_check_name(name, &err), 0, "%s", err.text);
	name[253] = 'a';
	name[254] = '\0';
	cr_expect_eq(tls_section_check_name(name, &err), -1);
	(void)snprintf(text, sizeof(text),
	    "{\"cert\": \"/c\", \"sni\": {\"%s\": {\"cert\": \"/c\"}}}", name);
	cr_expect_null(make(text, &err));
	cr_expect_not_null(strstr(err.text, "is no server name"), "%s",
	    err.text);
}

Test(tls_section, values_are_checked_alone)
{
	struct err err;

	cr_expect_eq(tls_section_check_value(false, "cert", "/c", &err), 0);
	cr_expect_eq(tls_section_check_value(false, "alpn", "h2", &err), 0);
	cr_expect_eq(tls_section_check_value(true, "key", "/c", &err), 0);
	cr_expect_eq(tls_section_check_value(true, "key", "c", &err), -1);
	cr_expect_not_null(strstr(err.text, "tls.sni.key: \"c\" is no"), "%s",
	    err.text);
	cr_expect_eq(tls_section_check_value(false, "verify", "x", &err), -1);
	cr_expect_eq(tls_section_check_value(true, "verify", "none", &err), -1);
	cr_expect_eq(tls_section_check_value(false, "certs", "/c", &err), -1);
}
