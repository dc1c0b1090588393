/*
 * event_params: which events are wanted: the params of events.query and
 * events.follow, and of the gateway, as a filter for the store. Pure.
 */
#ifndef MERCURY_JSON_EVENT_PARAMS_H
#define MERCURY_JSON_EVENT_PARAMS_H

#include <jansson.h>

#include "common/ipc_msg.h"

/* Why params are wrong, as one line. */
#define EVENT_PARAMS_TEXT_SIZE 1024

/*
 * Make a filter of the params listener, type and severity; since_ms is 0.
 * Their JSON types are right. Returns 0, or -1 with why, which lists what
 * there is where a word is unknown.
 */
int event_params_filter(const json_t *params, struct event_filter *out,
    char why[static EVENT_PARAMS_TEXT_SIZE]);

/*
 * Read a whole number among the params; where there is none, *out stays.
 * Returns 0, or -1 with why when it is not from min to max.
 */
int event_params_number(const json_t *params, const char *key,
    const uint64_t range[static 2], uint64_t *out,
    char why[static EVENT_PARAMS_TEXT_SIZE]);

#endif /* MERCURY_JSON_EVENT_PARAMS_H */
