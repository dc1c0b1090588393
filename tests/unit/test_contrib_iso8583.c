#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "iso8583-echo/iso8583.h"

/* An echo test: fields 7, 11 and 70. */
static const uint8_t echo_test[] = { '0', '8', '0', '0', 0x82, 0x20, 0, 0, 0, 0,
	0, 0, 0x04, 0, 0, 0, 0, 0, 0, 0, '1', '1', '2', '1', '1', '2', '0', '0',
	'0', '0', '0', '0', '0', '0', '4', '2', '3', '0', '1' };

Test(iso8583, reads_and_writes_an_echo_test)
{
	struct iso8583_message m;
	uint8_t out[sizeof(echo_test)];

	cr_assert_null(iso8583_read(echo_test, sizeof(echo_test), &m));
	cr_expect_str_eq(m.mti, "0800");
	cr_expect_eq(m.fields[7].len, 10);
	cr_expect_eq(m.fields[11].len, 6);
	cr_expect_arr_eq(m.fields[11].data, "000042", 6);
	cr_expect_eq(m.fields[12].len, 0);
	cr_expect_eq(m.fields[70].len, 3);
	cr_expect_arr_eq(m.fields[70].data, "301", 3);
	cr_assert_eq(iso8583_write(&m, out, sizeof(out)), sizeof(out));
	cr_expect_arr_eq(out, echo_test, sizeof(out));
	cr_expect_eq(iso8583_write(&m, out, sizeof(out) - 1), 0);
	cr_expect_eq(iso8583_write(&m, out, 19), 0);
}

Test(iso8583, refuses_each_message_that_is_cut)
{
	uint8_t longer[sizeof(echo_test) + 1] = { 0 };
	struct iso8583_message m;
	size_t i;

	for (i = 0; i < sizeof(echo_test); i++)
		cr_expect_not_null(iso8583_read(echo_test, i, &m), "%zu", i);
	memcpy(longer, echo_test, sizeof(echo_test));
	cr_expect_not_null(iso8583_read(longer, sizeof(longer), &m));
}

struct field_case {
	char what[40];
	uint8_t bitmap; /* its first byte */
	char fields[40];
	int is_good;
};

ParameterizedTestParameters(iso8583, lengths)
{
	static struct field_case cases[] = {
		{ "no field", 0, "", 1 },
		{ "a card number", 0x40, "164111111111111111", 1 },
		{ "an empty one", 0x40, "00", 1 },
		{ "one too long", 0x40, "2011111111111111111111", 0 },
		{ "more than there is", 0x40, "16411111111111111", 0 },
		{ "a length of one digit", 0x40, "1", 0 },
		{ "a length of letters", 0x40, "1x4111111111111111", 0 },
		{ "another field behind it", 0x60, "014000000", 1 },
		{ "a fixed one that is cut", 0x20, "00000", 0 },
	};

	return cr_make_param_array(struct field_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct field_case *k, iso8583, lengths)
{
	const size_t len = strlen(k->fields);
	struct iso8583_message m;
	uint8_t data[64] = "0200";

	data[ISO8583_MTI] = k->bitmap;
	memcpy(data + 12, k->fields, len);
	cr_expect_eq(iso8583_read(data, 12 + len, &m) == NULL, k->is_good, "%s",
	    k->what);
}

Test(iso8583, refuses_a_type_that_is_none)
{
	uint8_t data[sizeof(echo_test)];
	struct iso8583_message m;

	memcpy(data, echo_test, sizeof(data));
	data[0] = 'x';
	cr_expect_not_null(iso8583_read(data, sizeof(data), &m));
}
