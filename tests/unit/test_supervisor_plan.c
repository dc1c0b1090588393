#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct wanted
make_item(const char *name)
{
	struct wanted m = {
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
		    .drain_timeout_ms = 15000,
		    .required = 1,
		    .bind_attempts = 4,
		    .bind_backoff_ms = 1000,
		    .bind_backoff_max_ms = 30000,
		    .max_restarts = 10,
		    .max_seconds = 60,
		    .hang_timeout_ms = 10000,
		    .handshake_timeout_ms = 5000 },
		.origin = ORIGIN_FILE,
	};

	(void)snprintf(m.spec.name, sizeof(m.spec.name), "%s", name);
	return m;
}

static void
add(struct plan *p, const char *name)
{
	struct wanted m = make_item(name);
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
	const struct wanted *item;
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
	struct wanted m;
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
	struct wanted m = make_item("b");
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
	struct wanted m = make_item("a");
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
	case OPT_BIND_ATTEMPTS:
		s->bind_attempts = 9;
		break;
	case OPT_BIND_BACKOFF:
		s->bind_backoff_ms = 99;
		break;
	case OPT_BIND_BACKOFF_MAX:
		s->bind_backoff_max_ms = 999;
		break;
	case OPT_REQUIRED:
		s->required = !s->required;
		break;
	case OPT_RESTART:
		s->restart = RESTART_TEMPORARY;
		break;
	case OPT_MAX_RESTARTS:
		s->max_restarts = 99;
		break;
	case OPT_MAX_SECONDS:
		s->max_seconds = 99;
		break;
	case OPT_HANG_TIMEOUT:
		s->hang_timeout_ms = 9999;
		break;
	case OPT_RECORD_CONNECTIONS:
		s->record_connections = !s->record_connections;
		break;
	case OPT_HEALTH_PORT:
		s->health_port = 99;
		break;
	case OPT_MAX_CONNECTIONS:
		s->max_connections = 99;
		break;
	case OPT_OVERFLOW:
		s->overflow = OVERFLOW_REJECT;
		break;
	case OPT_ACCEPT_RATE:
		s->accept_rate = 99;
		break;
	case OPT_ACCEPT_BURST:
		s->accept_burst = 99;
		break;
	case OPT_IDLE_TIMEOUT:
		s->idle_timeout_ms = 99;
		break;
	case OPT_MAX_LIFETIME:
		s->max_lifetime_ms = 99;
		break;
	case OPT_HANDSHAKE_TIMEOUT:
		s->handshake_timeout_ms = 99;
		break;
	case OPT_ALLOW:
		s->bulks[BULK_ALLOW].digest++;
		break;
	case OPT_DENY:
		s->bulks[BULK_DENY].digest++;
		break;
	case OPT_PROBES:
		s->bulks[BULK_PROBES].digest++;
		break;
	case OPT_PROXY_PROTOCOL:
		s->proxy_protocol = PROXY_PROTOCOL_V2;
		break;
	case OPT_PROXY:
	case OPT_EXEC:
	case OPT_MODULE:
		s->bulks[BULK_PROTOCOL_PLAN].digest++;
		break;
	case OPT_USER:
		s->worker_uid = 7;
		break;
	case OPT_TLS:
		s->bulks[BULK_TLS_MATERIAL].digest++;
		break;
	case OPT_PROXY_TRUSTED:
		s->bulks[BULK_PROXY_TRUSTED].digest++;
		break;
	case OPT_USER_TIMEOUT:
		s->user_timeout_ms = 99;
		break;
	case LISTENER_OPTION_COUNT:
		break;
	}
}

struct compare_case {
	enum listener_option changed[3]; /* ends with LISTENER_OPTION_COUNT */
	enum plan_action want;
};

#define END LISTENER_OPTION_COUNT

Test(plan, finds_a_section_that_changed)
{
	static const struct {
		enum protocol_id protocol;
		enum listener_option section;
	} cases[] = { { PROTOCOL_PROXY, OPT_PROXY },
		{ PROTOCOL_EXEC, OPT_EXEC }, { PROTOCOL_MODULE, OPT_MODULE } };
	struct listener_spec running, wanted;
	option_set changed;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		running = make_item("pos").spec;
		running.protocol = (uint8_t)cases[i].protocol;
		wanted = running;
		change(&wanted, cases[i].section);
		cr_expect_eq(plan_compare(&running, &wanted, &changed),
		    PLAN_UPDATE);
		cr_expect_eq(changed, OPTION_BIT(cases[i].section));
		/* With another protocol both sections are others. */
		wanted.protocol = PROTOCOL_ECHO;
		cr_expect_eq(plan_compare(&running, &wanted, &changed),
		    PLAN_RESTART);
		cr_expect_eq(changed,
		    OPTION_BIT(cases[i].section) | OPTION_BIT(OPT_PROTOCOL));
	}
}

ParameterizedTestParameters(plan, finds_what_changed)
{
	static struct compare_case cases[] = {
		{ { END }, PLAN_KEEP },
		{ { OPT_ADDRESS, END }, PLAN_REBIND },
		{ { OPT_PORT, END }, PLAN_REBIND },
		{ { OPT_PATH, END }, PLAN_REBIND },
		{ { OPT_MODE, END }, PLAN_UPDATE },
		{ { OPT_OWNER, END }, PLAN_UPDATE },
		{ { OPT_GROUP, END }, PLAN_UPDATE },
		{ { OPT_TRANSPORT, END }, PLAN_REBIND },
		{ { OPT_PROTOCOL, END }, PLAN_RESTART },
		{ { OPT_POOL, END }, PLAN_REBIND },
		{ { OPT_WORKERS, END }, PLAN_RESTART },
		{ { OPT_BACKLOG, END }, PLAN_UPDATE },
		{ { OPT_BIND_ATTEMPTS, END }, PLAN_UPDATE },
		{ { OPT_BIND_BACKOFF, END }, PLAN_UPDATE },
		{ { OPT_BIND_BACKOFF_MAX, END }, PLAN_UPDATE },
		{ { OPT_REQUIRED, END }, PLAN_UPDATE },
		{ { OPT_RESTART, END }, PLAN_UPDATE },
		{ { OPT_MAX_RESTARTS, END }, PLAN_UPDATE },
		{ { OPT_MAX_SECONDS, END }, PLAN_UPDATE },
		{ { OPT_HANG_TIMEOUT, END }, PLAN_UPDATE },
		{ { OPT_RECORD_CONNECTIONS, END }, PLAN_UPDATE },
		/* Bound anew, its connections would have to end. */
		{ { OPT_HEALTH_PORT, END }, PLAN_UPDATE },
		{ { OPT_MAX_CONNECTIONS, END }, PLAN_UPDATE },
		{ { OPT_OVERFLOW, END }, PLAN_UPDATE },
		{ { OPT_ACCEPT_RATE, END }, PLAN_UPDATE },
		{ { OPT_ACCEPT_BURST, END }, PLAN_UPDATE },
		{ { OPT_IDLE_TIMEOUT, END }, PLAN_UPDATE },
		{ { OPT_MAX_LIFETIME, END }, PLAN_UPDATE },
		{ { OPT_USER_TIMEOUT, END }, PLAN_UPDATE },
		{ { OPT_HANDSHAKE_TIMEOUT, END }, PLAN_UPDATE },
		{ { OPT_ALLOW, END }, PLAN_UPDATE },
		{ { OPT_DENY, END }, PLAN_UPDATE },
		{ { OPT_PROBES, END }, PLAN_UPDATE },
		{ { OPT_PROXY_PROTOCOL, END }, PLAN_UPDATE },
		{ { OPT_PROXY_TRUSTED, END }, PLAN_UPDATE },
		{ { OPT_TLS, END }, PLAN_UPDATE },
		{ { OPT_USER, END }, PLAN_RESTART },
		{ { OPT_PORT, OPT_USER, END }, PLAN_REBIND },
		{ { OPT_NODELAY, END }, PLAN_UPDATE },
		{ { OPT_KEEPALIVE, END }, PLAN_UPDATE },
		{ { OPT_DRAIN_TIMEOUT, END }, PLAN_UPDATE },
		{ { OPT_BACKLOG, OPT_NODELAY, END }, PLAN_UPDATE },
		{ { OPT_KEEPALIVE, OPT_DRAIN_TIMEOUT, END }, PLAN_UPDATE },
		/* Whichever is found first, the stronger one counts. */
		{ { OPT_ADDRESS, OPT_BACKLOG, END }, PLAN_REBIND },
		{ { OPT_WORKERS, OPT_DRAIN_TIMEOUT, END }, PLAN_RESTART },
		{ { OPT_PORT, OPT_PROTOCOL, END }, PLAN_REBIND },
		{ { OPT_PORT, OPT_ADDRESS, END }, PLAN_REBIND },
		{ { OPT_PORT, OPT_BACKLOG, END }, PLAN_REBIND },
		{ { OPT_TRANSPORT, OPT_PATH, END }, PLAN_REBIND },
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

struct place_case {
	enum listener_option changed; /* of the wanted one */
	uint16_t port;                /* of the running one: bound */
	bool same;
};

ParameterizedTestParameters(plan, same_place)
{
	static struct place_case cases[] = {
		{ END, 7007, true },
		{ OPT_ADDRESS, 7007, false },
		{ OPT_PORT, 7007, false },
		{ OPT_PORT, 7008, true }, /* the kernel chose that very one */
		{ OPT_PATH, 7007, false },
		{ OPT_TRANSPORT, 7007, false },
		{ OPT_PROTOCOL, 7007, true },
		{ OPT_POOL, 7007, true },
	};

	return cr_make_param_array(struct place_case, cases, COUNT(cases));
}

ParameterizedTest(struct place_case *k, plan, same_place)
{
	const struct listener_spec running = make_item("pos").spec;
	struct listener_spec wanted = running;

	if (k->changed != END)
		change(&wanted, k->changed);
	cr_expect_eq(plan_same_place(&running, k->port, &wanted), k->same);
}

Test(plan, groups_and_their_children)
{
	const struct group_spec first = { .name = "g",
		.strategy = STRATEGY_REST_FOR_ONE,
		.max_seconds = 60 };
	const struct msg_plan_child a = { .name = "a" }, b = { .name = "b" };
	struct group_spec bad = first;
	struct msg_plan_child endless;
	struct plan p = { .count = 0 };
	struct err err;

	cr_expect_eq(plan_add_child(&p, &a, &err), -1, "there is no group");
	cr_assert_eq(plan_add_group(&p, &first, &err), 0);
	cr_assert_eq(plan_add_child(&p, &a, &err), 0);
	cr_assert_eq(plan_add_child(&p, &b, &err), 0);
	cr_expect_eq(p.groups_count, 1);
	cr_expect_eq(p.groups[0].count, 2);
	cr_expect_str_eq(p.groups[0].children[1], "b");
	bad.strategy = STRATEGY_COUNT;
	cr_expect_eq(plan_add_group(&p, &bad, &err), -1, "strategy");
	bad = first;
	bad.max_seconds = 0;
	cr_expect_eq(plan_add_group(&p, &bad, &err), -1, "max_seconds");
	memset(&endless, 'x', sizeof(endless));
	cr_expect_eq(plan_add_child(&p, &endless, &err), -1, "name");
	plan_free(&p);
}
