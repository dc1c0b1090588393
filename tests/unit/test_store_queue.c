#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/event_wire.h"
#include "store/queue.h"

static const struct origin pos = { .role = ROLE_POOL, .pool = "pos" };
static const struct origin gps = { .role = ROLE_POOL, .pool = "gps" };

static struct queue q;

static void
make(void)
{
	queue_init(&q);
}

static void
clear(void)
{
	queue_clear(&q);
	cr_expect_eq(q.events, 0);
	cr_expect_eq(q.bytes, 0);
}

TestSuite(queue, .init = make, .fini = clear);

/* A batch whose reasons are first, first + 1 and so on. */
static void
add(const struct origin *origin, unsigned int first, uint32_t count)
{
	_Alignas(8) static uint8_t bytes[EVENT_BATCH_SIZE];
	const struct event_batch head = { EVENT_WIRE_VERSION, count };
	size_t size = sizeof(head);
	char reason[16];
	uint32_t i;

	memcpy(bytes, &head, sizeof(head));
	for (i = 0; i < count; i++) {
		const struct health_event e = { .type = EVENT_WORKER_STARTED,
			.reason = reason };

		(void)snprintf(reason, sizeof(reason), "%u", first + i);
		size += event_encode(&e, bytes + size, sizeof(bytes) - size);
	}
	cr_assert_eq(queue_add(&q, origin, bytes, size, count, 1000 + first),
	    0);
}

/* The next one must be this. */
static void
expect(struct queue_place *p, unsigned int want, const char *pool)
{
	struct health_event e;
	const struct origin *origin = queue_next(p, &e);
	char reason[16];

	(void)snprintf(reason, sizeof(reason), "%u", want);
	cr_assert_not_null(origin, "%u", want);
	cr_expect_str_eq(e.reason, reason);
	cr_expect_str_eq(origin->pool, pool);
}

static void
expect_end(struct queue_place *p)
{
	struct health_event e;

	cr_expect_null(queue_next(p, &e));
	cr_expect_null(queue_next(p, &e));
}

Test(queue, gives_them_in_order)
{
	struct queue_place p;

	add(&pos, 1, 2);
	add(&gps, 3, 1);
	p = queue_first(&q);
	expect(&p, 1, "pos");
	expect(&p, 2, "pos");
	expect(&p, 3, "gps");
	expect_end(&p);
	cr_expect_eq(p.passed, 3);
	cr_expect_eq(q.events, 3, "looking takes nothing away");
}

Test(queue, an_empty_one_has_none)
{
	struct queue_place p = queue_first(&q);

	expect_end(&p);
	queue_settle(&q, &p);
	cr_expect_eq(queue_since_ms(&q), 0);
	cr_expect_not(queue_is_full(&q));
}

Test(queue, what_is_not_settled_comes_again)
{
	struct queue_place p;

	add(&pos, 1, 3);
	p = queue_first(&q);
	expect(&p, 1, "pos");
	p = queue_first(&q);
	expect(&p, 1, "pos");
}

Test(queue, settles_in_the_middle_of_a_batch)
{
	struct queue_place p;

	add(&pos, 1, 3);
	add(&gps, 4, 2);
	p = queue_first(&q);
	expect(&p, 1, "pos");
	expect(&p, 2, "pos");
	queue_settle(&q, &p);
	cr_expect_eq(q.events, 3);
	cr_expect_eq(queue_since_ms(&q), 1001);
	p = queue_first(&q);
	cr_expect_eq(p.passed, 0);
	expect(&p, 3, "pos");
	expect(&p, 4, "gps");
	queue_settle(&q, &p);
	cr_expect_eq(q.events, 1);
	cr_expect_eq(queue_since_ms(&q), 1004);
}

Test(queue, settles_up_to_the_end_of_a_batch)
{
	struct queue_place p;

	add(&pos, 1, 1);
	add(&gps, 2, 1);
	p = queue_first(&q);
	expect(&p, 1, "pos");
	queue_settle(&q, &p);
	cr_expect_eq(q.events, 1);
	p = queue_first(&q);
	expect(&p, 2, "gps");
	expect_end(&p);
	queue_settle(&q, &p);
	cr_expect_eq(q.events, 0);
	cr_expect_eq(q.bytes, 0);
}

Test(queue, what_came_meanwhile_stays)
{
	struct queue_place p;

	add(&pos, 1, 2);
	p = queue_first(&q);
	expect(&p, 1, "pos");
	expect(&p, 2, "pos");
	add(&gps, 3, 1);
	queue_settle(&q, &p);
	cr_expect_eq(q.events, 1);
	p = queue_first(&q);
	expect(&p, 3, "gps");
}

Test(queue, is_full_by_number)
{
	unsigned int i;

	for (i = 0; q.events + 100 < QUEUE_EVENTS_MAX; i++)
		add(&pos, i, 100);
	cr_expect_not(queue_is_full(&q));
	add(&pos, i, 100);
	cr_expect(queue_is_full(&q));
	add(&pos, i, 1);
	cr_expect_eq(q.events, QUEUE_EVENTS_MAX + 1, "nothing is refused");
}

Test(queue, is_full_by_size)
{
	static uint8_t bytes[EVENT_BATCH_SIZE];
	unsigned int i;

	for (i = 0; i < QUEUE_BYTES_MAX / sizeof(bytes); i++) {
		cr_expect_not(queue_is_full(&q));
		cr_assert_eq(queue_add(&q, &pos, bytes, sizeof(bytes), 1, 1),
		    0);
	}
	cr_expect(queue_is_full(&q));
}
