#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "tls/tls_stream.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of these one more is a flood. */
#define EMPTY_MAX 32

static struct tls_stream ours, theirs;
static uint8_t wire[4 * TLS_STREAM_ROOM];
static struct tls_read got;

static void
start_as(bool client)
{
	struct tls_secrets s = { .suite = TLS_SUITE_AES_128_GCM,
		.client = client };

	memset(s.ours, 1, sizeof(s.ours));
	memset(s.theirs, 2, sizeof(s.theirs));
	cr_assert_eq(tls_stream_start(&ours, &s), 0);
	memset(s.ours, 2, sizeof(s.ours));
	memset(s.theirs, 1, sizeof(s.theirs));
	s.client = !client;
	cr_assert_eq(tls_stream_start(&theirs, &s), 0);
}

static void
start(void)
{
	start_as(false);
}

static void
end(void)
{
	tls_stream_end(&ours);
	tls_stream_end(&theirs);
}

TestSuite(tls_stream, .init = start, .fini = end, .timeout = 60);

/* A record of any kind comes to us; what becomes of it. */
static enum tls_event
comes(int type, const void *bytes, size_t len)
{
	const size_t n = tls_record_seal(&theirs.out,
	    (enum tls_record_type)type, bytes, len, wire);

	cr_assert_gt(n, 0);
	return tls_stream_read(&ours, wire, n, &got);
}

static void
expect_fault(enum tls_event event, enum tls_fault fault)
{
	cr_assert_eq(event, TLS_EVENT_FAULT, "event %d", event);
	cr_expect_eq(got.fault, fault, "fault %d", got.fault);
	cr_expect(ours.in.dead);
}

/* Data travels from a to b, through any updates. */
static void
travels(struct tls_stream *a, struct tls_stream *b)
{
	static const uint8_t word[] = "word";
	size_t n = tls_stream_write(a, word, sizeof(word), wire), at = 0;
	enum tls_event event;

	cr_assert_gt(n, 0);
	do {
		event = tls_stream_read(b, wire + at, n - at, &got);
		at += got.taken;
	} while (event == TLS_EVENT_NOTHING);
	cr_assert_eq(event, TLS_EVENT_DATA);
	cr_expect_eq(at, n);
	cr_assert_eq(got.len, sizeof(word));
	cr_expect_arr_eq(got.data, word, sizeof(word));
}

Test(tls_stream, data_travels)
{
	int i;

	for (i = 0; i < 5; i++) {
		travels(&ours, &theirs);
		travels(&theirs, &ours);
	}
}

Test(tls_stream, a_record_is_whole_or_not_there)
{
	const size_t n =
	    tls_stream_write(&theirs, (const uint8_t *)"abc", 3, wire);
	size_t have;

	for (have = 0; have < n; have++) {
		cr_assert_eq(tls_stream_read(&ours, wire, have, &got),
		    TLS_EVENT_MORE);
		cr_expect_eq(got.taken, 0);
	}
	cr_assert_eq(tls_stream_read(&ours, wire, n + 7, &got), TLS_EVENT_DATA);
	cr_expect_eq(got.taken, n);
	cr_expect_eq(got.len, 3);
}

Test(tls_stream, a_bad_header_is_seen_at_once)
{
	uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };

	expect_fault(tls_stream_read(&ours, ccs, 5, &got), TLS_FAULT_RECORD);
}

Test(tls_stream, an_alert_in_the_clear_is_refused)
{
	uint8_t alert[] = { 21, 3, 3, 0, 2, 1, 0 };

	expect_fault(tls_stream_read(&ours, alert, sizeof(alert), &got),
	    TLS_FAULT_RECORD);
}

/* --- key updates --- */

static const uint8_t update[] = { 24, 0, 0, 1, 0 };
static const uint8_t update_both[] = { 24, 0, 0, 1, 1 };

/* The peer updates, with this message. */
static enum tls_event
updates(const uint8_t *message)
{
	const enum tls_event event = comes(TLS_RECORD_HANDSHAKE, message, 5);

	cr_assert_eq(tls_direction_update(&theirs.out), 0);
	return event;
}

Test(tls_stream, the_peer_updates_its_keys)
{
	cr_expect_eq(updates(update), TLS_EVENT_NOTHING);
	cr_expect_eq(tls_stream_answer(&ours, wire), 0);
	travels(&theirs, &ours);
	travels(&ours, &theirs);
}

Test(tls_stream, the_peer_asks_for_ours)
{
	size_t n;

	/* Twice: one answer is enough. */
	cr_expect_eq(updates(update_both), TLS_EVENT_NOTHING);
	cr_expect_eq(updates(update_both), TLS_EVENT_NOTHING);
	n = tls_stream_answer(&ours, wire);
	cr_expect_eq(n, 5 + TLS_RECORD_EXTRA);
	cr_expect_eq(tls_stream_answer(&ours, wire), 0);
	cr_expect_eq(tls_stream_read(&theirs, wire, n, &got),
	    TLS_EVENT_NOTHING);
	cr_expect(!theirs.answer);
	travels(&ours, &theirs);
	travels(&theirs, &ours);
}

Test(tls_stream, an_answer_comes_before_data)
{
	const uint64_t id = ours.out.key.id;

	cr_expect_eq(updates(update_both), TLS_EVENT_NOTHING);
	travels(&ours, &theirs);
	cr_expect_neq(ours.out.key.id, id);
	cr_expect_eq(ours.out.sequence, 1);
}

Test(tls_stream, no_answer_behind_close_notify)
{
	cr_assert_gt(tls_stream_close(&ours, wire), 0);
	cr_expect_eq(updates(update_both), TLS_EVENT_NOTHING);
	cr_expect_eq(tls_stream_answer(&ours, wire), 0);
}

Test(tls_stream, we_update_our_keys_in_time)
{
	uint64_t id = 0;
	int i, changes = 0;

	cr_expect_lt(ours.records, (uint64_t)1 << 24);
	ours.records = 3;
	for (i = 0; i < 20; i++) {
		changes += ours.out.key.id != id;
		id = ours.out.key.id;
		travels(&ours, &theirs);
		cr_expect_leq(ours.out.sequence, 3);
	}
	cr_expect_eq(changes, 7);
}

Test(tls_stream, an_update_split_over_records)
{
	size_t i;

	for (i = 0; i < sizeof(update); i++)
		cr_assert_eq(comes(TLS_RECORD_HANDSHAKE, update + i, 1),
		    TLS_EVENT_NOTHING);
	cr_assert_eq(tls_direction_update(&theirs.out), 0);
	travels(&theirs, &ours);
}

struct bad_message {
	uint8_t bytes[12];
	size_t len;
	enum tls_fault fault;
};

ParameterizedTestParameters(tls_stream, bad_messages)
{
	static struct bad_message cases[] = {
		{ { 24, 0, 0, 1, 2 }, 5, TLS_FAULT_UPDATE },
		{ { 24, 0, 0, 1, 0, 24 }, 6, TLS_FAULT_BOUNDARY },
		{ { 24, 0, 0, 1, 0, 24, 0, 0, 1, 0 }, 10, TLS_FAULT_BOUNDARY },
		{ { 24, 0, 0, 0 }, 4, TLS_FAULT_DECODE },
		{ { 24, 0, 0, 2 }, 4, TLS_FAULT_DECODE },
		{ { 24, 1, 0, 1 }, 4, TLS_FAULT_DECODE },
		{ { 4, 0, 0, 1 }, 4, TLS_FAULT_MESSAGE },
		{ { 1, 0, 0, 1 }, 4, TLS_FAULT_MESSAGE },
		{ { 13, 0, 0, 1 }, 4, TLS_FAULT_MESSAGE },
		{ { 20, 0, 0, 32 }, 4, TLS_FAULT_MESSAGE },
		{ { 0, 0, 0, 0 }, 4, TLS_FAULT_MESSAGE },
		{ { 0 }, 0, TLS_FAULT_MESSAGE },
	};

	return cr_make_param_array(struct bad_message, cases, COUNT(cases));
}

ParameterizedTest(struct bad_message *k, tls_stream, bad_messages,
    .init = start, .fini = end)
{
	uint8_t out[TLS_STREAM_ROOM];
	size_t n;

	expect_fault(comes(TLS_RECORD_HANDSHAKE, k->bytes, k->len), k->fault);
	n = tls_stream_give_up(&ours, got.fault, out);
	cr_expect_eq(tls_stream_read(&theirs, out, n, &got), TLS_EVENT_ALERT);
	cr_expect_eq(got.alert, tls_fault_alert(k->fault));
	cr_expect(theirs.in.dead && theirs.out.dead);
	cr_expect_eq(tls_stream_write(&ours, k->bytes, 1, out), 0);
	cr_expect_eq(tls_stream_close(&ours, out), 0);
}

Test(tls_stream, nothing_comes_within_a_message)
{
	cr_assert_eq(comes(TLS_RECORD_HANDSHAKE, update, 4), TLS_EVENT_NOTHING);
	expect_fault(comes(TLS_RECORD_DATA, "x", 1), TLS_FAULT_MESSAGE);
}

Test(tls_stream, no_alert_comes_within_a_message)
{
	cr_assert_eq(comes(TLS_RECORD_HANDSHAKE, update, 1), TLS_EVENT_NOTHING);
	expect_fault(comes(TLS_RECORD_ALERT, "\1\0", 2), TLS_FAULT_MESSAGE);
}

Test(tls_stream, there_are_no_other_types)
{
	expect_fault(comes(20, "\1", 1), TLS_FAULT_RECORD);
}

/* --- tickets, where we are the client --- */

Test(tls_stream, a_client_ignores_tickets, .init = NULL)
{
	static const uint8_t three[] = { 4, 0, 0, 3, 'a', 'b', 'c', 4, 0, 0, 0,
		4, 0, 0, 1, 'd', 24, 0, 0, 1, 1 };
	size_t cut;

	for (cut = 1; cut < sizeof(three); cut++) {
		start_as(true);
		cr_assert_eq(comes(TLS_RECORD_HANDSHAKE, three, cut),
		    TLS_EVENT_NOTHING);
		cr_assert_eq(comes(TLS_RECORD_HANDSHAKE, three + cut,
				 sizeof(three) - cut),
		    TLS_EVENT_NOTHING);
		cr_assert_eq(tls_direction_update(&theirs.out), 0);
		cr_expect(ours.answer);
		travels(&theirs, &ours);
		travels(&ours, &theirs);
		end();
	}
	start_as(true);
}

Test(tls_stream, a_ticket_has_an_end, .init = NULL)
{
	static const uint8_t most[] = { 4, 2, 1, 9 }, more[] = { 4, 2, 1, 10 };

	start_as(true);
	cr_expect_eq(comes(TLS_RECORD_HANDSHAKE, most, 4), TLS_EVENT_NOTHING);
	end();
	start_as(true);
	expect_fault(comes(TLS_RECORD_HANDSHAKE, more, 4), TLS_FAULT_DECODE);
}

/* --- alerts --- */

Test(tls_stream, close_notify)
{
	size_t n = tls_stream_close(&theirs, wire);

	cr_assert_gt(n, 0);
	cr_expect_eq(tls_stream_read(&ours, wire, n, &got), TLS_EVENT_CLOSED);
	cr_expect(ours.in.dead);
	/* Once; and no data behind it. */
	cr_expect_eq(tls_stream_close(&theirs, wire), 0);
	cr_expect_eq(tls_stream_write(&theirs, wire, 1, wire), 0);
	/* The other way goes on. */
	travels(&ours, &theirs);
}

struct alert_case {
	uint8_t bytes[3];
	size_t len;
	enum tls_event event;
};

ParameterizedTestParameters(tls_stream, alerts)
{
	static struct alert_case cases[] = {
		{ { 1, 0 }, 2, TLS_EVENT_CLOSED },
		{ { 2, 0 }, 2, TLS_EVENT_CLOSED },
		{ { 1, 90 }, 2, TLS_EVENT_NOTHING },
		{ { 2, 40 }, 2, TLS_EVENT_ALERT },
		{ { 1, 40 }, 2, TLS_EVENT_ALERT },
		{ { 0, 255 }, 2, TLS_EVENT_ALERT },
		{ { 1 }, 1, TLS_EVENT_FAULT },
		{ { 1, 0, 1 }, 3, TLS_EVENT_FAULT },
		{ { 0 }, 0, TLS_EVENT_FAULT },
	};

	return cr_make_param_array(struct alert_case, cases, COUNT(cases));
}

ParameterizedTest(struct alert_case *k, tls_stream, alerts, .init = start,
    .fini = end)
{
	cr_expect_eq(comes(TLS_RECORD_ALERT, k->bytes, k->len), k->event);
	if (k->event == TLS_EVENT_ALERT) {
		cr_expect_eq(got.alert, k->bytes[1]);
		cr_expect(ours.out.dead);
	} else if (k->event == TLS_EVENT_FAULT) {
		cr_expect_eq(got.fault, TLS_FAULT_DECODE);
	}
}

/* --- floods --- */

Test(tls_stream, some_empty_records_are_fine)
{
	int round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < EMPTY_MAX; i++)
			cr_assert_eq(comes(TLS_RECORD_DATA, "", 0),
			    TLS_EVENT_NOTHING);
		travels(&theirs, &ours);
	}
}

Test(tls_stream, a_flood_of_empty_records_is_not)
{
	int i;

	for (i = 0; i < EMPTY_MAX; i++)
		cr_assert_eq(i % 2 == 0 ? comes(TLS_RECORD_DATA, "", 0)
					: comes(TLS_RECORD_ALERT, "\1\x5a", 2),
		    TLS_EVENT_NOTHING);
	expect_fault(comes(TLS_RECORD_DATA, "", 0), TLS_FAULT_EMPTY);
}
