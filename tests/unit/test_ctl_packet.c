#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "ctl/packet.h"

static const struct packet_end client = {
	.address = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
	.port = 0x1234
};
static const struct packet_end server = {
	.address = { [10] = 0xff, 0xff, 192, 168, 0, 2 },
	.port = 9100
};
static const struct packet_end client6 = { .address = { 0x20, 1, [15] = 1 },
	.port = 40000 };
static const struct packet_end server6 = { .address = { 0x20, 1, [15] = 2 },
	.port = 443 };

/* The sum of RFC 1071 over all, folded: all ones when it is right. */
static unsigned int
sum(unsigned long start, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		start += (unsigned long)bytes[i] << (i % 2 == 0 ? 8 : 0);
	while (start >> 16 != 0)
		start = (start & 0xffff) + (start >> 16);
	return (unsigned int)start;
}

struct packet_case {
	unsigned int flags;
	size_t len;
	bool v6;
	size_t want; /* bytes of headers */
};

ParameterizedTestParameters(packet, sums_and_lengths_are_right)
{
	static struct packet_case cases[] = {
		{ PACKET_ACK, 0, false, 40 },
		{ PACKET_PSH | PACKET_ACK, 1, false, 40 },
		{ PACKET_PSH | PACKET_ACK, 1000, false, 40 },
		{ PACKET_PSH | PACKET_ACK, PACKET_DATA_MAX, false, 40 },
		{ PACKET_SYN, 0, false, 48 },
		{ PACKET_SYN | PACKET_ACK, 0, false, 48 },
		{ PACKET_RST, 0, false, 40 },
		{ PACKET_ACK, 0, true, 60 },
		{ PACKET_PSH | PACKET_ACK, 777, true, 60 },
		{ PACKET_PSH | PACKET_ACK, PACKET_DATA_MAX, true, 60 },
		{ PACKET_SYN, 0, true, 68 },
	};

	return cr_make_param_array(struct packet_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct packet_case *k, packet, sums_and_lengths_are_right)
{
	static uint8_t bytes[PACKET_HEAD_MAX + PACKET_DATA_MAX + 1],
	    data[PACKET_DATA_MAX];
	struct packet p = { .from = k->v6 ? &client6 : &client,
		.to = k->v6 ? &server6 : &server,
		.seq = 0xfffffff0,
		.ack = 5,
		.flags = k->flags,
		.data = data,
		.len = k->len };
	const size_t addresses = k->v6 ? 32 : 8, ip = k->v6 ? 40 : 20;
	size_t i, head;

	for (i = 0; i < k->len; i++)
		data[i] = (uint8_t)(i * 7 + 1);
	memset(bytes, 0xee, sizeof(bytes));
	head = packet_head(&p, bytes);
	cr_assert_eq(head, k->want);
	memcpy(bytes + head, data, k->len);
	if (!k->v6)
		cr_expect_eq(sum(0, bytes, ip), 0xffff);
	/* The addresses stand before the segment: with protocol and length. */
	cr_expect_eq(sum(6 + (head - ip + k->len), bytes + ip - addresses,
			 addresses + head - ip + k->len),
	    0xffff);
	cr_expect_eq(bytes[k->v6 ? 4 : 2] << 8 | bytes[k->v6 ? 5 : 3],
	    (int)(head + k->len - (k->v6 ? 40 : 0)));
	cr_expect_eq(bytes[ip + 13], k->flags);
	cr_expect_eq(bytes[ip + 12] >> 4, (int)(head - ip) / 4);
}

Test(packet, byte_by_byte)
{
	static const uint8_t want[40] = { 0x45, 0, 0, 42, 0, 0, 0x40, 0, 64, 6,
		0, 0, 10, 0, 0, 1, 192, 168, 0, 2, 0x12, 0x34, 0x23, 0x8c, 1, 2,
		3, 4, 5, 6, 7, 8, 0x50, 0x18, 0xff, 0xff, 0x64, 0x48, 0, 0 };
	const struct packet p = { .from = &client,
		.to = &server,
		.seq = 0x01020304,
		.ack = 0x05060708,
		.flags = PACKET_PSH | PACKET_ACK,
		.data = (const uint8_t *)"hi",
		.len = 2 };
	uint8_t head[PACKET_HEAD_MAX];
	size_t i;

	cr_assert_eq(packet_head(&p, head), sizeof(want));
	for (i = 0; i < sizeof(want); i++)
		if (i / 2 != 5 && i / 2 != 18) /* the sums: see above */
			cr_expect_eq(head[i], want[i], "%zu: %x", i, head[i]);
}

/* As a load balancer may tell of a client: what is mixed is IPv6. */
Test(packet, of_both_families)
{
	const struct packet p = { .from = &client6,
		.to = &server,
		.flags = PACKET_ACK };
	uint8_t head[PACKET_HEAD_MAX];

	cr_expect_eq(packet_head(&p, head), 60);
	cr_expect_arr_eq(head + 24, server.address, 16);
}
