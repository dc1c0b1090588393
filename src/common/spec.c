#include "common/spec.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/utf8.h"

/* What the supervisor must know of an option to merge an update. */
enum change { CHANGE_BOUND, CHANGE_LIVE };

static const struct {
	const char *name;
	size_t offset;
	size_t size;
	enum change change;
} options[LISTENER_OPTION_COUNT] = {
#define LISTENER_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, CHANGE, DEFAULT, \
    HELP)                                                                  \
	[OPT_##ID] = { NAME, offsetof(struct listener_spec, MEMBER),       \
		sizeof(((struct listener_spec *)0)->MEMBER),               \
		CHANGE_##CHANGE },
#include "common/option_list.h"
};

const char *const transport_words[TRANSPORT_COUNT] = {
#define X(NAME, WORD) WORD,
	TRANSPORTS(X)
#undef X
};

const char *const protocol_words[PROTOCOL_COUNT] = {
#define X(NAME, WORD) WORD,
	PROTOCOLS(X)
#undef X
};

const char *const restart_words[RESTART_COUNT] = {
#define X(NAME, WORD) WORD,
	RESTARTS(X)
#undef X
};

const char *const overflow_words[OVERFLOW_COUNT] = {
#define X(NAME, WORD) WORD,
	OVERFLOWS(X)
#undef X
};

const char *const proxy_protocol_words[PROXY_PROTOCOL_COUNT] = {
#define X(NAME, WORD) WORD,
	PROXY_PROTOCOLS(X)
#undef X
};

const char *const strategy_words[STRATEGY_COUNT] = {
#define X(NAME, WORD) WORD,
	STRATEGIES(X)
#undef X
};

const char *
restart_name(unsigned int id)
{
	return id < RESTART_COUNT ? restart_words[id] : NULL;
}

const char *
overflow_name(unsigned int id)
{
	return id < OVERFLOW_COUNT ? overflow_words[id] : NULL;
}

const char *
proxy_protocol_name(unsigned int id)
{
	return id < PROXY_PROTOCOL_COUNT ? proxy_protocol_words[id] : NULL;
}

const char *
strategy_name(unsigned int id)
{
	return id < STRATEGY_COUNT ? strategy_words[id] : NULL;
}

const char *
transport_name(unsigned int id)
{
	return id < TRANSPORT_COUNT ? transport_words[id] : NULL;
}

const char *
protocol_name(unsigned int id)
{
	return id < PROTOCOL_COUNT ? protocol_words[id] : NULL;
}

int
spec_check_name(const char *what, const char *name, struct err *err)
{
	const char *p = name;
	size_t n;

	if (*p == '\0')
		return err_set(err, ERR_INVALID, "%s is empty", what);
	if (strlen(name) >= SPEC_NAME_SIZE)
		return err_set(err, ERR_INVALID, "%s is longer than 64 bytes",
		    what);
	for (; *p != '\0'; p += n) {
		n = utf8_length(p);
		if (n == 0 || *p == '/')
			return err_set(err, ERR_INVALID,
			    "%s may not contain control characters, \"/\" "
			    "or bytes that are not UTF-8",
			    what);
	}
	return 0;
}

/* Does text end within its array of size bytes? */
static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int
check_place(const struct listener_spec *s, struct err *err)
{
	union addr a;

	if (s->transport == TRANSPORT_UNIX) {
		if (s->path[0] != '/')
			return err_set(err, ERR_INVALID,
			    "path: must be absolute");
		return 0;
	}
	if (s->path[0] != '\0')
		return err_set(err, ERR_INVALID,
		    "transport: %s does not go with path",
		    transport_name(s->transport));
	if (addr_parse(s->address, s->port, &a) == 0)
		return err_set(err, ERR_INVALID,
		    "address: \"%s\" is not a numeric address", s->address);
	return 0;
}

int
spec_check_backoff(const struct listener_spec *s, struct err *err)
{
	if (s->bind_backoff_max_ms >= s->bind_backoff_ms)
		return 0;
	return err_set(err, ERR_INVALID,
	    "bind_backoff_max: %u ms is less than the %u ms of bind_backoff",
	    s->bind_backoff_max_ms, s->bind_backoff_ms);
}

const char *
spec_health_address(const struct listener_spec *s)
{
	return s->transport == TRANSPORT_UNIX ? "127.0.0.1" : s->address;
}

int
spec_check_health_port(const struct listener_spec *s, struct err *err)
{
	if (s->health_port == 0 || s->health_port != s->port ||
	    s->transport == TRANSPORT_UNIX)
		return 0;
	return err_set(err, ERR_INVALID,
	    "health_port: %u is the port of the listener itself",
	    s->health_port);
}

int
spec_check_proxy(const struct listener_spec *s, struct err *err)
{
	if (s->proxy_protocol == PROXY_PROTOCOL_OFF ||
	    s->transport == TRANSPORT_UNIX ||
	    s->bulks[BULK_PROXY_TRUSTED].size > 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "proxy_trusted: is missing: proxy_protocol needs the addresses "
	    "of the proxies, such as \"10.0.0.5\"");
}

int
spec_check_tls(const struct listener_spec *s, struct err *err)
{
	const bool has_section = s->bulks[BULK_TLS].size > 0;

	if (has_section == (s->transport == TRANSPORT_TLS))
		return 0;
	return err_set(err, ERR_INVALID,
	    has_section ? "tls: goes with transport = \"tls\" only"
			: "tls: is missing: transport \"tls\" needs a "
			  "certificate and its key: tls.cert and tls.key");
}

enum listener_option
spec_section_of(unsigned int protocol)
{
	switch (protocol) {
	case PROTOCOL_PROXY:
		return OPT_PROXY;
	case PROTOCOL_EXEC:
		return OPT_EXEC;
	case PROTOCOL_MODULE:
		return OPT_MODULE;
	default:
		return LISTENER_OPTION_COUNT;
	}
}

/* What a section can't do without, for a message. */
static const char *
key_of(enum listener_option section)
{
	return section == OPT_PROXY ? "upstreams"
	    : section == OPT_EXEC   ? "command"
				    : "path";
}

int
spec_check_section(const struct listener_spec *s, struct err *err)
{
	const enum listener_option section = spec_section_of(s->protocol);
	const bool wanted = section != LISTENER_OPTION_COUNT;

	if (wanted &&
	    (s->bulks[BULK_PROTOCOL].size == 0 ||
		s->bulks[BULK_PROTOCOL_PLAN].size == 0))
		return err_set(err, ERR_INVALID,
		    "%s.%s: is missing: protocol \"%s\" needs it",
		    options[section].name, key_of(section),
		    protocol_name(s->protocol));
	if (!wanted &&
	    (s->bulks[BULK_PROTOCOL].size > 0 ||
		s->bulks[BULK_PROTOCOL_PLAN].size > 0))
		return err_set(err, ERR_INVALID,
		    "protocol: \"%s\" has no section",
		    protocol_name(s->protocol));
	if (s->bulks[BULK_UPSTREAM_TLS].size > 0 &&
	    s->protocol != PROTOCOL_PROXY)
		return err_set(err, ERR_INVALID,
		    "proxy.tls: goes with protocol = \"proxy\" only");
	return 0;
}

int
spec_check_sections(unsigned int protocol, option_set set, struct err *err)
{
	enum listener_option section;
	unsigned int id;

	for (id = 0; id < PROTOCOL_COUNT; id++) {
		section = spec_section_of(id);
		if (id != protocol && section != LISTENER_OPTION_COUNT &&
		    (set & OPTION_BIT(section)))
			return err_set(err, ERR_INVALID,
			    "%s: goes with protocol = \"%s\" only",
			    options[section].name, protocol_words[id]);
	}
	return 0;
}

int
spec_check(const struct listener_spec *s, struct err *err)
{
	if (!ends(s->name, sizeof(s->name)) ||
	    !ends(s->pool, sizeof(s->pool)) ||
	    !ends(s->address, sizeof(s->address)) ||
	    !ends(s->path, sizeof(s->path)))
		return err_set(err, ERR_INVALID, "a string is not terminated");
	if (spec_check_name("listener name", s->name, err) == -1 ||
	    spec_check_name("pool", s->pool, err) == -1)
		return -1;
	if (s->transport >= TRANSPORT_COUNT || s->protocol >= PROTOCOL_COUNT ||
	    s->restart >= RESTART_COUNT || s->overflow >= OVERFLOW_COUNT ||
	    s->proxy_protocol >= PROXY_PROTOCOL_COUNT)
		return err_set(err, ERR_INVALID,
		    "transport, protocol, restart, overflow or proxy_protocol "
		    "is unknown");
	if (s->bind_attempts == 0 || s->bind_backoff_ms == 0 ||
	    s->max_seconds == 0 || s->hang_timeout_ms == 0 ||
	    s->handshake_timeout_ms == 0)
		return err_set(err, ERR_INVALID,
		    "bind_attempts, bind_backoff, max_seconds, hang_timeout "
		    "or handshake_timeout: 0 is too small");
	if (s->workers > SPEC_WORKERS_MAX)
		return err_set(err, ERR_INVALID, "workers: more than %u",
		    SPEC_WORKERS_MAX);
	if (s->backlog < 1 || s->backlog > 65535 || s->mode > 0777)
		return err_set(err, ERR_INVALID, "backlog or mode: too large");
	if (spec_check_backoff(s, err) == -1 ||
	    spec_check_health_port(s, err) == -1 ||
	    spec_check_proxy(s, err) == -1 || spec_check_tls(s, err) == -1 ||
	    spec_check_section(s, err) == -1)
		return -1;
	return check_place(s, err);
}

bool
spec_option_is_live(enum listener_option id)
{
	return options[id].change == CHANGE_LIVE;
}

const char *
spec_option_name(enum listener_option id)
{
	return (unsigned int)id < LISTENER_OPTION_COUNT ? options[id].name
							: NULL;
}

static void *
member(struct listener_spec *s, enum listener_option id)
{
	return (char *)s + options[id].offset;
}

static const void *
member_const(const struct listener_spec *s, enum listener_option id)
{
	return (const char *)s + options[id].offset;
}

bool
spec_option_equal(enum listener_option id, const struct listener_spec *a,
    const struct listener_spec *b)
{
	if ((id == OPT_PROXY || id == OPT_EXEC || id == OPT_MODULE) &&
	    spec_section_of(a->protocol) != id &&
	    spec_section_of(b->protocol) != id)
		return true;
	return memcmp(member_const(a, id), member_const(b, id),
		   options[id].size) == 0;
}

int
spec_check_set(enum transport_id transport, option_set set, struct err *err)
{
	static const struct {
		enum transport_id transport;
		option_set wrong;
		const char *why;
	} rules[] = {
		{ TRANSPORT_UNIX, OPTION_BIT(OPT_PORT),
		    "does not go with path: a listener has one of them" },
		{ TRANSPORT_UNIX,
		    OPTION_BIT(OPT_ADDRESS) | OPTION_BIT(OPT_NODELAY) |
			OPTION_BIT(OPT_KEEPALIVE) | OPTION_BIT(OPT_ALLOW) |
			OPTION_BIT(OPT_DENY) | OPTION_BIT(OPT_PROBES),
		    "does not go with path: it is for TCP only" },
		{ TRANSPORT_TLS, OPTION_BIT(OPT_PATH),
		    "does not go with port: a listener has one of them" },
		{ TRANSPORT_TLS,
		    OPTION_BIT(OPT_MODE) | OPTION_BIT(OPT_OWNER) |
			OPTION_BIT(OPT_GROUP),
		    "goes with path only: it is for Unix sockets" },
		{ TRANSPORT_TCP, OPTION_BIT(OPT_PATH),
		    "does not go with port: a listener has one of them" },
		{ TRANSPORT_TCP,
		    OPTION_BIT(OPT_MODE) | OPTION_BIT(OPT_OWNER) |
			OPTION_BIT(OPT_GROUP),
		    "goes with path only: it is for Unix sockets" },
	};
	unsigned int id;
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].transport != transport)
			continue;
		for (id = 0; id < LISTENER_OPTION_COUNT; id++)
			if (set & rules[i].wrong & OPTION_BIT(id))
				return err_set(err, ERR_INVALID, "%s: %s",
				    options[id].name, rules[i].why);
	}
	return 0;
}

int
spec_merge(struct listener_spec *to, const struct listener_spec *from,
    option_set set, struct err *err)
{
	unsigned int id;

	if (spec_check_set((enum transport_id)to->transport, set, err) == -1 ||
	    spec_check_sections(to->protocol, set, err) == -1)
		return -1;
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		if ((set & OPTION_BIT(id)) && !spec_option_is_live(id) &&
		    !spec_option_equal(id, to, from))
			return err_set(err, ERR_INVALID,
			    "%s can't change while the listener is bound: "
			    "change the config file and reload, or remove "
			    "the listener and add it again",
			    options[id].name);
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		if (set & OPTION_BIT(id))
			memcpy(member(to, id), member_const(from, id),
			    options[id].size);
	return 0;
}

void
spec_place(const struct listener_spec *s, uint16_t port,
    char out[static SPEC_PLACE_SIZE])
{
	char text[ADDR_TEXT_SIZE];

	if (s->transport == TRANSPORT_UNIX) {
		(void)snprintf(out, SPEC_PLACE_SIZE, "%s", s->path);
		return;
	}
	addr_join(s->address, port, text);
	(void)snprintf(out, SPEC_PLACE_SIZE, "%s", text);
}
