#include <arpa/inet.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ctl/packet.h"
#include "ctl/pcapng.h"
#include "ctl/trace_note.h"
#include "ctl/trace_pcap.h"

static struct {
	struct pcapng out;
	struct trace_pcap *pcap;
	uint32_t first[2]; /* sequence numbers: of the peer, and of us */
} t;

static void
setup(void)
{
	memset(&t, 0, sizeof(t));
	t.pcap = trace_pcap_new(&t.out);
}

static void
teardown(void)
{
	trace_pcap_free(&t.pcap);
	pcapng_free(&t.out);
}

TestSuite(trace_pcap, .init = setup, .fini = teardown);

static uint32_t
net32(const uint8_t *bytes)
{
	uint32_t n;

	memcpy(&n, bytes, sizeof(n));
	return ntohl(n);
}

/*
 * One packet as text: ">SA 5:7+3" from the peer, flags, sequence number and
 * acknowledgment relative to the SYNs, and how much data.
 */
static int
packet_text(const uint8_t *ip, size_t len, char *out, size_t size)
{
	static const char letters[] = "FSRPA";
	const uint8_t *tcp = ip + 20;
	const int from_us = (tcp[0] << 8 | tcp[1]) == 9100;
	uint32_t seq = net32(tcp + 4), ack = net32(tcp + 8);
	char flags[8] = "";
	size_t i, n = 0;

	if (tcp[13] & PACKET_SYN)
		t.first[from_us] = seq;
	for (i = 0; i < 5; i++)
		if (tcp[13] & 1u << i)
			flags[n++] = letters[i];
	flags[n] = '\0';
	seq -= t.first[from_us];
	ack = tcp[13] & PACKET_ACK ? ack - t.first[!from_us] : 0;
	return snprintf(out, size, "%c%s %u:%u+%zu ", from_us ? '<' : '>',
	    flags, seq, ack, len - 20 - (size_t)(tcp[12] >> 4) * 4);
}

/* All that came since the last time. */
static const char *
packets(void)
{
	static char text[1024];
	size_t at = 0, used = 0;
	uint32_t head[7];

	text[0] = '\0';
	while (at < t.out.len) {
		memcpy(head, t.out.bytes + at, sizeof(head));
		cr_assert_eq(head[0], 6, "a packet");
		used += (size_t)packet_text(t.out.bytes + at + 28, head[5],
		    text + used, sizeof(text) - used);
		at += head[1];
	}
	pcapng_clear(&t.out);
	return text;
}

static struct trace_note
note(enum trace_note_kind kind)
{
	return (struct trace_note){ .kind = kind,
		.at_us = 1,
		.pid = 42,
		.conn_id = 7,
		.peer = "10.0.0.1:5555",
		.local = "10.0.0.2:9100" };
}

static void
add(const struct trace_note *n)
{
	cr_assert_eq(trace_pcap_add(t.pcap, n), 0);
}

static void
data(bool in, uint64_t offset, size_t len)
{
	static const uint8_t bytes[32768];
	struct trace_note n = note(TRACE_NOTE_DATA);

	n.in = in;
	n.offset = offset;
	n.data = bytes;
	n.len = len;
	add(&n);
}

static void
closed(const char *reason, uint64_t bytes_in, uint64_t bytes_out)
{
	struct trace_note n = note(TRACE_NOTE_CLOSED);

	n.reason = reason;
	n.bytes_in = bytes_in;
	n.bytes_out = bytes_out;
	add(&n);
}

static void
opened(void)
{
	const struct trace_note n = note(TRACE_NOTE_OPENED);

	add(&n);
	cr_expect_str_eq(packets(), ">S 0:0+0 <SA 0:1+0 >A 1:1+0 ");
}

Test(trace_pcap, from_its_start_to_its_end)
{
	opened();
	data(true, 0, 5);
	data(false, 0, 7);
	data(true, 5, 1);
	cr_expect_str_eq(packets(), ">PA 1:1+5 <PA 1:6+7 >PA 6:8+1 ");
	closed("peer_closed", 6, 7);
	cr_expect_str_eq(packets(), ">FA 7:8+0 <FA 8:8+0 >A 8:9+0 ");
}

Test(trace_pcap, ends)
{
	opened();
	closed("kicked", 0, 0);
	cr_expect_str_eq(packets(), "<FA 1:1+0 >FA 1:2+0 <A 2:2+0 ");
	opened();
	closed("peer_reset", 0, 0);
	cr_expect_str_eq(packets(), ">RA 1:1+0 ");
	opened();
	closed("user_timeout", 0, 0);
	cr_expect_str_eq(packets(), "<RA 1:1+0 ");
}

Test(trace_pcap, one_that_was_open_already)
{
	data(false, 1000, 10);
	cr_expect_str_eq(packets(), ">S 0:0+0 <SA 0:1+0 >A 1:1+0 <PA 1:1+10 ");
	data(true, UINT64_C(5000000000), 2);
	data(false, 1010, 1);
	cr_expect_str_eq(packets(), ">PA 1:11+2 <PA 11:3+1 ");
	closed("peer_closed", UINT64_C(5000000002), 1011);
	cr_expect_str_eq(packets(), ">FA 3:12+0 <FA 12:4+0 >A 4:13+0 ");
}

Test(trace_pcap, what_is_lost_is_a_gap)
{
	struct trace_note lost = note(TRACE_NOTE_LOST);

	opened();
	data(true, 0, 5);
	lost.records = 3;
	add(&lost);
	data(true, 105, 5);
	cr_expect_str_eq(packets(), ">PA 1:1+5 >PA 106:1+5 ");
	closed("peer_closed", 200, 50);
	cr_expect_str_eq(packets(), ">FA 201:51+0 <FA 51:202+0 >A 202:52+0 ");
}

/* No window is ever full, however long one side is silent. */
Test(trace_pcap, acknowledged_in_time)
{
	const char *text;
	uint64_t i;
	int acks = 0;

	opened();
	for (i = 0; i < 1024; i++) {
		data(true, i * 32768, 32768);
		text = packets();
		acks += strstr(text, "<A 1:") != NULL;
	}
	cr_expect_geq(acks, 1024 * 32768 / (int)PACKET_WINDOW_BYTES);
	cr_expect_lt(acks, 100);
}

Test(trace_pcap, a_worker_that_is_lost)
{
	struct trace_note worker = note(TRACE_NOTE_WORKER);

	opened();
	worker.state = "joined";
	add(&worker);
	worker.pid = 41;
	worker.state = "lost";
	add(&worker);
	cr_expect_str_eq(packets(), "");
	worker.pid = 42;
	add(&worker);
	cr_expect_str_eq(packets(), "<RA 1:1+0 ");
	opened();
	worker.state = "left";
	add(&worker);
	cr_expect_str_eq(packets(), "");
	opened();
}

Test(trace_pcap, an_address_that_makes_no_sense)
{
	static const char *const bad[] = { "x", "", "10.0.0.1", "[::1:5",
		"[]:5", "999.1.1.1:5" };
	struct trace_note n = note(TRACE_NOTE_OPENED);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n.conn_id = i + 1;
		n.peer = bad[i];
		add(&n);
		cr_expect_eq(t.out.bytes[28 + 12], 198, "%s", bad[i]);
		pcapng_clear(&t.out);
	}
}
