#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/spec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SECTIONS \
	(OPTION_BIT(OPT_PROXY) | OPTION_BIT(OPT_EXEC) | OPTION_BIT(OPT_MODULE))

/* What makes no sense for a TCP listener. */
#define OF_UNIX                                                                \
	(OPTION_BIT(OPT_PATH) | OPTION_BIT(OPT_MODE) | OPTION_BIT(OPT_OWNER) | \
	    OPTION_BIT(OPT_GROUP))
#define OF_TCP                                                    \
	(OPTION_BIT(OPT_PORT) | OPTION_BIT(OPT_ADDRESS) |         \
	    OPTION_BIT(OPT_NODELAY) | OPTION_BIT(OPT_KEEPALIVE) | \
	    OPTION_BIT(OPT_ALLOW) | OPTION_BIT(OPT_DENY) |        \
	    OPTION_BIT(OPT_PROBES))

static struct listener_spec
tcp_spec(void)
{
	const struct listener_spec s = {
		.name = "pos",
		.pool = "pos",
		.address = "::",
		.port = 7007,
		.transport = TRANSPORT_TCP,
		.protocol = PROTOCOL_ECHO,
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
		.handshake_timeout_ms = 5000,
	};

	return s;
}

static struct listener_spec
unix_spec(void)
{
	struct listener_spec s = tcp_spec();

	s.transport = TRANSPORT_UNIX;
	s.address[0] = '\0';
	s.port = 0;
	(void)snprintf(s.path, sizeof(s.path), "/run/pos.sock");
	return s;
}

struct name_case {
	char name[80];
	int want;
};

#define BYTES_64                           \
	"12345678901234567890123456789012" \
	"34567890123456789012345678901234"

ParameterizedTestParameters(spec, checks_names)
{
	static struct name_case cases[] = {
		{ "a", 0 },
		{ "pos-1.two_3", 0 },
		{ "..", 0 },
		{ " a b ", 0 },
		{ "\"'`$;&", 0 },
		{ "~", 0 },
		{ BYTES_64, 0 },
		{ "\xc2\xa0", 0 },
		{ "\xc3\xa4", 0 },
		{ "\xdf\xbf", 0 },
		{ "\xe0\xa0\x80", 0 },
		{ "\xe2\x82\xac", 0 },
		{ "\xed\x9f\xbf", 0 },
		{ "\xee\x80\x80", 0 },
		{ "\xef\xbf\xbd", 0 },
		{ "\xf0\x90\x80\x80", 0 },
		{ "\xf4\x8f\xbf\xbf", 0 },
		{ "", -1 },
		{ BYTES_64 "5", -1 },
		{ "/", -1 },
		{ "a/b", -1 },
		{ "a\nb", -1 },
		{ "a\tb", -1 },
		{ "\x01", -1 },
		{ "\x1f", -1 },
		{ "\x7f", -1 },
		{ "\x80", -1 },                 /* no lead byte */
		{ "a\xbf", -1 },                /* the same */
		{ "\xc0\xaf", -1 },             /* "/" written too long */
		{ "\xc1\xbf", -1 },             /* too long */
		{ "\xc2\x80", -1 },             /* C1 */
		{ "\xc2\x9f", -1 },             /* C1 */
		{ "\xc2", -1 },                 /* cut */
		{ "\xc3(", -1 },                /* not continued */
		{ "\xe0\x9f\xbf", -1 },         /* too long */
		{ "\xe2\x82", -1 },             /* cut */
		{ "\xe2\x82(", -1 },            /* not continued */
		{ "\xed\xa0\x80", -1 },         /* surrogate */
		{ "\xed\xbf\xbf", -1 },         /* surrogate */
		{ "\xf0\x8f\xbf\xbf", -1 },     /* too long */
		{ "\xf0\x90\x80", -1 },         /* cut */
		{ "\xf4\x90\x80\x80", -1 },     /* beyond U+10FFFF */
		{ "\xf5\x80\x80\x80", -1 },     /* beyond */
		{ "\xf8\x88\x80\x80\x80", -1 }, /* five bytes */
		{ "\xff", -1 },
	};

	return cr_make_param_array(struct name_case, cases, COUNT(cases));
}

ParameterizedTest(struct name_case *k, spec, checks_names)
{
	struct err err = { 0 };

	cr_expect_eq(spec_check_name("listener name", k->name, &err), k->want,
	    "%s", err.text);
	if (k->want == 0)
		return;
	cr_expect_eq(err.code, ERR_INVALID);
	cr_expect_eq(strncmp(err.text, "listener name ", 14), 0, "%s",
	    err.text);
}

/* A name is at most 64 bytes; the last sequence may not be cut by that. */
Test(spec, a_name_may_not_end_within_a_character)
{
	struct err err;
	char name[SPEC_NAME_SIZE];

	memset(name, 'x', sizeof(name));
	name[SPEC_NAME_SIZE - 1] = '\0';
	name[SPEC_NAME_SIZE - 2] = (char)0xe2;
	cr_expect_eq(spec_check_name("pool", name, &err), -1);
	name[SPEC_NAME_SIZE - 2] = (char)0xa4;
	name[SPEC_NAME_SIZE - 3] = (char)0xc3;
	cr_expect_eq(spec_check_name("pool", name, &err), 0);
}

Test(spec, good_ones_pass)
{
	struct listener_spec s = tcp_spec();
	struct err err = { 0 };

	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
	s.port = 0;
	s.workers = SPEC_WORKERS_AUTO;
	s.backlog = 1;
	s.mode = 0;
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
	s.port = 65535;
	s.workers = SPEC_WORKERS_MAX;
	s.backlog = 65535;
	s.mode = 0777;
	s.protocol = PROTOCOL_DISCARD;
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
	(void)snprintf(s.address, sizeof(s.address), "fe80::1%%1");
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
	s = unix_spec();
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
	memset(s.path + 1, 'x', sizeof(s.path) - 2);
	s.path[sizeof(s.path) - 1] = '\0';
	cr_expect_eq(spec_check(&s, &err), 0, "%s", err.text);
}

enum broken_part {
	NAME_EMPTY,
	NAME_WITHOUT_END,
	NAME_BAD,
	POOL_EMPTY,
	POOL_WITHOUT_END,
	POOL_BAD,
	ADDRESS_WITHOUT_END,
	ADDRESS_BAD,
	ADDRESS_EMPTY,
	PATH_WITHOUT_END,
	PATH_WITH_TCP,
	PATH_EMPTY,
	PATH_RELATIVE,
	TRANSPORT_OUT_OF_RANGE,
	TRANSPORT_LARGEST,
	PROTOCOL_OUT_OF_RANGE,
	PROTOCOL_LARGEST,
	WORKERS_OVER,
	WORKERS_LARGEST,
	BACKLOG_ZERO,
	BACKLOG_OVER,
	BACKLOG_LARGEST,
	MODE_OVER,
	MODE_LARGEST,
	BROKEN_PARTS
};

static struct listener_spec
broken_spec(enum broken_part part)
{
	struct listener_spec s = part == PATH_EMPTY || part == PATH_RELATIVE
	    ? unix_spec()
	    : tcp_spec();

	switch (part) {
	case NAME_EMPTY:
		s.name[0] = '\0';
		break;
	case NAME_WITHOUT_END:
		memset(s.name, 'x', sizeof(s.name));
		break;
	case NAME_BAD:
		s.name[0] = '/';
		break;
	case POOL_EMPTY:
		s.pool[0] = '\0';
		break;
	case POOL_WITHOUT_END:
		memset(s.pool, 'x', sizeof(s.pool));
		break;
	case POOL_BAD:
		s.pool[0] = '\n';
		break;
	case ADDRESS_WITHOUT_END:
		memset(s.address, '1', sizeof(s.address));
		break;
	case ADDRESS_BAD:
		(void)snprintf(s.address, sizeof(s.address), "localhost");
		break;
	case ADDRESS_EMPTY:
		s.address[0] = '\0';
		break;
	case PATH_WITHOUT_END:
		memset(s.path, '/', sizeof(s.path));
		s.transport = TRANSPORT_UNIX;
		break;
	case PATH_WITH_TCP:
		s.path[0] = '/';
		break;
	case PATH_EMPTY:
		s.path[0] = '\0';
		break;
	case PATH_RELATIVE:
		(void)snprintf(s.path, sizeof(s.path), "run/pos.sock");
		break;
	case TRANSPORT_OUT_OF_RANGE:
		s.transport = TRANSPORT_COUNT;
		break;
	case TRANSPORT_LARGEST:
		s.transport = UINT8_MAX;
		break;
	case PROTOCOL_OUT_OF_RANGE:
		s.protocol = PROTOCOL_COUNT;
		break;
	case PROTOCOL_LARGEST:
		s.protocol = UINT8_MAX;
		break;
	case WORKERS_OVER:
		s.workers = SPEC_WORKERS_MAX + 1;
		break;
	case WORKERS_LARGEST:
		s.workers = UINT32_MAX;
		break;
	case BACKLOG_ZERO:
		s.backlog = 0;
		break;
	case BACKLOG_OVER:
		s.backlog = 65536;
		break;
	case BACKLOG_LARGEST:
		s.backlog = UINT32_MAX;
		break;
	case MODE_OVER:
		s.mode = 01000;
		break;
	case MODE_LARGEST:
		s.mode = UINT32_MAX;
		break;
	case BROKEN_PARTS:
		break;
	}
	return s;
}

Test(spec, broken_ones_are_refused)
{
	struct listener_spec s;
	struct err err;
	unsigned int part;

	for (part = 0; part < BROKEN_PARTS; part++) {
		s = broken_spec((enum broken_part)part);
		memset(&err, 0, sizeof(err));
		cr_expect_eq(spec_check(&s, &err), -1, "part %u", part);
		cr_expect_eq(err.code, ERR_INVALID, "part %u", part);
		cr_expect_neq(err.text[0], '\0', "part %u", part);
	}
	s = broken_spec(BROKEN_PARTS);
	cr_expect_eq(spec_check(&s, &err), 0, "the rest is good");
}

/* A change of one option, and only of it. */
static void
change(struct listener_spec *s, enum listener_option id)
{
	switch (id) {
	case OPT_ADDRESS:
		(void)snprintf(s->address, sizeof(s->address), "127.0.0.1");
		break;
	case OPT_PORT:
		s->port++;
		break;
	case OPT_PATH:
		(void)snprintf(s->path, sizeof(s->path), "/other");
		break;
	case OPT_MODE:
		s->mode = 0600;
		break;
	case OPT_OWNER:
		s->owner = 7;
		break;
	case OPT_GROUP:
		s->group = 7;
		break;
	case OPT_TRANSPORT:
		s->transport = TRANSPORT_UNIX;
		break;
	case OPT_PROTOCOL:
		s->protocol = PROTOCOL_DISCARD;
		break;
	case OPT_POOL:
		(void)snprintf(s->pool, sizeof(s->pool), "shared");
		break;
	case OPT_WORKERS:
		s->workers++;
		break;
	case OPT_BACKLOG:
		s->backlog++;
		break;
	case OPT_NODELAY:
		s->nodelay = 0;
		break;
	case OPT_KEEPALIVE:
		s->keepalive.count++;
		break;
	case OPT_DRAIN_TIMEOUT:
		s->drain_timeout_ms++;
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
		s->proxy_protocol = PROXY_PROTOCOL_ANY;
		break;
	case OPT_PROXY:
	case OPT_EXEC:
	case OPT_MODULE:
		s->bulks[BULK_PROTOCOL_PLAN].digest++;
		break;
	case OPT_USER:
		s->worker_uid = 7;
		s->worker_gid = 7;
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

/* A section goes with its protocol only. */
static struct listener_spec
with_section(struct listener_spec s, enum listener_option id)
{
	unsigned int protocol;

	for (protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
		if (spec_section_of(protocol) == id) {
			s.protocol = (uint8_t)protocol;
			s.bulks[BULK_PROTOCOL].size = 2;
			s.bulks[BULK_PROTOCOL_PLAN].size = 100;
		}
	return s;
}

struct option_case {
	enum listener_option id;
	char name[24];
	bool live;
};

ParameterizedTestParameters(spec, options)
{
	static struct option_case cases[] = {
		{ OPT_ADDRESS, "address", false },
		{ OPT_PORT, "port", false },
		{ OPT_PATH, "path", false },
		{ OPT_MODE, "mode", true },
		{ OPT_OWNER, "owner", true },
		{ OPT_GROUP, "group", true },
		{ OPT_TRANSPORT, "transport", false },
		{ OPT_PROTOCOL, "protocol", false },
		{ OPT_POOL, "pool", false },
		{ OPT_WORKERS, "workers", false },
		{ OPT_BACKLOG, "backlog", true },
		{ OPT_NODELAY, "nodelay", true },
		{ OPT_KEEPALIVE, "keepalive", true },
		{ OPT_DRAIN_TIMEOUT, "drain_timeout", true },
		{ OPT_BIND_ATTEMPTS, "bind_attempts", true },
		{ OPT_BIND_BACKOFF, "bind_backoff", true },
		{ OPT_BIND_BACKOFF_MAX, "bind_backoff_max", true },
		{ OPT_REQUIRED, "required", true },
		{ OPT_RESTART, "restart", true },
		{ OPT_MAX_RESTARTS, "max_restarts", true },
		{ OPT_MAX_SECONDS, "max_seconds", true },
		{ OPT_HANG_TIMEOUT, "hang_timeout", true },
		{ OPT_RECORD_CONNECTIONS, "record_connections", true },
		{ OPT_HEALTH_PORT, "health_port", true },
		{ OPT_MAX_CONNECTIONS, "max_connections", true },
		{ OPT_OVERFLOW, "overflow", true },
		{ OPT_ACCEPT_RATE, "accept_rate", true },
		{ OPT_ACCEPT_BURST, "accept_burst", true },
		{ OPT_IDLE_TIMEOUT, "idle_timeout", true },
		{ OPT_MAX_LIFETIME, "max_lifetime", true },
		{ OPT_USER_TIMEOUT, "user_timeout", true },
		{ OPT_HANDSHAKE_TIMEOUT, "handshake_timeout", true },
		{ OPT_ALLOW, "allow", true },
		{ OPT_DENY, "deny", true },
		{ OPT_PROBES, "probes", true },
		{ OPT_PROXY_PROTOCOL, "proxy_protocol", true },
		{ OPT_PROXY_TRUSTED, "proxy_trusted", true },
		{ OPT_TLS, "tls", true },
		{ OPT_PROXY, "proxy", true },
		{ OPT_EXEC, "exec", true },
		{ OPT_MODULE, "module", true },
		{ OPT_USER, "user", false },
	};

	_Static_assert(COUNT(cases) == LISTENER_OPTION_COUNT,
	    "a new option needs a row here and in change()");
	return cr_make_param_array(struct option_case, cases, COUNT(cases));
}

ParameterizedTest(struct option_case *k, spec, options)
{
	const bool of_unix = k->live && (OF_UNIX & OPTION_BIT(k->id)) != 0;
	const option_set others = (of_unix ? OF_TCP : OF_UNIX) | SECTIONS;
	const struct listener_spec a =
	    with_section(of_unix ? unix_spec() : tcp_spec(), k->id);
	struct listener_spec b = a, to = a;
	struct err err = { 0 };
	unsigned int id;

	cr_expect_str_eq(spec_option_name(k->id), k->name);
	cr_expect_eq(spec_option_is_live(k->id), k->live);
	change(&b, k->id);
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		cr_expect_eq(
		    spec_option_equal((enum listener_option)id, &a, &b),
		    id != (unsigned int)k->id, "%s",
		    spec_option_name((enum listener_option)id));

	/* Not in the set: not looked at. */
	cr_expect_eq(spec_merge(&to, &b, ~(others | OPTION_BIT(k->id)), &err),
	    0);
	cr_expect_eq(memcmp(&to, &a, sizeof(to)), 0);

	if (k->live) {
		cr_expect_eq(spec_merge(&to, &b, OPTION_BIT(k->id), &err), 0);
		cr_expect_eq(memcmp(&to, &b, sizeof(to)), 0);
		return;
	}
	cr_expect_eq(spec_merge(&to, &b, OPTION_BIT(k->id), &err), -1);
	cr_expect_eq(err.code, ERR_INVALID);
	cr_expect_eq(strncmp(err.text, k->name, strlen(k->name)), 0, "%s",
	    err.text);
	cr_expect_eq(memcmp(&to, &a, sizeof(to)), 0);
}

Test(spec, a_health_port_is_not_the_port)
{
	struct listener_spec tcp = tcp_spec(), path = unix_spec();
	struct err err = { 0 };

	tcp.health_port = tcp.port;
	cr_expect_eq(spec_check(&tcp, &err), -1);
	cr_expect_eq(strncmp(err.text, "health_port: ", 13), 0, "%s", err.text);
	cr_expect_str_eq(spec_health_address(&tcp), tcp.address);
	tcp.health_port++;
	cr_expect_eq(spec_check(&tcp, &err), 0, "%s", err.text);
	path.health_port = 9100;
	cr_expect_eq(spec_check(&path, &err), 0, "%s", err.text);
	cr_expect_str_eq(spec_health_address(&path), "127.0.0.1");
}

struct section_case {
	enum protocol_id protocol;
	uint32_t section, plan, upstream; /* sizes */
	const char *wrong;                /* NULL: nothing */
};

Test(spec, a_section_goes_with_its_protocol)
{
	static const struct section_case cases[] = {
		{ PROTOCOL_ECHO, 0, 0, 0, NULL },
		{ PROTOCOL_ECHO, 2, 100, 0, "protocol: " },
		{ PROTOCOL_DISCARD, 0, 100, 0, "protocol: " },
		{ PROTOCOL_PROXY, 2, 100, 0, NULL },
		{ PROTOCOL_PROXY, 2, 100, 9, NULL },
		{ PROTOCOL_PROXY, 0, 0, 0, "proxy.upstreams: is missing: " },
		{ PROTOCOL_PROXY, 2, 0, 0, "proxy.upstreams: is missing: " },
		{ PROTOCOL_EXEC, 2, 100, 0, NULL },
		{ PROTOCOL_EXEC, 0, 0, 0, "exec.command: is missing: " },
		{ PROTOCOL_EXEC, 2, 100, 9, "proxy.tls: " },
		{ PROTOCOL_MODULE, 2, 100, 0, NULL },
		{ PROTOCOL_MODULE, 0, 0, 0, "module.path: is missing: " },
	};
	struct listener_spec s;
	struct err err;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		const struct section_case *k = &cases[i];

		s = tcp_spec();
		s.protocol = (uint8_t)k->protocol;
		s.bulks[BULK_PROTOCOL].size = k->section;
		s.bulks[BULK_PROTOCOL_PLAN].size = k->plan;
		s.bulks[BULK_UPSTREAM_TLS].size = k->upstream;
		err.text[0] = '\0';
		cr_expect_eq(spec_check(&s, &err), k->wrong == NULL ? 0 : -1,
		    "case %zu: %s", i, err.text);
		if (k->wrong != NULL)
			cr_expect_eq(
			    strncmp(err.text, k->wrong, strlen(k->wrong)), 0,
			    "case %zu: %s", i, err.text);
	}
}

Test(spec, a_section_of_another_protocol_is_refused)
{
	struct listener_spec to = with_section(tcp_spec(), OPT_PROXY);
	const struct listener_spec from = with_section(tcp_spec(), OPT_EXEC);
	struct err err;

	cr_expect_eq(spec_merge(&to, &from, OPTION_BIT(OPT_EXEC), &err), -1);
	cr_expect_str_eq(err.text, "exec: goes with protocol = \"exec\" only");
	cr_expect(!spec_option_equal(OPT_PROXY, &to, &from) ||
	    memcmp(to.proxy, from.proxy, sizeof(to.proxy)) == 0);
	cr_expect_eq(
	    spec_check_sections(PROTOCOL_PROXY, OPTION_BIT(OPT_PROXY), &err),
	    0);
	cr_expect_eq(
	    spec_check_sections(PROTOCOL_ECHO, OPTION_BIT(OPT_MODULE), &err),
	    -1);
}

Test(spec, merge_is_all_or_nothing)
{
	const struct listener_spec before = tcp_spec();
	struct listener_spec to = tcp_spec(), from = tcp_spec();
	struct err err;

	change(&from, OPT_BACKLOG);
	change(&from, OPT_WORKERS);
	cr_expect_eq(spec_merge(&to, &from,
			 OPTION_BIT(OPT_BACKLOG) | OPTION_BIT(OPT_WORKERS),
			 &err),
	    -1);
	cr_expect_eq(memcmp(&to, &before, sizeof(to)), 0);
}

/* Who names a bound option with the value that it has, changes nothing. */
Test(spec, merge_takes_what_stays_the_same)
{
	struct listener_spec to = tcp_spec(), from = tcp_spec();
	struct err err = { 0 };

	change(&from, OPT_KEEPALIVE);
	change(&from, OPT_NODELAY);
	cr_expect_eq(spec_merge(&to, &from, ~(OF_UNIX | SECTIONS), &err), 0,
	    "%s", err.text);
	cr_expect_eq(memcmp(&to, &from, sizeof(to)), 0);
}

/* Also with the value that it has: it would be written down, too. */
Test(spec, merge_refuses_options_of_the_other_transport)
{
	struct listener_spec tcp = tcp_spec(), local = unix_spec();
	unsigned int id;
	struct err err;

	for (id = 0; id < LISTENER_OPTION_COUNT; id++) {
		const option_set set = OPTION_BIT(id);
		const struct listener_spec same_tcp = tcp, same_local = local;

		cr_expect_eq(spec_merge(&tcp, &same_tcp, set, &err),
		    set & (OF_UNIX | SECTIONS) ? -1 : 0, "%s",
		    spec_option_name(id));
		cr_expect_eq(spec_merge(&local, &same_local, set, &err),
		    set & (OF_TCP | SECTIONS) ? -1 : 0, "%s",
		    spec_option_name(id));
		if (set & OF_TCP) {
			cr_expect_eq(err.code, ERR_INVALID);
			cr_expect_not_null(strstr(err.text, "does not go with"),
			    "%s", err.text);
			cr_expect_eq(strncmp(err.text, spec_option_name(id),
					 strlen(spec_option_name(id))),
			    0, "%s", err.text);
		}
	}
}

Test(spec, words)
{
	cr_expect_str_eq(transport_name(TRANSPORT_TCP), "tcp");
	cr_expect_str_eq(transport_name(TRANSPORT_UNIX), "unix");
	cr_expect_null(transport_name(TRANSPORT_COUNT));
	cr_expect_null(transport_name(UINT_MAX));
	cr_expect_str_eq(protocol_name(PROTOCOL_ECHO), "echo");
	cr_expect_str_eq(protocol_name(PROTOCOL_DISCARD), "discard");
	cr_expect_null(protocol_name(PROTOCOL_COUNT));
	cr_expect_null(protocol_name(UINT_MAX));
	cr_expect_null(spec_option_name(LISTENER_OPTION_COUNT));
	cr_expect_null(spec_option_name((enum listener_option)UINT_MAX));
}

Test(spec, place_is_for_people)
{
	struct listener_spec s = tcp_spec();
	char got[SPEC_PLACE_SIZE];

	spec_place(&s, s.port, got);
	cr_expect_str_eq(got, "[::]:7007");
	spec_place(&s, 40000, got);
	cr_expect_str_eq(got, "[::]:40000");
	(void)snprintf(s.address, sizeof(s.address), "10.0.0.1");
	spec_place(&s, 0, got);
	cr_expect_str_eq(got, "10.0.0.1:0");
	s = unix_spec();
	spec_place(&s, 7, got);
	cr_expect_str_eq(got, "/run/pos.sock");
	memset(s.path + 1, 'x', sizeof(s.path) - 2);
	s.path[sizeof(s.path) - 1] = '\0';
	spec_place(&s, 0, got);
	cr_expect_str_eq(got, s.path);
}
