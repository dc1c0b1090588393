/*
 * upstream_hello: the PROXY header that tells an upstream whose connection it
 * gets: the device's, as a proxy in front of us says, or as we see it.
 */
#ifndef MERCURY_PROXY_UPSTREAM_HELLO_H
#define MERCURY_PROXY_UPSTREAM_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "common/proxy_plan.h"
#include "pool/proxy_header.h"

struct conn;

/* Write it for this connection. Returns its length; 0 with OFF. */
size_t upstream_hello(const struct conn *, enum send_proxy,
    uint8_t out[static PROXY_V2_MAX]);

#endif /* MERCURY_PROXY_UPSTREAM_HELLO_H */
