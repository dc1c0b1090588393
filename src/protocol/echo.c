#include "protocol/protocol.h"

static void
echo_received(struct conn *c, uint8_t *data, size_t len)
{
	(void)conn_send(c, data, len);
}

const struct protocol protocol_echo = {
	.name = "echo",
	.received = echo_received,
	.peer_finished = conn_finish,
};
