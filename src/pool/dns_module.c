#include "pool/dns_module.h"

#include "dns/dns.h"
#include "pool/loaded.h"

const struct dns_api *
dns_module_load(int fd, struct err *err)
{
	static const struct loaded_wish wish = { .what = "DNS",
		.symbol = DNS_SYMBOL,
		.build = DNS_BUILD,
		.size = sizeof(struct dns_api) };

	return loaded_table(fd, &wish, err);
}
