#include "protocol/builtin.h"

static size_t
discard_received(struct mercury_conn *c, uint8_t *data, size_t len)
{
	(void)c;
	(void)data;
	return len;
}

const struct mercury_protocol builtin_discard = {
	.abi = MERCURY_ABI,
	.size = sizeof(struct mercury_protocol),
	.name = "discard",
	.received = discard_received,
};
