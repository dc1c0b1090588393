#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "config/conflict.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct listener_spec
tcp_spec(const char *name, const char *address, uint16_t port)
{
	struct listener_spec s = { .port = port };

	(void)snprintf(s.name, sizeof(s.name), "%s", name);
	(void)snprintf(s.pool, sizeof(s.pool), "%s", name);
	(void)snprintf(s.address, sizeof(s.address), "%s", address);
	return s;
}

struct port_case {
	char first[32];
	char second[32];
	bool clash;
};

ParameterizedTestParameters(conflict, of_addresses_on_one_port)
{
	static struct port_case cases[] = {
		{ "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1", "127.0.0.2", false },
		{ "0.0.0.0", "127.0.0.1", true },
		{ "0.0.0.0", "0.0.0.0", true },
		{ "0.0.0.0", "::", true },
		{ "0.0.0.0", "::1", false },
		{ "::", "::", true },
		{ "::", "::1", true },
		{ "::", "127.0.0.1", true },
		{ "::1", "::1", true },
		{ "::1", "0:0:0:0:0:0:0:1", true },
		{ "::1", "::2", false },
		{ "::1", "127.0.0.1", false },
		{ "::ffff:127.0.0.1", "127.0.0.1", true },
		{ "::ffff:127.0.0.1", "0.0.0.0", true },
		{ "::ffff:127.0.0.1", "::1", false },
		{ "::ffff:0.0.0.0", "10.0.0.1", true },
		{ "::ffff:0.0.0.0", "::1", false },
	};

	return cr_make_param_array(struct port_case, cases, COUNT(cases));
}

static void
expect_clash(const char *first, const char *second, bool clash)
{
	const struct listener_spec a = tcp_spec("a", first, 7007);
	const struct listener_spec b = tcp_spec("b", second, 7007);
	const struct listener_spec c = tcp_spec("c", second, 7008);
	json_t *taken = json_object();
	struct err err = { 0 };

	cr_expect_eq(conflict_take(taken, &a, 0, "f:1", &err), 0);
	cr_expect_eq(conflict_take(taken, &b, 0, "f:2", &err), clash ? -1 : 0,
	    "%s and %s", first, second);
	if (clash)
		cr_expect_str_eq(err.text,
		    "port: 7007 is taken by listener \"a\" at f:1 already");
	cr_expect_eq(conflict_take(taken, &c, 0, "f:3", &err), 0,
	    "another port");
	json_decref(taken);
}

ParameterizedTest(struct port_case *k, conflict, of_addresses_on_one_port)
{
	expect_clash(k->first, k->second, k->clash);
	expect_clash(k->second, k->first, k->clash);
}

struct health_case {
	uint16_t port[2];
	uint16_t health_port[2];
	char address[16]; /* of the second; empty: a Unix socket */
	char error[80];   /* empty: none */
};

ParameterizedTestParameters(conflict, of_health_ports)
{
	static struct health_case cases[] = {
		{ { 1, 2 }, { 8, 9 }, "127.0.0.1", "" },
		{ { 1, 2 }, { 0, 0 }, "127.0.0.1", "" },
		{ { 1, 2 }, { 8, 8 }, "127.0.0.1",
		    "health_port: 8 is taken by listener \"a\" at f:1 "
		    "already" },
		{ { 1, 2 }, { 8, 8 }, "0.0.0.0",
		    "health_port: 8 is taken by listener \"a\" at f:1 "
		    "already" },
		{ { 1, 2 }, { 8, 8 }, "127.0.0.2", "" },
		{ { 1, 2 }, { 8, 8 }, "",
		    "health_port: 8 is taken by listener \"a\" at f:1 "
		    "already" },
		{ { 1, 2 }, { 8, 1 }, "127.0.0.1",
		    "health_port: 1 is taken by listener \"a\" at f:1 "
		    "already" },
		{ { 1, 8 }, { 8, 0 }, "127.0.0.1",
		    "port: 8 is taken by listener \"a\" at f:1 already" },
		{ { 1, 2 }, { 8, 9 }, "", "" },
	};

	return cr_make_param_array(struct health_case, cases, COUNT(cases));
}

ParameterizedTest(struct health_case *k, conflict, of_health_ports)
{
	struct listener_spec a = tcp_spec("a", "127.0.0.1", k->port[0]);
	struct listener_spec b = tcp_spec("b", k->address, k->port[1]);
	struct listener_spec c = tcp_spec("c", "127.0.0.1", k->port[1]);
	json_t *taken = json_object();
	struct err err = { 0 };

	a.health_port = k->health_port[0];
	b.health_port = k->health_port[1];
	if (k->address[0] == '\0') {
		b.transport = TRANSPORT_UNIX;
		(void)strcpy(b.path, "/run/b.sock");
	}
	cr_expect_eq(conflict_take(taken, &a, 0, "f:1", &err), 0);
	cr_expect_eq(conflict_take(taken, &b, 0, "f:2", &err),
	    k->error[0] == '\0' ? 0 : -1);
	cr_expect_str_eq(err.text, k->error);
	/* Then it has not taken its own port, either. */
	if (k->error[0] != '\0' && k->port[1] == 2)
		cr_expect_eq(conflict_take(taken, &c, 0, "f:3", &err), 0);
	json_decref(taken);
}

Test(conflict, port_0_is_never_taken)
{
	const struct listener_spec a = tcp_spec("a", "::", 0);
	json_t *taken = json_object();
	struct err err;

	cr_expect_eq(conflict_take(taken, &a, 0, "f:1", &err), 0);
	cr_expect_eq(conflict_take(taken, &a, 0, "f:2", &err), 0);
	json_decref(taken);
}

Test(conflict, who_is_refused_takes_nothing)
{
	const struct listener_spec a = tcp_spec("a", "127.0.0.1", 1);
	struct listener_spec b = tcp_spec("b", "0.0.0.0", 1);
	const struct listener_spec c = tcp_spec("c", "127.0.0.2", 1);
	struct listener_spec d = tcp_spec("d", "127.0.0.2", 2);
	const option_set sized = OPTION_BIT(OPT_WORKERS);
	json_t *taken = json_object();
	struct err err = { 0 };

	b.workers = 2;
	d.workers = 3;
	(void)strcpy(d.pool, "b");
	cr_expect_eq(conflict_take(taken, &a, 0, "f:1", &err), 0);
	cr_expect_eq(conflict_take(taken, &b, sized, "f:2", &err), -1);
	cr_expect_eq(conflict_take(taken, &c, 0, "f:3", &err), 0, "%s",
	    err.text);
	cr_expect_eq(conflict_take(taken, &d, sized, "f:4", &err), 0, "%s",
	    err.text);
	json_decref(taken);
}

Test(conflict, of_paths)
{
	struct listener_spec a = tcp_spec("a", "", 0);
	json_t *taken = json_object();
	struct err err = { 0 };

	a.transport = TRANSPORT_UNIX;
	(void)strcpy(a.path, "/run/a.sock");
	cr_expect_eq(conflict_take(taken, &a, 0, "f:1", &err), 0);
	cr_expect_eq(conflict_take(taken, &a, 0, "f:2", &err), -1);
	cr_expect_str_eq(err.text,
	    "path: /run/a.sock is taken by listener \"a\" at f:1 already");
	(void)strcpy(a.path, "/run/b.sock");
	cr_expect_eq(conflict_take(taken, &a, 0, "f:2", &err), 0);
	json_decref(taken);
}

Test(conflict, of_the_size_of_a_pool)
{
	struct listener_spec a = tcp_spec("a", "::1", 1);
	struct listener_spec b = tcp_spec("b", "::1", 2);
	const option_set sized = OPTION_BIT(OPT_WORKERS);
	json_t *taken = json_object();
	struct err err = { 0 };

	(void)strcpy(a.pool, "p");
	(void)strcpy(b.pool, "p");
	a.workers = 2;
	b.workers = 3;
	cr_expect_eq(conflict_take(taken, &a, sized, "f:1", &err), 0);
	cr_expect_eq(conflict_take(taken, &b, sized, "f:2", &err), -1);
	cr_expect_str_eq(err.text,
	    "workers: pool p can't have 3: listener \"a\" at f:1 wants 2");
	cr_expect_eq(conflict_take(taken, &b, 0, "f:2", &err), 0,
	    "who says nothing takes what there is");
	b.port = 3;
	b.workers = 2;
	cr_expect_eq(conflict_take(taken, &b, sized, "f:3", &err), 0);
	b.port = 4;
	b.workers = 3;
	(void)strcpy(b.pool, "q");
	cr_expect_eq(conflict_take(taken, &b, sized, "f:4", &err), 0);
	json_decref(taken);
}

struct pool_case {
	enum listener_option id;
	char error[96];
};

ParameterizedTestParameters(conflict, of_what_a_pool_is)
{
	static struct pool_case cases[] = {
		{ OPT_WORKERS, "workers: pool p can't have 3: %s wants 2" },
		{ OPT_RESTART,
		    "restart: pool p can't have temporary: %s wants "
		    "permanent" },
		{ OPT_MAX_RESTARTS,
		    "max_restarts: pool p can't have 8: %s wants 7" },
		{ OPT_MAX_SECONDS,
		    "max_seconds: pool p can't have 61: %s wants 60" },
		{ OPT_HANG_TIMEOUT,
		    "hang_timeout: pool p can't have 1m: %s wants 10s" },
	};

	return cr_make_param_array(struct pool_case, cases, COUNT(cases));
}

ParameterizedTest(struct pool_case *k, conflict, of_what_a_pool_is)
{
	struct listener_spec a = tcp_spec("a", "::1", 1);
	struct listener_spec b = tcp_spec("b", "::1", 2);
	const option_set all = OPTION_BIT(OPT_WORKERS) |
	    OPTION_BIT(OPT_RESTART) | OPTION_BIT(OPT_MAX_RESTARTS) |
	    OPTION_BIT(OPT_MAX_SECONDS) | OPTION_BIT(OPT_HANG_TIMEOUT);
	json_t *taken = json_object();
	struct err err = { 0 };
	char want[160];

	(void)strcpy(a.pool, "p");
	(void)strcpy(b.pool, "p");
	a.workers = 2;
	a.restart = RESTART_PERMANENT;
	a.max_restarts = 7;
	a.max_seconds = 60;
	a.hang_timeout_ms = 10000;
	b.workers = 3;
	b.restart = RESTART_TEMPORARY;
	b.max_restarts = 8;
	b.max_seconds = 61;
	b.hang_timeout_ms = 60000;
	cr_expect_eq(conflict_take(taken, &a, all, "f:1", &err), 0);
	cr_expect_eq(conflict_take(taken, &b, OPTION_BIT(k->id), "f:2", &err),
	    -1);
	(void)snprintf(want, sizeof(want), "%.*s%s%s",
	    (int)(strstr(k->error, "%s") - k->error), k->error,
	    "listener \"a\" at f:1", strstr(k->error, "%s") + 2);
	cr_expect_str_eq(err.text, want);
	/* Another option alone does not clash, nor another pool. */
	(void)strcpy(b.pool, "q");
	cr_expect_eq(conflict_take(taken, &b, all, "f:2", &err), 0);
	json_decref(taken);
}

Test(conflict, a_long_place_loses_its_beginning)
{
	const struct listener_spec a = tcp_spec("a", "::1", 1);
	json_t *taken = json_object();
	struct err err = { 0 };
	char where[600];

	memset(where, 'x', sizeof(where));
	(void)strcpy(where + sizeof(where) - 8, "end.c:7");
	cr_expect_eq(conflict_take(taken, &a, 0, where, &err), 0);
	cr_expect_eq(conflict_take(taken, &a, 0, where, &err), -1);
	cr_expect_not_null(strstr(err.text, "xend.c:7 already"), "%s",
	    err.text);
	json_decref(taken);
}
