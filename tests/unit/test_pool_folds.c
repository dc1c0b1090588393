/* One event a second for each type and reason (folds.h). */
#include "pool/folds.h"

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/event_sink.h"
#include "common/event_wire.h"
#include "common/spec.h"
#include "pool/conn_list.h"
#include "pool/worker.h"

static struct {
	struct event_base *base;
	struct worker worker;
	struct listener_spec spec;
	struct conn_list list;
	int store; /* the store's end */
	uint8_t datagram[EVENT_BATCH_SIZE];
} t;

static void
setup(void)
{
	struct err err;
	int ends[2];

	t.base = event_base_new();
	cr_assert_eq(event_sink_pair(ends, &err), 0);
	t.store = ends[0];
	t.worker.base = t.base;
	t.worker.events = event_sink_new(t.base, ends[1], &err);
	cr_assert_not_null(t.worker.events);
	t.list.worker = &t.worker;
	t.list.spec = &t.spec;
	memcpy(t.spec.name, "pos", sizeof("pos"));
}

static void
teardown(void)
{
	event_sink_free(&t.worker.events);
	(void)close(t.store);
	event_base_free(t.base);
}

TestSuite(folds, .init = setup, .fini = teardown, .timeout = 20);

/* What has been sent, as events; texts live in t.datagram. */
static unsigned int
receive(struct health_event *events, unsigned int max)
{
	ssize_t n, at = sizeof(struct event_batch);
	unsigned int count = 0;
	size_t size;

	event_sink_flush(t.worker.events);
	n = recv(t.store, t.datagram, sizeof(t.datagram), MSG_DONTWAIT);
	for (; at < n && count < max; at += (ssize_t)size) {
		size = event_decode(t.datagram + at, (size_t)(n - at),
		    &events[count++]);
		cr_assert_neq(size, 0);
	}
	return count;
}

/* The same, as soon as there is any. */
static unsigned int
wait_for(struct health_event *events, unsigned int max)
{
	unsigned int count;

	while ((count = receive(events, max)) == 0)
		(void)event_base_loop(t.base, EVLOOP_ONCE);
	return count;
}

static void
expect(const struct health_event *e, enum event_type type, const char *reason,
    int64_t count)
{
	cr_expect_eq(e->type, type);
	cr_expect_str_eq(e->listener, "pos");
	cr_expect_str_eq(e->reason, reason);
	cr_assert_eq(e->fact_count, 1);
	cr_expect_eq(e->facts[0].id, FACT_COUNT);
	cr_expect_eq(e->facts[0].number, count);
}

Test(folds, one_event_for_each_type_and_reason)
{
	struct health_event e[8];
	char reason[] = "deny";
	int i;

	for (i = 0; i < 1000; i++)
		folds_add(&t.list, EVENT_CONNECTION_REJECTED, "limit",
		    i == 999 ? "192.0.2.9:5" : "192.0.2.1:5");
	folds_add(&t.list, EVENT_CONNECTION_DENIED, "deny", "192.0.2.2:5");
	folds_add(&t.list, EVENT_CONNECTION_DENIED, reason, "192.0.2.3:5");
	folds_add(&t.list, EVENT_CONNECTION_DENIED, "allow", NULL);
	cr_expect_eq(receive(e, 8), 0, "not before the second is over");
	cr_assert_eq(wait_for(e, 8), 3);
	expect(&e[0], EVENT_CONNECTION_DENIED, "allow", 1);
	cr_expect_null(e[0].peer);
	expect(&e[1], EVENT_CONNECTION_DENIED, "deny", 2);
	cr_expect_str_eq(e[1].peer, "192.0.2.3:5");
	expect(&e[2], EVENT_CONNECTION_REJECTED, "limit", 1000);
	cr_expect_str_eq(e[2].peer, "192.0.2.9:5");

	/* And another second with what has happened in it. */
	folds_add(&t.list, EVENT_CONNECTION_DENIED, "deny", "");
	cr_assert_eq(wait_for(e, 8), 1);
	expect(&e[0], EVENT_CONNECTION_DENIED, "deny", 1);
	cr_expect_null(e[0].peer);
	folds_end(&t.list);
	cr_expect_eq(receive(e, 8), 0);
}

Test(folds, the_end_tells_what_is_left)
{
	struct health_event e[8];

	folds_add(&t.list, EVENT_CONNECTION_HANDSHAKE_FAILED, "not_tls",
	    "192.0.2.1:5");
	folds_end(&t.list);
	cr_assert_eq(receive(e, 8), 1);
	expect(&e[0], EVENT_CONNECTION_HANDSHAKE_FAILED, "not_tls", 1);
	folds_end(&t.list);
}

Test(folds, without_a_store_nothing_is_kept)
{
	event_sink_free(&t.worker.events);
	folds_add(&t.list, EVENT_CONNECTION_REJECTED, "limit", NULL);
	cr_expect_null(t.list.folds.due);
	cr_expect(SLIST_EMPTY(&t.list.folds.all));
	folds_end(&t.list);
}
