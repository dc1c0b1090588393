/*
 * api_events: /api/events: what is asked of the store, and its answer as JSON.
 * Pure, but for the clock in "1h ago".
 */
#ifndef MERCURY_GATEWAY_API_EVENTS_H
#define MERCURY_GATEWAY_API_EVENTS_H

#include <jansson.h>

#include "common/err.h"
#include "common/ipc_msg.h"
#include "json/event_params.h"

#define API_EVENTS_DEFAULT 100u /* events, without a limit */

struct snapshot_reader;

/*
 * Make a query of the parameters type, severity, listener, since, limit and
 * after. Returns 0, or -1 with why.
 */
int api_events_query(const char *params, struct msg_events_query *out,
    char why[static EVENT_PARAMS_TEXT_SIZE]);

/*
 * Read the answer to a query: the result of events.query, a new reference.
 * NULL when out of memory or when that is no page, or, with *again, when the
 * query, which has been moved on, is to be asked once more.
 */
json_t *api_events_result(struct snapshot_reader *, struct msg_events_query *,
    bool *again);

#endif /* MERCURY_GATEWAY_API_EVENTS_H */
