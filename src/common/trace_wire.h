/*
 * trace_wire: what a traced connection does, as bytes, on the way from a
 * worker to control. Pure, but for trace_pair().
 *
 * A batch is one datagram: struct trace_batch, then records, each a struct
 * trace_record with its data behind it. The reader takes every byte for what
 * a broken or hostile process may have written.
 */
#ifndef MERCURY_COMMON_TRACE_WIRE_H
#define MERCURY_COMMON_TRACE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define TRACE_WIRE_VERSION 1u
#define TRACE_DATA_MAX 32768u   /* of a record; what is longer is cut up */
#define TRACE_BATCH_SIZE 66560u /* bytes, at most: two of the longest */

struct trace_batch {
	uint32_t version; /* TRACE_WIRE_VERSION */
	uint32_t unused;
};

enum trace_kind {
	TRACE_JOINED, /* the first of a worker, alone in its batch */
	TRACE_OPENED,
	TRACE_IN,  /* data, as the protocol saw it */
	TRACE_OUT, /* data, as the protocol sent it */
	TRACE_CLOSED,
	TRACE_LOST, /* here records are missing */
	TRACE_LEFT, /* the last of a worker: it ends, or the listener does */
	TRACE_KIND_COUNT
};

/* The end of a connection. All zero: it has no address. */
struct trace_address {
	uint8_t bytes[16]; /* addr_bytes() */
	uint16_t port;     /* host order */
};

struct trace_record {
	uint32_t size; /* with its data, a multiple of 8; trace_encode() */
	uint8_t kind;  /* enum trace_kind */
	uint8_t end;   /* CLOSED: enum conn_end */
	uint16_t unused;
	uint64_t conn_id; /* all but JOINED, LOST and LEFT */
	uint64_t at_us;   /* CLOCK_REALTIME */
	/* What it had carried before; LOST: what is missing. */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t records; /* LOST: that are missing */
	struct trace_address peer;
	struct trace_address local;
	uint32_t len; /* IN, OUT: of the data, 1 to TRACE_DATA_MAX; else 0 */
};

/* What a record with so much data takes. */
size_t trace_record_size(size_t len);

/*
 * Write r, but for its size, and its data (borrowed; NULL when len is 0) to
 * out, which has room for it.
 */
void trace_encode(const struct trace_record *r, const uint8_t *data,
    uint8_t *out);

/*
 * Read one record from the size bytes at in; *data stays there. Returns its
 * size, or 0 when what stands there is no record.
 */
size_t trace_decode(const uint8_t *in, size_t size, struct trace_record *r,
    const uint8_t **data);

/*
 * The records of a datagram of size bytes: their first byte, and in *left how
 * many bytes they are. NULL: it is no batch.
 */
const uint8_t *trace_batch_open(const uint8_t *datagram, size_t size,
    size_t *left);

/*
 * A way from a worker to control, close-on-exec and non-blocking: ends[0] is
 * control's, ends[1] the worker's. Returns 0, or -1 with *err.
 */
int trace_pair(int ends[2], struct err *err);

#endif /* MERCURY_COMMON_TRACE_WIRE_H */
