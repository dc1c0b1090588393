/*
 * tls_module: mercury-tls.so, which has OpenSSL in it: loaded by a worker that
 * gets a TLS listener, never unloaded.
 */
#ifndef MERCURY_POOL_TLS_MODULE_H
#define MERCURY_POOL_TLS_MODULE_H

#include "common/err.h"

struct tls_api;

/*
 * Load it from fd, which is borrowed. From then on this process leaves no core
 * dump and can't be traced: it will have private keys. Returns NULL with *err,
 * also when the module is of another build.
 */
const struct tls_api *tls_module_load(int fd, struct err *err);

#endif /* MERCURY_POOL_TLS_MODULE_H */
