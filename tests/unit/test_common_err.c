#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct errno_case {
	int number;
	enum err_code code;
};

ParameterizedTestParameters(err, an_errno_has_a_code)
{
	static struct errno_case cases[] = {
		{ EADDRINUSE, ERR_PORT_IN_USE },
		{ EACCES, ERR_PERMISSION },
		{ EPERM, ERR_PERMISSION },
		{ ENOMEM, ERR_UNAVAILABLE },
		{ EMFILE, ERR_UNAVAILABLE },
		{ ENFILE, ERR_UNAVAILABLE },
		{ ENOBUFS, ERR_UNAVAILABLE },
		{ EAGAIN, ERR_UNAVAILABLE },
		{ ENOENT, ERR_INTERNAL },
		{ EINVAL, ERR_INTERNAL },
		{ EADDRNOTAVAIL, ERR_INTERNAL },
		{ 0, ERR_INTERNAL },
		{ 99999, ERR_INTERNAL },
	};

	return cr_make_param_array(struct errno_case, cases, COUNT(cases));
}

ParameterizedTest(struct errno_case *k, err, an_errno_has_a_code)
{
	struct err e = { 0 };
	char want[ERR_TEXT_SIZE];

	(void)snprintf(want, sizeof(want), "opening no. 7: %s",
	    strerror(k->number));
	errno = k->number;
	cr_expect_eq(err_sys(&e, "opening no. %d", 7), -1);
	cr_expect_eq(e.code, k->code, "%s", err_reason(e.code));
	cr_expect_str_eq(e.text, want);
}

struct reason_case {
	enum err_code code;
	char reason[16];
};

/* These words are a contract with scripts: mercury-control(7). */
ParameterizedTestParameters(err, reasons_are_a_contract)
{
	static struct reason_case cases[] = {
		{ ERR_NONE, "none" },
		{ ERR_EXISTS, "exists" },
		{ ERR_NOT_FOUND, "not_found" },
		{ ERR_PORT_IN_USE, "port_in_use" },
		{ ERR_PERMISSION, "permission" },
		{ ERR_INVALID, "invalid" },
		{ ERR_BUSY, "busy" },
		{ ERR_TIMEOUT, "timeout" },
		{ ERR_UNAVAILABLE, "unavailable" },
		{ ERR_INTERNAL, "internal" },
		{ ERR_CODE_COUNT, "internal" },
		{ (enum err_code)0x7fffffff, "internal" },
	};

	return cr_make_param_array(struct reason_case, cases, COUNT(cases));
}

ParameterizedTest(struct reason_case *k, err, reasons_are_a_contract)
{
	cr_expect_str_eq(err_reason(k->code), k->reason);
}

Test(err, is_set)
{
	struct err e = { 0 };

	cr_expect_eq(err_set(&e, ERR_BUSY, "%s is busy for %u ms", "pos", 5u),
	    -1);
	cr_expect_eq(e.code, ERR_BUSY);
	cr_expect_str_eq(e.text, "pos is busy for 5 ms");
	cr_expect_eq(err_set(&e, ERR_EXISTS, "x"), -1);
	cr_expect_eq(e.code, ERR_EXISTS);
	cr_expect_str_eq(e.text, "x");
}

Test(err, long_text_is_cut)
{
	struct {
		struct err e;
		char behind[8];
	} s = { .behind = "behind" };
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&s.e, ERR_INVALID, "%s", text);
	cr_expect_eq(strlen(s.e.text), ERR_TEXT_SIZE - 1);
	errno = ENOENT;
	(void)err_sys(&s.e, "%s", text);
	cr_expect_eq(strlen(s.e.text), ERR_TEXT_SIZE - 1);
	cr_expect_str_eq(s.behind, "behind");
}

/* The last byte of room goes to the cause, and no further. */
Test(err, cause_is_cut_where_the_text_ends)
{
	struct err e;
	char text[ERR_TEXT_SIZE];
	size_t len;

	memset(text, 'x', sizeof(text));
	for (len = ERR_TEXT_SIZE - 40; len < ERR_TEXT_SIZE; len++) {
		memset(&e, '#', sizeof(e));
		errno = ENOENT;
		(void)err_sys(&e, "%.*s", (int)len, text);
		cr_assert_lt(strlen(e.text), ERR_TEXT_SIZE);
		cr_assert_geq(strlen(e.text), len);
		cr_assert_eq(strncmp(e.text, text, len), 0);
	}
}
