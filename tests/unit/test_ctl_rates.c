#include <criterion/criterion.h>

#include "ctl/rates.h"

#define POS(ACCEPTED, IN, OUT, BAD)                                           \
	"{\"name\": \"pos\", \"accepted\": " #ACCEPTED ", \"bytes_in\": " #IN \
	", \"bytes_out\": " #OUT ", \"handshake_failures\": " #BAD            \
	", \"rejected\": 3,"                                                  \
	" \"denied\": 2, \"accept_errors\": 1}"
#define DAEMON(PID, LISTENERS) \
	"{\"pid\": " #PID ", \"listeners\": [" LISTENERS "]}"

/* The rates of the first listener in now, a time after before. */
static struct rates
rates(const char *before, const char *now, uint64_t ms)
{
	json_t *b = json_loads(before, 0, NULL), *n = json_loads(now, 0, NULL);
	const json_t *listeners = json_object_get(n, "listeners");
	struct rates_base base = { 0 };
	struct rates r;

	cr_assert_not_null(b);
	cr_assert_not_null(n);
	rates_rebase(&base, b, 5000);
	r = rates_of(&base, n,
	    listeners == NULL ? n : json_array_get(listeners, 0), 5000 + ms);
	rates_free(&base);
	json_decref(b);
	json_decref(n);
	return r;
}

Test(rates, of_two_answers)
{
	const struct rates r = rates(DAEMON(7, POS(100, 0, 5, 10)),
	    DAEMON(7, POS(130, 4000, 5, 11)), 2000);

	cr_expect(r.known);
	cr_expect_float_eq(r.accepted, 15, 1e-9);
	cr_expect_float_eq(r.bytes_in, 2000, 1e-9);
	cr_expect_float_eq(r.bytes_out, 0, 1e-9);
	cr_expect_float_eq(r.errors, 0.5, 1e-9);
}

Test(rates, of_one_listener)
{
	const struct rates r =
	    rates(POS(100, 0, 5, 10), POS(101, 0, 5, 10), 500);

	cr_expect(r.known);
	cr_expect_float_eq(r.accepted, 2, 1e-9);
}

Test(rates, are_not_known)
{
	const struct rates_base none = { 0 };
	json_t *l = json_object();

	cr_expect_not(rates_of(&none, l, l, 5).known, "the first frame");
	json_decref(l);
	cr_expect_not(
	    rates(DAEMON(7, ""), DAEMON(7, POS(1, 1, 1, 1)), 1000).known,
	    "it is new");
	cr_expect_not(
	    rates(DAEMON(7, POS(2, 1, 1, 1)), DAEMON(7, POS(1, 1, 1, 1)), 1000)
		.known,
	    "a counter went back");
	cr_expect_not(
	    rates(DAEMON(7, POS(1, 1, 1, 1)), DAEMON(8, POS(2, 2, 2, 2)), 1000)
		.known,
	    "it is another daemon");
	cr_expect_not(
	    rates(DAEMON(7, POS(1, 1, 1, 1)), DAEMON(7, POS(2, 2, 2, 2)), 0)
		.known,
	    "no time has passed");
	(void)rates("[]", "{}", 1000);
}

Test(rates, add_up)
{
	struct rates sum = { 0 };
	const struct rates unknown = { 0 },
			   some = { .known = true, .accepted = 2, .errors = 1 };

	rates_add(&sum, &unknown);
	cr_expect_not(sum.known);
	rates_add(&sum, &some);
	rates_add(&sum, &some);
	rates_add(&sum, &unknown);
	cr_expect(sum.known);
	cr_expect_float_eq(sum.accepted, 4, 1e-9);
	cr_expect_float_eq(sum.errors, 2, 1e-9);
}
