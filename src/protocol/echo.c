#include "protocol/builtin.h"

static size_t
echo_received(struct mercury_conn *c, uint8_t *data, size_t len)
{
	(void)mercury_send(c, data, len);
	return len;
}

const struct mercury_protocol builtin_echo = {
	.abi = MERCURY_ABI,
	.size = sizeof(struct mercury_protocol),
	.name = "echo",
	.received = echo_received,
};
