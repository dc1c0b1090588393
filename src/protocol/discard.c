#include "protocol/protocol.h"

static void
discard_received(struct conn *c, uint8_t *data, size_t len)
{
	(void)c;
	(void)data;
	(void)len;
}

const struct protocol protocol_discard = {
	.name = "discard",
	.received = discard_received,
	.peer_finished = conn_finish,
};
