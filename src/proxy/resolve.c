#include "proxy/resolve.h"

#include <sys/param.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <event2/event.h>
#include <event2/util.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "dns/dns.h"
#include "proxy/upstream.h"

/* After a failure, again so soon, unless resolve_every is sooner. */
#define RETRY_MS 2000u

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"

/* Asks certain name servers. */
struct resolver {
	SLIST_ENTRY(resolver) entry;
	struct evdns_base *dns;
	unsigned int users; /* names and look-ups */
	bool stale;         /* what it has read has changed: for nobody new */
	char servers[RESOLVERS_MAX][RESOLVER_SIZE]; /* empty: the system's */
	struct timespec conf_changed; /* when they were, as it read them */
	struct timespec hosts_changed;
};

/* A question that was asked; it outlives the name that asked it. */
struct lookup {
	struct name *name; /* NULL: nobody wants to know any more */
	struct resolver *resolver;
	struct evdns_getaddrinfo_request *request;
};

struct name {
	struct upstream *up;
	struct resolver *resolver;
	struct event *due;
	struct lookup *lookup; /* NULL: none is under way */
	bool failed;
};

static struct {
	const struct dns_api *api; /* NULL: nothing was resolved yet */
	SLIST_HEAD(, resolver) all;
} resolvers = { .all = SLIST_HEAD_INITIALIZER(resolvers.all) };

/* --- resolvers --- */

static void
drop_resolver(struct resolver *r)
{
	if (--r->users > 0)
		return;
	SLIST_REMOVE(&resolvers.all, r, resolver, entry);
	resolvers.api->base_free(r->dns, 0);
	free(r);
}

/* Those whose last user was a look-up are left for us to free. */
static void
free_unused(void)
{
	struct resolver *r, *next;

	SLIST_FOREACH_SAFE(r, &resolvers.all, entry, next)
	if (r->users == 0) {
		r->users = 1;
		drop_resolver(r);
	}
}

static struct timespec
last_change(const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 ? (struct timespec){ 0 } : st.st_mtim;
}

static bool
has_changed(const char *path, const struct timespec *since)
{
	const struct timespec last = last_change(path);

	return last.tv_sec != since->tv_sec || last.tv_nsec != since->tv_nsec;
}

static int
add_servers(struct resolver *r, struct err *err)
{
	size_t i;

	/* Before they are read: what changes meanwhile is seen later. */
	r->conf_changed = last_change(RESOLV_CONF);
	r->hosts_changed = last_change(HOSTS);
	if (r->servers[0][0] == '\0')
		/* Without one it asks this machine, as resolvers do. */
		(void)resolvers.api->resolv_conf_parse(r->dns,
		    DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS |
			DNS_OPTION_MISC,
		    RESOLV_CONF);
	(void)resolvers.api->load_hosts(r->dns, HOSTS);
	for (i = 0; i < RESOLVERS_MAX && r->servers[i][0] != '\0'; i++)
		if (resolvers.api->nameserver_ip_add(r->dns, r->servers[i]) !=
		    0)
			return err_set(err, ERR_INVALID,
			    "proxy.resolvers: %s can't be used", r->servers[i]);
	return 0;
}

static int
set_options(struct evdns_base *dns)
{
	return resolvers.api->set_option(dns, "timeout", "2") == 0 &&
		resolvers.api->set_option(dns, "attempts", "2") == 0 &&
		resolvers.api->set_option(dns, "initial-probe-timeout", "1") ==
		    0
	    ? 0
	    : -1;
}

static struct resolver *
new_resolver(struct event_base *base, const struct proxy_plan *plan,
    struct err *err)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)err_sys(err, "a resolver");
		return NULL;
	}
	memcpy(r->servers, plan->resolvers, sizeof(r->servers));
	r->dns =
	    resolvers.api->base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (r->dns == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "no memory to resolve");
		free(r);
		return NULL;
	}
	if (set_options(r->dns) == -1)
		(void)err_set(err, ERR_INTERNAL, "libevent knows no time-outs");
	else if (add_servers(r, err) == 0) {
		SLIST_INSERT_HEAD(&resolvers.all, r, entry);
		return r;
	}
	resolvers.api->base_free(r->dns, 0);
	free(r);
	return NULL;
}

/* The one for a plan: one user more. Returns NULL with *err. */
static struct resolver *
find_resolver(struct event_base *base, const struct proxy_plan *plan,
    struct err *err)
{
	struct resolver *r;

	free_unused();
	SLIST_FOREACH (r, &resolvers.all, entry)
		if (!r->stale &&
		    memcmp(r->servers, plan->resolvers, sizeof(r->servers)) ==
			0)
			break;
	if (r == NULL)
		r = new_resolver(base, plan, err);
	if (r != NULL)
		r->users++;
	return r;
}

/* The system's resolvers may have become others, and its hosts, too. */
static void
renew_resolver(struct name *n)
{
	struct resolver *r = n->resolver, *fresh;
	struct err err;

	if ((r->servers[0][0] == '\0' &&
		has_changed(RESOLV_CONF, &r->conf_changed)) ||
	    has_changed(HOSTS, &r->hosts_changed))
		r->stale = true;
	if (!r->stale)
		return;
	fresh = find_resolver(upstreams_base(n->up->owner),
	    upstreams_plan(n->up->owner), &err);
	if (fresh == NULL)
		return;
	drop_resolver(r);
	n->resolver = fresh;
}

/* --- names --- */

static void
ask_in(struct name *n, uint32_t ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (event_add(n->due, &tv) == -1)
		log_warning("upstream", n->up->plan.name,
		    "no memory for a timer: it is not resolved again");
}

/* Returns how many there are. */
static uint32_t
take_addresses(const struct upstream *up, const struct evutil_addrinfo *ai,
    struct upstream_address out[static UPSTREAM_ADDRESSES_MAX])
{
	uint32_t count = 0;

	for (; ai != NULL && count < UPSTREAM_ADDRESSES_MAX; ai = ai->ai_next) {
		uint8_t bytes[16];
		struct upstream_address *a = &out[count];

		if (ai->ai_addrlen > sizeof(a->addr))
			continue;
		memset(a, 0, sizeof(*a));
		memcpy(&a->addr, ai->ai_addr, ai->ai_addrlen);
		a->size = (socklen_t)ai->ai_addrlen;
		if (!addr_bytes(&a->addr, bytes))
			continue;
		if (a->addr.sa.sa_family == AF_INET)
			((struct sockaddr_in *)&a->addr.storage)->sin_port =
			    htons(up->plan.port);
		else
			((struct sockaddr_in6 *)&a->addr.storage)->sin6_port =
			    htons(up->plan.port);
		count++;
	}
	return count;
}

/* Say it when it begins, and when it is over; not each time. */
static void
note_result(struct name *n, bool failed, int result)
{
	if (failed && !n->failed)
		log_warning("listener", upstreams_listener(n->up->owner),
		    "upstream %s can't be resolved: %s", n->up->plan.name,
		    result == 0 ? "no address" : evutil_gai_strerror(result));
	else if (!failed && n->failed)
		log_info("listener", upstreams_listener(n->up->owner),
		    "upstream %s is resolved again", n->up->plan.name);
	n->failed = failed;
}

static void
take_answer(struct name *n, int result, const struct evutil_addrinfo *ai)
{
	const struct proxy_plan *plan = upstreams_plan(n->up->owner);
	struct upstream_address found[UPSTREAM_ADDRESSES_MAX];
	uint32_t count = 0;

	if (result == 0)
		count = take_addresses(n->up, ai, found);
	if (count > 0 && upstream_set_addresses(n->up, found, count) == -1)
		count = 0;
	note_result(n, count == 0, result);
	ask_in(n,
	    count == 0 ? MIN(RETRY_MS, plan->resolve_every_ms)
		       : plan->resolve_every_ms);
	upstreams_look(n->up->owner);
}

static void
on_answer(int result, struct evutil_addrinfo *ai, void *arg)
{
	struct lookup *l = arg;
	struct name *n = l->name;
	struct resolver *r = l->resolver;

	free(l);
	if (n != NULL) {
		n->lookup = NULL;
		take_answer(n, result, ai);
	}
	if (ai != NULL)
		evutil_freeaddrinfo(ai);
	/* Not freed from within a call of its own: free_unused() does. */
	r->users--;
}

static void
ask(struct name *n)
{
	const struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP };
	struct evdns_getaddrinfo_request *request;
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		ask_in(n, RETRY_MS);
		return;
	}
	l->name = n;
	l->resolver = n->resolver;
	l->resolver->users++;
	n->lookup = l;
	/* It may answer before it returns; the request is NULL then. */
	request = resolvers.api->getaddrinfo(n->resolver->dns, n->up->plan.host,
	    NULL, &hints, on_answer, l);
	if (request != NULL)
		l->request = request;
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct name *n = arg;

	(void)fd;
	(void)what;
	if (n->lookup != NULL)
		return;
	renew_resolver(n);
	ask(n);
}

static struct name *
new_name(struct upstream *up, struct err *err)
{
	struct name *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		(void)err_sys(err, "a name");
		return NULL;
	}
	n->up = up;
	n->due = event_new(upstreams_base(up->owner), -1, 0, on_due, n);
	if (n->due == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "no memory for a timer");
		free(n);
		return NULL;
	}
	return n;
}

int
resolve_begin(struct upstream *up, struct err *err)
{
	struct resolver *r;

	if (up->plan.kind != UPSTREAM_NAME)
		return 0;
	resolvers.api = upstreams_dns(up->owner);
	if (resolvers.api == NULL)
		return err_set(err, ERR_INTERNAL, "DNS_MODULE comes first");
	r = find_resolver(upstreams_base(up->owner), upstreams_plan(up->owner),
	    err);
	if (r == NULL)
		return -1;
	if (up->name == NULL && (up->name = new_name(up, err)) == NULL) {
		drop_resolver(r);
		return -1;
	}
	if (up->name->resolver != NULL)
		drop_resolver(up->name->resolver);
	up->name->resolver = r;
	ask_in(up->name, 0);
	return 0;
}

void
resolve_end(struct upstream *up)
{
	struct name *n = up->name;

	up->name = NULL;
	if (n == NULL)
		return;
	if (n->lookup != NULL) {
		n->lookup->name = NULL;
		resolvers.api->getaddrinfo_cancel(n->lookup->request);
	}
	event_free(n->due);
	drop_resolver(n->resolver);
	free(n);
}

bool
resolve_failed(const struct upstream *up)
{
	return up->name != NULL && up->name->failed;
}
