#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/event_wire.h"
#include "store/db.h"
#include "store/epoch_store.h"
#include "store/event_log.h"
#include "store/queue.h"
#include "store/schema.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct origin supervisor = { .role = ROLE_SUPERVISOR };
static const struct origin pool_pos = { .role = ROLE_POOL, .pool = "pos" };
static const struct origin pool_big = { .role = ROLE_POOL, .pool = "big" };

static void
expect_detail(const struct health_event *e, const struct origin *origin,
    const char *want)
{
	char out[EVENT_LOG_DETAIL_SIZE];

	cr_expect_eq(event_log_detail(e, origin, out), strlen(want));
	cr_expect_str_eq(out, want, "%s", out);
}

Test(event_log, facts_become_json)
{
	struct health_event e = { .listener = "pos" };

	expect_detail(&e, &supervisor, "{}");
	event_add_number(&e, FACT_PID, 4242);
	event_add_number(&e, FACT_BYTES_IN, INT64_MIN);
	event_add_number(&e, FACT_QUEUE, 1);
	event_add_text(&e, FACT_ADDRESS, "::1");
	event_add_text(&e, FACT_PATH, "a\"b\\c");
	expect_detail(&e, &supervisor,
	    "{\"pid\":4242,\"bytes_in\":-9223372036854775808,\"queue\":true,"
	    "\"address\":\"::1\",\"path\":\"a\\\"b\\\\c\"}");
}

Test(event_log, the_pool_stands_there_where_it_is_another)
{
	struct health_event e = { .listener = "pos" };

	expect_detail(&e, &pool_pos, "{}");
	expect_detail(&e, &pool_big, "{\"pool\":\"big\"}");
	e.listener = NULL;
	expect_detail(&e, &pool_pos, "{\"pool\":\"pos\"}");
}

Test(event_log, a_worker_can_not_name_another_pool)
{
	struct health_event e = { .listener = "pos" };

	event_add_text(&e, FACT_POOL, "gps");
	expect_detail(&e, &pool_pos, "{}");
	expect_detail(&e, &pool_big, "{\"pool\":\"big\"}");
	expect_detail(&e, &supervisor, "{\"pool\":\"gps\"}");
}

/* Every text in it needs twice its length. */
Test(event_log, the_longest_detail_fits)
{
	static const struct origin quotes = { .role = ROLE_POOL,
		.pool =
		    "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
		    "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
		    "\"\"\"\"\"\"\"\"" };
	static const enum fact_id texts[] = { FACT_ADDRESS, FACT_PATH,
		FACT_ORIGIN, FACT_VERSION, FACT_CONNECTION, FACT_FILE };
	struct health_event e = { .listener = "pos" };
	char text[EVENT_FACT_TEXT_MAX + 1], out[EVENT_LOG_DETAIL_SIZE];
	size_t i;

	memset(text, '\\', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (i = 0; i < COUNT(texts); i++)
		event_add_text(&e, texts[i], text);
	for (; i < EVENT_FACTS_MAX; i++)
		event_add_number(&e, FACT_MAX_RESTARTS, INT64_MIN);
	cr_expect_gt(event_log_detail(&e, &quotes, out),
	    COUNT(texts) * 2 * EVENT_FACT_TEXT_MAX);
	cr_expect_eq(out[strlen(out) - 1], '}');
}

struct text_case {
	char text[32];
	char want[32];
};

ParameterizedTestParameters(event_log, texts_are_cleaned)
{
	static struct text_case cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "two\nlines\t", "two?lines?" },
		{ "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac" },
		{ "\xc3", "?" },
		{ "\xff\xfe", "??" },
		{ "\xed\xa0\x80", "???" },
		{ "0123456789abcdef", "0123456789abcde" },
		{ "0123456789abcd\xc3\xa4", "0123456789abcd" },
	};

	return cr_make_param_array(struct text_case, cases, COUNT(cases));
}

ParameterizedTest(struct text_case *k, event_log, texts_are_cleaned)
{
	char out[16];

	cr_expect_str_eq(event_log_clean(k->text, out, sizeof(out)), k->want,
	    "%s", out);
}

Test(event_log, a_time_far_ahead_is_not_believed)
{
	cr_expect_eq(event_log_time(500, 1000), 500);
	cr_expect_eq(event_log_time(2000, 1000), 2000);
	cr_expect_eq(event_log_time(UINT64_MAX, 1000), 1000);
	cr_expect_eq(event_log_time(INT64_MAX, -5), 0);
}

/* --- batches --- */

struct batch {
	size_t size;
	_Alignas(8) uint8_t bytes[EVENT_BATCH_SIZE];
};

static void
put(struct batch *b, enum event_type type, int64_t count)
{
	struct event_batch head = { EVENT_WIRE_VERSION, 0 };
	struct health_event e = { .at_ms = 1, .type = type, .listener = "pos" };

	if (b->size == 0)
		b->size = sizeof(head);
	else
		memcpy(&head, b->bytes, sizeof(head));
	if (count != 0)
		event_add_number(&e, FACT_COUNT, count);
	head.count++;
	memcpy(b->bytes, &head, sizeof(head));
	b->size +=
	    event_encode(&e, b->bytes + b->size, sizeof(b->bytes) - b->size);
}

static void
expect_check(const struct batch *b, enum role sender, uint32_t want,
    uint64_t want_dropped)
{
	uint64_t dropped = 99;

	cr_expect_eq(event_log_check(b->bytes, b->size, sender, &dropped),
	    want);
	cr_expect_eq(dropped, want_dropped);
}

Test(event_log, takes_what_a_sender_may_say)
{
	struct batch b = { 0 };

	put(&b, EVENT_CONNECTION_OPENED, 0);
	put(&b, EVENT_CONNECTION_CLOSED, 0);
	expect_check(&b, ROLE_POOL, 2, 0);
	expect_check(&b, ROLE_SUPERVISOR, 0, 0);
	put(&b, EVENT_DAEMON_STOPPED, 0);
	expect_check(&b, ROLE_POOL, 0, 0);
}

Test(event_log, counts_what_senders_dropped)
{
	struct batch b = { 0 };

	put(&b, EVENT_STORE_DROPPED, 7);
	put(&b, EVENT_CONNECTION_OPENED, 1000);
	put(&b, EVENT_STORE_DROPPED, 5);
	expect_check(&b, ROLE_POOL, 3, 12);
	put(&b, EVENT_STORE_DROPPED, -1);
	put(&b, EVENT_STORE_DROPPED, INT64_MAX);
	expect_check(&b, ROLE_POOL, 5, 12);
}

Test(event_log, a_batch_is_whole_or_none)
{
	struct batch b = { 0 };
	size_t whole;

	put(&b, EVENT_CONNECTION_OPENED, 0);
	put(&b, EVENT_CONNECTION_CLOSED, 0);
	whole = b.size;
	for (b.size = 0; b.size < whole; b.size++)
		expect_check(&b, ROLE_POOL, 0, 0);
	b.size = whole + 8;
	expect_check(&b, ROLE_POOL, 0, 0);
	b.size = whole;
	expect_check(&b, ROLE_POOL, 2, 0);
}

/* Nothing is believed: run with the sanitizers. */
Test(event_log, any_bytes_are_survived)
{
	struct batch good = { 0 }, b;
	unsigned int seed = 1, round;
	uint64_t dropped;

	put(&good, EVENT_STORE_DROPPED, 7);
	put(&good, EVENT_CONNECTION_CLOSED, 3);
	for (round = 0; round < 100000; round++) {
		b = good;
		b.bytes[(size_t)rand_r(&seed) % b.size] ^=
		    (uint8_t)(1u << (rand_r(&seed) % 8));
		b.bytes[(size_t)rand_r(&seed) % b.size] =
		    (uint8_t)rand_r(&seed);
		cr_assert_leq(
		    event_log_check(b.bytes, b.size, ROLE_POOL, &dropped), 2);
	}
}

Test(event_log, a_row_has_it_all)
{
	struct health_event e = { .type = EVENT_WORKER_CRASHED,
		.listener = "pos\x01",
		.reason = "signal 11" };
	const struct epoch_row row = { .id = 7, .at_ms = 1234 };
	struct db db = { 0 };

	event_add_number(&e, FACT_SIGNAL, 11);
	cr_assert_eq(db_open(&db, ":memory:"), 0);
	cr_assert_eq(db_exec(&db,
			 "CREATE TABLE network_health_events(id INTEGER "
			 "PRIMARY KEY, at_ms, type, severity, listener, peer, "
			 "reason, detail)"),
	    0);
	cr_assert_eq(event_log_insert(&db, &row, &e, &supervisor), 0, "%s",
	    db.text);
	cr_expect_eq(db_number(&db,
			 "SELECT count(*) FROM network_health_events WHERE "
			 "id = 7 AND at_ms = 1234 AND type = 'worker.crashed' "
			 "AND severity = 'error' AND listener = 'pos?' AND "
			 "peer IS NULL AND reason = 'signal 11' AND detail = "
			 "'{\"signal\":11}'",
			 -1),
	    1);
	cr_expect_eq(event_log_insert(&db, &row, &e, &supervisor),
	    SQLITE_CONSTRAINT_PRIMARYKEY);
	db_close(&db);
}
