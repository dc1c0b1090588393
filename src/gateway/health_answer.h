/*
 * health_answer: what is said to a health check: exactly 200 or 503, and why.
 * Pure: it looks at the health board and is told the time.
 */
#ifndef MERCURY_GATEWAY_HEALTH_ANSWER_H
#define MERCURY_GATEWAY_HEALTH_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/http_answer.h"

struct health_board;

struct health_question {
	bool is_live;     /* only: does the supervisor go on? */
	const char *name; /* of a listener; NULL: the daemon as a whole */
	bool verbose;     /* with every listener; not of one */
	bool json;
};

/*
 * Answer it. now_ms is on CLOCK_MONOTONIC. The caller drops the text, which is
 * NULL when there was no memory for it.
 */
void health_answer(const struct health_board *, const struct health_question *,
    uint64_t now_ms, struct http_answer *out);

#endif /* MERCURY_GATEWAY_HEALTH_ANSWER_H */
