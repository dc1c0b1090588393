/*
 * tls_module: mercury-tls.so, which has OpenSSL in it: loaded by a worker that
 * gets a TLS listener, never unloaded.
 */
#ifndef MERCURY_POOL_TLS_MODULE_H
#define MERCURY_POOL_TLS_MODULE_H

#include <stdbool.h>

#include "common/err.h"

struct tls_api;

/*
 * Load it from fd, which is borrowed. From then on a core dump of this process
 * has no private keys: nothing is in it. Where it runs as another user than
 * the one who can read the keys (apart), it can't be traced either. Returns
 * NULL with *err, also when the module is of another build.
 */
const struct tls_api *tls_module_load(int fd, bool apart, struct err *err);

#endif /* MERCURY_POOL_TLS_MODULE_H */
