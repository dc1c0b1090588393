/*
 * dns: the name resolver of libevent_extra, as a table of its calls.
 *
 * A worker loads it (mercury-dns.so) with the first upstream that is a name,
 * and does without libevent_extra before. Who makes something by a call owns it
 * until the call that frees it, as libevent has it.
 */
#ifndef MERCURY_DNS_DNS_H
#define MERCURY_DNS_DNS_H

#include <stddef.h>

#include <event2/dns.h>

/* What a loader compares, with the size: both sides must be of one build. */
#define DNS_BUILD PACKAGE_NAME " " PACKAGE_VERSION " dns 1"

/* The one symbol of mercury-dns.so: a const struct dns_api. */
#define DNS_SYMBOL "mercury_dns"

struct dns_api {
	char build[64]; /* DNS_BUILD */
	size_t size;    /* of this struct */

	/* Those of <event2/dns.h> whose names end so. */
	struct evdns_base *(*base_new)(struct event_base *, int flags);
	void (*base_free)(struct evdns_base *, int fail_requests);
	int (*resolv_conf_parse)(struct evdns_base *, int flags,
	    const char *path);
	int (*load_hosts)(struct evdns_base *, const char *path);
	int (*nameserver_ip_add)(struct evdns_base *, const char *address);
	int (*set_option)(struct evdns_base *, const char *option,
	    const char *value);
	struct evdns_getaddrinfo_request *(*getaddrinfo)(struct evdns_base *,
	    const char *host, const char *service,
	    const struct evutil_addrinfo *hints, evdns_getaddrinfo_cb, void *);
	void (*getaddrinfo_cancel)(struct evdns_getaddrinfo_request *);
};

/* Linked in, where it is not loaded (tests). */
extern __attribute__((visibility("default"))) const struct dns_api mercury_dns;

#endif /* MERCURY_DNS_DNS_H */
