#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "option/value.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Text lies within the cases: parameters are copied to another process. */
struct number_case {
	char text[64];
	uint64_t want;
	char error[80]; /* what the error's text must contain; empty: none */
};

ParameterizedTestParameters(value, uint_takes_whole_numbers_in_range)
{
	static struct number_case cases[] = {
		{ "5", 5, "" },
		{ "0080", 80, "" },
		{ "65535", 65535, "" },
		{ "4", 0, "4 is out of range: 5 to 65535" },
		{ "70000", 0, "70000 is out of range: 5 to 65535" },
		{ "18446744073709551616", 0, "is out of range" },
		{ "99999999999999999999999", 0, "is out of range" },
		{ "", 0, "\"\" is no whole number from 5 to 65535" },
		{ "-7", 0, "\"-7\" is no whole number" },
		{ "+7", 0, "is no whole number" },
		{ " 7", 0, "is no whole number" },
		{ "7 ", 0, "is no whole number" },
		{ "7.5", 0, "is no whole number" },
		{ "0x10", 0, "is no whole number" },
		{ "http", 0, "\"http\" is no whole number" },
	};

	return cr_make_param_array(struct number_case, cases, COUNT(cases));
}

ParameterizedTest(struct number_case *k, value,
    uint_takes_whole_numbers_in_range)
{
	struct err err = { 0 };
	uint64_t got = 0;
	int result;

	result = value_uint(k->text, 5, 65535, &got, &err);
	cr_expect_eq(result, k->error[0] == '\0' ? 0 : -1, "%s", k->text);
	cr_expect_eq(got, k->want, "%s: %llu", k->text,
	    (unsigned long long)got);
	cr_expect_not_null(strstr(err.text, k->error), "%s: %s", k->text,
	    err.text);
}

ParameterizedTestParameters(value, duration_needs_a_unit)
{
	static struct number_case cases[] = {
		{ "500ms", 500, "" },
		{ "15s", 15000, "" },
		{ "10m", 600000, "" },
		{ "1h", 3600000, "" },
		{ "1d", 86400000, "" },
		{ "0s", 0, "" },
		{ "0ms", 0, "" },
		{ "2d", 0, "2d is out of range: 0s to 1d" },
		{ "86400001ms", 0, "is out of range" },
		{ "18446744073709551615d", 0, "is out of range" },
		{ "99999999999999999999999h", 0, "is out of range" },
		{ "15", 0, "\"15\" is no duration: digits and a unit" },
		{ "0", 0, "is no duration" },
		{ "s", 0, "is no duration" },
		{ "", 0, "is no duration" },
		{ "15 s", 0, "is no duration" },
		{ "15S", 0, "is no duration" },
		{ "15sec", 0, "is no duration" },
		{ "1.5s", 0, "is no duration" },
		{ "-1s", 0, "is no duration" },
		{ "1h30m", 0, "is no duration" },
		{ "15s/", 0, "is no duration" },
	};

	return cr_make_param_array(struct number_case, cases, COUNT(cases));
}

ParameterizedTest(struct number_case *k, value, duration_needs_a_unit)
{
	struct err err = { 0 };
	uint64_t got = 0;
	int result;

	result = value_duration(k->text, 0, 86400000, &got, &err);
	cr_expect_eq(result, k->error[0] == '\0' ? 0 : -1, "%s", k->text);
	cr_expect_eq(got, k->want, "%s: %llu", k->text,
	    (unsigned long long)got);
	cr_expect_not_null(strstr(err.text, k->error), "%s: %s", k->text,
	    err.text);
}

ParameterizedTestParameters(value, format_duration_is_read_back)
{
	static struct number_case cases[] = {
		{ "0s", 0, "" },
		{ "1ms", 1, "" },
		{ "1500ms", 1500, "" },
		{ "90s", 90000, "" },
		{ "2m", 120000, "" },
		{ "1h", 3600000, "" },
		{ "1d", 86400000, "" },
		{ "25h", 90000000, "" },
	};

	return cr_make_param_array(struct number_case, cases, COUNT(cases));
}

ParameterizedTest(struct number_case *k, value, format_duration_is_read_back)
{
	char text[VALUE_TEXT_SIZE];
	struct err err = { 0 };
	uint64_t back = 1;

	value_format_duration(k->want, text);
	cr_expect_str_eq(text, k->text);
	cr_expect_eq(value_duration(text, 0, UINT64_MAX, &back, &err), 0);
	cr_expect_eq(back, k->want);
}

ParameterizedTestParameters(value, mode_is_octal)
{
	static struct number_case cases[] = {
		{ "0660", 0660, "" },
		{ "600", 0600, "" },
		{ "0777", 0777, "" },
		{ "000", 0, "" },
		{ "1777", 0, "is no mode" },
		{ "0668", 0, "\"0668\" is no mode" },
		{ "66", 0, "is no mode" },
		{ "", 0, "is no mode" },
		{ "rw-rw----", 0, "is no mode" },
		{ "777777777777777777777", 0, "is no mode" },
	};

	return cr_make_param_array(struct number_case, cases, COUNT(cases));
}

ParameterizedTest(struct number_case *k, value, mode_is_octal)
{
	struct err err = { 0 };
	uint32_t got = 0;
	int result;

	result = value_mode(k->text, &got, &err);
	cr_expect_eq(result, k->error[0] == '\0' ? 0 : -1, "%s", k->text);
	cr_expect_eq(got, k->want, "%s: %o", k->text, got);
	cr_expect_not_null(strstr(err.text, k->error), "%s: %s", k->text,
	    err.text);
}

ParameterizedTestParameters(value, workers_are_a_number_or_auto)
{
	static struct number_case cases[] = {
		{ "auto", SPEC_WORKERS_AUTO, "" },
		{ "1", 1, "" },
		{ "1024", 1024, "" },
		{ "0", 0, "0 is out of range: 1 to 1024, or auto" },
		{ "1025", 0, "is out of range" },
		{ "Auto", 0, "\"Auto\" is no whole number" },
		{ "", 0, "or auto" },
	};

	return cr_make_param_array(struct number_case, cases, COUNT(cases));
}

ParameterizedTest(struct number_case *k, value, workers_are_a_number_or_auto)
{
	struct err err = { 0 };
	uint32_t got = 0;
	int result;

	result = value_workers(k->text, 1, 1024, &got, &err);
	cr_expect_eq(result, k->error[0] == '\0' ? 0 : -1, "%s", k->text);
	cr_expect_eq(got, k->want, "%s: %u", k->text, got);
	cr_expect_not_null(strstr(err.text, k->error), "%s: %s", k->text,
	    err.text);
}

struct text_case {
	char text[160];
	int want; /* of the call, or -1 */
};

ParameterizedTestParameters(value, bool_has_six_words)
{
	static struct text_case cases[] = {
		{ "true", 1 },
		{ "yes", 1 },
		{ "on", 1 },
		{ "false", 0 },
		{ "no", 0 },
		{ "off", 0 },
		{ "", -1 },
		{ "1", -1 },
		{ "True", -1 },
		{ "tru", -1 },
		{ "truee", -1 },
	};

	return cr_make_param_array(struct text_case, cases, COUNT(cases));
}

ParameterizedTest(struct text_case *k, value, bool_has_six_words)
{
	struct err err = { 0 };
	bool got = false;

	if (value_bool(k->text, &got, &err) == -1)
		cr_expect_eq(k->want, -1, "%s: %s", k->text, err.text);
	else
		cr_expect_eq((int)got, k->want, "%s", k->text);
}

struct keepalive_case {
	char text[40];
	struct keepalive want;
	char error[40];
};

ParameterizedTestParameters(value, keepalive_has_three_parts)
{
	static struct keepalive_case cases[] = {
		{ "60s/10s/3", { 60, 10, 3 }, "" },
		{ "1s/1s/1", { 1, 1, 1 }, "" },
		{ "2m/1m/127", { 120, 60, 127 }, "" },
		{ "32767s/32767s/127", { 32767, 32767, 127 }, "" },
		{ "off", { 0, 0, 0 }, "" },
		{ "32768s/10s/3", { 0, 0, 0 }, "1s to 32767s" },
		{ "0s/10s/3", { 0, 0, 0 }, "1s to 32767s" },
		{ "1500ms/10s/3", { 0, 0, 0 }, "whole seconds" },
		{ "60s/10s/0", { 0, 0, 0 }, "count must be from 1 to 127" },
		{ "60s/10s/128", { 0, 0, 0 }, "count must be from 1 to 127" },
		{ "60s/10s", { 0, 0, 0 }, "idle/interval/count" },
		{ "60s/10s/", { 0, 0, 0 }, "idle/interval/count" },
		{ "60s/10s/3/", { 0, 0, 0 }, "idle/interval/count" },
		{ "60s/10s/3s", { 0, 0, 0 }, "idle/interval/count" },
		{ "60/10/3", { 0, 0, 0 }, "idle/interval/count" },
		{ "on", { 0, 0, 0 }, "idle/interval/count" },
		{ "", { 0, 0, 0 }, "idle/interval/count" },
	};

	return cr_make_param_array(struct keepalive_case, cases, COUNT(cases));
}

ParameterizedTest(struct keepalive_case *k, value, keepalive_has_three_parts)
{
	struct keepalive got = { 0 };
	struct err err = { 0 };
	int result;

	result = value_keepalive(k->text, &got, &err);
	cr_expect_eq(result, k->error[0] == '\0' ? 0 : -1, "%s", k->text);
	cr_expect_eq(memcmp(&got, &k->want, sizeof(got)), 0, "%s", k->text);
	cr_expect_not_null(strstr(err.text, k->error), "%s: %s", k->text,
	    err.text);
}

Test(value, keepalive_is_written_as_it_is_read)
{
	const struct keepalive k = { 60, 10, 3 }, off = { 0 };
	char text[VALUE_TEXT_SIZE];

	value_format_keepalive(&k, text);
	cr_expect_str_eq(text, "60s/10s/3");
	value_format_keepalive(&off, text);
	cr_expect_str_eq(text, "off");
}

ParameterizedTestParameters(value, addresses_are_numeric)
{
	static struct text_case cases[] = {
		{ "::", 0 },
		{ "::1", 0 },
		{ "0.0.0.0", 0 },
		{ "10.0.0.1", 0 },
		{ "::ffff:10.0.0.1", 0 },
		{ "2001:db8:1111:2222:3333:4444:5555:6666", 0 },
		{ "fe80::1%1", 0 },
		{ "fe80::1%lo", 0 },
		{ "fe80::1", -1 }, /* link-local: of which interface? */
		{ "febf::1", -1 },
		{ "fec0::1", 0 },
		{ "fe80::1%no-such-interface", -1 },
		{ "224.0.0.1", -1 }, /* multicast */
		{ "239.255.255.255", -1 },
		{ "223.255.255.255", 0 },
		{ "240.0.0.1", 0 },
		{ "255.255.255.255", -1 },
		{ "::ffff:224.0.0.1", -1 },
		{ "::ffff:255.255.255.255", -1 },
		{ "ff02::1", -1 },
		{ "ff02::1%lo", -1 },
		{ "", -1 },
		{ "localhost", -1 },
		{ "9100", -1 },
		{ "127.1", -1 },
		{ "10.0.0.256", -1 },
		{ "10.0.0.1:80", -1 },
		{ "[::1]", -1 },
		{ ":::", -1 },
		{ "*", -1 },
		{ "::1 ", -1 },
		{ "0000000000000000000000000000000000000000000000000000000000"
		  "00000000::1",
		    -1 },
	};

	return cr_make_param_array(struct text_case, cases, COUNT(cases));
}

ParameterizedTest(struct text_case *k, value, addresses_are_numeric)
{
	struct err err = { 0 };

	cr_expect_eq(value_check_address(k->text, SPEC_ADDRESS_SIZE, &err),
	    k->want, "%s: %s", k->text, err.text);
}

struct place_case {
	char text[100];
	char address[SPEC_ADDRESS_SIZE];
	uint16_t port;
	char error[60]; /* empty: none */
};

ParameterizedTestParameters(value, places_have_address_and_port)
{
	static struct place_case cases[] = {
		{ "127.0.0.1:9180", "127.0.0.1", 9180, "" },
		{ "0.0.0.0:0", "0.0.0.0", 0, "" },
		{ "127.0.0.1:65535", "127.0.0.1", 65535, "" },
		{ "[::]:9180", "::", 9180, "" },
		{ "[::1]:80", "::1", 80, "" },
		{ "[127.0.0.1]:80", "127.0.0.1", 80, "" },
		{ "[fe80::1%lo]:80", "fe80::1%lo", 80, "" },
		{ "127.0.0.1:65536", "", 0, "65536 is out of range" },
		{ "127.0.0.1:", "", 0, "\"\" is no whole number" },
		{ "127.0.0.1:http", "", 0, "is no whole number" },
		{ "127.0.0.1:-1", "", 0, "is no whole number" },
		{ "127.0.0.1", "", 0, "is no address with a port" },
		{ ":9180", "", 0, "is no address with a port" },
		{ "[]:9180", "", 0, "is no address with a port" },
		{ "::1:9180", "", 0, "is no address with a port" },
		{ "[::1]9180", "", 0, "is no address with a port" },
		{ "[::1]", "", 0, "is no address with a port" },
		{ "[:9180", "", 0, "\"[\" is no numeric" },
		{ "", "", 0, "\"\" is no address with a port" },
		{ "9180", "", 0, "is no address with a port" },
		{ "localhost:9180", "", 0, "\"localhost\" is no numeric" },
		{ "224.0.0.1:9180", "", 0, "224.0.0.1" },
		{ "00000000000000000000000000000000000000000000000000000000"
		  "000000127.0.0.1:1",
		    "", 0, "is no address with a port" },
	};

	return cr_make_param_array(struct place_case, cases, COUNT(cases));
}

ParameterizedTest(struct place_case *k, value, places_have_address_and_port)
{
	char address[SPEC_ADDRESS_SIZE];
	struct err err = { 0 };
	uint16_t port = 0;
	size_t i;
	int result;

	memset(address, 'x', sizeof(address));
	result = value_place(k->text, address, &port, &err);
	cr_expect_eq(result, k->error[0] == '\0' ? 0 : -1, "%s", k->text);
	cr_expect_not_null(strstr(err.text, k->error), "%s: %s", k->text,
	    err.text);
	if (result == -1)
		return;
	cr_expect_str_eq(address, k->address);
	cr_expect_eq(port, k->port);
	for (i = strlen(address); i < sizeof(address); i++)
		cr_expect_eq(address[i], '\0', "places are compared as memory");
}

ParameterizedTestParameters(value, paths_are_absolute_and_fit)
{
	static struct text_case cases[] = {
		{ "/run/pos.sock", 0 },
		{ "/p", 0 },
		{ "/with space", 0 },
		{ "/2345678901234567890", -1 },
		{ "/234567890123456789", 0 },
		{ "", -1 },
		{ "/", -1 },
		{ "/run/", -1 },
		{ "run/pos.sock", -1 },
		{ "@abstract", -1 },
		{ "/run/a\nb", -1 },
		{ "/run/a\x7f", -1 },
	};

	return cr_make_param_array(struct text_case, cases, COUNT(cases));
}

ParameterizedTest(struct text_case *k, value, paths_are_absolute_and_fit)
{
	struct err err = { 0 };

	cr_expect_eq(value_check_path(k->text, 20, &err), k->want, "%s: %s",
	    k->text, err.text);
	cr_expect_null(strchr(err.text, '\n'), "an error is one line");
}

ParameterizedTestParameters(value, strings_are_printable)
{
	static struct text_case cases[] = {
		{ "mercury", 0 },
		{ "1234567", 0 },
		{ "12345678", -1 },
		{ "", -1 },
		{ "a\tb", -1 },
	};

	return cr_make_param_array(struct text_case, cases, COUNT(cases));
}

ParameterizedTest(struct text_case *k, value, strings_are_printable)
{
	struct err err = { 0 };

	cr_expect_eq(value_check_string(k->text, 8, &err), k->want, "%s: %s",
	    k->text, err.text);
}

Test(value, word_is_one_of_a_set)
{
	static const char *const words[] = { "tcp", "tls", "unix" };
	struct err err = { 0 };
	unsigned int got = 9;

	cr_expect_eq(value_word("unix", words, 3, &got, &err), 0);
	cr_expect_eq(got, 2);
	cr_expect_eq(value_word("udp", words, 3, &got, &err), -1);
	cr_expect_str_eq(err.text,
	    "\"udp\" is unknown: must be tcp, tls or unix");
	cr_expect_eq(value_word("", words, 3, &got, &err), -1);
}

Test(value, list_is_cut_where_room_ends)
{
	static const char *const words[] = { "alpha", "beta", "gamma" };
	char text[12];

	value_list(words, 1, text, sizeof(text));
	cr_expect_str_eq(text, "alpha");
	value_list(words, 3, text, sizeof(text));
	cr_expect_str_eq(text, "alpha, beta");
	value_list(words, 0, text, sizeof(text));
	cr_expect_str_eq(text, "");
}

Test(value, quote_is_printable_and_short)
{
	char out[VALUE_QUOTE_SIZE], text[1000];

	value_quote("a\nb\x7f\xc3\xa4", out);
	cr_expect_str_eq(out, "\"a\\x0ab\\x7f\\xc3\\xa4\"");
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	value_quote(text, out);
	cr_expect_lt(strlen(out), sizeof(out));
	cr_expect_str_eq(out + strlen(out) - 4, "...\"");
}

struct size_case {
	char text[24];
	uint64_t want;  /* at most 4t */
	char form[24];  /* as it is written; empty: it is wrong */
	char error[64]; /* of a wrong one */
};

ParameterizedTestParameters(value, sizes)
{
	static struct size_case cases[] = {
		{ "0", 0, "0", "" },
		{ "1000", 1000, "1000", "" },
		{ "1024", 1024, "1k", "" },
		{ "64m", 64u << 20, "64m", "" },
		{ "1536k", 1536u << 10, "1536k", "" },
		{ "4t", 4ull << 40, "4t", "" },
		{ "4096g", 4ull << 40, "4t", "" },
		{ "5t", 0, "", "5t is out of range: 0 to 4t" },
		{ "99999999999999999999t", 0, "", "is out of range: 0 to 4t" },
		{ "", 0, "", "\"\" is no size" },
		{ "m", 0, "", "\"m\" is no size" },
		{ "1mb", 0, "", "\"1mb\" is no size" },
		{ "1M", 0, "", "\"1M\" is no size" },
		{ "-1", 0, "", "\"-1\" is no size" },
		{ "1.5m", 0, "", "\"1.5m\" is no size" },
	};

	return cr_make_param_array(struct size_case, cases, COUNT(cases));
}

ParameterizedTest(struct size_case *k, value, sizes)
{
	char form[VALUE_TEXT_SIZE];
	struct err err = { 0 };
	uint64_t got = 0;
	int result;

	result = value_size(k->text, 0, 4ull << 40, &got, &err);
	cr_expect_eq(result, k->form[0] == '\0' ? -1 : 0, "%s", k->text);
	cr_expect_eq(got, k->want, "%s", k->text);
	if (result == -1) {
		cr_expect_not_null(strstr(err.text, k->error), "%s", err.text);
		return;
	}
	value_format_size(got, form);
	cr_expect_str_eq(form, k->form);
}
