#include "dns/dns.h"

const struct dns_api mercury_dns = {
	.build = DNS_BUILD,
	.size = sizeof(mercury_dns),
	.base_new = evdns_base_new,
	.base_free = evdns_base_free,
	.resolv_conf_parse = evdns_base_resolv_conf_parse,
	.load_hosts = evdns_base_load_hosts,
	.nameserver_ip_add = evdns_base_nameserver_ip_add,
	.set_option = evdns_base_set_option,
	.getaddrinfo = evdns_getaddrinfo,
	.getaddrinfo_cancel = evdns_getaddrinfo_cancel,
};
