#include "common/proxy_plan.h"

#include <stdbool.h>
#include <string.h>

#define WORDS(LIST)     \
	{               \
		LIST(X) \
	}
#define X(NAME, WORD) WORD,
const char *const balance_words[BALANCE_COUNT] = WORDS(BALANCES);
const char *const check_words[CHECK_COUNT] = WORDS(CHECKS);
const char *const send_proxy_words[SEND_PROXY_COUNT] = WORDS(SEND_PROXIES);
const char *const upstream_mode_words[UPSTREAM_MODE_COUNT] =
    WORDS(UPSTREAM_MODES);
#undef X

/* Has a text an end, within its array of size bytes? */
static bool
ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int
check_upstream(const struct upstream_plan *u, struct err *err)
{
	if (!ends(u->name, sizeof(u->name)) ||
	    !ends(u->host, sizeof(u->host)) || u->name[0] == '\0' ||
	    u->host[0] == '\0')
		return err_set(err, ERR_INVALID,
		    "proxy.upstreams: a text is empty or does not end");
	if (u->kind >= UPSTREAM_KIND_COUNT || u->backup > 1 || u->weight < 1 ||
	    u->weight > UPSTREAM_WEIGHT_MAX ||
	    (u->kind == UPSTREAM_UNIX) != (u->port == 0))
		return err_set(err, ERR_INVALID,
		    "proxy.upstreams: a value of %s is out of range", u->name);
	return 0;
}

static int
check_upstreams(const struct proxy_plan *p, struct err *err)
{
	uint32_t i, k;

	for (i = 0; i < p->upstreams_count; i++) {
		if (check_upstream(&p->upstreams[i], err) == -1)
			return -1;
		for (k = 0; k < i; k++)
			if (strcmp(p->upstreams[i].name,
				p->upstreams[k].name) == 0)
				return err_set(err, ERR_INVALID,
				    "proxy.upstreams: %s is given twice",
				    p->upstreams[i].name);
	}
	return 0;
}

static int
check_texts(const struct proxy_plan *p, struct err *err)
{
	uint32_t i;

	if (p->check_send.size > sizeof(p->check_send.bytes) ||
	    p->check_expect.size > sizeof(p->check_expect.bytes) ||
	    !ends(p->server_name, sizeof(p->server_name)))
		return err_set(err, ERR_INVALID, "proxy: a text does not end");
	for (i = 0; i < RESOLVERS_MAX; i++)
		if (!ends(p->resolvers[i], sizeof(p->resolvers[i])))
			return err_set(err, ERR_INVALID,
			    "proxy.resolvers: does not end");
	return 0;
}

int
proxy_plan_check(const struct proxy_plan *p, size_t size, struct err *err)
{
	if (size < sizeof(*p) || p->upstreams_count < 1 ||
	    p->upstreams_count > UPSTREAMS_MAX ||
	    size != proxy_plan_size(p->upstreams_count))
		return err_set(err, ERR_INVALID, "proxy: has another size");
	if (p->balance >= BALANCE_COUNT || p->send_proxy >= SEND_PROXY_COUNT ||
	    p->check >= CHECK_COUNT || p->splice > 1)
		return err_set(err, ERR_INVALID,
		    "proxy: balance, send_proxy, check or splice is unknown");
	if (p->connect_timeout_ms == 0 || p->check_interval_ms == 0 ||
	    p->check_timeout_ms == 0 || p->check_rise == 0 ||
	    p->check_fall == 0 || p->resolve_every_ms == 0)
		return err_set(err, ERR_INVALID,
		    "proxy: connect_timeout, check_interval, check_timeout, "
		    "check_rise, check_fall or resolve_every: 0 is too small");
	if (check_texts(p, err) == -1)
		return -1;
	return check_upstreams(p, err);
}
