#include "common/trace_wire.h"

#include <sys/socket.h>

#include <stdbool.h>
#include <string.h>

#include "common/conn_end.h"

/* What waits in the kernel is part of what may wait for control at all. */
#define PAIR_BUFFER_BYTES (256 << 10)

size_t
trace_record_size(size_t len)
{
	return (sizeof(struct trace_record) + len + 7u) & ~(size_t)7u;
}

void
trace_encode(const struct trace_record *r, const uint8_t *data, uint8_t *out)
{
	const size_t size = trace_record_size(r->len);
	struct trace_record head = *r;

	head.size = (uint32_t)size;
	memset(out + size - 8, 0, 8);
	memcpy(out, &head, sizeof(head));
	if (r->len > 0)
		memcpy(out + sizeof(head), data, r->len);
}

/* Do the members of a record fit together? */
static bool
makes_sense(const struct trace_record *r, size_t size)
{
	const bool has_data = r->kind == TRACE_IN || r->kind == TRACE_OUT;

	return r->kind < TRACE_KIND_COUNT && r->len <= TRACE_DATA_MAX &&
	    has_data == (r->len > 0) && r->size == trace_record_size(r->len) &&
	    r->size <= size &&
	    (r->kind != TRACE_CLOSED || conn_end_name(r->end) != NULL);
}

size_t
trace_decode(const uint8_t *in, size_t size, struct trace_record *r,
    const uint8_t **data)
{
	if (size < sizeof(*r))
		return 0;
	memcpy(r, in, sizeof(*r));
	*data = in + sizeof(*r);
	return makes_sense(r, size) ? r->size : 0;
}

const uint8_t *
trace_batch_open(const uint8_t *datagram, size_t size, size_t *left)
{
	struct trace_batch head;

	if (size < sizeof(head) || size > TRACE_BATCH_SIZE)
		return NULL;
	memcpy(&head, datagram, sizeof(head));
	if (head.version != TRACE_WIRE_VERSION)
		return NULL;
	*left = size - sizeof(head);
	return datagram + sizeof(head);
}

int
trace_pair(int ends[2], struct err *err)
{
	const int bytes = PAIR_BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ends) == -1)
		return err_sys(err, "socketpair");
	(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}
