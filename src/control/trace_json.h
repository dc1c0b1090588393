/*
 * trace_json: what comes of a traced listener as notifications, each one
 * line. Pure.
 */
#ifndef MERCURY_CONTROL_TRACE_JSON_H
#define MERCURY_CONTROL_TRACE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc_msg.h"
#include "common/trace_wire.h"

/* "[v6 address]:port" and NUL. */
#define TRACE_JSON_ADDRESS_SIZE 56

/* As text; empty when it is none. */
void trace_json_address(const struct trace_address *,
    char out[static TRACE_JSON_ADDRESS_SIZE]);

/*
 * What a worker says with a record, and its data, as a line for free(); NULL
 * when out of memory. kind is any but JOINED and LEFT.
 */
char *trace_json_record(const struct msg_trace_link *worker,
    const struct trace_record *, const uint8_t *data);

/*
 * A worker has "joined", has "left", or is "lost": it has gone without a
 * word, and there may be more that it did not tell.
 */
char *trace_json_worker(const struct msg_trace_link *worker, uint64_t at_us,
    const char *state);

/* It is over, and why. */
char *trace_json_end(const char *reason);

#endif /* MERCURY_CONTROL_TRACE_JSON_H */
