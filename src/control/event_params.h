/*
 * event_params: which events are wanted: the params of events.query and
 * events.follow as a filter for the store. Pure.
 */
#ifndef MERCURY_CONTROL_EVENT_PARAMS_H
#define MERCURY_CONTROL_EVENT_PARAMS_H

#include <jansson.h>

#include "common/ipc_msg.h"
#include "control/rpc.h"

/*
 * Make a filter of the params listener, type and severity; since_ms is 0.
 * Their JSON types are checked (method_check_params()). Returns 0, or -1 with
 * *e, which lists what there is where a word is unknown.
 */
int event_params_filter(const json_t *params, struct event_filter *out,
    struct rpc_error *e);

/*
 * Read a whole number among the params; where there is none, *out stays.
 * Returns 0, or -1 with *e when it is not from min to max.
 */
int event_params_number(const json_t *params, const char *key,
    const uint64_t range[static 2], uint64_t *out, struct rpc_error *e);

#endif /* MERCURY_CONTROL_EVENT_PARAMS_H */
