#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "modbus-sim/modbus.h"

struct pdu_case {
	char what[40];
	uint8_t request[MODBUS_PDU_MAX];
	size_t len;
	uint8_t answer[MODBUS_PDU_MAX];
	size_t answer_len;
};

/* Holding registers 1 to 4 are 0x1111 to 0x4444, coils 0 and 9 are 1. */
static struct modbus_device
make_device(void)
{
	struct modbus_device d = { .unit = 0 };
	size_t i;

	for (i = 0; i < MODBUS_TABLES; i++)
		cr_assert_eq(modbus_resize(&d, (enum modbus_table)i, 10), 0);
	for (i = 1; i < 5; i++)
		d.values[MODBUS_HOLDING_REGISTERS][i] = (uint16_t)(0x1111 * i);
	d.values[MODBUS_INPUT_REGISTERS][0] = 7;
	d.values[MODBUS_COILS][0] = d.values[MODBUS_COILS][9] = 1;
	d.values[MODBUS_DISCRETE_INPUTS][1] = 1;
	return d;
}

static size_t
frame(uint8_t out[MODBUS_FRAME_MAX], const uint8_t *pdu, size_t len)
{
	const uint8_t header[MODBUS_HEADER] = { 0xab, 0xcd, 0, 0,
		(uint8_t)((len + 1) >> 8), (uint8_t)(len + 1), 17 };

	memcpy(out, header, sizeof(header));
	memcpy(out + sizeof(header), pdu, len);
	return sizeof(header) + len;
}

ParameterizedTestParameters(modbus, answers)
{
	static struct pdu_case cases[] = {
		{ "coils", { 1, 0, 0, 0, 10 }, 5, { 1, 2, 1, 2 }, 4 },
		{ "inputs", { 2, 0, 1, 0, 1 }, 5, { 2, 1, 1 }, 3 },
		{ "holding", { 3, 0, 1, 0, 2 }, 5,
		    { 3, 4, 0x11, 0x11, 0x22, 0x22 }, 6 },
		{ "input registers", { 4, 0, 0, 0, 1 }, 5, { 4, 2, 0, 7 }, 4 },
		{ "one coil", { 5, 0, 3, 0xff, 0 }, 5, { 5, 0, 3, 0xff, 0 },
		    5 },
		{ "no such coil value", { 5, 0, 3, 1, 0 }, 5, { 0x85, 3 }, 2 },
		{ "one register", { 6, 0, 9, 1, 2 }, 5, { 6, 0, 9, 1, 2 }, 5 },
		{ "many coils", { 15, 0, 8, 0, 2, 1, 3 }, 7, { 15, 0, 8, 0, 2 },
		    5 },
		{ "too few coil bytes", { 15, 0, 8, 0, 2, 0 }, 6, { 0x8f, 3 },
		    2 },
		{ "many registers", { 16, 0, 0, 0, 1, 2, 9, 9 }, 8,
		    { 16, 0, 0, 0, 1 }, 5 },
		{ "register bytes that are missing", { 16, 0, 0, 0, 1, 2, 9 },
		    7, { 0x90, 3 }, 2 },
		{ "the last one", { 3, 0, 9, 0, 1 }, 5, { 3, 2, 0, 0 }, 4 },
		{ "behind the last one", { 3, 0, 9, 0, 2 }, 5, { 0x83, 2 }, 2 },
		{ "far behind", { 3, 0xff, 0xff, 0, 1 }, 5, { 0x83, 2 }, 2 },
		{ "none", { 3, 0, 0, 0, 0 }, 5, { 0x83, 3 }, 2 },
		{ "too many", { 3, 0, 0, 0, 126 }, 5, { 0x83, 3 }, 2 },
		{ "too many bits", { 1, 0, 0, 0xff, 0xff }, 5, { 0x81, 3 }, 2 },
		{ "too short", { 3, 0, 0 }, 3, { 0x83, 3 }, 2 },
		{ "a code alone", { 3 }, 1, { 0x83, 3 }, 2 },
		{ "an unknown function", { 7 }, 1, { 0x87, 1 }, 2 },
		{ "one far beyond", { 0x7f }, 1, { 0xff, 1 }, 2 },
	};

	return cr_make_param_array(struct pdu_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct pdu_case *k, modbus, answers)
{
	struct modbus_device d = make_device();
	uint8_t request[MODBUS_FRAME_MAX], answer[MODBUS_FRAME_MAX],
	    want[MODBUS_FRAME_MAX];
	const size_t want_len = frame(want, k->answer, k->answer_len);
	const size_t request_len = frame(request, k->request, k->len);
	size_t len;

	cr_assert_eq(modbus_frame_size(request, request_len), (int)request_len);
	(void)modbus_answer(&d, request, answer, &len);
	cr_expect_eq(len, want_len, "%s: %zu bytes", k->what, len);
	cr_expect_arr_eq(answer, want, want_len, "%s", k->what);
	modbus_clear(&d);
}

Test(modbus, keeps_what_was_written)
{
	const uint8_t bits[] = { 15, 0, 1, 0, 9, 2, 0xff, 0 };
	const uint8_t registers[] = { 16, 0, 0, 0, 2, 4, 1, 2, 3, 4 };
	struct modbus_device d = make_device();
	uint8_t request[MODBUS_FRAME_MAX], out[MODBUS_FRAME_MAX];
	size_t len;

	(void)frame(request, bits, sizeof(bits));
	cr_expect_eq(modbus_answer(&d, request, out, &len), MODBUS_OK);
	cr_expect_eq(d.values[MODBUS_COILS][1], 1);
	cr_expect_eq(d.values[MODBUS_COILS][8], 1);
	cr_expect_eq(d.values[MODBUS_COILS][9], 0);
	(void)frame(request, registers, sizeof(registers));
	cr_expect_eq(modbus_answer(&d, request, out, &len), MODBUS_OK);
	cr_expect_eq(d.values[MODBUS_HOLDING_REGISTERS][0], 0x0102);
	cr_expect_eq(d.values[MODBUS_HOLDING_REGISTERS][1], 0x0304);
	modbus_clear(&d);
}

Test(modbus, answers_as_its_own_unit_only)
{
	const uint8_t read[] = { 3, 0, 0, 0, 1 };
	struct modbus_device d = make_device();
	uint8_t request[MODBUS_FRAME_MAX], out[MODBUS_FRAME_MAX];
	size_t len;

	(void)frame(request, read, sizeof(read));
	d.unit = 17;
	cr_expect_eq(modbus_answer(&d, request, out, &len), MODBUS_OK);
	d.unit = 18;
	cr_expect_eq(modbus_answer(&d, request, out, &len), MODBUS_NO_ANSWER);
	modbus_clear(&d);
}

Test(modbus, finds_frames)
{
	uint8_t data[] = { 0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1 };

	cr_expect_eq(modbus_frame_size(data, 5), 0);
	cr_expect_eq(modbus_frame_size(data, 6), 12);
	data[3] = 1;
	cr_expect_eq(modbus_frame_size(data, 6), -1, "another protocol");
	data[3] = 0;
	data[5] = 1;
	cr_expect_eq(modbus_frame_size(data, 6), -1, "no function code");
	data[5] = 255;
	cr_expect_eq(modbus_frame_size(data, 6), -1, "more than a PDU");
	data[4] = 255;
	cr_expect_eq(modbus_frame_size(data, 6), -1);
}
