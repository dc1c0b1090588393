/*
 * dns_module: mercury-dns.so, which has libevent_extra in it: loaded by a
 * worker that gets an upstream that is a name, never unloaded.
 */
#ifndef MERCURY_POOL_DNS_MODULE_H
#define MERCURY_POOL_DNS_MODULE_H

#include "common/err.h"

struct dns_api;

/*
 * Load it from fd, which is borrowed. Returns NULL with *err, also when the
 * module is of another build.
 */
const struct dns_api *dns_module_load(int fd, struct err *err);

#endif /* MERCURY_POOL_DNS_MODULE_H */
