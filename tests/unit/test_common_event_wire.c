#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/event_wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A new event of every kind of member, with texts that stay. */
static struct health_event
full_event(void)
{
	struct health_event e = { .at_ms = UINT64_C(1795248000123),
		.type = EVENT_WORKER_CRASHED,
		.listener = "pos",
		.peer = "[2001:db8::1]:40000",
		.reason = "was killed by signal 11 (SIGSEGV)" };

	event_add_number(&e, FACT_PID, 4711);
	event_add_number(&e, FACT_SIGNAL, 11);
	event_add_text(&e, FACT_POOL, "pos");
	event_add_number(&e, FACT_BYTES_IN, INT64_MIN);
	event_add_number(&e, FACT_BYTES_OUT, INT64_MAX);
	event_add_text(&e, FACT_ORIGIN, "");
	event_add_number(&e, FACT_QUEUE, 1);
	return e;
}

static void
expect_same_text(const char *got, const char *want)
{
	if (want == NULL)
		cr_expect_null(got);
	else
		cr_expect_str_eq(got, want);
}

static void
expect_same(const struct health_event *got, const struct health_event *want)
{
	unsigned int i;

	cr_expect_eq(got->at_ms, want->at_ms);
	cr_expect_eq(got->type, want->type);
	expect_same_text(got->listener, want->listener);
	expect_same_text(got->peer, want->peer);
	expect_same_text(got->reason, want->reason);
	cr_assert_eq(got->fact_count, want->fact_count);
	for (i = 0; i < got->fact_count; i++) {
		cr_expect_eq(got->facts[i].id, want->facts[i].id);
		cr_expect_eq(got->facts[i].number, want->facts[i].number);
		expect_same_text(got->facts[i].text, want->facts[i].text);
	}
}

/* Encode e; returns memory of exactly its size, which the caller frees. */
static uint8_t *
encoded(const struct health_event *e, size_t *size)
{
	uint8_t out[EVENT_WIRE_MAX], *copy;

	*size = event_encode(e, out, sizeof(out));
	cr_assert_gt(*size, 0);
	cr_assert_eq(*size % 8, 0);
	copy = malloc(*size);
	cr_assert_not_null(copy);
	memcpy(copy, out, *size);
	return copy;
}

static void
expect_round_trip(const struct health_event *e)
{
	struct health_event got;
	size_t size;
	uint8_t *bytes = encoded(e, &size);

	cr_assert_eq(event_decode(bytes, size, &got), size);
	expect_same(&got, e);
	free(bytes);
}

Test(event_wire, is_read_as_it_was_written)
{
	struct health_event e = full_event();

	expect_round_trip(&e);
	e = (struct health_event){ .type = EVENT_DAEMON_STARTED };
	expect_round_trip(&e);
	e.at_ms = UINT64_MAX;
	e.reason = "";
	expect_round_trip(&e);
	e.listener = "";
	e.peer = "x";
	e.reason = NULL;
	expect_round_trip(&e);
}

Test(event_wire, every_type_and_fact)
{
	struct health_event e = { .at_ms = 1 };
	unsigned int type, id;

	for (type = 0; type < EVENT_TYPE_COUNT; type++) {
		e.type = (enum event_type)type;
		expect_round_trip(&e);
	}
	for (id = 0; id < FACT_COUNT_OF_ALL; id++) {
		e.fact_count = 0;
		if (fact_kind((enum fact_id)id) == FACT_TEXT)
			event_add_text(&e, (enum fact_id)id, "text");
		else
			event_add_number(&e, (enum fact_id)id, -1);
		expect_round_trip(&e);
	}
}

/* Of all lengths up to the limit, so of every padding. */
Test(event_wire, texts_of_every_length)
{
	char text[EVENT_REASON_MAX + 1];
	struct health_event e = { .type = EVENT_LISTENER_FAILED };
	size_t len;

	for (len = 0; len <= EVENT_REASON_MAX; len++) {
		memset(text, 'r', len);
		text[len] = '\0';
		e.reason = text;
		e.listener = len <= EVENT_NAME_MAX ? text : "l";
		e.peer = len <= EVENT_NAME_MAX ? text : NULL;
		e.fact_count = 0;
		event_add_text(&e, FACT_PATH,
		    len <= EVENT_FACT_TEXT_MAX ? text : "/p");
		event_add_number(&e, FACT_PID, 7);
		expect_round_trip(&e);
	}
}

Test(event_wire, the_largest_event_fits)
{
	static char text[1000];
	struct health_event e = { .type = EVENT_LISTENER_ADDED,
		.listener = text,
		.peer = text,
		.reason = text };
	struct health_event got;
	uint8_t out[EVENT_WIRE_MAX];
	unsigned int i;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < EVENT_FACTS_MAX; i++)
		event_add_text(&e, FACT_ADDRESS, text);
	cr_assert_gt(event_encode(&e, out, sizeof(out)), 0);
	cr_assert_gt(event_decode(out, sizeof(out), &got), 0);
	cr_expect_eq(strlen(got.listener), EVENT_NAME_MAX);
	cr_expect_eq(strlen(got.peer), EVENT_NAME_MAX);
	cr_expect_eq(strlen(got.reason), EVENT_REASON_MAX);
	cr_assert_eq(got.fact_count, EVENT_FACTS_MAX);
	for (i = 0; i < EVENT_FACTS_MAX; i++)
		cr_expect_eq(strlen(got.facts[i].text), EVENT_FACT_TEXT_MAX);
}

struct cut_case {
	char character[5];
	size_t size;
};

ParameterizedTestParameters(event_wire, texts_are_cut_between_characters)
{
	static struct cut_case cases[] = {
		{ "a", 1 },
		{ "\xc3\xa9", 2 },
		{ "\xe2\x82\xac", 3 },
		{ "\xf0\x9f\x98\x80", 4 },
	};

	return cr_make_param_array(struct cut_case, cases, COUNT(cases));
}

/* Every place where the limit can fall within a character. */
ParameterizedTest(struct cut_case *k, event_wire,
    texts_are_cut_between_characters)
{
	char text[2 * EVENT_REASON_MAX];
	struct health_event e = { .type = EVENT_DAEMON_READY, .reason = text };
	struct health_event got;
	size_t start, len, size, want;
	uint8_t *bytes;

	for (start = 0; start < 8; start++) {
		memset(text, '.', start);
		for (len = start; len + k->size < sizeof(text); len += k->size)
			memcpy(text + len, k->character, k->size);
		text[len] = '\0';
		bytes = encoded(&e, &size);
		cr_assert_eq(event_decode(bytes, size, &got), size);
		want = EVENT_REASON_MAX - (EVENT_REASON_MAX - start) % k->size;
		cr_expect_eq(strlen(got.reason), want, "start %zu: %zu", start,
		    strlen(got.reason));
		cr_expect_eq(memcmp(got.reason, text, want), 0);
		free(bytes);
	}
}

/* It is not UTF-8: whatever is kept, it stays within the limit. */
Test(event_wire, a_text_of_nothing_but_continuations)
{
	char text[600];
	struct health_event e = { .type = EVENT_DAEMON_READY, .reason = text };
	struct health_event got;
	uint8_t *bytes;
	size_t size;

	memset(text, 0x80, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	bytes = encoded(&e, &size);
	cr_assert_eq(event_decode(bytes, size, &got), size);
	cr_expect_leq(strlen(got.reason), EVENT_REASON_MAX);
	free(bytes);
}

Test(event_wire, without_room_nothing_is_written_behind_it)
{
	const struct health_event e = full_event();
	uint8_t out[EVENT_WIRE_MAX];
	size_t need, size, i;

	need = event_encode(&e, out, sizeof(out));
	for (size = 0; size < need; size++) {
		memset(out, 0xa5, sizeof(out));
		cr_expect_eq(event_encode(&e, out, size), 0, "%zu", size);
		for (i = size; i < sizeof(out); i++)
			cr_assert_eq(out[i], 0xa5);
	}
	cr_expect_eq(event_encode(&e, out, need), need);
	cr_expect_eq(event_encode(&e, out, need + 1), need);
}

/* In memory of exactly that size, for the sanitizers. */
Test(event_wire, no_part_of_an_event_is_one)
{
	const struct health_event e = full_event();
	struct health_event got;
	size_t size, len;
	uint8_t *whole = encoded(&e, &size), *part;

	for (len = 0; len < size; len++) {
		part = malloc(len == 0 ? 1 : len);
		cr_assert_not_null(part);
		memcpy(part, whole, len);
		cr_expect_eq(event_decode(part, len, &got), 0, "%zu", len);
		free(part);
	}
	free(whole);
}

/* What stands behind an event is not looked at. */
Test(event_wire, events_in_a_row)
{
	uint8_t bytes[4 * EVENT_WIRE_MAX];
	struct health_event e = full_event(), got;
	size_t len = 0, at = 0;
	int i;

	for (i = 0; i < 4; i++) {
		e.at_ms = (uint64_t)i;
		e.listener = i % 2 == 0 ? NULL : "odd";
		len += event_encode(&e, bytes + len, sizeof(bytes) - len);
	}
	memset(bytes + len, 0xff, sizeof(bytes) - len);
	for (i = 0; i < 4; i++) {
		e.at_ms = (uint64_t)i;
		e.listener = i % 2 == 0 ? NULL : "odd";
		at += event_decode(bytes + at, sizeof(bytes) - at, &got);
		expect_same(&got, &e);
	}
	cr_expect_eq(at, len);
	cr_expect_eq(event_decode(bytes + at, sizeof(bytes) - at, &got), 0);
}

/* --- garbage --- */

/* Is the text, with its NUL, within the size bytes at in? */
static bool
is_inside(const char *text, const uint8_t *in, size_t size)
{
	const uintptr_t at = (uintptr_t)text, start = (uintptr_t)in;

	if (text == NULL)
		return true;
	return at >= start && at < start + size &&
	    memchr(text, '\0', start + size - at) != NULL;
}

/* Whatever was read is an event that others can rely on. Returns its size. */
static size_t
decode_garbage(const uint8_t *in, size_t size)
{
	struct health_event e;
	const size_t used = event_decode(in, size, &e);
	unsigned int i;

	if (used == 0)
		return 0;
	cr_assert_leq(used, size);
	cr_assert_eq(used % 8, 0);
	cr_assert_lt((unsigned int)e.type, EVENT_TYPE_COUNT);
	cr_assert_leq(e.fact_count, EVENT_FACTS_MAX);
	cr_assert(is_inside(e.listener, in, used));
	cr_assert(is_inside(e.peer, in, used));
	cr_assert(is_inside(e.reason, in, used));
	for (i = 0; i < e.fact_count; i++) {
		cr_assert_lt((unsigned int)e.facts[i].id, FACT_COUNT_OF_ALL);
		cr_assert(is_inside(e.facts[i].text, in, used));
		cr_assert_eq(e.facts[i].text != NULL,
		    fact_kind(e.facts[i].id) == FACT_TEXT);
	}
	return used;
}

Test(event_wire, each_byte_may_be_any)
{
	const struct health_event e = full_event();
	size_t size, i, good = 0;
	uint8_t *bytes = encoded(&e, &size);
	unsigned int value;

	for (i = 0; i < size; i++) {
		const uint8_t before = bytes[i];

		for (value = 0; value <= UINT8_MAX; value++) {
			bytes[i] = (uint8_t)value;
			good += decode_garbage(bytes, size) != 0;
		}
		bytes[i] = before;
	}
	cr_expect_eq(decode_garbage(bytes, size), size);
	cr_expect_gt(good, 0);
	cr_expect_lt(good, 256 * size);
	free(bytes);
}

Test(event_wire, random_garbage)
{
	size_t i, size, round;
	uint8_t *bytes;

	srandom(1);
	for (round = 0; round < 100000; round++) {
		size = (size_t)random() % 512;
		bytes = malloc(size + 1);
		cr_assert_not_null(bytes);
		for (i = 0; i < size; i++)
			bytes[i] = (uint8_t)random();
		/* Else hardly one would get past its head. */
		if (size > 16 && round % 2 == 0) {
			const uint16_t own = (uint16_t)(size & ~(size_t)7);

			memcpy(bytes + 8, &own, sizeof(own));
			bytes[10] %= EVENT_TYPE_COUNT;
			bytes[11] %= EVENT_FACTS_MAX + 1;
			bytes[12] %= 8;
			bytes[13] = 0;
			bytes[14] = 0;
			bytes[15] = 0;
		}
		(void)decode_garbage(bytes, size);
		free(bytes);
	}
}

/* Several bytes of an event at a time. */
Test(event_wire, damaged_events)
{
	const struct health_event e = full_event();
	size_t size, round, good = 0;
	uint8_t *whole = encoded(&e, &size), *bytes;
	int n;

	srandom(2);
	bytes = malloc(size);
	cr_assert_not_null(bytes);
	for (round = 0; round < 100000; round++) {
		memcpy(bytes, whole, size);
		for (n = (int)(random() % 4); n >= 0; n--)
			bytes[(size_t)random() % size] = (uint8_t)random();
		good += decode_garbage(bytes, size) != 0;
	}
	cr_expect_gt(good, 0);
	free(bytes);
	free(whole);
}

/* --- batches --- */

struct batch_case {
	uint32_t version;
	uint32_t count;
	size_t size; /* of the datagram */
	uint32_t want;
};

ParameterizedTestParameters(event_wire, batches)
{
	static struct batch_case cases[] = {
		{ EVENT_WIRE_VERSION, 1, 8 + 16, 1 },
		{ EVENT_WIRE_VERSION, 2, 8 + 32, 2 },
		{ EVENT_WIRE_VERSION, 2047, EVENT_BATCH_SIZE, 2047 },
		{ EVENT_WIRE_VERSION, 0, 8, 0 },
		{ EVENT_WIRE_VERSION, 0, 24, 0 },
		{ EVENT_WIRE_VERSION + 1, 1, 24, 0 },
		{ 0, 1, 24, 0 },
		{ EVENT_WIRE_VERSION, 1, 7, 0 },
		{ EVENT_WIRE_VERSION, 1, 0, 0 },
		{ EVENT_WIRE_VERSION, 1, EVENT_BATCH_SIZE + 1, 0 },
		/* So many have no room in it. */
		{ EVENT_WIRE_VERSION, 3, 8 + 32, 0 },
		{ EVENT_WIRE_VERSION, UINT32_MAX, EVENT_BATCH_SIZE, 0 },
	};

	return cr_make_param_array(struct batch_case, cases, COUNT(cases));
}

ParameterizedTest(struct batch_case *k, event_wire, batches)
{
	const struct event_batch head = { k->version, k->count };
	uint8_t *datagram = calloc(1, EVENT_BATCH_SIZE + 1);

	cr_assert_not_null(datagram);
	memcpy(datagram, &head, sizeof(head));
	cr_expect_eq(event_batch_count(datagram, k->size), k->want,
	    "%u of version %u in %zu bytes", k->count, k->version, k->size);
	free(datagram);
}
