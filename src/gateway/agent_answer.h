/*
 * agent_answer: what HAProxy's agent-check is told. Pure.
 *
 * HAProxy keeps each word until another one of its kind takes its place: up
 * or down, and ready, drain or maint. So an answer always has one of each,
 * and none is left of the answer before.
 */
#ifndef MERCURY_GATEWAY_AGENT_ANSWER_H
#define MERCURY_GATEWAY_AGENT_ANSWER_H

#include <stddef.h>

#include "common/gateway_settings.h"
#include "gateway/verdict.h"

/* Enough for every answer, with its LF and NUL. */
#define AGENT_ANSWER_SIZE (HEALTH_WHY_SIZE + 32)

/* Enough for a name and CR LF. */
#define AGENT_LINE_SIZE (SPEC_NAME_SIZE + 2)

/*
 * The name in what a client has sent, up to a CR, a LF or the end, as text in
 * name; empty: it means the daemon. Longer than any name, or with a NUL in it,
 * it becomes one that no listener has.
 */
void agent_answer_name(const char *line, size_t len,
    char name[static SPEC_NAME_SIZE]);

/*
 * The weight in percent: the share of the entry's max_connections that is
 * free, at least 1, for 0 would take the server out; 100 without a limit.
 */
unsigned int agent_answer_weight(const struct health_entry *);

/* The line, with its LF. weight, 1 to 100, counts while ready. */
void agent_answer(const struct verdict *, unsigned int weight,
    char out[static AGENT_ANSWER_SIZE]);

#endif /* MERCURY_GATEWAY_AGENT_ANSWER_H */
