#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conn_end.h"
#include "common/trace_wire.h"

/* Read a record that ends where its memory does, so that a checker sees. */
static size_t
decode(const uint8_t *bytes, size_t size, struct trace_record *r,
    const uint8_t **data)
{
	static uint8_t *copy;

	free(copy);
	copy = malloc(size == 0 ? 1 : size);
	cr_assert_not_null(copy);
	memcpy(copy, bytes, size);
	return trace_decode(copy, size, r, data);
}

static struct trace_record
full_record(void)
{
	return (struct trace_record){ .kind = TRACE_IN,
		.conn_id = UINT64_C(0xb13cfa4400000011),
		.at_us = UINT64_C(1795265913690736),
		.bytes_in = 7,
		.bytes_out = UINT64_MAX,
		.peer = { .bytes = { 1, 2, 3 }, .port = 65535 },
		.local = { .bytes = { [15] = 1 }, .port = 9100 },
		.len = 5 };
}

Test(trace_wire, there_and_back)
{
	struct trace_record r = full_record(), back;
	const size_t size = trace_record_size(r.len);
	uint8_t bytes[256];
	const uint8_t *data = NULL;

	cr_expect_eq(size % 8, 0);
	cr_expect_geq(size, sizeof(r) + 5);
	trace_encode(&r, (const uint8_t *)"hello", bytes);
	cr_assert_eq(decode(bytes, size, &back, &data), size);
	cr_expect_arr_eq(data, "hello", 5);
	r.size = (uint32_t)size;
	cr_expect_arr_eq(&back, &r, sizeof(r));
}

Test(trace_wire, one_behind_the_other)
{
	struct trace_record r = full_record(), back;
	uint8_t bytes[512];
	const uint8_t *data;
	size_t n, left;

	trace_encode(&r, (const uint8_t *)"hello", bytes);
	n = trace_record_size(r.len);
	r.kind = TRACE_CLOSED;
	r.len = 0;
	trace_encode(&r, NULL, bytes + n);
	left = trace_record_size(0);
	cr_expect_eq(trace_decode(bytes, n + left, &back, &data), n);
	cr_expect_eq(trace_decode(bytes + n, left, &back, &data), left);
	cr_expect_eq(back.kind, TRACE_CLOSED);
}

/* A byte less, whatever it is that is cut off. */
Test(trace_wire, what_is_cut)
{
	struct trace_record r = full_record(), back;
	const size_t size = trace_record_size(r.len);
	uint8_t bytes[256];
	const uint8_t *data;
	size_t n;

	trace_encode(&r, (const uint8_t *)"hello", bytes);
	for (n = 0; n < size; n++)
		cr_expect_eq(decode(bytes, n, &back, &data), 0, "%zu", n);
}

static void
expect_bad(const struct trace_record *r, uint32_t size)
{
	static uint8_t bytes[2 * TRACE_DATA_MAX];
	struct trace_record head = *r, back;
	const uint8_t *data;

	head.size = size;
	memcpy(bytes, &head, sizeof(head));
	cr_expect_eq(trace_decode(bytes, sizeof(bytes), &back, &data), 0);
}

Test(trace_wire, what_makes_no_sense)
{
	struct trace_record r = full_record();

	expect_bad(&r, (uint32_t)trace_record_size(r.len) + 8);
	expect_bad(&r, (uint32_t)trace_record_size(r.len) - 8);
	expect_bad(&r, 0);
	r.len = TRACE_DATA_MAX + 1;
	expect_bad(&r, (uint32_t)trace_record_size(r.len));
	r.len = UINT32_MAX;
	expect_bad(&r, (uint32_t)trace_record_size(r.len));
	r.len = 0;
	expect_bad(&r, (uint32_t)trace_record_size(0));
	r.kind = TRACE_KIND_COUNT;
	expect_bad(&r, (uint32_t)trace_record_size(0));
	r.kind = TRACE_CLOSED;
	r.end = CONN_END_COUNT;
	expect_bad(&r, (uint32_t)trace_record_size(0));
	r.kind = TRACE_LOST;
	r.len = 8;
	expect_bad(&r, (uint32_t)trace_record_size(8));
}

Test(trace_wire, a_batch)
{
	struct trace_batch head = { .version = TRACE_WIRE_VERSION };
	static uint8_t bytes[TRACE_BATCH_SIZE + 1];
	size_t left = 99;

	memcpy(bytes, &head, sizeof(head));
	cr_expect_eq(trace_batch_open(bytes, 100, &left), bytes + sizeof(head));
	cr_expect_eq(left, 100 - sizeof(head));
	cr_expect_null(trace_batch_open(bytes, sizeof(head) - 1, &left));
	cr_expect_null(trace_batch_open(bytes, sizeof(bytes), &left));
	head.version++;
	memcpy(bytes, &head, sizeof(head));
	cr_expect_null(trace_batch_open(bytes, 100, &left));
}

Test(trace_wire, a_pair_takes_the_largest_batch)
{
	static uint8_t bytes[TRACE_BATCH_SIZE];
	struct err err;
	int ends[2];

	cr_assert_eq(trace_pair(ends, &err), 0);
	cr_expect_eq(send(ends[1], bytes, sizeof(bytes), 0),
	    (ssize_t)sizeof(bytes));
	cr_expect_eq(recv(ends[0], bytes, sizeof(bytes), 0),
	    (ssize_t)sizeof(bytes));
	cr_expect_eq(recv(ends[0], bytes, sizeof(bytes), 0), -1);
	(void)close(ends[0]);
	(void)close(ends[1]);
}
