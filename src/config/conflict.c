#include "config/conflict.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "config/pool_options.h"

/* Bytes of a place that a message has room for; its end tells the most. */
#define WHERE_BYTES 160

/* A port with an address in the form below. */
#define KEY_SIZE 128

/* An address as far as it says who else can bind the same port. */
struct place {
	bool is_v4;       /* also where it is mapped into IPv6 */
	bool is_wildcard; /* :: takes IPv4, too */
	char text[INET6_ADDRSTRLEN + 16]; /* the same for the same address */
};

/* Returns 0, or -1 when the address is none. */
static int
make_place(const char *address, struct place *p)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct in_addr v4;
	char text[INET6_ADDRSTRLEN];
	union addr a;

	memset(p, 0, sizeof(*p));
	if (addr_parse(address, 0, &a) == 0)
		return -1;
	memcpy(&in, &a, sizeof(in));
	memcpy(&in6, &a, sizeof(in6));
	v4 = in.sin_addr;
	p->is_v4 = a.sa.sa_family == AF_INET;
	if (!p->is_v4 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		p->is_v4 = true;
		memcpy(&v4, &in6.sin6_addr.s6_addr[12], sizeof(v4));
	}
	if (p->is_v4) {
		p->is_wildcard = v4.s_addr == htonl(INADDR_ANY);
		(void)inet_ntop(AF_INET, &v4, p->text, sizeof(p->text));
		return 0;
	}
	p->is_wildcard = IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
	(void)inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
	(void)snprintf(p->text, sizeof(p->text), "%s%%%u", text,
	    in6.sin6_scope_id);
	return 0;
}

/*
 * The keys of a port in taken: one for each address, and the first holder of
 * any IPv4 address, and of any at all.
 */
static void
port_key(uint16_t port, const char *what, char out[static KEY_SIZE])
{
	(void)snprintf(out, KEY_SIZE, "port %u %s", port, what);
}

static const char *
holder(const json_t *taken, uint16_t port, const char *what)
{
	char key[KEY_SIZE];

	port_key(port, what, key);
	return json_string_value(json_object_get(taken, key));
}

/* Who has what a listener at p needs? NULL: nobody. */
static const char *
find_holder(const json_t *taken, uint16_t port, const struct place *p)
{
	const char *who;

	if (p->is_wildcard)
		return holder(taken, port, p->is_v4 ? "v4" : "any");
	who = holder(taken, port, p->text);
	if (who == NULL && p->is_v4)
		who = holder(taken, port, "0.0.0.0");
	return who == NULL ? holder(taken, port, "::%0") : who;
}

static int
out_of_memory(struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, "out of memory");
}

/* The first one stays. */
static int
note(json_t *taken, const char *key, const char *who, struct err *err)
{
	if (json_object_get(taken, key) == NULL &&
	    json_object_set_new(taken, key, json_string(who)) == -1)
		return out_of_memory(err);
	return 0;
}

static int
note_port(json_t *taken, uint16_t port, const char *what, const char *who,
    struct err *err)
{
	char key[KEY_SIZE];

	port_key(port, what, key);
	return note(taken, key, who, err);
}

/* A port that a listener wants, for itself or for health checks. */
struct claim {
	const char *option;
	uint16_t port;
	struct place place;
};

#define CLAIMS_MAX 2

/* Returns how many. */
static size_t
add_claim(struct claim *claims, size_t count, const struct claim *c,
    const char *address)
{
	claims[count] = *c;
	/* Of 0 the kernel makes another one each time. */
	if (c->port == 0 || make_place(address, &claims[count].place) == -1)
		return count;
	return count + 1;
}

static size_t
claims_of(const struct listener_spec *spec, struct claim claims[CLAIMS_MAX])
{
	const struct claim own = { .option = "port", .port = spec->port };
	const struct claim health = { .option = "health_port",
		.port = spec->health_port };
	size_t count = 0;

	if (spec->transport != TRANSPORT_UNIX)
		count = add_claim(claims, count, &own, spec->address);
	return add_claim(claims, count, &health, spec_health_address(spec));
}

static int
check_port(const json_t *taken, const struct claim *c, struct err *err)
{
	const char *before = find_holder(taken, c->port, &c->place);

	if (before == NULL)
		return 0;
	return err_set(err, ERR_INVALID, "%s: %u is taken by %s already",
	    c->option, c->port, before);
}

static int
take_port(json_t *taken, const struct claim *c, const char *who,
    struct err *err)
{
	const struct place *p = &c->place;

	if (note_port(taken, c->port, p->text, who, err) == -1 ||
	    note_port(taken, c->port, "any", who, err) == -1)
		return -1;
	/* :: takes IPv4, too, and so keeps 0.0.0.0 away. */
	if (p->is_v4 || p->is_wildcard)
		return note_port(taken, c->port, "v4", who, err);
	return 0;
}

static int
take_path(json_t *taken, const struct listener_spec *spec, const char *who,
    struct err *err)
{
	char key[sizeof(spec->path) + 8];
	const char *before;

	(void)snprintf(key, sizeof(key), "path %s", spec->path);
	before = json_string_value(json_object_get(taken, key));
	if (before != NULL)
		return err_set(err, ERR_INVALID,
		    "path: %s is taken by %s already", spec->path, before);
	return note(taken, key, who, err);
}

/* An option of a pool in taken. */
#define POOL_KEY_SIZE (SPEC_NAME_SIZE + 32)

static void
pool_key(const struct listener_spec *spec, enum listener_option id,
    char out[static POOL_KEY_SIZE])
{
	(void)snprintf(out, POOL_KEY_SIZE, "%s of pool %s",
	    spec_option_name(id), spec->pool);
}

/* Does another listener say something else of the same pool? */
static int
check_pool(const json_t *taken, const struct listener_spec *spec,
    enum listener_option id, struct err *err)
{
	char key[POOL_KEY_SIZE], wants[OPTION_VALUE_SIZE];
	const char *has;
	const json_t *said;

	pool_key(spec, id, key);
	said = json_object_get(taken, key);
	if (said == NULL)
		return 0;
	pool_options_text(spec, id, wants);
	has = json_string_value(json_object_get(said, "value"));
	if (strcmp(has, wants) == 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "%s: pool %s can't have %s: %s wants %s", spec_option_name(id),
	    spec->pool, wants, json_string_value(json_object_get(said, "who")),
	    has);
}

static int
note_pool(json_t *taken, const struct listener_spec *spec,
    enum listener_option id, const char *who, struct err *err)
{
	char key[POOL_KEY_SIZE], value[OPTION_VALUE_SIZE];

	pool_key(spec, id, key);
	pool_options_text(spec, id, value);
	if (json_object_get(taken, key) == NULL &&
	    json_object_set_new(taken, key,
		json_pack("{s:s, s:s}", "who", who, "value", value)) == -1)
		return out_of_memory(err);
	return 0;
}

/* "listener "a" at FILE:LINE", as far as it fits. */
#define WHO_SIZE (SPEC_NAME_SIZE + WHERE_BYTES + 32)

static void
tell_who(const char *what, const char *where, char out[static WHO_SIZE])
{
	const size_t len = strlen(where);
	const bool cut = len > WHERE_BYTES;

	(void)snprintf(out, WHO_SIZE, "%s at %s%s", what, cut ? "..." : "",
	    cut ? where + len - WHERE_BYTES : where);
}

int
conflict_take_gateway(json_t *taken, const struct gateway_settings *s,
    const char *where, struct err *err)
{
	char who[WHO_SIZE];
	struct claim c;
	unsigned int i;

	tell_who("the gateway", where, who);
	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++) {
		c = (struct claim){ .option = gateway_socket_name(i),
			.port = s->places[i].port };
		if (add_claim(&c, 0, &c, s->places[i].address) == 0)
			continue;
		if (check_port(taken, &c, err) == -1 ||
		    take_port(taken, &c, who, err) == -1)
			return -1;
	}
	return 0;
}

int
conflict_take(json_t *taken, const struct listener_spec *spec, option_set set,
    const char *where, struct err *err)
{
	char what[SPEC_NAME_SIZE + 16], who[WHO_SIZE];
	struct claim claims[CLAIMS_MAX];
	const size_t ports = claims_of(spec, claims);
	int result = 0;
	size_t i;

	(void)snprintf(what, sizeof(what), "listener \"%s\"", spec->name);
	tell_who(what, where, who);
	for (i = 0; i < POOL_OPTION_COUNT; i++)
		if ((set & OPTION_BIT(pool_options[i])) &&
		    check_pool(taken, spec, pool_options[i], err) == -1)
			return -1;
	for (i = 0; i < ports; i++)
		if (check_port(taken, &claims[i], err) == -1)
			return -1;
	if (spec->transport == TRANSPORT_UNIX)
		result = take_path(taken, spec, who, err);
	for (i = 0; result == 0 && i < ports; i++)
		result = take_port(taken, &claims[i], who, err);
	for (i = 0; result == 0 && i < POOL_OPTION_COUNT; i++)
		if (set & OPTION_BIT(pool_options[i]))
			result =
			    note_pool(taken, spec, pool_options[i], who, err);
	return result;
}
