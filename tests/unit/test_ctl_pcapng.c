#include <criterion/criterion.h>
#include <string.h>

#include "ctl/pcapng.h"

static struct pcapng p;

static void
setup(void)
{
	memset(&p, 0, sizeof(p));
}

static void
teardown(void)
{
	pcapng_free(&p);
}

TestSuite(pcapng, .init = setup, .fini = teardown);

static uint32_t
at(size_t offset)
{
	uint32_t n;

	cr_assert_leq(offset + sizeof(n), p.len);
	memcpy(&n, p.bytes + offset, sizeof(n));
	return n;
}

/* The type of the block there; *offset is moved behind it. */
static uint32_t
block(size_t *offset)
{
	const uint32_t type = at(*offset), len = at(*offset + 4);

	cr_assert_eq(len % 4, 0);
	cr_assert_leq(*offset + len, p.len);
	cr_expect_eq(at(*offset + len - 4), len);
	*offset += len;
	return type;
}

Test(pcapng, the_head)
{
	size_t offset = 0;

	pcapng_begin(&p, "mercuryctl", "pos");
	cr_expect_eq(block(&offset), 0x0a0d0d0a);
	cr_expect_eq(at(8), 0x1a2b3c4d);
	cr_expect_eq(at(12), 1, "version 1.0");
	cr_expect_eq(at(offset + 8), 101, "raw IP");
	cr_expect_eq(at(offset + 12), 0, "nothing is cut");
	cr_expect_arr_eq(p.bytes + offset + 20, "pos", 4);
	cr_expect_eq(block(&offset), 1);
	cr_expect_eq(offset, p.len);
}

Test(pcapng, packets)
{
	struct pcapng_packet packet = { .at_us = UINT64_C(0x0006612345678901),
		.head = (const uint8_t *)"12345",
		.head_len = 5 };
	size_t offset = 0, second;

	pcapng_add(&p, &packet);
	packet.data = (const uint8_t *)"abc";
	packet.data_len = 3;
	packet.comment = "why";
	pcapng_add(&p, &packet);
	cr_expect_eq(at(12), 0x00066123, "the high half comes first");
	cr_expect_eq(at(16), 0x45678901);
	cr_expect_eq(at(20), 5);
	cr_expect_eq(at(24), 5);
	cr_expect_arr_eq(p.bytes + 28, "12345\0\0", 8);
	cr_expect_eq(block(&offset), 6);
	second = offset;
	cr_expect_eq(block(&offset), 6);
	cr_expect_eq(offset, p.len);
	cr_expect_arr_eq(p.bytes + second + 28, "12345abc", 8);
	cr_expect_eq(at(second + 36), 3u << 16 | 1, "a comment of 3 bytes");
	cr_expect_arr_eq(p.bytes + second + 40, "why", 4);
	cr_expect_eq(at(second + 44), 0, "no more options");
}

Test(pcapng, statistics)
{
	size_t offset = 0;

	pcapng_statistics(&p, 5, 100, 7);
	cr_expect_eq(at(20), 8u << 16 | 4);
	cr_expect_eq(at(24), 100);
	cr_expect_eq(at(32), 8u << 16 | 5);
	cr_expect_eq(at(36), 7);
	cr_expect_eq(block(&offset), 5);
	cr_expect_eq(offset, p.len);
}

Test(pcapng, as_much_as_comes)
{
	static uint8_t data[40000];
	const struct pcapng_packet packet = { .head = data,
		.head_len = 40,
		.data = data,
		.data_len = sizeof(data) };
	size_t offset = 0;
	int i;

	for (i = 0; i < 100; i++)
		pcapng_add(&p, &packet);
	for (i = 0; i < 100; i++)
		cr_expect_eq(block(&offset), 6);
	cr_expect_eq(offset, p.len);
	pcapng_clear(&p);
	cr_expect_eq(p.len, 0);
	pcapng_statistics(&p, 0, 0, 0);
	cr_expect_eq(at(0), 5);
}
