#include <criterion/criterion.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "common/event.h"
#include "common/role.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The names are stored: who changes one breaks what was recorded. */
Test(event, types)
{
	static const struct {
		enum event_type type;
		const char *name;
		enum event_severity severity;
		unsigned int senders;
	} some[] = {
		{ EVENT_DAEMON_STARTED, "daemon.started", EVENT_SEVERITY_INFO,
		    ROLE_SUPERVISOR },
		{ EVENT_LISTENER_BIND_RETRY, "listener.bind_retry",
		    EVENT_SEVERITY_WARNING, ROLE_SUPERVISOR },
		{ EVENT_WORKER_RESTART_LIMIT, "worker.restart_limit",
		    EVENT_SEVERITY_ERROR, ROLE_SUPERVISOR },
		{ EVENT_CONNECTION_OPENED, "connection.opened",
		    EVENT_SEVERITY_INFO, ROLE_POOL },
		{ EVENT_STORE_RECOVERED, "store.recovered",
		    EVENT_SEVERITY_WARNING, ROLE_STORE },
		{ EVENT_STORE_DROPPED, "store.dropped", EVENT_SEVERITY_WARNING,
		    ROLE_SUPERVISOR | ROLE_POOL | ROLE_STORE },
		{ EVENT_CLEANUP_COMPLETED, "cleanup.completed",
		    EVENT_SEVERITY_INFO, ROLE_STORE },
	};
	size_t i;

	for (i = 0; i < COUNT(some); i++) {
		cr_expect_str_eq(event_type_name(some[i].type), some[i].name);
		cr_expect_eq(event_type_severity(some[i].type),
		    some[i].severity, "%s", some[i].name);
		cr_expect_eq(event_type_senders(some[i].type), some[i].senders,
		    "%s", some[i].name);
	}
	cr_expect_null(event_type_name(EVENT_TYPE_COUNT));
	cr_expect_null(event_type_name(UINT_MAX));
}

Test(event, each_type_has_its_own_name_and_a_sender)
{
	unsigned int i, k;

	for (i = 0; i < EVENT_TYPE_COUNT; i++) {
		const char *name = event_type_name(i);

		cr_assert_not_null(strchr(name, '.'), "%s", name);
		cr_expect_neq(event_type_senders((enum event_type)i), 0, "%s",
		    name);
		for (k = 0; k < i; k++)
			cr_expect_str_neq(event_type_name(k), name);
	}
}

/* A filter has a bit for each (struct event_filter). */
Test(event, a_set_of_types_fits_into_64_bits)
{
	cr_expect_leq((int)EVENT_TYPE_COUNT, 64);
	cr_expect_leq((int)EVENT_SEVERITY_COUNT, 32);
}

Test(event, severities)
{
	cr_expect_str_eq(event_severity_name(EVENT_SEVERITY_INFO), "info");
	cr_expect_str_eq(event_severity_name(EVENT_SEVERITY_WARNING),
	    "warning");
	cr_expect_str_eq(event_severity_name(EVENT_SEVERITY_ERROR), "error");
	cr_expect_null(event_severity_name(EVENT_SEVERITY_COUNT));
	cr_expect_null(event_severity_name(UINT_MAX));
}

Test(event, facts)
{
	unsigned int i, k;

	cr_expect_str_eq(fact_key(FACT_PID), "pid");
	cr_expect_eq(fact_kind(FACT_PID), FACT_NUMBER);
	cr_expect_str_eq(fact_key(FACT_QUEUE), "queue");
	cr_expect_eq(fact_kind(FACT_QUEUE), FACT_BOOL);
	cr_expect_str_eq(fact_key(FACT_FILE), "file");
	cr_expect_eq(fact_kind(FACT_FILE), FACT_TEXT);
	cr_expect_null(fact_key(FACT_COUNT_OF_ALL));
	cr_expect_null(fact_key(UINT_MAX));
	for (i = 0; i < FACT_COUNT_OF_ALL; i++)
		for (k = 0; k < i; k++)
			cr_expect_str_neq(fact_key(i), fact_key(k));
}

Test(event, facts_are_added_while_there_is_room)
{
	struct health_event e = { .type = EVENT_WORKER_CRASHED };
	int i;

	event_add_number(&e, FACT_PID, -1);
	event_add_text(&e, FACT_POOL, "pos");
	cr_assert_eq(e.fact_count, 2);
	cr_expect_eq(e.facts[0].id, FACT_PID);
	cr_expect_eq(e.facts[0].number, -1);
	cr_expect_null(e.facts[0].text);
	cr_expect_eq(e.facts[1].id, FACT_POOL);
	cr_expect_str_eq(e.facts[1].text, "pos");
	for (i = 0; i < 2 * (int)EVENT_FACTS_MAX; i++) {
		event_add_number(&e, FACT_SLOT, i);
		event_add_text(&e, FACT_FILE, "f");
	}
	cr_expect_eq(e.fact_count, EVENT_FACTS_MAX);
	cr_expect_eq(e.facts[0].number, -1);
}

/* The reader would take the event for broken. */
Test(event, a_fact_without_its_text_is_left_out)
{
	struct health_event e = { .type = EVENT_STORE_RECOVERED };

	event_add_text(&e, FACT_FILE, NULL);
	cr_expect_eq(e.fact_count, 0);
}
