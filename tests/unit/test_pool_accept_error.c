#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <limits.h>

#include "pool/accept_error.h"

struct action_case {
	int error;
	enum accept_action want;
};

ParameterizedTestParameters(accept_error, known_errors)
{
	static struct action_case cases[] = {
		{ EAGAIN, ACCEPT_EMPTY },
		{ EWOULDBLOCK, ACCEPT_EMPTY },
		{ EMFILE, ACCEPT_PAUSE },
		{ ENFILE, ACCEPT_PAUSE },
		{ ENOBUFS, ACCEPT_PAUSE },
		{ ENOMEM, ACCEPT_PAUSE },
		{ ECONNABORTED, ACCEPT_NEXT },
		{ EPROTO, ACCEPT_NEXT },
		{ EINTR, ACCEPT_NEXT },
		{ EPERM, ACCEPT_NEXT },
		{ ENETDOWN, ACCEPT_NEXT },
		{ ENETUNREACH, ACCEPT_NEXT },
		{ EHOSTDOWN, ACCEPT_NEXT },
		{ EHOSTUNREACH, ACCEPT_NEXT },
		{ ENOPROTOOPT, ACCEPT_NEXT },
		{ ENONET, ACCEPT_NEXT },
		{ EOPNOTSUPP, ACCEPT_NEXT },
		{ ETIMEDOUT, ACCEPT_NEXT },
		{ EINVAL, ACCEPT_STOP },
		{ EBADF, ACCEPT_STOP },
		{ ENOTSOCK, ACCEPT_STOP },
		{ EFAULT, ACCEPT_STOP },
		{ 0, ACCEPT_STOP },
		{ -1, ACCEPT_STOP },
		{ INT_MIN, ACCEPT_STOP },
		{ INT_MAX, ACCEPT_STOP },
	};

	return cr_make_param_array(struct action_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct action_case *k, accept_error, known_errors)
{
	cr_expect_eq(accept_error_action(k->error), k->want, "errno %d: %d",
	    k->error, (int)accept_error_action(k->error));
}

/* Only these two may make a worker poll or wait; nothing else may by chance. */
Test(accept_error, few_errors_pause_and_one_is_empty)
{
	int error, pauses = 0, empties = 0;

	for (error = -1000; error < 10000; error++) {
		pauses += accept_error_action(error) == ACCEPT_PAUSE;
		empties += accept_error_action(error) == ACCEPT_EMPTY;
	}
	cr_expect_eq(pauses, 5);
	cr_expect_eq(empties, 1);
}
