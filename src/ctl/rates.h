/*
 * rates: how fast the counters of listeners go, from two answers of the
 * daemon. Pure.
 */
#ifndef MERCURY_CTL_RATES_H
#define MERCURY_CTL_RATES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A second. */
struct rates {
	bool known; /* else the others are 0 */
	double accepted;
	double bytes_in;
	double bytes_out;
	double errors;
};

/* The answer before, as a place to find listeners in. All zero: none. */
struct rates_base {
	json_t *by_name; /* an object; NULL: there is none */
	json_int_t pid;  /* of the daemon; 0: not known */
	uint64_t at_ms;
};

/*
 * Make base what the answer (of daemon.status or listener.status) of at_ms
 * says; what it was is let go. Without memory it is none.
 */
void rates_rebase(struct rates_base *base, json_t *answer, uint64_t at_ms);

/* Let it go. */
void rates_free(struct rates_base *);

/*
 * The rates of a listener in an answer of at_ms. They are not known without a
 * base, for one that is new, and where a counter went back, as it does when
 * the daemon was started again.
 */
struct rates rates_of(const struct rates_base *, const json_t *answer,
    const json_t *listener, uint64_t at_ms);

/* Add one to a sum; the sum is known when one of its parts is. */
void rates_add(struct rates *sum, const struct rates *);

#endif /* MERCURY_CTL_RATES_H */
