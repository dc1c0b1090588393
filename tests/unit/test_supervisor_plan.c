#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct msg_plan_listener
make_item(const char *name)
{
	struct msg_plan_listener m = {
		.spec = { .pool = "shared",
		    .address = "127.0.0.1",
		    .port = 7007,
		    .nodelay = 1,
		    .workers = 2,
		    .backlog = 1024,
		    .mode = 0660,
		    .owner = SPEC_NO_ID,
		    .group = SPEC_NO_ID,
		    .keepalive = { 60, 10, 3 },
		    .drain_timeout_ms = 15000 },
		.origin = ORIGIN_FILE,
	};

	(void)snprintf(m.spec.name, sizeof(m.spec.name), "%s", name);
	return m;
}

static void
add(struct plan *p, const char *name)
{
	const struct msg_plan_listener m = make_item(name);
	struct err err = { 0 };

	cr_assert_eq(plan_add(p, &m, &err), 0, "%s", err.text);
}

static void
complete(struct plan *p)
{
	struct err err = { 0 };

	p->has_settings = true;
	cr_assert_eq(plan_complete(p, &err), 0, "%s", err.text);
}

Test(plan, an_empty_one_is_complete)
{
	struct plan p = { 0 };

	complete(&p);
	cr_expect_eq(p.count, 0);
	cr_expect_null(plan_find(&p, "pos"));
	plan_free(&p);
}

Test(plan, is_sorted_and_searched_by_name)
{
	static const char *const names[] = { "m", "b", "z", "a", "ab", "B",
		"\xc3\xa4" };
	static const char *const sorted[] = { "B", "a", "ab", "b", "m", "z",
		"\xc3\xa4" };
	static const char *const strangers[] = { "", "A", "aa", "c", "zz",
		"\xc3\xb6" };
	const struct msg_plan_listener *item;
	struct plan p = { 0 };
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		add(&p, names[i]);
	complete(&p);
	cr_assert_eq(p.count, COUNT(names));
	for (i = 0; i < COUNT(sorted); i++)
		cr_expect_str_eq(p.items[i].spec.name, sorted[i]);
	for (i = 0; i < COUNT(names); i++) {
		item = plan_find(&p, names[i]);
		cr_assert_not_null(item, "%s", names[i]);
		cr_expect_str_eq(item->spec.name, names[i]);
	}
	for (i = 0; i < COUNT(strangers); i++)
		cr_expect_null(plan_find(&p, strangers[i]), "%s", strangers[i]);
	plan_free(&p);
	cr_expect_null(p.items);
	cr_expect_eq(p.count, 0);
	cr_expect_not(p.has_settings);
	plan_free(&p);
}

/* Else a pool would be made with as many workers as there are CPUs. */
Test(plan, those_that_size_their_pool_come_first)
{
	static const char *const sorted[] = { "b", "d", "a", "c" };
	struct msg_plan_listener m;
	struct plan p = { 0 };
	struct err err = { 0 };
	const char name[] = "dcba";
	size_t i;

	for (i = 0; i < 4; i++) {
		m = make_item("");
		m.spec.name[0] = name[i];
		m.set = i % 2 == 0 ? OPTION_BIT(OPT_WORKERS) : 0;
		cr_assert_eq(plan_add(&p, &m, &err), 0, "%s", err.text);
	}
	complete(&p);
	for (i = 0; i < 4; i++) {
		cr_expect_str_eq(p.items[i].spec.name, sorted[i]);
		cr_expect_eq(plan_find(&p, sorted[i]), &p.items[i]);
	}
	cr_expect_null(plan_find(&p, "e"));
	plan_free(&p);
}

/* One of them sizes its pool, the other doesn't. */
Test(plan, a_name_that_came_twice_is_refused_wherever_it_is)
{
	struct msg_plan_listener m = make_item("b");
	struct plan p = { .has_settings = true };
	struct err err = { 0 };

	m.set = OPTION_BIT(OPT_WORKERS);
	add(&p, "a");
	add(&p, "b");
	cr_assert_eq(plan_add(&p, &m, &err), 0);
	cr_expect_eq(plan_complete(&p, &err), -1);
	cr_expect_not_null(strstr(err.text, "listener b "), "%s", err.text);
	plan_free(&p);
}

Test(plan, takes_thousands)
{
	struct plan p = { 0 };
	char name[16];
	unsigned int i;

	for (i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "l%u", (i * 7919) % 5000);
		add(&p, name);
	}
	complete(&p);
	cr_expect_eq(p.count, 5000);
	for (i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "l%u", i);
		cr_assert_not_null(plan_find(&p, name), "%s", name);
	}
	plan_free(&p);
}

Test(plan, a_name_that_came_twice_is_refused)
{
	struct plan p = { .has_settings = true };
	struct err err = { 0 };

	add(&p, "b");
	add(&p, "a");
	add(&p, "c");
	add(&p, "b");
	cr_expect_eq(plan_complete(&p, &err), -1);
	cr_expect_not_null(strstr(err.text, "listener b "), "%s", err.text);
	plan_free(&p);
}

Test(plan, is_not_complete_without_settings)
{
	struct plan p = { 0 };
	struct err err = { 0 };

	add(&p, "a");
	cr_expect_eq(plan_complete(&p, &err), -1);
	cr_expect_neq(err.text[0], '\0');
	plan_free(&p);
}

/* What mercury-config sends is not believed. */
Test(plan, a_bad_listener_is_refused)
{
	struct msg_plan_listener m = make_item("a");
	struct plan p = { 0 };
	struct err err = { 0 };

	m.spec.name[0] = '/';
	cr_expect_eq(plan_add(&p, &m, &err), -1);
	cr_expect_eq(err.code, ERR_INVALID);
	m = make_item("a");
	memset(m.spec.path, 'x', sizeof(m.spec.path));
	cr_expect_eq(plan_add(&p, &m, &err), -1);
	m = make_item("a");
	m.origin = ORIGIN_COUNT;
	cr_expect_eq(plan_add(&p, &m, &err), -1);
	m.origin = UINT32_MAX;
	cr_expect_eq(plan_add(&p, &m, &err), -1);
	cr_expect_eq(p.count, 0);
	m.origin = ORIGIN_COUNT - 1;
	cr_expect_eq(plan_add(&p, &m, &err), 0);
	cr_expect_eq(p.count, 1);
	plan_free(&p);
}

/* The same for the settings, whose strings others will read to their end. */
Test(plan, settings_with_a_string_without_end_are_refused)
{
	struct plan p = { .has_settings = true };
	struct err err = { 0 };

	memset(p.settings.control_socket, 'x',
	    sizeof(p.settings.control_socket));
	cr_expect_eq(plan_complete(&p, &err), -1, "control_socket");
	memset(&p.settings, 0, sizeof(p.settings));
	memset(p.settings.state_dir, 'x', sizeof(p.settings.state_dir));
	cr_expect_eq(plan_complete(&p, &err), -1, "state_dir");
	memset(&p.settings, 0, sizeof(p.settings));
	memset(p.settings.user, 'x', sizeof(p.settings.user));
	cr_expect_eq(plan_complete(&p, &err), -1, "user");
	plan_free(&p);
}

static void
change(struct listener_spec *s, enum listener_option id)
{
	switch (id) {
	case OPT_ADDRESS:
		(void)snprintf(s->address, sizeof(s->address), "::");
		break;
	case OPT_PORT:
		s->port = 7008;
		break;
	case OPT_PATH:
		(void)snprintf(s->path, sizeof(s->path), "/run/pos.sock");
		break;
	case OPT_MODE:
		s->mode = 0600;
		break;
	case OPT_OWNER:
		s->owner = 0;
		break;
	case OPT_GROUP:
		s->group = 0;
		break;
	case OPT_TRANSPORT:
		s->transport = TRANSPORT_UNIX;
		break;
	case OPT_PROTOCOL:
		s->protocol = PROTOCOL_DISCARD;
		break;
	case OPT_POOL:
		(void)snprintf(s->pool, sizeof(s->pool), "other");
		break;
	case OPT_WORKERS:
		s->workers = SPEC_WORKERS_AUTO;
		break;
	case OPT_BACKLOG:
		s->backlog = 1;
		break;
	case OPT_NODELAY:
		s->nodelay = 0;
		break;
	case OPT_KEEPALIVE:
		s->keepalive.idle_s = 0;
		break;
	case OPT_DRAIN_TIMEOUT:
		s->drain_timeout_ms = 0;
		break;
	case LISTENER_OPTION_COUNT:
		break;
	}
}

struct compare_case {
	enum listener_option changed[3]; /* ends with LISTENER_OPTION_COUNT */
	enum plan_change want;
};

#define END LISTENER_OPTION_COUNT

ParameterizedTestParameters(plan, finds_what_changed)
{
	static struct compare_case cases[] = {
		{ { END }, PLAN_KEEP },
		{ { OPT_ADDRESS, END }, PLAN_REPLACE },
		{ { OPT_PORT, END }, PLAN_MOVE },
		{ { OPT_PATH, END }, PLAN_MOVE },
		{ { OPT_MODE, END }, PLAN_REPLACE },
		{ { OPT_OWNER, END }, PLAN_REPLACE },
		{ { OPT_GROUP, END }, PLAN_REPLACE },
		{ { OPT_TRANSPORT, END }, PLAN_MOVE },
		{ { OPT_PROTOCOL, END }, PLAN_REPLACE },
		{ { OPT_POOL, END }, PLAN_REPLACE },
		{ { OPT_WORKERS, END }, PLAN_REPLACE },
		{ { OPT_BACKLOG, END }, PLAN_UPDATE },
		{ { OPT_NODELAY, END }, PLAN_UPDATE },
		{ { OPT_KEEPALIVE, END }, PLAN_UPDATE },
		{ { OPT_DRAIN_TIMEOUT, END }, PLAN_UPDATE },
		{ { OPT_BACKLOG, OPT_NODELAY, END }, PLAN_UPDATE },
		{ { OPT_KEEPALIVE, OPT_DRAIN_TIMEOUT, END }, PLAN_UPDATE },
		/* Whichever is found first, the stronger one counts. */
		{ { OPT_ADDRESS, OPT_BACKLOG, END }, PLAN_REPLACE },
		{ { OPT_WORKERS, OPT_DRAIN_TIMEOUT, END }, PLAN_REPLACE },
		/* At two ports both can be bound. */
		{ { OPT_PORT, OPT_PROTOCOL, END }, PLAN_MOVE },
		{ { OPT_PORT, OPT_ADDRESS, END }, PLAN_MOVE },
		{ { OPT_PORT, OPT_BACKLOG, END }, PLAN_MOVE },
		{ { OPT_TRANSPORT, OPT_PATH, END }, PLAN_MOVE },
	};

	return cr_make_param_array(struct compare_case, cases, COUNT(cases));
}

ParameterizedTest(struct compare_case *k, plan, finds_what_changed)
{
	const struct listener_spec running = make_item("pos").spec;
	struct listener_spec wanted = running;
	option_set changed = ~(option_set)0, want = 0;
	size_t i;

	for (i = 0; k->changed[i] != END; i++) {
		change(&wanted, k->changed[i]);
		want |= OPTION_BIT(k->changed[i]);
	}
	cr_expect_eq(plan_compare(&running, &wanted, &changed), k->want, "%s",
	    spec_option_name(k->changed[0]));
	cr_expect_eq(changed, want);
	cr_expect_eq(plan_compare(&wanted, &running, &changed), k->want);
	cr_expect_eq(changed, want);
}

/* The wanted port may be the very one that the kernel had chosen. */
Test(plan, a_port_that_was_left_to_the_kernel_is_in_the_way)
{
	const struct listener_spec wanted = make_item("pos").spec;
	struct listener_spec running = wanted;
	option_set changed;

	running.port = 0;
	cr_expect_eq(plan_compare(&running, &wanted, &changed), PLAN_REPLACE);
	cr_expect_eq(changed, OPTION_BIT(OPT_PORT));
	/* The other way round the kernel takes one that is free. */
	cr_expect_eq(plan_compare(&wanted, &running, &changed), PLAN_MOVE);
}
